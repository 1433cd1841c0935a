//! Errors that the kernel gives: every kind of call of a writer fails once at its n-th time, and
//! from then on, for n up to where the run passes untouched. Needs strace(1), which answers in
//! the kernel's place.
//!
//! The child appends, seals and closes; what it was acknowledged stands in its notes. After each
//! run the store is opened without faults and holds all of it, takes more, and is clean.

use crate::child::{batch_of, busy_options, check_prefix, prefix, start_under};
use std::path::Path;
use std::process::Command;
use tracekeep::{Durability, ErrorKind, Store, Verdict};

/// A call, the errors that it may give, and how many times at most it is made in a run.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EIO", "ENOSPC", "EMFILE", "EACCES"]),
    ("pwrite64", &["EIO", "ENOSPC", "EDQUOT"]),
    ("write", &["EIO", "ENOSPC"]),
    ("pread64", &["EIO"]),
    ("fallocate", &["EIO", "ENOSPC", "EOPNOTSUPP"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("unlinkat", &["EIO", "EACCES"]),
    ("flock", &["ENOLCK"]),
    ("getdents64", &["EIO"]),
    ("mmap", &["ENOMEM"]),
];

/// Whether strace is there and may be used.
fn strace() -> bool {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("SKIPPED: injected errors need strace(1) and the right to trace");
    }
    works
}

/// How a run went.
struct Ran {
    lines: Vec<String>,
    /// The calls that were answered in the kernel's place.
    injected: usize,
}

