//! `backup DIR OUT`: a copy at one seq, also while another process writes; then verified.

use super::{now_ns, open_to_read, seconds_since};
use crate::args::Backup;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::Out;
use crate::progress::Progress;
use serde_json::json;
use std::path::Path;
use tracekeep::{BackupReport, Severity, Verdict};

/// What reading all of the copy came to.
struct Checked {
    verdict: Verdict,
    damage: u64,
    seconds: f64,
}

pub(super) fn run(args: &Backup, out: &mut Out) -> Result<Exit, Failure> {
    let store = open_to_read(&args.dir)?;
    must_be_free(&args.out)?;
    let start = now_ns();
    let report = store.backup(&args.out)?;
    let seconds = seconds_since(start);
    let checked = if args.quick { None } else { Some(verify(&args.out)?) };
    if args.json {
        print_json(&report, seconds, checked.as_ref(), out)?;
    } else {
        print(&args.out, &report, seconds, checked.as_ref(), out)?;
    }
    let damaged = checked.is_some_and(|checked| checked.verdict == Verdict::Damaged);
    Ok(if damaged { Exit::Findings } else { Exit::Done })
}

/// A directory with anything else in it is no place for a store.
fn must_be_free(dir: &Path) -> Result<(), Failure> {
    #[expect(clippy::disallowed_methods, reason = "it may hold files that are no store's")]
    let mut names = match std::fs::read_dir(dir) {
        Ok(names) => names,
        Err(_) => return Ok(()),
    };
    if names.next().is_some() && !dir.join("CURRENT").exists() && !dir.join("LOCK").exists() {
        let dir = dir.display();
        let what = format!("{dir}: is not empty, and no earlier backup: name a new directory");
        return Err(Failure::usage(what));
    }
    Ok(())
}

fn verify(dir: &Path) -> Result<Checked, Failure> {
    let (start, mut damage) = (now_ns(), 0);
    let bar = Progress::bytes("verifying", None);
    let mut each = |finding: tracekeep::Finding| {
        damage += u64::from(finding.severity == Severity::Damage);
    };
    let verdict = tracekeep::verify_with_progress(dir, &mut each, &mut |p| bar.show(p))?;
    drop(bar);
    Ok(Checked { verdict, damage, seconds: seconds_since(start) })
}

fn word(checked: Option<&Checked>) -> &'static str {
    match checked.map(|checked| checked.verdict) {
        None => "unverified",
        Some(Verdict::Damaged) => "damaged",
        Some(_) => "clean",
    }
}

fn print_json(
    report: &BackupReport,
    seconds: f64,
    checked: Option<&Checked>,
    out: &mut Out,
) -> Result<(), Failure> {
    out.json(&json!({
        "files": report.files,
        "linked": report.linked,
        "copied": report.copied,
        "kept": report.kept,
        "removed": report.removed,
        "bytes": report.bytes,
        "bytes_copied": report.bytes_copied,
        "seq": report.seq.0,
        "seconds": seconds,
        "verify_seconds": checked.map(|checked| checked.seconds),
        "verdict": word(checked),
    }))
}

fn print(
    dir: &Path,
    report: &BackupReport,
    seconds: f64,
    checked: Option<&Checked>,
    out: &mut Out,
) -> Result<(), Failure> {
    let files = format!(
        "{}: {} linked, {} copied, {} there before; {} removed",
        format::count(report.files),
        format::count(report.linked),
        format::count(report.copied),
        format::count(report.kept),
        format::count(report.removed)
    );
    let bytes = format!(
        "{}, of which {} were copied",
        format::bytes(report.bytes),
        format::bytes(report.bytes_copied)
    );
    let verified = match checked {
        None => "no: run `tracekeep verify` on it".to_owned(),
        Some(Checked { verdict: Verdict::Damaged, damage, .. }) => format!(
            "DAMAGED, {} findings: run `tracekeep verify {}`",
            format::count(*damage),
            format::plain(&dir.display().to_string())
        ),
        Some(checked) => format!("clean, in {:.3} s", checked.seconds),
    };
    out.pairs([
        ("files", files),
        ("bytes", bytes),
        ("up to seq", report.seq.to_string()),
        ("seconds", format!("{seconds:.3}")),
        ("verified", verified),
    ])
}
