//! The committed corpus of each fuzz target, run through the target's own code: what a fuzzer
//! found once stays found without one.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, of files that are no store"
)]

#[path = "../../fuzz/src/targets/mod.rs"]
#[expect(unreachable_pub, reason = "a library where the fuzzer builds it")]
mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tracekeep::fs::FileName;
use tracekeep::id::{Id, SegmentId, StoreKey};
use tracekeep::internals::{codec, column, frame, part};
use tracekeep::model::{Body, Operation, Record, Target, Timestamp};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs every file of a target's corpus, which must not be empty.
fn check_corpus(target: &str) {
    let (_, run) = targets::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let (folder, names) = (folder(target), names(&folder(target)));
    assert!(!names.is_empty(), "no corpus in {}", folder.display());
    for name in names {
        println!("{target}/{name}");
        run(&std::fs::read(folder.join(name)).unwrap());
    }
}

macro_rules! corpora {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            check_corpus(stringify!($target));
        })*

        /// Each target has a test here, a corpus, a program for the fuzzer, and a goal.
        #[test]
        fn no_target_is_forgotten() {
            let here = BTreeSet::from([$(stringify!($target).to_owned()),*]);
            let all = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(here, all);
            assert_eq!(names(&folder("")), here);
            let mut programs = names(&folder("../fuzz_targets"));
            assert!(programs.remove("canary.rs") && programs.remove("canary_memory.rs"));
            assert_eq!(programs, here.iter().map(|name| format!("{name}.rs")).collect());
            let campaign = std::fs::read_to_string(folder("../campaign.sh")).unwrap();
            let goal = |name: &String| campaign.lines().any(|l| l.starts_with(&format!("{name} ")));
            assert!(here.iter().all(goal), "fuzz/campaign.sh has no goal for each of {here:?}");
        }
    };
}

corpora!(codec frame_scan manifest skeleton payload merge tree langfuse split directory stateful);

/// `cargo test --test fuzz_corpus -- --ignored` writes the first inputs anew, but for those of
/// text, which were typed: layouts that nobody types, files of the small store, and for each way
/// of reading an input (its first byte) one of random bytes.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_the_seeds() {
    let ways = [
        ("codec", 10..16),
        ("frame_scan", 3..5),
        ("manifest", 1..5),
        ("skeleton", 1..3),
        ("payload", 1..3),
        ("merge", 0..6),
        ("tree", 0..2),
        ("directory", 0..16),
        ("stateful", 0..12),
    ];
    for (target, ways) in ways {
        for way in ways {
            let mut x = u64::from(way) + 1;
            let random = std::iter::from_fn(|| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                Some((x >> 56) as u8)
            });
            let bytes: Vec<u8> = std::iter::once(way).chain(random).take(64).collect();
            write_seed(target, &format!("random-{way:02}"), &bytes);
        }
    }
    layouts();
    frames();
    let id = SegmentId(2);
    for (target, name) in [
        ("skeleton", FileName::Skeleton(id)),
        ("payload", FileName::Payload(id)),
        ("manifest", FileName::Manifest(4)),
    ] {
        let file = targets::sound_file(name);
        write_seed(target, "file", &[&[if target == "manifest" { 2 } else { 0 }], file].concat());
    }
    write_seed("manifest", "current", b"\x05MANIFEST-000001\n");
    assert!(names(&folder("codec")).len() > 8);
}

/// One of each layout, behind the number by which the target knows it.
fn layouts() {
    let mut table = column::TableBuilder::new(1, 2);
    let key = StoreKey([7; 32]);
    (0..40).for_each(|n| {
        let ints = [(n % 7 != 0).then_some(n * 1000 + 17), Some(5)];
        table.push(&[key.identity(&Id::hex16(n as u64))], &ints);
    });
    let table = table.build();
    let mut texts = column::TextsBuilder::new();
    let codes = ["gpt", "claude", "gpt"].map(|text| texts.intern(text));
    assert_eq!(codes, [0, 1, 0]);
    let mut blobs = column::BlobsBuilder::new(1);
    ["a row", "", "another row"].iter().for_each(|row| blobs.push(row.as_bytes()));
    let lookup = tracekeep::internals::index::Lookup::build(vec![(7, 1), (1 << 60, 2)]);
    let (items, mut merged) = ([(7, 0, 1), (1 << 60, 1, 2)], Vec::new());
    let mut put = |bytes: &[u8]| {
        merged.extend_from_slice(bytes);
        Ok::<(), tracekeep::Error>(())
    };
    tracekeep::internals::index::write_merged(&|| items.iter().copied(), &mut put).unwrap();
    for (number, name, bytes) in [
        (0u8, "record", record()),
        (1, "list", list()),
        (2, "table", table.clone()),
        (3, "sealed", table),
        (4, "texts", texts.build()),
        (5, "blobs", blobs.build()),
        (6, "lookup", lookup),
        (7, "merged", merged),
        (8, "packed", b"what is packed is packed is packed".to_vec()),
        (9, "zstd", b"\x20\x00\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello".to_vec()),
    ] {
        write_seed("codec", name, &[&[number], bytes.as_slice()].concat());
    }
}

fn record() -> Vec<u8> {
    let target = Target::Trace { trace: Id::parse("trace 1").unwrap() };
    let (time, operation) = (Timestamp(1_700_000_000_000_000_000), Operation::Create);
    let mut record = Vec::new();
    let tombstone = Record { target, time, operation, body: Body::Tombstone };
    codec::encode_record(&tombstone, &mut record);
    record
}

fn list() -> Vec<u8> {
    let mut list = part::ListBuilder::new();
    list.push_literal(b"[");
    (17..20).for_each(|number| list.push_part(part::Separator::Comma, number));
    list.push_literal(b"]");
    let mut listed = Vec::new();
    list.encode(&mut listed);
    listed
}

/// The rest of a log, whole and torn, and the body of a frame.
fn frames() {
    let mut group = frame::GroupBuilder::new(0);
    group.push_record(&record());
    group.push_part(b"a part of more than thirty-two bytes, as parts are");
    group.push_list(&list());
    let mut body = Vec::new();
    group.write(&mut codec::compress::Compressor::new(1), &mut body);
    let mut writer = frame::FrameWriter::new(2, frame::FILE_HEADER_BYTES as u64);
    let mut frames = Vec::new();
    writer.frame(frame::FrameKind::Records, codec::CODEC_ID, 1, 0, 1, 51, &body, &mut frames);
    writer.frame(frame::FrameKind::Marker, codec::CODEC_ID, 2, 128, 0, 0, b"", &mut frames);
    write_seed("frame_scan", "frames", &[&[0], frames.as_slice()].concat());
    write_seed("frame_scan", "torn", &[&[0], &frames[..frames.len() - 20]].concat());
    write_seed("frame_scan", "damage", &[1, 4, 20, 1, 2, 3, 30, 4, 5, 6, 7]);
    write_seed("frame_scan", "body", &[&[2], body.as_slice()].concat());
}

fn write_seed(target: &str, name: &str, bytes: &[u8]) {
    assert!(bytes.len() < 8192, "{target}/{name} has {} bytes", bytes.len());
    std::fs::create_dir_all(folder(target)).unwrap();
    std::fs::write(folder(target).join(name), bytes).unwrap();
}
