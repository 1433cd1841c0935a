//! What each fuzz target does with its bytes. `tests/it/fuzz_corpus.rs` includes this folder and
//! runs the committed corpus through it, so that a find stays found without a fuzzer.
//!
//! ```text
//! codec        records, part lists, columns, indexes: a fault or a value; what is built is read
//! frame_scan   a file of frames and a log's table: every frame before the damage, none behind it
//! manifest     edits, the state they add up to, a manifest file: refused, or a state that fits
//! skeleton     a skeleton file: refused, or every row is read within its bounds
//! payload      a payload file: refused, or every payload is read within its bounds
//! merge        records in any order, split and repeated: one state
//! tree         any parents: each node once, no cycle left, sums that add up
//! langfuse     lines of ingestion JSON: what maps comes back from its own export
//! split        cutting, and deduplicating with and without the last payload of the stream
//! directory    a directory of changed files: the right answers of some moment, or errors
//! stateful     operations, crashes and reopening, beside a model in memory
//! ```
//!
//! Formats with checksums are reached in two ways: by bytes as they are, which mostly die at a
//! checksum, and by changes to what a checksum covers, with the checksums mended after.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a target says that it found something"
)]

mod answers;
mod base;
mod codec;
mod directory;
mod edit;
mod folder;
mod frame_scan;
mod image;
mod langfuse;
mod manifest;
mod merge;
mod model;
mod payload;
mod skeleton;
mod split;
mod stateful;
mod tree;

pub use codec::codec;
pub use directory::directory;
pub use frame_scan::frame_scan;
pub use langfuse::langfuse;
pub use manifest::manifest;
pub use merge::merge;
pub use payload::payload;
pub use skeleton::skeleton;
pub use split::split;
pub use stateful::stateful;
pub use tree::tree;

use tracekeep::id::StoreKey;

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, in the order of the list above.
pub const TARGETS: &[Target] = &[
    ("codec", codec),
    ("frame_scan", frame_scan),
    ("manifest", manifest),
    ("skeleton", skeleton),
    ("payload", payload),
    ("merge", merge),
    ("tree", tree),
    ("langfuse", langfuse),
    ("split", split),
    ("directory", directory),
    ("stateful", stateful),
];

const KEY: StoreKey = StoreKey([7; 32]);

/// A file of the small store that the targets of files make their changes to.
pub fn sound_file(name: tracekeep::fs::FileName) -> &'static [u8] {
    base::file(name)
}
