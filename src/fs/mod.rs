//! The only door to files. A small trait, a type parameter of the store with the real file
//! system as default, so that the same engine runs over a simulated disk.
//!
//! Files are made once and grow at the end; they are never truncated or rewritten in place (but
//! `LOCK`, which holds a note for people, and zeros that were laid behind the frames of a log). A
//! file's name survives a crash only after [`Dir::sync`]; its bytes only after [`File::sync`].
//!
//! Read in this order: `name`, `real`, `map`, `whole`.

mod map;
mod name;
mod real;
mod whole;

pub use map::Map;
pub use name::FileName;
pub(crate) use real::process_name;
pub use real::{RealDir, RealFile, RealFs, RealLock};
pub(crate) use whole::{map_whole, read_head, read_whole};

use crate::error::Result;
use std::fmt::Debug;
use std::ops::{Deref, Range};
use std::path::Path;

/// How a directory is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirMode {
    /// It must be there.
    Existing,
    /// It is made, with its parents, where it is not there.
    Create,
}

/// How a file came to another directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// The file has a second name.
    Link,
    /// There is a second file.
    Copy,
}

/// A file system: gives directories.
pub trait Fs: Clone + Debug + Send + Sync + 'static {
    /// A directory of it.
    type Dir: Dir;

    /// Opens a directory.
    ///
    /// # Errors
    /// `Io` where it is not there (with [`DirMode::Existing`]) or cannot be made.
    fn open_dir(&self, path: &Path, mode: DirMode) -> Result<Self::Dir>;
}

/// A store's directory. Files in it are named by [`FileName`], so no path can lead out of it.
pub trait Dir: Clone + Debug + Send + Sync + 'static {
    /// An open file.
    type File: File;
    /// A read-only map of a sealed file.
    type Map: Mapped + Debug + Send + Sync + 'static;
    /// Holds the lock until it is dropped.
    type Lock: Debug + Send + Sync + 'static;

    /// The directory's path, for messages.
    fn path(&self) -> &Path;

    /// Makes a new file for reading and writing. The name is durable after [`Dir::sync`].
    ///
    /// # Errors
    /// `Io` where it is there already.
    fn create(&self, name: FileName) -> Result<Self::File>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `Io`; [`crate::error::Error::is_not_found`] tells a missing file.
    fn open(&self, name: FileName) -> Result<Self::File>;

    /// Maps a sealed file.
    ///
    /// # Errors
    /// `Io`; [`crate::error::Error::is_not_found`] tells a missing file.
    fn map(&self, name: FileName) -> Result<Self::Map>;

    /// Renames a file, replacing one of the new name. Durable after [`Dir::sync`].
    ///
    /// # Errors
    /// `Io`.
    fn rename(&self, from: FileName, to: FileName) -> Result<()>;

    /// Removes a name; whoever has the file open or mapped keeps it.
    ///
    /// # Errors
    /// `Io`; [`crate::error::Error::is_not_found`] tells a missing file.
    fn remove(&self, name: FileName) -> Result<()>;

    /// Gives a file a second name in another directory of the same file system, or copies it there
    /// durably. The name is durable after [`Dir::sync`] of that directory.
    ///
    /// # Errors
    /// `Io`, also where a file of this name is there already; `StorageFull`.
    fn link(&self, name: FileName, to: &Self) -> Result<Linked>;

    /// The store's files in this directory, in any order; other names are passed over.
    ///
    /// # Errors
    /// `Io`.
    fn list(&self) -> Result<Vec<FileName>>;

    /// Makes the names of this directory durable.
    ///
    /// # Errors
    /// `Io`. A failed sync must never be tried again.
    fn sync(&self) -> Result<()>;

    /// Takes the writer's lock and leaves `note` in the file for others to read.
    ///
    /// # Errors
    /// `Locked` with the holder's note, `Io`.
    fn lock(&self, note: &str) -> Result<Self::Lock>;
}

/// The bytes of a sealed file, read where they lie.
pub trait Mapped: Deref<Target = [u8]> {
    /// Tells that these bytes are read next. A hint: what of them is not in memory is then fetched
    /// in large pieces, several at a time, and hardly anything beside them is. Whoever says so of
    /// several places before reading waits for the device once. Says whether this is news of any of
    /// them, which it is again after a while. Cost: nanoseconds where it is not.
    fn will_read(&self, range: Range<usize>) -> bool {
        let _ = range;
        false
    }
}

/// Bytes that are in memory.
impl Mapped for Vec<u8> {}

/// Bytes that are in memory.
impl Mapped for &[u8] {}

/// An open file.
pub trait File: Debug + Send + Sync + 'static {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// `StorageFull`, `Io`. What was written by then stays.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Reads until `into` is full or the file ends; returns how many bytes.
    ///
    /// # Errors
    /// `Io`.
    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize>;

    /// Makes the file's bytes and length durable.
    ///
    /// # Errors
    /// `Io`. A failed sync must never be tried again.
    fn sync(&self) -> Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// `Io`.
    fn len(&self) -> Result<u64>;

    /// Reserves space on the device up to `end` without changing the length, so that later
    /// writes up to there do not meet a full disk.
    ///
    /// # Errors
    /// `StorageFull`. A file system that cannot reserve answers `Ok`.
    fn reserve(&self, offset: u64, end: u64) -> Result<()>;
}
