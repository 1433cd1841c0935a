use super::found::{Found, Starts, found_in};
use super::newest::{Newest, NewestFirst};
use crate::codec::{Listed, decode_record};
use crate::error::{Error, Fault, Result};
use crate::frame::{FileHeader, FrameKind, FrameRef, GroupView, PieceAt};
use crate::fs::File;
use crate::id::{Id, Identity, LogId, Seq, StoreKey};
use crate::limits::{LITERAL_BYTES_MAX, LOG_PARTS_MAX, PAYLOAD_BYTES_MAX};
use crate::model::{PayloadRef, Record, Source};
use crate::shards::Shards;
use crate::sync::{Mutex, RwLock, RwLockReadGuard};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

/// A record with the seq it was appended under.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Position in append order.
    pub seq: Seq,
    /// What it says.
    pub record: Record<PayloadRef>,
}

/// Parts of one log, at most: a log that is not full yet takes one batch more, and its parts are
/// longer than literals but for the separators before them.
const PARTS_MAX: usize = LOG_PARTS_MAX as usize + 2 * PAYLOAD_BYTES_MAX / LITERAL_BYTES_MAX;

/// Records of a trace that are decoded before they are used.
const DECODED_AT_ONCE: usize = 64;

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
struct At {
    seq: Seq,
    frame: u32,
    record: u32,
}

/// Where a part stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartAt {
    pub piece: u32,
    pub offset: u32,
    pub len: u32,
}

/// Where a piece stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct PieceInFile {
    first_part: u32,
    pub offset: u64,
    pub piece: PieceAt,
}

/// The records of a trace or a score.
#[derive(Debug)]
struct Records {
    places: Vec<At>,
    starts: Starts,
}

/// Ids are chosen by clients: their lowest bits say which map, and the map's own hash the rest.
type ByIdentity = Shards<HashMap<Identity, Records>>;

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Skeletons of frames with records, by the seq of the first.
    frames: Vec<(Seq, GroupView)>,
    traces: ByIdentity,
    scores: ByIdentity,
    subjects: HashMap<u64, Vec<Identity>>,
    erased: HashMap<Identity, Vec<Seq>>,
    erased_ids: Vec<Id>,
    tombstones: Vec<At>,
    /// Lengths of all parts; 0 for those that are gone.
    part_lens: Vec<u32>,
    pub(super) pieces: Vec<PieceInFile>,
    bytes: usize,
    records: u64,
    first_seq: Option<Seq>,
    last_seq: Seq,
}

/// The table over one log.
#[derive(Debug)]
pub struct LogTable<F: File> {
    id: LogId,
    pub(super) path: PathBuf,
    pub(super) file: F,
    key: StoreKey,
    pub(super) inner: RwLock<Inner>,
    newest: Mutex<NewestFirst>,
}

impl<F: File> LogTable<F> {
    /// An empty table over an open log.
    pub fn new(path: PathBuf, file: F, header: &FileHeader) -> LogTable<F> {
        let (inner, newest) = (RwLock::default(), Mutex::default());
        LogTable { id: LogId(header.number), path, file, key: header.key, inner, newest }
    }

    /// Which log.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// The open file.
    pub fn file(&self) -> &F {
        &self.file
    }

    /// Memory that the table takes, in bytes.
    pub fn memory(&self) -> usize {
        let newest = self.newest.lock().memory();
        let inner = self.inner.read();
        newest
            + inner.bytes
            + inner.part_lens.capacity() * size_of::<u32>()
            + inner.pieces.capacity() * size_of::<PieceInFile>()
    }

    /// Records in the table.
    pub fn records(&self) -> u64 {
        self.inner.read().records
    }

    /// Parts in the log.
    pub fn parts(&self) -> u32 {
        u32::try_from(self.inner.read().part_lens.len()).unwrap_or(u32::MAX)
    }

    /// First and last seq, if there are records.
    pub fn seqs(&self) -> Option<(Seq, Seq)> {
        let inner = self.inner.read();
        inner.first_seq.map(|first| (first, inner.last_seq))
    }

