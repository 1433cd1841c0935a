//! Skeletons in place: of each row only the columns that are asked for.

use super::columns as s;
use super::details::amounts::Amounts;
use super::details::column_id;
use super::reader::Segment;
use crate::column::{Ids, Ints, Texts};
use crate::fs::Dir;
use crate::id::Id;
use crate::merge::Tokens;
use crate::model::{Decimal, Level, ObservationKind, Timestamp};
use std::cell::Cell;

/// The columns of a segment's skeletons, in place.
#[derive(Debug)]
pub struct Skeletons<'a> {
    trace_ids: Ids<'a>,
    trace_id_texts: Ints<'a>,
    ids: Ids<'a>,
    id_texts: Ints<'a>,
    start: Ints<'a>,
    duration: Ints<'a>,
    completion: Ints<'a>,
    kind: Ints<'a>,
    level: Ints<'a>,
    name: Ints<'a>,
    model: Ints<'a>,
    tokens_in: Ints<'a>,
    tokens_out: Ints<'a>,
    tokens_rest: Ints<'a>,
    cost: Ints<'a>,
    texts: Texts<'a>,
    /// The last name and the last model that was asked for: rows after it have mostly the same.
    last: [Cell<Option<(i64, &'a str)>>; 2],
}

/// The skeleton in one row. What has no value reads as in a tree.
#[derive(Debug, Clone, Copy)]
pub struct SkeletonRow<'a> {
    /// The columns.
    pub columns: &'a Skeletons<'a>,
    /// The row of its trace.
    pub trace: u32,
    /// What its start counts from.
    pub trace_start: Timestamp,
    /// Its row.
    pub row: u32,
}

impl<D: Dir> Segment<D> {
    /// The columns of its skeletons, of which rows that were checked can be read.
    pub fn skeletons(&self) -> Skeletons<'_> {
        Skeletons {
            trace_ids: self.ids(s::TRACE_IDS),
            trace_id_texts: self.ints(s::TRACE_ID_TEXTS),
            ids: self.ids(s::OBS_IDS),
            id_texts: self.ints(s::OBS_ID_TEXTS),
            start: self.ints(s::OBS_START),
            duration: self.ints(s::OBS_DURATION),
            completion: self.ints(s::OBS_COMPLETION),
            kind: self.ints(s::OBS_KIND),
            level: self.ints(s::OBS_LEVEL),
            name: self.ints(s::OBS_NAME),
            model: self.ints(s::OBS_MODEL),
            tokens_in: self.ints(s::OBS_TOKENS_IN),
            tokens_out: self.ints(s::OBS_TOKENS_OUT),
            tokens_rest: self.ints(s::OBS_TOKENS_REST),
            cost: self.ints(s::OBS_COST),
            texts: Texts::view(self.bytes(s::TEXTS)),
            last: Default::default(),
        }
    }
}

impl<'a> Skeletons<'a> {
    fn text(&self, code: Option<i64>) -> Option<&'a str> {
        self.texts.get(u32::try_from(code?).ok()?)
    }

    /// The same, unless it is the `last` one.
    fn text_near(&self, code: Option<i64>, last: &Cell<Option<(i64, &'a str)>>) -> Option<&'a str> {
        if let Some((known, text)) = last.get()
            && Some(known) == code
        {
            return Some(text);
        }
        let text = self.text(code);
        last.set(code.zip(text));
        text
    }
}

impl<'a> SkeletonRow<'a> {
    fn get(&self, column: &Ints<'_>) -> Option<i64> {
        column.get(self.row as usize)
    }

    fn code(&self, column: &Ints<'_>) -> Option<u8> {
        u8::try_from(self.get(column)?).ok()
    }

    fn after_start(&self, column: &Ints<'_>) -> Option<Timestamp> {
        Some(Timestamp(self.start().0.wrapping_add(self.get(column)?)))
    }

    /// The id of its trace.
    pub fn trace_id(&self) -> Option<Id> {
        let (columns, row) = (self.columns, self.trace as usize);
        column_id(columns.trace_ids.get(row)?, columns.text(columns.trace_id_texts.get(row)))
    }

    /// Its id.
    pub fn id(&self) -> Option<Id> {
        let columns = self.columns;
        let identity = columns.ids.get(self.row as usize)?;
        column_id(identity, columns.text(self.get(&columns.id_texts)))
    }

    /// When it started.
    pub fn start(&self) -> Timestamp {
        let since = self.get(&self.columns.start).unwrap_or(0);
        Timestamp(self.trace_start.0.wrapping_add(since))
    }

    /// When it ended.
    pub fn end(&self) -> Option<Timestamp> {
        self.after_start(&self.columns.duration)
    }

    /// When its first token came.
    pub fn completion_start(&self) -> Option<Timestamp> {
        self.after_start(&self.columns.completion)
    }

    /// Its kind.
    pub fn kind(&self) -> Option<ObservationKind> {
        ObservationKind::from_code(self.code(&self.columns.kind)?)
    }

    /// Its level.
    pub fn level(&self) -> Option<Level> {
        Level::from_code(self.code(&self.columns.level)?)
    }

    /// Its name.
    pub fn name(&self) -> Option<&'a str> {
        self.columns.text_near(self.get(&self.columns.name), &self.columns.last[0])
    }

    /// Its model.
    pub fn model(&self) -> Option<&'a str> {
        self.columns.text_near(self.get(&self.columns.model), &self.columns.last[1])
    }

    /// Its tokens.
    pub fn tokens(&self) -> Tokens {
        let c = self.columns;
        let [input, output, rest] =
            [&c.tokens_in, &c.tokens_out, &c.tokens_rest].map(|column| self.get(column));
        Amounts::of_columns([input, output, rest, None]).tokens.unwrap_or_default()
    }

    /// Its cost.
    pub fn cost(&self) -> Decimal {
        Decimal(i128::from(self.get(&self.columns.cost).unwrap_or(0)))
    }
}
