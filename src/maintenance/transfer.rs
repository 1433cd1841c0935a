//! Moving payloads from logs and older segments into the segment that is written: each part is
//! read once, each list is written anew in the new segment's numbers.

use super::whole::WholeBlocks;
use crate::error::{Error, Result};
use crate::fs::{Dir, File};
use crate::id::{LogId, SegmentId};
use crate::log::LogReader;
use crate::model::{PayloadRef, Source};
use crate::part::{Item, ListBuilder, items};
use crate::planted::{self, Bug};
use crate::segment::{PayloadReader, PayloadWriter};
use crate::snapshot::View;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Decompressed pieces kept of all logs together: 32 MiB.
const PIECES_KEPT: usize = 512;
const UNKNOWN: u32 = u32::MAX;

/// Parts of one source by their new numbers.
#[derive(Debug, Default)]
struct Moved(Vec<u32>);

impl Moved {
    fn find(&self, part: u32) -> Option<u32> {
        self.0.get(part as usize).copied().filter(|number| *number != UNKNOWN)
    }

    fn note(&mut self, part: u32, number: u32) {
        if self.0.len() <= part as usize {
            self.0.resize(part as usize + 1, UNKNOWN);
        }
        self.0[part as usize] = number;
    }
}

/// A segment that payloads come from.
#[derive(Debug)]
struct Sealed<'v, D: Dir> {
    reader: PayloadReader<'v, D::Map>,
    moved: Moved,
    whole: WholeBlocks,
}

/// Where payloads come from, and what became of them.
#[derive(Debug)]
pub struct Transfer<'v, D: Dir> {
    view: &'v View<D>,
    logs: HashMap<LogId, (LogReader<'v, D::File>, Moved)>,
    segments: HashMap<SegmentId, Sealed<'v, D>>,
    /// Of these, which are all moved, blocks are moved as they are stored where they can be.
    whole: Vec<SegmentId>,
    numbers: HashMap<(Source, u64), u64>,
    list: ListBuilder,
    encoded: Vec<u8>,
}

impl<'v, D: Dir> Transfer<'v, D> {
    /// A transfer from the files of a view; of `whole` blocks from segments of which all that lives
    /// is moved, and which were checked, into a file without a dictionary.
    pub fn new(view: &'v View<D>, whole: Vec<SegmentId>) -> Transfer<'v, D> {
        Transfer {
            view,
            logs: HashMap::new(),
            segments: HashMap::new(),
            whole,
            numbers: HashMap::new(),
            list: ListBuilder::new(),
            encoded: Vec::new(),
        }
    }

    /// Writes a payload, unless it is written, and remembers its new number. One whose bytes have
    /// expired keeps length and fingerprint, with an empty list.
    ///
    /// # Errors
    /// `Corruption`, `Io`, those of writing.
    pub fn take<W: File>(&mut self, payload: &PayloadRef, to: &mut PayloadWriter<W>) -> Result<()> {
        let place = (payload.source, payload.number);
        if payload.source != Source::Expired && self.numbers.contains_key(&place) {
            return Ok(());
        }
        self.list.clear();
        match payload.source {
            Source::Expired => {}
            Source::Log(id) => self.take_log(id, payload.number, to)?,
            Source::Segment(id) => self.take_segment(id, payload.number, to)?,
        }
        self.encoded.clear();
        self.list.encode(&mut self.encoded);
        let number = to.payload(payload.len, payload.print, &self.encoded);
        self.numbers.insert(place, u64::from(number));
        Ok(())
    }

    /// The new number of a payload that was taken.
    pub fn number(&self, payload: &PayloadRef) -> u64 {
        self.numbers.get(&(payload.source, payload.number)).copied().unwrap_or(u64::MAX)
    }

    fn take_log<W: File>(
        &mut self,
        id: LogId,
        number: u64,
        to: &mut PayloadWriter<W>,
    ) -> Result<()> {
        let view = self.view;
        let (reader, moved) = match self.logs.entry(id) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let gone = || Error::invalid(format!("log {id} is gone"));
                let log = view.log(id).ok_or_else(gone)?;
                let pieces = PIECES_KEPT / view.logs.len().max(1);
                place.insert((LogReader::new(log, pieces), Moved::default()))
            }
        };
        let list = reader.list(number)?;
        move_list(&list, &mut self.list, moved, to, &mut |part, moved, to| {
            move_alone(part, moved, to, |each| reader.part(part, each))
        })
    }

    fn take_segment<W: File>(
        &mut self,
        id: SegmentId,
        number: u64,
        to: &mut PayloadWriter<W>,
    ) -> Result<()> {
        let view = self.view;
        let from = match self.segments.entry(id) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let gone = || Error::invalid(format!("segment {id} is gone"));
                let s = view.segment(id).ok_or_else(gone)?;
                let mut reader = PayloadReader::new(s.segment.payloads()?.ok_or_else(gone)?, None);
                let whole = match self.whole.contains(&id) {
                    true => WholeBlocks::of(s, &mut reader)?,
                    false => WholeBlocks::default(),
                };
                place.insert(Sealed { reader, moved: Moved::default(), whole })
            }
        };
        let Sealed { reader, moved, whole } = from;
        let list = reader.part_list(number)?;
        move_list(&list, &mut self.list, moved, to, &mut |part, moved, to| {
            if let Some((block, stored)) = whole.take(part, reader)?
                && let Some(first) = to.whole_block(&block, stored)?
            {
                block.numbers().zip(first..).for_each(|(part, number)| moved.note(part, number));
                return Ok(());
            }
            move_alone(part, moved, to, |each| reader.part(part, each))
        })
    }
}

/// Writes a part that was not moved yet, and notes its number.
type MovePart<'m, W> = &'m mut dyn FnMut(u32, &mut Moved, &mut PayloadWriter<W>) -> Result<()>;

fn move_list<W: File>(
    list: &[u8],
    into: &mut ListBuilder,
    moved: &mut Moved,
    to: &mut PayloadWriter<W>,
    move_part: MovePart<'_, W>,
) -> Result<()> {
    for item in items(list, u32::MAX) {
        match item.map_err(|f| Error::invalid(f.what))? {
            Item::Literal(bytes) => into.push_literal(bytes),
            Item::Run { first, mut count, separator } => {
                planted::when(Bug::LastPartDropped, || count -= u32::from(count > 1));
                for part in first..first.saturating_add(count) {
                    if moved.find(part).is_none() {
                        move_part(part, moved, to)?;
                    }
                    into.push_part(separator, moved.find(part).unwrap_or(UNKNOWN));
                }
            }
        }
    }
    Ok(())
}

/// Writes a part by itself.
fn move_alone<W: File>(
    part: u32,
    moved: &mut Moved,
    to: &mut PayloadWriter<W>,
    read: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    read(&mut |bytes| {
        moved.note(part, to.part(bytes)?);
        Ok(())
    })
}
