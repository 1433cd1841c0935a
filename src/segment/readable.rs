//! Rows of a segment with damage: every value that a sound section vouches for, and what is
//! missing.

use super::columns::{self as s, ColumnId};
use super::damaged::Readable;
use super::details::amounts::Amounts;
use super::details::{Base, decode_readable};
use super::section::SectionId;
use crate::column::{Blobs, LastBlock};
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
    /// Fields whose values are gone, with the column that is not sound.
    pub lost: Vec<(Field, ColumnId)>,
    /// Why nothing is known but what has a column, if so.
    pub no_details: Option<Fault>,
    /// The times of its stamps are gone, by this column: the earliest that they can have stands
    /// for them.
    pub no_times: Option<ColumnId>,
}

/// What a row's details count from.
struct Origin {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// No time of the row is earlier, as far as is known.
    earliest: Timestamp,
    /// The column that hides the times of stamps.
    no_times: Option<ColumnId>,
    /// A payload number near the row's own, and the column that hides it.
    number: Result<u64, ColumnId>,
    /// What sound columns say of usage and cost.
    amounts: Amounts,
}

impl<D: Dir> Readable<D> {
    /// The first of these columns that is not sound in its row, or in any.
    fn unsound_of(&self, columns: &[(ColumnId, Option<u32>)]) -> Option<ColumnId> {
        let unsound = |(id, row): &&(ColumnId, Option<u32>)| match row {
            Some(row) => self.unsound_at(*id, *row).is_some(),
            None => !self.is_sound(*id),
        };
        columns.iter().find(unsound).map(|(id, _)| *id)
    }

    /// The same, where all are of one row.
    fn hides(&self, columns: &[ColumnId], row: u32) -> Option<ColumnId> {
        columns.iter().copied().find(|id| self.unsound_at(*id, row).is_some())
    }

    fn hidden(&self, column: ColumnId, row: u32) -> bool {
        self.unsound_at(column, row).is_some()
    }

    /// The observation rows of each trace row, as far as anything tells.
    pub fn trace_rows(&self) -> Vec<Option<Range<u32>>> {
        let Some(segment) = self.segment.as_ref() else { return Vec::new() };
        let (traces, observations) = (segment.facts().traces, segment.facts().observations);
        let value = |column, row| {
            let sound = row < traces && !self.hidden(column, row);
            let value = segment.int(column, row).and_then(|v| u32::try_from(v).ok());
            sound.then(|| value.unwrap_or(0))
        };
        // Each follows from the other: the rows of traces lie one after the other.
        let mut end = Some(0);
        let ranges = (0..traces).map(|row| {
            let first = value(s::TRACE_FIRST, row).or(end);
            let next = match row + 1 < traces {
                true => value(s::TRACE_FIRST, row + 1),
                false => Some(observations),
            };
            let rows = value(s::TRACE_ROWS, row);
            end = first.zip(rows).map(|(first, rows)| first.saturating_add(rows)).or(next);
            let (first, end) = (first?.min(observations), end?.min(observations));
            Some(first..end.max(first))
        });
        ranges.collect()
    }

    /// The start of a trace row, which those of its observations count from.
    pub fn trace_start(&self, row: u32) -> Option<Timestamp> {
        let segment = self.segment.as_ref()?;
        (!self.hidden(s::TRACE_START, row)).then(|| segment.trace_start(row))
    }

