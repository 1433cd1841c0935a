//! What can be read of logs: the records of every sound frame, but for payloads whose parts are
//! gone.

use super::corruption;
use super::live::{Live, LiveLog};
use super::loss::{Loss, Losses, Lost};
use crate::codec::{CODEC_ID, Listed, decode_record};
use crate::error::{Error, Result};
use crate::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameHeader, FrameKind, FrameRef, GroupView, Previous,
    Scan, scan,
};
use crate::fs::{Dir, File, FileName, read_head, read_whole};
use crate::id::{LogId, Seq};
use crate::limits::{LOG_READ_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::log::{LogReader, LogTable};
use crate::model::{Body, FieldValue, Record, Value};
use crate::part::{Item, PrintKey, items};
use std::path::{Path, PathBuf};

/// Decompressed pieces kept of a log: 32 MiB.
const PIECES_KEPT: usize = 512;

struct Log<F> {
    path: PathBuf,
    file: F,
    bytes: Vec<u8>,
    header: FileHeader,
    /// Frames in order; where bytes are missing between two, they are damaged.
    frames: Vec<FrameRef>,
    /// Where its frames should end, and why those that are missing are.
    damage: Option<(u64, String)>,
}

/// Hands out the records of all logs.
///
/// # Errors
/// `Io`, `UnsupportedFormat`, or what `each` returns.
pub fn read<D: Dir>(
    dir: &D,
    live: &Live,
    each: &mut dyn FnMut(Record) -> Result<()>,
    losses: &mut Losses<'_>,
) -> Result<()> {
    let mut seq = live.segments.iter().filter_map(|s| s.seqs).map(|(_, last)| last.0 + 1).max();
    for at in 0..live.logs.len() {
        let next = live.logs.get(at + 1);
        match open(dir, live, at)? {
            Ok(log) => {
                let first = Seq(seq.unwrap_or(1));
                let after =
                    next.map(|next| first_seq(dir, &live.header, next)).transpose()?.flatten();
                gaps(&log, first, after, losses);
                let last = log.frames.iter().map(seq_after).max();
                read_log(log, live, each, losses)?;
                seq = seq.max(last.map(|last| last.0));
            }
            Err((path, offset, why)) => {
                let after =
                    next.map(|next| first_seq(dir, &live.header, next)).transpose()?.flatten();
                let (first, last) = (Seq(seq.unwrap_or(1)), after.map(before));
                // Where no seqs are missing, it was sealed or had none.
                if last.is_none_or(|last| last >= first) {
                    let seqs = Some((first, last));
                    losses.push(Loss { seqs, ..Loss::at(&path, offset, &why, Lost::Records) });
                }
            }
        }
    }
    Ok(())
}

/// The highest seq of any sound frame.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn last_seq<D: Dir>(dir: &D, live: &Live) -> Result<Seq> {
    let mut last = Seq(0);
    for at in 0..live.logs.len() {
        if let Ok(log) = open(dir, live, at)? {
            let after = log.frames.iter().map(seq_after).max().unwrap_or_default();
            last = last.max(Seq(after.0.saturating_sub(1)));
        }
    }
    Ok(last)
}

fn before(seq: Seq) -> Seq {
    Seq(seq.0.saturating_sub(1))
}

