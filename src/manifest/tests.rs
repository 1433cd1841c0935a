//! What a state may say, which edits fit it, and which files tell that there was a later one.

use super::*;
use crate::codec::CODEC_ID;
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameWriter, Previous};
use crate::fs::{Dir, DirMode, File, FileName, Fs, RealDir, RealFs};
use crate::id::{LogId, SegmentId, Seq, StoreKey};
use crate::limits::NUMBER_MAX;

fn segment(id: u64, first: u64, last: u64) -> SegmentState {
    let (first_seq, last_seq) = (Seq(first), Seq(last));
    SegmentState { id: SegmentId(id), first_seq, last_seq, payload_expired: false }
}

fn state() -> State {
    State {
        logs: vec![LogState { id: LogId(3), end: None }],
        segments: vec![segment(1, 1, 8), segment(2, 9, 9)],
        indexes: vec![(1, vec![SegmentId(1)]), (2, vec![SegmentId(2)])],
        next_log: 4,
        next_segment: 3,
        next_index: 3,
    }
}

fn after(edit: &Edit) -> Option<State> {
    let mut state = state();
    state.apply(edit)?;
    Some(state)
}

#[test]
fn a_state_names_nothing_that_is_next_and_no_number_past_the_last() {
    let sound = |change: &dyn Fn(&mut State)| {
        let mut state = state();
        change(&mut state);
        after(&Edit::State(state)).is_some()
    };
    assert!(sound(&|_| {}));
    assert!(sound(&|state| state.next_log = NUMBER_MAX));
    assert!(!sound(&|state| state.next_log = NUMBER_MAX + 1));
    assert!(!sound(&|state| state.next_segment = NUMBER_MAX + 1));
    assert!(!sound(&|state| state.next_index = NUMBER_MAX + 1));
    assert!(!sound(&|state| state.next_log = 3));
    assert!(!sound(&|state| state.next_segment = 2));
    assert!(!sound(&|state| state.next_index = 2));
    assert!(!sound(&|state| state.segments[1] = segment(2, 10, 9)));
    assert!(sound(&|state| state.segments[1] = segment(2, 9, NUMBER_MAX - 1)));
    assert!(!sound(&|state| state.segments[1] = segment(2, 9, NUMBER_MAX)));
    // By itself a number may be too high as well.
    let with =
        |id| Edit::Replace { logs: vec![], segments: vec![], with: Some(segment(id, 10, 10)) };
    assert!(after(&with(NUMBER_MAX - 1)).is_some());
    assert!(after(&with(NUMBER_MAX)).is_none());
}

#[test]
fn an_edit_adds_what_is_new_and_ends_what_is_there() {
    assert_eq!(after(&Edit::AddLog(LogId(3))), None);
    assert_eq!(after(&Edit::AddLog(LogId(NUMBER_MAX))), None);
    let added = after(&Edit::AddLog(LogId(6))).unwrap();
    assert_eq!((added.next_log, added.logs.len()), (7, 2));
    assert!(after(&Edit::AddLog(LogId(NUMBER_MAX - 1))).is_some());
    assert_eq!(after(&Edit::EndLog(LogId(9), 8)), None);
    let mut two = added.clone();
    two.apply(&Edit::EndLog(LogId(6), 8)).unwrap();
    assert_eq!(two.logs.iter().map(|log| log.end).collect::<Vec<_>>(), [None, Some(8)]);
    let index = |number, replaces: &[u64]| Edit::Index {
        number,
        segments: vec![SegmentId(1), SegmentId(2)],
        replaces: replaces.to_vec(),
    };
    let numbers = |edit: &Edit| -> Option<Vec<u64>> {
        Some(after(edit)?.indexes.into_iter().map(|(number, _)| number).collect())
    };
    assert_eq!(numbers(&index(3, &[1])), Some(vec![2, 3]));
    assert_eq!(numbers(&index(3, &[])), Some(vec![1, 2, 3]));
    assert_eq!(numbers(&index(2, &[])), Some(vec![1, 2]), "one is written again");
    assert_eq!(numbers(&index(NUMBER_MAX, &[])), None);
    assert_eq!(after(&index(7, &[])).unwrap().next_index, 8);
    let gone = Edit::Replace { logs: vec![LogId(3)], segments: vec![SegmentId(2)], with: None };
    let left = after(&gone).unwrap();
    assert_eq!((left.logs.len(), left.segments.len(), left.indexes.len()), (0, 1, 1));
    let unknown = Edit::Replace { logs: vec![LogId(3)], segments: vec![SegmentId(7)], with: None };
    assert_eq!(after(&unknown), None);
}

fn folder() -> (tempfile::TempDir, RealDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = RealFs.open_dir(temp.path(), DirMode::Existing).unwrap();
    (temp, dir)
}

