//! How a command ends: 0 done, 1 findings, rejected input or something that is not there,
//! 2 wrong use, 3 the store refused.

use std::path::Path;
use std::process::ExitCode;
use tracekeep::error::{Error, ErrorKind};

/// The exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// Damage was found, input was rejected, or what was asked for is not there.
    Findings = 1,
    /// It was asked for in a wrong way.
    Usage = 2,
    /// The store, or the machine under it, refused.
    Refused = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of standard output went away, which is its right.
    Pipe,
    /// Anything else, with what to print.
    Told {
        /// The exit status.
        exit: Exit,
        /// What happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl Failure {
    /// A trace, observation or field that is not in the store.
    pub(crate) fn not_there(message: impl Into<String>) -> Failure {
        Failure::Told { exit: Exit::Findings, message: message.into(), hint: None }
    }

    /// Arguments that make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::Told { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// The store or the machine refused.
    pub(crate) fn refused(message: impl Into<String>, hint: Option<String>) -> Failure {
        Failure::Told { exit: Exit::Refused, message: message.into(), hint }
    }

    /// There is no store in this directory.
    pub(crate) fn no_store(dir: &Path) -> Failure {
        let dir = dir.display();
        Failure::refused(
            format!("{dir}: no store here"),
            Some(format!("check the path, or make one: tracekeep import {dir} FILE")),
        )
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Pipe => Exit::Done,
            Failure::Told { exit, .. } => *exit,
        }
    }
}

impl Failure {
    /// What the engine refused about the store in this directory.
    pub(crate) fn of_store(dir: &Path, error: &Error) -> Failure {
        let exit = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::LimitExceeded => Exit::Usage,
            _ => Exit::Refused,
        };
        let message = match word(error) {
            Some(word) => format!("{word}: {error}"),
            None => error.to_string(),
        };
        Failure::Told { exit, message, hint: hint(error, &dir.display().to_string()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let damaged = error.corruption().and_then(|c| c.file.parent());
        let dir = damaged.unwrap_or(Path::new("DIR")).to_path_buf();
        Failure::of_store(&dir, &error)
    }
}

impl From<std::io::Error> for Failure {
    /// Of an error on standard output.
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::Pipe;
        }
        Failure::refused(format!("cannot write to standard output: {error}"), None)
    }
}

impl From<serde_json::Error> for Failure {
    /// Of a value that was written to standard output.
    fn from(error: serde_json::Error) -> Failure {
        Failure::from(std::io::Error::from(error))
    }
}

/// Whether the operating system does not let this user at the files.
fn is_permission(error: &Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let kind = error.os_error().map(std::io::Error::kind);
    matches!(kind, Some(PermissionDenied | ReadOnlyFilesystem))
}

/// What kind of trouble it is, in a word.
fn word(error: &Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::Locked => "locked",
        ErrorKind::Corruption => "damage",
        ErrorKind::StorageFull => "no space",
        ErrorKind::UnsupportedFormat => "version",
        ErrorKind::Io if is_permission(error) => "permission",
        ErrorKind::Io => "input and output",
        _ => return None,
    })
}

/// What to do about it, and what to type next.
fn hint(error: &Error, dir: &str) -> Option<String> {
    Some(match error.kind() {
        ErrorKind::Locked => format!(
            "close the other process, or use a command that reads beside it: tracekeep traces {dir}"
        ),
        ErrorKind::Corruption => format!(
            "see all of it: tracekeep verify {dir}; then restore a backup, or save what can be \
             read: tracekeep repair {dir} OUT"
        ),
        ErrorKind::StorageFull => format!(
            "free space (df {dir}) and run the command again: nothing that was acknowledged is lost"
        ),
        ErrorKind::UnsupportedFormat => format!(
            "another tracekeep wrote this store, and nothing was changed; this one is {}",
            env!("CARGO_PKG_VERSION")
        ),
        ErrorKind::Poisoned | ErrorKind::Closed | ErrorKind::Expired => {
            "run the command again".to_owned()
        }
        ErrorKind::Io if is_permission(error) => {
            format!("see whose the files are, and whether they may be written: ls -la {dir}")
        }
        ErrorKind::Io if error.is_not_found() => {
            format!("check that the path is a store of tracekeep: ls -la {dir}")
        }
        ErrorKind::Io => format!(
            "the machine refused, and the store is as it was: check the disk (dmesg), then \
             tracekeep verify {dir}"
        ),
        _ => return None,
    })
}

