use super::DeadRows;
use crate::error::Result;
use crate::fs::Dir;
use crate::id::{Identity, LogId, SegmentId, Seq, StoreKey};
use crate::index::Merged;
use crate::limits::UNINDEXED_SEGMENTS_MAX;
use crate::log::LogTable;
use crate::planted::{self, Bug};
use crate::segment::{LookupKind, RowKind, Segment};
use std::collections::{HashMap, HashSet};
use std::ops::{Deref, Range};
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

/// A merged index is not joined with others past so many items: rows are counted in 32 bits.
const INDEX_ITEMS_MAX: usize = 1 << 30;

/// What a merged index finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// Rows of traces, by their identity.
    Trace,
    /// Rows of scores, by their identity.
    Score,
    /// Rows of scores, by what they are about.
    Subject,
}

impl Indexed {
    /// All of them.
    pub const ALL: [Indexed; 3] = [Indexed::Trace, Indexed::Score, Indexed::Subject];

    /// Rows of what it finds.
    pub(super) fn rows(self) -> RowKind {
        match self {
            Indexed::Trace => RowKind::Trace,
            Indexed::Score | Indexed::Subject => RowKind::Score,
        }
    }

    fn in_segment(self) -> LookupKind {
        match self {
            Indexed::Trace => LookupKind::Trace,
            Indexed::Score => LookupKind::Score,
            Indexed::Subject => LookupKind::Subject,
        }
    }
}

/// A merged lookup index: for each trace and score, in which of the segments it covers it lies.
#[derive(Debug)]
pub struct IndexView<M> {
    /// Its file's number.
    pub number: u64,
    /// The mapped file.
    pub map: M,
    /// Where in the file the indexes stand.
    pub places: [Range<usize>; 3],
    /// The segments it covers, those that are gone since among them; ordinals in the index point
    /// into this list.
    pub segments: Vec<SegmentId>,
}

impl<M: Deref<Target = [u8]>> IndexView<M> {
    /// The index of one kind, in place.
    pub fn items(&self, of: Indexed) -> Merged<'_> {
        Merged::view(self.map.get(self.places[of as usize].clone()).unwrap_or_default())
    }
}

/// What a merged index is to be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlan {
    /// Segments of the view.
    pub segments: Vec<usize>,
    /// Indexes of the view, whose place it takes.
    pub indexes: Range<usize>,
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
    /// The merged indexes, oldest first.
    pub indexes: Vec<Arc<IndexView<D::Map>>>,
    positions: HashMap<SegmentId, usize>,
    unindexed: Vec<usize>,
}

impl<D: Dir> View<D> {
    /// A view of these segments and logs; what is dead follows from the segments.
    pub fn new(
        key: StoreKey,
        mut segments: Vec<Arc<Segment<D>>>,
        logs: Vec<Arc<LogTable<D::File>>>,
        indexes: Vec<Arc<IndexView<D::Map>>>,
    ) -> View<D> {
        segments.sort_unstable_by_key(|s| s.facts().first_seq);
        let segments: Vec<SegmentView<D>> = segments
            .into_iter()
            .map(|segment| SegmentView { segment, dead: Arc::default() })
            .collect();
        let mut view = View::assemble(key, segments, logs, indexes);
        for at in 0..view.segments.len() {
            view.mark_superseded(at);
        }
        view
    }

    fn assemble(
        key: StoreKey,
        segments: Vec<SegmentView<D>>,
        logs: Vec<Arc<LogTable<D::File>>>,
        indexes: Vec<Arc<IndexView<D::Map>>>,
    ) -> View<D> {
        let positions: HashMap<SegmentId, usize> =
            segments.iter().enumerate().map(|(i, s)| (s.segment.id(), i)).collect();
        let mut covered = vec![false; segments.len()];
        for at in indexes.iter().flat_map(|ix| &ix.segments).filter_map(|id| positions.get(id)) {
            covered[*at] = true;
        }
        if !indexes.is_empty() && planted::is(Bug::IndexCoversTooMuch) {
            covered.fill(true);
        }
        let unindexed = (0..segments.len()).filter(|at| !covered[*at]).collect();
        View { key, segments, logs, indexes, positions, unindexed }
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
        let live: HashSet<SegmentId> = kept.iter().map(|s| s.segment.id()).collect();
        let mut indexes = self.indexes.clone();
        indexes.retain(|ix| ix.segments.iter().any(|id| live.contains(id)));
        let mut view = View::assemble(self.key, kept, left, indexes);
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
        View::assemble(self.key, self.segments.clone(), logs, self.indexes.clone())
    }

    /// This view with so many of its logs, the oldest.
    #[must_use]
    pub fn of_oldest_logs(&self, count: usize) -> View<D> {
        let logs = self.logs.iter().take(count).cloned().collect();
        View::assemble(self.key, self.segments.clone(), logs, self.indexes.clone())
    }

    /// This view with a merged index in the place of others.
    #[must_use]
    pub fn with_index(&self, index: Arc<IndexView<D::Map>>, replaces: &[u64]) -> View<D> {
        let mut indexes = self.indexes.clone();
        indexes.retain(|ix| !replaces.contains(&ix.number));
        indexes.push(index);
        View::assemble(self.key, self.segments.clone(), self.logs.clone(), indexes)
    }

