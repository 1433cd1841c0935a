//! The engines that are compared, behind one trait.
//!
//! ```text
//!   records --> batches --> prepare (pack payloads) --> commit --> acknowledged     append
//!                           one thread                  another
//!   trace id --> skeletons, payloads;  everything --> cost by model                 answers
//! ```
//!
//! Each file sets up one engine as its documentation advises, and says which document that is.
//! Read in this order: `names`, `pipeline`, `kv`, `text`, then any engine.

pub mod answers;
#[cfg(feature = "duckdb-linked")]
pub mod duckdb;
mod fjall;
mod floor;
mod kv;
mod lmdb;
mod merged;
pub mod names;
mod parquet;
mod parquet_read;
mod parquet_write;
mod pipeline;
mod redb;
#[cfg(feature = "rocksdb")]
pub mod rocksdb;
mod sqlite;
mod text;
mod tracekeep;

pub use crate::row::Skeleton;
pub use names::{Name, Setting, light};

use crate::Result;
use ::tracekeep::Id;
use ::tracekeep::model::{Field, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// When an append is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sync {
    /// After a sync: survives power loss.
    Disk,
    /// After the operating system has the bytes: survives kill -9.
    Os,
}

/// How an engine is to be opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// A directory of its own.
    pub dir: PathBuf,
    /// When an append is acknowledged.
    pub sync: Sync,
    /// zstd level of the Parquet file.
    pub parquet_level: i32,
}

/// Memory that each engine may use to cache what it read, in bytes: what tracekeep has by default.
pub const CACHE_BYTES: usize = 64 << 20;
/// zstd level where an engine lets one choose and its documents do not: zstd's own default.
pub const ZSTD_LEVEL: i32 = 3;

/// Number of observations and sum of cost (in units of 1e-12) by model.
pub type Costs = BTreeMap<String, (u64, i128)>;

/// What is handed every payload of a trace.
pub type EachPayload<'a> = dyn FnMut(&Id, Field, &[u8]) -> Result<()> + 'a;

/// One engine, open.
pub trait Engine: Send + std::marker::Sync {
    /// Appends all batches in order, each all or nothing, with up to so many unacknowledged, and
    /// returns when the last is acknowledged.
    ///
    /// # Errors
    /// The engine's.
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()>;

    /// Brings the files to the state in which they are to stay.
    ///
    /// # Errors
    /// The engine's.
    fn settle(&mut self) -> Result<()>;

    /// Closes as the documentation advises.
    ///
    /// # Errors
    /// The engine's.
    fn close(self: Box<Self>) -> Result<()>;

    /// Whoever can answer questions.
    fn reader(&self) -> Option<&dyn Reader>;
}

/// The questions.
pub trait Reader {
    /// Reads the skeletons of a trace, in start order, in whatever form the engine gives them, and
    /// says how many there are: what is timed.
    ///
    /// # Errors
    /// The engine's.
    fn tree(&self, trace: &Id) -> Result<usize> {
        Ok(std::hint::black_box(self.skeletons(trace)?).len())
    }

    /// The same, each as a [`Skeleton`], to be compared.
    ///
    /// # Errors
    /// The engine's.
    fn skeletons(&self, trace: &Id) -> Result<Vec<Skeleton>>;

    /// The skeletons of a trace and every payload of its observations, in any order. The number of
    /// skeletons.
    ///
    /// # Errors
    /// The engine's.
    fn whole(&self, trace: &Id, each: &mut EachPayload<'_>) -> Result<usize>;

    /// The input of one observation.
    ///
    /// # Errors
    /// The engine's.
    fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>>;

    /// Cost by model over everything.
    ///
    /// # Errors
    /// The engine's.
    fn scan(&self) -> Result<Costs>;

    /// How many scores there are.
    ///
    /// # Errors
    /// The engine's.
    fn scores(&self) -> Result<u64>;
}

/// What stands for no model. An empty text lies nowhere, and `memcmp` by masked loads (AVX-512)
/// takes a hundred nanoseconds for one that begins at an address without memory: whoever looks up
/// the sum of such a row pays for that, and it is not what is measured.
pub(crate) fn named(model: &str) -> &str {
    if model.is_empty() { "-" } else { model }
}

/// Adds one observation.
pub(crate) fn add_cost(costs: &mut Costs, model: &str, cost: i128) {
    let model = named(model);
    match costs.get_mut(model) {
        Some((count, sum)) => (*count, *sum) = (*count + 1, *sum + cost),
        None => {
            costs.insert(model.to_owned(), (1, cost));
        }
    }
}
