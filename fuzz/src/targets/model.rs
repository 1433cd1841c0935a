//! A store as simply as it can be said: batches in a list, and what they say read from the start.

use arbitrary::{Result, Unstructured};
use std::collections::{BTreeMap, BTreeSet};
use tracekeep::fs::Fs;
use tracekeep::merge::Fields;
use tracekeep::model::{
    Field, ObservationRecord, Operation, Record, ScoreRecord, Subject, Target, Timestamp,
    TraceRecord,
};
use tracekeep::{Batch, Id, Snapshot};

/// Traces, observations of each, and scores that there may be.
const FEW: u8 = 3;

/// What is said of one thing, without any field that a rule of its own decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Trace(u8),
    Observation(u8, u8),
    Score(u8),
}

/// One record.
#[derive(Debug, Clone)]
struct Said {
    thing: Thing,
    /// Of each record another one: there are no ties.
    time: i64,
    erases: bool,
    name: Option<u8>,
    input: Option<Vec<u8>>,
    tags: Option<u8>,
}

/// What is known of a thing. The later time wins; tags only come.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    name: Option<(i64, u8)>,
    input: Option<(i64, Vec<u8>)>,
    tags: BTreeSet<u8>,
}

/// The batches that were appended, in order.
#[derive(Debug, Default)]
pub struct Model {
    batches: Vec<Vec<Said>>,
    records: i64,
}

impl Model {
    /// How many batches there are.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Forgets all but the first ones.
    pub fn truncate(&mut self, batches: usize) {
        self.batches.truncate(batches);
    }

    /// How many batches end at this seq: each record takes one.
    pub fn batches_at(&self, seq: u64) -> Option<usize> {
        let mut end = 0;
        (0..=self.batches.len()).find(|n| {
            let before = n.checked_sub(1).and_then(|n| self.batches.get(n));
            end += before.map_or(0, Vec::len) as u64;
            end == seq
        })
    }

    /// Adds a batch of one to four records, as the input says, and gives it.
    pub fn batch(&mut self, u: &mut Unstructured<'_>) -> Result<Batch> {
        let (mut said, mut batch) = (Vec::new(), Batch::new());
        for _ in 0..=u.arbitrary::<u8>()? % 4 {
            self.records += 1;
            let next = said_of(u, self.records)?;
            batch.push(record(&next)).expect("a record within its limits");
            said.push(next);
        }
        self.batches.push(said);
        Ok(batch)
    }

    fn known(&self) -> BTreeMap<Thing, Known> {
        let mut known: BTreeMap<Thing, Known> = BTreeMap::new();
        for said in self.batches.iter().flatten() {
            if said.erases {
                known.retain(|thing, _| !erases(said.thing, *thing));
                continue;
            }
            // Of what nothing is said there is nothing; a score has a subject always.
            let nothing = said.name.is_none() && said.input.is_none() && said.tags.is_none();
            if nothing && !matches!(said.thing, Thing::Score(_)) {
                continue;
            }
            let of = known.entry(said.thing).or_default();
            if let Some(name) = said.name {
                of.name = of.name.max(Some((said.time, name)));
            }
            if let Some(input) = &said.input {
                of.input = of.input.take().max(Some((said.time, input.clone())));
            }
            of.tags.extend(
                said.tags.iter().flat_map(|bits| (0..4).filter(move |t| bits >> t & 1 == 1)),
            );
        }
        known
    }

    /// Everything that a snapshot says is what the batches up to its seq say.
    pub fn check<F: Fs>(&self, snapshot: &Snapshot<F>) {
        let known = self.known();
        let of = |thing: Thing| known.get(&thing);
        for t in 0..FEW {
            let id = trace_id(t);
            let state = snapshot.trace_state(&id).expect("a sound store");
            let fields = state.as_ref().map(|state| &state.fields);
            let observations: Vec<u8> =
                (0..FEW).filter(|o| of(Thing::Observation(t, *o)).is_some()).collect();
            let own = of(Thing::Trace(t));
            assert_eq!(fields.is_some(), own.is_some() || !observations.is_empty(), "trace {t}");
            check_known(snapshot, fields, own, &format!("trace {t}"));
            let tree = snapshot.trace(&id).expect("a sound store");
            assert_eq!(tree.map_or(0, |tree| tree.len()), observations.len(), "tree {t}");
            for o in 0..FEW {
                let found = snapshot.observation(&id, &observation_id(o)).expect("a sound store");
                let own = of(Thing::Observation(t, o));
                assert_eq!(found.is_some(), own.is_some(), "observation {t}/{o}");
                check_known(snapshot, found.as_ref(), own, &format!("observation {t}/{o}"));
            }
        }
        for s in 0..FEW {
            let found = snapshot.score(&score_id(s)).expect("a sound store");
            let own = of(Thing::Score(s));
            assert_eq!(found.is_some(), own.is_some(), "score {s}");
            check_known(snapshot, found.as_ref(), own, &format!("score {s}"));
        }
    }
}

