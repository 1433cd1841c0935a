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

pub(crate) mod column;
pub(crate) mod frame;
pub(crate) mod index;
pub(crate) mod part;

pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod segment;

pub(crate) mod snapshot;
pub mod tree;

pub(crate) mod maintenance;

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
