//! The two files of a segment as files: headers, footers, and every byte of every section.

use super::affects::{Affects, Traces};
use super::finding::Findings;
use super::needed::Needed;
use super::payloads;
use super::rows;
use crate::error::{Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName};
use crate::id::SegmentId;
use crate::manifest::SegmentState;
use crate::segment::{Footer, IN_GROUPS, Readable, SectionId, Segment, columns, parse_footer};
use crate::snapshot::DeadRows;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// A segment as it was found.
#[derive(Debug)]
pub struct Found<D: Dir> {
    /// What the manifest says of it.
    pub state: SegmentState,
    /// Its skeleton file, unless that is missing.
    pub skeleton: Option<D::Map>,
    /// Its payload file, unless that is missing or has expired.
    pub payload: Option<D::Map>,
    /// Both together, as a reader opens them.
    pub opened: Result<Arc<Segment<D>>>,
}

/// Sections whose blocks have checksums of their own.
const IN_BLOCKS: &[SectionId] = &[
    columns::TRACE_DETAILS,
    columns::OBS_DETAILS,
    columns::SCORE_DETAILS,
    columns::BLOCKS,
    columns::LISTS,
];

/// What a file of sections has to be.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    /// What it is.
    pub kind: FileKind,
    /// Its number.
    pub number: u64,
    /// The sections that it has, in any order.
    pub sections: &'a [SectionId],
    /// The name of a section.
    pub name: fn(SectionId) -> &'static str,
    /// Sections whose blocks are checked one by one, to tell what a bad one touches.
    pub in_blocks: &'a [SectionId],
    /// What is lost with it.
    pub affects: &'a Affects,
}

/// A file that was checked but for what is in its blocks.
#[derive(Debug)]
pub struct Checked {
    /// Its footer.
    pub footer: Footer,
    /// Sections in blocks that are not as they were written: what to say where no block tells.
    pub waiting: Vec<Fault>,
}

/// Checks header, footer and sections of a file: no byte goes unchecked. What is wrong in
/// sections of blocks waits in the answer.
///
/// # Errors
/// `UnsupportedFormat`.
pub fn check_file(
    path: &Path,
    bytes: &[u8],
    store: &FileHeader,
    kind: Kind<'_>,
    findings: &mut Findings<'_>,
) -> Result<Option<Checked>> {
    match FileHeader::parse(bytes, kind.kind) {
        Err(fault) => findings.error(path, fault.in_file(path), "a file header", kind.affects)?,
        Ok(header) => {
            let own = header.store == store.store && header.key == store.key;
            if !own || header.number != kind.number {
                let found = "a file of another store or another number";
                findings.damage((path, 0), "a file of this store", found, kind.affects);
            }
        }
    }
    let footer = match parse_footer(bytes, FILE_HEADER_BYTES) {
        Ok(footer) => footer,
        Err(fault) => {
            findings.fault((path, 0), fault, "a footer", kind.affects);
            return Ok(None);
        }
    };
    let waiting = check_sections(path, bytes, &footer, kind, findings);
    Ok(Some(Checked { footer, waiting }))
}

fn check_sections(
    path: &Path,
    bytes: &[u8],
    footer: &Footer,
    kind: Kind<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Fault> {
    let mut waiting = Vec::new();
    let mut position = FILE_HEADER_BYTES as u64;
    for section in &footer.sections {
        let name = (kind.name)(section.id);
        if section.offset != position {
            let found = format!("section {name} at byte {}", section.offset);
            let expected = format!("a section at byte {position}");
            findings.damage((path, position), expected, found, "nothing that is known");
        }
        position = section.offset.saturating_add(section.len.next_multiple_of(8));
        match footer.check(bytes, section) {
            Err(fault) if kind.in_blocks.contains(&section.id) => waiting.push(fault),
            Err(fault) => {
                let what = format!("section {name}, and with it {}", kind.affects.what);
                let affects = Affects::new(what, kind.affects.traces.clone());
                let expected = format!("section {name} as it was written");
                findings.fault((path, 0), fault, expected, affects);
            }
            Ok(()) => {}
        }
    }
    if position != footer.facts.start as u64 {
        let found = format!("the footer at byte {}", footer.facts.start);
        let expected = format!("the footer at byte {position}");
        findings.damage((path, position), expected, found, "nothing that is known");
    }
    for id in kind.sections {
        let count = footer.sections.iter().filter(|s| s.id == *id).count();
        if count != 1 {
            let expected = format!("section {} once", (kind.name)(*id));
            findings.damage((path, position), expected, format!("{count} times"), kind.affects);
        }
    }
    for section in footer.sections.iter().filter(|s| !kind.sections.contains(&s.id)) {
        let found = format!("unknown section {}", section.id.0);
        findings.damage((path, section.offset), "known sections", found, "nothing that is known");
    }
    waiting
}

/// Checks a segment by itself: both files, their structure, every row and every payload. `dead`
/// are its rows that newer segments supersede.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    found: &Found<D>,
    dead: Option<&DeadRows>,
    store: &FileHeader,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let id = found.state.id;
    let before = findings.damages();
    // Where it does not open, what can be read still tells whose it is.
    let readable = match &found.opened {
        Ok(_) => None,
        Err(_) => Some(Readable::open(dir, id, store)?),
    };
    let part = match &readable {
        None => found.opened.as_ref().ok().map(|segment| &**segment),
        Some(readable) => readable.segment.as_deref(),
    };
    let traces = part.map_or_else(Traces::default, |s| Traces::of(s, 0..s.facts().traces));
    let all = Affects::new(format!("the whole of segment {id}"), traces.clone());
    let skeleton = FileName::Skeleton(id);
    let rows = check_part(dir, id, skeleton, found.skeleton.as_deref(), store, &all, findings)?;
    let all_payloads = Affects::new(format!("payloads of segment {id}"), traces);
    let payloads = match found.state.payload_expired {
        true => Vec::new(),
        false => {
            let map = found.payload.as_deref();
            let name = FileName::Payload(id);
            check_part(dir, id, name, map, store, &all_payloads, findings)?
        }
    };
    let path = dir.path().join(skeleton.to_string());
    let sound = readable.as_ref().is_none_or(|readable| readable.unsound.is_empty());
    let blocks = findings.damages();
    if let Some(readable) = &readable {
        report_zones(&path, readable, findings);
    }
    if let Some(segment) = part {
        let told = match rows.is_empty() {
            true => HashSet::new(),
            false => rows::check_details(segment, findings)?,
        };
        if sound {
            rows::check(segment, store, &told, findings)?;
        }
    }
    report_waiting(&path, rows, blocks, &all, findings);
    match &found.opened {
        Ok(segment) => {
            check_facts(segment, found, findings);
            let blocks = findings.damages();
            if let Some(file) = segment.payload_file() {
                let needed = Needed { segment, dead };
                payloads::check(segment, file, &needed, &store.key, findings)?;
                report_waiting(file.path(), payloads, blocks, &all_payloads, findings);
            }
        }
        Err(error) => {
            let name = FileName::Payload(id);
            let payload_path = dir.path().join(name.to_string());
            report_waiting(&payload_path, payloads, findings.damages(), &all_payloads, findings);
            // The cause is mostly known by now.
            if findings.damages() == before {
                findings.error(&path, error.repeat(), "a segment that opens", &all)?;
            }
        }
    }
    Ok(())
}

