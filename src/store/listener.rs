use crate::id::{LogId, SegmentId};
use crate::progress::Progress;
use std::fmt::Debug;

/// Something that happened in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A log was started.
    LogStarted(LogId),
    /// Logs and segments become one segment: how far it is, at the start, at most each thousandth,
    /// and at the end.
    Sealing(Progress),
    /// Logs and segments became one segment.
    Sealed {
        /// The new segment, if anything was left to write.
        segment: Option<SegmentId>,
        /// Logs that it replaces.
        logs: u64,
        /// Segments that it replaces.
        segments: u64,
    },
    /// A merged index was written.
    Indexed(u64),
    /// Background work failed and will be tried again; the message says why.
    Failed(String),
    /// The store takes no more appends; the message says why.
    Poisoned(String),
}

/// Is told what happens in the background. Called from the store's threads, and from the one that
/// calls [`Store::seal`](super::Store::seal). It should return quickly, and not call the store.
pub trait Listener: Debug + Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Listener for Quiet {
    fn event(&self, _: &Event) {}
}
