//! Lists of traces: by time, filtered, in pages.
//!
//! Read in this order: `filter`, `cursor`, `fresh`, `list`.

mod cursor;
mod filter;
mod fresh;
mod list;

pub use cursor::Cursor;
pub use filter::{Order, TraceQuery};
pub use list::Page;
