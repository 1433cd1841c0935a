//! Typed reads of merged fields. Each is `None`, or empty, where the field was not set or holds
//! a value of another type. Nothing is defaulted here.

use super::{Fields, Held, MergedMap, Tokens};
use crate::id::Id;
use crate::model::{
    Decimal, Field, Level, ObservationKind, PayloadRef, ScoreSource, ScoreType, Subject, Timestamp,
    Value,
};

/// Reads the value of a field if it is of this type.
macro_rules! read {
    ($fields:expr, $field:expr, $variant:ident) => {
        match $fields.value($field) {
            Some(Value::$variant(value)) => Some(value),
            _ => None,
        }
    };
}

impl Fields {
    /// What a field holds, unless it is a map.
    pub fn value(&self, field: Field) -> Option<&Value<PayloadRef>> {
        match &self.slot(field)?.value {
            Held::Value(value) => Some(value),
            Held::Map(_) => None,
        }
    }

    /// A map.
    pub fn map(&self, field: Field) -> Option<&MergedMap> {
        match &self.slot(field)?.value {
            Held::Map(map) => Some(map),
            Held::Value(_) => None,
        }
    }

    /// A payload, which may have expired.
    pub fn payload(&self, field: Field) -> Option<&PayloadRef> {
        read!(self, field, Payload)
    }

    /// A short text.
    pub fn text(&self, field: Field) -> Option<&str> {
        read!(self, field, Text).map(|text| &**text)
    }

    /// A time.
    pub fn time(&self, field: Field) -> Option<Timestamp> {
        read!(self, field, Time).copied()
    }

    /// An id.
    pub fn id(&self, field: Field) -> Option<&Id> {
        read!(self, field, Id)
    }

    /// A whole number.
    pub fn number(&self, field: Field) -> Option<u64> {
        read!(self, field, Number).copied()
    }

    /// A float.
    pub fn float(&self, field: Field) -> Option<f64> {
        read!(self, field, Float).copied()
    }

    /// A flag.
    pub fn bool(&self, field: Field) -> Option<bool> {
        read!(self, field, Bool).copied()
    }

    /// What the observation did.
    pub fn kind(&self) -> Option<ObservationKind> {
        read!(self, Field::Kind, Kind).copied()
    }

    /// How much the observation matters.
    pub fn level(&self) -> Option<Level> {
        read!(self, Field::Level, Level).copied()
    }

    /// What the score is about.
    pub fn subject(&self) -> Option<&Subject> {
        read!(self, Field::Subject, Subject)
    }

    /// What kind of value the score carries.
    pub fn score_type(&self) -> Option<ScoreType> {
        read!(self, Field::ScoreType, ScoreType).copied()
    }

    /// Who gave the score.
    pub fn score_source(&self) -> Option<ScoreSource> {
        read!(self, Field::ScoreSource, ScoreSource).copied()
    }

    /// Usage by key, sorted.
    pub fn usage(&self) -> &[(Box<str>, u64)] {
        read!(self, Field::Usage, Usage).map_or(&[], Vec::as_slice)
    }

    /// Cost by key, sorted.
    pub fn cost(&self) -> &[(Box<str>, Decimal)] {
        read!(self, Field::Cost, Cost).map_or(&[], Vec::as_slice)
    }

    /// Tags, sorted.
    pub fn tags(&self) -> &[Box<str>] {
        read!(self, Field::Tags, Tags).map_or(&[], Vec::as_slice)
    }

    /// The largest event time that a live value or map key came with; the smallest possible time
    /// where there is none.
    pub fn last_time(&self) -> Timestamp {
        let entries = self.slots().iter().filter_map(|s| match &s.value {
            Held::Map(map) => Some(map.entries.iter().map(|e| e.stamp.time)),
            Held::Value(_) => None,
        });
        let slots = self.slots().iter().map(|s| s.stamp.time);
        slots.chain(entries.flatten()).max().unwrap_or(Timestamp(i64::MIN))
    }

    /// The smallest event time of any live value or map key; the epoch where there is none.
    pub fn first_time(&self) -> Timestamp {
        let entries = self.slots().iter().filter_map(|s| match &s.value {
            Held::Map(map) => Some(map.entries.iter().map(|e| e.stamp.time)),
            Held::Value(_) => None,
        });
        let slots = self.slots().iter().map(|s| s.stamp.time);
        slots.chain(entries.flatten()).min().unwrap_or_default()
    }

    /// Token counts, from usage.
    pub fn tokens(&self) -> Tokens {
        super::tokens(self.usage())
    }

    /// The total cost, from cost by key.
    pub fn total_cost(&self) -> Decimal {
        super::total_cost(self.cost())
    }
}