    /// Adds a frame that was read or written: its records become visible to whoever asks for
    /// their seqs. Frames come in file order. Markers and padding are passed over.
    ///
    /// # Errors
    /// `Corruption` where the frame's checksum holds but its content makes no sense,
    /// `UnsupportedFormat` for a codec of a newer version; the table is as before then.
    pub fn add(&self, frame: &FrameRef, payload: &[u8]) -> Result<()> {
        match frame.header.kind {
            FrameKind::Records | FrameKind::Parts => frame.check_codec(&self.path)?,
            FrameKind::Marker | FrameKind::Pad => return Ok(()),
            FrameKind::Edit => {
                let what = "an edit of a manifest";
                return Err(Error::corruption_at(&self.path, frame.offset, what));
            }
        }
        let body_offset = frame.payload_offset();
        let fault = |f: Fault| f.in_file(&self.path, body_offset);
        let view = GroupView::parse(payload).map_err(fault)?;
        let count = view.records().count();
        if count != frame.header.records as usize {
            let what = format!("{count} records in a frame of {}", frame.header.records);
            return Err(fault(Fault::new(0, what)));
        }
        let records = match frame.header.kind {
            FrameKind::Records => found_in(&view, &self.key).map_err(fault)?,
            _ => Vec::new(),
        };
        self.add_view(frame, view, records)
    }

    /// Adds a frame that was written, with what was found in its records when they were encoded.
    /// See [`add`](Self::add).
    ///
    /// # Errors
    /// `Corruption` where its parts do not follow those of the frame before.
    pub fn add_view(&self, frame: &FrameRef, view: GroupView, records: Vec<Found>) -> Result<()> {
        let body_offset = frame.payload_offset();
        let fault = |f: Fault| f.in_file(&self.path, body_offset);
        let mut inner = self.inner.write();
        let next = inner.part_lens.len();
        if view.first_part() as usize != next {
            let what = format!("parts start at {}, not {next}", view.first_part());
            return Err(fault(Fault::new(0, what)));
        }
        inner.add_parts(&view, body_offset).map_err(fault)?;
        if frame.header.kind == FrameKind::Records {
            inner.add_records(frame.header.seq, view, records);
        }
        Ok(())
    }

    /// Up to this part all that are not there are gone with the frames that held them: whoever
    /// reads one of them is told so.
    ///
    /// # Errors
    /// `LimitExceeded` where no log has so many parts.
    pub fn skip_parts(&self, first: u32) -> Result<()> {
        let mut inner = self.inner.write();
        if first as usize > PARTS_MAX {
            return Err(Error::limit(format!("part {first} is past what a log can hold")));
        }
        let held = inner.part_lens.len();
        inner.part_lens.resize(held.max(first as usize), 0);
        Ok(())
    }

    fn decode(&self, inner: &Inner, at: At) -> Result<Appended> {
        let fault = |f: Fault| f.in_file(&self.path, 0);
        let view = inner.frames.get(at.frame as usize).map(|(_, view)| view);
        let bytes = view.and_then(|v| v.record(at.record as usize));
        let bytes = bytes.ok_or_else(|| fault(Fault::new(0, "a record is missing")))?;
        let record = decode_record(bytes).map_err(fault)?;
        Ok(Appended { seq: at.seq, record: placed(record, self.id, at.frame) })
    }

    fn decode_all(&self, inner: &Inner, places: &[At], seq_max: Seq) -> Result<Vec<Appended>> {
        let visible = places.iter().take_while(|at| at.seq <= seq_max);
        visible.map(|at| self.decode(inner, *at)).collect()
    }