    /// What the next merged index is made of, where so many segments stand outside of all indexes
    /// that one is due: the oldest of these, and the newest indexes as long as each covers no more
    /// than what is there already. So their number grows with the logarithm of the segments', and
    /// an item is written as often.
    pub fn due_index(&self) -> Option<IndexPlan> {
        if self.unindexed.len() <= UNINDEXED_SEGMENTS_MAX {
            return None;
        }
        let segments = self.unindexed[..UNINDEXED_SEGMENTS_MAX + 1].to_vec();
        let (mut sum, mut first) = (segments.len(), self.indexes.len());
        let mut items = 0;
        while let Some(next) = first.checked_sub(1) {
            let live = |id: &&SegmentId| self.positions.contains_key(*id);
            let covered = self.indexes[next].segments.iter().filter(live).count();
            let longest = Indexed::ALL.map(|of| self.indexes[next].items(of).len());
            items += longest.into_iter().max().unwrap_or(0);
            if covered > sum || items > INDEX_ITEMS_MAX {
                break;
            }
            (sum, first) = (sum + covered, next);
        }
        Some(IndexPlan { segments, indexes: first..self.indexes.len() })
    }

    /// A segment by its id.
    pub fn segment(&self, id: SegmentId) -> Option<&SegmentView<D>> {
        self.positions.get(&id).and_then(|at| self.segments.get(*at))
    }

    /// An unsealed log by its id.
    pub fn log(&self, id: LogId) -> Option<&Arc<LogTable<D::File>>> {
        self.logs.iter().find(|l| l.id() == id)
    }

    /// Rows of segments that may have this hash, oldest segment first: each is to be checked and
    /// compared. Cost: one probe of each merged index, of which there are few, and one
    /// of each segment outside of them.
    ///
    /// # Errors
    /// `Corruption` where the lookup of a segment outside of the indexes is damaged.
    pub fn rows(&self, of: Indexed, hash: u64) -> Result<Vec<(usize, u32)>> {
        let mut rows = Vec::new();
        for index in &self.indexes {
            for (ordinal, row) in index.items(of).find(hash) {
                let id = index.segments.get(ordinal as usize);
                if let Some(at) = id.and_then(|id| self.positions.get(id)) {
                    rows.push((*at, row));
                }
            }
        }
        let unindexed = || self.unindexed.iter().map(|at| (at, &self.segments[*at].segment));
        unindexed().for_each(|(_, segment)| segment.fetch_lookup(of.in_segment()));
        for (at, segment) in unindexed() {
            rows.extend(segment.probe(of.in_segment(), hash)?.map(|row| (*at, row)));
        }
        if rows.len() > 1 {
            rows.sort_unstable();
        }
        Ok(rows)
    }

    /// Has what comparing these rows reads fetched, of all segments at once.
    fn fetch(&self, kind: RowKind, rows: &[(usize, u32)]) {
        if rows.len() > 1 {
            let rows = || rows.iter().map(|(at, row)| (&self.segments[*at].segment, *row));
            rows().for_each(|(segment, _)| segment.fetch_for_rows());
            rows().for_each(|(segment, row)| segment.fetch_identity(kind, row));
        }
    }

    /// The segments that hold anything of a trace, oldest first, and its row in each. Cost: as
    /// [`rows`](Self::rows).
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn holders(&self, trace: Identity) -> Result<Vec<(usize, u32)>> {
        let mut holders = Vec::new();
        let rows = self.rows(Indexed::Trace, self.key.lookup_hash(trace))?;
        self.fetch(RowKind::Trace, &rows);
        for (at, row) in rows {
            if self.segments[at].segment.is_of(RowKind::Trace, row, trace)? {
                holders.push((at, row));
            }
        }
        Ok(holders)
    }

    /// The newest live row of a score among the segments that `include` names. Cost: as
    /// [`rows`](Self::rows).
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn live_score(
        &self,
        score: Identity,
        include: impl Fn(usize) -> bool,
    ) -> Result<Option<(usize, u32)>> {
        let rows = self.rows(Indexed::Score, self.key.lookup_hash(score))?;
        self.fetch(RowKind::Score, &rows);
        for (at, row) in rows.into_iter().rev() {
            let s = &self.segments[at];
            let live = include(at) && !s.dead.contains(RowKind::Score, row);
            if live && s.segment.is_of(RowKind::Score, row, score)? {
                return Ok(Some((at, row)));
            }
        }
        Ok(None)
    }

    /// Live rows of scores that may be about what has this hash, oldest segment first. Cost: as
    /// [`rows`](Self::rows).
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn scores_about(&self, hash: u64) -> Result<Vec<Identity>> {
        let mut scores = Vec::new();
        for (at, row) in self.rows(Indexed::Subject, hash)? {
            let s = &self.segments[at];
            if !s.dead.contains(RowKind::Score, row) {
                s.segment.check_row(RowKind::Score, row)?;
                scores.extend(s.segment.score_identity(row));
            }
        }
        Ok(scores)
    }

    /// Every trace that has unsealed records up to `seq`, sorted.
    pub fn unsealed_traces(&self, seq: Seq) -> Vec<Identity> {
        let mut traces = Vec::new();
        self.logs.iter().for_each(|log| traces.extend(log.traces(seq)));
        traces.sort_unstable();
        traces.dedup();
        traces
    }

    /// Memory of the logs' tables, in bytes.
    pub fn memory(&self) -> usize {
        self.logs.iter().map(|l| l.memory()).sum()
    }
}
