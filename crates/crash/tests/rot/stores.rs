use crate::answers::{Answers, Known, ask};
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::entropy::FixedEntropy;
use tracekeep::fs::FileName;
use tracekeep::model::{
    Decimal, Level, Map, MapEntry, ObservationRecord, Operation, Record, ScoreRecord, Subject,
    Target, Timestamp, TraceRecord,
};
use tracekeep::{Background, Batch, Durability, Id, Options, SealLevel, Store, StoreBuilder};
use tracekeep_crash::disk::{Image, SimFs};

/// A small store: its files, and what it says after each batch.
pub(crate) struct Small {
    pub(crate) name: &'static str,
    pub(crate) image: Image,
    pub(crate) known: Known,
    /// After none, one, two ... batches.
    pub(crate) states: Vec<Answers>,
    /// The last seq of each batch.
    seqs: Vec<u64>,
}

impl Small {
    fn logs(&self) -> impl Iterator<Item = FileName> {
        let names = self.image.dirs[0].entries.keys().copied();
        names.filter(|name| matches!(name, FileName::Log(_)))
    }

    pub(crate) fn first_log(&self) -> FileName {
        self.logs().min().unwrap()
    }

    pub(crate) fn last_log(&self) -> FileName {
        self.logs().max().unwrap()
    }

    /// How many batches end before this seq.
    pub(crate) fn batches_before(&self, seq: u64) -> usize {
        self.seqs.iter().filter(|last| **last < seq).count()
    }
}

pub(crate) fn options() -> Options {
    Options {
        durability: Durability::Disk,
        background: Background::Off,
        // The last group stays without a promise.
        marker_ms: 3_600_000,
        log_bytes_max: 1200,
        seal_level: 3,
        ..Options::default()
    }
}

/// Builds a store batch by batch.
struct Builder {
    fs: SimFs,
    store: Store<SimFs>,
    small: Small,
}

impl Builder {
    fn new(name: &'static str, known: Known) -> Builder {
        let fs = SimFs::new();
        let builder = StoreBuilder::new(fs.clone()).options(options());
        let builder = builder.entropy(Arc::new(FixedEntropy(7)));
        let store = builder.clock(Arc::new(ManualClock::default())).open("store").unwrap();
        let states = vec![ask(&store.snapshot(), &known)];
        let (image, seqs) = (Image::default(), Vec::new());
        Builder { fs, store, small: Small { name, image, known, states, seqs } }
    }

    fn batch(&mut self, records: Vec<Record>) {
        let mut batch = Batch::new();
        records.into_iter().for_each(|record| batch.push(record).unwrap());
        let seq = self.store.append(batch).unwrap().wait().unwrap();
        self.small.seqs.push(seq.0);
        self.small.states.push(ask(&self.store.snapshot(), &self.small.known));
    }

    fn seal(&self) {
        self.store.seal(SealLevel::Quick).unwrap();
    }

    /// The files as kill -9 would leave them.
    fn finish(mut self) -> Small {
        self.small.image = self.fs.image();
        assert!(self.fs.broken().is_empty());
        self.small
    }
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn observation(trace: &str, name: &str, ms: i64) -> ObservationRecord {
    let time = Timestamp::from_ms(ms);
    ObservationRecord::new(id(trace), id(name), time, Operation::Create).name(name).start(time)
}

fn words(from: u64, bytes: usize) -> Vec<u8> {
    let mut x = from + 1;
    let letter = |_| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + (x >> 59) as u8 % 26
    };
    (0..bytes).map(letter).collect()
}

/// A bit of everything that a record can say.
fn full(trace: &str, name: &str, parent: Option<&str>, ms: i64) -> Record {
    let mut record = observation(trace, name, ms)
        .end(Timestamp::from_ms(ms + 5))
        .level(Level::Error)
        .model("model")
        .usage(vec![("input".into(), 3), ("output".into(), 4)])
        .cost(vec![("total".into(), Decimal(1_500_000))])
        .input([words(1, 90), words(ms as u64, 40)].concat())
        .output("short")
        .metadata(metadata());
    if let Some(parent) = parent {
        record = record.parent(id(parent));
    }
    record.into()
}

