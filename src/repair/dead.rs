//! Rows that newer segments supersede, also where the list of these is not readable.

use crate::fs::Dir;
use crate::id::StoreKey;
use crate::segment::{Readable, RowKind, Segment, columns};
use crate::snapshot::{DeadRows, View};
use std::ops::Range;
use std::sync::Arc;

/// Which rows of each segment are dead. `segments` are in the order of their seqs.
pub fn find<D: Dir>(key: StoreKey, segments: &[(Arc<Segment<D>>, Unlisted)]) -> Vec<DeadRows> {
    let all = segments.iter().map(|(segment, _)| Arc::clone(segment)).collect();
    let view = View::new(key, all, Vec::new(), Vec::new());
    let listed = |segment: &Arc<Segment<D>>| {
        view.segment(segment.id()).map_or_else(DeadRows::default, |s| DeadRows::clone(&s.dead))
    };
    let mut dead: Vec<DeadRows> = segments.iter().map(|(segment, _)| listed(segment)).collect();
    for (at, (newer, unlisted)) in segments.iter().enumerate() {
        if let Unlisted::Yes(rows) = unlisted {
            for (older, dead) in segments[..at].iter().zip(&mut dead) {
                by_identity(newer, rows, &older.0, dead);
            }
        }
    }
    dead
}

/// Whether the list of what a segment supersedes is not readable.
#[derive(Debug)]
pub enum Unlisted {
    /// It is readable.
    No,
    /// It is not; these are the observation rows of its trace rows.
    Yes(Vec<Range<u32>>),
}

impl Unlisted {
    /// Looks at a segment's sections.
    pub fn of<D: Dir>(readable: &Readable<D>) -> Unlisted {
        match readable.is_sound(columns::OLD_SEGMENT) && readable.is_sound(columns::OLD_ROW) {
            true => Unlisted::No,
            false => {
                let rows = readable.trace_rows().into_iter();
                Unlisted::Yes(rows.map(Option::unwrap_or_default).collect())
            }
        }
    }
}

/// A row that the newer segment has of the same thing took the older one's place, and what it
/// carries a tombstone of was erased.
fn by_identity<D: Dir>(
    newer: &Segment<D>,
    rows: &[Range<u32>],
    older: &Segment<D>,
    dead: &mut DeadRows,
) {
    for (row, observations) in (0u32..).zip(rows) {
        let Some(trace) = newer.trace_identity(row) else { continue };
        let Some(old) = older.find_trace(trace) else { continue };
        dead.mark(RowKind::Trace, old);
        let old_rows = older.trace_rows(old);
        for observation in newer.observation_identities(observations.clone()) {
            if let Some(row) = older.find_observation(old_rows.clone(), observation) {
                dead.mark(RowKind::Observation, row);
            }
        }
    }
    for row in 0..newer.facts().scores {
        let old = newer.score_identity(row).and_then(|id| older.find_score(id));
        old.into_iter().for_each(|row| dead.mark(RowKind::Score, row));
    }
    for erased in newer.tombstones() {
        match erased.kind {
            RowKind::Trace => {
                let Some(row) = older.find_trace(erased.identity) else { continue };
                dead.mark(RowKind::Trace, row);
                older.trace_rows(row).for_each(|row| dead.mark(RowKind::Observation, row));
            }
            RowKind::Observation => {
                let rows = older.find_trace(erased.trace).map(|row| older.trace_rows(row));
                let row = rows.and_then(|rows| older.find_observation(rows, erased.identity));
                row.into_iter().for_each(|row| dead.mark(RowKind::Observation, row));
            }
            RowKind::Score => {
                let row = older.find_score(erased.identity);
                row.into_iter().for_each(|row| dead.mark(RowKind::Score, row));
            }
        }
    }
}
