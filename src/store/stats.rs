use crate::error::Result;
use crate::fs::{Dir, File, FileName, Fs};
use crate::limits::BALLAST_BYTES;
use crate::model::Timestamp;
use crate::segment::{RowKind, payload_bytes};
use crate::snapshot::{Snapshot, score_of, touched_scores};

/// Counts and sizes of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Live traces.
    pub traces: u64,
    /// Live observations.
    pub observations: u64,
    /// Of these, without an end (events aside).
    pub open_observations: u64,
    /// Live scores.
    pub scores: u64,
    /// Unsealed logs.
    pub logs: u64,
    /// Memory of their tables, in bytes: most of what
    /// [`live_bytes_max`](crate::Options::live_bytes_max) bounds.
    pub live_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Earliest start of a trace.
    pub start: Option<Timestamp>,
    /// Latest end of a trace.
    pub end: Option<Timestamp>,
    /// Bytes by kind of content.
    pub bytes: StatBytes,
}

/// Bytes of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatBytes {
    /// Payloads of live traces, observations and scores, as they were given.
    pub logical: u64,
    /// Logs.
    pub log: u64,
    /// Skeleton files.
    pub skeleton: u64,
    /// Payload files.
    pub payload: u64,
    /// Merged indexes.
    pub index: u64,
    /// Manifest and CURRENT.
    pub manifest: u64,
    /// All files together, lock and ballast included.
    pub total: u64,
}

pub(super) fn stats<F: Fs>(dir: &F::Dir, snapshot: &Snapshot<F>) -> Result<Stats> {
    let view = snapshot.view()?;
    let mut stats = Stats { bytes: file_bytes(dir)?, ..Stats::default() };
    (stats.logs, stats.segments) = (view.logs.len() as u64, view.segments.len() as u64);
    stats.live_bytes = view.memory() as u64;
    let fresh = view.unsealed_traces(snapshot.seq());
    let mut add = |summary: &crate::segment::Summary| {
        stats.traces += 1;
        stats.observations += summary.observations;
        stats.open_observations += summary.open;
        stats.bytes.logical += summary.payload_bytes;
        stats.start = Some(stats.start.map_or(summary.start, |s| s.min(summary.start)));
        stats.end = Some(stats.end.map_or(summary.end, |e| e.max(summary.end)));
    };
    for s in &view.segments {
        s.segment.check_all_rows(RowKind::Trace)?;
        for row in 0..s.segment.facts().traces {
            let sealed_only =
                s.segment.trace_identity(row).is_some_and(|id| fresh.binary_search(&id).is_err());
            if sealed_only && !s.dead.contains(RowKind::Trace, row) {
                add(&s.segment.summary(row));
            }
        }
    }
    for identity in &fresh {
        if let Some(state) = snapshot.states().state(&view, *identity, snapshot.seq())? {
            add(&state.summary);
        }
    }
    for s in &view.segments {
        let live = u64::from(s.segment.facts().scores) - s.dead.count(RowKind::Score);
        stats.scores += live;
    }
    for identity in touched_scores(&view, snapshot.seq())? {
        let sealed = view.live_score(identity, |_| true)?.is_some();
        let found = score_of(&view, identity, snapshot.seq())?;
        match (&found, sealed) {
            (Some(_), false) => stats.scores += 1,
            (None, true) => stats.scores -= 1,
            _ => {}
        }
        stats.bytes.logical += found.map_or(0, |(_, fields)| payload_bytes(&fields));
    }
    Ok(stats)
}

fn file_bytes<D: Dir>(dir: &D) -> Result<StatBytes> {
    let mut bytes = StatBytes::default();
    for name in dir.list()? {
        let len = match dir.open(name) {
            Ok(file) => file.len()?,
            // A writer goes on while we look.
            Err(e) if e.is_not_found() => continue,
            Err(e) => return Err(e),
        };
        bytes.total += len;
        match name {
            FileName::Log(_) => bytes.log += len,
            FileName::Skeleton(_) => bytes.skeleton += len,
            FileName::Payload(_) => bytes.payload += len,
            FileName::Index(_) => bytes.index += len,
            FileName::Manifest(_) | FileName::Current => bytes.manifest += len,
            FileName::Ballast => bytes.total += BALLAST_BYTES.saturating_sub(len),
            _ => {}
        }
    }
    Ok(bytes)
}
