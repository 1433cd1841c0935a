//! A consistent view of the store at one seq, and the questions that can be asked of it.
//!
//! A [`View`] is a set of segments and logs; a [`Snapshot`] is a view and a seq. What is found
//! in segments is merged with what the logs' tables hold up to that seq:
//!
//! ```text
//!   trace id -> holders: (segment, row)*          lookups, one probe each
//!            -> records of the logs' tables       decoded, in append order
//!            -> tombstones hide what is older
//!            -> observations by identity: live sealed row + records, merged
//! ```
//!
//! A trace that lies in one segment with nothing newer is read straight from the columns.
//!
//! Read in this order: `view`, `merged`, `dead`, `gather`, `states`, `trees`, `scan`, `scores`,
//! `payloads`, `messages`, `content`.

mod content;
mod dead;
mod gather;
mod merged;
mod messages;
mod payloads;
mod scan;
mod scores;
mod states;
mod trees;
mod view;

pub use dead::DeadRows;
pub use gather::Gathered;
pub use merged::{each_hash, open_index, section_of, write_index};
pub use messages::NewMessages;
pub use scan::Skeleton;
pub use scores::{score_of, touched_scores};
pub use states::{Ordered, StateCache, TraceState, state_of};
pub use view::{IndexPlan, IndexView, Indexed, SegmentView, View};

use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, Fs, RealFs};
use crate::id::{LogId, Seq};
use crate::part::BlockCache;
use crate::sync::RwLock;
use std::sync::Arc;

/// An immutable view of the store at one seq. Cheap to clone, safe to share among threads.
///
/// It keeps the files that it reads alive until it is dropped. One that is held while the store
/// needs its memory may be given up: it then reads as [`ErrorKind::Expired`].
#[derive(Debug)]
pub struct Snapshot<F: Fs = RealFs>(Arc<Held<F::Dir>>);

impl<F: Fs> Clone for Snapshot<F> {
    fn clone(&self) -> Self {
        Snapshot(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Held<D: Dir> {
    view: RwLock<Option<Arc<View<D>>>>,
    seq: Seq,
    cache: Arc<BlockCache>,
    states: Arc<StateCache>,
}

/// Lets the store give a snapshot up without holding it.
#[derive(Debug)]
pub struct WeakSnapshot<D: Dir>(std::sync::Weak<Held<D>>);

impl<D: Dir> WeakSnapshot<D> {
    /// Whether the snapshot is still held and not given up.
    pub fn is_live(&self) -> bool {
        self.0.upgrade().is_some_and(|held| held.view.read().is_some())
    }

    /// Tables that only snapshots keep, those of logs that `live` does not name, and the memory
    /// of each.
    pub fn pinned(&self, live: &View<D>) -> Vec<(LogId, usize)> {
        let Some(held) = self.0.upgrade() else { return Vec::new() };
        let view = held.view.read();
        let pinned = view.iter().flat_map(|view| &view.logs);
        pinned
            .filter(|log| live.log(log.id()).is_none())
            .map(|log| (log.id(), log.memory()))
            .collect()
    }

    /// Gives the snapshot up: whoever holds it reads `Expired` from now on.
    pub fn expire(&self) {
        if let Some(held) = self.0.upgrade() {
            *held.view.write() = None;
        }
    }
}

impl<F: Fs> Snapshot<F> {
    /// A snapshot of this view at this seq.
    pub(crate) fn new(
        view: Arc<View<F::Dir>>,
        seq: Seq,
        cache: Arc<BlockCache>,
        states: Arc<StateCache>,
    ) -> Snapshot<F> {
        Snapshot(Arc::new(Held { view: RwLock::new(Some(view)), seq, cache, states }))
    }

    pub(crate) fn downgrade(&self) -> WeakSnapshot<F::Dir> {
        WeakSnapshot(Arc::downgrade(&self.0))
    }

    /// The seq up to which records are seen.
    pub fn seq(&self) -> Seq {
        self.0.seq
    }

    pub(crate) fn view(&self) -> Result<Arc<View<F::Dir>>> {
        self.0.view.read().clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Expired,
                "the snapshot was given up to stay within the memory budget; take a new one",
            )
        })
    }

    pub(crate) fn block_cache(&self) -> &BlockCache {
        &self.0.cache
    }

    pub(crate) fn states(&self) -> &StateCache {
        &self.0.states
    }
}
