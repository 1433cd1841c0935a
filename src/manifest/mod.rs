//! Which logs and segments are live. The manifest is a file of frames like a log; each frame
//! holds one edit, and the state is what the edits say one after the other.
//!
//! ```text
//! CURRENT        "MANIFEST-000007\n"
//! MANIFEST-7     header | edit: State | marker | edit | marker | ... | edit: Next(8)
//! ```
//!
//! Every edit is synced, then a marker that promises it is synced: damage to an edit is never
//! taken for a torn tail, and what the edit released may be unlinked. A writer that opens a store
//! starts a new manifest with the whole state and switches `CURRENT`; it never appends to an old
//! one. The first edit of a manifest is always `State`.
//!
//! Read in this order: `edit`, `state`, `writer`, `load`, `newer`.

mod edit;
mod load;
mod newer;
mod state;
#[cfg(test)]
mod tests;
mod writer;

pub use edit::Edit;
pub use load::{Loaded, load, read_current, read_manifest};
pub use newer::is_newer;
pub use state::{LogState, SegmentState, State};
pub use writer::ManifestWriter;
