//! Of manifests, and of which one is the store's.

use super::{told, told_as};
use crate::manifest::Edit;
use crate::verify::tests::*;

type Frames = Vec<(FrameKind, u8, Vec<u8>)>;

fn edit(edit: &Edit) -> (FrameKind, u8, Vec<u8>) {
    (FrameKind::Edit, CODEC_ID, edit.encode())
}

impl Store {
    /// The state, as the first edit of a manifest.
    fn first(&self) -> (FrameKind, u8, Vec<u8>) {
        edit(&Edit::State(self.state.clone()))
    }

    /// Writes a manifest of these frames.
    fn manifest(&self, number: u64, header: FileHeader, frames: &Frames) {
        let header = FileHeader { kind: FileKind::Manifest, ..header };
        let mut bytes = header.encode().to_vec();
        let mut writer = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
        for (kind, codec, payload) in frames {
            writer.frame(*kind, *codec, 0, 0, 0, 0, payload, &mut bytes);
        }
        std::fs::write(self.path(FileName::Manifest(number)), bytes).unwrap();
    }

    fn current(&self, text: &str) {
        std::fs::write(self.path(FileName::Current), text).unwrap();
    }
}

type Case<'a> = (&'a str, &'a dyn Fn(&mut Store));

fn all_are_told(heading: &str, cases: &[Case<'_>]) {
    assert!(told(&store()).is_empty(), "as it is, it is sound");
    let told = cases.iter().map(|(name, change)| {
        let mut store = store();
        change(&mut store);
        (*name, told(&store))
    });
    told_as(heading, told);
}

/// A manifest of the state and then these frames.
fn frames(more: Frames) -> impl Fn(&mut Store) {
    move |store| {
        let mut all = vec![store.first()];
        all.extend(more.clone());
        store.manifest(1, store.header.clone(), &all);
    }
}

fn state(change: impl Fn(&mut State)) -> impl Fn(&mut Store) {
    move |store| {
        change(&mut store.state);
        store.manifest(1, store.header.clone(), &vec![store.first()]);
    }
}

#[test]
fn of_manifests() {
    let other = FileHeader { number: 7, ..store_header() };
    all_are_told(
        "of manifests",
        &[
            ("the state alone", &frames(vec![])),
            ("a marker after it", &frames(vec![(FrameKind::Marker, CODEC_ID, Vec::new())])),
            (
                "a marker with something in it",
                &frames(vec![(FrameKind::Marker, CODEC_ID, vec![1])]),
            ),
            ("a pad", &frames(vec![(FrameKind::Pad, CODEC_ID, Vec::new())])),
            ("a log's frame", &frames(vec![(FrameKind::Records, CODEC_ID, Vec::new())])),
            ("an edit of another codec", &frames(vec![(FrameKind::Edit, 9, vec![1])])),
            ("no edit", &frames(vec![(FrameKind::Edit, CODEC_ID, vec![99])])),
            ("the next manifest", &frames(vec![edit(&Edit::Next(2))])),
            ("the end of a log that is not there", &frames(vec![edit(&Edit::EndLog(LogId(9), 8))])),
            ("an edit before the state", &|store| {
                store.manifest(1, store.header.clone(), &vec![edit(&Edit::EndLog(LogId(3), 8))]);
            }),
            ("nothing", &|store| store.manifest(1, store.header.clone(), &Vec::new())),
            ("another number", &|store| {
                let frames = vec![store.first()];
                store.manifest(1, other.clone(), &frames);
            }),
            ("a bad frame at what a later one promises", &|store| {
                let (mut bytes, header) = (Vec::new(), store.header.clone());
                bytes.extend(header.encode());
                let mut writer = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
                let (.., state) = store.first();
                writer.frame(FrameKind::Edit, CODEC_ID, 0, 0, 0, 0, &state, &mut bytes);
                let at = writer.offset();
                writer.frame(FrameKind::Edit, CODEC_ID, 0, 0, 0, 0, &[1], &mut bytes);
                writer.frame(FrameKind::Marker, CODEC_ID, 0, at, 0, 0, &[], &mut bytes);
                bytes[at as usize + crate::frame::FRAME_HEADER_BYTES] ^= 1;
                std::fs::write(store.path(FileName::Manifest(1)), bytes).unwrap();
            }),
            ("more than a manifest may have", &|store| {
                let path = store.path(FileName::Manifest(1));
                let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(crate::limits::MANIFEST_READ_BYTES_MAX + 1).unwrap();
            }),
        ],
    );
}

#[test]
fn of_the_state() {
    all_are_told(
        "of the state",
        &[
            ("logs in another order", &state(|state| state.logs.reverse())),
            ("a log twice", &state(|state| state.logs.push(state.logs[1]))),
            ("segments in another order", &state(|state| state.segments.reverse())),
            ("a segment twice", &state(|state| state.segments.push(state.segments[1]))),
            (
                "a segment from its own last seq on",
                &state(|state| {
                    state.segments[1].first_seq = state.segments[1].last_seq;
                }),
            ),
            (
                "a segment from the last seq of the one before",
                &state(|state| {
                    state.segments[1].first_seq = state.segments[0].last_seq;
                }),
            ),
            ("a log that is next", &state(|state| state.next_log = 4)),
            ("a segment that is next", &state(|state| state.next_segment = 2)),
            ("an index that is next", &state(|state| state.next_index = 1)),
            (
                "an index of a segment that is not there",
                &state(|state| {
                    state.indexes[0].1.push(SegmentId(9));
                }),
            ),
            ("an index of fewer segments", &state(|state| state.indexes[0].1.truncate(1))),
        ],
    );
}

#[test]
fn of_the_current_manifest() {
    all_are_told(
        "of the current manifest",
        &[
            ("none", &|store| std::fs::remove_file(store.path(FileName::Current)).unwrap()),
            ("a name that is none", &|store| store.current("manifest\n")),
            ("a manifest that is not there", &|store| {
                store.current(&format!("{}\n", FileName::Manifest(9)));
            }),
            ("a manifest that is not there, and no other", &|store| {
                store.current(&format!("{}\n", FileName::Manifest(9)));
                std::fs::remove_file(store.path(FileName::Manifest(1))).unwrap();
            }),
            ("a manifest that is not there, and a log that is not", &|store| {
                store.current(&format!("{}\n", FileName::Manifest(9)));
                std::fs::remove_file(store.path(FileName::Log(LogId(3)))).unwrap();
            }),
            ("one without a state, beside a newer one", &|store| {
                let header = FileHeader { number: 2, ..store.header.clone() };
                store.manifest(2, header, &vec![store.first()]);
                store.manifest(1, store.header.clone(), &Vec::new());
            }),
            ("one without a header, beside a newer one", &|store| {
                let header = FileHeader { number: 2, ..store.header.clone() };
                store.manifest(2, header, &vec![store.first()]);
                std::fs::write(store.path(FileName::Manifest(1)), b"").unwrap();
            }),
        ],
    );
}
