//! The merged state of one target: what many partial records say together.
//!
//! Records set any subset of fields, in any order of arrival, as often as they like. Each field,
//! and each key of a map, keeps the [`Stamp`] of the record it came from, and the rule of the
//! field ([`crate::model::Rule`]) says which of two wins:
//!
//! ```text
//!  Latest   larger stamp: strong before weak, then event time, then update before create
//!  First    strong before weak, then the smaller (event time, operation)
//!  Union    sorted union of the tags, with the larger stamp
//!  PerKey   each key of a map by Latest
//!  equal    larger value in the canonical order of `canon`
//! ```
//!
//! Every rule takes the larger of two in some total order, or a union. So the merge is
//! commutative, associative and idempotent: a target that was spread over logs and segments
//! reads the same however its pieces are grouped. Two things stand outside: where the bytes of a
//! payload lie (equal payloads may lie in several places, any will do), and tombstones, which the
//! caller applies by seq.
//!
//! ```text
//!  Fields   [ Slot (field, stamp, Held), .. ]              sorted by field
//!  Held     Value                                          one value
//!           MergedMap  texts   [ payload, .. ]             sorted by (length, fingerprint)
//!                      entries [ (key, text, range, stamp), .. ]   sorted by key
//! ```
//!
//! Read in this order: `stamp`, `fields`, `map`, `canon`, `read`, `derive`.

mod canon;
mod derive;
mod fields;
mod map;
mod read;
mod stamp;
#[cfg(test)]
mod tests;

pub use derive::{Tokens, end_applied, tokens, total_cost};
pub use fields::{Fields, Held, Slot, same_state};
pub use map::{MergedEntry, MergedMap};
pub use stamp::Stamp;
