//! Everything merged in memory, and as flat rows: what a job does that turns events into files
//! of columns.

use super::Skeleton;
use super::text::{FIELDS, each_field};
use crate::Result;
use crate::row::{Change, encode_rest, key, numbers, renumbered};
use std::collections::{BTreeMap, HashMap};
use tracekeep::Id;
use tracekeep::merge::Fields;
use tracekeep::model::Field;

/// The payload columns of a flat row.
pub(crate) const PAYLOADS: usize = FIELDS.len();

/// An observation, a trace or a score with a value for each column.
#[derive(Debug)]
pub(crate) struct Flat {
    /// The trace's key; empty for a score.
    pub(crate) trace: Vec<u8>,
    pub(crate) skeleton: Skeleton,
    /// The fields without a column.
    pub(crate) rest: Vec<u8>,
    /// Input (a correction for a score), output, metadata, attributes.
    pub(crate) payloads: [Option<Vec<u8>>; PAYLOADS],
}

/// Flat rows, each list sorted by trace and start.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) observations: Vec<Flat>,
    pub(crate) traces: Vec<Flat>,
    pub(crate) scores: Vec<Flat>,
}

#[derive(Debug, Default)]
struct Target {
    fields: Fields,
    next: u64,
    payloads: HashMap<u32, Vec<u8>>,
}

/// The merged state of every target, by its key.
#[derive(Debug, Default)]
pub(crate) struct Merged(BTreeMap<Vec<u8>, Target>);

impl Merged {
    pub(crate) fn add(&mut self, change: Change) -> Result<()> {
        let target = self.0.entry(change.key).or_default();
        let first = target.next;
        target.next += change.payloads.len() as u64;
        for (payload, number) in change.payloads.into_iter().zip(first..) {
            target.payloads.insert(u32::try_from(number)?, payload);
        }
        target.fields.merge(renumbered(change.fields, first));
        let live = numbers(&target.fields);
        target.payloads.retain(|number, _| live.contains(number));
        Ok(())
    }

    pub(crate) fn into_tables(self) -> Result<Tables> {
        let mut tables = Tables::default();
        for (key, target) in self.0 {
            match key::parse(&key)? {
                key::Parsed::Observation(trace, id) => {
                    tables.observations.push(flat(key::of_trace(&trace), id, target)?);
                }
                key::Parsed::Own(trace) => {
                    tables.traces.push(flat(key::of_trace(&trace), trace, target)?);
                }
                key::Parsed::Score(score) => tables.scores.push(flat(Vec::new(), score, target)?),
            }
        }
        let by_start =
            |a: &Flat, b: &Flat| (&a.trace, a.skeleton.start).cmp(&(&b.trace, b.skeleton.start));
        tables.observations.sort_by(by_start);
        Ok(tables)
    }
}

fn flat(trace: Vec<u8>, id: Id, mut target: Target) -> Result<Flat> {
    let mut payloads: [Option<Vec<u8>>; PAYLOADS] = Default::default();
    each_field(&id, &target.fields, &target.payloads, &mut |_, field, bytes| {
        if let Some(at) = FIELDS.iter().position(|f| *f == field) {
            payloads[at] = Some(bytes.to_vec());
        }
        Ok(())
    })?;
    if let Some(correction) = target.fields.payload(Field::Correction) {
        payloads[0] = target.payloads.remove(&u32::try_from(correction.number)?);
    }
    let mut rest = Vec::new();
    encode_rest(&target.fields, &mut rest);
    Ok(Flat { trace, skeleton: Skeleton::of_fields(id, &target.fields), rest, payloads })
}
