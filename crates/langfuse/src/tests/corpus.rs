//! Real traces: every file `*.jsonl` of the folder that `TRACEKEEP_CORPUS` names
//! (`zstd -dc --long=31` of the shared data).

use super::*;

#[test]
fn every_real_event_maps_and_comes_back() {
    let Ok(folder) = std::env::var("TRACEKEEP_CORPUS") else {
        println!("skipped: TRACEKEEP_CORPUS names no folder of *.jsonl files");
        return;
    };
    let mut events = 0;
    #[expect(clippy::disallowed_methods, reason = "a test reads what its caller names")]
    let files = std::fs::read_dir(&folder).unwrap();
    for file in files {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        for line in std::fs::read(&path).unwrap().split(|b| *b == b'\n') {
            for one in lines(line) {
                let Ok(Mapped::Record(record)) = one else { panic!("{one:?}") };
                back::check(&record);
                events += 1;
            }
        }
    }
    println!("{events} events of {folder}");
    assert_ne!(events, 0);
}
