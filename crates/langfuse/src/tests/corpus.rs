//! Real traces: every file `*.jsonl.zst` of the folder that `TRACEKEEP_CORPUS` names.

use super::*;
use std::io::{BufRead, BufReader};

#[test]
fn every_real_event_maps_and_comes_back() {
    let Ok(folder) = std::env::var("TRACEKEEP_CORPUS") else {
        println!("SKIPPED: TRACEKEEP_CORPUS names no folder with the corpus");
        return;
    };
    let mut events = 0;
    for name in ["frameworks", "coding-agents", "tool-agents"] {
        let path = std::path::Path::new(&folder).join(format!("{name}.jsonl.zst"));
        #[expect(clippy::disallowed_methods, reason = "a test reads what its caller names")]
        let file = std::fs::File::open(&path).unwrap();
        let mut decoder = zstd::Decoder::new(file).unwrap();
        decoder.window_log_max(31).unwrap();
        for line in BufReader::new(decoder).split(b'\n') {
            for one in lines(&line.unwrap()) {
                let Ok(Mapped::Record(record)) = one else { panic!("{one:?}") };
                back::check(&record);
                events += 1;
            }
        }
    }
    println!("{events} events of {folder}");
    assert_ne!(events, 0);
}
