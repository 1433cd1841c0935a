//! The manifest: every frame of it, and whether its edits make a state that can be.

use super::finding::{Finding, Severity};
use crate::codec::CODEC_ID;
use crate::error::Result;
use crate::frame::{FileHeader, FileKind, FrameKind, Scan, scan};
use crate::fs::{Dir, FileName, read_whole};
use crate::limits::MANIFEST_READ_BYTES_MAX;
use crate::manifest::{Edit, State, read_current};
use std::path::PathBuf;

/// What was read of the manifest. Findings wait: a manifest that has moved on is read again.
#[derive(Debug)]
pub struct Manifest {
    /// Which.
    pub number: u64,
    /// Where it lies.
    pub path: PathBuf,
    /// Its header, if that is sound.
    pub header: Option<FileHeader>,
    /// What its sound edits say.
    pub state: Option<State>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

const AFFECTS: &str = "which logs and segments are live";

/// Reads the current manifest; `None` where there is no store. Where `CURRENT` is damaged or
/// missing, the newest manifest stands in.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn read<D: Dir>(dir: &D) -> Result<Option<Manifest>> {
    let current = dir.path().join(FileName::Current.to_string());
    let mut findings = Vec::new();
    let mut note = |found: String| {
        findings.push(Finding {
            file: current.clone(),
            offset: 0,
            severity: Severity::Damage,
            expected: "the name of a manifest".into(),
            found,
            affects: AFFECTS.into(),
            traces: Vec::new(),
            trace_count: 0,
        });
    };
    let number = match read_current(dir) {
        Ok(Some(number)) => Some(number),
        Ok(None) => {
            let files = dir.list()?;
            let data = |f: &FileName| matches!(f, FileName::Log(_) | FileName::Skeleton(_));
            if !files.iter().any(data) {
                return Ok(None);
            }
            note("the file is missing".into());
            None
        }
        Err(e) if e.corruption().is_some() => {
            note("something else".into());
            None
        }
        Err(e) => return Err(e),
    };
    let newest = || -> Result<u64> {
        let numbers = dir.list()?.into_iter().filter_map(|f| match f {
            FileName::Manifest(number) => Some(number),
            _ => None,
        });
        Ok(numbers.max().unwrap_or(0))
    };
    let named = match number {
        Some(number) => number,
        None => newest()?,
    };
    let mut manifest = read_one(dir, named, findings)?;
    if manifest.header.is_none() && manifest.state.is_none() {
        let other = newest()?;
        if other != named && other > 0 {
            manifest = read_one(dir, other, manifest.findings)?;
        }
    }
    Ok(Some(manifest))
}

fn read_one<D: Dir>(dir: &D, number: u64, findings: Vec<Finding>) -> Result<Manifest> {
    let path = dir.path().join(FileName::Manifest(number).to_string());
    let mut manifest = Manifest { number, path, header: None, state: None, findings };
    let file = match dir.open(FileName::Manifest(number)) {
        Err(e) if e.is_not_found() => {
            manifest.damage(0, "the manifest", "the file is missing".into());
            return Ok(manifest);
        }
        other => other?,
    };
    let bytes = match read_whole(&file, &manifest.path, MANIFEST_READ_BYTES_MAX) {
        Err(error) => {
            let Some(c) = error.corruption() else { return Err(error) };
            manifest.damage(0, "a manifest within its limits", c.what.clone());
            return Ok(manifest);
        }
        Ok(bytes) => bytes,
    };
    let header = match FileHeader::parse(&bytes, FileKind::Manifest) {
        Ok(header) => header,
        Err(fault) => {
            let error = fault.in_file(&manifest.path);
            let Some(c) = error.corruption() else { return Err(error) };
            manifest.damage(0, "a file header", c.what.clone());
            return Ok(manifest);
        }
    };
    if header.number != number {
        manifest.damage(0, "its own number", format!("number {}", header.number));
    }
    let scan = scan(&bytes, &header);
    manifest.header = Some(header);
    manifest.frames(&bytes, &scan);
    manifest.check_state();
    Ok(manifest)
}

