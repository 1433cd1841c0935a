//! What the demo shows: sizes, rates, and what to try next.

use crate::exit::Failure;
use crate::format;
use crate::output::{Align, Out};
use serde_json::json;
use std::path::Path;
use tracekeep::{SealReport, Stats, Verdict};

/// Figures of one run; times in seconds, `tree_us` in microseconds.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) append_s: f64,
    pub(super) read_s: f64,
    pub(super) seal_s: f64,
    pub(super) read_sealed_s: f64,
    pub(super) tree_us: f64,
    pub(super) verify_s: f64,
    pub(super) wrong: u64,
    pub(super) sealed: SealReport,
    pub(super) before: Stats,
    pub(super) after: Stats,
    pub(super) verdict: Verdict,
    pub(super) drawn: String,
}

impl Shown {
    pub(super) fn print(&self, out: &mut Out) -> Result<(), Failure> {
        let seconds = |s: f64| format!("{s:.2} s");
        let row = |what: &str, how_much: String, seconds: String, rate: String| {
            vec![what.to_owned(), how_much, seconds, rate]
        };
        let read = |s: f64| format::rate(self.bytes, s);
        let records = format!("{} records", format::count(self.records));
        let verdict = match self.verdict {
            Verdict::Clean => "clean",
            Verdict::TornTail => "a torn tail",
            Verdict::Damaged => "DAMAGED",
        };
        let compared = match self.wrong {
            0 => "every byte as given".to_owned(),
            wrong => format!("{} WRONG", format::count(wrong)),
        };
        out.table(
            &[
                ("", Align::Left),
                ("what", Align::Left),
                ("time", Align::Right),
                ("rate", Align::Right),
            ],
            [
                row("appended, synced", records, seconds(self.append_s), read(self.append_s)),
                row("read from the log", compared.clone(), seconds(self.read_s), read(self.read_s)),
                row(
                    "sealed",
                    format!("{} logs", format::count(self.sealed.logs)),
                    seconds(self.seal_s),
                    read(self.seal_s),
                ),
                row(
                    "read, sealed",
                    compared,
                    seconds(self.read_sealed_s),
                    read(self.read_sealed_s),
                ),
                row(
                    "trees built",
                    format!("{} traces", format::count(self.after.traces)),
                    format!("{:.1} us each", self.tree_us),
                    String::new(),
                ),
                row("verified", verdict.to_owned(), seconds(self.verify_s), String::new()),
            ],
        )?;
        out.line("")?;
        let on_disk = |stats: &Stats| {
            let total = stats.bytes.total;
            format!("{} ({} smaller)", format::bytes(total), format::ratio(self.bytes, total))
        };
        out.pairs([
            ("observations", format::count(self.after.observations)),
            ("payloads given", format::bytes(self.bytes)),
            ("on disk, as logs", on_disk(&self.before)),
            ("on disk, sealed", on_disk(&self.after)),
            (
                "an observation",
                format!(
                    "{} given, {} on disk",
                    format::bytes(self.bytes / self.after.observations.max(1)),
                    format::bytes(self.after.bytes.total / self.after.observations.max(1))
                ),
            ),
        ])
    }

    pub(super) fn as_json(&self, kept: Option<&Path>) -> serde_json::Value {
        json!({
            "store": kept.map(|dir| dir.display().to_string()),
            "records": self.records,
            "traces": self.after.traces,
            "observations": self.after.observations,
            "scores": self.after.scores,
            "bytes_in": self.bytes,
            "bytes_on_disk": { "logs": self.before.bytes.total, "sealed": self.after.bytes.total },
            "seconds": {
                "append": self.append_s,
                "read": self.read_s,
                "seal": self.seal_s,
                "read_sealed": self.read_sealed_s,
                "verify": self.verify_s,
            },
            "tree_us": self.tree_us,
            "wrong": self.wrong,
            "verdict": match self.verdict {
                Verdict::Clean => "clean",
                Verdict::TornTail => "torn_tail",
                Verdict::Damaged => "damaged",
            },
            "drawn": self.drawn,
        })
    }
}

/// The commands to try next.
pub(super) fn closing_lines(
    kept: Option<&Path>,
    drawn: &str,
    out: &mut Out,
) -> Result<(), Failure> {
    out.line("")?;
    let Some(dir) = kept else {
        out.line("The store was a temporary one and is gone. To keep one and look around in it:")?;
        return out.line("  tracekeep demo DIR");
    };
    let dir = dir.display().to_string();
    let dir = format::plain(&dir);
    out.line("The store is kept. Look around in it:")?;
    out.line(&format!("  tracekeep traces {dir} --limit 10"))?;
    out.line(&format!("  tracekeep trace {dir} {drawn} --new-messages"))?;
    out.line(&format!("  tracekeep stats {dir}"))?;
    out.line(&format!("  tracekeep export {dir} | head"))
}
