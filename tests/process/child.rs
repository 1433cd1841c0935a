//! What the children do, and how they are started.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{Background, Batch, Durability, Id, Options, SealLevel, Store};

const ROLE: &str = "TRACEKEEP_TEST_ROLE";
const STORE: &str = "TRACEKEEP_TEST_STORE";
const NOTES: &str = "TRACEKEEP_TEST_NOTES";

/// Nothing waits longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records of each batch that a child appends.
pub(crate) const BATCH: u64 = 5;

/// A child, killed at the end whatever happens.
pub(crate) struct Started {
    process: Child,
    pub(crate) notes: PathBuf,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Started {
    /// kill -9.
    pub(crate) fn kill(&mut self) {
        let _gone_already = self.process.kill();
        self.process.wait().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it ends by itself, as it should.
    pub(crate) fn finish(self) -> Vec<String> {
        let (status, lines) = self.end();
        assert!(status.success(), "{status}: {lines:?}");
        lines
    }

    /// Waits until it ends, somehow.
    pub(crate) fn end(mut self) -> (std::process::ExitStatus, Vec<String>) {
        let start = Instant::now();
        let status = loop {
            match self.process.try_wait().unwrap() {
                Some(status) => break status,
                None => {
                    assert!(start.elapsed() < PATIENCE, "a child does not end");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        };
        (status, self.lines())
    }

    /// Whole lines that it has written.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.notes).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// Waits for a line that says this.
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !self.lines().iter().any(|line| wanted(line)) {
            assert!(start.elapsed() < PATIENCE, "a child is silent: {:?}", self.lines());
            let ended = self.process.try_wait().unwrap();
            let late = self.lines().iter().any(|line| wanted(line));
            assert!(ended.is_none() || late, "a child ended early: {:?}", self.lines());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Starts a child. Its notes go to a file of this name beside the store.
pub(crate) fn start(role: &str, store: &Path, notes: &str) -> Started {
    start_under(&[], role, store, notes)
}

/// Starts a child through another program: its words come before the child's.
pub(crate) fn start_under(words: &[&str], role: &str, store: &Path, notes: &str) -> Started {
    let notes = store.with_file_name(notes);
    let own = std::env::current_exe().unwrap();
    let mut command = match words {
        [] => Command::new(own),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(own);
            command
        }
    };
    let process = command
        .args(["--exact", "child::entry", "--nocapture"])
        .env(ROLE, role)
        .env(STORE, store)
        .env(NOTES, &notes)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Started { process, notes }
}

/// Where the children begin. Without a role there is nothing to do.
#[test]
fn entry() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let store = PathBuf::from(std::env::var_os(STORE).unwrap());
    let mut notes = OpenOptions::new()
        .create(true)
        .append(true)
        .open(std::env::var_os(NOTES).unwrap())
        .unwrap();
    let mut say = |line: String| notes.write_all(format!("{line}\n").as_bytes()).unwrap();
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("append", rest) => {
            let (durability, until) = rest.split_once(' ').unwrap_or((rest, ""));
            append(&store, durability, until.parse().unwrap_or(u64::MAX), &mut say);
        }
        ("try", _) => crate::faults::attempt(&store, &mut say),
        ("follow", _) => follow(&store, &mut say),
        ("hold", _) => hold(&store, &mut say),
        ("stream", traces) => crate::memory::stream(&store, traces.parse().unwrap(), &mut say),
        ("open", _) => crate::memory::open(&store, &mut say),
        _ => panic!("no such role: {role}"),
    }
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

/// The trace and the payload of the `n`-th record.
pub(crate) fn trace_of(n: u64) -> Id {
    id(&format!("trace {}", n % 7))
}

/// Grows and shrinks, shares much with its neighbours, and is known from `n` alone.
pub(crate) fn payload_of(n: u64) -> String {
    let messages = (0..n % 13).map(|m| format!("{{\"m\":{m},\"t\":\"{}\"}}", "word ".repeat(60)));
    format!("[{}] and {n}", messages.collect::<Vec<_>>().join(","))
}

pub(crate) fn batch_of(number: u64) -> Batch {
    let mut batch = Batch::new();
    for n in number * BATCH..(number + 1) * BATCH {
        let time = Timestamp::from_ms(1_768_204_800_000 + n as i64);
        let record =
            ObservationRecord::new(trace_of(n), id(&n.to_string()), time, Operation::Create);
        batch.push(record.name("step").start(time).input(payload_of(n))).unwrap();
    }
    batch
}

/// Small logs, sealed all the time.
pub(crate) fn busy_options(durability: Durability) -> Options {
    Options {
        durability,
        background: Background::On,
        log_bytes_max: 24 << 10,
        seal_logs: 2,
        seal_level: 1,
        ..Options::default()
    }
}

/// Appends the batches that are not there yet, several in flight, and writes down each that is
/// acknowledged. Waits to be killed when there are `until`.
fn append(path: &Path, durability: &str, until: u64, say: &mut dyn FnMut(String)) {
    let durability = match durability {
        "os" => Durability::Os,
        "strict" => Durability::DiskStrict,
        _ => Durability::Disk,
    };
    say("opening".to_owned());
    let store = Store::builder().options(busy_options(durability)).open(path).unwrap();
    let mut next = store.snapshot().seq().0 / BATCH;
    say(format!("open {next}"));
    let mut in_flight = std::collections::VecDeque::new();
    while next < until || !in_flight.is_empty() {
        if next < until {
            in_flight.push_back((next, store.append(batch_of(next)).unwrap()));
            next += 1;
        }
        if in_flight.len() >= 4 || next >= until {
            let (number, commit) = in_flight.pop_front().unwrap();
            commit.wait().unwrap();
            say(format!("ack {number}"));
        }
        if next.is_multiple_of(97) && next < until {
            let level = if next.is_multiple_of(2) { SealLevel::Full } else { SealLevel::Quick };
            say(format!("sealing {next}"));
            store.seal(level).unwrap();
            say(format!("sealed {next}"));
        }
    }
    park();
}

/// Until it is killed.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

/// Reads what a store holds, and checks it: a prefix of the records, each whole.
pub(crate) fn check_prefix(snapshot: &tracekeep::Snapshot) -> u64 {
    prefix(snapshot).unwrap()
}

/// The same where reading may fail.
pub(crate) fn prefix(snapshot: &tracekeep::Snapshot) -> tracekeep::Result<u64> {
    let mut found: HashMap<u64, String> = HashMap::new();
    for t in 0..7 {
        let each = &mut |id: &Id, _: tracekeep::model::Field, bytes: &[u8]| {
            let n = id.to_string().parse().unwrap();
            let twice = found.insert(n, String::from_utf8(bytes.to_vec()).unwrap());
            assert!(twice.is_none(), "observation {n} twice");
            Ok(())
        };
        snapshot.payloads(&trace_of(t), each)?;
    }
    let records = found.len() as u64;
    for n in 0..records {
        let text = found.get(&n).unwrap_or_else(|| panic!("{n} is missing of {records}"));
        assert_eq!(*text, payload_of(n), "record {n}");
    }
    assert_eq!(records % BATCH, 0, "a batch is whole");
    assert!(snapshot.seq().0 >= records);
    Ok(records / BATCH)
}

/// Follows a writer: each line says what a refresh found. Ends when a file says so.
fn follow(path: &Path, say: &mut dyn FnMut(String)) {
    let store = Store::open_read_only(path).unwrap();
    let stop = path.with_file_name("stop");
    let mut before = 0;
    loop {
        let last = stop.exists();
        store.refresh().unwrap();
        let batches = check_prefix(&store.snapshot());
        assert!(batches >= before, "{batches} after {before}");
        before = batches;
        say(format!("saw {batches}"));
        if last {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Holds the store open for writing until it is killed.
fn hold(path: &Path, say: &mut dyn FnMut(String)) {
    let _store = Store::open(path).unwrap();
    say("open".to_owned());
    park();
}
