use std::fmt;

/// What the engine asks of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Open a directory.
    OpenDir,
    /// Make a file.
    Create,
    /// Open a file.
    Open,
    /// Read from a file.
    ReadAt,
    /// Write to a file.
    WriteAt,
    /// Reserve space for a file.
    Reserve,
    /// Ask for a file's length.
    Len,
    /// Make a file's bytes durable.
    SyncFile,
    /// Make a directory's names durable.
    SyncDir,
    /// Rename a file.
    Rename,
    /// Remove a name.
    Remove,
    /// Give a file another name.
    Link,
    /// List the directory.
    List,
    /// Take the lock.
    Lock,
    /// Map a file.
    Map,
}

impl Op {
    /// Every kind, in the order of a table.
    pub const ALL: [Op; 15] = [
        Op::OpenDir,
        Op::Create,
        Op::Open,
        Op::ReadAt,
        Op::WriteAt,
        Op::Reserve,
        Op::Len,
        Op::SyncFile,
        Op::SyncDir,
        Op::Rename,
        Op::Remove,
        Op::Link,
        Op::List,
        Op::Lock,
        Op::Map,
    ];

    /// Whether it changes anything, so that it can be left undone, or be done and called failed.
    pub fn changes(self) -> bool {
        !matches!(self, Op::Open | Op::ReadAt | Op::Len | Op::List | Op::Map)
    }

    /// Whether it carries bytes.
    pub fn carries(self) -> bool {
        matches!(self, Op::ReadAt | Op::WriteAt | Op::Map)
    }

    /// Whether reading what is stored needs it.
    pub fn reads(self) -> bool {
        matches!(self, Op::OpenDir | Op::Open | Op::ReadAt | Op::Len | Op::List | Op::Map)
    }

    /// Its name in messages of the operating system's refusals.
    pub fn verb(self) -> &'static str {
        match self {
            Op::OpenDir | Op::Open => "open",
            Op::Create => "create",
            Op::ReadAt => "read",
            Op::WriteAt => "write",
            Op::Reserve => "reserve space in",
            Op::Len => "look at",
            Op::SyncFile | Op::SyncDir => "sync",
            Op::Rename => "rename",
            Op::Remove => "remove",
            Op::Link => "link",
            Op::List => "list",
            Op::Lock => "lock",
            Op::Map => "map",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Op::OpenDir => "open_dir",
            Op::Create => "create",
            Op::Open => "open",
            Op::ReadAt => "read_at",
            Op::WriteAt => "write_at",
            Op::Reserve => "reserve",
            Op::Len => "len",
            Op::SyncFile => "sync",
            Op::SyncDir => "sync_dir",
            Op::Rename => "rename",
            Op::Remove => "remove",
            Op::Link => "link",
            Op::List => "list",
            Op::Lock => "lock",
            Op::Map => "map",
        })
    }
}
