//! A directory of changed files: opened for reading and for writing, verified, written to. Where
//! no checksum was mended, every answer is the right one of some moment, or an error; what `verify`
//! finds nothing in has no errors.

use super::answers::{Answers, answers, check};
use super::base::{BASE, SCORES, TRACES, builder};
use super::edit;
use super::folder::{Files, Folder};
use super::image::{Frames, Sections};
use arbitrary::{Result, Unstructured};
use std::path::Path;
use tracekeep::fs::FileName;
use tracekeep::id::Seq;
use tracekeep::internals::frame::{FILE_HEADER_BYTES, FileKind};
use tracekeep::internals::manifest::load;
use tracekeep::internals::segment::parse_footer;
use tracekeep::internals::verify::verify_in;
use tracekeep::model::{Field, Operation, Timestamp, TraceRecord};
use tracekeep::{Batch, ErrorKind, Id, SealLevel, Snapshot, Store, Verdict};

/// The first byte says whether bytes are changed as they lie, behind mended checksums, or to what
/// another version would have written; and whether the store is opened for reading or for writing.
pub fn directory(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    let mut files = BASE.files.clone();
    match which % 8 {
        0..=3 => {
            edit::each(u, &mut |u| change(u, &mut files));
            if which & 8 == 0 { check_damaged(&files) } else { check_damaged_writing(&files) }
        }
        4..=6 => {
            edit::each(u, &mut |u| forge(u, &mut files));
            if which & 8 == 0 { check_forged(&files) } else { check_forged_writing(&files) }
        }
        _ => check_other_format(u, &mut files),
    }
}

fn choose(u: &mut Unstructured<'_>, files: &Files) -> Result<FileName> {
    let at = usize::from(u.arbitrary::<u8>()?);
    files.keys().nth(at % files.len().max(1)).copied().ok_or(arbitrary::Error::EmptyChoose)
}

/// What may happen to a directory whose files nobody understands.
fn change(u: &mut Unstructured<'_>, files: &mut Files) -> Result<()> {
    let (name, kind) = (choose(u, files)?, u.arbitrary::<u8>()?);
    match kind % 16 {
        0 => _ = files.remove(&name),
        1 => {
            let other = choose(u, files)?;
            let bytes = files.get(&other).cloned().unwrap_or_default();
            files.insert(name, bytes);
        }
        2 => {
            let other = choose(u, files)?;
            if let (Some(a), Some(b)) = (files.remove(&name), files.remove(&other)) {
                files.insert(name, b);
                files.insert(other, a);
            }
        }
        3 => {
            let stray = FileName::Log(tracekeep::id::LogId(u64::from(u.arbitrary::<u8>()?)));
            let bytes = files.get(&name).cloned().unwrap_or_default();
            files.entry(stray).or_insert(bytes);
        }
        _ => edit::bytes(u, files.entry(name).or_default())?,
    }
    Ok(())
}

/// Somebody who knows the format and means ill.
fn forge(u: &mut Unstructured<'_>, files: &mut Files) -> Result<()> {
    let name = choose(u, files)?;
    let Some(bytes) = files.get_mut(&name) else { return Ok(()) };
    match name {
        FileName::Log(_) => *bytes = frames(u, bytes, FileKind::Log)?,
        FileName::Manifest(_) => *bytes = frames(u, bytes, FileKind::Manifest)?,
        FileName::Skeleton(_) | FileName::Index(_)
            if parse_footer(bytes, FILE_HEADER_BYTES).is_ok() =>
        {
            let mut sections = Sections::of(bytes);
            sections.edit(u)?;
            *bytes = sections.build().0;
        }
        FileName::Payload(id) if parse_footer(bytes, FILE_HEADER_BYTES).is_ok() => {
            let mut sections = Sections::of(bytes);
            sections.edit(u)?;
            let (built, crc) = sections.build();
            *bytes = built;
            let skeleton = files.entry(FileName::Skeleton(id)).or_default();
            if parse_footer(skeleton, FILE_HEADER_BYTES).is_ok() {
                let mut sections = Sections::of(skeleton);
                sections.fit_payload_file(crc);
                *skeleton = sections.build().0;
            }
        }
        _ => edit::bytes(u, bytes)?,
    }
    Ok(())
}

fn frames(u: &mut Unstructured<'_>, bytes: &[u8], kind: FileKind) -> Result<Vec<u8>> {
    let mut frames = Frames::of(bytes, kind);
    frames.edit(u)?;
    Ok(frames.build())
}

fn ask(snapshot: &Snapshot<Folder>) -> Answers {
    answers(snapshot, &TRACES, &SCORES)
}

/// The right answers of the moment that a snapshot shows.
fn right(seq: Seq, files: &Files) -> &'static Answers {
    static NONE: Answers = Answers::new();
    let data = |name: &FileName| {
        matches!(name, FileName::Log(_) | FileName::Skeleton(_) | FileName::Payload(_))
    };
    if seq == Seq(0) && !files.keys().any(data) {
        return &NONE;
    }
    BASE.right.get(&seq).unwrap_or_else(|| panic!("{seq} is in the middle of a batch"))
}

/// Opened for reading, and verified.
fn check_damaged(files: &Files) {
    let verdict = verdict(files);
    let sound = matches!(verdict, Ok(Verdict::Clean | Verdict::TornTail));
    let store = builder(Folder::of(files)).open_read_only(Folder::PATH);
    assert!(store.is_ok() || !sound, "verify found nothing, and the store cannot be read");
    let Ok(store) = store else { return };
    let snapshot = store.snapshot();
    let found = ask(&snapshot);
    check(&found, right(snapshot.seq(), files));
    let error = found.iter().find(|(_, answer)| answer.is_err());
    assert!(error.is_none() || !sound, "verify found nothing, and {error:?}");
}

