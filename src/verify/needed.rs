//! Whose payloads need what cannot be read of a payload file.

use super::affects::{Affects, Traces};
use super::finding::Findings;
use crate::column::LastBlock;
use crate::error::{Error, Result};
use crate::fs::{Dir, Mapped};
use crate::merge::Fields;
use crate::part::{Item, items};
use crate::segment::{PayloadFile, PayloadReader, RowKind, Segment, payloads_of};
use crate::snapshot::DeadRows;
use std::ops::Range;

/// Something of a payload file that cannot be read: a finding that waits for its traces.
#[derive(Debug)]
pub struct Lost {
    /// Parts that are gone.
    pub parts: Range<u32>,
    /// Payloads whose lists are gone, or whose bytes are others.
    pub payloads: Range<u64>,
    /// Where it stands in the file.
    pub offset: u64,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What it is.
    pub what: String,
    traces: Traces,
    corrections: u64,
    /// The trace row that was counted last: a trace's rows lie together.
    last: Option<u32>,
}

impl Lost {
    /// These parts, for this reason.
    pub fn parts(parts: Range<u32>, offset: u64, expected: &str, found: String) -> Lost {
        let what = format!("parts {} to {}", parts.start, parts.end.saturating_sub(1));
        Lost::new(parts, 0..0, offset, expected.to_owned(), found, what)
    }

    /// These payloads, for this reason.
    pub fn payloads(payloads: Range<u64>, offset: u64, expected: String, found: String) -> Lost {
        let what = match payloads.end - payloads.start {
            1 => format!("payload {}", payloads.start),
            _ => format!("payloads {} to {}", payloads.start, payloads.end - 1),
        };
        Lost::new(0..0, payloads, offset, expected, found, what)
    }

    /// The next payload, too.
    pub fn extend(&mut self) {
        let Range { start, end } = self.payloads;
        *self =
            Lost::payloads(start..end + 1, self.offset, self.expected.clone(), self.found.clone());
    }

    fn new(
        parts: Range<u32>,
        payloads: Range<u64>,
        offset: u64,
        expected: String,
        found: String,
        what: String,
    ) -> Lost {
        let traces = Traces::default();
        let (corrections, last) = (0, None);
        Lost { parts, payloads, offset, expected, found, what, traces, corrections, last }
    }

    fn touch<D: Dir>(&mut self, segment: &Segment<D>, row: Option<u32>) {
        match row {
            None => self.corrections += 1,
            Some(row) if self.last == Some(row) => {}
            Some(row) => {
                self.last = Some(row);
                self.traces.add(segment.trace_id(row));
            }
        }
    }

    fn report<D: Dir>(self, needed: &Needed<'_, D>, path: &std::path::Path, to: &mut Findings<'_>) {
        let mut what = format!("{} of segment {}", self.what, needed.segment.id());
        if self.corrections > 0 {
            what.push_str(&format!("; {} corrections by scores need it", self.corrections));
        }
        let affects = Affects::new(what, self.traces);
        to.damage((path, self.offset), self.expected, self.found, affects);
    }
}

/// The live rows of a segment, which need payloads.
#[derive(Debug)]
pub struct Needed<'a, D: Dir> {
    /// The segment.
    pub segment: &'a Segment<D>,
    /// Rows that newer segments supersede: nobody needs theirs.
    pub dead: Option<&'a DeadRows>,
}

impl<D: Dir> Needed<'_, D> {
    /// Tells of what is lost, with the traces that need it. Cost: every row's details and every
    /// part list once more, where anything is lost at all.
    ///
    /// # Errors
    /// `Io`.
    pub fn report<M: Mapped>(
        &self,
        file: &PayloadFile<M>,
        mut blocks: Vec<Lost>,
        mut lists: Vec<Lost>,
        findings: &mut Findings<'_>,
    ) -> Result<()> {
        if blocks.is_empty() && lists.is_empty() {
            return Ok(());
        }
        let mut reader = PayloadReader::new(file, None);
        self.each_payload(&mut |row, number| {
            let at = lists.partition_point(|lost| lost.payloads.end <= number);
            let hit = lists.get_mut(at).filter(|lost| lost.payloads.contains(&number));
            if let Some(lost) = hit {
                lost.touch(self.segment, row);
                return;
            }
            let Ok(list) = reader.part_list(number) else { return };
            for item in items(&list, u32::MAX).map_while(Result::ok) {
                let Item::Run { first, count, .. } = item else { continue };
                let end = first.saturating_add(count);
                let at = blocks.partition_point(|lost| lost.parts.end <= first);
                let hit = blocks[at..].iter_mut().take_while(|lost| lost.parts.start < end);
                hit.for_each(|lost| lost.touch(self.segment, row));
            }
        })?;
        blocks.into_iter().chain(lists).for_each(|lost| lost.report(self, file.path(), findings));
        Ok(())
    }

    fn is_live(&self, kind: RowKind, row: u32) -> bool {
        !self.dead.is_some_and(|dead| dead.contains(kind, row))
    }

    /// Hands out the number of every payload that a live row needs, and the row's trace; none for
    /// a score.
    fn each_payload(&self, each: &mut dyn FnMut(Option<u32>, u64)) -> Result<()> {
        let segment = self.segment;
        let mut all = |row: Option<u32>, fields: &Fields| {
            payloads_of(fields).for_each(|payload| each(row, payload.number));
        };
        let mut details = LastBlock::default();
        for row in 0..segment.facts().traces {
            if self.is_live(RowKind::Trace, row) {
                let fields = segment.trace_fields(row, &mut details);
                readable(fields.map(|fields| all(Some(row), &fields)))?;
            }
            let (rows, start) = (segment.trace_rows(row), segment.trace_start(row));
            readable(segment.each_observation(rows, start, &mut |observation, fields| {
                if self.is_live(RowKind::Observation, observation) {
                    all(Some(row), &fields);
                }
                Ok(())
            }))?;
        }
        let mut last = LastBlock::default();
        for row in (0..segment.facts().scores).filter(|row| self.is_live(RowKind::Score, *row)) {
            readable(segment.score_fields(row, &mut last).map(|fields| all(None, &fields)))?;
        }
        Ok(())
    }
}

/// Damage to rows is told elsewhere.
fn readable(result: Result<()>) -> Result<(), Error> {
    match result {
        Err(e) if e.corruption().is_some() => Ok(()),
        other => other,
    }
}
