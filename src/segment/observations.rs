//! Reading observation rows: by row, by id, in bulk.

use super::columns as s;
use super::details::amounts::Amounts;
use super::details::{self, Base, column_id};
use super::reader::Segment;
use crate::column::{Blobs, LastBlock};
use crate::error::{Fault, Result};
use crate::fs::Dir;
use crate::id::{Id, Identity};
use crate::merge::Fields;
use crate::model::{Field, Level, ObservationKind, PayloadRef, Timestamp, Value};
use std::ops::Range;

/// What a null reads as in the columns of [`ObservationColumns`].
const NULL: i64 = i64::MIN;

impl<D: Dir> Segment<D> {
    /// Identity of an observation's row.
    pub fn observation_identity(&self, row: u32) -> Option<Identity> {
        self.identity(s::OBS_IDS, row)
    }

    /// Identities of these observation rows.
    pub fn observation_identities(&self, rows: Range<u32>) -> Vec<Identity> {
        debug_assert!(self.is_checked(s::OBSERVATIONS, rows.clone()));
        let mut ids = Vec::new();
        self.ids(s::OBS_IDS).read(rows.start as usize..rows.end as usize, &mut ids);
        ids
    }

    /// Id of an observation's row.
    pub fn observation_id(&self, row: u32) -> Option<Id> {
        column_id(self.observation_identity(row)?, self.coded(s::OBS_ID_TEXTS, row))
    }

    /// The row of this observation among `rows`. Cost: a scan of their ids.
    pub fn find_observation(&self, rows: Range<u32>, identity: Identity) -> Option<u32> {
        debug_assert!(self.is_checked(s::OBSERVATIONS, rows.clone()));
        let row = self.ids(s::OBS_IDS).find(rows.start as usize..rows.end as usize, identity)?;
        u32::try_from(row).ok()
    }

    /// Where in the parents that stand elsewhere this row's is.
    fn elsewhere(&self, row: u32) -> Option<usize> {
        let rows = self.ints(s::PARENT_ROWS);
        let (mut low, mut high) = (0, rows.len());
        while low < high {
            let middle = low.midpoint(high);
            if rows.get(middle) < Some(i64::from(row)) { low = middle + 1 } else { high = middle }
        }
        (rows.get(low) == Some(i64::from(row))).then_some(low)
    }

    /// The identity of the parent of an observation's row, where it stands elsewhere.
    pub fn parent_identity(&self, row: u32) -> Option<Identity> {
        self.ids(s::PARENT_IDS).get(self.elsewhere(row)?)
    }

    /// The parent of an observation's row, if it has one.
    pub fn parent_id(&self, row: u32) -> Option<Id> {
        match self.int(s::OBS_PARENT, row)? {
            0 => {
                let at = self.elsewhere(row)?;
                let identity = self.ids(s::PARENT_IDS).get(at)?;
                column_id(identity, self.coded(s::PARENT_ID_TEXTS, u32::try_from(at).ok()?))
            }
            back => {
                let parent = i64::from(row).checked_sub(back)?;
                self.observation_id(u32::try_from(parent).ok()?)
            }
        }
    }

    /// Payload numbers of input and output of an observation's row.
    pub fn payload_numbers(&self, row: u32) -> (Option<u64>, Option<u64>) {
        let input = self.int(s::OBS_INPUT, row);
        let base = input.unwrap_or(i64::from(row));
        let output = self.int(s::OBS_OUTPUT, row).map(|delta| base.wrapping_add(delta));
        (input.and_then(|n| u64::try_from(n).ok()), output.and_then(|n| u64::try_from(n).ok()))
    }

