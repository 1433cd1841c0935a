use crate::events::{G, T1, events};
use crate::run::{Place, run};
use std::process::{Command, Stdio};

const READING: [(&str, &[&str]); 7] = [
    ("traces", &[]),
    ("trace", &[T1]),
    ("show", &[T1]),
    ("show", &[T1, G]),
    ("stats", &[]),
    ("export", &[]),
    ("verify", &[]),
];

#[test]
fn reading_verbs_never_make_a_store() {
    for (verb, rest) in READING {
        let place = Place::new();
        let run = place.verb(verb, rest).code(3);
        assert!(run.stdout.is_empty(), "{verb}");
        assert!(run.stderr.starts_with("tracekeep: "), "{}", run.stderr);
        assert!(run.stderr.contains("no store"), "{}", run.stderr);
        assert!(run.stderr.contains("tracekeep import"), "{}", run.stderr);
        assert!(!place.has("store"), "{verb}");
    }
    let place = Place::new();
    place.verb("seal", &[]).code(3);
    place.verb("dump", &["MANIFEST"]).code(3);
    assert!(!place.has("store"));
}

#[test]
fn an_empty_directory_is_no_store_either() {
    for (verb, rest) in READING {
        let place = Place::new();
        std::fs::create_dir(place.store()).unwrap();
        let run = place.verb(verb, rest).code(3);
        assert!(run.stderr.starts_with("tracekeep: "), "{verb}: {}", run.stderr);
        // Nothing was put into it: a directory that is not empty would stay.
        std::fs::remove_dir(place.store()).unwrap();
    }
}

#[test]
fn what_is_not_there_is_one() {
    let place = Place::with(&events());
    for (verb, rest, word) in [
        ("trace", vec!["nobody"], "trace nobody"),
        ("show", vec!["nobody"], "trace nobody"),
        ("show", vec![T1, "nobody"], "observation nobody"),
        ("show", vec!["nobody", G], "observation"),
        ("show", vec![T1, "--field", "output"], "output"),
        ("show", vec!["run 7", "second", "--field", "metadata"], "metadata"),
    ] {
        let run = place.verb(verb, &rest).code(1);
        assert!(run.stdout.is_empty(), "{rest:?}");
        assert!(run.stderr.contains(word), "{}", run.stderr);
    }
}

#[test]
fn wrong_use_is_two() {
    let place = Place::with(&events());
    for args in [
        vec![],
        vec!["nonsense"],
        vec!["traces"],
        vec!["import", "x"],
        vec!["show", "x", "y", "--field", "name"],
        vec!["show", "x", "y", "--field", "input", "--json"],
        vec!["traces", "x", "--from", "yesterday"],
        vec!["traces", "x", "--limit", "0"],
        vec!["import", "x", "-", "--batch", "0"],
        vec!["import", "x", "-", "--durability", "none"],
        vec!["trace", "x", ""],
    ] {
        let run = run(&args).code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{args:?}");
    }
    place.verb("dump", &["no-such-file"]).code(2);
    place.verb("traces", &["--cursor", "nonsense"]).code(2);
}

#[test]
fn a_file_that_is_not_there_makes_no_store() {
    let place = Place::new();
    let run = place.verb("import", &[&place.path("missing.jsonl")]).code(2);
    assert!(run.stderr.contains("missing.jsonl"), "{}", run.stderr);
    place.verb("import", &[&place.path("")]).code(2);
    assert!(!place.has("store"));
}

#[test]
fn help_and_version_are_answers() {
    for args in [&["--help"][..], &["--version"], &["import", "--help"]] {
        let run = run(args).code(0);
        assert!(!run.stdout.is_empty() && run.stderr.is_empty());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut lines = events();
    // More than a pipe and the buffer before it hold.
    for n in 0..3000 {
        lines.push(lines[8].replace("second", &format!("second-{n}")));
    }
    let place = Place::with(&lines);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tracekeep"))
        .args(["export", &place.store()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
