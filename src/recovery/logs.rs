use crate::error::{Error, Result, short_read};
use crate::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameRef, Previous, Stop, scan, scan_from,
};
use crate::fs::{Dir, File, FileName, read_head};
use crate::id::{LogId, Seq};
use crate::limits::LOG_READ_BYTES_MAX;
use crate::log::LogTable;
use crate::planted::{self, Bug};
use std::sync::Arc;

/// Where a log ends, as far as its successor or the manifest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEnd {
    /// Exactly here: anything bad before is damage.
    At(u64),
    /// Nobody knows: it is the newest log.
    Open,
}

/// Where the next frame of a log is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Its offset.
    pub offset: u64,
    /// Header checksum of the frame before.
    pub previous: u32,
    /// The lowest seq that its records may have.
    pub seq: Seq,
}

impl Tail {
    fn of(frames: &[FrameRef]) -> Tail {
        match frames.last() {
            None => Tail { offset: FILE_HEADER_BYTES as u64, previous: 0, seq: Seq(0) },
            Some(last) => Tail {
                offset: last.end(),
                previous: last.header.crc,
                seq: Seq(last.header.seq.0 + u64::from(last.header.records)),
            },
        }
    }
}

/// A log that was read.
#[derive(Debug)]
pub struct ReadLog<F: File> {
    /// Its header.
    pub header: FileHeader,
    /// The table over its frames up to the tail.
    pub table: Arc<LogTable<F>>,
    /// Where its frames end.
    pub tail: Tail,
    /// Frames that were read.
    pub frames: Vec<FrameRef>,
    /// The highest promise, from whatever frame.
    pub promise: u64,
    /// What follows the frames, if it is not the end.
    pub stop: Option<Stop>,
    /// Length of the file.
    pub bytes: u64,
}

/// Reads a log's header only.
///
/// # Errors
/// `Corruption`, also where the file is missing; `UnsupportedFormat`, `Io`.
pub fn read_header<D: Dir>(dir: &D, id: LogId, store: &FileHeader) -> Result<FileHeader> {
    let (path, file) = open(dir, id)?;
    let mut bytes = [0; FILE_HEADER_BYTES];
    let n = read_head(&file, &path, &mut bytes)?;
    let header = FileHeader::parse(&bytes[..n], FileKind::Log).map_err(|f| f.in_file(&path))?;
    if header.store != store.store || header.number != id.0 {
        return Err(Error::corruption_at(&path, 0, "the log belongs to another store"));
    }
    Ok(header)
}

fn open<D: Dir>(dir: &D, id: LogId) -> Result<(std::path::PathBuf, D::File)> {
    let path = dir.path().join(FileName::Log(id).to_string());
    Ok((path, dir.open(FileName::Log(id))?))
}

/// Reads a whole log into a table. Memory: the file while it is read, then the table.
///
/// # Errors
/// `Corruption` where bytes below `end`, or below the highest promise, are bad; `Io`.
pub fn read_log<D: Dir>(
    dir: &D,
    id: LogId,
    store: &FileHeader,
    end: LogEnd,
) -> Result<ReadLog<D::File>> {
    let header = read_header(dir, id, store)?;
    let (path, file) = open(dir, id)?;
    let len = file.len()?;
    let wanted = match end {
        LogEnd::At(at) => at,
        LogEnd::Open => len,
    };
    if wanted > len {
        let what = format!("the log ends here, and should be {wanted} bytes long");
        return Err(Error::corruption_at(&path, len, what));
    }
    if wanted > LOG_READ_BYTES_MAX {
        let what = format!("{wanted} bytes: a log has at most {LOG_READ_BYTES_MAX}");
        return Err(Error::corruption_at(&path, LOG_READ_BYTES_MAX, what));
    }
    let mut bytes = vec![0; wanted as usize];
    let n = planted::swallow(Bug::ReadErrorIsEnd, file.read_at(&mut bytes, 0), bytes.len())?;
    if n < bytes.len() && !planted::is(Bug::ShortReadIsEnd) {
        // The file is longer than what was read of it: that is no torn tail.
        return Err(short_read(&path, n));
    }
    let scan = scan(&bytes, &header);
    let promised = match end {
        LogEnd::At(at) => at,
        LogEnd::Open => scan.promise_max,
    };
    if scan.end < promised {
        let (at, what) = match &scan.stop {
            Some(stop) => (stop.offset, stop.what.clone()),
            None => (scan.end, format!("the log ends here, and {promised} bytes were promised")),
        };
        return Err(Error::corruption_at(
            &path,
            at,
            format!("acknowledged data is damaged: {what}"),
        ));
    }
    let table = LogTable::new(path, file, &header);
    for frame in &scan.frames {
        table.add(frame, frame.payload(&bytes))?;
    }
    Ok(ReadLog {
        header,
        table: Arc::new(table),
        tail: Tail::of(&scan.frames),
        frames: scan.frames,
        promise: scan.promise_max,
        stop: scan.stop,
        bytes: len,
    })
}

/// Reads on where a log has grown, up to `end`. Bytes that are no frame yet are "not yet".
///
/// # Errors
/// `Io`; `Corruption` where a frame's checksum holds and its content makes no sense.
pub fn extend_log<F: File>(
    table: &LogTable<F>,
    header: &FileHeader,
    tail: &mut Tail,
    end: LogEnd,
) -> Result<()> {
    let len = table.file().len()?;
    let until = match end {
        LogEnd::At(at) => at.min(len),
        LogEnd::Open => len,
    };
    let Some(new) = until.checked_sub(tail.offset).filter(|n| *n > 0) else { return Ok(()) };
    if new > LOG_READ_BYTES_MAX {
        return Err(Error::limit(format!(
            "a log grew by {new} bytes: it has at most {LOG_READ_BYTES_MAX}"
        )));
    }
    let mut bytes = vec![0; new as usize];
    let n = table.file().read_at(&mut bytes, tail.offset)?;
    let base = tail.offset;
    let scan = scan_from(&bytes[..n], base, header.salt, base, tail.previous, tail.seq);
    for frame in &scan.frames {
        let start = (frame.payload_offset() - base) as usize;
        let payload = bytes.get(start..start + frame.header.len as usize).unwrap_or_default();
        table.add(frame, payload)?;
        *tail = Tail::of(std::slice::from_ref(frame));
    }
    Ok(())
}

/// What a log's successor says of where it ends.
pub fn end_by_successor(previous: &Previous, id: LogId) -> LogEnd {
    if previous.number == id.0 { LogEnd::At(previous.end) } else { LogEnd::Open }
}
