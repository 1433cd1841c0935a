//! Opening what a store's files hold: telling a torn tail from damage, and starting afresh where
//! the last run stopped.
//!
//! ```text
//!             promise                 end of the frames in order
//! ----+----------+-----------------------+-------------------- last log
//!     |  stays   |  appended again to a  |  bad bytes: a torn tail, never acknowledged
//!     |          |  new log, same seqs   |
//! ```
//!
//! The promise is the highest one of any valid frame of the log. Bad bytes below it are damage to
//! acknowledged data: the store is not opened for writing. Old files are never changed.
//!
//! Read in this order: `logs`, `load`, `copy`.

mod copy;
mod load;
mod logs;

pub use copy::copy_tail;
pub use load::{LoadedStore, check_end, load_store, log_end, open_merged, open_segments};
pub use logs::{LogEnd, ReadLog, Tail, extend_log, read_log};

/// What recovery found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Frames of unsealed logs that were read.
    pub frames: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of torn tails that were passed over; nothing in them was acknowledged.
    pub torn_bytes: u64,
    /// Records that were not promised durable and were appended again to a new log.
    pub copied_records: u64,
    /// What else is worth telling, a sentence each.
    pub notes: Vec<String>,
}
