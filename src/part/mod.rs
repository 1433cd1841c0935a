//! Parts: what a payload is cut into, so that what repeats is stored once.
//!
//! ```text
//! payload  [{"role":"system",...},{"role":"user",...},{"role":"assistant",...}]
//! cut       ^                    ^                   ^                        ^
//! list     "["  part 17       ,  part 18          ,  part 19                  "]"
//!           literal  run of 1    run of 2, each after a comma                 literal
//! ```
//!
//! An agent resends its history, so most of a payload is a prefix of the last one of the same
//! stream, found by comparing bytes; only the rest is cut, hashed and looked up. A payload then
//! is a list: runs of part numbers, and short literals between them.
//!
//! Read in this order: `scan` (brackets outside of strings), `split` (where to cut), `list` (what a payload becomes), `print` (a
//! fingerprint that does not depend on the cuts), `stream` (last payloads), `hash` and
//! `table` (known parts), `dedup` (all of it together), `cache` (decompressed parts).

mod cache;
mod dedup;
mod hash;
mod list;
mod print;
mod scan;
mod split;
mod stream;
mod table;

pub use cache::{Block, BlockCache, Content};
pub use dedup::{Deduper, PartSink};
pub use hash::PartKey;
pub use list::{Item, Items, ListBuilder, Separator, items};
pub use print::{Print, PrintKey};
pub use scan::Brackets;
#[cfg(any(test, feature = "internals"))]
pub use split::next_part;
pub use split::{SplitState, Splitter, separator};
pub use stream::{Boundary, LastPayload, StreamTable};
pub use table::PartTable;

#[cfg(test)]
mod tests;
