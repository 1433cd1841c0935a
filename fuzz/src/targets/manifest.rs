//! Edits and the state they add up to; a manifest file: refused, or a state that its edits give.

use super::base::BASE;
use super::edit;
use super::folder::{Files, Folder};
use super::image::Frames;
use arbitrary::{Result, Unstructured};
use std::collections::HashSet;
use std::sync::LazyLock;
use tracekeep::fs::FileName;
use tracekeep::id::{LogId, SegmentId, Seq};
use tracekeep::internals::codec::CODEC_ID;
use tracekeep::internals::frame::{FileHeader, FileKind, FrameKind, FrameWriter};
use tracekeep::internals::manifest::{Edit, LogState, SegmentState, State, load};

const NAME: FileName = FileName::Manifest(1);
const EDITS_MAX: usize = 12;

static SOUND: LazyLock<(Vec<u8>, Vec<State>)> = LazyLock::new(sound);

/// The first byte says what the others are: an edit, edits in few bytes, a file, what to change in
/// a sound file with and without mending its checksums, or what `CURRENT` says.
pub fn manifest(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    match which % 6 {
        0 => check_edit(rest),
        1 => check_edits(u),
        2 => _ = read(rest.to_vec(), b"MANIFEST-000001\n"),
        3 => {
            let (mut file, right) = (SOUND.0.clone(), &SOUND.1);
            edit::each(u, &mut |u| edit::bytes(u, &mut file));
            if let Some(state) = read(file, b"MANIFEST-000001\n") {
                assert!(right.contains(&state), "{state:?}");
            }
        }
        4 => {
            let mut frames = Frames::of(&SOUND.0, FileKind::Manifest);
            edit::each(u, &mut |u| frames.edit(u));
            _ = read(frames.build(), b"MANIFEST-000001\n");
        }
        _ => _ = read(SOUND.0.clone(), rest),
    }
}

/// The state that is loaded, if one is.
fn read(file: Vec<u8>, current: &[u8]) -> Option<State> {
    let (files, len) = (Files::from([(NAME, file), (FileName::Current, current.to_vec())]), 4096);
    let loaded = load(&Folder::of(&files)).ok()??;
    assert!(loaded.torn.as_ref().is_none_or(|(at, what)| *at < loaded.bytes && what.len() < len));
    Some(loaded.state)
}

fn check_edit(data: &[u8]) {
    let Ok(edit) = Edit::decode(data) else { return };
    assert_eq!(Edit::decode(&edit.encode()), Ok(edit.clone()));
    let _fits_or_not = State::new().apply(&edit);
}

/// What is applied one by one is what a file of these edits says.
fn check_edits(u: &mut Unstructured<'_>) {
    let mut state = State::new();
    let mut edits = vec![Edit::State(state.clone())];
    while !u.is_empty()
        && edits.len() < EDITS_MAX
        && let Ok(next) = edit_of(u, &state)
    {
        let mut after = state.clone();
        let fits = after.apply(&next).is_some();
        edits.push(next);
        if !fits {
            // Whoever reads it refuses it, too.
            assert_eq!(read(write(&edits), b"MANIFEST-000001\n"), None);
            return;
        }
        check_state(&after, &edits[edits.len() - 1]);
        state = after;
    }
    assert_eq!(read(write(&edits), b"MANIFEST-000001\n"), Some(state));
}

fn check_state(state: &State, edit: &Edit) {
    if matches!(edit, Edit::State(_)) {
        return;
    }
    let logs: HashSet<LogId> = state.logs.iter().map(|l| l.id).collect();
    assert_eq!(logs.len(), state.logs.len(), "a log twice");
    assert!(state.segments.is_sorted_by_key(|s| s.first_seq));
    if let Edit::Replace { segments, .. } = edit {
        let mut covered = state.indexes.iter().flat_map(|(_, covered)| covered);
        assert!(!covered.any(|id| segments.contains(id)), "an index leads nowhere");
    }
}

