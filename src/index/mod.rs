//! Where to look for an identity: sorted hashes behind a radix directory.
//!
//! Hashes are uniform, so their top bits name a bucket of a few items and no search is needed:
//! exact, and as fast as a filter. The hash is keyed and the indexes hold nothing else of an
//! identity: a hit is a candidate, which the caller compares in its columns.
//!
//! - `lookup`: the rows of one segment's table.
//! - `merged`: the segments and rows of many segments.

mod lookup;
mod merged;
mod radix;

pub use lookup::Lookup;
pub use merged::{Item, Merged, write_merged};
