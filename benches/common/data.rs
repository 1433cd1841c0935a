//! Records in memory: those of the corpus here, the others in `tracekeep_measure::data`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use tracekeep_langfuse::{Mapped, map_line};
use tracekeep_measure::data::Records;

/// The events of `tool-agents.jsonl` or `tool-agents.jsonl.zst` in the folder that
/// `TRACEKEEP_CORPUS` names, mapped; bytes are those of the lines. At most `bytes_max` of them.
pub(crate) fn corpus(bytes_max: u64) -> Option<Records> {
    let folder = std::env::var_os("TRACEKEEP_CORPUS")?;
    let folder = Path::new(&folder);
    let plain = folder.join("tool-agents.jsonl");
    let lines: Box<dyn BufRead> = if plain.exists() {
        Box::new(BufReader::with_capacity(1 << 20, std::fs::File::open(plain).unwrap()))
    } else {
        let file = std::fs::File::open(folder.join("tool-agents.jsonl.zst")).unwrap();
        let mut decoder = zstd::stream::read::Decoder::new(file).unwrap();
        decoder.window_log_max(31).unwrap();
        Box::new(BufReader::with_capacity(1 << 20, decoder))
    };
    let mut all = Records { records: Vec::new(), bytes: 0 };
    for line in lines.split(b'\n') {
        let line = line.unwrap();
        map_line(&line, &mut |mapped| match mapped {
            Ok(Mapped::Record(record)) => all.records.push(record),
            Ok(Mapped::Ignored) => {}
            Err(rejected) => panic!("a line of the corpus was rejected: {rejected}"),
        });
        all.bytes += line.len() as u64 + 1;
        if all.bytes >= bytes_max {
            break;
        }
    }
    Some(all)
}
