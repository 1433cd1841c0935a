use super::DeadRows;
use crate::fs::Dir;
use crate::id::{Identity, LogId, SegmentId, StoreKey};
use crate::index::Merged;
use crate::limits::UNINDEXED_SEGMENTS_MAX;
use crate::log::LogTable;
use crate::planted::{self, Bug};
use crate::segment::Segment;
use std::collections::HashMap;
use std::sync::Arc;

/// A segment and which of its rows are dead in a view.
#[derive(Debug)]
pub struct SegmentView<D: Dir> {
    /// The open segment.
    pub segment: Arc<Segment<D>>,
    /// Its superseded rows.
    pub dead: Arc<DeadRows>,
}

impl<D: Dir> Clone for SegmentView<D> {
    fn clone(&self) -> Self {
        SegmentView { segment: Arc::clone(&self.segment), dead: Arc::clone(&self.dead) }
    }
}

/// A merged lookup index: for each trace, in which of the segments it covers it lies.
#[derive(Debug)]
pub struct IndexView<M> {
    /// Its file's number.
    pub number: u64,
    /// The mapped file.
    pub map: M,
    /// Where in the file the index stands.
    pub place: std::ops::Range<usize>,
    /// The segments it covers, those that are gone since among them; ordinals in the index point
    /// into this list.
    pub segments: Vec<SegmentId>,
}

/// What is live: segments by the seqs they cover, then logs in the order they were started.
#[derive(Debug)]
pub struct View<D: Dir> {
    /// The store's key.
    pub key: StoreKey,
    /// Segments, oldest first.
    pub segments: Vec<SegmentView<D>>,
    /// Unsealed logs, oldest first.
    pub logs: Vec<Arc<LogTable<D::File>>>,
    /// The merged index, if there is one.
    pub index: Option<Arc<IndexView<D::Map>>>,
    positions: HashMap<SegmentId, usize>,
    unindexed: Vec<usize>,
}

impl<D: Dir> View<D> {
    /// A view of these segments and logs; what is dead follows from the segments.
    pub fn new(
        key: StoreKey,
        mut segments: Vec<Arc<Segment<D>>>,
        logs: Vec<Arc<LogTable<D::File>>>,
        index: Option<Arc<IndexView<D::Map>>>,
    ) -> View<D> {
        segments.sort_unstable_by_key(|s| s.facts().first_seq);
        let segments: Vec<SegmentView<D>> = segments
            .into_iter()
            .map(|segment| SegmentView { segment, dead: Arc::default() })
            .collect();
        let mut view = View::assemble(key, segments, logs, index);
        for at in 0..view.segments.len() {
            view.mark_superseded(at);
        }
        view
    }

    fn assemble(
        key: StoreKey,
        segments: Vec<SegmentView<D>>,
        logs: Vec<Arc<LogTable<D::File>>>,
        index: Option<Arc<IndexView<D::Map>>>,
    ) -> View<D> {
        let positions: HashMap<SegmentId, usize> =
            segments.iter().enumerate().map(|(i, s)| (s.segment.id(), i)).collect();
        let mut covered = vec![false; segments.len()];
        for at in index.iter().flat_map(|ix| &ix.segments).filter_map(|id| positions.get(id)) {
            covered[*at] = true;
        }
        if index.is_some() && planted::is(Bug::IndexCoversTooMuch) {
            covered.fill(true);
        }
        let unindexed = (0..segments.len()).filter(|at| !covered[*at]).collect();
        View { key, segments, logs, index, positions, unindexed }
    }

    fn mark_superseded(&mut self, by: usize) {
        let segment = Arc::clone(&self.segments[by].segment);
        for old in segment.superseded() {
            let Some(at) = self.positions.get(&old.segment) else { continue };
            // A row past the end is damage, which verify tells; it must not make us allocate.
            if old.row < self.segments[*at].segment.rows(old.kind)
                && !planted::is(Bug::DeadRowShown)
            {
                Arc::make_mut(&mut self.segments[*at].dead).mark(old.kind, old.row);
            }
        }
    }

