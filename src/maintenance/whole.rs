//! Blocks of a segment that a quick rewrite moves as they are stored, without compressing them again.

use crate::column::LastBlock;
use crate::error::{Error, Result};
use crate::fs::{Dir, Mapped};
use crate::merge::Fields;
use crate::part::{Block, Item, items};
use crate::segment::{PayloadReader, RowKind, payloads_of};
use crate::snapshot::SegmentView;
use std::sync::Arc;

/// Of each block of a file, whether it can be moved whole: nothing needs its parts but rows that
/// live, and it was not moved yet. What an erased row held is never carried along.
#[derive(Debug, Default)]
pub struct WholeBlocks(Vec<bool>);

impl WholeBlocks {
    /// Those of a segment that was checked; none where the file has a dictionary. Cost: the details
    /// and the part lists of all rows that are superseded. Memory: a byte a block.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn of<D: Dir>(
        s: &SegmentView<D>,
        reader: &mut PayloadReader<'_, D::Map>,
    ) -> Result<WholeBlocks> {
        let file = reader.file();
        if !file.dictionary_bytes().is_empty() {
            return Ok(WholeBlocks::default());
        }
        let mut whole = vec![true; file.blocks()];
        dead_fields(s, &mut |fields| {
            for payload in payloads_of(fields) {
                for part in parts_of(&reader.part_list(payload.number)?) {
                    if let Some(block) = whole.get_mut(file.block_of(part?)) {
                        *block = false;
                    }
                }
            }
            Ok(())
        })?;
        Ok(WholeBlocks(whole))
    }

    /// The block of this part, and how it is stored, where it can be moved whole; it is once only.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn take<'f, M: Mapped>(
        &mut self,
        part: u32,
        reader: &mut PayloadReader<'f, M>,
    ) -> Result<Option<(Arc<Block>, &'f [u8])>> {
        let file = reader.file();
        let number = file.block_of(part);
        if !self.0.get_mut(number).is_some_and(std::mem::take) {
            return Ok(None);
        }
        let block = reader.whole_block(number)?;
        Ok(file.stored_block(number).map(|stored| (block, stored)))
    }
}

/// Hands out the fields of every row that is superseded.
fn dead_fields<D: Dir>(
    s: &SegmentView<D>,
    each: &mut dyn FnMut(&Fields) -> Result<()>,
) -> Result<()> {
    let (segment, dead) = (&s.segment, &s.dead);
    let mut last = LastBlock::default();
    for row in 0..segment.facts().traces {
        if dead.contains(RowKind::Trace, row) {
            each(&segment.trace_fields(row, &mut last)?)?;
        }
        let (rows, start) = (segment.observations(row)?, segment.trace_start(row));
        if dead.any(RowKind::Observation, rows.clone()) {
            segment.each_observation(rows, start, &mut |row, fields| {
                if dead.contains(RowKind::Observation, row) { each(&fields) } else { Ok(()) }
            })?;
        }
    }
    let mut last = LastBlock::default();
    for row in (0..segment.facts().scores).filter(|row| dead.contains(RowKind::Score, *row)) {
        each(&segment.score_fields(row, &mut last)?)?;
    }
    Ok(())
}

/// The parts that a list names.
fn parts_of(list: &[u8]) -> impl Iterator<Item = Result<u32>> + '_ {
    items(list, u32::MAX).flat_map(|item| {
        let (parts, fault) = match item {
            Ok(Item::Run { first, count, .. }) => (first..first.saturating_add(count), None),
            Ok(Item::Literal(_)) => (0..0, None),
            Err(fault) => (0..0, Some(Err(Error::invalid(fault.what)))),
        };
        parts.map(Ok).chain(fault)
    })
}
