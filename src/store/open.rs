//! Opening for writing: lock, recover, start a new manifest, start the threads.

use super::Store;
use super::builder::{Create, StoreBuilder};
use super::desk::Desk;
use super::keeper::remove_if_there;
use super::repair::Origin;
use super::shared::{Opened, Shared};
use super::syncer::Syncer;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{FileHeader, FileKind, Previous};
use crate::fs::{Dir, DirMode, File, FileName, Fs, process_name};
use crate::id::{LogId, Seq, StoreKey};
use crate::limits::BALLAST_BYTES;
use crate::manifest::{Loaded, LogState, ManifestWriter, State, load, read_current};
use crate::options::Background;
use crate::planted::{self, Bug};
use crate::recovery::{LoadedStore, ReadLog, RecoveryReport, check_end, copy_tail, load_store};
use crate::snapshot::View;
use crate::sync::Builder;
use std::path::Path;
use std::sync::Arc;

pub(super) fn open<F: Fs>(builder: StoreBuilder<F>, path: &Path) -> Result<Store<F>> {
    let mode = match builder.create {
        Create::IfMissing => DirMode::Create,
        Create::Never => DirMode::Existing,
    };
    let dir = match builder.fs.open_dir(path, mode) {
        Err(e) if e.is_not_found() && builder.create == Create::Never => {
            return Err(Error::no_store(path));
        }
        other => other?,
    };
    if builder.create == Create::Never && read_current(&dir)?.is_none() {
        return Err(Error::no_store(path));
    }
    let now = builder.clock.now_ns();
    let since = now / 1_000_000_000;
    let lock = dir.lock(&format!("{}, since {since} s after 1970", process_name()))?;
    let mut report = RecoveryReport::default();
    let (opened, previous) = match load(&dir)? {
        None => (create(dir, lock, now, &builder)?, Previous::default()),
        Some(loaded) => recover(dir, lock, loaded, now, &builder, &mut report)?,
    };
    let last_seq = opened.last_seq;
    keep_ballast(&opened.dir, &mut report)?;
    let StoreBuilder { fs, options, clock, listener, .. } = builder;
    let background = options.background;
    let mut opened = opened;
    opened.manifest.start_anew_past(options.manifest_bytes_max);
    let shared = Arc::new(Shared::new(opened, options, clock, listener));
    let syncer = Arc::new(Syncer::new(Arc::clone(&shared)));
    let writer = Writer::new(Arc::clone(&shared), Arc::clone(&syncer), previous, last_seq);
    let desk = Arc::new(Desk::new(Arc::clone(&shared), writer));
    let mut store = Store { fs, shared, desk, threads: Vec::new(), report };
    // Where one thread does not start, dropping the store ends the others.
    start(&mut store, syncer, background)?;
    Ok(store)
}

fn start<F: Fs>(
    store: &mut Store<F>,
    syncer: Arc<Syncer<F>>,
    background: Background,
) -> Result<()> {
    let (shared, desk) = (Arc::clone(&store.shared), Arc::clone(&store.desk));
    let mut spawn = |name: &str, run: Box<dyn FnOnce() + Send>| -> Result<()> {
        let started = Builder::new().name(name.to_owned()).spawn(run);
        let failed = |e| Error::io("start a thread for", shared.dir.path(), e);
        store.threads.push(started.map_err(failed)?);
        Ok(())
    };
    let (sync, closer) = (Arc::clone(&syncer), syncer);
    let on_panic = Arc::clone(&shared);
    spawn(
        "tracekeep-write",
        Box::new(move || {
            on_panic.guarded(|| desk.run());
            closer.close();
        }),
    )?;
    let on_panic = Arc::clone(&shared);
    spawn("tracekeep-sync", Box::new(move || on_panic.guarded(|| sync.run())))?;
    if background == Background::On {
        let keeper = Arc::clone(&shared);
        let on_panic = Arc::clone(&shared);
        spawn("tracekeep-keep", Box::new(move || on_panic.guarded(|| keeper.keep())))?;
    }
    Ok(())
}

