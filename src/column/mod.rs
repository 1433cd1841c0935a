//! Columns: values of one field for many rows, read in place from a mapped file.
//!
//! Rows stand in zones of [`ZONE_ROWS`](crate::limits::ZONE_ROWS), and every zone chooses its own
//! narrowest form. Each column is one self-contained run of bytes whose length is a multiple
//! of 8, little endian throughout:
//!
//! ```text
//! +--------+-------------------------+------------------+---------+
//! | header | directory, one a zone   | data of the zones| padding |
//! +--------+-------------------------+------------------+---------+
//! ```
//!
//! Every layout has a builder, which owns and ends in `build`, and a view, which borrows.
//! `parse` checks the whole structure in O(zones); `view` costs O(1) and checks nothing but the
//! header, for bytes that were parsed before. Either way an accessor never panics: what the
//! bytes do not hold is `None`.
//!
//! Read in this order: `raw`, `ints`, `ids`, `texts`, `blobs`.

mod blobs;
mod ids;
mod ints;
mod raw;
mod texts;

pub use blobs::{Blobs, BlobsBuilder, LastBlock};
pub use ids::{Ids, IdsBuilder};
pub use ints::{Ints, IntsBuilder};
pub use texts::{Texts, TextsBuilder};

#[cfg(test)]
mod tests;
