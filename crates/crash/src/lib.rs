//! What a real disk cannot be made to do: a file system that crashes at every operation, one that
//! fails on demand, and the invariants that a store must keep through both.
//!
//! Read in this order: [`disk`], a disk in memory; [`states`], what a power failure may leave of
//! it; [`model`], what a store must say, kept outside of it; [`drive`], workloads; [`check`], the
//! invariants; [`explore`], all of it together; [`faulty`], operations that fail on demand, over
//! any file system; [`soak`], children that are killed on a real disk.

mod broken;

pub mod check;
pub mod disk;
pub mod drive;
pub mod explore;
pub mod faulty;
pub mod model;
pub mod soak;
pub mod states;

pub use broken::Broken;
