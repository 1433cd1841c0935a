//! The engine as its hosts use it: the public API, over real directories. Each module is a
//! promise.
//!
//! One test binary, so that it links once. In reading order:
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails; tests look at files behind the engine"
)]

/// Stores to test with, records to append, and everything that a snapshot says.
mod world;

/// Errors are one word wide, stores are shared among threads.
mod shape;

/// A store is made once, opened by one writer, and never made by a reader.
mod open;

/// A batch is appended whole or not at all, in order, by any number of threads.
mod append;

/// What is wrong is said in words that do not change by accident.
mod messages;

/// Every byte of a payload comes back.
mod payloads;

/// Every byte of a sealed store is of some kind.
mod content;

/// A sealed store takes no more than it took.
mod sizes;

/// The same records give the same state, however they come and wherever they lie.
mod merge_across;

/// What is erased is gone, and what is appended later starts afresh.
mod tombstones;

/// Scores wait for their subjects, and make none.
mod scores;

/// A snapshot does not change.
mod snapshot;

/// Lists are in order, whole, and filtered.
mod query;

/// Trees never fail.
mod tree;

/// What is durable is promised, so that its damage is seen.
mod promise;

/// A torn tail is passed over; damage to what was promised is refused.
mod recovery;

/// Many segments are looked up through one index.
mod index;

/// Joining is paused, has a limit, gives way and hurries, and logs are sealed all the same.
mod compaction;

/// A small budget makes appends wait, and never for ever.
mod memory;

/// Long tasks tell how far they are.
mod progress;

/// Findings say where, and whose data they touch.
mod verify;

/// A backup is a store at one seq.
mod backup;

/// Damage in one segment is met by who reads it, and the rest goes on.
mod damage;

/// Files from elsewhere are refused within bounds, and before anything is written.
mod hostile;

/// What can be read of a damaged store is saved, and the rest is listed.
mod repair;
mod scan;
