//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

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

pub(crate) mod store;

pub use error::{Error, ErrorKind, Result};
pub use id::{Id, Identity, Seq};
pub use merge::Fields;
pub use options::{Background, Durability, Options};
pub use query::{Cursor, Order, Page, TraceQuery};
pub use recovery::RecoveryReport;
pub use segment::{SealLevel, Summary};
pub use snapshot::{NewMessages, Snapshot, TraceState};
pub use store::{
    Batch, Commit, Create, Event, Listener, ReadStore, SealReport, StatBytes, Stats, Store,
    StoreBuilder,
};
pub use tree::{Anomaly, Tree};
pub use verify::{DumpLine, Finding, Severity, Verdict, dump, verify};

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
    pub mod part {
        pub use crate::part::*;
    }
}
