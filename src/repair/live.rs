//! Which files were the store: what the manifest says, else what the files say of one another.

use super::logs::{first_logged, previous};
use crate::error::{Error, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName, read_head};
use crate::id::{LogId, SegmentId, Seq};
use crate::manifest::{Loaded, LogState, SegmentState, State, load, read_current, read_manifest};
use crate::segment::{Facts, Readable};
use std::collections::HashMap;

/// A log that was live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveLog {
    /// Which.
    pub id: LogId,
    /// Where it ends, if the manifest says so.
    pub end: Option<u64>,
}

/// A segment that was live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSegment {
    /// Which.
    pub id: SegmentId,
    /// The seqs that it covers, where they are known.
    pub seqs: Option<(Seq, Seq)>,
    /// Whether its payload file was dropped by policy.
    pub payload_expired: bool,
}

/// What was live.
#[derive(Debug)]
pub struct Live {
    /// The store's id and key.
    pub header: FileHeader,
    /// By their seqs.
    pub segments: Vec<LiveSegment>,
    /// By their numbers.
    pub logs: Vec<LiveLog>,
    /// What is worth telling.
    pub notes: Vec<String>,
}

/// Finds out what was live.
///
/// # Errors
/// `InvalidInput` where there is no store; `Corruption` where no file tells its key;
/// `UnsupportedFormat`, `Io`.
pub fn find<D: Dir>(dir: &D) -> Result<Live> {
    let mut names = dir.list()?;
    names.sort_unstable();
    let data = |n: &&FileName| {
        matches!(n, FileName::Log(_) | FileName::Skeleton(_) | FileName::Payload(_))
    };
    let mut notes = Vec::new();
    let loaded = match load(dir) {
        Ok(Some(loaded)) => Some(loaded),
        Ok(None) if names.iter().find(data).is_none() => return Err(Error::no_store(dir.path())),
        Ok(None) => {
            notes.push(format!("{}: the file is missing", FileName::Current));
            newest_manifest(dir, &names, &mut notes)?
        }
        Err(e) if e.corruption().is_some() => {
            notes.push(e.to_string());
            newest_manifest(dir, &names, &mut notes)?
        }
        Err(e) => return Err(e),
    };
    match loaded {
        Some(loaded) if agrees(&loaded.state, &names) => Ok(of_manifest(loaded, notes)),
        loaded => {
            notes.push("which files were live is told by their headers and footers".to_owned());
            of_files(dir, &names, loaded, notes)
        }
    }
}

/// Where only `CURRENT` is damaged, the newest manifest is the one that it named. Where `CURRENT`
/// is sound and its manifest is not, an older one would name files that are gone.
fn newest_manifest<D: Dir>(
    dir: &D,
    names: &[FileName],
    notes: &mut Vec<String>,
) -> Result<Option<Loaded>> {
    match read_current(dir) {
        Ok(Some(_)) => return Ok(None),
        Err(e) if e.corruption().is_none() => return Err(e),
        _ => {}
    }
    let numbers = names.iter().filter_map(|n| match n {
        FileName::Manifest(number) => Some(*number),
        _ => None,
    });
    let Some(newest) = numbers.max() else { return Ok(None) };
    match read_manifest(dir, newest) {
        Ok(loaded) => {
            notes.push(format!("{} stands in", FileName::Manifest(newest)));
            Ok(Some(loaded))
        }
        Err(e) if e.corruption().is_none() => Err(e),
        Err(_) => Ok(None),
    }
}

/// Whether everything that a manifest names is there, and nothing that it does not know of: one
/// that has lost its end names files that were replaced since.
fn agrees(state: &State, names: &[FileName]) -> bool {
    let has = |name: FileName| names.binary_search(&name).is_ok();
    let logs = state.logs.iter().all(|log| has(FileName::Log(log.id)));
    let segments = state.segments.iter().all(|s| {
        has(FileName::Skeleton(s.id)) && (s.payload_expired || has(FileName::Payload(s.id)))
    });
    let known = names.iter().all(|name| match name {
        FileName::Log(id) => id.0 < state.next_log,
        FileName::Skeleton(id) | FileName::Payload(id) => id.0 < state.next_segment,
        _ => true,
    });
    logs && segments && known
}

fn of_manifest(loaded: Loaded, notes: Vec<String>) -> Live {
    let segments = loaded.state.segments.iter().map(live_segment).collect();
    let logs = loaded.state.logs.iter().map(live_log).collect();
    Live { header: loaded.header, segments, logs, notes }
}

fn live_segment(s: &SegmentState) -> LiveSegment {
    let (id, payload_expired) = (s.id, s.payload_expired);
    LiveSegment { id, seqs: Some((s.first_seq, s.last_seq)), payload_expired }
}

fn live_log(l: &LogState) -> LiveLog {
    LiveLog { id: l.id, end: l.end }
}

