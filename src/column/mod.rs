//! Columns: values of one field for many rows, read in place from a mapped file.
//!
//! Columns of one thing are a table, whose rows stand in groups of
//! [`ZONE_ROWS`](crate::limits::ZONE_ROWS). In each group every column chooses its own narrowest
//! form, and the columns of the same rows stand beside one another: who reads a few rows touches a
//! few pages. Layouts are little endian throughout, and their lengths multiples of 8.
//!
//! Every layout has a builder, which owns and ends in `build`, and a view, which borrows.
//! `parse` checks the whole structure; `view` costs O(1) and checks nothing but the header, for
//! bytes that were parsed before. Either way an accessor never panics: what the bytes do not hold
//! is `None`.
//!
//! Read in this order: `raw`, `table`, `ints`, `ids`, `texts`, `blobs`.

mod blobs;
mod ids;
mod ints;
mod raw;
mod table;
mod texts;

pub use blobs::{Blobs, BlobsBuilder, LastBlock};
pub use ids::Ids;
pub use ints::Ints;
pub use table::{Table, TableBuilder};
pub use texts::{Texts, TextsBuilder};

#[cfg(test)]
mod tests;
