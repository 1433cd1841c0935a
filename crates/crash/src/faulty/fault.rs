use super::Op;
use std::fmt;
use std::io;
use std::path::Path;
use tracekeep::Error;

/// How an operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The device failed.
    Eio,
    /// The disk is full.
    Enospc,
    /// The quota is used up.
    Edquot,
    /// A signal came in between.
    Eintr,
    /// Too many open files.
    Emfile,
    /// No memory.
    Enomem,
    /// Not permitted.
    Eacces,
    /// The file system is mounted read-only.
    Erofs,
    /// Half of a read, as if the file ended there; half of a write, and then a full disk.
    Short,
    /// Nothing of a read, as if the file ended before; nothing of a write, and an error.
    Zero,
    /// What is read has one bit flipped.
    WrongBytes,
    /// Success is reported, and nothing was done.
    Undone,
    /// An error is reported, and all of it was done.
    DoneAnyway,
}

impl Fault {
    /// Every kind, in the order of a table.
    pub const ALL: [Fault; 13] = [
        Fault::Eio,
        Fault::Enospc,
        Fault::Edquot,
        Fault::Eintr,
        Fault::Emfile,
        Fault::Enomem,
        Fault::Eacces,
        Fault::Erofs,
        Fault::Short,
        Fault::Zero,
        Fault::WrongBytes,
        Fault::Undone,
        Fault::DoneAnyway,
    ];

    /// Why this fault cannot befall this operation, if so.
    pub fn impossible(self, op: Op) -> Option<&'static str> {
        let counted = op.carries();
        match self {
            Fault::Short | Fault::Zero if !counted => Some("it has no count"),
            Fault::WrongBytes if op == Op::WriteAt || !counted => Some("it gives no bytes"),
            Fault::Undone if op == Op::Lock => Some("a lock not held is held by nobody else here"),
            Fault::Undone if op == Op::OpenDir => Some("a directory not made cannot be opened"),
            Fault::Undone | Fault::DoneAnyway if !op.changes() => Some("it changes nothing"),
            _ => None,
        }
    }

    /// Whether the caller is told, by an error.
    pub fn is_error(self, op: Op) -> bool {
        match self {
            Fault::WrongBytes | Fault::Undone => false,
            Fault::Short | Fault::Zero => op == Op::WriteAt,
            _ => true,
        }
    }

    /// The operating system's number, where the fault is a plain refusal.
    fn number(self) -> Option<i32> {
        Some(match self {
            Fault::Eio | Fault::DoneAnyway => 5,
            Fault::Eintr => 4,
            Fault::Enomem => 12,
            Fault::Eacces => 13,
            Fault::Emfile => 24,
            Fault::Enospc | Fault::Short => 28,
            Fault::Erofs => 30,
            Fault::Edquot => 122,
            Fault::Zero | Fault::WrongBytes | Fault::Undone => return None,
        })
    }

    /// The error that a caller sees of `op` on `path`.
    pub fn error(self, op: Op, path: &Path) -> Error {
        let source = match self.number() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::from(io::ErrorKind::WriteZero),
        };
        Error::io(op.verb(), path, source)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Fault::Eio => "EIO",
            Fault::Enospc => "ENOSPC",
            Fault::Edquot => "EDQUOT",
            Fault::Eintr => "EINTR",
            Fault::Emfile => "EMFILE",
            Fault::Enomem => "ENOMEM",
            Fault::Eacces => "EACCES",
            Fault::Erofs => "EROFS",
            Fault::Short => "short",
            Fault::Zero => "zero",
            Fault::WrongBytes => "wrong bytes",
            Fault::Undone => "undone",
            Fault::DoneAnyway => "done anyway",
        })
    }
}
