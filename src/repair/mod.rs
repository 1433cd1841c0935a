//! Reading what can be read of a damaged store, as records that are appended to a new one.
//!
//! ```text
//! which files were live    the manifest, or else what no other file's footer replaces
//! each segment, by seq     live rows  -> a record for each stamp     lost: columns, details, payloads
//! each log, by number      frames     -> their records, in order     lost: frames, parts
//! ```
//!
//! Nothing is changed here, and nothing is made up: a value is handed on only where a checksum, or
//! its fingerprint, vouches for it. What is left out is told, item by item, with the place that is
//! damaged. The store above appends what comes out of here to a new store, which has the same id
//! and key, so that equal stamps are decided as before.
//!
//! Read in this order: `loss`, `live`, `records`, `segments`, `dead`, `logs`.

mod dead;
mod live;
mod logs;
mod loss;
mod records;
mod segments;

pub use loss::{Loss, Lost};

use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::Dir;
use crate::id::Seq;
use crate::model::Record;
use crate::segment::Readable;
use live::Live;
use loss::Losses;
use std::path::Path;

/// What comes out.
pub struct Out<'a> {
    /// Takes each record, in the order of append.
    pub record: &'a mut dyn FnMut(Record) -> Result<()>,
    /// Takes each loss.
    pub loss: &'a mut dyn FnMut(Loss),
}

impl std::fmt::Debug for Out<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out").finish_non_exhaustive()
    }
}

/// A damaged store, as far as it is known what it consists of.
#[derive(Debug)]
pub struct Damaged<D: Dir> {
    dir: D,
    live: Live,
    readable: Vec<Readable<D>>,
}

impl<D: Dir> Damaged<D> {
    /// Finds out which files are the store.
    ///
    /// # Errors
    /// `InvalidInput` where there is no store; `Corruption` where no file tells its key;
    /// `UnsupportedFormat`, `Io`.
    pub fn open(dir: D) -> Result<Damaged<D>> {
        let live = live::find(&dir)?;
        let open = |s: &live::LiveSegment| Readable::open(&dir, s.id, &live.header);
        let readable = live.segments.iter().map(open).collect::<Result<_>>()?;
        Ok(Damaged { dir, live, readable })
    }

    /// The store's id and key.
    pub fn header(&self) -> &FileHeader {
        &self.live.header
    }

    /// What is worth telling, and is no loss.
    pub fn notes(&self) -> &[String] {
        &self.live.notes
    }

    /// The highest seq that any file tells of.
    ///
    /// # Errors
    /// `Io`.
    pub fn last_seq(&self) -> Result<Seq> {
        let sealed = self.live.segments.iter().filter_map(|s| s.seqs).map(|(_, last)| last).max();
        let logged = logs::last_seq(&self.dir, &self.live)?;
        Ok(sealed.unwrap_or_default().max(logged))
    }

    /// Hands out everything that can be read, and tells what cannot. Cost: every byte once.
    /// Memory: the largest log, one trace's payloads at a time, 8 bytes a trace.
    ///
    /// # Errors
    /// `Io`, or what [`Out::record`] returns.
    pub fn read(self, out: Out<'_>) -> Result<()> {
        let Damaged { dir, live, readable } = self;
        let mut losses = Losses::new(out.loss);
        segments::read(&dir, &live, readable, out.record, &mut losses)?;
        logs::read(&dir, &live, out.record, &mut losses)
    }
}

/// An error about bytes is a loss; any other is none.
fn corruption(error: Error, path: &Path) -> Result<(u64, String)> {
    match error.corruption() {
        Some(c) if c.file == path => Ok((c.offset, c.what.clone())),
        Some(c) => Ok((0, c.what.clone())),
        None if error.is_not_found() => Ok((0, "the file is missing".to_owned())),
        None => match error.kind() {
            // A reader refuses what the bytes ask of it.
            crate::error::ErrorKind::InvalidInput | crate::error::ErrorKind::LimitExceeded => {
                Ok((0, error.to_string()))
            }
            _ => Err(error),
        },
    }
}
