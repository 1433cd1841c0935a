use std::collections::{BTreeMap, BTreeSet};
use tracekeep::fs::Fs;
use tracekeep::merge::{Fields, Held};
use tracekeep::model::{
    Field, ObservationRecord, Operation, Record, ScoreRecord, Subject, Target, Timestamp,
    TraceRecord, Value,
};
use tracekeep::{Batch, Id, Order, Result, Snapshot, TraceQuery};

/// All that a snapshot says, by what says it.
pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

/// This batch erases the trace `gone`, which batch 0 began.
pub(crate) const ERASER: usize = 3;

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn at(k: usize) -> Timestamp {
    Timestamp::from_ms(1_768_204_800_000 + k as i64)
}

/// The input of batch `k`: an agent's history, which repeats what the batches before it sent.
fn input(k: usize) -> Vec<u8> {
    let mut text = String::from("[");
    for turn in 0..=k {
        let words: Vec<String> =
            (0..12).map(|w| format!("{:x}", (turn * 7919 + w * 31) % 997)).collect();
        text += &format!(r#"{{"role":"user","content":"turn {turn}: {}"}},"#, words.join(" "));
    }
    text.pop();
    (text + "]").into_bytes()
}

/// Batch `k`: an observation with a payload, and something newer of a trace, of an observation
/// that batches share, and of a score.
pub(crate) fn batch(k: usize) -> Batch {
    let trace = format!("t{}", k % 2);
    let observation = |name: &str| {
        ObservationRecord::new(id(&trace), id(name), at(k), Operation::Update).start(at(k))
    };
    let name = format!("o{k}");
    let subject = Subject::Trace(id(&trace));
    let mut records: Vec<Record> = vec![
        TraceRecord::new(id(&trace), at(k), Operation::Update).name(format!("n{k}")).into(),
        observation(&name).name(&*name).input(input(k)).into(),
        observation("shared").output(format!("output of {k}")).into(),
        ScoreRecord::new(id(&format!("s{}", k % 3)), subject, at(k), Operation::Update)
            .text(format!("score of {k}"))
            .into(),
    ];
    if k == 0 {
        let gone = ObservationRecord::new(id("gone"), id("x"), at(k), Operation::Create);
        records.push(gone.start(at(k)).input("going").into());
    }
    if k == ERASER {
        records.push(Record::tombstone(Target::Trace { trace: id("gone") }, at(k)));
    }
    let mut batch = Batch::new();
    for record in records {
        batch.push(record).unwrap();
    }
    batch
}

/// What is there after these batches.
pub(crate) fn expected(batches: &BTreeSet<usize>) -> Contents {
    let mut all = Contents::new();
    for k in batches {
        let trace = format!("t{}", k % 2);
        all.insert(format!("{trace} name"), format!("n{k}").into());
        all.insert(format!("{trace}/o{k} name"), format!("o{k}").into());
        all.insert(format!("{trace}/o{k} input"), input(*k));
        all.insert(format!("{trace}/shared output"), format!("output of {k}").into());
        all.insert(format!("s{} text", k % 3), format!("score of {k}").into());
        if *k == 0 {
            all.insert("gone/x input".into(), "going".into());
        }
        if *k == ERASER {
            all.remove("gone/x input");
        }
    }
    all
}

/// Which batches these contents hold, by the observation that each one has of its own.
pub(crate) fn batches(contents: &Contents) -> BTreeSet<usize> {
    let own = |key: &String| key.split_once("/o")?.1.strip_suffix(" name")?.parse().ok();
    contents.keys().filter_map(own).collect()
}

fn text(fields: &Fields, field: Field) -> Option<Vec<u8>> {
    match &fields.slot(field)?.value {
        Held::Value(Value::Text(text)) => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

/// Reads all that a snapshot says.
pub(crate) fn contents<F: Fs>(snapshot: &Snapshot<F>) -> Result<Contents> {
    let mut all = Contents::new();
    let query =
        TraceQuery { order: Order::OldestFirst, limit: usize::MAX, ..TraceQuery::default() };
    for trace in snapshot.traces(&query)?.traces {
        let trace = &trace.id;
        let state = snapshot.trace_state(trace)?;
        let name = state.and_then(|state| text(&state.fields, Field::Name));
        all.extend(name.map(|name| (format!("{trace} name"), name)));
        let mut observations = 0;
        snapshot.each_observation(trace, &mut |id, fields| {
            observations += 1;
            let name = text(fields, Field::Name);
            all.extend(name.map(|name| (format!("{trace}/{id} name"), name)));
            Ok(())
        })?;
        snapshot.payloads(trace, &mut |id, field, bytes| {
            let field = if field == Field::Input { "input" } else { "output" };
            all.insert(format!("{trace}/{id} {field}"), bytes.to_vec());
            Ok(())
        })?;
        // The tree and the list of observations are two ways to the same rows.
        let tree = snapshot.trace(trace)?.map_or(0, |tree| tree.len());
        if tree != observations {
            all.insert(format!("{trace} tree"), format!("{tree} nodes of {observations}").into());
        }
    }
    snapshot.each_score(&mut |id, fields| {
        let said = text(fields, Field::ScoreText);
        all.extend(said.map(|said| (format!("{id} text"), said)));
        Ok(())
    })?;
    Ok(all)
}

/// What became of a batch that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has to be found.
    Acknowledged,
    /// It must not be found.
    Refused,
    /// It may be found in a store that is opened again.
    Unknown,
}

/// Every batch in the order of append, kept outside of the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(pub(crate) Vec<(usize, Fate)>);

impl Ledger {
    pub(crate) fn note(&mut self, k: usize, fate: Fate) {
        self.0.push((k, fate));
    }

    /// The batches with this fate.
    pub(crate) fn with(&self, fate: Fate) -> BTreeSet<usize> {
        self.0.iter().filter(|(_, f)| *f == fate).map(|(k, _)| *k).collect()
    }

    /// Why these contents are not what a store that was opened again may hold; what of the
    /// acknowledged batches is missing, if only that is wrong.
    pub(crate) fn misfit(&self, found: &Contents) -> Result<BTreeSet<usize>, String> {
        let batches = batches(found);
        differs(found, &expected(&batches))?;
        let mut hole = None;
        let mut missing = BTreeSet::new();
        for (k, fate) in &self.0 {
            match (batches.contains(k), fate) {
                (true, Fate::Refused) => {
                    return Err(format!("batch {k} was refused, and is there"));
                }
                (true, _) if hole.is_some() => {
                    return Err(format!("batch {k} is there, and {hole:?} before it is not"));
                }
                (true, _) | (false, Fate::Refused) => {}
                (false, fate) => {
                    hole.get_or_insert(*k);
                    missing.extend((*fate == Fate::Acknowledged).then_some(*k));
                }
            }
        }
        match batches.iter().find(|k| !self.0.iter().any(|(known, _)| known == *k)) {
            Some(k) => Err(format!("batch {k} is there, and was never appended")),
            None => Ok(missing),
        }
    }
}

/// The first difference.
pub(crate) fn differs(found: &Contents, expected: &Contents) -> Result<(), String> {
    let show = |value: Option<&Vec<u8>>| {
        value.map_or("nothing".to_owned(), |v| String::from_utf8_lossy(v).into_owned())
    };
    for key in found.keys().chain(expected.keys()) {
        let (is, should) = (found.get(key), expected.get(key));
        if is != should {
            return Err(format!("{key}: found {}, expected {}", show(is), show(should)));
        }
    }
    Ok(())
}