/// A trace's tombstone erases its observations and the scores about it, too.
fn erases(tombstone: Thing, thing: Thing) -> bool {
    match (tombstone, thing) {
        (Thing::Trace(t), Thing::Observation(of, _) | Thing::Trace(of)) => t == of,
        (Thing::Trace(t), Thing::Score(s)) => subject(s) == t,
        _ => tombstone == thing,
    }
}

fn check_known<F: Fs>(
    snapshot: &Snapshot<F>,
    found: Option<&Fields>,
    known: Option<&Known>,
    what: &str,
) {
    let none = Known::default();
    let known = known.unwrap_or(&none);
    let name = found.and_then(|f| f.text(Field::Name));
    assert_eq!(name, known.name.map(|(_, name)| name_of(name)).as_deref(), "{what}: name");
    let tags: Vec<Box<str>> = known.tags.iter().map(|t| tag(*t)).collect();
    assert_eq!(found.map_or(&[][..], |f| f.tags()), tags, "{what}: tags");
    let payload = found.and_then(|f| f.payload(Field::Input).or(f.payload(Field::Correction)));
    let bytes = payload.and_then(|p| snapshot.payload(p).expect("a sound store"));
    let right = known.input.as_ref().map(|(_, bytes)| bytes);
    assert!(bytes.as_ref() == right, "{what}: {bytes:?} and not {right:?}");
}

fn said_of(u: &mut Unstructured<'_>, order: i64) -> Result<Said> {
    let (which, what, n): (u8, u8, u8) = u.arbitrary()?;
    let thing = match which % 4 {
        0 => Thing::Trace(n % FEW),
        1 | 2 => Thing::Observation(n % FEW, n / FEW % FEW),
        _ => Thing::Score(n % FEW),
    };
    let late = i64::from(which >> 2);
    let input = match what >> 1 & 3 {
        0 => None,
        1 => Some(vec![b'a' + n % 26; usize::from(n)]),
        2 => Some(u.bytes(usize::from(n % 64).min(u.len()))?.to_vec()),
        // A history that grows, a message after the other.
        _ => Some(messages(n)),
    };
    // An empty value is weak: it would need another rule.
    let input = input.filter(|input| !tracekeep::model::is_falsy(input));
    Ok(Said {
        thing,
        time: (40 + order - late) << 20 | order,
        erases: what.is_multiple_of(16),
        name: (what & 1 == 1).then_some(n),
        input,
        tags: (what >> 3 & 1 == 1 && matches!(thing, Thing::Trace(_))).then_some(n),
    })
}

fn messages(count: u8) -> Vec<u8> {
    let message = |i: u8| {
        format!(
            "{{\"role\":\"user\",\"content\":\"{}\"}}",
            "text ".repeat(usize::from(i % 5) * 4 + 9)
        )
    };
    let all: Vec<String> = (0..=count % 12).map(message).collect();
    format!("[{}]", all.join(",")).into_bytes()
}

fn record(said: &Said) -> Record {
    let (time, operation) = (Timestamp(said.time), Operation::Create);
    if said.erases {
        let target = match said.thing {
            Thing::Trace(t) => Target::Trace { trace: trace_id(t) },
            Thing::Observation(t, o) => {
                Target::Observation { trace: trace_id(t), observation: observation_id(o) }
            }
            Thing::Score(s) => Target::Score { score: score_id(s) },
        };
        return Record::tombstone(target, time);
    }
    let (name, input) = (said.name.map(name_of), said.input.clone());
    match said.thing {
        Thing::Trace(t) => {
            let mut record = TraceRecord::new(trace_id(t), time, operation);
            if let Some(name) = name {
                record = record.name(name);
            }
            if let Some(bits) = said.tags {
                record = record.tags((0..4).filter(|t| bits >> t & 1 == 1).map(tag).collect());
            }
            input.into_iter().fold(record, TraceRecord::input).into()
        }
        Thing::Observation(t, o) => {
            let record = ObservationRecord::new(trace_id(t), observation_id(o), time, operation);
            let record = name.into_iter().fold(record, ObservationRecord::name);
            input.into_iter().fold(record, ObservationRecord::input).into()
        }
        Thing::Score(s) => {
            let about = Subject::Trace(trace_id(subject(s)));
            let record = ScoreRecord::new(score_id(s), about, time, operation);
            let record = name.into_iter().fold(record, ScoreRecord::name);
            input.into_iter().fold(record, ScoreRecord::correction).into()
        }
    }
}

fn trace_id(n: u8) -> Id {
    match n {
        0 => Id::hex32(9),
        n => Id::parse(&format!("trace {n}")).expect("an id"),
    }
}

fn observation_id(n: u8) -> Id {
    match n {
        0 => Id::hex16(9),
        n => Id::parse(&format!("observation {n}")).expect("an id"),
    }
}

fn score_id(n: u8) -> Id {
    Id::parse(&format!("score {n}")).expect("an id")
}

/// The trace that a score is about, always the same one.
fn subject(score: u8) -> u8 {
    (score + 1) % FEW
}

fn name_of(n: u8) -> String {
    format!("name {n}")
}

fn tag(n: u8) -> Box<str> {
    format!("tag {n}").into()
}
