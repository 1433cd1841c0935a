//! Live logs: how they follow one another, every frame, and what is in it.

use super::finding::{Findings, Severity};
use super::frames::Content;
use super::gaps::{Gaps, seq_after};
use crate::error::Result;
use crate::frame::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FileKind, FrameHeader, FrameRef, Previous,
    Scan, scan,
};
use crate::fs::{Dir, File, FileName, read_head, read_whole};
use crate::id::Seq;
use crate::limits::LOG_READ_BYTES_MAX;
use crate::manifest::LogState;
use std::path::{Path, PathBuf};

struct Log<'a, F> {
    state: LogState,
    path: PathBuf,
    file: &'a F,
    header: Option<FileHeader>,
}

/// Checks all live logs, oldest first. `sealed` is the last seq of the segments.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    logs: &[(LogState, Option<D::File>)],
    store: &FileHeader,
    sealed: Option<Seq>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut live = Vec::with_capacity(logs.len());
    for (at, (state, file)) in logs.iter().enumerate() {
        let path = dir.path().join(FileName::Log(state.id).to_string());
        let Some(file) = file else {
            let next = logs.get(at + 1).and_then(|(_, file)| file.as_ref());
            let affects = match next.map(|next| first_seq(&path, next)).transpose()?.flatten() {
                Some(next) => format!("every record in it, below seq {next}"),
                None => "every record in it".to_owned(),
            };
            findings.damage((&path, 0), "a live log", "the file is missing", affects);
            continue;
        };
        let header = read_header(&path, file, state, store, findings)?;
        live.push(Log { state: *state, path, file, header });
    }
    let mut seq = Seq(sealed.map_or(1, |s| s.0.saturating_add(1)));
    for (at, log) in live.iter().enumerate() {
        let next = live.get(at + 1);
        let previous = next.and_then(|n| n.header.as_ref()).map(|h| h.previous);
        let previous = previous.filter(|p| p.number == log.state.id.0);
        if let Some(next) = next {
            check_link(log, next, previous, findings);
        }
        let next = match next {
            Some(next) => After::Log(first_seq(&next.path, next.file)?),
            None => After::Nothing,
        };
        seq = check_log(log, previous, next, seq, findings)?;
    }
    Ok(())
}

/// What comes after a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing: it is the last.
    Nothing,
    /// A log, and the seq that it begins with, where that can be read.
    Log(Option<Seq>),
}

/// The seq that a log begins with.
fn first_seq<F: File>(path: &Path, file: &F) -> Result<Option<Seq>> {
    let mut bytes = [0u8; FILE_HEADER_BYTES + FRAME_HEADER_BYTES];
    let n = read_head(file, path, &mut bytes)?;
    let Ok(header) = FileHeader::parse(&bytes[..n], FileKind::Log) else { return Ok(None) };
    let frame = bytes.get(FILE_HEADER_BYTES..n).unwrap_or_default();
    let first = FrameHeader::parse(frame, FILE_HEADER_BYTES as u64, header.salt);
    Ok(first.map(|frame| frame.seq))
}

fn read_header<F: File>(
    path: &Path,
    file: &F,
    state: &LogState,
    store: &FileHeader,
    findings: &mut Findings<'_>,
) -> Result<Option<FileHeader>> {
    let mut bytes = [0u8; FILE_HEADER_BYTES];
    let n = read_head(file, path, &mut bytes)?;
    let affects = "every record in it";
    match FileHeader::parse(&bytes[..n], FileKind::Log) {
        Err(fault) => {
            findings.error(path, fault.in_file(path), "a file header", affects)?;
            Ok(None)
        }
        Ok(header) => {
            let own = header.store == store.store && header.key == store.key;
            if !own || header.number != state.id.0 {
                let found = "a log of another store or another number";
                findings.damage((path, 0), "a log of this store", found, affects);
            }
            Ok(Some(header))
        }
    }
}

/// Whether the next log's header and the manifest agree on what comes before it.
fn check_link<F>(
    log: &Log<'_, F>,
    next: &Log<'_, F>,
    previous: Option<Previous>,
    findings: &mut Findings<'_>,
) {
    let Some(header) = &next.header else { return };
    let stated = header.previous.number;
    // Logs between these two may have been sealed before the first one was.
    if stated != 0 && !(log.state.id.0..next.state.id.0).contains(&stated) {
        let expected = format!("a log that follows log {}", log.state.id);
        let affects = "records between these logs";
        findings.damage((&next.path, 0), expected, format!("it follows log {stated}"), affects);
    }
    if let (Some(previous), Some(end)) = (previous, log.state.end)
        && previous.end != end
    {
        let found = format!("the next log says byte {}", previous.end);
        let affects = "records at the end of the log";
        findings.damage((&log.path, end), format!("the end at byte {end}"), found, affects);
    }
}

