//! Real agent traces through the binary: what issue 2 promises of the three corpora.
//!
//! Looks for `{tool-agents,coding-agents,frameworks}.jsonl.zst` in the folder that
//! `TRACEKEEP_CORPUS` names; without it every test says on standard error that it was skipped.
//! Random choices come from a seed that is printed; `SIM_SEED` takes it back.
//!
//! In reading order:
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]
#![allow(clippy::disallowed_methods, reason = "these files are the test's own, not a store's")]

/// Where the corpus is, decompressed; lines, shuffled lines.
mod files;

/// Runs the binary on a store; its peak memory, its export as a digest.
mod run;

/// An independent reading of the corpus: what was said last of every field, and where it stands.
mod reading;

/// The reading against the store, byte for byte.
mod compare;

/// The promises, file by file.
mod promises;

/// Plans from the beginnings of the files, against the whole.
mod plan;

/// Another order, twice the same, killed in the middle: the same export.
mod disorder;
