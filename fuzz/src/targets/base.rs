//! One small store, always the same bytes, and what it answers after each of its batches: what
//! the targets of files make their changes to.

use super::answers::{Answers, answers};
use super::folder::{Files, Folder};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use tracekeep::clock::ManualClock;
use tracekeep::entropy::FixedEntropy;
use tracekeep::fs::FileName;
use tracekeep::id::{SegmentId, Seq};
use tracekeep::internals::frame::FileHeader;
use tracekeep::internals::manifest::{ManifestWriter, load};
use tracekeep::internals::segment::Segment;
use tracekeep::internals::snapshot::{IndexPlan, View, write_index};
use tracekeep::model::{
    Decimal, Level, Map, MapEntry, ObservationKind, ObservationRecord, Operation, Record,
    ScoreRecord, Subject, Target, Timestamp, TraceRecord,
};
use tracekeep::{Background, Batch, Id, Options, SealLevel, Store, StoreBuilder};

/// The store.
pub struct Base {
    /// Its files: two segments, an index over both, a finished log, and a last one whose last
    /// batch nothing promises.
    pub files: Files,
    /// The header that its files share.
    pub header: FileHeader,
    /// What it answers when it ends with this seq.
    pub right: BTreeMap<Seq, Answers>,
}

/// The traces that the questions are about; one was erased, one never was.
pub static TRACES: LazyLock<Vec<Id>> = LazyLock::new(|| {
    ["trace one", "00000000000000000000000000000002", "gone", "three", "nowhere"].map(id).to_vec()
});
/// The scores that the questions are about.
pub static SCORES: LazyLock<Vec<Id>> =
    LazyLock::new(|| ["good", "new", "no score"].map(id).to_vec());

/// Made once a process.
pub static BASE: LazyLock<Base> = LazyLock::new(|| make().expect("a store in memory"));

/// How every store of the targets is opened: what is written depends on what is done alone.
pub fn builder<F: tracekeep::fs::Fs>(fs: F) -> StoreBuilder<F> {
    let options = Options {
        background: Background::Off,
        marker_ms: 1 << 40,
        seal_level: 1,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    };
    StoreBuilder::new(fs)
        .options(options)
        .clock(Arc::new(ManualClock::default()))
        .entropy(Arc::new(FixedEntropy(7)))
}

fn make() -> tracekeep::Result<Base> {
    let folder = Folder::default();
    let mut right = BTreeMap::new();
    let mut append = |store: &Store<Folder>, records: Vec<Record>| {
        let mut batch = Batch::new();
        records.into_iter().try_for_each(|record| batch.push(record))?;
        store.append(batch)?.wait()?;
        let snapshot = store.snapshot();
        right.insert(snapshot.seq(), answers(&snapshot, &TRACES, &SCORES));
        tracekeep::Result::Ok(())
    };
    let store = builder(folder.clone()).open(Folder::PATH)?;
    append(
        &store,
        vec![trace(0), observation(0, "a", None, 10), observation(0, "b", Some("a"), 20)],
    )?;
    append(
        &store,
        vec![score("good", 0), trace(1), observation(1, "c", Some("far"), 5), trace(2)],
    )?;
    store.seal(SealLevel::Full)?;
    append(&store, vec![late(0, "b"), observation(0, "d", Some("b"), 40), erased(2)])?;
    append(&store, vec![score("good", 0), observation(3, "e", Some("e"), 1)])?;
    store.seal(SealLevel::Quick)?;
    store.close()?;
    let header = index(&folder)?;
    let store = builder(folder.clone()).open(Folder::PATH)?;
    append(&store, vec![observation(0, "f", None, 50), observation(3, "g", None, 60)])?;
    store.close()?;
    let store = builder(folder.clone()).open(Folder::PATH)?;
    append(&store, vec![observation(0, "h", Some("f"), 51), score("new", 3)])?;
    append(&store, vec![observation(1, "i", None, 61)])?;
    append(&store, vec![observation(1, "j", None, 62)])?;
    let files = folder.files();
    store.close()?;
    Ok(Base { files, header, right })
}

/// Makes the merged index, which a store makes by itself only over many segments.
fn index(folder: &Folder) -> tracekeep::Result<FileHeader> {
    let loaded = load(folder)?.expect("a manifest");
    let open = |s: &tracekeep::internals::manifest::SegmentState| {
        Segment::open(folder, s.id, &loaded.header, false).map(Arc::new)
    };
    let segments: Vec<_> = loaded.state.segments.iter().map(open).collect::<Result<_, _>>()?;
    let ids: Vec<SegmentId> = segments.iter().map(|s| s.id()).collect();
    let view = View::new(loaded.header.key, segments, Vec::new(), Vec::new());
    let plan = IndexPlan { segments: (0..ids.len()).collect(), indexes: 0..0 };
    write_index(folder, &view, &loaded.header, 1, &plan)?;
    let mut state = loaded.state.clone();
    (state.indexes, state.next_index) = (vec![(1, ids)], 2);
    let (number, old) = (loaded.number + 1, Some(loaded.number));
    ManifestWriter::start(folder.clone(), &loaded.header, number, state, old)?;
    Ok(loaded.header)
}

/// A file of the store.
pub fn file(name: FileName) -> &'static [u8] {
    BASE.files.get(&name).map(Vec::as_slice).expect("a file of the base")
}

fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_768_204_800_000 + ms)
}

fn trace(n: usize) -> Record {
    TraceRecord::new(TRACES[n].clone(), at(1), Operation::Create)
        .name("agent")
        .user("somebody")
        .session(id("a session"))
        .tags(vec!["a".into(), "b\u{1f}".into()])
        .input("what the trace was asked, in more than thirty-two bytes")
        .into()
}

fn observation(n: usize, name: &str, parent: Option<&str>, ms: i64) -> Record {
    let mut record = ObservationRecord::new(TRACES[n].clone(), id(name), at(ms), Operation::Create)
        .kind(ObservationKind::Generation)
        .name(name)
        .start(at(ms))
        .end(at(ms + 5))
        .level(Level::Error)
        .usage(vec![("input".into(), 3), ("output".into(), 4)])
        .cost(vec![("total".into(), Decimal(1_500_000))])
        .input(messages(ms))
        .output("short");
    if let Some(parent) = parent {
        record = record.parent(id(parent));
    }
    let text = b"{\"k\":\"a value of some length here\"}".to_vec();
    let value = 5..text.len() as u32 - 1;
    let entries = vec![MapEntry { key: "k".into(), value, weak: false }];
    record.metadata(Map { text, entries }).into()
}

/// A list of two messages, the first of which all have.
fn messages(n: i64) -> String {
    let message = |n: i64| {
        let mut x = n as u64 + 1;
        let words = (0..120).map(|_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + (x >> 59) as u8 % 26)
        });
        format!("{{\"role\":\"user\",\"content\":\"{}\"}}", words.collect::<String>())
    };
    format!("[{},{}]", message(0), message(n))
}

fn late(n: usize, name: &str) -> Record {
    ObservationRecord::new(TRACES[n].clone(), id(name), at(30), Operation::Update)
        .model("a model")
        .into()
}

fn score(name: &str, n: usize) -> Record {
    ScoreRecord::new(id(name), Subject::Trace(TRACES[n].clone()), at(9), Operation::Create)
        .name("quality")
        .number(0.5)
        .correction("what it should have said, in more than thirty-two bytes")
        .into()
}

fn erased(n: usize) -> Record {
    Record::tombstone(Target::Trace { trace: TRACES[n].clone() }, at(99))
}
