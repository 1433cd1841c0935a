//! Merged lookup indexes: caches over the segments they name. One is written when a few segments
//! stand outside of all, and takes the place of those that cover no more; what is missing is
//! rebuilt.
//!
//! ```text
//! index-<n>.tki   file header | section 1: segment ids, u64 each | footer
//!                 section 2: traces | section 3: scores | section 4: scores by subject
//! ```

use super::view::Indexed;
use super::{IndexPlan, IndexView, View};
use crate::column::LastBlock;
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, File, FileName};
use crate::id::{Identity, SegmentId, StoreKey};
use crate::index::{Item, Merged, write_merged};
use crate::segment::{SectionId, SectionWriter, Segment, parse_footer};
use std::iter::Peekable;

const SEGMENTS: SectionId = SectionId(1);

/// The section of an index.
pub fn section_of(of: Indexed) -> SectionId {
    SectionId(2 + of as u16)
}

/// Hands out the hash under which each row of a segment is found, and the row. Cost for subjects: the
/// details of every score.
///
/// # Errors
/// `Corruption`.
pub fn each_hash<D: Dir>(
    segment: &Segment<D>,
    of: Indexed,
    key: &StoreKey,
    each: &mut dyn FnMut(u64, u32),
) -> Result<()> {
    segment.check_all_rows(of.rows())?;
    let mut last = LastBlock::default();
    for row in 0..segment.rows(of.rows()) {
        let identity = |identity: Option<Identity>| identity.map(|id| key.lookup_hash(id));
        let hash = match of {
            Indexed::Trace => identity(segment.trace_identity(row)),
            Indexed::Score => identity(segment.score_identity(row)),
            Indexed::Subject => {
                let fields = segment.score_fields(row, &mut last)?;
                fields.subject().map(|subject| subject.lookup_hash(key))
            }
        };
        hash.into_iter().for_each(|hash| each(hash, row));
    }
    Ok(())
}

/// The items of some segments of a view, and those of indexes that are still good.
struct Source<'v, D: Dir> {
    indexes: Vec<(&'v IndexView<D::Map>, Vec<Option<u32>>)>,
    fresh: [Vec<Item>; 3],
    ids: Vec<u8>,
}

impl<'v, D: Dir> Source<'v, D> {
    fn new(view: &'v View<D>, plan: &IndexPlan) -> Result<Source<'v, D>> {
        let mut source = Source { indexes: Vec::new(), fresh: Default::default(), ids: Vec::new() };
        let mut ordinal = 0;
        let mut next = |id: SegmentId| {
            source.ids.extend_from_slice(&id.0.to_le_bytes());
            ordinal += 1;
            ordinal - 1
        };
        for index in &view.indexes[plan.indexes.clone()] {
            let live = |id: &SegmentId| view.segment(*id).map(|_| next(*id));
            source.indexes.push((index, index.segments.iter().map(live).collect()));
        }
        for at in &plan.segments {
            let segment = &view.segments[*at].segment;
            let ordinal = next(segment.id());
            for of in Indexed::ALL {
                let items = &mut source.fresh[of as usize];
                each_hash(segment, of, &view.key, &mut |hash, row| {
                    items.push((hash, ordinal, row))
                })?;
            }
        }
        source.fresh.iter_mut().for_each(|items| items.sort_unstable());
        Ok(source)
    }

    /// All of one kind in order.
    fn items(&self, of: Indexed) -> impl Iterator<Item = Item> + use<'_, 'v, D> {
        let old = self.indexes.iter().map(move |(index, ordinals)| {
            let live = move |(hash, segment, row): Item| {
                let ordinal = ordinals.get(segment as usize).copied().flatten()?;
                Some((hash, ordinal, row))
            };
            Box::new(index.items(of).iter().filter_map(live)) as Box<dyn Iterator<Item = Item>>
        });
        let fresh =
            Box::new(self.fresh[of as usize].iter().copied()) as Box<dyn Iterator<Item = Item>>;
        let mut runs: Vec<_> = old.chain([fresh]).map(Iterator::peekable).collect();
        std::iter::from_fn(move || {
            let first = |run: &mut Peekable<_>| run.peek().copied();
            let least = runs.iter_mut().enumerate().filter_map(|(i, run)| Some((first(run)?, i)));
            let (_, i) = least.min()?;
            runs[i].next()
        })
    }
}

/// Writes a merged index and makes it durable. Memory: 16 bytes a trace and 32 a score of the
/// segments that no index covered, which are few; what other indexes hold is read in place.
///
/// # Errors
/// `Corruption` where the subject of a score cannot be read; `StorageFull`, `Io`.
pub fn write_index<D: Dir>(
    dir: &D,
    view: &View<D>,
    header: &FileHeader,
    number: u64,
    plan: &IndexPlan,
) -> Result<()> {
    let source = Source::new(view, plan)?;
    let header = FileHeader { kind: FileKind::Index, number, ..header.clone() };
    let file = dir.create(FileName::IndexTemp(number))?;
    let mut out = SectionWriter::new(file, &header.encode())?;
    out.section(SEGMENTS, &source.ids)?;
    for of in Indexed::ALL {
        out.begin(section_of(of));
        write_merged(&|| source.items(of), &mut |piece| out.extend(piece))?;
        out.end()?;
    }
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
    let mut places = [0..0, 0..0, 0..0];
    for of in Indexed::ALL {
        let id = section_of(of);
        Merged::parse(footer.section(&map, id)).map_err(fault)?;
        places[of as usize] = footer.find(id).map_or(0..0, |at| at.bytes());
    }
    Ok(IndexView { number, map, places, segments })
}
