use super::file::HeaderFault;
use super::*;
use crate::codec::compress::{Compressor, Decompressor};
use crate::id::StoreKey;
use proptest::prelude::*;

fn header() -> FileHeader {
    FileHeader {
        kind: FileKind::Log,
        store: 0x1234_5678_9abc_def0,
        key: StoreKey([9; 32]),
        salt: 77,
        number: 3,
        created_ns: 5,
        previous: Previous { number: 2, end: 4096, crc: 1 },
    }
}

/// A file of three frames, and where each ends.
fn file(promises: [u64; 3]) -> (Vec<u8>, Vec<usize>) {
    let header = header();
    let mut bytes = header.encode().to_vec();
    let mut writer = FrameWriter::new(header.salt, bytes.len() as u64);
    let mut ends = vec![bytes.len()];
    for (i, promise) in promises.into_iter().enumerate() {
        let payload = vec![i as u8 + 1; 5 + i * 9];
        writer.frame(FrameKind::Records, 1, i as u64 * 2 + 1, promise, 2, 0, &payload, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn a_file_header_comes_back_and_every_bit_counts() {
    let bytes = header().encode();
    assert_eq!(FileHeader::parse(&bytes, FileKind::Log), Ok(header()));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(FileHeader::parse(&flipped, FileKind::Log).is_err(), "bit {bit}");
    }
    assert!(FileHeader::parse(&bytes, FileKind::Manifest).is_err());
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let mut bytes = header().encode();
    bytes[10] = 9;
    let crc = crc32fast::hash(&bytes[..124]);
    bytes[124..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(FileHeader::parse(&bytes, FileKind::Log), Err(HeaderFault::Newer(9)));
}

#[test]
fn a_cut_leaves_exactly_the_frames_before_it() {
    let (bytes, ends) = file([0; 3]);
    for cut in ends[0]..=bytes.len() {
        let scan = scan(&bytes[..cut], &header());
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(scan.frames.len(), whole, "cut at {cut}");
        assert_eq!(scan.stop.is_some(), !ends.contains(&cut), "cut at {cut}");
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let (bytes, ends) = file([0; 3]);
    for bit in ends[0] * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let stop = scan(&flipped, &header()).stop.expect("a flip goes unnoticed");
        assert!(stop.offset as usize <= bit / 8, "bit {bit}");
    }
}

#[test]
fn a_promise_beyond_the_stop_is_seen() {
    let (mut bytes, ends) = file([0, 0, 200]);
    bytes[ends[1] + FRAME_HEADER_BYTES] ^= 1;
    let scan = scan(&bytes, &header());
    assert_eq!(scan.frames.len(), 1);
    assert_eq!(scan.beyond.len(), 2);
    assert_eq!(scan.promise_max, 200);
}

#[test]
fn a_moved_frame_is_none() {
    let (bytes, ends) = file([0; 3]);
    let frame = &bytes[ends[0]..ends[1]];
    assert!(FrameHeader::parse(frame, ends[0] as u64, 77).is_some());
    assert!(FrameHeader::parse(frame, ends[0] as u64 + 8, 77).is_none());
    assert!(FrameHeader::parse(frame, ends[0] as u64, 78).is_none());
}

proptest! {
    #[test]
    fn groups_come_back(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        lists in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
        parts in prop::collection::vec(prop::collection::vec(0u8..4, 1..4000), 0..60),
    ) {
        let mut group = GroupBuilder::new(40);
        records.iter().for_each(|r| group.push_record(r));
        lists.iter().for_each(|l| { group.push_list(l); });
        parts.iter().for_each(|p| { group.push_part(p); });
        let mut body = Vec::new();
        let written = group.write(&mut Compressor::new(1), &mut body);
        let view = GroupView::parse(&body).unwrap();
        prop_assert_eq!(&written, &view);
        prop_assert!(view.records().eq(records.iter().map(Vec::as_slice)));
        for (i, list) in lists.iter().enumerate() {
            prop_assert_eq!(view.list(i), Some(list.as_slice()));
        }
        let mut raw = Vec::new();
        for piece in view.pieces() {
            let start = piece.body_offset as usize;
            let stored = &body[start..start + piece.stored_len as usize];
            let mut one = Vec::new();
            piece.read(stored, &mut Decompressor::new(), &mut one).unwrap();
            raw.extend_from_slice(&one);
        }
        prop_assert_eq!(raw, parts.concat());
        prop_assert_eq!(view.first_part(), 40);
    }

    #[test]
    fn hostile_groups_are_refused(
        mut body in prop::collection::vec(any::<u8>(), 0..400),
        counts in prop::array::uniform7(0u32..6),
    ) {
        let _refused = GroupView::parse(&body);
        for (i, count) in counts.iter().enumerate() {
            if body.len() >= 28 {
                body[i * 4..i * 4 + 4].copy_from_slice(&count.to_le_bytes());
            }
        }
        // What is taken all the same hangs together.
        if let Ok(view) = GroupView::parse(&body) {
            let parts: u32 = view.pieces().iter().map(|p| p.part_count).sum();
            prop_assert_eq!(parts as usize, view.part_lens().len());
        }
    }

    #[test]
    fn hostile_files_are_scanned(tail in prop::collection::vec(any::<u8>(), 0..600), cut in 0usize..300) {
        let (mut bytes, _) = file([0; 3]);
        bytes.truncate(128 + cut.min(bytes.len() - 128));
        bytes.extend_from_slice(&tail);
        let scan = scan(&bytes, &header());
        prop_assert!(scan.end <= bytes.len() as u64);
    }
}

#[test]
fn files_of_one_number_or_one_time_have_salts_of_their_own() {
    let log = header();
    let others = [
        FileHeader { kind: FileKind::Manifest, ..log.clone() },
        FileHeader { number: 4, ..log.clone() },
        FileHeader { created_ns: 6, ..log.clone() },
        FileHeader { key: StoreKey([8; 32]), ..log.clone() },
    ];
    let mut salts: Vec<u64> = others.map(|other| other.salted().salt).into();
    salts.push(log.salted().salt);
    salts.sort_unstable();
    salts.dedup();
    assert_eq!(salts.len(), 5);
}
