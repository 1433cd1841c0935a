//! Parquet: one file of observations sorted by trace, written by a job that has seen everything.
//!
//! A file of columns cannot be appended to with a sync every few records, so that it has no
//! figures for appending: it stands for the archive that a team would make, at its smallest.
//! Read on in `parquet_write` and `parquet_read`.

use super::merged::Merged;
use super::names::{Setting, setting};
use super::parquet_read::Files;
use super::parquet_write::write;
use super::{Engine, Reader, Setup, pipeline};
use crate::Result;
use crate::row::{Change, Pack};
use std::path::PathBuf;
use tracekeep::model::Record;

const WRITER: &str =
    "https://docs.rs/parquet/60.1.0/parquet/file/properties/struct.WriterPropertiesBuilder.html";

pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "rows sorted by trace and start, said so in the file",
        "https://parquet.apache.org/docs/file-format/pageindex/",
    ),
    setting("zstd, level 9 unless --parquet-level says another; data pages of 1 MiB", WRITER),
    setting(
        "row groups of 16,384 rows, a bloom filter on trace, column and offset index: a trace is \
         found without reading other pages",
        "https://parquet.apache.org/docs/file-format/bloomfilter/",
    ),
    setting("dictionaries for names, models and kinds, none for payloads and ids", WRITER),
];

/// A folder of files, or what is to become one.
#[derive(Debug)]
pub(crate) struct Parquet {
    dir: PathBuf,
    level: i32,
    merged: Merged,
    files: Option<Files>,
}

impl Parquet {
    pub(crate) fn open(setup: &Setup) -> Result<Parquet> {
        let files = Files::open(&setup.dir)?;
        let (dir, level) = (setup.dir.clone(), setup.parquet_level);
        Ok(Parquet { dir, level, merged: Merged::default(), files })
    }
}

impl Engine for Parquet {
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()> {
        let prepare = |batch: Vec<Record>| {
            batch.into_iter().map(|record| Change::of(record, Pack::Plain)).collect::<Result<_>>()
        };
        let merged = &mut self.merged;
        pipeline::append(batches, in_flight, prepare, |group: Vec<Vec<Change>>| {
            group.into_iter().flatten().try_for_each(|change| merged.add(change))
        })
    }

    fn settle(&mut self) -> Result<()> {
        let tables = std::mem::take(&mut self.merged).into_tables()?;
        write(&self.dir, self.level, tables)?;
        self.files = Files::open(&self.dir)?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    fn reader(&self) -> Option<&dyn Reader> {
        self.files.as_ref().map(|files| files as &dyn Reader)
    }
}
