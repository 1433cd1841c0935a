//! A segment's rows by themselves: their order, their ids, their details, and whether lookups
//! find them.

use super::affects::{Affects, Traces};
use super::finding::Findings;
use crate::column::LastBlock;
use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::Dir;
use crate::id::{Id, Identity};
use crate::model::Field;
use crate::segment::{LookupKind, ObservationColumns, RowKind, SectionId, Segment, columns};
use std::collections::HashSet;
use std::ops::Range;

struct Rows<'a, 'f, D: Dir> {
    segment: &'a Segment<D>,
    store: &'a FileHeader,
    /// Places of damage that was told.
    told: &'a HashSet<u64>,
    findings: &'a mut Findings<'f>,
}

/// Checks every row of a segment; damage at the places that were `told` is not told again.
/// Memory: the columns of one trace.
///
/// # Errors
/// `Io`.
pub fn check<D: Dir>(
    segment: &Segment<D>,
    store: &FileHeader,
    told: &HashSet<u64>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    findings.meter.stage(segment.skeleton().0.len() as u64);
    let mut rows = Rows { segment, store, told, findings };
    rows.traces()?;
    rows.scores()?;
    rows.parents_elsewhere();
    rows.tombstones();
    Ok(())
}

/// A trace, as what is touched.
pub fn of_trace<D: Dir>(segment: &Segment<D>, row: u32) -> Affects {
    match segment.trace_id(row) {
        Some(id) => Affects::new(format!("trace {id}"), Traces::one(Some(id))),
        None => format!("the trace of row {row} of segment {}", segment.id()).into(),
    }
}

/// Tells of the blocks of details that cannot be read, and gives their places.
///
/// # Errors
/// `Io`.
pub fn check_details<D: Dir>(
    segment: &Segment<D>,
    findings: &mut Findings<'_>,
) -> Result<HashSet<u64>> {
    let mut told = HashSet::new();
    for kind in [RowKind::Trace, RowKind::Observation, RowKind::Score] {
        for (rows, error) in segment.bad_details(kind) {
            told.extend(error.corruption().map(|c| c.offset));
            let (of, traces) = match kind {
                RowKind::Trace => ("trace", Traces::of(segment, rows.clone())),
                RowKind::Observation => {
                    ("observation", Traces::of_observations(segment, rows.clone()))
                }
                RowKind::Score => ("score", Traces::default()),
            };
            let (last, id) = (rows.end.saturating_sub(1), segment.id());
            let what =
                format!("what has no column of {of} rows {} to {last} of segment {id}", rows.start);
            let affects = Affects::new(what, traces);
            findings.error(segment.path(), error, "a block of details", affects)?;
        }
    }
    Ok(told)
}

impl<D: Dir> Rows<'_, '_, D> {
    fn offset(&self, section: SectionId) -> u64 {
        self.segment.skeleton().1.offset(section)
    }

    fn details(&mut self, error: Error, expected: &str, affects: &Affects) -> Result<()> {
        if error.corruption().is_some_and(|c| self.told.contains(&c.offset)) {
            return Ok(());
        }
        self.findings.error(self.segment.path(), error, expected, affects)
    }

    fn wrong(
        &mut self,
        section: SectionId,
        expected: &str,
        found: String,
        affects: impl Into<Affects>,
    ) {
        let at = (self.segment.path(), self.offset(section));
        self.findings.damage(at, expected, found, affects);
    }

    fn traces(&mut self) -> Result<()> {
        let segment = self.segment;
        let (mut next, mut before) = (0u32, None);
        let mut last = LastBlock::default();
        for row in 0..segment.facts().traces {
            let name = of_trace(segment, row);
            let (rows, start) = (segment.trace_rows(row), segment.trace_start(row));
            if rows.start != next {
                let found = format!("trace row {row} starts at observation row {}", rows.start);
                self.wrong(columns::TRACES, "rows without gap or overlap", found, &name);
            }
            let stated = segment.ints(columns::TRACE_ROWS).get(row as usize);
            if stated != Some(rows.len() as i64) {
                let found = format!("trace row {row} says {}", stated.unwrap_or(0));
                let expected = format!("{} rows of observations", rows.len());
                self.wrong(columns::TRACES, &expected, found, &name);
            }
            if before > Some(start) {
                let found = format!("trace row {row} starts before the row before it");
                self.wrong(columns::TRACES, "traces in the order of start", found, &name);
            }
            (next, before) = (rows.end, Some(start));
            self.trace_ids(row, &name);
            let fields = segment.trace_fields(row, &mut last);
            if let Err(error) = fields {
                self.details(error, "the details of a trace", &name)?;
            }
            self.observations(rows.clone(), &name);
            let meter = &mut self.findings.meter;
            let decoded = segment.each_observation(rows, start, &mut |row, _| {
                meter.step(u64::from(row), u64::from(segment.facts().observations));
                Ok(())
            });
            if let Err(error) = decoded {
                self.details(error, "the details of observations", &name)?;
            }
        }
        if next != segment.facts().observations {
            let found = format!("rows up to {next} of {}", segment.facts().observations);
            let expected = "a trace for every observation row";
            self.wrong(columns::TRACES, expected, found, "observations after these");
        }
        Ok(())
    }

    fn same(&self, id: Option<Id>, identity: Option<Identity>) -> bool {
        id.is_some_and(|id| Some(self.store.key.identity(&id)) == identity)
    }

