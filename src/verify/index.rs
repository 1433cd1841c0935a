//! The merged lookup indexes: whether they find every trace and score of the segments they cover, and
//! nothing else.

use super::finding::Findings;
use super::segments::{Kind, check_file};
use crate::error::Result;
use crate::frame::{FileHeader, FileKind};
use crate::fs::{Dir, FileName};
use crate::id::SegmentId;
use crate::index::Merged;
use crate::segment::{SectionId, Segment};
use crate::snapshot::{Indexed, each_hash, section_of};
use std::path::Path;
use std::sync::Arc;

/// Ids of the segments, u64 each.
pub const SEGMENTS: SectionId = SectionId(1);
/// Traces.
pub const TRACES: SectionId = SectionId(2);
/// Scores.
pub const SCORES: SectionId = SectionId(3);
/// Scores by what they are about.
pub const SUBJECTS: SectionId = SectionId(4);

/// The name of a section of an index file.
pub fn section_name(id: SectionId) -> &'static str {
    match id {
        SEGMENTS => "SEGMENTS",
        TRACES => "TRACES",
        SCORES => "SCORES",
        SUBJECTS => "SUBJECTS",
        _ => "?",
    }
}

const AFFECTS: &str =
    "finding traces and scores; it holds nothing else, and is built anew when removed";

/// An index that the manifest names.
#[derive(Debug)]
pub struct FoundIndex<M> {
    /// Its number.
    pub number: u64,
    /// What it covers.
    pub segments: Vec<SegmentId>,
    /// Its bytes, unless the file is missing.
    pub map: Option<M>,
}

/// Checks the index against the open segments.
///
/// # Errors
/// `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    index: &FoundIndex<D::Map>,
    segments: &[Arc<Segment<D>>],
    store: &FileHeader,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let path = dir.path().join(FileName::Index(index.number).to_string());
    let Some(bytes) = &index.map else {
        findings.damage((&path, 0), "a live index", "the file is missing", AFFECTS);
        return Ok(());
    };
    let kind = Kind {
        kind: FileKind::Index,
        number: index.number,
        sections: &[SEGMENTS, TRACES, SCORES, SUBJECTS],
        name: section_name,
        in_blocks: &[],
        affects: &AFFECTS.into(),
    };
    let Some(checked) = check_file(&path, bytes, store, kind, findings)? else { return Ok(()) };
    let footer = checked.footer;
    let ids = footer.section(bytes, SEGMENTS).as_chunks::<8>();
    let covered: Vec<SegmentId> = ids.0.iter().map(|b| SegmentId(u64::from_le_bytes(*b))).collect();
    // It may cover more: segments that were replaced since.
    if !index.segments.iter().all(|id| covered.contains(id)) || !ids.1.is_empty() {
        let found = format!("{} segments, not all of these", covered.len());
        let expected = format!("the {} segments that the manifest says", index.segments.len());
        findings.damage((&path, footer.offset(SEGMENTS)), expected, found, AFFECTS);
    }
    for of in Indexed::ALL {
        let section = section_of(of);
        let at = (path.as_path(), footer.offset(section));
        match Merged::parse(footer.section(bytes, section)) {
            Ok(merged) => items(of, &merged, &covered, segments, store, at, findings)?,
            Err(fault) => findings.fault(at, fault, "a merged index", AFFECTS),
        }
    }
    Ok(())
}

/// Whether one of the indexes finds the rows of the segments that it covers.
fn items<D: Dir>(
    of: Indexed,
    merged: &Merged<'_>,
    covered: &[SegmentId],
    segments: &[Arc<Segment<D>>],
    store: &FileHeader,
    at: (&Path, u64),
    findings: &mut Findings<'_>,
) -> Result<()> {
    let (mut items, mut gone) = (0usize, false);
    for (ordinal, id) in (0u32..).zip(covered) {
        // It was replaced since; or it could not be opened, which has been told.
        let Some(segment) = segments.iter().find(|s| s.id() == *id) else {
            gone = true;
            continue;
        };
        let mut missing = 0u64;
        let each = each_hash(segment, of, &store.key, &mut |hash, row| {
            items += 1;
            missing += u64::from(!merged.find(hash).any(|found| found == (ordinal, row)));
        });
        match each {
            // It was told when the rows were checked.
            Err(e) if e.corruption().is_some() => gone = true,
            other => other?,
        }
        if missing > 0 {
            let what = match of {
                Indexed::Trace => "trace",
                Indexed::Score => "score",
                Indexed::Subject => "subject of a score",
            };
            let expected = format!("every {what} of segment {id}");
            findings.damage(at, expected, format!("{missing} are not found"), AFFECTS);
        }
    }
    if merged.len() < items || (merged.len() > items && !gone) {
        let found = format!("{} items", merged.len());
        findings.damage(at, format!("{items} items"), found, AFFECTS);
    }
    Ok(())
}
