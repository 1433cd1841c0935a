//! All segments together: what supersedes what, one live row of each thing, and whether a
//! trace's sums are those of its live observations.

use super::finding::Findings;
use super::rows::of_trace;
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::Dir;
use crate::id::Identity;
use crate::segment::{
    Contribution, RowKind, Segment, Summary, Supersession, columns, payload_bytes,
};
use crate::snapshot::{SegmentView, View};
use std::path::Path;

/// Checks the segments against one another. `complete` tells whether all live ones could be
/// opened. Memory: the ids of one trace's observations.
///
/// # Errors
/// `Io`.
pub fn check<D: Dir>(view: &View<D>, complete: bool, findings: &mut Findings<'_>) -> Result<()> {
    for at in 0..view.segments.len() {
        supersessions(view, at, findings);
        replaced(view, at, findings);
        erased(view, at, findings);
    }
    // With a segment missing, sums cannot agree.
    if !complete {
        return Ok(());
    }
    for (at, s) in view.segments.iter().enumerate() {
        findings.meter.stage(s.segment.skeleton().0.len() as u64);
        for row in 0..s.segment.facts().traces {
            findings.meter.step(u64::from(row), u64::from(s.segment.facts().traces));
            let Some(identity) = s.segment.trace_identity(row) else { continue };
            let holders = view.holders(identity)?;
            // Each trace once: at the newest segment that holds it.
            if holders.last() == Some(&(at, row)) {
                trace(view, &holders, findings)?;
            }
        }
        scores(view, at, findings);
    }
    Ok(())
}

fn section_at<D: Dir>(segment: &Segment<D>, id: crate::segment::SectionId) -> (&Path, u64) {
    (segment.path(), segment.skeleton().1.offset(id))
}

fn identity_of<D: Dir>(segment: &Segment<D>, kind: RowKind, row: u32) -> Option<Identity> {
    match kind {
        RowKind::Observation => segment.observation_identity(row),
        RowKind::Trace => segment.trace_identity(row),
        RowKind::Score => segment.score_identity(row),
    }
}

fn supersessions<D: Dir>(view: &View<D>, at: usize, findings: &mut Findings<'_>) {
    let segment = &view.segments[at].segment;
    let place = section_at(segment, columns::SUPERSEDED);
    let affects = "which rows are live";
    let mut count = 0;
    for old in segment.superseded() {
        count += 1;
        let Supersession { kind, row, successor, .. } = old;
        if successor.is_some_and(|own| own >= segment.rows(kind)) {
            let found = "a row past the last one";
            findings.damage(place, "a successor among the segment's rows", found, affects);
            continue;
        }
        let Some(older) = view.segment(old.segment).map(|s| &s.segment) else { continue };
        let own_trace = old.segment == segment.id() && kind == RowKind::Trace;
        if older.facts().first_seq >= segment.facts().first_seq && !own_trace {
            let found = format!("segment {}", old.segment);
            findings.damage(
                place,
                "rows of an older segment, or its own trace rows",
                found,
                affects,
            );
        }
        if row >= older.rows(kind) {
            let expected = format!("rows of segment {}", old.segment);
            findings.damage(place, expected, format!("row {row}"), affects);
            continue;
        }
        let own = successor.and_then(|own| identity_of(segment, kind, own));
        if own.is_some() && own != identity_of(older, kind, row) {
            let expected = format!("the successor of row {row} of segment {}", old.segment);
            findings.damage(place, expected, "a row of something else", affects);
        }
    }
    if count != segment.facts().superseded {
        let expected = format!("{} rows of older segments", segment.facts().superseded);
        findings.damage(place, expected, format!("{count} that can be read"), affects);
    }
}

/// A segment that another one replaces must be gone.
fn replaced<D: Dir>(view: &View<D>, at: usize, findings: &mut Findings<'_>) {
    let segment = &view.segments[at].segment;
    let offset = segment.skeleton().1.facts.start as u64;
    for old in segment.facts().segments.iter().filter(|id| view.segment(**id).is_some()) {
        let expected = "segments that it replaces to be gone";
        let found = format!("segment {old} is live");
        let affects = format!("rows of segments {old} and {}", segment.id());
        findings.damage((segment.path(), offset), expected, found, affects);
    }
}

/// What was erased is live in no older segment.
fn erased<D: Dir>(view: &View<D>, at: usize, findings: &mut Findings<'_>) {
    let segment = &view.segments[at].segment;
    for tombstone in segment.tombstones() {
        let before = |s: &&SegmentView<D>| s.segment.facts().last_seq < tombstone.seq;
        for s in view.segments[..at].iter().filter(before) {
            let older = &s.segment;
            let trace = older.find_trace(tombstone.trace);
            let observations = trace.map_or(0..0, |row| older.trace_rows(row));
            let live = match tombstone.kind {
                RowKind::Trace => {
                    let live = |row: &u32| !s.dead.contains(RowKind::Observation, *row);
                    trace.is_some_and(|row| !s.dead.contains(RowKind::Trace, row))
                        || observations.into_iter().any(|row| live(&row))
                }
                RowKind::Observation => older
                    .find_observation(observations, tombstone.identity)
                    .is_some_and(|row| !s.dead.contains(RowKind::Observation, row)),
                RowKind::Score => older
                    .find_score(tombstone.identity)
                    .is_some_and(|row| !s.dead.contains(RowKind::Score, row)),
            };
            if live {
                let found = format!("it is live in segment {}", older.id());
                let affects =
                    trace.map_or_else(|| "what was erased".into(), |row| of_trace(older, row));
                let place = section_at(segment, columns::TOMBSTONES);
                findings.damage(place, "what was erased to be gone", found, affects);
            }
        }
    }
}