/// Checks one log and gives the seq after its last record.
fn check_log<F: File>(
    log: &Log<'_, F>,
    previous: Option<Previous>,
    after: After,
    seq: Seq,
    findings: &mut Findings<'_>,
) -> Result<Seq> {
    findings.meter.stage(log.file.len()?);
    let Some(header) = &log.header else { return Ok(seq) };
    let path = log.path.as_path();
    let bytes = match read_whole(log.file, path, LOG_READ_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(e) => {
            findings.error(path, e, "a log within its limits", "every record in it")?;
            return Ok(seq);
        }
    };
    let mut scan = scan(&bytes, header);
    let end = log.state.end.or(previous.map(|p| p.end));
    // A log that has a successor was synced as a whole, whoever recorded where it ends.
    let end = end.or((after != After::Nothing).then(|| scan.written(bytes.len() as u64)));
    let damage = check_extent(path, &bytes, &scan, end, findings);
    if let Some(end) = end {
        scan.frames.retain(|frame| frame.end() <= end);
        let crc = scan.frames.last().map_or(0, |frame| frame.header.crc);
        if let Some(previous) = previous.filter(|p| p.crc != crc && scan.end >= p.end) {
            let expected = format!("a last frame with checksum {:08x}", previous.crc);
            let affects = "records at the end of the log";
            findings.damage((path, end), expected, format!("checksum {crc:08x}"), affects);
        }
    }
    check_seqs(path, &scan, seq, findings);
    let sound = match &damage {
        Some(_) => scan.sound_beyond(&bytes),
        None => Vec::new(),
    };
    let gaps = match (&damage, after) {
        (None, _) => Gaps::default(),
        (Some(damage), After::Log(next)) => Gaps::of(&scan, &sound, damage.promised, seq, next),
        (Some(damage), After::Nothing) => Gaps::of(&scan, &sound, damage.promised, seq, None),
    };
    let mut content = Content::new(path, &bytes, &header.key, gaps);
    let mut understood = true;
    for frame in &scan.frames {
        findings.meter.step(frame.offset, bytes.len() as u64);
        understood = understood && content.frame(frame, findings);
    }
    for frame in &sound {
        understood = understood && content.frame_beyond(frame, findings);
    }
    if let Some(damage) = damage {
        content.gaps().report(path, &damage.what, findings);
    }
    let last = scan.frames.iter().chain(&sound).map(seq_after).max();
    Ok(last.map_or(seq, |last| last.max(seq)))
}

/// Frames that are missing.
struct Damage {
    /// The log should reach to here.
    promised: u64,
    /// Why it does not.
    what: String,
}

/// Whether the frames reach to where the log ends, or as far as was promised.
fn check_extent(
    path: &Path,
    bytes: &[u8],
    scan: &Scan,
    end: Option<u64>,
    findings: &mut Findings<'_>,
) -> Option<Damage> {
    let len = scan.written(bytes.len() as u64);
    let promised = scan.promise_max.max(end.unwrap_or(0));
    let what = match &scan.stop {
        Some(stop) => stop.what.clone(),
        None => format!("the log ends at byte {len}"),
    };
    if scan.end < promised {
        return Some(Damage { promised, what });
    }
    if let Some(end) = end {
        // A marker that nothing needs is left behind at every close.
        let idle = |f: &FrameRef| f.offset < end || f.header.records == 0;
        let idle = scan.stop.is_none() && scan.frames.iter().all(idle);
        if end < len && !idle {
            let found = format!("{} bytes that recovery set aside", len - end);
            let (severity, at) = (Severity::Note, (path, end));
            findings.report(severity, at, "the end of the log", found, "nothing");
        }
        if end > FILE_HEADER_BYTES as u64 && !scan.frames.iter().any(|f| f.end() == end) {
            let expected = "the end of a frame";
            let found = "the middle of one";
            findings.damage((path, end), expected, found, "records at the end of the log");
        }
    } else if let Some(stop) = &scan.stop {
        let affects = "nothing that was promised";
        findings.report(Severity::TornTail, (path, stop.offset), "a frame", what, affects);
    }
    None
}

fn check_seqs(path: &Path, scan: &Scan, seq: Seq, findings: &mut Findings<'_>) {
    let first = scan.frames.iter().find(|f| f.header.records > 0);
    if let Some(frame) = first.filter(|f| f.header.seq < seq) {
        let expected = format!("seq {seq} or more");
        let found = format!("seq {}", frame.header.seq);
        let affects = "the order of records of different files";
        findings.damage((path, frame.offset), expected, found, affects);
    }
}