/// Carries a [`Failure`] out through a callback that can only return the engine's error.
#[derive(Debug, Default)]
pub(crate) struct Through(Option<Failure>);

impl Through {
    /// The callback's answer: where it failed, an error that stops the caller.
    pub(crate) fn stop_at(&mut self, result: Result<(), Failure>) -> Result<(), Error> {
        result.map_err(|failure| {
            self.0 = Some(failure);
            Error::new(ErrorKind::Io, "stopped by the caller")
        })
    }

    /// The failure of the callback, else what the engine said.
    pub(crate) fn finish<T>(self, result: Result<T, Error>) -> Result<T, Failure> {
        match self.0 {
            Some(failure) => Err(failure),
            None => Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn told(error: &Error) -> (Exit, String, String) {
        match Failure::of_store(Path::new("DIR"), error) {
            Failure::Told { exit, message, hint } => (exit, message, hint.unwrap_or_default()),
            Failure::Pipe => (Exit::Done, String::new(), String::new()),
        }
    }

    fn io(kind: io::ErrorKind) -> (Exit, String, String) {
        let (_, message, hint) = told(&Error::io("open", Path::new("DIR/LOCK"), kind.into()));
        (Exit::Refused, message, hint)
    }

    #[test]
    fn trouble_is_named_and_what_to_type_is_said() {
        let (exit, message, hint) =
            told(&Error::corruption_at(Path::new("DIR/CURRENT"), 0, "names no manifest"));
        assert_eq!(exit, Exit::Refused);
        assert_eq!(message, "damage: DIR/CURRENT: at byte 0: names no manifest");
        let expected = "see all of it: tracekeep verify DIR; then restore a backup, or save what \
                        can be read: tracekeep repair DIR OUT";
        assert_eq!(hint, expected);

        let (_, message, hint) = told(&Error::new(ErrorKind::Locked, "DIR: held"));
        assert_eq!(message, "locked: DIR: held");
        let expected = "close the other process, or use a command that reads beside it: \
                        tracekeep traces DIR";
        assert_eq!(hint, expected);

        let (_, message, hint) = told(&Error::new(ErrorKind::UnsupportedFormat, "DIR: format 2"));
        assert_eq!(message, "version: DIR: format 2");
        assert!(hint.starts_with("another tracekeep wrote this store, and nothing was changed"));
    }

    #[test]
    fn what_the_machine_refuses_is_told_apart() {
        let (_, message, hint) = io(io::ErrorKind::PermissionDenied);
        assert_eq!(message, "permission: DIR/LOCK: cannot open: permission denied");
        assert_eq!(hint, "see whose the files are, and whether they may be written: ls -la DIR");
        let (_, message, _) = io(io::ErrorKind::ReadOnlyFilesystem);
        assert!(message.starts_with("permission: "), "{message}");
        let (_, message, hint) = io(io::ErrorKind::StorageFull);
        assert!(message.starts_with("no space: DIR/LOCK: cannot open: "), "{message}");
        let expected =
            "free space (df DIR) and run the command again: nothing that was acknowledged is lost";
        assert_eq!(hint, expected);
        let (_, message, hint) = io(io::ErrorKind::TimedOut);
        assert!(message.starts_with("input and output: DIR/LOCK: "), "{message}");
        assert!(hint.ends_with("tracekeep verify DIR"), "{hint}");
    }
}