/// Makes a new store. Nothing is acknowledged before `CURRENT` is durable.
fn create<F: Fs>(
    dir: F::Dir,
    lock: <F::Dir as Dir>::Lock,
    now: i64,
    builder: &StoreBuilder<F>,
) -> Result<Opened<F>> {
    let names = dir.list()?;
    let data = |n: &&FileName| {
        matches!(n, FileName::Log(_) | FileName::Skeleton(_) | FileName::Payload(_))
    };
    if let Some(name) = names.iter().find(data) {
        let path = dir.path().join(FileName::Current.to_string());
        let what = format!("CURRENT is missing, and {name} shows that there was a store");
        return Err(Error::corruption_at(&path, 0, what));
    }
    // A crash while the store was made leaves a manifest without CURRENT.
    for name in names.into_iter().filter(|n| matches!(n, FileName::Manifest(_)) || n.is_temp()) {
        remove_if_there(&dir, name)?;
    }
    let (mut header, last_seq) = match &builder.origin {
        Some(Origin { header, last_seq }) => (header.clone(), *last_seq),
        None => (new_header(builder), Seq(0)),
    };
    (header.kind, header.number, header.created_ns) = (FileKind::Manifest, 1, now);
    header.previous = Previous::default();
    let manifest = ManifestWriter::start(dir.clone(), &header, 1, State::new(), None)?;
    let view = View::new(header.key, Vec::new(), Vec::new(), Vec::new());
    Ok(Opened { dir, header, view, last_seq, manifest, lock })
}

/// With an id and a key of its own.
fn new_header<F: Fs>(builder: &StoreBuilder<F>) -> FileHeader {
    let mut random = [0; 48];
    builder.entropy.fill(&mut random);
    let (mut key, mut store) = ([0; 32], [0; 16]);
    key.copy_from_slice(&random[..32]);
    store.copy_from_slice(&random[32..]);
    FileHeader {
        kind: FileKind::Manifest,
        store: u128::from_le_bytes(store),
        key: StoreKey(key),
        salt: 0,
        number: 1,
        created_ns: 0,
        previous: Previous::default(),
    }
}

fn recover<F: Fs>(
    dir: F::Dir,
    lock: <F::Dir as Dir>::Lock,
    loaded: Loaded,
    now: i64,
    builder: &StoreBuilder<F>,
    report: &mut RecoveryReport,
) -> Result<(Opened<F>, Previous)> {
    let header = FileHeader { created_ns: now, ..loaded.header.clone() };
    let LoadedStore { mut view, logs, last_seq, notes } = load_store(&dir, &loaded)?;
    // Before anything is written: what no manifest names will be removed.
    check_end(&dir, &loaded)?;
    report.notes = notes;
    for log in &logs {
        report.frames += log.frames.len() as u64;
        report.records += log.table.records();
    }
    if let Some((at, what)) = &loaded.torn {
        report.torn_bytes += loaded.bytes.saturating_sub(*at);
        report.notes.push(format!("the manifest ends in a torn tail: {what}"));
    }
    let mut state = loaded.state.clone();
    // One that could not be opened is forgotten.
    state.indexes.retain(|(number, _)| view.indexes.iter().any(|ix| ix.number == *number));
    let mut previous = Previous::default();
    if let Some(last) = logs.last() {
        previous = end_last_log(&dir, last, &mut state, &mut view, &header, builder, report)?;
    }
    let number = loaded.number + 1;
    let manifest = with_ballast(&dir, || {
        ManifestWriter::prepare(dir.clone(), &header, number, state.clone())
    })?;
    manifest.make_current(Some(loaded.number))?;
    remove_strays(&dir, &manifest)?;
    Ok((Opened { dir, header, view, last_seq, manifest, lock }, previous))
}