fn metadata() -> Map {
    let text = b"{\"k\":\"some value\"}".to_vec();
    let entries = vec![MapEntry { key: "k".into(), value: 5..17, weak: false }];
    Map { text, entries }
}

fn about(trace: &str) -> Record {
    TraceRecord::new(id(trace), Timestamp(1), Operation::Create)
        .name("agent")
        .session(id("s"))
        .tags(vec!["a".into(), "b".into()])
        .input(words(9, 30))
        .metadata(metadata())
        .into()
}

fn score(name: &str, trace: &str) -> Record {
    let subject = Subject::Trace(id(trace));
    ScoreRecord::new(id(name), subject, Timestamp(9), Operation::Create).number(0.5).into()
}

fn known() -> Known {
    let trace = |name: &str, ids: &[&str]| (id(name), ids.iter().map(|o| id(o)).collect());
    Known {
        traces: vec![
            trace("one", &["a", "b", "8b83a58eee36ab26", "d", "f"]),
            trace("two", &["c"]),
            trace("gone", &[]),
            trace("four", &["g", "h", "i", "j"]),
        ],
        scores: vec![id("good"), id("new")],
    }
}

/// One segment, and what names it.
pub(crate) fn with_segment() -> Small {
    let mut build = Builder::new("segment", known());
    build.batch(vec![
        about("one"),
        full("one", "a", None, 10),
        full("one", "b", Some("a"), 20),
        full("one", "8b83a58eee36ab26", Some("elsewhere"), 15),
        score("good", "one"),
        full("two", "c", None, 5),
    ]);
    build.batch(vec![observation("one", "b", 30).model("another").into()]);
    build.seal();
    build.finish()
}

/// Two segments, the newer superseding rows of the older, and a log with a batch.
pub(crate) fn with_segments() -> Small {
    let mut build = Builder::new("segments", known());
    build.batch(vec![
        about("one"),
        full("one", "a", None, 10),
        full("one", "b", Some("a"), 20),
        full("one", "8b83a58eee36ab26", Some("elsewhere"), 15),
        score("good", "one"),
        full("two", "c", None, 5),
        about("gone"),
    ]);
    build.seal();
    build.batch(vec![
        observation("one", "b", 30).model("another").into(),
        full("one", "d", Some("b"), 40),
        Record::tombstone(Target::Trace { trace: id("gone") }, Timestamp::from_ms(99)),
    ]);
    build.seal();
    build.batch(vec![full("one", "f", None, 50)]);
    build.finish()
}

/// A finished log and one that is written, whose last group is not promised.
pub(crate) fn with_logs() -> Small {
    let mut build = Builder::new("logs", known());
    build.batch(vec![about("one"), full("one", "a", None, 10), score("good", "one")]);
    build.batch(vec![full("one", "b", Some("a"), 20), about("gone")]);
    build.batch(vec![full("two", "c", None, 30), full("four", "g", None, 40)]);
    while build.fs.image().dirs[0].entries.keys().filter(|n| matches!(n, FileName::Log(_))).count()
        < 2
    {
        build.batch(vec![full("four", "h", None, 50)]);
    }
    let gone = Record::tombstone(Target::Trace { trace: id("gone") }, Timestamp::from_ms(99));
    build.batch(vec![gone, full("four", "i", Some("g"), 60)]);
    build.batch(vec![score("new", "four")]);
    build.batch(vec![full("four", "j", None, 70)]);
    build.finish()
}

/// Segments of one merged index, and one that it does not cover.
pub(crate) fn with_index() -> Small {
    let known = Known {
        traces: vec![(id("trace 0"), vec![id("a")]), (id("trace 20"), vec![id("a")])],
        scores: vec![id("good")],
    };
    let mut build = Builder::new("index", known);
    for n in 0..33 {
        build.batch(vec![full(&format!("trace {n}"), "a", None, n)]);
        build.seal();
    }
    build.batch(vec![full("trace 0", "b", None, 99)]);
    build.finish()
}