    /// An observation's row, and that of its trace.
    pub fn observation(
        &self,
        row: u32,
        trace: u32,
        trace_start: Option<Timestamp>,
        last: &mut LastBlock,
    ) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let since = |column, from: Option<Timestamp>| {
            let from = from.filter(|_| !self.hidden(column, row))?;
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
            no_times: self.unsound_of(&[
                (s::TRACE_START, Some(trace)),
                (s::OBS_START, Some(row)),
                (s::OBS_DURATION, Some(row)),
            ]),
            number: match self.hides(&[s::OBS_INPUT, s::OBS_OUTPUT], row) {
                Some(hidden) => Err(hidden),
                None => Ok(output.or(input).unwrap_or(u64::from(row))),
            },
            // A column is null where it is not sound.
            amounts: segment.amounts(row),
        };
        let column = |field: Field| match field {
            Field::Start => start.map(Value::Time),
            Field::End => end.map(Value::Time),
            Field::CompletionStart => since(s::OBS_COMPLETION, start).map(Value::Time),
            Field::Input => self.payload(input?).map(Value::Payload),
            // Where the input's number is hidden, so is what the output's counts from.
            Field::Output if self.hidden(s::OBS_INPUT, row) => None,
            Field::Output => self.payload(output?).map(Value::Payload),
            _ => segment.observation_column(row, field),
        };
        self.row((s::OBS_DETAILS, row, trace), &origin, s::OBSERVATION_FIELDS, &column, last)
    }

    /// A trace's row. `first` is its first observation row.
    pub fn trace(&self, row: u32, first: Option<u32>, last: &mut LastBlock) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let start = self.trace_start(row);
        let end = start.filter(|_| !self.hidden(s::TRACE_DURATION, row)).map(|start| {
            let by = segment.int(s::TRACE_DURATION, row).unwrap_or(0);
            Timestamp(start.0.wrapping_add(by))
        });
        let origin = Origin {
            start,
            end,
            earliest: start.unwrap_or(Timestamp(segment.facts().start_ns)),
            no_times: self.hides(&[s::TRACE_START, s::TRACE_DURATION], row),
            number: first.map(u64::from).ok_or(s::TRACE_FIRST),
            amounts: Amounts::default(),
        };
        let column = |field| segment.trace_column(row, field);
        self.row((s::TRACE_DETAILS, row, row), &origin, s::TRACE_FIELDS, &column, last)
    }

    /// A score's row.
    pub fn score(&self, row: u32, last: &mut LastBlock) -> ReadableRow {
        let Some(segment) = &self.segment else { return ReadableRow::default() };
        let no_times = self.hides(&[s::SCORE_TIME], row);
        let start = segment.int(s::SCORE_TIME, row).map(Timestamp).filter(|_| no_times.is_none());
        let earliest = start.unwrap_or(Timestamp(segment.facts().start_ns));
        let (number, amounts) = (Ok(0), Amounts::default());
        let origin = Origin { start, end: None, earliest, no_times, number, amounts };
        self.row((s::SCORE_DETAILS, row, row), &origin, &[], &|_| None, last)
    }

    /// What a payload's number stands for. Where lengths or fingerprints are gone, the number
    /// tells it from others.
    fn payload(&self, number: u64) -> Option<PayloadRef> {
        let segment = self.segment.as_ref()?;
        let row = u32::try_from(number).ok().filter(|row| *row < segment.facts().payloads)?;
        match self.hides(&[s::PAYLOAD_LEN, s::PAYLOAD_PRINT], row) {
            None => segment.payload(number),
            Some(_) => Some(self.unknown(number)),
        }
    }

    fn unknown(&self, number: u64) -> PayloadRef {
        PayloadRef { len: u64::MAX, print: number, source: Source::Expired, number }
    }

    fn row(
        &self,
        (section, row, trace): (SectionId, u32, u32),
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
                let by = |field| self.column_of(section, field, row, trace);
                found.lost.extend(missing.into_iter().map(|field| (field, by(field))));
                fields.into_slots()
            }
            Err(fault) => {
                found.no_details = Some(fault);
                // Whether these were said is not known either.
                let hidden = |field: &Field| {
                    let by = self.unsound_of(&self.columns_of(section, *field, row, trace))?;
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
    ) -> Result<Slot, (Field, ColumnId)> {
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

    /// The column that hides the value of a field that hangs on columns.
    fn column_of(&self, details: SectionId, field: Field, row: u32, trace: u32) -> ColumnId {
        self.unsound_of(&self.columns_of(details, field, row, trace)).unwrap_or(details.whole())
    }

    /// The id of a row, and the column that hides it where it is not readable.
    ///
    /// # Errors
    /// The column that hides it.
    pub fn trace_id(&self, row: u32) -> Result<Id, ColumnId> {
        let id = self.segment.as_ref().and_then(|segment| segment.trace_id(row));
        self.sure(id, [s::TRACE_IDS, s::TRACE_ID_TEXTS], row)
    }

    /// As [`trace_id`](Self::trace_id), of an observation.
    ///
    /// # Errors
    /// The column that hides it.
    pub fn observation_id(&self, row: u32) -> Result<Id, ColumnId> {
        let id = self.segment.as_ref().and_then(|segment| segment.observation_id(row));
        self.sure(id, [s::OBS_IDS, s::OBS_ID_TEXTS], row)
    }

    /// As [`trace_id`](Self::trace_id), of a score.
    ///
    /// # Errors
    /// The column that hides it.
    pub fn score_id(&self, row: u32) -> Result<Id, ColumnId> {
        let id = self.segment.as_ref().and_then(|segment| segment.score_id(row));
        self.sure(id, [s::SCORE_IDS, s::SCORE_ID_TEXTS], row)
    }

    /// The id, or what hides it: the identity, or where that is of a text, the text.
    fn sure(&self, id: Option<Id>, [ids, texts]: [ColumnId; 2], row: u32) -> Result<Id, ColumnId> {
        id.ok_or_else(|| {
            let of_text = [(texts, Some(row)), (s::TEXTS.whole(), None)];
            let hidden = self.hides(&[ids], row).or_else(|| self.unsound_of(&of_text));
            hidden.unwrap_or(ids)
        })
    }

    /// The columns that the value of a field comes from beside its details, and in which row.
    fn columns_of(
        &self,
        details: SectionId,
        field: Field,
        row: u32,
        trace: u32,
    ) -> Vec<(ColumnId, Option<u32>)> {
        let observation = details == s::OBS_DETAILS;
        let start = (s::TRACE_START, Some(trace));
        let here = |columns: &[ColumnId]| columns.iter().map(|id| (*id, Some(row))).collect();
        let by_code = |column| vec![(column, Some(row)), (s::TEXTS.whole(), None)];
        let since = |column| vec![start, (s::OBS_START, Some(row)), (column, Some(row))];
        match field {
            Field::Kind => here(&[s::OBS_KIND]),
            Field::Level => here(&[s::OBS_LEVEL]),
            Field::Name if observation => by_code(s::OBS_NAME),
            Field::Name => by_code(s::TRACE_NAME),
            Field::Model => by_code(s::OBS_MODEL),
            Field::Parent => self.columns_of_parent(row),
            Field::Start => since(s::OBS_START),
            Field::End => since(s::OBS_DURATION),
            Field::CompletionStart => since(s::OBS_COMPLETION),
            Field::Input => here(&[s::OBS_INPUT]),
            Field::Output => here(&[s::OBS_INPUT, s::OBS_OUTPUT]),
            Field::Usage => here(&[s::OBS_TOKENS_IN, s::OBS_TOKENS_OUT, s::OBS_TOKENS_REST]),
            Field::Cost => {
                // A price is times the usage.
                let usage = [s::OBS_TOKENS_IN, s::OBS_TOKENS_OUT, s::OBS_TOKENS_REST];
                here(&[[s::OBS_COST].as_slice(), &usage].concat())
            }
            Field::User => by_code(s::TRACE_USER),
            Field::Session => by_code(s::TRACE_SESSION),
            Field::Environment => by_code(s::TRACE_ENVIRONMENT),
            Field::Tags => by_code(s::TRACE_TAGS),
            _ => Vec::new(),
        }
    }

    /// A parent's id stands in another row, or among those that stand elsewhere.
    fn columns_of_parent(&self, row: u32) -> Vec<(ColumnId, Option<u32>)> {
        let mut columns = vec![(s::OBS_PARENT, Some(row))];
        match self.segment.as_ref().and_then(|segment| segment.int(s::OBS_PARENT, row)) {
            None => return columns,
            Some(0) => columns.extend(s::of_section(s::PARENTS).map(|column| (column, None))),
            Some(back) => {
                let parent = u32::try_from(i64::from(row).wrapping_sub(back)).ok();
                columns.extend([(s::OBS_IDS, parent), (s::OBS_ID_TEXTS, parent)]);
            }
        }
        columns.push((s::TEXTS.whole(), None));
        columns
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