/// Says where the last log ends: at its promise. What was written after it is appended again to
/// a new log, because nobody knows whether it is on the disk or only in the page cache.
fn end_last_log<F: Fs>(
    dir: &F::Dir,
    last: &ReadLog<<F::Dir as Dir>::File>,
    state: &mut State,
    view: &mut View<F::Dir>,
    header: &FileHeader,
    builder: &StoreBuilder<F>,
    report: &mut RecoveryReport,
) -> Result<Previous> {
    let id = LogId(last.header.number);
    let known = state.logs.last().and_then(|l| l.end);
    let promise = known.unwrap_or(last.promise);
    let kept = last.frames.partition_point(|f| f.end() <= promise);
    let (kept, mut copied) = last.frames.split_at(kept);
    planted::when(Bug::CopyOffByOne, || copied = copied.get(1..).unwrap_or_default());
    if known.is_none()
        && let Some(stop) = &last.stop
    {
        report.torn_bytes += last.bytes.saturating_sub(stop.offset);
        report.notes.push(format!("log {id} ends in a torn tail: {}", stop.what));
    }
    let end = kept.last().map_or(crate::frame::FILE_HEADER_BYTES as u64, |f| f.end());
    let previous = Previous { number: id.0, end, crc: kept.last().map_or(0, |f| f.header.crc) };
    if let Some(log) = state.logs.last_mut() {
        log.end = Some(end);
    }
    if !copied.iter().any(|f| f.header.records > 0) {
        return Ok(previous);
    }
    let number = state.next_log;
    let new = FileHeader { kind: FileKind::Log, number, previous, ..header.clone() }.salted();
    let (records, copy_end) = with_ballast(dir, || {
        remove_if_there(dir, FileName::Log(LogId(number)))?;
        copy_tail(dir, last, copied, &new, builder.options.stream_bytes_max)
    })?;
    report.copied_records = records;
    state.next_log += 1;
    // Both logs are read again as they are on disk now, so that what is served is what is there.
    let store = header;
    let ended = crate::recovery::read_log(dir, id, store, crate::recovery::LogEnd::At(end))?;
    let fresh =
        crate::recovery::read_log(dir, LogId(number), store, crate::recovery::LogEnd::Open)?;
    if fresh.tail.offset != copy_end {
        // The old log still has what the device took and did not keep.
        let what = format!("the log ends here, and was just written up to byte {copy_end}");
        let path = dir.path().join(FileName::Log(LogId(number)).to_string());
        return Err(Error::corruption_at(&path, fresh.tail.offset, what));
    }
    state.logs.push(LogState { id: LogId(number), end: Some(fresh.tail.offset) });
    view.logs.pop();
    view.logs.push(ended.table);
    view.logs.push(fresh.table);
    Ok(Previous { number, end: fresh.tail.offset, crc: fresh.tail.previous })
}

/// Removes what no manifest names: unfinished work of the last run, and what it had replaced.
fn remove_strays<D: Dir>(dir: &D, manifest: &ManifestWriter<D>) -> Result<()> {
    let state = manifest.state();
    for name in dir.list()? {
        let named = match name {
            FileName::Lock | FileName::Current | FileName::Ballast => true,
            FileName::Manifest(n) => n == manifest.number(),
            FileName::Log(id) => state.logs.iter().any(|l| l.id == id),
            FileName::Skeleton(id) | FileName::Payload(id) => {
                state.segments.iter().any(|s| s.id == id)
            }
            FileName::Index(n) => state.indexes.iter().any(|(number, _)| *number == n),
            _ => false,
        };
        if !named {
            remove_if_there(dir, name)?;
        }
    }
    Ok(())
}

/// Tries once more with the ballast's space where the disk is full.
fn with_ballast<D: Dir, T>(dir: &D, work: impl Fn() -> Result<T>) -> Result<T> {
    match work() {
        Err(e) if e.kind() == ErrorKind::StorageFull && dir.remove(FileName::Ballast).is_ok() => {
            work()
        }
        other => other,
    }
}

/// Keeps a little space aside for edits on a full disk. A store that cannot have it opens
/// without.
fn keep_ballast<D: Dir>(dir: &D, report: &mut RecoveryReport) -> Result<()> {
    if dir.list()?.contains(&FileName::Ballast) {
        return Ok(());
    }
    let made = dir.create(FileName::Ballast).and_then(|file| file.reserve(0, BALLAST_BYTES));
    match made {
        Err(e) if e.kind() == ErrorKind::StorageFull => {
            // An empty one would pass for ballast at the next open.
            remove_if_there(dir, FileName::Ballast)?;
            report.notes.push("the disk is full: there is no ballast".to_owned());
            Ok(())
        }
        other => other,
    }
}
