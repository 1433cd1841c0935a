//! The mutants, as `cargo mutants` finds them.

use crate::Result;
use serde::Deserialize;
use std::process::Command;

/// One change.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Mutant {
    /// The file, from the root of the repository.
    pub file: String,
    /// Place and change in words.
    pub name: String,
    /// Which kind of change.
    pub genre: Genre,
    /// What stands there instead.
    pub replacement: String,
    /// What is replaced: an operator, a guard, an arm, the body of a function without its braces.
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Genre {
    BinaryOperator,
    UnaryOperator,
    FnValue,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Span {
    pub start: Place,
    pub end: Place,
}

/// Both count from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
}

/// Lists the mutants of these files, or a shard of them.
pub(crate) fn list(files: &[String], shard: (usize, usize)) -> Result<Vec<Mutant>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json"]);
    files.iter().for_each(|file| {
        command.args(["--file", file]);
    });
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo mutants --list: {said}try: cargo install cargo-mutants").into());
    }
    let all: Vec<Mutant> = serde_json::from_slice(&output.stdout)?;
    let (k, n) = shard;
    Ok(all.into_iter().skip(k).step_by(n).collect())
}
