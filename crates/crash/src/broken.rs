//! A promise that was not kept.

use std::fmt;
use tracekeep::Error;

/// What was promised, and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The invariant, as `docs/testing.md` names it.
    pub invariant: &'static str,
    /// What is wrong.
    pub what: String,
}

impl Broken {
    /// This invariant does not hold.
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Broken {
        Broken { invariant, what: what.into() }
    }

    /// An error where there should be none.
    pub fn of(invariant: &'static str, error: &Error) -> Broken {
        Broken::new(invariant, format!("{:?}: {error}", error.kind()))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl std::error::Error for Broken {}
