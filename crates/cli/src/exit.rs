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

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let exit = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::LimitExceeded => Exit::Usage,
            _ => Exit::Refused,
        };
        Failure::Told { exit, message: error.to_string(), hint: hint(&error).map(str::to_owned) }
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

fn hint(error: &Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::Locked => {
            "close the other process, or use a reading command (traces, trace, show, stats, \
             export): they work beside a writer"
        }
        ErrorKind::Corruption => {
            "run `tracekeep verify DIR` to see all of it; reading commands still show what is \
             whole; restore the store from a backup"
        }
        ErrorKind::StorageFull => {
            "free space and run the command again: nothing that was acknowledged is lost"
        }
        ErrorKind::UnsupportedFormat => {
            "a newer tracekeep wrote this store: upgrade; nothing was changed"
        }
        ErrorKind::Poisoned | ErrorKind::Closed | ErrorKind::Expired => "run the command again",
        ErrorKind::Io if error.is_not_found() => "check that the path is a store of tracekeep",
        ErrorKind::Io => "check the disk and the permissions, then run the command again",
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