/// The first seq of the oldest log that tells it.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn first_logged<D: Dir>(dir: &D, store: &FileHeader, logs: &[LiveLog]) -> Result<Option<Seq>> {
    for log in logs {
        if let Some(seq) = first_seq(dir, store, log)? {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

/// The log that this one follows, as its header says.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn previous<D: Dir>(dir: &D, id: LogId, store: &FileHeader) -> Result<Option<LogId>> {
    let previous = previous_of(dir, &LiveLog { id, end: None }, store)?;
    Ok(previous.map(|previous| LogId(previous.number)).filter(|id| id.0 > 0))
}

fn seq_after(frame: &FrameRef) -> Seq {
    Seq(frame.header.seq.0.saturating_add(u64::from(frame.header.records)))
}

type Why = (PathBuf, u64, String);

fn open<D: Dir>(dir: &D, live: &Live, at: usize) -> Result<Result<Log<D::File>, Why>> {
    let log = live.logs[at];
    let path = dir.path().join(FileName::Log(log.id).to_string());
    let file = match dir.open(FileName::Log(log.id)) {
        Ok(file) => file,
        Err(e) => {
            let (offset, why) = corruption(e, &path)?;
            return Ok(Err((path, offset, why)));
        }
    };
    let bytes = match read_whole(&file, &path, LOG_READ_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(e) => {
            let (offset, why) = corruption(e, &path)?;
            return Ok(Err((path, offset, why)));
        }
    };
    let header = match header_of(&bytes, &path, &live.header, log.id.0)? {
        Ok(header) => header,
        Err(why) => return Ok(Err((path, 0, why))),
    };
    let scan = scan(&bytes, &header);
    let next = live.logs.get(at + 1);
    let end = match (log.end, next) {
        (Some(end), _) => Some(end),
        (None, Some(next)) => previous_of(dir, next, &live.header)?
            .filter(|previous| previous.number == log.id.0)
            .map(|previous| previous.end),
        (None, None) => None,
    };
    // A log that has a successor was synced as a whole.
    let whole = end.or(next.map(|_| scan.written(bytes.len() as u64)));
    let (frames, damage) = frames_of(&bytes, &scan, whole);
    Ok(Ok(Log { path, file, bytes, header, frames, damage }))
}

/// The frames that count, and where they should end if they do not. Bad bytes behind all promises
/// of the last log are a torn tail: neither they nor what follows was promised.
fn frames_of(
    bytes: &[u8],
    scan: &Scan,
    end: Option<u64>,
) -> (Vec<FrameRef>, Option<(u64, String)>) {
    let mut frames = scan.frames.clone();
    frames.retain(|frame| end.is_none_or(|end| frame.end() <= end));
    let promised = end.unwrap_or(scan.promise_max);
    if scan.end >= promised {
        return (frames, None);
    }
    let beyond = scan.sound_beyond(bytes);
    frames.extend(beyond.into_iter().filter(|f| end.is_none_or(|end| f.end() <= end)));
    let why = match &scan.stop {
        Some(stop) => stop.what.clone(),
        None => format!("the log ends here, and {promised} bytes were promised"),
    };
    (frames, Some((promised, why)))
}

/// A log's header; where it is damaged, the salt is looked for, which frames are known by.
fn header_of(
    bytes: &[u8],
    path: &Path,
    store: &FileHeader,
    number: u64,
) -> Result<Result<FileHeader, String>> {
    let why = match FileHeader::parse(bytes, FileKind::Log) {
        Ok(header) if header.store == store.store && header.number == number => {
            return Ok(Ok(FileHeader { key: store.key, ..header }));
        }
        Ok(_) => "the log belongs to another store".to_owned(),
        Err(fault) => {
            let error = fault.in_file(path);
            match error.corruption() {
                Some(c) => c.what.clone(),
                None => return Err(error),
            }
        }
    };
    let word = |at: usize| {
        bytes.get(at..).and_then(|b| b.first_chunk::<8>()).map_or(0, |b| u64::from_le_bytes(*b))
    };
    // Either the salt is as it was, or the time that it was made from.
    let (kind, created_ns) = (FileKind::Log, word(80) as i64);
    let made = FileHeader { kind, number, created_ns, ..store.clone() }.salted();
    let salts = [word(64), made.salt];
    let frames = bytes.get(FILE_HEADER_BYTES..).unwrap_or_default();
    let fits = |salt: &u64| FrameHeader::parse(frames, FILE_HEADER_BYTES as u64, *salt).is_some();
    let previous = Previous::default();
    let header = |salt| FileHeader { kind, number, salt, previous, ..store.clone() };
    Ok(salts.into_iter().find(fits).map(header).ok_or(why))
}

/// What a log's header says of the log before it.
fn previous_of<D: Dir>(dir: &D, log: &LiveLog, store: &FileHeader) -> Result<Option<Previous>> {
    let Some((bytes, path)) = head(dir, log)? else { return Ok(None) };
    match FileHeader::parse(&bytes, FileKind::Log) {
        Ok(header) if header.store == store.store => Ok(Some(header.previous)),
        Ok(_) => Ok(None),
        Err(fault) => match fault.in_file(&path) {
            e if e.corruption().is_some() => Ok(None),
            e => Err(e),
        },
    }
}

fn head<D: Dir>(dir: &D, log: &LiveLog) -> Result<Option<(Vec<u8>, PathBuf)>> {
    let path = dir.path().join(FileName::Log(log.id).to_string());
    let file = match dir.open(FileName::Log(log.id)) {
        Err(e) if e.is_not_found() || e.corruption().is_some() => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; FILE_HEADER_BYTES + crate::frame::FRAME_HEADER_BYTES];
    let n = read_head(&file, &path, &mut bytes)?;
    bytes.truncate(n);
    Ok(Some((bytes, path)))
}

/// The seq that a log begins with.
fn first_seq<D: Dir>(dir: &D, store: &FileHeader, log: &LiveLog) -> Result<Option<Seq>> {
    let Some((bytes, path)) = head(dir, log)? else { return Ok(None) };
    let Ok(header) = header_of(&bytes, &path, store, log.id.0)? else { return Ok(None) };
    let frame = bytes.get(FILE_HEADER_BYTES..).unwrap_or_default();
    let frame = FrameHeader::parse(frame, FILE_HEADER_BYTES as u64, header.salt);
    Ok(frame.map(|frame| frame.seq))
}

/// Tells of the bytes between frames.
fn gaps<F>(log: &Log<F>, first: Seq, after: Option<Seq>, losses: &mut Losses<'_>) {
    let Some((end, why)) = &log.damage else { return };
    let (mut at, mut seq) = (FILE_HEADER_BYTES as u64, first);
    let mut gap = |from: u64, to: u64, seq: Seq, next: Option<Seq>| {
        let last = next.map(before);
        // Markers and padding hold no records.
        if from < to && last.is_none_or(|last| last >= seq) {
            let (seqs, bytes) = (Some((seq, last)), to - from);
            losses.push(Loss { seqs, bytes, ..Loss::at(&log.path, from, why, Lost::Records) });
        }
    };
    for frame in &log.frames {
        gap(at, frame.offset, seq, Some(frame.header.seq));
        (at, seq) = (frame.end(), seq_after(frame));
    }
    gap(at, *end, seq, after);
}

fn read_log<F: File>(
    log: Log<F>,
    live: &Live,
    each: &mut dyn FnMut(Record) -> Result<()>,
    losses: &mut Losses<'_>,
) -> Result<()> {
    let table = LogTable::new(log.path.clone(), log.file, &log.header);
    let mut groups = Vec::new();
    for frame in &log.frames {
        match group(frame, &log.bytes, &table) {
            Ok(Some(view)) => groups.push((frame, view)),
            Ok(None) => {}
            Err(e) => {
                let (_, why) = corruption(e, &log.path)?;
                let last = Seq(seq_after(frame).0.saturating_sub(1));
                let (seqs, bytes) =
                    (Some((frame.header.seq, Some(last))), frame.header.frame_bytes());
                let loss = Loss::at(&log.path, frame.offset, &why, Lost::Records);
                losses.push(Loss { seqs, bytes, ..loss });
            }
        }
    }
    let mut payloads = Payloads {
        log: &log.path,
        reader: LogReader::new(&table, PIECES_KEPT),
        prints: PrintKey::new(&log.header.key),
    };
    let sealed = |seq: Seq| {
        let within = |s: &(Seq, Seq)| s.0 <= seq && seq <= s.1;
        live.segments.iter().filter_map(|s| s.seqs).any(|s| within(&s))
    };
    for (frame, view) in &groups {
        for (at, bytes) in (0u64..).zip(view.records()) {
            let seq = Seq(frame.header.seq.0.saturating_add(at));
            // A log that was sealed and came back after a crash says nothing new.
            if sealed(seq) {
                continue;
            }
            match decode_record(bytes) {
                Ok(record) => each(payloads.fill(record, seq, view, frame, losses)?)?,
                Err(fault) => {
                    let offset = frame.payload_offset();
                    let loss = Loss::at(&log.path, offset, &fault.what, Lost::Records);
                    losses.push(Loss { seqs: Some((seq, Some(seq))), ..loss });
                }
            }
        }
    }
    Ok(())
}

/// Takes a frame into the table; `None` for one without records.
fn group<F: File>(
    frame: &FrameRef,
    bytes: &[u8],
    table: &LogTable<F>,
) -> Result<Option<GroupView>> {
    if !matches!(frame.header.kind, FrameKind::Records | FrameKind::Parts) {
        return Ok(None);
    }
    let payload = frame.payload(bytes);
    if frame.header.codec != CODEC_ID {
        return Err(Error::limit("another codec"));
    }
    let fault = |f: crate::error::Fault| Error::invalid(f.what);
    let view = GroupView::parse(payload).map_err(fault)?;
    table.skip_parts(view.first_part())?;
    table.add(frame, payload)?;
    Ok((frame.header.kind == FrameKind::Records).then_some(view))
}

struct Payloads<'a, F: File> {
    log: &'a Path,
    reader: LogReader<'a, F>,
    prints: PrintKey,
}

