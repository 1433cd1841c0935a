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

/// Files of the store whose names begin and end like this.
fn named(place: &Place, start: &str, end: &str) -> Vec<std::path::PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "a test looks from outside")]
    let all = std::fs::read_dir(place.store()).unwrap();
    let mut files: Vec<_> = all.map(|file| file.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(start) && name.ends_with(end)
    });
    files.sort();
    files
}

/// What a verb says on standard error, with the store's directory cut out.
fn refusal(place: &Place, verb: &str) -> Vec<String> {
    let run = place.verb(verb, &[]).code(3);
    assert!(run.stdout.is_empty());
    run.stderr.replace(&place.store(), "DIR").lines().map(|l| l.trim().to_owned()).collect()
}

const DAMAGED: &str = "see all of it: tracekeep verify DIR; then restore a backup, or save what can \
                       be read: tracekeep repair DIR OUT";

#[test]
fn a_store_that_is_held_says_by_whom_and_what_to_type() {
    let place = Place::with(&events());
    let store = tracekeep::Store::open(place.store()).unwrap();
    let told = refusal(&place, "seal");
    let start = "tracekeep: locked: DIR: the store is open for writing by pid ";
    assert!(told[0].starts_with(start), "{told:?}");
    let hint = "close the other process, or use a command that reads beside it: tracekeep traces \
                DIR";
    assert_eq!(told[1], hint);
    place.verb("traces", &[]).ok();
    store.close().unwrap();
    place.verb("seal", &[]).ok();
}

#[test]
fn damage_says_where_and_what_to_type() {
    let place = Place::with(&events());
    place.verb("seal", &[]).ok();
    let skeleton = named(&place, "seg-", ".tks").remove(0);
    let whole = std::fs::read(&skeleton).unwrap();
    std::fs::write(&skeleton, &whole[..whole.len() - 1]).unwrap();
    for verb in ["seal", "stats", "export"] {
        let told = refusal(&place, verb);
        let start = "tracekeep: damage: DIR/seg-000001.tks: at byte ";
        assert!(told[0].starts_with(start), "{verb}: {told:?}");
        assert_eq!(told[1], DAMAGED, "{verb}");
    }
    // A file that is missing is no missing store.
    let aside = place.path("aside");
    #[allow(clippy::disallowed_methods, reason = "a test does what nobody should")]
    std::fs::rename(&skeleton, aside).unwrap();
    let told = refusal(&place, "stats");
    let missing = "tracekeep: damage: DIR/seg-000001.tks: at byte 0: the manifest names this file, \
                   and it is missing";
    assert_eq!((&*told[0], &*told[1]), (missing, DAMAGED));
}

#[test]
fn a_store_of_another_format_is_refused_before_anything_is_written() {
    for (format, say) in [(9, "upgrade tracekeep"), (1, "export the store with the tracekeep that")]
    {
        let place = Place::with(&events());
        let manifest = named(&place, "MANIFEST-", "").remove(0);
        let mut bytes = std::fs::read(&manifest).unwrap();
        // The format, the oldest one that can read it, and the header's checksum.
        (bytes[8], bytes[10]) = (format, format);
        let mut crc = !0u32;
        for byte in &bytes[..124] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        bytes[124..128].copy_from_slice(&(!crc).to_le_bytes());
        std::fs::write(&manifest, &bytes).unwrap();
        for verb in ["seal", "stats", "verify"] {
            let told = refusal(&place, verb);
            assert!(told[0].starts_with("tracekeep: version: DIR/MANIFEST-"), "{verb}: {told:?}");
            assert!(told[0].contains(say), "{verb}: {told:?}");
            let hint = "another tracekeep wrote this store, and nothing was changed; this one is";
            assert!(told[1].starts_with(hint), "{verb}: {told:?}");
        }
        assert_eq!(std::fs::read(&manifest).unwrap(), bytes);
    }
}

#[test]
fn a_torn_tail_is_a_note_and_no_refusal() {
    let place = Place::with(&events());
    let log = named(&place, "log-", "").pop().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(&[9; 100]);
    std::fs::write(&log, bytes).unwrap();
    place.verb("stats", &[]).ok();
    let run = place.verb("seal", &[]).code(0);
    let told = run.stderr.replace(&place.store(), "DIR");
    let note = "tracekeep: torn tail: DIR: 100 B that an earlier run left unfinished were passed \
                over; what was acknowledged is there\n";
    assert_eq!(told, note);
    place.verb("seal", &[]).ok();
}