fn trace<D: Dir>(
    view: &View<D>,
    holders: &[(usize, u32)],
    findings: &mut Findings<'_>,
) -> Result<()> {
    let Some((newest, newest_row)) = holders.last().copied() else { return Ok(()) };
    let newest = &view.segments[newest].segment;
    let name = of_trace(newest, newest_row);
    let live = |(at, row): &&(usize, u32)| !view.segments[*at].dead.contains(RowKind::Trace, *row);
    let rows: Vec<&(usize, u32)> = holders.iter().filter(live).collect();
    let place = section_at(newest, columns::TRACES);
    if rows.len() > 1 {
        let found = format!("{} live rows", rows.len());
        findings.damage(place, "one live trace row", found, &name);
        return Ok(());
    }
    let own = match rows.first() {
        Some((at, row)) => {
            match view.segments[*at].segment.trace_fields(*row, &mut LastBlock::default()) {
                Ok(fields) => Some((*at, *row, fields)),
                // Told when the rows were checked.
                Err(e) if e.corruption().is_some() => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        None => None,
    };
    let mut summary = own.as_ref().map_or_else(Summary::default, |own| Summary::empty(&own.2));
    let mut ids = Vec::new();
    for (at, row) in holders {
        let s = &view.segments[*at];
        let (rows, start) = (s.segment.trace_rows(*row), s.segment.trace_start(*row));
        let added = s.segment.each_observation(rows, start, &mut |row, fields| {
            if !s.dead.contains(RowKind::Observation, row) {
                ids.extend(s.segment.observation_identity(row));
                summary.add(&Contribution::of(&fields));
            }
            Ok(())
        });
        match added {
            Err(e) if e.corruption().is_some() => return Ok(()),
            other => other?,
        }
    }
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        let found = "one that is live in two segments";
        findings.damage(place, "one live row of every observation", found, &name);
    }
    match own {
        None if ids.is_empty() => {}
        None => {
            let found = format!("none, and {} live observations", ids.len());
            findings.damage(place, "one live trace row", found, &name);
        }
        Some((at, row, fields)) => {
            let segment = &view.segments[at].segment;
            let stored = segment.summary(row);
            let is = stored_form(summary);
            if stored != is {
                let place = section_at(segment, columns::TRACES);
                let own = payload_bytes(&fields);
                findings.damage(place, words(&is, own), words(&stored, own), &name);
            }
        }
    }
    Ok(())
}

/// The sums as columns hold them: what does not fit is cut off at the largest number.
fn stored_form(mut summary: Summary) -> Summary {
    let largest = i64::MAX as u64;
    let tokens = &mut summary.tokens;
    for sum in [&mut tokens.input, &mut tokens.output, &mut tokens.total] {
        *sum = (*sum).min(largest);
    }
    summary.payload_bytes = summary.payload_bytes.min(largest);
    if i64::try_from(summary.cost.0).is_err() {
        summary.cost.0 = i128::from(i64::MAX);
    }
    summary
}

fn words(s: &Summary, own_bytes: u64) -> String {
    format!(
        "{} observations from {} to {}, {} open, {} errors, {}/{}/{} tokens, cost {}, {} payload \
         bytes of which {own_bytes} are the trace's own",
        s.observations,
        s.start,
        s.end,
        s.open,
        s.errors,
        s.tokens.input,
        s.tokens.output,
        s.tokens.total,
        s.cost,
        s.payload_bytes
    )
}

/// A live score has no other live row in a newer segment.
fn scores<D: Dir>(view: &View<D>, at: usize, findings: &mut Findings<'_>) {
    let s = &view.segments[at];
    for row in 0..s.segment.facts().scores {
        let Some(identity) = s.segment.score_identity(row) else { continue };
        if s.dead.contains(RowKind::Score, row) {
            continue;
        }
        let twice = view.segments.iter().skip(at + 1).any(|newer| {
            let row = newer.segment.find_score(identity);
            row.is_some_and(|row| !newer.dead.contains(RowKind::Score, row))
        });
        if twice {
            let id = s.segment.score_id(row).map_or_else(String::new, |id| id.to_string());
            let place = section_at(&s.segment, columns::SCORES);
            let found = "one that is live in two segments";
            findings.damage(place, "one live row of every score", found, format!("score {id}"));
        }
    }
}