    /// Hands out the records of a trace and its observations up to `seq_max`, in append order.
    /// Memory: a few of them; appending goes on while they are used.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn each_of_trace(
        &self,
        trace: Identity,
        seq_max: Seq,
        each: &mut dyn FnMut(Appended),
    ) -> Result<()> {
        let mut done = 0;
        loop {
            let some = {
                let inner = self.inner.read();
                let left = places(&inner.traces, trace).get(done..).unwrap_or_default();
                self.decode_all(&inner, &left[..left.len().min(DECODED_AT_ONCE)], seq_max)?
            };
            let is_last = some.len() < DECODED_AT_ONCE;
            done += some.len();
            some.into_iter().for_each(&mut *each);
            if is_last {
                return Ok(());
            }
        }
    }

    /// The last record of a trace up to `seq_max`: changes when the answer of
    /// [`each_of_trace`](Self::each_of_trace) does, and never comes again.
    pub fn trace_last(&self, trace: Identity, seq_max: Seq) -> Option<Seq> {
        let inner = self.inner.read();
        let places = places(&inner.traces, trace);
        let visible = places.partition_point(|at| at.seq <= seq_max);
        places.get(visible.checked_sub(1)?).map(|at| at.seq)
    }

    /// The records of a score up to `seq_max`, in append order.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn score(&self, score: Identity, seq_max: Seq) -> Result<Vec<Appended>> {
        let inner = self.inner.read();
        self.decode_all(&inner, places(&inner.scores, score), seq_max)
    }

    /// The records from `first` to `last`, in append order.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn range(&self, first: Seq, last: Seq) -> Result<Vec<Record<PayloadRef>>> {
        let inner = self.inner.read();
        let mut records = Vec::new();
        for (number, (frame, view)) in inner.frames.iter().enumerate() {
            let end = Seq(frame.0 + view.records().count() as u64);
            if end <= first || *frame > last {
                continue;
            }
            for i in 0..view.records().count() {
                let seq = Seq(frame.0 + i as u64);
                if first <= seq && seq <= last {
                    let at = At { seq, frame: number as u32, record: i as u32 };
                    records.push(self.decode(&inner, at)?.record);
                }
            }
        }
        Ok(records)
    }

    /// The last tombstone of a trace up to `seq_max`.
    pub fn trace_erased(&self, trace: Identity, seq_max: Seq) -> Option<Seq> {
        let inner = self.inner.read();
        inner.erased.get(&trace)?.iter().copied().filter(|seq| *seq <= seq_max).max()
    }

    /// Traces that were erased.
    pub fn erased_traces(&self) -> Vec<Id> {
        self.inner.read().erased_ids.clone()
    }

    /// All tombstones, in append order.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn tombstones(&self) -> Result<Vec<Appended>> {
        let inner = self.inner.read();
        inner.tombstones.iter().map(|at| self.decode(&inner, *at)).collect()
    }

    /// Whether there is anything of a score.
    pub fn has_score(&self, score: Identity) -> bool {
        of(&self.inner.read().scores, score).is_some()
    }

    /// Scores that a record about this subject was appended of; see `Subject::lookup_hash`.
    pub fn subject_scores(&self, hash: u64) -> Vec<Identity> {
        self.inner.read().subjects.get(&hash).cloned().unwrap_or_default()
    }

    /// Every trace that there is anything of up to `seq_max`, sorted.
    pub fn traces(&self, seq_max: Seq) -> Vec<Identity> {
        sorted(&self.inner.read().traces, seq_max)
    }

    /// Every trace and between which times it starts, the newest first, those of later records among
    /// them. Cost: a sort, once a change; memory: 48 bytes a trace.
    pub fn newest_first(&self) -> Arc<[Newest]> {
        let (records, mut traces) = {
            let inner = self.inner.read();
            if let Some(sorted) = self.newest.lock().of(inner.records) {
                return sorted;
            }
            let all = inner.traces.iter().flatten();
            let all = all.map(|(trace, records)| Newest::new(*trace, records.starts));
            (inner.records, all.collect::<Vec<Newest>>())
        };
        traces.sort_unstable_by_key(|newest| Reverse(*newest));
        let traces = traces.into();
        self.newest.lock().keep(records, &traces);
        traces
    }

    /// Every score that there is anything of up to `seq_max`, sorted.
    pub fn scores(&self, seq_max: Seq) -> Vec<Identity> {
        sorted(&self.inner.read().scores, seq_max)
    }

    /// The encoded part list of a payload.
    pub(super) fn list<'a>(inner: &'a RwLockReadGuard<'_, Inner>, number: u64) -> Option<&'a [u8]> {
        let frame = usize::try_from(number >> 32).ok()?;
        let list = (number & u64::from(u32::MAX)) as usize;
        inner.frames.get(frame)?.1.list(list)
    }
}

