//! `verify DIR`: checks everything, also where the store would not open. Damage gives exit
//! status 1; a torn tail is printed, and is no damage.

use super::{must_be_there, not_made};
use crate::args::StoreOnly;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::Out;
use crate::progress::Progress;
use serde::Serialize;
use std::path::Path;
use tracekeep::error::{Error, ErrorKind};
use tracekeep::{Finding, Severity, Verdict};

#[derive(Debug, Serialize)]
struct FindingJson {
    file: String,
    offset: u64,
    severity: &'static str,
    expected: String,
    found: String,
    affects: String,
    /// The first of the traces whose data it touches.
    traces: Vec<String>,
    /// All of them, counted.
    trace_count: u64,
}

#[derive(Debug, Serialize)]
struct VerdictJson {
    verdict: &'static str,
    damage: u64,
    torn_tails: u64,
    notes: u64,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    damage: u64,
    torn_tails: u64,
    notes: u64,
}

pub(super) fn run(args: &StoreOnly, out: &mut Out) -> Result<Exit, Failure> {
    must_be_there(&args.dir)?;
    let (mut found, mut failure) = (Found::default(), None);
    let bar = Progress::bytes("verifying", None);
    let mut each = |finding: Finding| {
        found.count(finding.severity);
        if failure.is_none() {
            // As it is found, not when the buffer is full: checking goes on for long.
            let printed = bar.aside(|| print(&finding, args.json, out).and_then(|()| out.flush()));
            failure = printed.err();
        }
    };
    let result = tracekeep::verify_with_progress(&args.dir, &mut each, &mut |p| bar.show(p));
    drop(bar);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let verdict = match result {
        Ok(verdict) => verdict,
        Err(error) if error.kind() == ErrorKind::Corruption => {
            found.count(Severity::Damage);
            print(&of_error(&error), args.json, out)?;
            Verdict::Damaged
        }
        Err(error) => return Err(not_made(&args.dir, error)),
    };
    conclude(&args.dir, verdict, &found, args.json, out)
}

fn conclude(
    dir: &Path,
    verdict: Verdict,
    found: &Found,
    json: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let Found { damage, torn_tails, notes } = *found;
    let (word, sentence) = match verdict {
        Verdict::Clean => ("clean", "clean: every byte is as it was written".to_owned()),
        Verdict::TornTail => (
            "torn_tail",
            "clean but for a torn tail: bytes that were never acknowledged; the next open for \
             writing leaves them behind"
                .to_owned(),
        ),
        Verdict::Damaged => (
            "damaged",
            format!(
                "damaged: {} findings; restore from a backup, or save what can be read: tracekeep \
                 repair {} OUT",
                format::count(damage),
                format::plain(&dir.display().to_string())
            ),
        ),
    };
    if json {
        out.json(&VerdictJson { verdict: word, damage, torn_tails, notes })?;
    } else {
        out.line(&sentence)?;
    }
    Ok(if verdict == Verdict::Damaged { Exit::Findings } else { Exit::Done })
}

impl Found {
    fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Damage => self.damage += 1,
            Severity::TornTail => self.torn_tails += 1,
            Severity::Note => self.notes += 1,
        }
    }
}

/// Damage that ended the check itself.
fn of_error(error: &Error) -> Finding {
    let (file, offset, what) = match error.corruption() {
        Some(c) => (c.file.clone(), c.offset, c.what.clone()),
        None => (Default::default(), 0, error.to_string()),
    };
    Finding {
        file,
        offset,
        severity: Severity::Damage,
        expected: "what was written".to_owned(),
        found: what,
        affects: "everything behind it".to_owned(),
        traces: Vec::new(),
        trace_count: 0,
    }
}

/// The traces that are touched: how many, and the first ones.
fn traces(finding: &Finding) -> String {
    let named: Vec<String> = finding.traces.iter().map(ToString::to_string).collect();
    let (count, shown) = (finding.trace_count, named.len() as u64);
    match (count, shown) {
        (0, _) => String::new(),
        (_, 0) => format!("{}, whose ids are not readable", format::count(count)),
        _ if count == shown => named.join(", "),
        _ => format!("{}, the first are {}", format::count(count), named.join(", ")),
    }
}

/// One finding, aligned: there may be too many to hold.
fn print(finding: &Finding, json: bool, out: &mut Out) -> Result<(), Failure> {
    let file = finding.file.display().to_string();
    if json {
        let severity = match finding.severity {
            Severity::TornTail => "torn_tail",
            Severity::Damage => "damage",
            Severity::Note => "note",
        };
        return out.json(&FindingJson {
            file,
            offset: finding.offset,
            severity,
            expected: finding.expected.clone(),
            found: finding.found.clone(),
            affects: finding.affects.clone(),
            traces: finding.traces.iter().map(ToString::to_string).collect(),
            trace_count: finding.trace_count,
        });
    }
    let severity = match finding.severity {
        Severity::TornTail => "torn tail",
        Severity::Damage => "DAMAGE",
        Severity::Note => "note",
    };
    out.line(&format!(
        "{severity:<9}  {:<28}  at byte {:>12}",
        format::plain(&file),
        finding.offset
    ))?;
    let traces = traces(finding);
    for (name, text) in [
        ("expected", &finding.expected),
        ("found", &finding.found),
        ("affects", &finding.affects),
        ("traces", &traces),
    ] {
        if !text.is_empty() {
            out.line(&format!("           {name:<8}  {}", format::plain(text)))?;
        }
    }
    Ok(())
}
