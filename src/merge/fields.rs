use super::map::{self, MergedMap};
use super::{Stamp, canon};
use crate::model::{
    Body, Field, FieldValue, Operation, PayloadRef, Record, Rule, Timestamp, Value,
};
use crate::planted::{self, Bug};

/// What a field holds after merging.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// One value, never `Value::Map`.
    Value(Value<PayloadRef>),
    /// A map, merged by key.
    Map(MergedMap),
}

/// A field that was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Which field.
    pub field: Field,
    /// The stamp of the value. Of a map with entries, the largest of theirs.
    pub stamp: Stamp,
    /// What it holds.
    pub value: Held,
}

/// The merged state of one target: its fields, each with its stamp, sorted by field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    slots: Vec<Slot>,
}

impl Fields {
    /// The state before any record.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// The state after one record; empty for a tombstone. Moves, and allocates one vector
    /// besides what maps need.
    pub fn from_record(record: Record<PayloadRef>) -> Fields {
        let Body::Fields(values) = record.body else { return Fields::new() };
        let mut slots = Vec::with_capacity(values.len());
        slots.extend(values.into_iter().map(|v| Slot::new(v, record.time, record.operation)));
        Fields::from_slots(slots)
    }

    /// The state with these slots, as they were read back. A slot whose value is not of the type
    /// that its field's rule asks for is dropped.
    pub fn from_slots(mut slots: Vec<Slot>) -> Fields {
        slots.retain(Slot::fits);
        for slot in &mut slots {
            slot.normalize();
        }
        if slots.is_sorted_by(|a, b| a.field < b.field) {
            return Fields { slots };
        }
        slots.sort_by_key(|s| s.field);
        let mut merged: Vec<Slot> = Vec::with_capacity(slots.len());
        for slot in slots {
            let same = merged.pop_if(|last| last.field == slot.field);
            merged.push(match same {
                Some(last) => last.join(slot),
                None => slot,
            });
        }
        Fields { slots: merged }
    }

    /// Merges one record more. A tombstone changes nothing: its effect depends on seq, which
    /// the caller knows.
    pub fn apply(&mut self, record: &Record<PayloadRef>) {
        let values = record.fields().iter().cloned();
        let slots = values.map(|v| Slot::new(v, record.time, record.operation)).collect();
        self.merge(Fields::from_slots(slots));
    }

    /// Merges the state of the same target from other records.
    pub fn merge(&mut self, other: Fields) {
        if self.slots.is_empty() {
            *self = other;
            return;
        }
        if other.slots.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.slots.len() + other.slots.len());
        let mut left = std::mem::take(&mut self.slots).into_iter().peekable();
        let mut right = other.slots.into_iter().peekable();
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            let order = l.field.cmp(&r.field);
            let (l, r) = (left.next_if(|_| order.is_le()), right.next_if(|_| order.is_ge()));
            merged.extend(match (l, r) {
                (Some(l), Some(r)) => Some(l.join(r)),
                (l, r) => l.or(r),
            });
        }
        merged.extend(left.chain(right));
        self.slots = merged;
    }

    /// Every field that was set, sorted by field.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Every field that was set, by value.
    pub fn into_slots(self) -> Vec<Slot> {
        self.slots
    }

    /// The slot of a field.
    pub fn slot(&self, field: Field) -> Option<&Slot> {
        let at = self.slots.binary_search_by_key(&field, |s| s.field).ok()?;
        self.slots.get(at)
    }

    /// Whether no field was set.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl Slot {
    fn new(value: FieldValue<PayloadRef>, time: Timestamp, operation: Operation) -> Slot {
        let FieldValue { field, weak, value } = value;
        // An object without keys says nothing, whatever the flag: it never outweighs a key.
        let strong = !weak && !matches!(value, Value::Map(_));
        let value = match value {
            Value::Map(map) => Held::Map(MergedMap::from_map(map, time, operation)),
            value => Held::Value(value),
        };
        Slot { field, stamp: Stamp { strong, time, operation }, value }
    }

    fn fits(&self) -> bool {
        match (self.field.rule(), &self.value) {
            (Rule::PerKey, Held::Map(map)) => !map.texts.is_empty(),
            (Rule::Union, Held::Value(Value::Tags(_))) => true,
            (Rule::Latest | Rule::First, Held::Value(value)) => !matches!(value, Value::Map(_)),
            _ => false,
        }
    }

    fn normalize(&mut self) {
        match &mut self.value {
            Held::Map(map) => self.stamp = map.stamp().unwrap_or(self.stamp),
            Held::Value(Value::Tags(tags)) if !tags.is_sorted_by(|a, b| a < b) => {
                tags.sort_unstable();
                tags.dedup();
            }
            Held::Value(_) => {}
        }
    }

    /// What two slots of one field say together.
    fn join(self, other: Slot) -> Slot {
        let (field, rule) = (self.field, self.field.rule());
        let (stamp, value) = match (self.value, other.value) {
            (Held::Map(a), Held::Map(b)) => {
                let (stamp, map) = map::join((self.stamp, a), (other.stamp, b));
                (stamp, Held::Map(map))
            }
            (Held::Value(Value::Tags(mut a)), Held::Value(Value::Tags(b)))
                if rule == Rule::Union =>
            {
                a.extend(b);
                a.sort_unstable();
                a.dedup();
                (self.stamp.max(other.stamp), Held::Value(Value::Tags(a)))
            }
            (Held::Value(a), Held::Value(b)) => {
                let stamps = match rule {
                    Rule::First => self.stamp.cmp_first(&other.stamp),
                    _ => self.stamp.cmp(&other.stamp),
                };
                let order = stamps.then_with(|| canon::cmp(&a, &b)).then_with(|| match (&a, &b) {
                    (Value::Payload(a), Value::Payload(b)) => canon::cmp_places(a, b),
                    _ => std::cmp::Ordering::Equal,
                });
                if order.is_lt() != planted::is(Bug::SmallerStampKept) {
                    (other.stamp, Held::Value(b))
                } else {
                    (self.stamp, Held::Value(a))
                }
            }
            // `fits` lets only one of the two in.
            (map @ Held::Map(_), Held::Value(_)) => (self.stamp, map),
            (Held::Value(_), map @ Held::Map(_)) => (other.stamp, map),
        };
        Slot { field, stamp, value }
    }
}

/// Whether two states say the same, wherever the bytes of their payloads lie.
pub fn same_state(a: &Fields, b: &Fields) -> bool {
    let same = |a: &Slot, b: &Slot| {
        let values = match (&a.value, &b.value) {
            (Held::Value(a), Held::Value(b)) => canon::cmp(a, b).is_eq(),
            (Held::Map(a), Held::Map(b)) => canon::same_maps(a, b),
            _ => false,
        };
        a.field == b.field && a.stamp == b.stamp && values
    };
    a.slots.len() == b.slots.len() && a.slots.iter().zip(&b.slots).all(|(a, b)| same(a, b))
}
