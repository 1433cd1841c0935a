//! Stores to test with, records to append, and everything that a snapshot says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tracekeep::merge::{Fields, same_state};
use tracekeep::model::{
    Field, ObservationRecord, Operation, Record, ScoreRecord, Subject, Target, TimeRange,
    Timestamp, TraceRecord,
};
use tracekeep::{
    Background, Batch, Durability, Id, Options, Order, SealLevel, Skeleton, Snapshot, Store,
    Summary, TraceQuery, dump,
};

/// A directory for a store, removed at the end.
pub(crate) struct World {
    root: TempDir,
    pub(crate) options: Options,
}

impl World {
    /// Nothing is sealed unless asked, and `Os` spares the disk.
    pub(crate) fn new() -> World {
        let options = Options {
            durability: Durability::Os,
            background: Background::Off,
            ..Options::default()
        };
        World { root: tempfile::tempdir().unwrap(), options }
    }

    /// A copy of the files as they are: of a closed store, one with the same key, so that states
    /// compare in full; of an open one, what a kill -9 would leave.
    pub(crate) fn twin(&self) -> World {
        let twin = World { root: tempfile::tempdir().unwrap(), options: self.options.clone() };
        copy_dir(&self.path(), &twin.path());
        twin
    }

    /// A copy of the files of a closed store that lies elsewhere.
    pub(crate) fn at(path: PathBuf) -> World {
        let world = World::new();
        copy_dir(&path, &world.path());
        world
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("store")
    }

    pub(crate) fn store(&self) -> Store {
        Store::builder().options(self.options.clone()).open(self.path()).unwrap()
    }

    /// The files whose names start like this, sorted.
    pub(crate) fn files(&self, prefix: &str) -> Vec<PathBuf> {
        files(&self.path(), prefix)
    }
}

pub(crate) fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    names.sort();
    names
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in files(from, "") {
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Offset, length and name of each line of this kind in the dump of a file.
pub(crate) fn lines(path: &Path, kind: &str) -> Vec<(u64, u64, String)> {
    let mut found = Vec::new();
    dump(path, &mut |line| {
        if line.kind == kind {
            let name = line.fields.first().map(|f| f.1.clone()).unwrap_or_default();
            found.push((line.offset, line.len, name));
        }
        Ok(())
    })
    .unwrap();
    found
}

/// Flips a bit; the file is a new one, so that no map of the old one changes.
pub(crate) fn flip(path: &Path, at: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at as usize] ^= 0x10;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The seed of this run: `SIM_SEED`, or the same one always. Printed when a test fails.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("SIM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_260_112);
    eprintln!("SIM_SEED={seed}");
    seed
}

/// Text that repeats nothing.
pub(crate) fn noise(seed: u64, len: usize) -> String {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (x >> 59) as u8 % 26)
    };
    (0..len).map(|_| letter()).collect()
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_768_204_800_000 + ms)
}

/// A trace's attributes, sent at `ms`.
pub(crate) fn trace(name: &str, ms: i64) -> TraceRecord {
    TraceRecord::new(id(name), at(ms), Operation::Create).name(name).timestamp(at(ms))
}

/// An observation that starts at `ms`.
pub(crate) fn observation(trace: &str, name: &str, ms: i64) -> ObservationRecord {
    ObservationRecord::new(id(trace), id(name), at(ms), Operation::Create).name(name).start(at(ms))
}

pub(crate) fn score(name: &str, subject: Subject, ms: i64) -> ScoreRecord {
    ScoreRecord::new(id(name), subject, at(ms), Operation::Create).name("quality").timestamp(at(ms))
}

pub(crate) fn erase_trace(name: &str, ms: i64) -> Record {
    Record::tombstone(Target::Trace { trace: id(name) }, at(ms))
}

pub(crate) fn batch<R: Into<Record>>(records: impl IntoIterator<Item = R>) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.push(record).unwrap();
    }
    batch
}

/// Appends these records as one batch and waits for it.
pub(crate) fn append<R: Into<Record>>(store: &Store, records: impl IntoIterator<Item = R>) {
    store.append(batch(records)).unwrap().wait().unwrap();
}

pub(crate) fn quick(store: &Store) {
    store.seal(SealLevel::Quick).unwrap();
}

pub(crate) fn full(store: &Store) {
    store.seal(SealLevel::Full).unwrap();
}

/// One node of a tree, and all that it says but where it lies.
type TreeLine = (Id, Option<Id>, u32, String);

/// All that a snapshot says of a trace.
pub(crate) struct TraceDump {
    fields: Fields,
    summary: Summary,
    observations: Vec<(Id, Fields)>,
    payloads: Vec<(Id, Field, Vec<u8>)>,
    own: Vec<Option<Vec<u8>>>,
    tree: Vec<TreeLine>,
    anomalies: String,
}

/// All that a snapshot says.
pub(crate) struct Dump {
    traces: BTreeMap<String, TraceDump>,
    order: Vec<Id>,
    scores: Vec<(Id, Fields, Option<Vec<u8>>)>,
}