/// Runs a child under strace with this injection, limited to the store's files.
fn run(root: &Path, role: &str, injection: &str) -> Ran {
    let (store, log) = (root.join("store"), root.join("trace"));
    let mut words = vec!["strace".to_owned(), "-f".into(), "-qq".into(), "-o".into()];
    words.push(log.to_str().unwrap().to_owned());
    words.extend(["-e".to_owned(), format!("inject={injection}"), "-e".to_owned()]);
    words.push(format!("trace={}", injection.split(':').next().unwrap()));
    // A call counts where it names one of these, by path, directory or open file.
    let mut paths = vec![store.clone()];
    let names = |n: u32| {
        [
            format!("MANIFEST-{n:06}"),
            format!("log-{n:06}.tkl"),
            format!("seg-{n:06}.tks"),
            format!("seg-{n:06}.tks.tmp"),
            format!("seg-{n:06}.tkp"),
            format!("seg-{n:06}.tkp.tmp"),
            format!("index-{n:06}.tki.tmp"),
            format!("index-{n:06}.tki"),
        ]
    };
    let fixed = ["LOCK", "CURRENT", "CURRENT.tmp", "BALLAST"].map(str::to_owned);
    paths.extend(fixed.into_iter().chain((1..9).flat_map(names)).map(|name| store.join(name)));
    for path in paths {
        words.extend(["-P".to_owned(), path.to_str().unwrap().to_owned()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (status, lines) = start_under(&words, role, &store, "notes").end();
    let killed = injection.contains("signal=KILL");
    assert!(status.success() || killed, "{injection}: {status}: {lines:?}");
    let text = std::fs::read_to_string(&log).unwrap();
    Ran { lines, injected: text.matches("(INJECTED)").count() }
}

fn acknowledged(lines: &[String]) -> u64 {
    let acks = lines.iter().filter_map(|l| l.strip_prefix("ack "));
    acks.map(|n| n.parse::<u64>().unwrap() + 1).max().unwrap_or(0)
}

/// What must hold when the faults are over.
fn whole(root: &Path, ran: &Ran, what: &str) {
    let store = root.join("store");
    let acknowledged = acknowledged(&ran.lines);
    // What a child says on its way out: reads went on, if it is not reading that fails.
    let lines = |start: &str| ran.lines.iter().any(|line| line.starts_with(start));
    let reading = ["pread64", "mmap", "openat"].iter().any(|call| what.contains(call));
    assert!(reading || !lines("error read"), "{what}: {:?}", ran.lines);
    if let Some(read) = ran.lines.iter().find_map(|l| l.strip_prefix("read ")) {
        let read: u64 = read.parse().unwrap();
        assert!(read >= acknowledged, "{what}: {:?}", ran.lines);
    }
    let options = busy_options(Durability::Disk);
    let store = Store::builder().options(options).open(store);
    let store = store.unwrap_or_else(|e| panic!("{what}: {e}\n{:?}", ran.lines));
    let found = check_prefix(&store.snapshot());
    assert!(found >= acknowledged, "{what}: {found} of {acknowledged}: {:?}", ran.lines);
    for number in found..found + 6 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
    store.close().unwrap();
    let reader = Store::open_read_only(root.join("store")).unwrap();
    assert_eq!(check_prefix(&reader.snapshot()), found + 6, "{what}");
    let mut findings = Vec::new();
    let verdict = tracekeep::verify(&root.join("store"), &mut |f| findings.push(f)).unwrap();
    assert_eq!(verdict, Verdict::Clean, "{what}: {findings:#?}\n{:#?}", ran.lines);
}

/// Which calls of a run are tried: every one at first, where a store is made or recovered, then
/// about each eighth, where batch follows batch.
fn times() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |n| Some(n + 1.max(n / 8)))
}

/// Fails the n-th call, up to the first n that is not reached. `before` is the store that a run
/// finds.
fn every(role: &str, call: &str, error: &str, from_then_on: bool, before: Option<&Path>) -> usize {
    for n in times() {
        let plus = if from_then_on { "+" } else { "" };
        let injection = format!("{call}:error={error}:when={n}{plus}");
        if one(role, before, &injection) == 0 {
            return n - 1;
        }
        assert!(n < 400, "{injection} has no end");
    }
    0
}

/// Runs with one injection.
fn one(role: &str, before: Option<&Path>, injection: &str) -> usize {
    let root = tempfile::tempdir().unwrap();
    if let Some(before) = before {
        let to = root.path().join("store");
        let copied = Command::new("cp").arg("-r").arg(before).arg(to).status().unwrap();
        assert!(copied.success());
    }
    let ran = run(root.path(), role, injection);
    whole(root.path(), &ran, &format!("{role}, TRACEKEEP_FAULT={injection}"));
    ran.injected
}

/// All calls and errors over a role; half of them in each of two tests, for two cores.
fn check_calls(role: &str, half: usize, before: Option<&Path>) {
    if !strace() {
        return;
    }
    if let Ok(injection) = std::env::var("TRACEKEEP_FAULT") {
        one(role, before, &injection);
        return;
    }
    for (call, errors) in CALLS.iter().skip(half).step_by(2) {
        for error in *errors {
            let once = every(role, call, error, false, before);
            let always = every(role, call, error, true, before);
            eprintln!("{role}: {call} {error}: {once} times once, {always} times from then on");
        }
    }
}

#[test]
fn a_new_store_meets_errors() {
    check_calls("try disk", 0, None);
}

#[test]
fn a_new_store_meets_other_errors() {
    check_calls("try disk", 1, None);
}

/// A store that was killed in the middle: it is recovered, appended to, sealed and closed.
fn killed(root: &Path) -> std::path::PathBuf {
    let store = root.join("killed");
    let mut child = crate::child::start("append disk 40", &store, "notes");
    child.wait_for(|line| line == "ack 39");
    child.kill();
    store
}

#[test]
fn recovery_meets_errors() {
    let root = tempfile::tempdir().unwrap();
    check_calls("try disk", 0, Some(&killed(root.path())));
}

#[test]
fn recovery_meets_other_errors() {
    let root = tempfile::tempdir().unwrap();
    check_calls("try disk", 1, Some(&killed(root.path())));
}

#[test]
fn kill_at_every_write_of_a_recovery() {
    if !strace() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let before = killed(root.path());
    let mut kills = 0;
    for call in ["openat", "pwrite64", "fdatasync", "fsync", "renameat", "unlinkat", "fallocate"] {
        for n in times() {
            let root = tempfile::tempdir().unwrap();
            let to = root.path().join("store");
            assert!(Command::new("cp").arg("-r").arg(&before).arg(&to).status().unwrap().success());
            let ran = run_killed(root.path(), &format!("{call}:signal=KILL:when={n}"));
            let Some(ran) = ran else { break };
            kills += 1;
            whole(root.path(), &ran, &format!("killed at {call} {n}"));
        }
    }
    eprintln!("kills in recovery and after: {kills}");
    assert!(kills > 20);
}

/// `None` where it was not killed.
fn run_killed(root: &Path, injection: &str) -> Option<Ran> {
    let ran = run(root, "try disk", injection);
    let ended = ran.lines.iter().any(|line| line == "end");
    (!ended).then_some(ran)
}

#[test]
fn writes_that_are_cut_short() {
    // A limit on the size of a file gives what a full quota gives: a write of some of the bytes,
    // then an error.
    let (mut failed, mut passed) = (0, 0);
    for half_kib in 4..80 {
        let root = tempfile::tempdir().unwrap();
        // bash counts in KiB, but for POSIX, where it counts in half of them.
        let limit = format!("set -o posix; trap '' XFSZ; ulimit -f {half_kib}; exec \"$0\" \"$@\"");
        let child =
            start_under(&["bash", "-c", &limit], "try disk", &root.path().join("store"), "n");
        let ran = Ran { lines: child.finish(), injected: 0 };
        whole(root.path(), &ran, &format!("files of at most {half_kib} half KiB"));
        let error = ran.lines.iter().any(|l| l.starts_with("error"));
        *(if error { &mut failed } else { &mut passed }) += 1;
    }
    assert!(failed > 3 && passed > 3, "{failed} failed, {passed} passed");
}

#[test]
fn too_few_file_descriptors() {
    let mut outcomes = Vec::new();
    for files in 4..40 {
        let root = tempfile::tempdir().unwrap();
        let before = killed(root.path());
        std::fs::rename(before, root.path().join("store")).unwrap();
        let limit = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        let store = root.path().join("store");
        let child = start_under(&["bash", "-c", &limit], "try disk", &store, "n");
        let ran = Ran { lines: child.finish(), injected: 0 };
        whole(root.path(), &ran, &format!("{files} files"));
        outcomes.push(ran.lines.iter().any(|l| l.starts_with("error")));
    }
    assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
}

/// A role: appends, seals, appends, closes; goes on after an error as far as it can, and says what
/// can be read at the end.
pub(crate) fn attempt(path: &Path, say: &mut dyn FnMut(String)) {
    let open = || Store::builder().options(busy_options(Durability::Disk)).open(path);
    match open() {
        Err(e) => say(format!("error open {:?} {e}", e.kind())),
        Ok(store) => work(store, say),
    }
    say("end".to_owned());
}

fn work(store: Store, say: &mut dyn FnMut(String)) {
    let first = match prefix(&store.snapshot()) {
        Ok(first) => first,
        Err(e) => return say(format!("error read {:?} {e}", e.kind())),
    };
    say(format!("open {first}"));
    let (mut number, mut failed) = (first, false);
    for round in 0..3 {
        for _ in 0..8 {
            match store.append(batch_of(number)).and_then(|commit| commit.wait()) {
                Ok(_) => {
                    say(format!("ack {number}"));
                    number += 1;
                }
                Err(e) => {
                    // Once in full: the notes are written under the same limits.
                    let message = if failed { String::new() } else { e.to_string() };
                    failed = true;
                    say(format!("error append {:?} {message}", e.kind()));
                    let expected = [ErrorKind::Io, ErrorKind::StorageFull, ErrorKind::Poisoned];
                    assert!(expected.contains(&e.kind()), "{e}");
                }
            }
        }
        if round < 2
            && let Err(e) = store.seal(tracekeep::SealLevel::Quick)
        {
            say(format!("error seal {:?} {e}", e.kind()));
        }
    }
    match prefix(&store.snapshot()) {
        Ok(read) => say(format!("read {read}")),
        Err(e) => say(format!("error read {:?} {e}", e.kind())),
    }
    if let Err(e) = store.close() {
        say(format!("error close {:?} {e}", e.kind()));
    }
}
