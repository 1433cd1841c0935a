//! What can be read of segments: every live row, as records.

use super::corruption;
use super::dead::{self, Unlisted};
use super::live::{Live, LiveSegment};
use super::loss::{Loss, Losses, Lost};
use super::records::{ReadPayload, Why, records_of};
use crate::column::LastBlock;
use crate::error::{Error, Fault, Result};
use crate::fs::{Dir, FileName, Mapped, map_whole};
use crate::id::Id;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::model::{PayloadRef, Record, Target};
use crate::part::{Item, PrintKey, items};
use crate::segment::{
    ColumnId, PayloadFile, PayloadReader, Readable, ReadableRow, RowKind, SectionId, columns,
};
use crate::snapshot::DeadRows;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Hands out the live rows of all segments, oldest first.
///
/// # Errors
/// `Io`, or what `each` returns.
pub fn read<D: Dir>(
    dir: &D,
    live: &Live,
    readable: Vec<Readable<D>>,
    each: &mut dyn FnMut(Record) -> Result<()>,
    losses: &mut Losses<'_>,
) -> Result<()> {
    let mut whole = Vec::new();
    let mut known = Vec::new();
    for (state, readable) in live.segments.iter().zip(readable) {
        match &readable.segment {
            Some(segment) => {
                whole.push((Arc::clone(segment), Unlisted::of(&readable)));
                known.push((*state, readable));
            }
            None => losses.push(unreadable(dir, state, &readable)),
        }
    }
    let dead = dead::find(live.header.key, &whole);
    for (((state, readable), dead), (_, unlisted)) in known.iter().zip(&dead).zip(&whole) {
        let payload = open_payload(dir, state, readable)?;
        let file = |name: FileName| dir.path().join(name.to_string());
        let rows = Rows {
            readable,
            dead,
            skeleton: file(FileName::Skeleton(state.id)),
            payload: file(FileName::Payload(state.id)),
            prints: PrintKey::new(&live.header.key),
        };
        if matches!(unlisted, Unlisted::Yes(_)) {
            losses.push(rows.loss(columns::OLD_ROW, None, Lost::Erasures));
        }
        rows.read(payload, each, losses)?;
    }
    Ok(())
}

fn unreadable<D: Dir>(dir: &D, state: &LiveSegment, readable: &Readable<D>) -> Loss {
    let file = dir.path().join(FileName::Skeleton(state.id).to_string());
    let (offset, why) = readable
        .unsound
        .last()
        .map_or((0, "the file is missing"), |unsound| (unsound.offset, &*unsound.what));
    let seqs = state.seqs.map(|(first, last)| (first, Some(last)));
    Loss { seqs, ..Loss::at(&file, offset, why, Lost::Records) }
}

/// A payload file as it is: where its directories are damaged, fingerprints decide what of it is
/// right.
struct Payloads<M> {
    file: Result<PayloadFile<M>, Why>,
    /// What of it is damaged, but for blocks and lists.
    damage: Option<Fault>,
}

fn open_payload<D: Dir>(
    dir: &D,
    state: &LiveSegment,
    readable: &Readable<D>,
) -> Result<Payloads<D::Map>> {
    let path = dir.path().join(FileName::Payload(state.id).to_string());
    let gone = |offset, why: &str| {
        Ok(Payloads { file: Err((path.clone(), offset, why.to_owned())), damage: None })
    };
    if state.payload_expired {
        return gone(0, "its bytes had expired");
    }
    let map = match map_whole(dir, FileName::Payload(state.id)) {
        Ok(map) => map,
        Err(e) => {
            let (offset, why) = corruption(e, &path)?;
            return gone(offset, &why);
        }
    };
    let facts = readable.segment.as_ref().map(|segment| segment.facts());
    match PayloadFile::open_readable(&path, state.id, map, facts.map(|facts| facts.parts)) {
        Ok((file, damage)) => {
            if facts.is_some_and(|facts| facts.payload_file_crc != file.footer().crc) {
                return gone(0, "the payload file belongs to another skeleton file");
            }
            Ok(Payloads { file: Ok(file), damage })
        }
        Err(Fault { at, what }) => gone(at, &what),
    }
}

struct Rows<'a, D: Dir> {
    readable: &'a Readable<D>,
    dead: &'a DeadRows,
    skeleton: PathBuf,
    payload: PathBuf,
    prints: PrintKey,
}

