use super::affects::{Affects, Traces};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::id::Id;
use crate::progress::Meter;
use std::path::{Path, PathBuf};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Unfinished bytes at the end of the newest file, which were never promised.
    TornTail,
    /// Bytes that were promised are wrong or missing.
    Damage,
}

/// What a verification comes to: the worst of its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Everything is as it should be.
    Clean,
    /// There are unfinished bytes that recovery will set aside, or that a writer is writing.
    TornTail,
    /// Something is damaged.
    Damaged,
}

/// One disagreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Offset in bytes from the start of the file; 0 where it concerns the file as a whole.
    pub offset: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What should be there, in words.
    pub expected: String,
    /// What is there, in words.
    pub found: String,
    /// What it touches, in words.
    pub affects: String,
    /// The first traces, at most ten, whose data it touches, where that is known.
    pub traces: Vec<Id>,
    /// How many traces these are in all.
    pub trace_count: u64,
}

/// Hands findings out and remembers the worst, and tells how far the check is.
pub struct Findings<'a> {
    each: &'a mut dyn FnMut(Finding),
    /// How far the check is.
    pub meter: Meter<'a>,
    worst: Severity,
    damages: u64,
}

impl std::fmt::Debug for Findings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Findings").field("worst", &self.worst).finish_non_exhaustive()
    }
}

impl<'a> Findings<'a> {
    /// Findings that go to `each` as they are made.
    pub fn new(each: &'a mut dyn FnMut(Finding), meter: Meter<'a>) -> Findings<'a> {
        Findings { each, meter, worst: Severity::Note, damages: 0 }
    }

    /// Hands a finding out.
    pub fn push(&mut self, finding: Finding) {
        self.worst = self.worst.max(finding.severity);
        self.damages += u64::from(finding.severity == Severity::Damage);
        (self.each)(finding);
    }

    /// A finding about bytes at `offset`.
    pub fn report(
        &mut self,
        severity: Severity,
        (file, offset): (&Path, u64),
        expected: impl Into<String>,
        found: impl Into<String>,
        affects: impl Into<Affects>,
    ) {
        let (expected, found) = (expected.into(), found.into());
        let Affects { what: affects, traces: Traces { named: traces, count: trace_count } } =
            affects.into();
        let file = file.to_path_buf();
        self.push(Finding {
            file,
            offset,
            severity,
            expected,
            found,
            affects,
            traces,
            trace_count,
        });
    }

    /// Damage at `offset`.
    pub fn damage(
        &mut self,
        at: (&Path, u64),
        expected: impl Into<String>,
        found: impl Into<String>,
        affects: impl Into<Affects>,
    ) {
        self.report(Severity::Damage, at, expected, found, affects);
    }

    /// Damage that a parser found in bytes that start at `base` of the file.
    pub fn fault(
        &mut self,
        (file, base): (&Path, u64),
        fault: Fault,
        expected: impl Into<String>,
        affects: impl Into<Affects>,
    ) {
        self.damage((file, base.saturating_add(fault.at)), expected, fault.what, affects);
    }

    /// Corruption becomes a finding, a missing file too.
    ///
    /// # Errors
    /// Every other error: it says nothing of the bytes.
    pub fn error(
        &mut self,
        file: &Path,
        error: Error,
        expected: impl Into<String>,
        affects: impl Into<Affects>,
    ) -> Result<()> {
        if let Some(c) = error.corruption() {
            self.damage((&c.file, c.offset), expected, c.what.clone(), affects);
            return Ok(());
        }
        if error.is_not_found() {
            self.damage((file, 0), expected, "the file is missing", affects);
            return Ok(());
        }
        match error.kind() {
            // A reader refuses what the bytes ask of it.
            ErrorKind::InvalidInput | ErrorKind::LimitExceeded => {
                self.damage((file, 0), expected, error.to_string(), affects);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Findings of damage so far.
    pub fn damages(&self) -> u64 {
        self.damages
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        match self.worst {
            Severity::Note => Verdict::Clean,
            Severity::TornTail => Verdict::TornTail,
            Severity::Damage => Verdict::Damaged,
        }
    }
}