/// Edits with small numbers, so that many of them fit.
fn edit_of(u: &mut Unstructured<'_>, state: &State) -> Result<Edit> {
    let kind: u8 = u.arbitrary()?;
    let number = |u: &mut Unstructured<'_>| u.arbitrary::<u8>().map(|n| u64::from(n % 8));
    Ok(match kind % 8 {
        0 | 1 => Edit::AddLog(LogId(state.next_log)),
        2 => Edit::AddLog(LogId(number(u)?)),
        3 => Edit::EndLog(LogId(number(u)?), u.arbitrary()?),
        4 | 5 => {
            let (logs, count) = (usize::from(kind >> 4), usize::from(kind >> 6));
            let first_seq = Seq(number(u)?);
            let with = SegmentState {
                id: SegmentId(number(u)?),
                first_seq,
                last_seq: Seq(first_seq.0 + number(u)?),
                payload_expired: kind.is_multiple_of(2),
            };
            Edit::Replace {
                logs: state.logs.iter().take(logs).map(|l| l.id).collect(),
                segments: state.segments.iter().take(count).map(|s| s.id).collect(),
                with: (number(u)? > 0).then_some(with),
            }
        }
        6 => Edit::Index {
            number: number(u)?,
            segments: vec![SegmentId(number(u)?), SegmentId(number(u)?)],
            replaces: state.indexes.iter().take(usize::from(kind >> 6)).map(|(n, _)| *n).collect(),
        },
        _ => match number(u)? {
            0 => Edit::Next(number(u)?),
            n => Edit::Replace { logs: vec![LogId(n)], segments: vec![SegmentId(n)], with: None },
        },
    })
}

fn header() -> FileHeader {
    FileHeader { kind: FileKind::Manifest, number: 1, ..BASE.header.clone() }
}

/// A manifest as a store writes it: each edit, and a marker that promises it.
fn write(edits: &[Edit]) -> Vec<u8> {
    let header = header();
    let mut file = header.encode().to_vec();
    let mut writer = FrameWriter::new(header.salt, file.len() as u64);
    for edit in edits {
        let at = writer.offset();
        writer.frame(FrameKind::Edit, CODEC_ID, 0, at, 0, 0, &edit.encode(), &mut file);
        let at = writer.offset();
        writer.frame(FrameKind::Marker, CODEC_ID, 0, at, 0, 0, &[], &mut file);
    }
    file
}

/// A manifest, and the state after each of its edits.
fn sound() -> (Vec<u8>, Vec<State>) {
    let segment = |id: u64| SegmentState {
        id: SegmentId(id),
        first_seq: Seq(id * 10),
        last_seq: Seq(id * 10 + 9),
        payload_expired: false,
    };
    let logs =
        vec![LogState { id: LogId(3), end: Some(500) }, LogState { id: LogId(4), end: None }];
    let (segments, next_log) = (vec![segment(1)], 5);
    let first = State { logs, segments, indexes: vec![], next_log, next_segment: 2, next_index: 1 };
    let replace = Edit::Replace { logs: vec![LogId(3)], segments: vec![], with: Some(segment(2)) };
    let edits = [
        Edit::State(first),
        Edit::EndLog(LogId(4), 700),
        Edit::AddLog(LogId(5)),
        replace,
        Edit::Index { number: 1, segments: vec![SegmentId(1), SegmentId(2)], replaces: vec![] },
    ];
    let mut state = State::default();
    let states = edits.iter().map(|edit| {
        state.apply(edit).expect("an edit that fits");
        state.clone()
    });
    let states = states.collect();
    (write(&edits), states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_leave_no_next_one_are_refused() {
        let last = LogId(u64::MAX);
        assert!(State::new().apply(&Edit::AddLog(last)).is_none());
        assert!(
            State::new()
                .apply(&Edit::Index { number: u64::MAX, segments: vec![], replaces: vec![] })
                .is_none()
        );
        let with = SegmentState {
            id: SegmentId(u64::MAX),
            first_seq: Seq(1),
            last_seq: Seq(1),
            payload_expired: false,
        };
        let (logs, segments) = (Vec::new(), Vec::new());
        let replace = Edit::Replace { logs, segments, with: Some(with) };
        assert!(State::new().apply(&replace).is_none());
        let state = State { next_log: u64::MAX, ..State::new() };
        assert!(State::new().apply(&Edit::State(state)).is_none());
    }

    #[test]
    fn a_next_number_that_is_in_use_is_refused() {
        let (_, states) = sound();
        let state = State { next_log: 4, ..states[0].clone() };
        assert!(State::new().apply(&Edit::State(states[0].clone())).is_some());
        assert!(State::new().apply(&Edit::State(state)).is_none());
    }
}
