//! The merged lookup index: a cache over the segments it names, written anew when too many
//! segments stand outside it, rebuilt when missing.
//!
//! ```text
//! index-<n>.tki   file header | section 1: segment ids, u64 each | section 2: the index | footer
//! ```

use super::{IndexView, View};
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, File, FileName};
use crate::id::SegmentId;
use crate::index::{Merged, MergedBuilder};
use crate::segment::{SectionId, SectionWriter, parse_footer};

const SEGMENTS: SectionId = SectionId(1);
const ITEMS: SectionId = SectionId(2);

/// Writes an index over all segments of a view and makes it durable. Memory: 16 bytes a trace
/// and segment while it is written.
///
/// # Errors
/// `StorageFull`, `Io`.
pub fn write_index<D: Dir>(
    dir: &D,
    view: &View<D>,
    header: &FileHeader,
    number: u64,
) -> Result<()> {
    let mut items: Vec<(u64, u32, u32)> = Vec::new();
    let mut ids = Vec::new();
    for (ordinal, s) in view.segments.iter().enumerate() {
        ids.extend_from_slice(&s.segment.id().0.to_le_bytes());
        for row in 0..s.segment.facts().traces {
            if let Some(identity) = s.segment.trace_identity(row) {
                items.push((view.key.lookup_hash(identity), ordinal as u32, row));
            }
        }
    }
    items.sort_unstable();
    let mut builder = MergedBuilder::new(items.len());
    items.iter().for_each(|(hash, segment, row)| builder.push(*hash, *segment, *row));
    let header = FileHeader { kind: FileKind::Index, number, ..header.clone() };
    let file = dir.create(FileName::IndexTemp(number))?;
    let mut out = SectionWriter::new(file, &header.encode())?;
    out.section(SEGMENTS, &ids)?;
    out.section(ITEMS, &builder.build())?;
    let (file, _, _) = out.finish(&[])?;
    // SYNC: the manifest will name the file; a damaged one would only cost its rebuilding.
    file.sync()?;
    dir.rename(FileName::IndexTemp(number), FileName::Index(number))?;
    // SYNC: the manifest must not name a file whose name can be lost.
    dir.sync()
}

/// Opens and checks an index, checksums included: it answers for what it does not hold.
///
/// # Errors
/// `Corruption`, `Io`; the caller goes on without it.
pub fn open_index<D: Dir>(dir: &D, number: u64, store: &FileHeader) -> Result<IndexView<D::Map>> {
    let path = dir.path().join(FileName::Index(number).to_string());
    let map = dir.map(FileName::Index(number))?;
    let header = FileHeader::parse(&map, FileKind::Index).map_err(|f| f.in_file(&path))?;
    if header.store != store.store || header.number != number {
        return Err(Error::corruption_at(&path, 0, "the index belongs to another store"));
    }
    let fault = |f: Fault| f.in_file(&path, 0);
    let footer = parse_footer(&map, FILE_HEADER_BYTES).map_err(fault)?;
    for section in &footer.sections {
        footer.check(&map, section).map_err(fault)?;
    }
    let ids = footer.section(&map, SEGMENTS).chunks_exact(8).filter_map(|b| b.first_chunk::<8>());
    let segments: Vec<SegmentId> = ids.map(|b| SegmentId(u64::from_le_bytes(*b))).collect();
    let bytes = footer.section(&map, ITEMS);
    Merged::parse(bytes).map_err(fault)?;
    let start = bytes.as_ptr() as usize - map.as_ptr() as usize;
    let place = start..start + bytes.len();
    Ok(IndexView { number, map, place, segments })
}