/// Opened for writing, and written to.
fn check_damaged_writing(files: &Files) {
    let folder = Folder::of(files);
    match builder(folder.clone()).open(Folder::PATH) {
        Err(_) => check_unchanged(files, &folder.files()),
        Ok(store) => {
            let snapshot = store.snapshot();
            let (seq, found) = (snapshot.seq(), ask(&snapshot));
            if seq > Seq(0) {
                check(&found, right(seq, files));
            }
            check_append(store, &folder, &found);
        }
    }
}

fn verdict(files: &Files) -> tracekeep::Result<Verdict> {
    verify_in(&Folder::of(files), Path::new(Folder::PATH), &mut |_| {}, &mut |_| {})
}

/// Nothing is right about what was forged, but it is answered or refused, within bounds.
fn check_forged(files: &Files) {
    let _told = verdict(files);
    if let Ok(store) = builder(Folder::of(files)).open_read_only(Folder::PATH) {
        let found = ask(&store.snapshot());
        assert!(!found.is_empty());
        let _sums = store.stats().is_ok();
    }
}

fn check_forged_writing(files: &Files) {
    let folder = Folder::of(files);
    match builder(folder.clone()).open(Folder::PATH) {
        Err(_) => check_unchanged(files, &folder.files()),
        Ok(store) => {
            let found = ask(&store.snapshot());
            assert!(!found.is_empty());
            if store.seal(SealLevel::Full).is_ok() {
                let _again = ask(&store.snapshot());
            }
            _ = store.close();
        }
    }
}

/// What the manifest names is there after a refusal, byte for byte. What it does not name a crash
/// left behind, and may go.
fn check_unchanged(before: &Files, after: &Files) {
    let Ok(Some(loaded)) = load(&Folder::of(before)) else {
        let same = |(name, bytes): (&FileName, _)| {
            *name == FileName::Lock || after.get(name) == Some(bytes)
        };
        assert!(before.iter().all(same), "files were changed by an open that failed");
        return;
    };
    let state = &loaded.state;
    let mut named = vec![FileName::Current, FileName::Manifest(loaded.number)];
    named.extend(state.logs.iter().map(|log| FileName::Log(log.id)));
    for segment in &state.segments {
        named.extend([FileName::Skeleton(segment.id), FileName::Payload(segment.id)]);
    }
    for name in named {
        assert!(after.get(&name) == before.get(&name), "{name} was changed by an open that failed");
    }
}

/// A store that opens takes an append, and has it when it is opened again.
fn check_append(store: Store<Folder>, folder: &Folder, before: &Answers) {
    let id = Id::hex32(99);
    let mut batch = Batch::new();
    let record = TraceRecord::new(id.clone(), Timestamp(1), Operation::Create).input("something");
    batch.push(record).expect("a record");
    let appended = store.append(batch).and_then(|commit| commit.wait());
    assert!(appended.is_ok(), "{appended:?}");
    assert!(store.close().is_ok());
    let store = builder(folder.clone()).open(Folder::PATH);
    let store = store.unwrap_or_else(|e| panic!("opened once, written, and not again: {e}"));
    let snapshot = store.snapshot();
    match snapshot.trace_state(&id) {
        Ok(state) => {
            assert!(state.is_some_and(|s| s.fields.payload(Field::Input).is_some()));
        }
        // Whether a segment whose lookup is damaged has more of the trace cannot be told.
        Err(error) => {
            assert!(error.corruption().is_some(), "a record just written: {error}");
            assert_eq!(verdict(&folder.files()).ok(), Some(Verdict::Damaged), "{error}");
        }
    }
    let mut after = ask(&snapshot);
    let mut before = before.clone();
    for answers in [&mut after, &mut before] {
        answers.retain(|question, _| !question.starts_with("list"));
    }
    assert_eq!(before, after);
    assert!(store.close().is_ok());
}

/// A file that only a newer or only an older version can read: refused by name, and nothing is
/// written.
fn check_other_format(u: &mut Unstructured<'_>, files: &mut Files) {
    let Ok(name) = choose(u, files) else { return };
    let live = matches!(
        name,
        FileName::Log(_) | FileName::Manifest(_) | FileName::Skeleton(_) | FileName::Payload(_)
    );
    let Some(bytes) = files.get_mut(&name).filter(|_| live) else { return };
    let own = u16::from_le_bytes([bytes[8], bytes[9]]);
    let (any, older) = (u.arbitrary::<u16>().unwrap_or(0), u.arbitrary().unwrap_or(false));
    let format = if older { any % own } else { any.max(own + 1) };
    bytes[8..10].copy_from_slice(&format.to_le_bytes());
    bytes[10..12].copy_from_slice(&format.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..124]);
    bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    let error = builder(Folder::of(files)).open_read_only(Folder::PATH).map(drop);
    assert_eq!(error.map_err(|e| e.kind()), Err(ErrorKind::UnsupportedFormat), "{name}");
    let folder = Folder::of(files);
    let error = builder(folder.clone()).open(Folder::PATH).map(drop);
    assert_eq!(error.map_err(|e| e.kind()), Err(ErrorKind::UnsupportedFormat), "{name}");
    check_unchanged(files, &folder.files());
}
