//! The quick form: every light engine on little input, each in its own process. No time is
//! asserted; that all engines answer alike is, by the program itself.

#![expect(clippy::expect_used, reason = "a test")]

use serde_json::Value;
use std::process::Command;

const LIGHT: [&str; 7] = ["tracekeep", "floor", "sqlite", "redb", "fjall", "lmdb", "parquet"];

/// What every engine's object has.
const KEYS: [&str; 12] = [
    "append_mb_s",
    "append_cpu_s",
    "written_bytes",
    "settled_bytes",
    "trace_p50_us",
    "trace_p99_us",
    "tree_p50_us",
    "payload_p50_us",
    "scan_ms",
    "open_ms",
    "recover_ms",
    "peak_memory_bytes",
];

fn run(args: &[&str]) -> (Value, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bench-peers")).args(args).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), told)
}

fn bytes(report: &Value, engine: &str, key: &str) -> u64 {
    let engines = report["engines"].as_array().expect("a list of engines");
    let found = engines.iter().find(|row| row["engine"] == engine).expect("the engine is there");
    found[key].as_u64().expect("a number of bytes")
}

#[test]
fn every_light_engine_gives_the_same_answers_and_a_row() {
    let (report, told) = run(&["--megabytes", "12", "--rounds", "1", "--sync", "os", "--json"]);
    let rows = report["engines"].as_array().unwrap_or_else(|| panic!("no report: {told}"));
    let names: Vec<&str> = rows.iter().filter_map(|row| row["engine"].as_str()).collect();
    assert_eq!(names, LIGHT);
    for row in rows {
        for key in KEYS {
            let here = row.get(key).unwrap_or_else(|| panic!("{row} lacks {key}"));
            let (floor, parquet) = (row["engine"] == "floor", row["engine"] == "parquet");
            let asked = key.ends_with("_us") || key.ends_with("_ms");
            let appended = key.starts_with("append") || key == "recover_ms";
            let none = floor && asked || parquet && appended;
            // Not every kernel counts what is written.
            assert!(key == "written_bytes" || here.is_null() == none, "{key} of {row}");
        }
        assert!(!row["settings"].as_array().expect("settings").is_empty(), "{row}");
    }
    assert!(report["machine"]["cores"].as_u64().expect("cores") > 0);
    // 12 MB of the generator's agents. The ballast and the lock are in it.
    let own = bytes(&report, "tracekeep", "settled_bytes");
    assert!(own < SETTLED_BYTES_MAX, "tracekeep took {own} bytes");
    for peer in ["floor", "sqlite", "redb", "fjall", "lmdb"] {
        let other = bytes(&report, peer, "settled_bytes");
        assert!(2 * own < other, "tracekeep took {own} bytes, {peer} {other}");
    }
}

/// A fifth more than was measured.
const SETTLED_BYTES_MAX: u64 = 1_000_000;

#[test]
fn every_shape_of_generated_events_is_answered_alike() {
    for shape in ["mixture", "unrelated", "small", "tree"] {
        let engines = "tracekeep,redb,parquet";
        let args = ["--generate", shape, "--megabytes", "4", "--engines", engines];
        let (report, told) =
            run(&[&args[..], &["--rounds", "1", "--sync", "os", "--json"]].concat());
        assert_eq!(report["answers"], "alike", "{shape}: {told}");
        assert_eq!(report["engines"].as_array().expect("engines").len(), 3);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (report, told) = run(&["--input", "no-such-file.jsonl", "--json"]);
    assert!(report.is_null());
    assert!(told.contains("no-such-file.jsonl: cannot be read"), "{told}");
}
