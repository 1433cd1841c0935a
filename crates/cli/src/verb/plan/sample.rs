//! The sample as records in memory: of a file of events, or of a store.

use crate::exit::Failure;
use crate::input::{Line, Source};
use crate::progress::Progress;
use crate::verb::{export, open_to_read};
use std::path::Path;
use tracekeep::model::Record;
use tracekeep_langfuse::{Mapped, map_line};

/// Text that is taken, at most: appending and sealing it four times takes a minute or so.
const BYTES_MAX: u64 = 192 << 20;

/// Records of a sample.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) records: Vec<Record>,
    /// Events that no store takes.
    pub(super) rejected: u64,
    /// There was more.
    pub(super) cut: bool,
    bytes: u64,
}

pub(super) fn read(path: &Path) -> Result<Sample, Failure> {
    let mut sample = Sample::default();
    if path.is_dir() {
        let store = open_to_read(path)?;
        let bar = Progress::things("reading", Some(store.stats()?.traces));
        let read = export::events(&store.snapshot(), &bar, &mut |line| {
            sample.add(line);
            // Ends the export; nobody else reads it.
            if sample.bytes > BYTES_MAX { Err(Failure::Pipe) } else { Ok(()) }
        });
        match read {
            Err(Failure::Pipe) => sample.cut = true,
            read => read?,
        }
        return Ok(sample);
    }
    let source = Source::of(path.to_path_buf());
    let unreadable =
        |e: std::io::Error| Failure::usage(format!("{}: cannot be read: {e}", source.name()));
    let total = source.bytes().map_err(unreadable)?;
    let bar = Progress::bytes("reading", total);
    let read = std::sync::Arc::default();
    let mut lines = source.open(&read).map_err(unreadable)?;
    while let Some((line, _)) = lines.next() {
        match line {
            Line::Text(text) => sample.add(text),
            Line::TooLong => sample.rejected += 1,
            Line::Unreadable(why) => {
                return Err(Failure::usage(format!("{}: {why}", source.name())));
            }
        }
        bar.at(read.load(std::sync::atomic::Ordering::Relaxed));
        if sample.bytes > BYTES_MAX {
            sample.cut = true;
            break;
        }
    }
    Ok(sample)
}

impl Sample {
    fn add(&mut self, line: &[u8]) {
        self.bytes += line.len() as u64;
        map_line(line, &mut |mapped| match mapped {
            Ok(Mapped::Record(record)) => self.records.push(record),
            Ok(Mapped::Ignored) => {}
            Err(_) => self.rejected += 1,
        });
    }
}