    /// Input or output of an observation's row, without its details.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn observation_payload(&self, row: u32, field: Field) -> Result<Option<PayloadRef>> {
        let (input, output) = self.payload_numbers(row);
        let number = match field {
            Field::Input => input,
            Field::Output => output,
            _ => None,
        };
        number.map_or(Ok(None), |number| self.sound_payload(number))
    }

    /// The raw details of many rows, each block decompressed once: calls `each` with the row.
    ///
    /// # Errors
    /// `Corruption`, or what `each` returns.
    pub fn each_observation(
        &self,
        rows: Range<u32>,
        trace_start: Timestamp,
        each: &mut dyn FnMut(u32, Fields) -> Result<()>,
    ) -> Result<()> {
        let fault = |f| self.in_section(s::OBS_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::OBS_DETAILS));
        let mut row = rows.start;
        let mut bytes = Vec::new();
        while row < rows.end {
            bytes.clear();
            let missing = || fault(Fault::new(0, format!("row {row} has no details")));
            let block = blobs.block_of(row as usize).ok_or_else(missing)?;
            let (first, ends) = blobs.read_block(block, &mut bytes).map_err(fault)?;
            let before = row;
            while row < rows.end
                && let Some(at) = (row as usize).checked_sub(first)
                && let Some(end) = ends.get(at)
            {
                let start = if at == 0 { 0 } else { ends[at - 1] };
                let details = bytes.get(start..*end).unwrap_or_default();
                each(row, self.observation_from(row, trace_start, details).map_err(fault)?)?;
                row += 1;
            }
            if row == before {
                return Err(fault(Fault::new(0, format!("row {row} has no details"))));
            }
        }
        Ok(())
    }

    /// All fields of an observation's row. Cost: one block of details, unless it is the last one
    /// that was read.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn observation_fields(
        &self,
        row: u32,
        trace_start: Timestamp,
        last: &mut LastBlock,
    ) -> Result<Fields> {
        let fault = |f| self.in_section(s::OBS_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::OBS_DETAILS));
        let bytes = blobs.get_near(self.id().0, row as usize, last).map_err(fault)?;
        self.observation_from(row, trace_start, bytes).map_err(fault)
    }

    fn observation_from(
        &self,
        row: u32,
        trace_start: Timestamp,
        bytes: &[u8],
    ) -> Result<Fields, Fault> {
        let start = Timestamp(trace_start.0.wrapping_add(self.int(s::OBS_START, row).unwrap_or(0)));
        let after = |column| self.int(column, row).map(|d| Timestamp(start.0.wrapping_add(d)));
        let end = after(s::OBS_DURATION);
        let (input, output) = self.payload_numbers(row);
        let number = output.or(input).unwrap_or(u64::from(row));
        let base = Base { start, end, number, amounts: self.amounts(row) };
        let mut column = |field: Field| match field {
            Field::Start => Some(Value::Time(start)),
            Field::End => end.map(Value::Time),
            Field::CompletionStart => after(s::OBS_COMPLETION).map(Value::Time),
            Field::Input => self.payload(input?).map(Value::Payload),
            Field::Output => self.payload(output?).map(Value::Payload),
            _ => self.observation_column(row, field),
        };
        details::decode(bytes, base, s::OBSERVATION_FIELDS, &mut column, &|n| self.payload(n))
    }

    /// What the columns say of an observation's usage and cost.
    pub(super) fn amounts(&self, row: u32) -> Amounts {
        let columns = [s::OBS_TOKENS_IN, s::OBS_TOKENS_OUT, s::OBS_TOKENS_REST, s::OBS_COST];
        Amounts::of_columns(columns.map(|column| self.int(column, row)))
    }

    /// The value of a field in a column that counts from nothing else.
    pub(super) fn observation_column(&self, row: u32, field: Field) -> Option<Value<PayloadRef>> {
        let code = |column| self.int(column, row).and_then(|c| u8::try_from(c).ok());
        let text = |column| self.coded(column, row).map(|t| Value::Text(t.into()));
        match field {
            Field::Kind => ObservationKind::from_code(code(s::OBS_KIND)?).map(Value::Kind),
            Field::Level => Level::from_code(code(s::OBS_LEVEL)?).map(Value::Level),
            Field::Name => text(s::OBS_NAME),
            Field::Model => text(s::OBS_MODEL),
            Field::Parent => self.parent_id(row).map(Value::Id),
            _ => None,
        }
    }

    /// The skeleton columns of contiguous rows, in bulk.
    pub fn columns(&self, rows: Range<u32>) -> ObservationColumns {
        debug_assert!(self.is_checked(s::OBSERVATIONS, rows.clone()));
        let range = rows.start as usize..rows.end as usize;
        let mut ids = Vec::new();
        self.ids(s::OBS_IDS).read(range.clone(), &mut ids);
        let read = |column| {
            let mut values = Vec::with_capacity(range.len());
            self.ints(column).read_or(range.clone(), NULL, &mut values);
            values
        };
        ObservationColumns {
            ids,
            parent: read(s::OBS_PARENT),
            start: read(s::OBS_START),
            duration: read(s::OBS_DURATION),
            completion: read(s::OBS_COMPLETION),
            kind: read(s::OBS_KIND),
            level: read(s::OBS_LEVEL),
            name: read(s::OBS_NAME),
            model: read(s::OBS_MODEL),
            tokens_in: read(s::OBS_TOKENS_IN),
            tokens_out: read(s::OBS_TOKENS_OUT),
            tokens_rest: read(s::OBS_TOKENS_REST),
            cost: read(s::OBS_COST),
        }
    }
}

/// Skeleton columns of contiguous rows; see [`ObservationColumns::opt`] for nulls.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the column of that name")]
pub struct ObservationColumns {
    pub ids: Vec<Identity>,
    pub parent: Vec<i64>,
    pub start: Vec<i64>,
    pub duration: Vec<i64>,
    pub completion: Vec<i64>,
    pub kind: Vec<i64>,
    pub level: Vec<i64>,
    pub name: Vec<i64>,
    pub model: Vec<i64>,
    pub tokens_in: Vec<i64>,
    pub tokens_out: Vec<i64>,
    pub tokens_rest: Vec<i64>,
    pub cost: Vec<i64>,
}

impl ObservationColumns {
    /// The value at `i` of one of the columns, `None` for null.
    pub fn opt(column: &[i64], i: usize) -> Option<i64> {
        column.get(i).copied().filter(|v| *v != NULL)
    }
}
