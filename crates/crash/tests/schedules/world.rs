use super::disk::{Faults, Scheduled};
use shuttle::rand::Rng;
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::entropy::FixedEntropy;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{
    Batch, Durability, ErrorKind, Id, Options, ReadStore, Snapshot, Store, StoreBuilder,
};
use tracekeep::{Result, id::Seq};
use tracekeep_crash::disk::SimFs;

/// A disk and how the store on it is opened.
pub(crate) struct World {
    disk: SimFs,
    faults: Faults,
    options: Options,
}

impl World {
    pub(crate) fn new(durability: Durability, faults: Faults) -> World {
        let options = Options { durability, seal_level: 1, seal_logs: 2, ..Options::default() };
        World { disk: SimFs::new(), faults, options }
    }

    /// Each log takes one or two batches, and is sealed soon.
    pub(crate) fn with_small_logs(mut self) -> World {
        self.options.log_bytes_max = 500;
        self
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    fn builder(&self) -> StoreBuilder<Scheduled> {
        StoreBuilder::new(Scheduled::new(self.disk.clone(), self.faults.clone()))
            .options(self.options.clone())
            .clock(Arc::new(ManualClock::default()))
            .entropy(Arc::new(FixedEntropy(1)))
    }

    pub(crate) fn open(&self) -> Store<Scheduled> {
        self.builder().open("store").unwrap()
    }

    pub(crate) fn follow(&self) -> ReadStore<Scheduled> {
        self.builder().open_read_only("store").unwrap()
    }

    /// What kill -9 would leave now, on a sound disk.
    pub(crate) fn killed(&self) -> World {
        let disk = SimFs::of(&self.disk.image());
        World { disk, faults: Faults::default(), options: self.options.clone() }
    }
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn payload(who: u64, n: u64) -> String {
    format!("{{\"from\":{who},\"number\":{n},\"text\":\"{}\"}}", "shared by all ".repeat(4))
}

/// One record, known from who sent it and its number.
pub(crate) fn batch(who: u64, n: u64) -> Batch {
    let mut batch = Batch::new();
    let name = format!("{who} {n}");
    let time = Timestamp(n as i64);
    let record = ObservationRecord::new(id("trace"), id(&name), time, Operation::Create);
    batch.push(record.start(time).input(payload(who, n))).unwrap();
    batch
}

/// Whose records a snapshot holds, each as it was sent, sorted.
pub(crate) fn contents(snapshot: &Snapshot<Scheduled>) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    snapshot
        .payloads(&id("trace"), &mut |id, _, bytes| {
            let text = id.to_string();
            let (who, n) = text.split_once(' ').unwrap();
            let (who, n) = (who.parse().unwrap(), n.parse().unwrap());
            assert_eq!(bytes, payload(who, n).as_bytes());
            found.push((who, n));
            Ok(())
        })
        .unwrap();
    found.sort_unstable();
    let tree = snapshot.trace(&id("trace")).unwrap();
    assert_eq!(tree.map_or(0, |tree| tree.len()), found.len(), "tree and payloads agree");
    found
}

/// A snapshot holds as many records as its seq says, where none was refused; those of each sender
/// are a prefix.
pub(crate) fn check(snapshot: &Snapshot<Scheduled>) -> u64 {
    let found = contents(snapshot);
    assert_eq!(snapshot.seq().0, found.len() as u64, "{found:?}");
    for (at, (who, n)) in found.iter().enumerate() {
        let before = found[..at].iter().filter(|(other, _)| other == who).count();
        assert_eq!(before as u64, *n, "{found:?} is no prefix of what {who} sent");
    }
    found.len() as u64
}

/// Appends batches 0.. of sender 0, each waited for: none, or so many that the writer syncs for
/// whoever has no company.
pub(crate) fn some_alone(store: &Store<Scheduled>) -> u64 {
    let count = if shuttle::rand::thread_rng().gen_ratio(1, 2) { 5 } else { 0 };
    for n in 0..count {
        append_and_wait(store, 0, n).unwrap();
    }
    count
}

/// Appends and waits, in one of the two ways.
pub(crate) fn append_and_wait(store: &Store<Scheduled>, who: u64, n: u64) -> Result<Seq> {
    match shuttle::rand::thread_rng().gen_ratio(1, 2) {
        true => store.append_and_wait(batch(who, n)),
        false => store.append(batch(who, n)).and_then(|commit| commit.wait()),
    }
}

/// Appends and waits, and gives what was acknowledged. Others are refused with this kind.
pub(crate) fn acknowledge(
    store: &Store<Scheduled>,
    who: u64,
    batches: u64,
    refused: ErrorKind,
) -> Vec<(u64, u64)> {
    let mut kept = Vec::new();
    for n in 0..batches {
        match append_and_wait(store, who, n) {
            Ok(_) => kept.push((who, n)),
            Err(e) => assert!(e.kind() == refused || e.kind() == ErrorKind::Io, "{e}"),
        }
    }
    kept
}
