//! Payloads of every kind: what appending and sealing take, and what is left on the disk beside
//! what one zstd stream at its best makes of the payloads alone.

use crate::common::{append, batches, folder, scaled};
use crate::table::{Table, figure, print_rows, timed};
use std::io::Write;
use tracekeep::SealLevel;
use tracekeep::model::{Record, Timestamp, Value};
use tracekeep_measure::append::{How, open};
use tracekeep_workload::{
    AgentOptions, Arrivals, History, Shape, Steady, agent_trace, payload_bytes, small_observations,
    text, unrelated_payloads, unrelated_texts,
};

const SEED: u64 = 42;
/// Payload bytes of a shape.
const BYTES: u64 = 16 << 20;

/// Makes the traces of one kind of agent.
type Make = fn(u64, u64, Timestamp) -> Vec<Record>;

fn of_history(seed: u64, n: u64, start: Timestamp, history: History) -> Vec<Record> {
    agent_trace(seed, n, start, &AgentOptions { history, ..AgentOptions::default() })
}

/// Agents as they arrive: 16 at once, some observations in pieces, late, twice.
fn agents(make: Make) -> Box<dyn Iterator<Item = Record>> {
    Box::new(Arrivals::of(make, SEED, Shape { traces: u64::MAX, ..Shape::default() }))
}

pub(crate) fn shapes(_: &mut Table) {
    type Source = (&'static str, Box<dyn Iterator<Item = Record>>);
    let all: Vec<Source> = vec![
        ("agents, the history grows", agents(|s, n, t| of_history(s, n, t, History::Growing))),
        ("the same in an object", agents(|s, n, t| of_history(s, n, t, History::Wrapped))),
        ("the same as a JSON string", agents(|s, n, t| of_history(s, n, t, History::Encoded))),
        (
            "old answers cut, a cache marker moves",
            agents(|s, n, t| of_history(s, n, t, History::Rewriting)),
        ),
        ("old text in a new wrapping", agents(|s, n, t| of_history(s, n, t, History::Retold))),
        ("10 to 200 KB, unrelated", Box::new(unrelated_payloads(SEED, 10_000, 200_000))),
        ("5 MB, unrelated", Box::new(unrelated_payloads(SEED, 5_000_000, 5_000_000))),
        ("images of 1 MB in base64", {
            Box::new(unrelated_texts(SEED, 1_000_000, 1_000_000, text::base64))
        }),
        ("CJK, 1 to 20 KB", Box::new(unrelated_texts(SEED, 1_000, 20_000, text::cjk))),
        ("1 KB", Box::new(small_observations(SEED))),
        ("200 B", Box::new(Steady::new(SEED).records(0..u64::MAX))),
    ];
    let head = [
        "payloads",
        "MB of them",
        "records",
        "append, MB/s a core-second",
        "thousand records",
        "seal, CPU s",
        "settled MB",
        "bytes a record",
        "zstd -19 --long=27 of the payloads, MB",
        "settled by that",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(all.into_iter().map(|(what, records)| row(what, records)));
    println!("\n### shapes\n");
    print_rows(&rows);
}

fn row(what: &str, source: impl Iterator<Item = Record>) -> [String; 10] {
    let (mut records, mut bytes) = (Vec::new(), 0);
    for record in source {
        bytes += payload_bytes(&record);
        records.push(record);
        if bytes >= scaled(BYTES) {
            break;
        }
    }
    let best = best(&records);
    let count = records.len();
    let folder = folder();
    let store = open(folder.path(), &How::BASE).unwrap();
    let batches = batches(records, 64);
    let ((), appended) = timed(|| append(&store, batches, 8));
    let (_, sealed) = timed(|| store.seal(SealLevel::Full).unwrap());
    let settled = store.stats().unwrap().bytes.total;
    let (mega, appended) = (bytes as f64 / 1e6, appended.cpu.as_secs_f64());
    [
        what.to_owned(),
        figure(mega),
        count.to_string(),
        figure(mega / appended),
        figure(count as f64 / 1e3 / appended),
        figure(sealed.cpu.as_secs_f64()),
        figure(settled as f64 / 1e6),
        figure(settled as f64 / count as f64),
        figure(best as f64 / 1e6),
        figure(settled as f64 / best as f64),
    ]
}

/// What `zstd -19 --long=27` makes of all payloads, one after the other.
fn best(records: &[Record]) -> usize {
    let mut stream = zstd::stream::write::Encoder::new(Vec::new(), 19).unwrap();
    stream.long_distance_matching(true).unwrap();
    stream.window_log(27).unwrap();
    for field in records.iter().flat_map(Record::fields) {
        match &field.value {
            Value::Payload(bytes) => stream.write_all(bytes).unwrap(),
            Value::Map(map) => stream.write_all(&map.text).unwrap(),
            _ => {}
        }
    }
    stream.finish().unwrap().len()
}
