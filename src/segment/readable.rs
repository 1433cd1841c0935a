//! Rows of a segment with damage: every value that a sound section vouches for, and what is
//! missing.

use super::columns as s;
use super::damaged::Readable;
use super::details::amounts::Amounts;
use super::details::{Base, decode_readable};
use super::section::SectionId;
use crate::column::{Blobs, Ids, LastBlock};
use crate::error::Fault;
use crate::fs::Dir;
use crate::id::Id;
use crate::merge::{Fields, Held, Slot, Stamp};
use crate::model::{Field, Operation, PayloadRef, Source, Timestamp, Value};
use std::ops::Range;

/// A row, as far as it can be read.
#[derive(Debug, Default)]
pub struct ReadableRow {
    /// What it says.
    pub fields: Fields,
    /// Fields whose values are gone, with the section that is not sound.
    pub lost: Vec<(Field, SectionId)>,
    /// Why nothing is known but what has a column, if so.
    pub no_details: Option<Fault>,
    /// The times of its stamps are gone, by this section: the earliest that they can have stands
    /// for them.
    pub no_times: Option<SectionId>,
}

/// What a row's details count from.
struct Origin {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// No time of the row is earlier, as far as is known.
    earliest: Timestamp,
    /// The section that hides the times of stamps.
    no_times: Option<SectionId>,
    /// A payload number near the row's own, and the section that hides it.
    number: Result<u64, SectionId>,
    /// What sound columns say of usage and cost.
    amounts: Amounts,
}

impl<D: Dir> Readable<D> {
    /// The first of these sections that is not sound.
    fn unsound_of(&self, sections: &[SectionId]) -> Option<SectionId> {
        sections.iter().copied().find(|id| self.unsound.iter().any(|u| u.section == Some(*id)))
    }

    fn hidden(&self, sections: &[SectionId]) -> bool {
        self.unsound_of(sections).is_some()
    }

    /// The observation rows of each trace row; `None` where nothing tells.
    pub fn trace_rows(&self) -> Option<Vec<Range<u32>>> {
        let segment = self.segment.as_ref()?;
        let traces = segment.facts().traces;
        let value = |column, row| segment.int(column, row).and_then(|v| u32::try_from(v).ok());
        match (self.hidden(&[s::TRACE_FIRST]), self.hidden(&[s::TRACE_ROWS])) {
            (false, false) => Some((0..traces).map(|row| segment.trace_rows(row)).collect()),
            // Each follows from the other: the rows of traces lie one after the other.
            (true, false) => {
                let mut first = 0u32;
                let ranges = (0..traces).map(|row| {
                    let start = first;
                    first = start.saturating_add(value(s::TRACE_ROWS, row).unwrap_or(0));
                    start..first.min(segment.facts().observations)
                });
                Some(ranges.collect())
            }
            (false, true) => {
                let first = |row| match row < traces {
                    true => value(s::TRACE_FIRST, row).unwrap_or(0),
                    false => segment.facts().observations,
                };
                Some((0..traces).map(|row| first(row)..first(row + 1).max(first(row))).collect())
            }
            (true, true) => None,
        }
    }

    /// The start of a trace row, which those of its observations count from.
    pub fn trace_start(&self, row: u32) -> Option<Timestamp> {
        let segment = self.segment.as_ref()?;
        (!self.hidden(&[s::TRACE_START])).then(|| segment.trace_start(row))
    }

