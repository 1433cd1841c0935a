#![doc = include_str!("../README.md")]
//!
//! # The library in one page
//!
//! [`Store`] is the principal type: open for writing, one for each directory. From it come
//! [`Commit`]s, which [`Store::append`] gives for a [`Batch`], and [`Snapshot`]s, which answer
//! every question: [`Snapshot::trace`] gives a [`Tree`], [`Snapshot::input`] and its sisters give
//! payloads, [`Snapshot::traces`] lists, [`Snapshot::scan`] goes through every observation.
//! [`ReadStore`] gives the same snapshots to a process that only reads; [`ReadStore::refresh`]
//! looks for what is new. What is stored is made from the records of [`model`].
//!
//! **Threads.** A store is shared by reference among any number of threads. It starts three of
//! its own: one writes, one syncs, one seals (none of the last with [`Background::Off`]). An
//! append works on the caller's thread under one lock, and waits only where too much is in
//! flight or sealing has fallen behind. A snapshot is immutable and takes no part in locking
//! once it is made. Nothing here is async: [`Commit::is_done`] and [`Commit::wait`] are what an
//! async host builds on.
//!
//! **Errors.** One [`Error`], a word wide, with an [`ErrorKind`] for each thing that a caller can
//! do about it. What is not there is an `Option`; what is odd about a trace is an [`Anomaly`];
//! what [`verify()`] finds is a [`Finding`]. Bytes from disk and data from callers never panic.
//!
//! **Memory** is bounded by [`Options`]; files of sealed segments are mapped and not counted.

pub mod clock;
pub mod entropy;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;
pub(crate) mod planted;
pub(crate) mod progress;
pub(crate) mod shards;
pub(crate) mod sync;

pub mod fs;
pub mod model;

pub(crate) mod codec;
pub mod merge;

#[allow(dead_code, reason = "the layout is whole, and the engine needs most of it")]
pub(crate) mod column;
pub(crate) mod frame;
#[allow(dead_code, reason = "the layout is whole, and the engine needs most of it")]
pub(crate) mod index;
#[allow(dead_code, reason = "the layout is whole, and the engine needs most of it")]
pub(crate) mod part;

pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod segment;

pub(crate) mod snapshot;
pub mod tree;

pub(crate) mod maintenance;
pub(crate) mod query;
pub(crate) mod recovery;
pub(crate) mod verify;

pub(crate) mod backup;
pub(crate) mod repair;

pub(crate) mod store;

pub use backup::BackupReport;
pub use error::{Error, ErrorKind, Result};
pub use id::{Id, Identity, Seq};
pub use merge::Fields;
pub use options::{Background, Durability, Options};
pub use progress::Progress;
pub use query::{Cursor, Order, Page, TraceQuery};
pub use recovery::RecoveryReport;
pub use repair::{Loss, Lost};
pub use segment::{Content, SealLevel, Summary};
pub use snapshot::{NewMessages, Skeleton, Snapshot, TraceState};
pub use store::{
    Batch, Commit, Create, Event, Listener, ReadStore, RepairReport, SealReport, StatBytes, Stats,
    Store, StoreBuilder, repair,
};
pub use tree::{Anomaly, Tree};
pub use verify::{
    DumpLine, Finding, Severity, Verdict, dump, verify, verify_in, verify_with_progress,
};

/// The private layouts, for the fuzz targets: no part of the API.
#[doc(hidden)]
#[cfg(feature = "internals")]
pub mod internals {
    pub mod codec {
        pub use crate::codec::*;
    }
    pub mod column {
        pub use crate::column::*;
    }
    pub mod frame {
        pub use crate::frame::*;
    }
    pub mod index {
        pub use crate::index::*;
    }
    pub mod log {
        pub use crate::log::*;
    }
    pub mod maintenance {
        pub use crate::maintenance::*;
    }
    pub mod manifest {
        pub use crate::manifest::*;
    }
    pub mod part {
        pub use crate::part::*;
    }
    pub mod segment {
        pub use crate::segment::*;
    }
    pub mod snapshot {
        pub use crate::snapshot::*;
    }
    pub mod verify {
        pub use crate::verify::*;
    }
}

/// The pages whose Rust runs as doc tests.
#[cfg(doctest)]
mod docs {
    #[doc = include_str!("../docs/durability.md")]
    mod durability {}
    #[doc = include_str!("../docs/format.md")]
    mod format {}
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/architecture.md")]
    mod architecture {}
}