impl Records {
    /// Whether one of them is there up to `seq_max`.
    fn since(&self, seq_max: Seq) -> bool {
        self.places.first().is_some_and(|at| at.seq <= seq_max)
    }
}

fn of(maps: &ByIdentity, id: Identity) -> Option<&Records> {
    maps.of(id.bits as u64).get(&id)
}

fn places(maps: &ByIdentity, id: Identity) -> &[At] {
    of(maps, id).map_or(&[], |records| &records.places)
}

fn sorted(maps: &ByIdentity, seq_max: Seq) -> Vec<Identity> {
    let all = maps.iter().flatten();
    let mut ids: Vec<Identity> =
        all.filter(|(_, records)| records.since(seq_max)).map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

impl Inner {
    fn add_parts(&mut self, view: &GroupView, body_offset: u64) -> Result<(), Fault> {
        let lens = view.part_lens();
        if self.part_lens.len() + lens.len() > PARTS_MAX {
            return Err(Fault::new(0, "too many parts in one log"));
        }
        let mut first_part = view.first_part();
        for piece in view.pieces() {
            let offset = body_offset + u64::from(piece.body_offset);
            self.pieces.push(PieceInFile { first_part, offset, piece: *piece });
            first_part = first_part.saturating_add(piece.part_count);
        }
        self.part_lens.extend_from_slice(lens);
        Ok(())
    }

    /// Where a part stands, unless it is gone. Cost: a search for its piece, and a walk over the
    /// lengths of those before it there.
    pub(super) fn part(&self, number: u32) -> Option<PartAt> {
        let after = self.pieces.partition_point(|piece| piece.first_part <= number);
        let at = after.checked_sub(1)?;
        let PieceInFile { first_part, piece, .. } = self.pieces[at];
        let in_piece = (number - first_part) as usize;
        let lens = self.part_lens.get(first_part as usize..)?.get(..piece.part_count as usize)?;
        let (len, before) = (*lens.get(in_piece)?, &lens[..in_piece]);
        Some(PartAt { piece: u32::try_from(at).ok()?, offset: before.iter().sum(), len })
    }

    fn add_records(&mut self, first: Seq, view: GroupView, records: Vec<Found>) {
        let frame = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        for (i, found) in records.into_iter().enumerate() {
            let seq = Seq(first.0.saturating_add(i as u64));
            let at = At { seq, frame, record: u32::try_from(i).unwrap_or(u32::MAX) };
            // Lists of places grow by doubling.
            self.bytes += 2 * size_of::<At>();
            if found.starts.erases {
                self.tombstones.push(at);
                self.bytes += size_of::<At>();
            }
            if let Some(id) = found.erased {
                self.erased.entry(found.identity).or_default().push(seq);
                self.erased_ids.push(id);
                self.bytes += 128;
            }
            if let Some(subject) = found.subject {
                let list = self.subjects.entry(subject).or_default();
                if !list.contains(&found.identity) {
                    list.push(found.identity);
                    self.bytes += 96;
                }
            }
            let maps = if found.score { &mut self.scores } else { &mut self.traces };
            self.bytes += push(maps, found.identity, at, found.starts);
            self.first_seq.get_or_insert(seq);
            self.last_seq = seq;
            self.records += 1;
        }
        self.bytes += view.memory();
        self.frames.push((first, view));
    }
}

fn push(maps: &mut ByIdentity, id: Identity, at: At, starts: Starts) -> usize {
    match maps.of_mut(id.bits as u64).entry(id) {
        Entry::Occupied(mut there) => {
            let records = there.get_mut();
            records.places.push(at);
            records.starts = records.starts.and(starts);
            0
        }
        Entry::Vacant(free) => {
            free.insert(Records { places: vec![at], starts });
            // The entry, at most half of the slots of its map in use, and what its list begins with.
            224
        }
    }
}

/// The record with its payloads' places in this log.
fn placed(record: Record<Listed>, log: LogId, frame: u32) -> Record<PayloadRef> {
    record.map_payloads(&mut |p: Listed| PayloadRef {
        len: p.len,
        print: p.print,
        source: Source::Log(log),
        number: u64::from(frame) << 32 | u64::from(p.list),
    })
}

#[cfg(test)]
mod tests;