impl Dump {
    pub(crate) fn of(snapshot: &Snapshot) -> Dump {
        let query =
            TraceQuery { order: Order::OldestFirst, limit: usize::MAX, ..TraceQuery::default() };
        let page = snapshot.traces(&query).unwrap();
        let order: Vec<Id> = page.traces.iter().map(|t| t.id.clone()).collect();
        let traces = order.iter().map(|id| (id.to_string(), trace_dump(snapshot, id))).collect();
        let mut scores = Vec::new();
        snapshot
            .each_score(&mut |id, fields| {
                let correction = fields.payload(Field::Correction);
                let bytes = correction.map(|p| snapshot.payload(p).unwrap().unwrap());
                scores.push((id.clone(), fields.clone(), bytes));
                Ok(())
            })
            .unwrap();
        let dump = Dump { traces, order, scores };
        dump.assert_scanned(snapshot);
        dump
    }

    /// A scan hands out each node of each tree once, and says the same of it.
    fn assert_scanned(&self, snapshot: &Snapshot) {
        let trees = self.traces.iter().flat_map(|(trace, dump)| {
            dump.tree.iter().map(|(id, _, _, said)| (trace.clone(), id.to_string(), said.clone()))
        });
        let mut expected: Vec<_> = trees.collect();
        let mut scanned = Vec::new();
        let each = &mut |s: &Skeleton<'_>| {
            let (times, text) = ((s.start(), s.end(), s.completion_start()), (s.name(), s.model()));
            let said = format!("{:?}", (times, s.kind(), s.level(), text, s.tokens(), s.cost()));
            scanned.push((s.trace().unwrap().to_string(), s.id().unwrap().to_string(), said));
            Ok(())
        };
        snapshot.scan(TimeRange::ALL, each).unwrap();
        expected.sort_unstable();
        scanned.sort_unstable();
        assert_eq!(scanned, expected);
    }

    pub(crate) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(crate) fn observations(&self) -> usize {
        self.traces.values().map(|t| t.observations.len()).sum()
    }

    pub(crate) fn scores(&self) -> usize {
        self.scores.len()
    }
}

fn trace_dump(snapshot: &Snapshot, id: &Id) -> TraceDump {
    let state = snapshot.trace_state(id).unwrap().unwrap();
    let mut observations = Vec::new();
    snapshot
        .each_observation(id, &mut |id, fields| {
            observations.push((id.clone(), fields.clone()));
            Ok(())
        })
        .unwrap();
    let mut payloads = Vec::new();
    snapshot
        .payloads(id, &mut |id, field, bytes| {
            payloads.push((id.clone(), field, bytes.to_vec()));
            Ok(())
        })
        .unwrap();
    let bytes = |field| match state.fields.map(field) {
        Some(map) => snapshot.map_text(map).unwrap(),
        None => state.fields.payload(field).and_then(|p| snapshot.payload(p).unwrap()),
    };
    let own = [Field::Input, Field::Output, Field::Metadata, Field::Attributes].map(bytes).into();
    let tree = snapshot.trace(id).unwrap().unwrap();
    let lines = tree.walk().map(|(node, depth)| {
        let n = tree.node(node).unwrap();
        let (times, text) =
            ((n.start, n.end, n.completion_start), (tree.name(node), tree.model(node)));
        let said = format!("{:?}", (times, n.kind, n.level, text, n.tokens, n.cost));
        (tree.id(node).unwrap(), tree.parent(node).and_then(|p| tree.id(p)), depth, said)
    });
    let lines = lines.collect();
    let anomalies = format!("{:?}", tree.anomalies());
    let (fields, summary) = (state.fields.clone(), state.summary);
    TraceDump { fields, summary, observations, payloads, own, tree: lines, anomalies }
}

/// Both say the same of everything.
#[track_caller]
pub(crate) fn assert_same(left: &Dump, right: &Dump, what: &str) {
    assert_eq!(left.order, right.order, "{what}: traces in order");
    for (id, a) in &left.traces {
        let b = &right.traces[id];
        assert!(
            same_state(&a.fields, &b.fields),
            "{what}: trace {id}: {:#?}\nand\n{:#?}",
            a.fields,
            b.fields
        );
        assert_eq!(a.own, b.own, "{what}: payloads of trace {id}");
        let ids = |d: &TraceDump| d.observations.iter().map(|o| o.0.clone()).collect::<Vec<_>>();
        assert_eq!(ids(a), ids(b), "{what}: observations of {id}");
        for ((observation, a), (_, b)) in a.observations.iter().zip(&b.observations) {
            assert!(same_state(a, b), "{what}: {id} / {observation}: {a:#?}\nand\n{b:#?}");
        }
        assert!(a.payloads == b.payloads, "{what}: payload bytes of {id}");
        assert_eq!(a.tree, b.tree, "{what}: tree of {id}");
        assert_eq!(a.anomalies, b.anomalies, "{what}: anomalies of {id}");
        assert_eq!(a.summary, b.summary, "{what}: summary of {id}");
    }
    let ids = |d: &Dump| d.scores.iter().map(|s| s.0.clone()).collect::<Vec<_>>();
    assert_eq!(ids(left), ids(right), "{what}: scores");
    for (a, b) in left.scores.iter().zip(&right.scores) {
        assert!(same_state(&a.1, &b.1), "{what}: score {}: {:#?}\nand\n{:#?}", a.0, a.1, b.1);
        assert_eq!(a.2, b.2, "{what}: correction of {}", a.0);
    }
}
