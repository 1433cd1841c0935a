use super::model::{Said, State, unsealed};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tracekeep::merge::{Fields, Held, Slot, Stamp, same_state};
use tracekeep::model::{Field, Operation, Record, Target, Timestamp, Value};
use tracekeep::{Id, Loss, Lost, Options, RepairReport, Store, Verdict, verify};

/// What a repair came to.
pub(crate) struct Repaired {
    temp: TempDir,
    pub(crate) report: RepairReport,
    pub(crate) losses: Vec<Loss>,
    pub(crate) said: Said,
}

impl Repaired {
    pub(crate) fn path(&self) -> PathBuf {
        self.temp.path().join("out")
    }
}

/// Repairs a store, and finds the new one clean.
#[track_caller]
pub(crate) fn repaired(world: &World) -> Repaired {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let mut losses = Vec::new();
    let options = Options { durability: tracekeep::Durability::Os, ..Options::default() };
    let builder = Store::builder().options(options);
    let report = builder.repair(world.path(), &out, &mut |loss| losses.push(loss)).unwrap();
    assert_eq!(report.losses, losses.len() as u64);
    let mut findings = Vec::new();
    let verdict = verify(&out, &mut |f| findings.push(f)).unwrap();
    assert_eq!(verdict, Verdict::Clean, "{findings:#?}\n{losses:#?}");
    let said = Said::of(&Store::open_read_only(&out).unwrap().snapshot());
    Repaired { temp, report, losses, said }
}

/// What is listed as lost, by what it concerns.
#[derive(Debug, Default)]
struct Listed {
    /// Targets of which anything may be missing, or older than it was.
    whole: BTreeSet<Target>,
    /// Targets without what has no column, and without times.
    details: BTreeSet<Target>,
    times: BTreeSet<Target>,
    fields: BTreeSet<(Target, Field)>,
    /// Traces of which some observations have no name.
    rows: BTreeMap<Option<Id>, u64>,
    erasures: bool,
}

const COLUMNS: &[Field] = &[
    Field::Kind,
    Field::Name,
    Field::Parent,
    Field::Start,
    Field::End,
    Field::CompletionStart,
    Field::Level,
    Field::Model,
    Field::Input,
    Field::Output,
];
const TRACE_COLUMNS: &[Field] =
    &[Field::Name, Field::User, Field::Session, Field::Environment, Field::Tags];

impl Listed {
    fn of(losses: &[Loss], appended: &[Record]) -> Listed {
        let mut listed = Listed::default();
        for loss in losses {
            match (loss.what, &loss.target) {
                (Lost::Records, _) => listed.records(loss, appended),
                (Lost::Rows, target) => {
                    let trace = match target {
                        Some(Target::Trace { trace }) => Some(trace.clone()),
                        _ => None,
                    };
                    *listed.rows.entry(trace).or_default() += loss.count;
                }
                (Lost::Details, Some(target)) => {
                    listed.details.insert(target.clone());
                }
                (Lost::Times, Some(target)) => {
                    listed.times.insert(target.clone());
                }
                (Lost::Field, Some(target)) => {
                    listed.fields.insert((target.clone(), loss.field.unwrap()));
                }
                (Lost::Erasures, _) => listed.erasures = true,
                other => panic!("{other:?} is not told of whom"),
            }
        }
        listed
    }

    fn records(&mut self, loss: &Loss, appended: &[Record]) {
        let (first, last) = loss.seqs.unwrap_or_default();
        let last = last.map_or(u64::MAX, |last| last.0);
        for (seq, record) in (1u64..).zip(appended) {
            if first.0 <= seq && seq <= last {
                self.whole.insert(record.target.clone());
                // What was erased is back.
                if record.fields().is_empty() {
                    self.erasures = true;
                }
            }
        }
    }

    fn is_lost(&self, target: &Target, field: Field) -> bool {
        let columns = match target {
            Target::Trace { .. } => TRACE_COLUMNS,
            Target::Observation { .. } => COLUMNS,
            Target::Score { .. } => &[],
        };
        self.fields.contains(&(target.clone(), field))
            || self.details.contains(target) && !columns.contains(&field)
    }

    /// Rows without a name that may be this one.
    fn rows_of(&self, target: &Target) -> bool {
        let trace = match target {
            Target::Observation { trace, .. } => self.rows.contains_key(&Some(trace.clone())),
            _ => false,
        };
        trace || self.rows.contains_key(&None)
    }
}