    /// An observation's row.
    pub fn observation(
        &self,
        row: u32,
        trace_start: Option<Timestamp>,
        last: &mut LastBlock,
    ) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let since = |column, from: Option<Timestamp>| {
            let from = from.filter(|_| !self.hidden(&[column]))?;
            segment.int(column, row).map(|by| Timestamp(from.0.wrapping_add(by)))
        };
        let start = since(s::OBS_START, trace_start);
        let end = since(s::OBS_DURATION, start);
        let earliest = start.or(trace_start).unwrap_or(Timestamp(segment.facts().start_ns));
        let (input, output) = segment.payload_numbers(row);
        let origin = Origin {
            start,
            end,
            earliest,
            no_times: self.unsound_of(&[s::TRACE_START, s::OBS_START, s::OBS_DURATION]),
            number: match self.unsound_of(&[s::OBS_INPUT, s::OBS_OUTPUT]) {
                Some(hidden) => Err(hidden),
                None => Ok(output.or(input).unwrap_or(u64::from(row))),
            },
            // A column that is not sound is null in every row.
            amounts: segment.amounts(row),
        };
        let column = |field: Field| match field {
            Field::Start => start.map(Value::Time),
            Field::End => end.map(Value::Time),
            Field::CompletionStart => since(s::OBS_COMPLETION, start).map(Value::Time),
            Field::Input => self.payload(input?).map(Value::Payload),
            // Where the input's number is hidden, so is what the output's counts from.
            Field::Output if self.hidden(&[s::OBS_INPUT]) => None,
            Field::Output => self.payload(output?).map(Value::Payload),
            _ => segment.observation_column(row, field),
        };
        self.row((s::OBS_DETAILS, row), &origin, s::OBSERVATION_FIELDS, &column, last)
    }

    /// A trace's row. `first` is its first observation row.
    pub fn trace(&self, row: u32, first: Option<u32>, last: &mut LastBlock) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let start = self.trace_start(row);
        let end = start.filter(|_| !self.hidden(&[s::TRACE_DURATION])).map(|start| {
            let by = segment.int(s::TRACE_DURATION, row).unwrap_or(0);
            Timestamp(start.0.wrapping_add(by))
        });
        let origin = Origin {
            start,
            end,
            earliest: start.unwrap_or(Timestamp(segment.facts().start_ns)),
            no_times: self.unsound_of(&[s::TRACE_START, s::TRACE_DURATION]),
            number: first.map(u64::from).ok_or(s::TRACE_FIRST),
            amounts: Amounts::default(),
        };
        let column = |field| segment.trace_column(row, field);
        self.row((s::TRACE_DETAILS, row), &origin, s::TRACE_FIELDS, &column, last)
    }

    /// A score's row.
    pub fn score(&self, row: u32, last: &mut LastBlock) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let no_times = self.unsound_of(&[s::SCORE_TIME]);
        let start = segment.int(s::SCORE_TIME, row).map(Timestamp).filter(|_| no_times.is_none());
        let earliest = start.unwrap_or(Timestamp(segment.facts().start_ns));
        let (number, amounts) = (Ok(0), Amounts::default());
        let origin = Origin { start, end: None, earliest, no_times, number, amounts };
        self.row((s::SCORE_DETAILS, row), &origin, &[], &|_| None, last)
    }

    /// What a payload's number stands for. Where lengths or fingerprints are gone, the number
    /// tells it from others.
    fn payload(&self, number: u64) -> Option<PayloadRef> {
        let segment = self.segment.as_ref()?;
        if !self.hidden(&[s::PAYLOAD_LEN, s::PAYLOAD_PRINT]) {
            return segment.payload(number);
        }
        let known = number < u64::from(segment.facts().payloads);
        known.then(|| self.unknown(number))
    }

    fn unknown(&self, number: u64) -> PayloadRef {
        PayloadRef { len: u64::MAX, print: number, source: Source::Expired, number }
    }

    fn row(
        &self,
        (section, row): (SectionId, u32),
        origin: &Origin,
        in_columns: &[Field],
        column: &dyn Fn(Field) -> Option<Value<PayloadRef>>,
        last: &mut LastBlock,
    ) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let mut found = ReadableRow::default();
        let base = Base {
            start: origin.start.unwrap_or(origin.earliest),
            end: origin.end,
            number: origin.number.unwrap_or(0),
            amounts: origin.amounts,
        };
        let blobs = Blobs::view(segment.bytes(section));
        let details = blobs.get_near(u64::from(section.0), row as usize, last).and_then(|bytes| {
            let mut missing = Vec::new();
            // Where numbers count from something hidden, what they name is read past.
            let payload = |number| match origin.number {
                Ok(_) => self.payload(number),
                Err(_) => Some(self.unknown(number)),
            };
            let fields = decode_readable(bytes, base, in_columns, column, &payload, &mut missing)?;
            Ok((fields, missing))
        });
        let slots = match details {
            Ok((fields, missing)) => {
                let lost = missing.into_iter().map(|field| (field, self.column_of(section, field)));
                found.lost.extend(lost);
                fields.into_slots()
            }
            Err(fault) => {
                found.no_details = Some(fault);
                // Whether these were said is not known either.
                let hidden = |field: &Field| {
                    let by = self.unsound_of(columns_of(section, *field))?;
                    Some((*field, by))
                };
                found.lost.extend(in_columns.iter().filter_map(hidden));
                in_columns.iter().filter_map(|field| from_column(*field, origin, column)).collect()
            }
        };
        found.no_times = origin.no_times.filter(|_| found.no_details.is_none());
        let mut kept = Vec::with_capacity(slots.len());
        for slot in slots {
            match self.keep(slot, origin, in_columns) {
                Ok(slot) => kept.push(slot),
                Err(lost) => found.lost.push(lost),
            }
        }
        found.fields = Fields::from_slots(kept);
        found
    }

    /// The slot, unless its value hangs on what is gone.
    fn keep(
        &self,
        mut slot: Slot,
        origin: &Origin,
        in_columns: &[Field],
    ) -> Result<Slot, (Field, SectionId)> {
        let own = !in_columns.contains(&slot.field);
        match (&slot.value, origin.number, origin.no_times) {
            (Held::Map(_) | Held::Value(Value::Payload(_)), Err(hidden), _) if own => {
                return Err((slot.field, hidden));
            }
            (Held::Value(Value::Time(_)), _, Some(hidden)) if own && origin.start.is_none() => {
                return Err((slot.field, hidden));
            }
            _ => {}
        }
        if origin.no_times.is_some() {
            slot.stamp.time = origin.earliest;
            if let Held::Map(map) = &mut slot.value {
                map.entries.iter_mut().for_each(|entry| entry.stamp.time = origin.earliest);
            }
        }
        Ok(slot)
    }

    /// The section that hides the value of a field that hangs on columns.
    fn column_of(&self, details: SectionId, field: Field) -> SectionId {
        self.unsound_of(columns_of(details, field)).unwrap_or(details)
    }

    /// The id of a row, and the section that hides it where it is not readable.
    ///
    /// # Errors
    /// The section that hides it.
    pub fn trace_id(&self, row: u32) -> Result<Id, SectionId> {
        let id = self.segment.as_ref().and_then(|segment| segment.trace_id(row));
        let sections = [s::TRACE_IDS, s::TRACE_ID_TEXTS, s::TEXTS];
        self.sure(id, &sections, self.by_text(s::TRACE_IDS, row))
    }

    /// As [`trace_id`](Self::trace_id), of an observation.
    ///
    /// # Errors
    /// The section that hides it.
    pub fn observation_id(&self, row: u32) -> Result<Id, SectionId> {
        let id = self.segment.as_ref().and_then(|segment| segment.observation_id(row));
        let sections = [s::OBS_IDS, s::OBS_ID_TEXTS, s::TEXTS];
        self.sure(id, &sections, self.by_text(s::OBS_IDS, row))
    }

    /// As [`trace_id`](Self::trace_id), of a score.
    ///
    /// # Errors
    /// The section that hides it.
    pub fn score_id(&self, row: u32) -> Result<Id, SectionId> {
        let id = self.segment.as_ref().and_then(|segment| segment.score_id(row));
        let sections = [s::SCORE_IDS, s::SCORE_ID_TEXTS, s::TEXTS];
        self.sure(id, &sections, self.by_text(s::SCORE_IDS, row))
    }

    fn by_text(&self, ids: SectionId, row: u32) -> bool {
        let segment = self.segment.as_ref();
        let identity = segment.and_then(|s| Ids::view(s.bytes(ids)).get(row as usize));
        identity.is_none_or(|identity| identity.form == crate::id::Form::Text)
    }

    fn sure(
        &self,
        id: Option<Id>,
        sections: &[SectionId; 3],
        by_text: bool,
    ) -> Result<Id, SectionId> {
        let needed = if by_text { &sections[..] } else { &sections[..1] };
        id.ok_or_else(|| self.unsound_of(needed).unwrap_or(sections[0]))
    }
}

