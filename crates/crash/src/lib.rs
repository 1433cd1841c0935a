//! What a real disk cannot be made to do: a file system that crashes at every operation, one that
//! fails on demand, and the invariants that a store must keep through both.
//!
//! Read in this order: [`disk`], a disk in memory; [`states`], what a power failure may leave of
//! it; [`faulty`], operations that fail on demand, over any file system.

pub mod disk;
pub mod faulty;
pub mod states;