/// The live files are those that no other one's footer replaces, and what a manifest names besides
/// and is not there.
fn of_files<D: Dir>(
    dir: &D,
    names: &[FileName],
    loaded: Option<Loaded>,
    notes: Vec<String>,
) -> Result<Live> {
    let header = match &loaded {
        Some(loaded) => loaded.header.clone(),
        None => common_header(dir, names)?,
    };
    let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
    let mut known: Vec<Facts> = Vec::new();
    let mut unknown: Vec<SegmentId> = state.segments.iter().map(|s| s.id).collect();
    for name in names {
        // A payload file without its skeleton file tells that there was one.
        let (FileName::Skeleton(id) | FileName::Payload(id)) = name else { continue };
        unknown.push(*id);
        if matches!(name, FileName::Skeleton(_)) {
            let segment = Readable::open(dir, *id, &header)?.segment;
            known.extend(segment.map(|segment| segment.facts().clone()));
        }
    }
    let covers = |outer: &Facts, inner: &Facts| {
        outer.id > inner.id
            && outer.first_seq <= inner.first_seq
            && inner.last_seq <= outer.last_seq
    };
    let replaced = |id: SegmentId| known.iter().any(|other| other.segments.contains(&id));
    let live =
        |facts: &&Facts| !replaced(facts.id) && !known.iter().any(|other| covers(other, facts));
    let expired = |id| state.segments.iter().any(|s| s.id == id && s.payload_expired);
    let mut segments: Vec<LiveSegment> = known
        .iter()
        .filter(live)
        .map(|facts| LiveSegment {
            id: facts.id,
            seqs: Some((facts.first_seq, facts.last_seq)),
            payload_expired: expired(facts.id),
        })
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown.retain(|id| !known.iter().any(|facts| facts.id == *id) && !replaced(*id));
    let sealed = |id: &LogId| known.iter().any(|facts| facts.logs.contains(id));
    let logs = logs_of(dir, names, &header, &state, &sealed)?;
    let first_logged = first_logged(dir, &header, &logs)?;
    segments.sort_unstable_by_key(|s| s.seqs);
    let gap = gap(&segments, first_logged);
    for id in unknown {
        let named = state.segments.iter().find(|s| s.id == id).map(live_segment);
        // Where no seqs are missing, nothing is.
        let lost = gap.map(|seqs| LiveSegment { id, seqs: Some(seqs), payload_expired: false });
        segments.extend(named.or(lost));
    }
    segments.sort_by_key(|s| s.seqs);
    Ok(Live { header, segments, logs, notes })
}

/// The seqs that no segment covers, below the first one in a log.
fn gap(segments: &[LiveSegment], first_logged: Option<Seq>) -> Option<(Seq, Seq)> {
    let mut next = 1u64;
    let mut missing: Option<(u64, u64)> = None;
    let ranges = segments.iter().filter_map(|s| s.seqs).map(|(first, last)| (first.0, last.0));
    let end = first_logged.map(|seq| (seq.0, seq.0));
    for (first, last) in ranges.chain(end) {
        if first > next {
            let (start, _) = missing.unwrap_or((next, 0));
            missing = Some((start, first - 1));
        }
        next = next.max(last.saturating_add(1));
    }
    // Nothing tells where the newest ends.
    let open = if first_logged.is_none() { Some((next, u64::MAX)) } else { None };
    missing.or(open).map(|(first, last)| (Seq(first), Seq(last)))
}

/// The logs that are there and were not sealed, and those that are missing: that a manifest names,
/// or a later one follows.
fn logs_of<D: Dir>(
    dir: &D,
    names: &[FileName],
    header: &FileHeader,
    state: &State,
    sealed: &dyn Fn(&LogId) -> bool,
) -> Result<Vec<LiveLog>> {
    let mut logs: Vec<LiveLog> = state.logs.iter().map(live_log).collect();
    for name in names {
        let FileName::Log(id) = name else { continue };
        logs.push(LiveLog { id: *id, end: None });
        let before = previous(dir, *id, header)?;
        logs.extend(before.map(|id| LiveLog { id, end: None }));
    }
    logs.retain(|log| !sealed(&log.id));
    // One that a manifest names comes first, with the end that it says.
    logs.sort_by_key(|log| log.id);
    logs.dedup_by_key(|log| log.id);
    Ok(logs)
}

/// Store id and key as most files have them.
fn common_header<D: Dir>(dir: &D, names: &[FileName]) -> Result<FileHeader> {
    let mut counts: HashMap<(u128, [u8; 32]), (usize, FileHeader)> = HashMap::new();
    for name in names {
        let kind = match name {
            FileName::Log(_) => FileKind::Log,
            FileName::Manifest(_) => FileKind::Manifest,
            FileName::Skeleton(_) => FileKind::Skeleton,
            FileName::Payload(_) => FileKind::Payload,
            FileName::Index(_) => FileKind::Index,
            _ => continue,
        };
        let path = dir.path().join(name.to_string());
        let mut bytes = [0; FILE_HEADER_BYTES];
        let file = match dir.open(*name) {
            Err(e) if e.corruption().is_some() || e.is_not_found() => continue,
            other => other?,
        };
        let n = read_head(&file, &path, &mut bytes)?;
        let header = match FileHeader::parse(&bytes[..n], kind) {
            Ok(header) => header,
            Err(fault) => match fault.in_file(&path) {
                e if e.corruption().is_some() => continue,
                newer => return Err(newer),
            },
        };
        counts.entry((header.store, header.key.0)).or_insert((0, header)).0 += 1;
    }
    let most = counts.into_iter().max_by_key(|(key, (count, _))| (*count, *key));
    let none = || {
        let what = "no file of the store has a sound header: its key is lost, and with it what \
                    frames and ids mean";
        Error::corruption_at(dir.path(), 0, what)
    };
    most.map(|(_, (_, header))| header).ok_or_else(none)
}