impl<D: Dir> Rows<'_, D> {
    /// A loss by this column, which is not sound in this row, or in any.
    fn loss(&self, column: ColumnId, row: Option<u32>, what: Lost) -> Loss {
        let in_row = row.and_then(|row| self.readable.unsound_at(column, row));
        match in_row.or_else(|| self.readable.first_unsound(column)) {
            Some(u) => Loss::at(&self.skeleton, u.offset, &u.what, what),
            None => {
                let why = format!("{} does not say it", columns::column_name(column));
                Loss::at(&self.skeleton, 0, &why, what)
            }
        }
    }

    fn is_live(&self, kind: RowKind, row: u32) -> bool {
        !self.dead.contains(kind, row)
    }

    fn read(
        &self,
        payloads: Payloads<D::Map>,
        each: &mut dyn FnMut(Record) -> Result<()>,
        losses: &mut Losses<'_>,
    ) -> Result<()> {
        let Some(segment) = self.readable.segment.as_deref() else { return Ok(()) };
        let mut reader = payloads.file.as_ref().ok().map(|file| PayloadReader::new(file, None));
        let mut bytes = |payload: &PayloadRef| match (&mut reader, &payloads.file) {
            (Some(reader), Ok(file)) => self.bytes(payload, file, payloads.damage.as_ref(), reader),
            (_, Err(why)) => Ok(Err(why.clone())),
            (None, Ok(_)) => Ok(Err((self.payload.clone(), 0, "is not open".to_owned()))),
        };
        let rows = self.readable.trace_rows();
        let (mut of_traces, mut of_observations) = (LastBlock::default(), LastBlock::default());
        for row in 0..segment.facts().traces {
            let range = rows.get(row as usize).cloned().flatten();
            let trace = match self.readable.trace_id(row) {
                Ok(trace) => trace,
                Err(hidden) => {
                    self.nameless(row, range, hidden, losses);
                    continue;
                }
            };
            if self.is_live(RowKind::Trace, row) {
                let first = range.as_ref().map(|range| range.start);
                let found = self.readable.trace(row, first, &mut of_traces);
                let target = Target::Trace { trace: trace.clone() };
                let of = (columns::TRACE_DETAILS, row, row);
                self.emit(target, found, of, &mut bytes, each, losses)?;
            }
            let (start, of_trace) = (self.readable.trace_start(row), row);
            for row in range.unwrap_or(0..0).filter(|r| self.is_live(RowKind::Observation, *r)) {
                let Some(target) = self.observation(&trace, row, losses) else { continue };
                let last = &mut of_observations;
                let found = self.readable.observation(row, of_trace, start, last);
                let of = (columns::OBS_DETAILS, row, of_trace);
                self.emit(target, found, of, &mut bytes, each, losses)?;
            }
        }
        let known: usize = rows.iter().flatten().map(ExactSizeIterator::len).sum();
        let unknown = u64::from(segment.facts().observations).saturating_sub(known as u64);
        if unknown > 0 {
            let loss = self.loss(columns::TRACE_ROWS, None, Lost::Rows);
            losses.push(Loss { count: unknown, ..loss });
        }
        let mut last = LastBlock::default();
        for row in (0..segment.facts().scores).filter(|row| self.is_live(RowKind::Score, *row)) {
            match self.readable.score_id(row) {
                Ok(score) => {
                    let found = self.readable.score(row, &mut last);
                    let target = Target::Score { score };
                    let of = (columns::SCORE_DETAILS, row, row);
                    self.emit(target, found, of, &mut bytes, each, losses)?;
                }
                Err(hidden) => losses.push(self.loss(hidden, Some(row), Lost::Rows)),
            }
        }
        Ok(())
    }

    /// A trace without a readable id takes its observations with it.
    fn nameless(
        &self,
        row: u32,
        rows: Option<Range<u32>>,
        hidden: ColumnId,
        losses: &mut Losses<'_>,
    ) {
        let observations = rows.unwrap_or(0..0);
        let live =
            observations.filter(|row| self.is_live(RowKind::Observation, *row)).count() as u64;
        let count = live + u64::from(self.is_live(RowKind::Trace, row));
        if count > 0 {
            losses.push(Loss { count, ..self.loss(hidden, Some(row), Lost::Rows) });
        }
    }

    fn observation(&self, trace: &Id, row: u32, losses: &mut Losses<'_>) -> Option<Target> {
        match self.readable.observation_id(row) {
            Ok(observation) => Some(Target::Observation { trace: trace.clone(), observation }),
            Err(hidden) => {
                let target = Some(Target::Trace { trace: trace.clone() });
                losses.push(Loss { target, ..self.loss(hidden, Some(row), Lost::Rows) });
                None
            }
        }
    }

    fn emit(
        &self,
        target: Target,
        found: ReadableRow,
        (details, row, trace): (SectionId, u32, u32),
        read: ReadPayload<'_>,
        each: &mut dyn FnMut(Record) -> Result<()>,
        losses: &mut Losses<'_>,
    ) -> Result<()> {
        let of = |loss: Loss| Loss { target: Some(target.clone()), ..loss };
        let row_of =
            |hidden: ColumnId| Some(if hidden.section == columns::TRACES { trace } else { row });
        if let Some(fault) = &found.no_details {
            let loss = match self.readable.is_sound(details.whole()) {
                true => {
                    let offset = self.readable.offset(details) + fault.at;
                    Loss::at(&self.skeleton, offset, &fault.what, Lost::Details)
                }
                false => self.loss(details.whole(), None, Lost::Details),
            };
            losses.push(of(loss));
        }
        if let Some(hidden) = found.no_times {
            losses.push(of(self.loss(hidden, row_of(hidden), Lost::Times)));
        }
        for (field, hidden) in &found.lost {
            losses.push(of(Loss {
                field: Some(*field),
                ..self.loss(*hidden, row_of(*hidden), Lost::Field)
            }));
        }
        for record in records_of(&target, found.fields, read, losses)? {
            each(record)?;
        }
        Ok(())
    }

    /// The bytes of a payload, if they come to its length and fingerprint.
    fn bytes<M: Mapped>(
        &self,
        payload: &PayloadRef,
        file: &PayloadFile<M>,
        damage: Option<&Fault>,
        reader: &mut PayloadReader<'_, M>,
    ) -> Result<Result<Vec<u8>, Why>> {
        // Where a directory is damaged, that is the reason.
        let because = |(offset, what): (u64, String)| {
            let (offset, what) = match damage {
                Some(fault) => (fault.at, fault.what.clone()),
                None => (offset, what),
            };
            Ok(Err((self.payload.clone(), offset, what)))
        };
        let unknown = payload.len == u64::MAX;
        if unknown && damage.is_some() {
            return because((0, "neither its length nor where it lies is known".to_owned()));
        }
        let list = match reader.part_list(payload.number) {
            Ok(list) => list,
            Err(e) => return because(corruption(e, &self.payload)?),
        };
        if list.is_empty() && payload.len > 0 && !unknown {
            return because((0, "its bytes had expired".to_owned()));
        }
        let mut bytes = Vec::new();
        if let Err(e) = join(&list, file.parts(), reader, &mut bytes) {
            return because(corruption(e, &self.payload)?);
        }
        let print = self.prints.finish(self.prints.print(&bytes));
        if !unknown && (bytes.len() as u64, print) != (payload.len, payload.print) {
            return because((0, "its parts do not come to its fingerprint".to_owned()));
        }
        Ok(Ok(bytes))
    }
}

/// Puts a payload together from its list.
fn join<M: Mapped>(
    list: &[u8],
    parts: usize,
    reader: &mut PayloadReader<'_, M>,
    bytes: &mut Vec<u8>,
) -> Result<()> {
    let too_long = || Error::limit("a payload is longer than its limit");
    let mut add = |piece: &[u8]| {
        if bytes.len() + piece.len() > PAYLOAD_BYTES_MAX {
            return Err(too_long());
        }
        bytes.extend_from_slice(piece);
        Ok(())
    };
    for item in items(list, u32::try_from(parts).unwrap_or(u32::MAX)) {
        match item.map_err(|fault| Error::invalid(fault.what))? {
            Item::Literal(literal) => add(literal)?,
            Item::Run { first, count, separator } => {
                for part in first..first.saturating_add(count) {
                    add(separator.bytes())?;
                    reader.part(part, &mut add)?;
                }
            }
        }
    }
    Ok(())
}