impl<F: File> Payloads<'_, F> {
    /// The record with its payloads' bytes; fields whose bytes are gone are left out and told.
    fn fill(
        &mut self,
        record: Record<Listed>,
        seq: Seq,
        view: &GroupView,
        frame: &FrameRef,
        losses: &mut Losses<'_>,
    ) -> Result<Record> {
        let Record { target, time, operation, body } = record;
        let Body::Fields(fields) = body else {
            return Ok(Record { target, time, operation, body: Body::Tombstone });
        };
        let mut kept = Vec::with_capacity(fields.len());
        for FieldValue { field, weak, value } in fields {
            let payload = match &value {
                Value::Payload(payload) => Some(*payload),
                Value::Map(map) => Some(map.text),
                _ => None,
            };
            let bytes = match payload.map(|payload| self.bytes(&payload, view)).transpose()? {
                Some(Err(why)) => {
                    let bytes = payload.map_or(0, |payload| payload.len);
                    let loss = Loss::at(self.log, frame.offset, &why, Lost::Field);
                    let (target, seqs) = (Some(target.clone()), Some((seq, Some(seq))));
                    losses.push(Loss { target, field: Some(field), seqs, bytes, ..loss });
                    continue;
                }
                Some(Ok(bytes)) => bytes,
                None => Vec::new(),
            };
            let mut bytes = Some(bytes);
            let value = value.map_payload(&mut |_: Listed| bytes.take().unwrap_or_default());
            kept.push(FieldValue { field, weak, value });
        }
        Ok(Record { target, time, operation, body: Body::Fields(kept) })
    }

    fn bytes(&mut self, payload: &Listed, view: &GroupView) -> Result<Result<Vec<u8>, String>> {
        let Some(list) = view.list(payload.list as usize) else {
            return Ok(Err("its part list is missing".to_owned()));
        };
        let mut bytes = Vec::new();
        if let Err(e) = self.join(list, &mut bytes) {
            return Ok(Err(corruption(e, self.log)?.1));
        }
        let print = self.prints.finish(self.prints.print(&bytes));
        if (bytes.len() as u64, print) != (payload.len, payload.print) {
            return Ok(Err("its parts do not come to its fingerprint".to_owned()));
        }
        Ok(Ok(bytes))
    }

    fn join(&mut self, list: &[u8], bytes: &mut Vec<u8>) -> Result<()> {
        let mut add = |piece: &[u8]| {
            if bytes.len() + piece.len() > PAYLOAD_BYTES_MAX {
                return Err(Error::limit("a payload is longer than its limit"));
            }
            bytes.extend_from_slice(piece);
            Ok(())
        };
        for item in items(list, u32::MAX) {
            match item.map_err(|fault| Error::invalid(fault.what))? {
                Item::Literal(literal) => add(literal)?,
                Item::Run { first, count, separator } => {
                    for part in first..first.saturating_add(count) {
                        add(separator.bytes())?;
                        self.reader.part(part, &mut add)?;
                    }
                }
            }
        }
        Ok(())
    }
}
