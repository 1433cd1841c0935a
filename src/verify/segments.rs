//! The two files of a segment as files: headers, footers, and every byte of every section.

use super::finding::Findings;
use super::payloads;
use super::rows;
use crate::error::Result;
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName};
use crate::manifest::SegmentState;
use crate::segment::{Footer, SectionId, Segment, columns, parse_footer};
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
    /// What is lost with it.
    pub affects: &'a str,
}

/// Checks header, footer and sections of a file: no byte goes unchecked.
///
/// # Errors
/// `UnsupportedFormat`.
pub fn check_file(
    path: &Path,
    bytes: &[u8],
    store: &FileHeader,
    kind: Kind<'_>,
    findings: &mut Findings<'_>,
) -> Result<Option<Footer>> {
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
    check_sections(path, bytes, &footer, kind, findings);
    Ok(Some(footer))
}

fn check_sections(
    path: &Path,
    bytes: &[u8],
    footer: &Footer,
    kind: Kind<'_>,
    findings: &mut Findings<'_>,
) {
    let mut position = FILE_HEADER_BYTES as u64;
    for section in &footer.sections {
        let name = (kind.name)(section.id);
        if section.offset != position {
            let found = format!("section {name} at byte {}", section.offset);
            let expected = format!("a section at byte {position}");
            findings.damage((path, position), expected, found, "nothing that is known");
        }
        position = section.offset.saturating_add(section.len.next_multiple_of(8));
        if let Err(fault) = footer.check(bytes, section) {
            let affects = format!("section {name}: {}", kind.affects);
            findings.fault((path, 0), fault, format!("section {name} as it was written"), affects);
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
}

/// Checks a segment by itself: both files, their structure, every row and every payload.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    found: &Found<D>,
    store: &FileHeader,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let id = found.state.id;
    let before = findings.damages();
    let part = |kind,
                file: FileName,
                map: &Option<D::Map>,
                affects,
                findings: &mut Findings<'_>| {
        let path = dir.path().join(file.to_string());
        let Some(map) = map else {
            findings.damage((&path, 0), "a file of a live segment", "the file is missing", affects);
            return Ok(());
        };
        let payload = kind == FileKind::Payload;
        let of_file = |id: &SectionId| (*id >= columns::DICTIONARY) == payload;
        let sections: Vec<SectionId> = columns::ALL.iter().copied().filter(of_file).collect();
        let (number, name) = (id.0, columns::column_name as fn(SectionId) -> &'static str);
        let kind = Kind { kind, number, sections: &sections, name, affects };
        check_file(&path, map, store, kind, findings).map(|_| ())
    };
    let all = format!("the whole of segment {id}");
    part(FileKind::Skeleton, FileName::Skeleton(id), &found.skeleton, &all, findings)?;
    if !found.state.payload_expired {
        let all = format!("payloads of segment {id}");
        part(FileKind::Payload, FileName::Payload(id), &found.payload, &all, findings)?;
    }
    let segment = match &found.opened {
        Ok(segment) => segment,
        Err(error) => {
            // The cause is mostly known by now.
            if findings.damages() == before {
                let path = dir.path().join(FileName::Skeleton(id).to_string());
                findings.error(&path, error.repeat(), "a segment that opens", &*all)?;
            }
            return Ok(());
        }
    };
    rows::check(segment, store, findings)?;
    check_facts(segment, found, findings);
    if let Some(file) = segment.payload_file() {
        payloads::check(segment, file, &store.key, findings)?;
    }
    Ok(())
}

fn check_facts<D: Dir>(segment: &Segment<D>, found: &Found<D>, findings: &mut Findings<'_>) {
    let facts = segment.facts();
    let offset = segment.skeleton().1.facts.start as u64;
    let all = format!("the whole of segment {}", facts.id);
    let mut compare = |what: &str, said: String, is: String| {
        if said != is {
            let (expected, is) = (format!("{what}: {said}"), format!("{what}: {is}"));
            findings.damage((segment.path(), offset), expected, is, &*all);
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
