//! The committed corpus of each fuzz target, run through the target's own code: what a fuzzer
//! found once stays found without one.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, of files that are no store"
)]

#[path = "../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, reason = "a library where the fuzzer builds it")]
mod targets;

use std::path::{Path, PathBuf};
use tracekeep::id::{Id, StoreKey};
use tracekeep::internals::{codec, column, frame, part};
use tracekeep::model::{Body, Operation, Record, Target, Timestamp};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Runs every file of a target's corpus, which must not be empty.
fn check_corpus(target: &str, run: fn(&[u8])) {
    let folder = folder(target);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    for file in files {
        println!("{}", file.display());
        run(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn frame_scan() {
    check_corpus("frame_scan", targets::frame_scan);
}

#[test]
fn codec() {
    check_corpus("codec", targets::codec);
}

#[test]
fn langfuse() {
    check_corpus("langfuse", targets::langfuse);
}

#[test]
fn split() {
    check_corpus("split", targets::split);
}

/// `cargo test --test fuzz_corpus -- --ignored` writes the first inputs anew: those of bytes that
/// nobody types. Those of text were typed.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_the_seeds() {
    let target = Target::Trace { trace: Id::parse("trace 1").unwrap() };
    let (time, operation) = (Timestamp(1_700_000_000_000_000_000), Operation::Create);
    let mut record = Vec::new();
    let tombstone = Record { target, time, operation, body: Body::Tombstone };
    codec::encode_record(&tombstone, &mut record);
    let mut ints = column::IntsBuilder::new();
    (0..40).for_each(|i| ints.push((i % 7 != 0).then_some(i * 1000 + 17)));
    let mut texts = column::TextsBuilder::new();
    let codes = ["gpt", "claude", "gpt"].map(|text| texts.intern(text));
    assert_eq!(codes, [0, 1, 0]);
    let mut list = part::ListBuilder::new();
    list.push_literal(b"[");
    (17..20).for_each(|number| list.push_part(part::Separator::Comma, number));
    list.push_literal(b"]");
    let mut listed = Vec::new();
    list.encode(&mut listed);
    for (name, bytes) in
        [("record", &record), ("ints", &ints.build()), ("texts", &texts.build()), ("list", &listed)]
    {
        write_seed("codec", name, bytes);
    }
    let mut group = frame::GroupBuilder::new(0);
    group.push_record(&record);
    group.push_part(b"a part of more than thirty-two bytes, as parts are");
    group.push_list(&listed);
    let mut body = Vec::new();
    group.write(&mut codec::compress::Compressor::new(1), &mut body);
    let mut writer = frame::FrameWriter::new(2, frame::FILE_HEADER_BYTES as u64);
    let mut frames = Vec::new();
    writer.frame(frame::FrameKind::Records, codec::CODEC_ID, 1, 0, 1, 51, &body, &mut frames);
    writer.frame(frame::FrameKind::Marker, codec::CODEC_ID, 2, 128, 0, 0, b"", &mut frames);
    let header = frame::FileHeader {
        kind: frame::FileKind::Log,
        store: 1,
        key: StoreKey([7; 32]),
        salt: 2,
        number: 3,
        created_ns: 4,
        previous: frame::Previous::default(),
    };
    write_seed("frame_scan", "body", &body);
    write_seed("frame_scan", "frames", &frames);
    write_seed("frame_scan", "header", &header.encode());
    write_seed("frame_scan", "torn", &frames[..frames.len() - 20]);
}

fn write_seed(target: &str, name: &str, bytes: &[u8]) {
    assert!(bytes.len() < 1024, "{target}/{name} has {} bytes", bytes.len());
    std::fs::create_dir_all(folder(target)).unwrap();
    std::fs::write(folder(target).join(name), bytes).unwrap();
}
