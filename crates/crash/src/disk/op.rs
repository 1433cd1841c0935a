//! What happened to the disk, in order: every operation that may leave a trace, and marks of
//! whoever drives the store.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tracekeep::Durability;
use tracekeep::fs::FileName;

/// Number of a file, whatever names it has.
pub type Ino = usize;
/// Number of a directory.
pub type DirNo = usize;

/// One operation, after it was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A directory was made, durable in the one above.
    MakeDir {
        /// Which.
        dir: DirNo,
        /// Where it is.
        path: PathBuf,
    },
    /// A file was made.
    Create {
        /// Where.
        dir: DirNo,
        /// Its name.
        name: FileName,
        /// Which file.
        ino: Ino,
    },
    /// Bytes were written.
    Write {
        /// Which file.
        ino: Ino,
        /// Where in it.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// Space was reserved. Leaves no trace.
    Reserve {
        /// Which file.
        ino: Ino,
        /// Up to where.
        end: u64,
    },
    /// A file's bytes and length were made durable.
    Sync {
        /// Which file.
        ino: Ino,
    },
    /// A name was changed, replacing another.
    Rename {
        /// Where.
        dir: DirNo,
        /// The old name.
        from: FileName,
        /// The new one.
        to: FileName,
        /// The file.
        ino: Ino,
    },
    /// A name was removed.
    Remove {
        /// Where.
        dir: DirNo,
        /// The name.
        name: FileName,
        /// The file that had it.
        ino: Ino,
    },
    /// A file was given a second name.
    Link {
        /// Where the second name is.
        dir: DirNo,
        /// The name, the same in both directories.
        name: FileName,
        /// The file.
        ino: Ino,
    },
    /// A directory's names were made durable.
    SyncDir {
        /// Which.
        dir: DirNo,
    },
    /// The writer's lock was taken, `LOCK` made where it was missing.
    Lock {
        /// Where.
        dir: DirNo,
        /// The file `LOCK`.
        ino: Ino,
    },
    /// The process was killed; what it had written stays.
    Kill,
    /// No operation: something that whoever drives the store knows at this moment.
    Mark(Mark),
}

/// What is known at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// So many batches were handed to `append`.
    Submitted(usize),
    /// So many batches were acknowledged at this level.
    Acknowledged(usize, Durability),
    /// So many batches are durable at any level: their log was finished.
    Durable(usize),
    /// The backup holds so many batches.
    BackedUp(usize),
    /// What follows belongs to this phase.
    Phase(Phase),
}

/// Parts of a store's life, for the table of crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Making a store.
    Create,
    /// One batch is appended.
    Append,
    /// Several batches go into one frame.
    GroupCommit,
    /// Logs become a segment.
    Seal,
    /// A manifest is started anew while the store is open, or after a clean close.
    ManifestSwitch,
    /// The store is opened after a crash.
    Recovery,
    /// A backup is made.
    Backup,
}

impl Phase {
    /// All of them.
    pub const ALL: [Phase; 7] = [
        Phase::Create,
        Phase::Append,
        Phase::GroupCommit,
        Phase::Seal,
        Phase::ManifestSwitch,
        Phase::Recovery,
        Phase::Backup,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Create => "create",
            Phase::Append => "append",
            Phase::GroupCommit => "group commit",
            Phase::Seal => "seal",
            Phase::ManifestSwitch => "manifest switch",
            Phase::Recovery => "recovery",
            Phase::Backup => "backup",
        })
    }
}

/// The kinds of operations, for counting and for holding some of them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `Op`")]
pub enum OpKind {
    MakeDir,
    Create,
    Write,
    Reserve,
    Sync,
    Rename,
    Remove,
    Link,
    SyncDir,
    Lock,
    Kill,
    Mark,
}

impl Op {
    /// Its kind.
    pub fn kind(&self) -> OpKind {
        match self {
            Op::MakeDir { .. } => OpKind::MakeDir,
            Op::Create { .. } => OpKind::Create,
            Op::Write { .. } => OpKind::Write,
            Op::Reserve { .. } => OpKind::Reserve,
            Op::Sync { .. } => OpKind::Sync,
            Op::Rename { .. } => OpKind::Rename,
            Op::Remove { .. } => OpKind::Remove,
            Op::Link { .. } => OpKind::Link,
            Op::SyncDir { .. } => OpKind::SyncDir,
            Op::Lock { .. } => OpKind::Lock,
            Op::Kill => OpKind::Kill,
            Op::Mark(_) => OpKind::Mark,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::MakeDir { dir, path } => write!(f, "make directory {dir}, {}", path.display()),
            Op::Create { dir, name, ino } => write!(f, "create {name} in {dir} as file {ino}"),
            Op::Write { ino, offset, bytes } => {
                write!(f, "write {} bytes at {offset} of file {ino}", bytes.len())
            }
            Op::Reserve { ino, end } => write!(f, "reserve up to {end} in file {ino}"),
            Op::Sync { ino } => write!(f, "sync file {ino}"),
            Op::Rename { dir, from, to, ino } => {
                write!(f, "rename {from} to {to} in {dir}, file {ino}")
            }
            Op::Remove { dir, name, ino } => write!(f, "remove {name} from {dir}, file {ino}"),
            Op::Link { dir, name, ino } => write!(f, "link {name} into {dir}, file {ino}"),
            Op::SyncDir { dir } => write!(f, "sync directory {dir}"),
            Op::Lock { dir, .. } => write!(f, "lock directory {dir}"),
            Op::Kill => write!(f, "kill"),
            Op::Mark(Mark::Submitted(n)) => write!(f, "-- {n} batches submitted"),
            Op::Mark(Mark::Acknowledged(n, level)) => {
                let level = match level {
                    Durability::Os => "Os",
                    Durability::Disk => "Disk",
                    Durability::DiskStrict => "DiskStrict",
                };
                write!(f, "-- {n} batches acknowledged at {level}")
            }
            Op::Mark(Mark::Durable(n)) => write!(f, "-- {n} batches durable"),
            Op::Mark(Mark::BackedUp(n)) => write!(f, "-- {n} batches in the backup"),
            Op::Mark(Mark::Phase(phase)) => write!(f, "-- {phase}"),
        }
    }
}
