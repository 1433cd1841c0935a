//! The command under errors of the kernel, and on a disk that cannot be written.
//!
//! `TRACEKEEP_BINARY` names another binary to try, such as the one that is released. What a fault
//! leaves behind is imported once more without faults, and then the export is what it would have
//! been.

use crate::events::{T1, events};
use crate::run::{Place, Run, run_command};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Calls that `import` and `seal` make, and an error that each may give.
const FAULTS: [(&str, &str); 9] = [
    ("openat", "EIO"),
    ("openat", "EMFILE"),
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("fallocate", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("fsync", "EIO"),
    ("renameat", "EIO"),
    ("unlinkat", "EIO"),
];

/// Which times a call fails: all at the beginning, then some.
const TIMES: [usize; 12] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29];

fn binary() -> String {
    std::env::var("TRACEKEEP_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tracekeep").into())
}

fn tracekeep<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let mut command = Command::new(binary());
    command.args(args);
    run_command(command, b"")
}

fn strace() -> bool {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("SKIPPED: injected errors need strace(1) and the right to trace");
    }
    works
}

/// Runs the binary with calls that touch the store failing, and says how many did.
fn under(injection: &str, place: &Place, args: &[&str]) -> (Run, usize) {
    let (log, store) = (place.path("trace"), place.store());
    let call = injection.split(':').next().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", &log, "-e", &format!("inject={injection}")]);
    command.args(["-e", &format!("trace={call}"), "-P", &store]);
    for name in [
        "LOCK",
        "CURRENT",
        "CURRENT.tmp",
        "MANIFEST-000001",
        "MANIFEST-000002",
        "log-000001.tkl",
        "log-000002.tkl",
        "seg-000001.tks.tmp",
        "seg-000001.tkp.tmp",
        "seg-000001.tks",
        "seg-000001.tkp",
    ] {
        command.args(["-P", &format!("{store}/{name}")]);
    }
    command.arg(binary()).args(args);
    let run = run_command(command, b"");
    let text = std::fs::read_to_string(log).unwrap();
    (run, text.matches("(INJECTED)").count())
}

#[test]
fn an_error_of_the_kernel_ends_the_command_and_loses_nothing() {
    if !strace() {
        return;
    }
    let lines = events().join("\n");
    let whole = Place::new();
    let file = whole.file("events.jsonl", &lines);
    tracekeep(["import", &whole.store(), &file]).code(0);
    tracekeep(["seal", &whole.store()]).code(0);
    let expected = tracekeep(["export", &whole.store()]).code(0).text();
    let (mut failed, mut passed) = (0, 0);
    for (call, error) in FAULTS {
        for n in TIMES {
            let place = Place::new();
            let (store, file) = (place.store(), place.file("events.jsonl", &lines));
            let injection = format!("{call}:error={error}:when={n}");
            let (import, first) = under(&injection, &place, &["import", &store, &file]);
            let (seal, second) = under(&injection, &place, &["seal", &store]);
            for run in [&import, &seal] {
                let told = run.code == 0 || run.stderr.starts_with("tracekeep: ");
                assert!(told && [0, 3].contains(&run.code), "{injection}: {run:?}");
                *(if run.code == 0 { &mut passed } else { &mut failed }) += 1;
            }
            if first + second == 0 {
                break;
            }
            let verify = tracekeep(["verify", &store]);
            assert!([0, 3].contains(&verify.code), "{injection}: {verify:?}");
            tracekeep(["import", &store, &file]).code(0);
            tracekeep(["seal", &store]).code(0);
            tracekeep(["verify", &store]).code(0);
            assert_eq!(tracekeep(["export", &store]).code(0).text(), expected, "{injection}");
        }
    }
    assert!(failed > 20 && passed > 20, "{failed} failed, {passed} passed");
}

/// A tmpfs, unmounted at the end.
struct Mounted(String);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(at: &str, how: &str) -> bool {
    let done = Command::new("mount").args(["-t", "tmpfs", "-o", how, "tmpfs", at]).output();
    done.is_ok_and(|output| output.status.success())
}

#[test]
fn a_disk_that_cannot_be_written_is_read() {
    let place = Place::new();
    std::fs::create_dir(place.path("disk")).unwrap();
    if !mount(&place.path("disk"), "size=8m") {
        eprintln!("SKIPPED: a read-only disk needs root and mount(8)");
        return;
    }
    let disk = Mounted(place.path("disk"));
    let store = format!("{}/store", disk.0);
    let file = place.file("events.jsonl", events().join("\n"));
    tracekeep(["import", &store, &file]).code(0);
    let reading = || -> Vec<String> {
        let verbs: [&[&str]; 6] = [
            &["traces", &store],
            &["trace", &store, T1],
            &["show", &store, T1],
            &["stats", &store],
            &["export", &store],
            &["verify", &store],
        ];
        verbs.iter().map(|args| tracekeep(args.iter()).code(0).text()).collect()
    };
    let before = reading();
    assert!(mount_read_only(&disk.0));
    assert_eq!(reading(), before);
    for args in [vec!["import", &store, &file], vec!["seal", &store]] {
        let run = tracekeep(&args).code(3);
        assert!(run.stderr.contains("Read-only file system"), "{}", run.stderr);
    }
    assert_eq!(reading(), before);
    assert!(Path::new(&store).join("CURRENT").exists());
}

fn mount_read_only(at: &str) -> bool {
    let done = Command::new("mount").args(["-o", "remount,ro", at]).output();
    done.is_ok_and(|output| output.status.success())
}
