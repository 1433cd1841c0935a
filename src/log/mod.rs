//! A log: the append-only file of frames where the newest records live, and the table in memory
//! that answers questions about it until it is sealed.
//!
//! ```text
//! log-<n>.tkl    file header | frame | frame | ...            frames of `crate::frame`
//!
//! LogTable       frames    decompressed skeleton sections, as they stand in the file
//!                traces    trace   -> (seq, frame, record)*   of the trace and its observations
//!                scores    score   -> (seq, frame, record)*
//!                subjects  subject -> score*
//!                parts     part    -> (piece, offset, length)
//!                pieces    piece   -> place in the file
//! ```
//!
//! Records stay encoded; reading a trace decodes its own. Payload bytes stay in the file.
//!
//! Read in this order: `found`, `encoder`, `newest`, `table`, `reader`.

mod encoder;
mod found;
#[cfg(test)]
mod golden;
mod newest;
mod reader;
mod table;

pub use encoder::{Encoded, Encoder, LOG_ZSTD_LEVEL, Outlet};
pub use found::{Found, Starts};
pub use newest::Newest;
pub use reader::LogReader;
pub use table::LogTable;
