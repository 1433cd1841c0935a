//! A bare file: each batch one zstd-1 frame behind its length, no index. What stands between an
//! engine and this is what the engine costs.

use super::names::{Setting, setting};
use super::{Engine, Reader, Setup, Sync, pipeline};
use crate::Result;
use crate::row::{Change, Pack, encode};
use std::fs::File;
use std::io::Write;
use tracekeep::model::Record;

pub(crate) const SETTINGS: &[Setting] = &[setting(
    "one zstd frame (level 1) a batch, fdatasync a group at --sync disk; answers nothing",
    "https://facebook.github.io/zstd/zstd_manual.html",
)];

/// The file.
#[derive(Debug)]
pub(crate) struct Floor {
    file: File,
    sync: Sync,
}

impl Floor {
    pub(crate) fn open(setup: &Setup) -> Result<Floor> {
        let path = setup.dir.join("frames");
        let file = File::options().append(true).create(true).open(path)?;
        Ok(Floor { file, sync: setup.sync })
    }
}

fn frame(batch: Vec<Record>) -> Result<Vec<u8>> {
    let mut raw = Vec::new();
    for record in batch {
        let change = Change::of(record, Pack::Plain)?;
        raw.extend_from_slice(&change.key);
        encode(&change.fields, 0, &mut raw);
        change.payloads.iter().for_each(|payload| raw.extend_from_slice(payload));
    }
    crate::row::pack(raw, Pack::Zstd(1))
}

impl Engine for Floor {
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()> {
        let (file, sync) = (&mut self.file, self.sync);
        pipeline::append(batches, in_flight, frame, move |group: Vec<Vec<u8>>| {
            for frame in group {
                file.write_all(&(frame.len() as u64).to_le_bytes())?;
                file.write_all(&frame)?;
            }
            if sync == Sync::Disk {
                file.sync_data()?;
            }
            Ok(())
        })
    }

    fn settle(&mut self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    fn reader(&self) -> Option<&dyn Reader> {
        None
    }
}