fn header(kind: FileKind, number: u64) -> FileHeader {
    FileHeader {
        kind,
        store: 7,
        key: StoreKey([1; 32]),
        salt: 5,
        number,
        created_ns: 1,
        previous: Previous::default(),
    }
}

#[test]
fn current_names_a_number_that_a_manifest_can_have() {
    let (_temp, dir) = folder();
    assert_eq!(read_current(&dir).unwrap(), None);
    for (number, there) in [(1, true), (NUMBER_MAX - 1, true), (NUMBER_MAX, false)] {
        let file = dir.create(FileName::Current).unwrap();
        file.write_at(format!("{}\n", FileName::Manifest(number)).as_bytes(), 0).unwrap();
        assert_eq!(read_current(&dir).ok(), there.then_some(Some(number)), "{number}");
        dir.remove(FileName::Current).unwrap();
    }
}

#[test]
fn what_is_not_sound_is_not_loaded() {
    let (_temp, dir) = folder();
    let mut broken = state();
    broken.next_segment = 2;
    let header = header(FileKind::Manifest, 1);
    let mut bytes = header.encode().to_vec();
    let mut frames = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
    let edit = Edit::State(broken).encode();
    frames.frame(FrameKind::Edit, CODEC_ID, 0, 0, 0, 0, &edit, &mut bytes);
    dir.create(FileName::Manifest(1)).unwrap().write_at(&bytes, 0).unwrap();
    let error = read_manifest(&dir, 1).unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
}

#[test]
fn files_of_a_higher_number_than_the_next_are_newer() {
    let (_temp, dir) = folder();
    let (state, store) = (state(), header(FileKind::Manifest, 1));
    let newer = |name: FileName, header: &FileHeader, more: &[u8]| {
        let file = dir.create(name).unwrap();
        file.write_at(&[&header.encode()[..], more].concat(), 0).unwrap();
        let newer = is_newer(&dir, name, &state, &store).unwrap();
        dir.remove(name).unwrap();
        newer
    };
    for (number, expected) in [(2, false), (3, false), (4, true)] {
        for (kind, name) in [
            (FileKind::Skeleton, FileName::Skeleton(SegmentId(number))),
            (FileKind::Payload, FileName::Payload(SegmentId(number))),
        ] {
            assert_eq!(newer(name, &header(kind, number), &[]), expected, "{name}");
            let other = FileHeader { store: 8, ..header(kind, number) };
            assert!(!newer(name, &other, &[]), "{name} of another store");
            assert!(!newer(name, &header(kind, 9), &[]), "{name} with another number");
            assert!(!newer(name, &header(FileKind::Log, number), &[]), "{name} is a log");
        }
    }
    assert!(newer(FileName::Log(LogId(5)), &header(FileKind::Log, 5), &[]));
    // The next log tells by a record that comes with a promise, which recovery's copies do not.
    for (records, promise, expected) in [(0, 128, false), (1, 0, false), (1, 128, true)] {
        let mut more = Vec::new();
        let mut frames = FrameWriter::new(5, FILE_HEADER_BYTES as u64);
        frames.frame(FrameKind::Records, CODEC_ID, 1, promise, records, 0, &[1; 8], &mut more);
        let name = FileName::Log(LogId(4));
        assert_eq!(newer(name, &header(FileKind::Log, 4), &more), expected, "{records} {promise}");
    }
    assert!(!is_newer(&dir, FileName::Log(LogId(9)), &state, &store).unwrap(), "it is not there");
    assert!(!is_newer(&dir, FileName::Index(9), &state, &store).unwrap(), "an index is a cache");
}

#[test]
fn a_writer_is_sound_until_an_edit_fails_and_starts_anew_past_its_bound() {
    let (_temp, dir) = folder();
    let store = header(FileKind::Manifest, 1);
    let mut writer = ManifestWriter::start(dir.clone(), &store, 1, state(), None).unwrap();
    let unfit = Edit::AddLog(LogId(1));
    assert!(writer.commit(&unfit).is_err() && !writer.is_poisoned(), "it was refused, no more");
    writer.start_anew_past(u64::MAX);
    (4..40).for_each(|log| writer.commit(&Edit::AddLog(LogId(log))).unwrap());
    assert!(!writer.is_poisoned());
    assert_eq!(writer.number(), 1, "no bound was passed");
    writer.start_anew_past(1);
    (40..44).for_each(|log| writer.commit(&Edit::AddLog(LogId(log))).unwrap());
    assert_eq!(read_current(&dir).unwrap(), Some(writer.number()));
    assert!(writer.number() > 1 && !writer.is_poisoned());
    assert_eq!(read_manifest(&dir, writer.number()).unwrap().state, *writer.state());
}