/// Checks one of the two files.
fn check_part<D: Dir>(
    dir: &D,
    id: SegmentId,
    file: FileName,
    bytes: Option<&[u8]>,
    store: &FileHeader,
    affects: &Affects,
    findings: &mut Findings<'_>,
) -> Result<Vec<Fault>> {
    let path = dir.path().join(file.to_string());
    let Some(bytes) = bytes else {
        findings.damage((&path, 0), "a file of a live segment", "the file is missing", affects);
        return Ok(Vec::new());
    };
    let payload = matches!(file, FileName::Payload(_));
    let of_file = |id: &SectionId| (*id >= columns::DICTIONARY) == payload;
    let sections: Vec<SectionId> = columns::ALL.iter().copied().filter(of_file).collect();
    let kind = Kind {
        kind: if payload { FileKind::Payload } else { FileKind::Skeleton },
        number: id.0,
        sections: &sections,
        name: columns::section_name,
        in_blocks: &[&IN_GROUPS, IN_BLOCKS].concat(),
        affects,
    };
    let checked = check_file(&path, bytes, store, kind, findings)?;
    Ok(checked.map_or_else(Vec::new, |checked| checked.waiting))
}

/// Tells of the rows of tables whose columns cannot be read.
fn report_zones<D: Dir>(path: &Path, readable: &Readable<D>, findings: &mut Findings<'_>) {
    let Some(segment) = readable.segment.as_deref() else { return };
    for unsound in &readable.unsound {
        let Some(column) = unsound.column.filter(|id| IN_GROUPS.contains(&id.section)) else {
            continue;
        };
        let rows = unsound.rows.clone();
        let traces = match column.section {
            columns::TRACES => Traces::of(segment, rows.clone()),
            columns::OBSERVATIONS => Traces::of_observations(segment, rows.clone()),
            _ => Traces::default(),
        };
        let (name, last) = (columns::column_name(column), rows.end.saturating_sub(1));
        let what = format!("{name} of rows {} to {last} of segment {}", rows.start, segment.id());
        let affects = Affects::new(what, traces);
        let expected = format!("column {name} as it was written");
        findings.damage((path, unsound.offset), expected, unsound.what.clone(), affects);
    }
}

/// Tells of sections whose blocks are all sound and that are not as they were written.
fn report_waiting(
    path: &Path,
    waiting: Vec<Fault>,
    damages_before: u64,
    affects: &Affects,
    findings: &mut Findings<'_>,
) {
    if findings.damages() == damages_before {
        for fault in waiting {
            findings.fault((path, 0), fault, "a section as it was written", affects);
        }
    }
}

/// What the facts say against what is there.
fn check_facts<D: Dir>(segment: &Segment<D>, found: &Found<D>, findings: &mut Findings<'_>) {
    let facts = segment.facts();
    let offset = segment.skeleton().1.facts.start as u64;
    let all = Affects::new(
        format!("the whole of segment {}", facts.id),
        Traces::of(segment, 0..facts.traces),
    );
    let mut compare = |what: &str, said: String, is: String| {
        if said != is {
            let (expected, is) = (format!("{what}: {said}"), format!("{what}: {is}"));
            findings.damage((segment.path(), offset), expected, is, &all);
        }
    };
    let state = &found.state;
    compare(
        "seqs as the manifest says",
        format!("{} to {}", state.first_seq, state.last_seq),
        format!("{} to {}", facts.first_seq, facts.last_seq),
    );
    let summaries = || (0..facts.traces).map(|row| segment.summary(row));
    let start = summaries().map(|s| s.start.0).min().unwrap_or(i64::MAX);
    let end = summaries().map(|s| s.end.0).max().unwrap_or(i64::MIN);
    compare(
        "time range of its traces",
        format!("{} to {}", facts.start_ns, facts.end_ns),
        format!("{start} to {end}"),
    );
    let Some(file) = segment.payload_file() else { return };
    let said = format!("{} bytes, {} payloads", facts.payload_file_bytes, facts.payloads);
    let is = format!("{} bytes, {} payloads", file.bytes().len(), file.payloads());
    compare("payload file", said, is);
}