    /// This view with some logs and segments replaced by a segment.
    #[must_use]
    pub fn replaced(
        &self,
        logs: &[LogId],
        segments: &[SegmentId],
        with: Option<Arc<Segment<D>>>,
    ) -> View<D> {
        let mut kept: Vec<SegmentView<D>> = self.segments.clone();
        kept.retain(|s| !segments.contains(&s.segment.id()));
        let id = with.as_ref().map(|s| s.id());
        kept.extend(with.map(|segment| SegmentView { segment, dead: Arc::default() }));
        kept.sort_by_key(|s| s.segment.facts().first_seq);
        let mut left = self.logs.clone();
        left.retain(|l| !logs.contains(&l.id()));
        let live = |id: &SegmentId| kept.iter().any(|s| s.segment.id() == *id);
        let index = self.index.clone().filter(|ix| ix.segments.iter().any(live));
        let mut view = View::assemble(self.key, kept, left, index);
        if let Some(at) = id.and_then(|id| view.positions.get(&id).copied()) {
            view.mark_superseded(at);
            // Rows of the new segment may be dead already, if it took the place of older ones.
            for newer in at + 1..view.segments.len() {
                view.mark_superseded(newer);
            }
        }
        view
    }

    /// This view with one more log.
    #[must_use]
    pub fn with_log(&self, log: Arc<LogTable<D::File>>) -> View<D> {
        let mut logs = self.logs.clone();
        logs.push(log);
        View::assemble(self.key, self.segments.clone(), logs, self.index.clone())
    }

    /// This view with so many of its logs, the oldest.
    #[must_use]
    pub fn of_oldest_logs(&self, count: usize) -> View<D> {
        let logs = self.logs.iter().take(count).cloned().collect();
        View::assemble(self.key, self.segments.clone(), logs, self.index.clone())
    }

    /// This view with this merged index.
    #[must_use]
    pub fn with_index(&self, index: Arc<IndexView<D::Map>>) -> View<D> {
        View::assemble(self.key, self.segments.clone(), self.logs.clone(), Some(index))
    }

    /// Whether so many segments stand outside the merged index that a new one is due.
    pub fn wants_index(&self) -> bool {
        self.unindexed.len() > UNINDEXED_SEGMENTS_MAX
    }

    /// A segment by its id.
    pub fn segment(&self, id: SegmentId) -> Option<&SegmentView<D>> {
        self.positions.get(&id).and_then(|at| self.segments.get(*at))
    }

    /// An unsealed log by its id.
    pub fn log(&self, id: LogId) -> Option<&Arc<LogTable<D::File>>> {
        self.logs.iter().find(|l| l.id() == id)
    }

    /// The segments that hold anything of a trace, oldest first, and its row in each. Cost: one
    /// probe of the merged index and one of each segment that it does not cover.
    pub fn holders(&self, trace: Identity) -> Vec<(usize, u32)> {
        let mut holders = Vec::new();
        if let Some(index) = &self.index {
            let bytes = index.map.get(index.place.clone()).unwrap_or_default();
            for (ordinal, row) in Merged::view(bytes).find(self.key.lookup_hash(trace)) {
                let id = index.segments.get(ordinal as usize);
                let Some(at) = id.and_then(|id| self.positions.get(id)) else { continue };
                if self.segments[*at].segment.trace_identity(row) == Some(trace) {
                    holders.push((*at, row));
                }
            }
        }
        for at in &self.unindexed {
            if let Some(row) = self.segments[*at].segment.find_trace(trace) {
                holders.push((*at, row));
            }
        }
        if holders.len() > 1 {
            holders.sort_unstable();
        }
        holders
    }

    /// Memory of the logs' tables, in bytes.
    pub fn memory(&self) -> usize {
        self.logs.iter().map(|l| l.memory()).sum()
    }
}
