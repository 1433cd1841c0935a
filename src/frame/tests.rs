use super::file::{FORMAT_OLDEST_READ, FORMAT_VERSION, HeaderFault};
use super::*;
use crate::codec::compress::{Compressor, Decompressor, pack};
use crate::codec::varint::put_u64;
use crate::id::StoreKey;
use crate::limits::PART_BYTES_MAX;
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
fn another_format_is_told_apart_from_damage() {
    let of_format = |version: u16, oldest: u16| {
        let mut bytes = header().encode();
        bytes[8..10].copy_from_slice(&version.to_le_bytes());
        bytes[10..12].copy_from_slice(&oldest.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        FileHeader::parse(&bytes, FileKind::Log)
    };
    assert_eq!(of_format(9, 9), Err(HeaderFault::Newer(9)));
    assert_eq!(of_format(9, FORMAT_VERSION), Ok(header()));
    assert_eq!(of_format(FORMAT_OLDEST_READ, 1), Ok(header()));
    assert_eq!(of_format(1, 1), Err(HeaderFault::Older(1)));
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

#[test]
fn what_a_view_takes_is_counted_by_item() {
    let mut group = GroupBuilder::new(7);
    group.push_record(b"abc");
    group.push_record(b"de");
    group.push_list(b"l");
    group.push_part(&[1; 10]);
    group.push_part(&[2; 20]);
    let view = group.write(&mut Compressor::new(1), &mut Vec::new());
    let skeleton = (1 + 3) + (1 + 2) + (1 + 1) + 1 + 1;
    assert_eq!(view.memory(), skeleton + 3 * 8 + 2 * 4 + size_of::<PieceAt>());
}

#[test]
fn a_group_in_used_memory_is_as_a_new_one() {
    let fill = |mut group: GroupBuilder, byte: u8, part: usize| {
        group.push_record(&[byte; 7]);
        group.push_list(&[byte; 3]);
        group.push_part(&vec![byte; part]);
        group
    };
    let written = |group: GroupBuilder| {
        let mut body = Vec::new();
        let view = group.write(&mut Compressor::new(1), &mut body);
        (body, view)
    };
    let used = fill(GroupBuilder::new(40), 1, 3000);
    let several = (0..2).fold(fill(GroupBuilder::new(0), 1, 9), |mut group, _| {
        group.push_part(&[5]);
        group
    });
    assert_eq!(several.skeleton_bytes(), (1 + 7) + (1 + 3) + 3 * 2);
    let mut records = GroupBuilder::new(0);
    records.push_record(&[1; 7]);
    let mut lists = GroupBuilder::new(0);
    lists.push_list(&[1; 7]);
    assert!(records.memory() >= 7 && lists.memory() >= 7);
    let again = used.reuse(41);
    assert!(again.is_empty() && again.next_part() == 41);
    assert!(again.memory() >= 3000, "its memory was not kept");
    assert_eq!(written(fill(again, 2, 90)), written(fill(GroupBuilder::new(41), 2, 90)));
    // A large one gives its memory back.
    let large = (0..300).fold(GroupBuilder::new(0), |group, _| fill(group, 3, 4000));
    assert_eq!(large.reuse(300).memory(), 0);
}

#[test]
fn pieces_compressed_ahead_are_written_as_the_others() {
    let part = |i: u32| -> Vec<u8> {
        // One in two does not get smaller.
        let mut noise = i;
        let byte = |_| {
            noise = noise.wrapping_mul(0x9e37_79b9).wrapping_add(1);
            if (i / 16).is_multiple_of(2) { (noise >> 24) as u8 } else { b'x' }
        };
        (0..4096).map(byte).collect()
    };
    let filled = |ahead: usize| {
        let mut compressor = Compressor::new(1);
        let mut group = GroupBuilder::new(7);
        for i in 0..90 {
            if group.needs_piece(4096) && group.raw_pieces() > ahead {
                group.pack_piece(&mut compressor);
                assert_eq!(group.raw_pieces(), ahead);
            }
            group.push_part(&part(i));
        }
        let (part_bytes, mut body) = (group.part_bytes(), Vec::new());
        let view = group.write(&mut compressor, &mut body);
        (part_bytes, body, view)
    };
    let plain = filled(usize::MAX);
    assert_eq!(plain.2.pieces().len(), 6);
    for ahead in [0, 1, 4] {
        assert_eq!(filled(ahead), plain, "all but {ahead}");
    }
}

/// Raw length, stored length and number of parts of a piece.
type Piece = (usize, usize, u32);

/// Where a body of these parts and pieces, with `more` bytes at its end, makes no sense.
fn refused(lens: &[usize], pieces: &[Piece], more: usize) -> Option<(u64, String)> {
    let mut skeleton = Vec::new();
    lens.iter().for_each(|len| put_u64(&mut skeleton, *len as u64));
    let mut stored = Vec::new();
    pack(&mut Compressor::new(1), &skeleton, &mut stored);
    let words = [0, 0, lens.len(), 0, pieces.len(), skeleton.len(), stored.len()];
    let mut body: Vec<u8> = words.iter().flat_map(|word| (*word as u32).to_le_bytes()).collect();
    body.extend_from_slice(&stored);
    for (raw, stored, parts) in pieces {
        let entry = [*raw as u32, *stored as u32, 0, *parts];
        body.extend(entry.iter().flat_map(|word| word.to_le_bytes()));
    }
    let bytes: usize = pieces.iter().map(|(_, stored, _)| stored.min(&100)).sum();
    body.resize(body.len() + bytes + more, 0);
    GroupView::parse(&body).err().map(|fault| (fault.at, fault.what))
}

#[test]
fn a_group_whose_pieces_do_not_hold_its_parts_is_refused() {
    let max = PART_BYTES_MAX;
    let does_not = |lens: &[usize], pieces: &[Piece], more, what: &str| {
        let found = refused(lens, pieces, more).unwrap_or_default().1;
        assert!(found.contains(what), "{lens:?} {pieces:?}: {found}");
    };
    assert_eq!(refused(&[max], &[(max, 9, 1)], 0), None);
    assert_eq!(refused(&[max; 4], &[(4 * max, 9, 4)], 0), None);
    assert_eq!(refused(&[5, 6], &[(5, 5, 1), (6, 6, 1)], 0), None);
    does_not(&[0], &[(0, 0, 1)], 0, "a part of 0 bytes");
    does_not(&[max + 1], &[(max + 1, 9, 1)], 0, "a part of");
    does_not(&[max; 5], &[(5 * max, 9, 5)], 0, "does not hold");
    does_not(&[5], &[(6, 6, 1)], 0, "does not hold");
    does_not(&[5], &[(5, 101, 1)], 0, "does not hold");
    does_not(&[5, 6], &[(5, 5, 1)], 0, "do not fill");
    does_not(&[5], &[(5, 5, 1)], 1, "do not fill");
    for cut in 0..28 {
        let fault = GroupView::parse(&vec![0; cut]).unwrap_err();
        assert_eq!(fault.at as usize, cut / 4 * 4, "a head of {cut} bytes");
    }
}

#[test]
fn a_full_piece_is_read() {
    let parts: Vec<Vec<u8>> = (1..=4).map(|i| vec![i; PART_BYTES_MAX]).collect();
    let mut group = GroupBuilder::new(0);
    parts.iter().for_each(|part| _ = group.push_part(part));
    let mut body = Vec::new();
    let view = group.write(&mut Compressor::new(1), &mut body);
    let [piece] = view.pieces() else { panic!("one piece: {:?}", view.pieces()) };
    let start = piece.body_offset as usize;
    let mut raw = Vec::new();
    piece.read(&body[start..], &mut Decompressor::new(), &mut raw).unwrap();
    assert!(raw == parts.concat());
}

#[test]
fn a_frame_header_holds_high_numbers_and_no_other_bytes() {
    let (seq, promise) = (5 << 40, 3 << 34);
    let (mut bytes, offset, salt) = (Vec::new(), 7 << 34, 77);
    let mut writer = FrameWriter::new(salt, offset);
    let written = writer.frame(FrameKind::Marker, 1, seq, promise, 0, 0, &[], &mut bytes).header;
    let header = FrameHeader::parse(&bytes, offset, salt).unwrap();
    assert_eq!((header.seq, header.promise, header), (Seq(seq), promise, written));
    for at in [6, 7, 40, 43] {
        let mut other = bytes.clone();
        other[at] = 1;
        let crc = header_crc(&other[..44], offset, salt);
        other[44..48].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(FrameHeader::parse(&other, offset, salt), None, "byte {at}");
    }
}
