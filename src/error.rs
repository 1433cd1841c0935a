//! The one public error, and the small one that parsers return.
//!
//! A kind exists only where a caller would do something different. "Not found" is an
//! `Option`; anomalies and findings are data.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call or the data is wrong: mend it.
    InvalidInput,
    /// A named limit was passed: send less, or raise the limit.
    LimitExceeded,
    /// Another process holds the store for writing.
    Locked,
    /// Written by a newer version: upgrade first. Nothing was changed.
    UnsupportedFormat,
    /// Bytes on disk are wrong: `verify`, then restore or `repair`.
    Corruption,
    /// The disk is full, or a quota or a limit on the size of files is reached: free space, or
    /// raise it, and append again. Nothing of the batch is visible.
    StorageFull,
    /// The operating system refused; trying again may help.
    Io,
    /// An earlier write or sync failed: close the store and open it again.
    Poisoned,
    /// The store was closed.
    Closed,
    /// The snapshot was given up to stay within the memory budget: take a new one.
    Expired,
}

/// Where bytes on disk disagree with their checksum or format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// The file, relative to the store's directory where it lies in it.
    pub file: PathBuf,
    /// Offset in bytes from the start of the file.
    pub offset: u64,
    /// What disagreed, in words.
    pub what: String,
}

/// The error of every fallible call: one word wide, opaque, with a [`kind`](Error::kind).
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    corruption: Option<Corruption>,
    source: Option<std::io::Error>,
}

/// `Result` with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), corruption: None, source: None }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::LimitExceeded, message)
    }

    /// Damage at `offset` of `file`.
    pub fn corruption_at(file: &Path, offset: u64, what: impl Into<String>) -> Error {
        let what = what.into();
        let message = format!("{}: at byte {offset}: {what}", file.display());
        let corruption = Some(Corruption { file: file.to_path_buf(), offset, what });
        Error(Box::new(Inner { kind: ErrorKind::Corruption, message, corruption, source: None }))
    }

    /// A file that should be there and is not; [`is_not_found`](Error::is_not_found) holds.
    pub(crate) fn missing(path: &Path, what: &str) -> Error {
        let mut error = Error::corruption_at(path, 0, what);
        error.0.source = Some(std::io::Error::from(std::io::ErrorKind::NotFound));
        error
    }

    /// There is no store in this directory; [`is_not_found`](Error::is_not_found) holds.
    pub(crate) fn no_store(path: &Path) -> Error {
        let mut error = Error::invalid(format!(
            "{}: there is no store here; import something, or check the path",
            path.display()
        ));
        error.0.source = Some(std::io::Error::from(std::io::ErrorKind::NotFound));
        error
    }

    /// An operating system's refusal of `what` on `path`. A full disk gets its own kind.
    pub fn io(what: &str, path: &Path, source: std::io::Error) -> Error {
        use std::io::ErrorKind as Os;
        let kind = match source.kind() {
            Os::StorageFull | Os::QuotaExceeded | Os::FileTooLarge => ErrorKind::StorageFull,
            _ => ErrorKind::Io,
        };
        let message = format!("{}: cannot {what}: {source}", path.display());
        Error(Box::new(Inner { kind, message, corruption: None, source: Some(source) }))
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// File, offset and disagreement, where the kind is [`ErrorKind::Corruption`].
    pub fn corruption(&self) -> Option<&Corruption> {
        self.0.corruption.as_ref()
    }

    /// The operating system's error, if one is behind this.
    pub fn os_error(&self) -> Option<&std::io::Error> {
        self.0.source.as_ref()
    }

    /// Whether a file was not there.
    pub fn is_not_found(&self) -> bool {
        self.os_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    }

    /// The same error once more, for every waiter of a group that failed together.
    pub(crate) fn repeat(&self) -> Error {
        Error(Box::new(Inner {
            kind: self.0.kind,
            message: self.0.message.clone(),
            corruption: self.0.corruption.clone(),
            source: None,
        }))
    }
}

/// A read that ended before the file did. It says nothing of the bytes that were not read.
pub(crate) fn short_read(path: &Path, bytes: usize) -> Error {
    let what = format!("read more than {bytes} bytes of");
    Error::io(&what, path, std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e as _)
    }
}

/// What is wrong with a slice of bytes, found by a parser that knows neither file nor offset
/// of the slice. The first floor that knows both turns it into an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Offset in the slice that was parsed.
    pub at: u64,
    /// The disagreement, in words, with the numbers.
    pub what: String,
}

impl Fault {
    /// A fault `at` this offset of the slice.
    pub fn new(at: usize, what: impl Into<String>) -> Fault {
        Fault { at: at as u64, what: what.into() }
    }

    /// The same fault in a slice that starts `base` bytes into a file.
    pub fn in_file(self, file: &Path, base: u64) -> Error {
        Error::corruption_at(file, base.saturating_add(self.at), self.what)
    }

    /// The same fault seen from a slice that begins `by` bytes earlier.
    pub fn shifted(self, by: usize) -> Fault {
        Fault { at: self.at.saturating_add(by as u64), what: self.what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_full_disk_has_a_kind_of_its_own() {
        use std::io::ErrorKind as Os;
        for kind in [Os::StorageFull, Os::QuotaExceeded, Os::FileTooLarge] {
            let error = Error::io("write", Path::new("x"), kind.into());
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{kind:?}");
        }
    }
}