/// Everything that is not listed is there, byte for byte, and nothing is there that was not said.
#[track_caller]
pub(crate) fn compare(expected: &Said, found: &Repaired, appended: &[Record], what: &str) {
    let listed = Listed::of(&found.losses, appended);
    let mut missing = 0;
    for (target, state) in &expected.0 {
        if listed.whole.contains(target) {
            continue;
        }
        let Some(there) = found.said.0.get(target) else {
            let nothing_else = state.0.slots().iter().all(|s| listed.is_lost(target, s.field));
            // A trace is there while anything of it is.
            let implied = matches!(target, Target::Trace { .. }) && state.0.is_empty();
            assert!(
                listed.rows_of(target) || nothing_else || implied,
                "{what}: {target:?} is missing: {:#?}",
                found.losses
            );
            missing += u64::from(listed.rows_of(target));
            continue;
        };
        // A row without a name is gone, and others may say something of the same thing.
        if listed.rows_of(target) && !is_same(target, state, there, &listed) {
            missing += 1;
            continue;
        }
        same(target, state, there, &listed, what);
    }
    assert!(missing <= listed.rows.values().sum(), "{what}: {:#?}", found.losses);
    for (target, (fields, bytes)) in &found.said.0 {
        let known =
            expected.0.contains_key(target) || listed.erasures || listed.whole.contains(target);
        let implied = matches!(target, Target::Trace { .. }) && fields.is_empty();
        assert!(known || implied, "{what}: {target:?} is new");
        said_once(target, fields, bytes, appended, what);
    }
}

/// The fields that are not lost; without times, where these are.
fn kept(fields: &Fields, target: &Target, listed: &Listed) -> Fields {
    let no_times = listed.times.contains(target) || listed.details.contains(target);
    let slots = fields.slots().iter().filter(|slot| !listed.is_lost(target, slot.field));
    let timeless = |stamp: &mut Stamp| {
        if no_times {
            let operation = Operation::Create;
            *stamp = Stamp { strong: true, time: Timestamp(0), operation };
        }
    };
    let slots = slots.map(|slot| {
        let mut slot: Slot = slot.clone();
        timeless(&mut slot.stamp);
        if let Held::Map(map) = &mut slot.value {
            map.entries.iter_mut().for_each(|entry| timeless(&mut entry.stamp));
        }
        slot
    });
    Fields::from_slots(slots.collect())
}

fn is_same(target: &Target, expected: &State, there: &State, listed: &Listed) -> bool {
    let (a, b) = (kept(&expected.0, target, listed), kept(&there.0, target, listed));
    same_state(&a, &b)
}

#[track_caller]
fn same(target: &Target, expected: &State, there: &State, listed: &Listed, what: &str) {
    let (a, b) = (kept(&expected.0, target, listed), kept(&there.0, target, listed));
    assert!(same_state(&a, &b), "{what}: {target:?}\n{a:#?}\n{b:#?}\n{listed:#?}");
    for (field, bytes) in &expected.1 {
        if !listed.is_lost(target, *field) {
            assert_eq!(there.1.get(field), Some(bytes), "{what}: {target:?} {field:?}");
        }
    }
    // What is listed is really gone: at most an older or a partial value stands in its place, or
    // one that was said later, in a log.
    let later = unsealed();
    let replaced = |target: &Target, field: Field| {
        let mut of = later.iter().filter(|record| record.target == *target);
        of.any(|record| record.fields().iter().any(|f| f.field == field))
    };
    for (lost, field) in listed.fields.iter().filter(|(lost, _)| lost == target) {
        if replaced(lost, *field) {
            continue;
        }
        let (before, after) = (expected.1.get(field), there.1.get(field));
        let equal = match (before, after) {
            (Some(before), Some(after)) => before == after,
            _ => {
                expected.0.slot(*field).is_some() && expected.0.slot(*field) == there.0.slot(*field)
            }
        };
        assert!(!equal, "{what}: {lost:?} {field:?} is listed and there");
    }
}

/// Whatever is there was appended: payloads as a whole, texts too.
#[track_caller]
fn said_once(
    target: &Target,
    fields: &Fields,
    bytes: &BTreeMap<Field, Option<Vec<u8>>>,
    appended: &[Record],
    what: &str,
) {
    let of = |field: Field| {
        let records = appended.iter().filter(move |record| record.target == *target);
        records.flat_map(move |r| r.fields().iter().filter(move |f| f.field == field))
    };
    for (field, bytes) in bytes {
        let Some(bytes) = bytes else { continue };
        let whole = |value: &Value<Vec<u8>>| matches!(value, Value::Payload(p) if p == bytes);
        let is_map = matches!(field, Field::Metadata | Field::Attributes);
        // Maps of several records read as one: their values are looked for.
        let found = of(*field).any(|f| whole(&f.value)) || is_map;
        assert!(found, "{what}: {target:?} {field:?} was never said");
    }
    for slot in fields.slots() {
        if let Held::Value(Value::Text(text)) = &slot.value {
            let found = of(slot.field).any(|f| f.value == Value::Text(text.clone()));
            assert!(found, "{what}: {target:?} {:?} {text} was never said", slot.field);
        }
    }
}

/// The damaged file, and no other.
#[track_caller]
pub(crate) fn blame(found: &Repaired, files: &[&Path], what: &str) {
    for loss in &found.losses {
        let name = loss.file.file_name();
        let right = files.iter().any(|file| file.file_name() == name);
        assert!(right, "{what}: {loss:?} is not about {files:?}");
    }
}