    fn trace_ids(&mut self, row: u32, name: &Affects) {
        let segment = self.segment;
        let identity = segment.trace_identity(row);
        if !self.same(segment.trace_id(row), identity) {
            let found = format!("another text or none in row {row}");
            self.wrong(columns::TRACES, "an id whose text has its identity", found, name);
        }
        let found = identity.and_then(|id| segment.find_trace(id));
        if found != Some(row) {
            let found = format!("the lookup does not find trace row {row}");
            self.wrong(columns::LOOKUP_TRACE, "every trace in the lookup", found, name);
        }
        let session = segment.trace_text(row, Field::Session).and_then(|t| Id::parse(t).ok());
        if let Some(session) = session {
            let key = &self.store.key;
            let hash = key.lookup_hash(key.identity(&session));
            if !segment.candidates(LookupKind::Session, hash).any(|r| r == row) {
                let found = format!("the lookup does not find trace row {row} by its session");
                self.wrong(columns::LOOKUP_SESSION, "every session in the lookup", found, name);
            }
        }
    }

    fn observations(&mut self, rows: Range<u32>, name: &Affects) {
        let segment = self.segment;
        let held = segment.columns(rows.clone());
        if held.ids.len() != rows.len() {
            let found = format!("{} ids for {} rows", held.ids.len(), rows.len());
            self.wrong(columns::OBSERVATIONS, "an id in every row", found, name);
            return;
        }
        let keys = held.start.iter().zip(&held.ids);
        if !keys.is_sorted_by(|a, b| a < b) {
            let found = format!("observation rows {} to {} are not", rows.start, rows.end);
            self.wrong(columns::OBSERVATIONS, "rows in the order of start, then id", found, name);
        }
        let mut ids = held.ids.clone();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair[0] == pair[1]) {
            let found = format!("an id twice in rows {} to {}", rows.start, rows.end);
            self.wrong(columns::OBSERVATIONS, "every observation once", found, name);
        }
        for (i, row) in rows.clone().enumerate() {
            if !self.same(segment.observation_id(row), held.ids.get(i).copied()) {
                let found = format!("another text or none in row {row}");
                self.wrong(columns::OBSERVATIONS, "an id whose text has its identity", found, name);
            }
            let parent = match ObservationColumns::opt(&held.parent, i) {
                None => continue,
                Some(0) => self.same(segment.parent_id(row), segment.parent_identity(row)),
                Some(back) => {
                    let at = i64::from(row).checked_sub(back).and_then(|at| u32::try_from(at).ok());
                    at.is_some_and(|at| rows.contains(&at))
                }
            };
            if !parent {
                let found = format!("row {row} has none");
                self.wrong(
                    columns::OBSERVATIONS,
                    "a parent in the trace, or by its id",
                    found,
                    name,
                );
            }
        }
    }

    fn scores(&mut self) -> Result<()> {
        let segment = self.segment;
        let mut last = LastBlock::default();
        for row in 0..segment.facts().scores {
            let identity = segment.score_identity(row);
            let id = segment.score_id(row);
            let name = Affects::from(match &id {
                Some(id) => format!("score {id}"),
                None => format!("the score of row {row} of segment {}", segment.id()),
            });
            if !self.same(id, identity) {
                let found = format!("another text or none in row {row}");
                self.wrong(columns::SCORES, "an id whose text has its identity", found, &name);
            }
            if identity.and_then(|id| segment.find_score(id)) != Some(row) {
                let found = format!("the lookup does not find score row {row}");
                self.wrong(columns::LOOKUP_SCORE, "every score in the lookup", found, &name);
            }
            let fields = match segment.score_fields(row, &mut last) {
                Ok(fields) => fields,
                Err(error) => {
                    self.details(error, "the details of a score", &name)?;
                    continue;
                }
            };
            let hash = fields.subject().map(|s| s.lookup_hash(&self.store.key));
            let listed = |hash| segment.candidates(LookupKind::Subject, hash).any(|r| r == row);
            if hash.is_some_and(|hash| !listed(hash)) {
                let found = format!("the lookup does not find score row {row} by its subject");
                self.wrong(columns::LOOKUP_SUBJECT, "every subject in the lookup", found, &name);
            }
        }
        Ok(())
    }

    /// As many parents by id as rows that ask for one, in the order of their rows.
    fn parents_elsewhere(&mut self) {
        let parents = self.segment.ints(columns::OBS_PARENT);
        let asking = (0..parents.len()).filter(|row| parents.get(*row) == Some(0)).count();
        let rows = self.segment.ints(columns::PARENT_ROWS);
        let ordered = (1..rows.len()).all(|at| rows.get(at - 1) < rows.get(at));
        if rows.len() != asking || !ordered {
            let found = format!("{} rows, in order: {ordered}", rows.len());
            let expected = format!("{asking} rows with a parent elsewhere, in order");
            self.wrong(columns::PARENTS, &expected, found, "parents of observations");
        }
    }

    fn tombstones(&mut self) {
        let rows = self.segment.ids(columns::TOMBSTONE_IDS).len();
        let read = self.segment.tombstones().count();
        if read != rows {
            let expected = format!("{rows} tombstones");
            let found = format!("{read} that can be read");
            self.wrong(columns::TOMBSTONES, &expected, found, "what was erased");
        }
    }
}
