//! Opening a store after an unclean end.

use crate::append::{How, append, batches, open};
use crate::clock::{Took, timed};
use std::path::Path;
use std::time::Duration;
use tracekeep::error::Error;
use tracekeep::model::Record;
use tracekeep::{Background, Options, Result, Store};

/// What a process that is killed now would leave behind: immutable files are linked, the others
/// copied. The store may be open.
///
/// # Errors
/// `Io`.
pub fn copy_unclean(from: &Path, to: &Path) -> Result<()> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |error| Error::io("copy", &path, error)
    };
    #[expect(clippy::disallowed_methods, reason = "a copy for a measurement")]
    for entry in std::fs::read_dir(from).map_err(io(from))? {
        let entry = entry.map_err(io(from))?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_string_lossy().starts_with("seg-") {
            std::fs::hard_link(&path, to).map_err(io(&path))?;
        } else {
            std::fs::copy(&path, to).map(|_| ()).map_err(io(&path))?;
        }
    }
    Ok(())
}

/// Opens what a killed process would have left of the store in `template`.
///
/// # Errors
/// The store's.
pub fn reopened(dir: &Path, template: &Path, options: &Options) -> Result<Took> {
    let room = crate::room(dir)?;
    copy_unclean(template, room.path())?;
    let builder = Store::builder().options(options.clone());
    let (store, took) = timed(|| builder.open(room.path()));
    store?.close()?;
    Ok(took)
}

/// An unclean log that was opened.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// What opening took.
    pub took: Took,
    /// The log's bytes.
    pub log_bytes: u64,
    /// Memory of its table, in bytes.
    pub live_bytes: u64,
}

/// Opens an unclean log of these records.
///
/// # Errors
/// The store's.
pub fn recovery(dir: &Path, records: Vec<Record>) -> Result<Opened> {
    let room = crate::room(dir)?;
    let how = How { batch: 256, ..How::BASE };
    let store = open(room.path(), &how)?;
    append(&store, batches(records, how.batch)?, how.in_flight)?;
    // What is not promised yet is written anew as the log is opened. A few batches are all of a
    // small sample, and next to nothing of a full log.
    std::thread::sleep(4 * Duration::from_millis(Options::default().marker_ms));
    let stats = store.stats()?;
    let options =
        Options { background: Background::Off, live_bytes_max: 2 << 30, ..Options::default() };
    let took = reopened(dir, room.path(), &options)?;
    store.close()?;
    Ok(Opened { took, log_bytes: stats.bytes.log, live_bytes: stats.live_bytes })
}
