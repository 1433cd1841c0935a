use crate::files::{Corpus, tell};
use crate::run::StoreDir;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// How far a plan may be from what importing everything measures.
const OFF_MAX: f64 = 0.15;

/// The first lines of the corpus, one of so many.
fn first(corpus: &Corpus, of: usize) -> PathBuf {
    let text = std::fs::read(corpus.events()).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    let path = corpus.path(&format!("first of {of}.jsonl"));
    let mut file = std::fs::File::create(&path).unwrap();
    lines[..lines.len() / of].iter().for_each(|line| file.write_all(line).unwrap());
    path
}

fn planned(corpus: &Corpus, of: usize) -> f64 {
    let sample = first(corpus, of);
    let output = Command::new(env!("CARGO_BIN_EXE_tracekeep"))
        .args(["plan", "--quick", "--json", "--disk"])
        .arg(corpus.path(""))
        .arg(&sample)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["bytes_per_observation"].as_f64().unwrap()
}

fn check_plans(name: &str) {
    let Some(corpus) = Corpus::open(name, usize::MAX) else { return };
    let plans = [10, 50].map(|of| (of, planned(&corpus, of)));
    let store = StoreDir(corpus.path("store"));
    let imported = store.import(corpus.events());
    store.seal();
    let measured = store.bytes() as f64 / imported.observations as f64;
    for (of, planned) in plans {
        let off = planned / measured - 1.0;
        let percent = 100.0 * off;
        tell(&format!(
            "{name}, from one of {of}: {planned:.1} bytes an observation planned, {measured:.1} \
             measured, {percent:+.1} %"
        ));
        assert!(off.abs() <= OFF_MAX, "{name}, from one of {of}: {percent:+.1} %");
    }
}

#[test]
fn plans_of_tool_agents_hold() {
    check_plans("tool-agents");
}

#[test]
fn plans_of_coding_agents_hold() {
    check_plans("coding-agents");
}