impl Manifest {
    /// Whether anything is wrong but for a torn tail.
    pub fn damaged(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Damage)
    }

    fn damage(&mut self, offset: u64, expected: &str, found: String) {
        self.push(Severity::Damage, offset, expected, found);
    }

    fn push(&mut self, severity: Severity, offset: u64, expected: &str, found: String) {
        let (file, expected, affects) = (self.path.clone(), expected.into(), AFFECTS.into());
        let (traces, trace_count) = (Vec::new(), 0);
        let finding =
            Finding { file, offset, severity, expected, found, affects, traces, trace_count };
        self.findings.push(finding);
    }

    fn frames(&mut self, bytes: &[u8], scan: &Scan) {
        for frame in &scan.frames {
            match frame.header.kind {
                FrameKind::Marker if frame.header.len == 0 => continue,
                FrameKind::Edit if frame.header.codec == CODEC_ID => {}
                _ => {
                    self.damage(frame.offset, "an edit or a marker", "another frame".into());
                    continue;
                }
            }
            let fits = match Edit::decode(frame.payload(bytes)) {
                Err(fault) => Err(fault.what),
                Ok(Edit::Next(n)) => Err(format!("the manifest is finished, manifest {n} goes on")),
                Ok(edit) => match (&mut self.state, edit) {
                    (None, Edit::State(first)) => {
                        self.state = Some(first);
                        Ok(())
                    }
                    (None, _) => Err("an edit before any state".into()),
                    (Some(state), edit) => {
                        state.apply(&edit).ok_or_else(|| "an edit that does not fit".into())
                    }
                },
            };
            if let Err(what) = fits {
                // What comes after an edit that is not understood would be guesswork.
                self.damage(frame.offset, "an edit that fits the state", what);
                return;
            }
        }
        if let Some(stop) = &scan.stop {
            let promised = stop.offset < scan.promise_max;
            let severity = if promised { Severity::Damage } else { Severity::TornTail };
            self.push(severity, stop.offset, "a frame", stop.what.clone());
        }
        if self.state.is_none() {
            self.damage(scan.end, "the state of the store", "nothing".into());
        }
    }

    fn check_state(&mut self) {
        let Some(state) = self.state.clone() else { return };
        let mut wrong = |what: String| self.damage(0, "a state that can be", what);
        for pair in state.logs.windows(2) {
            if pair[0].id >= pair[1].id {
                wrong(format!("log {} comes before log {}", pair[0].id, pair[1].id));
            }
        }
        for log in state.logs.iter().filter(|l| l.id.0 >= state.next_log) {
            wrong(format!("log {} is live and not used yet", log.id));
        }
        for (at, s) in state.segments.iter().enumerate() {
            if s.first_seq > s.last_seq {
                wrong(format!("segment {} covers seqs {} to {}", s.id, s.first_seq, s.last_seq));
            }
            if s.id.0 >= state.next_segment {
                wrong(format!("segment {} is live and not used yet", s.id));
            }
            if state.segments[..at].iter().any(|other| other.id == s.id) {
                wrong(format!("segment {} is live twice", s.id));
            }
            let before = at.checked_sub(1).and_then(|b| state.segments.get(b));
            if let Some(before) = before
                // Seqs of batches that a full disk refused are nowhere.
                && before.last_seq >= s.first_seq
            {
                wrong(format!(
                    "segment {} starts at seq {} and the one before it, {}, ends at {}",
                    s.id, s.first_seq, before.id, before.last_seq
                ));
            }
        }
        for (number, covered) in &state.indexes {
            if *number >= state.next_index {
                wrong(format!("index {number} is live and not used yet"));
            }
            let live = |id| state.segments.iter().any(|s| s.id == id);
            for id in covered.iter().filter(|id| !live(**id)) {
                wrong(format!("index {number} covers segment {id}, which is not live"));
            }
        }
    }
}