/// The sections that the value of a field comes from beside its details.
fn columns_of(details: SectionId, field: Field) -> &'static [SectionId] {
    let observation = details == s::OBS_DETAILS;
    match field {
        Field::Kind => &[s::OBS_KIND],
        Field::Level => &[s::OBS_LEVEL],
        Field::Name if observation => &[s::OBS_NAME, s::TEXTS],
        Field::Name => &[s::TRACE_NAME, s::TEXTS],
        Field::Model => &[s::OBS_MODEL, s::TEXTS],
        Field::Parent => &[
            s::OBS_PARENT,
            s::PARENT_ROWS,
            s::PARENT_IDS,
            s::PARENT_ID_TEXTS,
            s::OBS_IDS,
            s::OBS_ID_TEXTS,
            s::TEXTS,
        ],
        Field::Start => &[s::TRACE_START, s::OBS_START],
        Field::End => &[s::TRACE_START, s::OBS_START, s::OBS_DURATION],
        Field::CompletionStart => &[s::TRACE_START, s::OBS_START, s::OBS_COMPLETION],
        Field::Input => &[s::OBS_INPUT],
        Field::Output => &[s::OBS_INPUT, s::OBS_OUTPUT],
        Field::Usage => &[s::OBS_TOKENS_IN, s::OBS_TOKENS_OUT, s::OBS_TOKENS_REST],
        // A price is times the usage.
        Field::Cost => &[s::OBS_COST, s::OBS_TOKENS_IN, s::OBS_TOKENS_OUT, s::OBS_TOKENS_REST],
        Field::User => &[s::TRACE_USER, s::TEXTS],
        Field::Session => &[s::TRACE_SESSION, s::TEXTS],
        Field::Environment => &[s::TRACE_ENVIRONMENT, s::TEXTS],
        Field::Tags => &[s::TRACE_TAGS, s::TEXTS],
        _ => &[],
    }
}

/// A value of a row whose details are gone: that it was said is told by its column.
fn from_column(
    field: Field,
    origin: &Origin,
    column: &dyn Fn(Field) -> Option<Value<PayloadRef>>,
) -> Option<Slot> {
    let stamp = Stamp { strong: true, time: origin.earliest, operation: Operation::Create };
    Some(Slot { field, stamp, value: Held::Value(column(field)?) })
}
