//! Bit rot: every bit of a small store is flipped in turn.
//!
//! After each flip `verify` looks, a reader reads everything, and a writer opens. A flip in a
//! sealed file, padding included, is found by `verify`; one in the last log is found too, or lies
//! in a torn tail, or makes one of the zeros behind it; and no answer differs from what was there:
//! it is the same, an error, or (in a torn tail) that of an earlier moment. Where the damage is to
//! payloads, the skeletons are all read as before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test, and its table"
)]

/// Everything that a store can be asked.
mod answers;
/// The stores whose bits are flipped.
mod stores;

use answers::{Answers, Known, ask};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use stores::{Small, options, with_index, with_logs, with_segment, with_segments};
use tracekeep::fs::FileName;
use tracekeep::id::SegmentId;
use tracekeep::internals::frame::{FRAME_HEADER_BYTES, FileHeader, FileKind, scan};
use tracekeep::{Create, ErrorKind, Result, StoreBuilder, Verdict, verify_in};
use tracekeep_crash::disk::{Content, Image, SimFs};

/// What may come of a flip in one byte of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// `verify` says damage.
    Damage,
    /// A torn tail that begins after so many batches.
    Tail(usize),
    /// Nobody reads it but people.
    Nothing,
}

/// Counts of what came of it, for the table.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    bits: usize,
    found: usize,
    torn: usize,
    nothing: usize,
    opens: usize,
    opened: usize,
    errors: usize,
    answers: usize,
}

fn flipped(image: &Image, file: usize, bit: usize) -> Image {
    let mut image = image.clone();
    let mut bytes = image.files[file].bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    image.files[file] = Content::new(bytes);
    image
}

/// For each byte of a file what a flip there must come to.
fn expected(small: &Small, name: FileName, bytes: &[u8]) -> Vec<Expected> {
    let all = |expected| vec![expected; bytes.len()];
    match name {
        FileName::Lock | FileName::Ballast => all(Expected::Nothing),
        FileName::Manifest(_) => {
            // All that was appended is in logs and segments whatever becomes of the last marker.
            let batches = small.states.len() - 1;
            tail(bytes, FileKind::Manifest, |_| batches)
        }
        FileName::Log(_) if name == small.last_log() => {
            tail(bytes, FileKind::Log, |seq| small.batches_before(seq))
        }
        FileName::Log(_) => {
            let mut expected = all(Expected::Damage);
            expected[written(name, bytes)..].fill(Expected::Nothing);
            expected
        }
        _ => all(Expected::Damage),
    }
}

/// Where the zeros begin that are laid behind the frames of a log.
fn written(name: FileName, bytes: &[u8]) -> usize {
    if !matches!(name, FileName::Log(_)) {
        return bytes.len();
    }
    let header = FileHeader::parse(bytes, FileKind::Log).unwrap();
    scan(bytes, &header).end as usize
}

/// Frames that some other frame promises are damage, what comes after is a tail.
fn tail(bytes: &[u8], kind: FileKind, batches: impl Fn(u64) -> usize) -> Vec<Expected> {
    let header = FileHeader::parse(bytes, kind).unwrap();
    let scan = scan(bytes, &header);
    let frames = scan.frames;
    let mut expected = vec![Expected::Damage; bytes.len()];
    for (at, frame) in frames.iter().enumerate() {
        let others = frames.iter().enumerate().filter(|(other, _)| *other != at);
        let promise = others.map(|(_, f)| f.header.promise).max().unwrap_or(0);
        if frame.offset >= promise {
            let first = batches(frame.header.seq.0);
            expected[frame.offset as usize..frame.end() as usize].fill(Expected::Tail(first));
        }
    }
    assert!(scan.stop.is_none() && FRAME_HEADER_BYTES > 0);
    let after = frames.last().map_or(0, |last| last.header.seq.0 + u64::from(last.header.records));
    expected[scan.end as usize..].fill(Expected::Tail(batches(after)));
    expected
}

/// How a store is opened and asked.
type Open = fn(&SimFs, &Known) -> Result<Answers>;

/// A reader's answers, or why there is none.
fn read(fs: &SimFs, known: &Known) -> Result<Answers> {
    let builder = StoreBuilder::new(fs.clone()).options(options());
    let store = builder.open_read_only("store")?;
    Ok(ask(&store.snapshot(), known))
}

/// A writer's answers, or why there is none.
fn write(fs: &SimFs, known: &Known) -> Result<Answers> {
    let builder = StoreBuilder::new(fs.clone()).options(options()).create(Create::Never);
    let store = builder.open("store")?;
    Ok(ask(&store.snapshot(), known))
}

/// One flip: what is said of it, and what is answered after it.
fn check(small: &Small, name: FileName, bit: usize, expected: Expected, row: &mut Row) {
    let file = small.image.dirs[0].entries[&name];
    let image = flipped(&small.image, file, bit);
    let what = format!("{}: {name}, bit {bit} of byte {}", small.name, bit / 8);
    let verdict = verify_in(&SimFs::of(&image), Path::new("store"), &mut |_| {}, &mut |_| {})
        .unwrap_or_else(|e| panic!("{what}: verify: {e}"));
    row.bits += 1;
    match (verdict, expected) {
        (Verdict::Damaged, Expected::Damage | Expected::Tail(_)) => row.found += 1,
        (Verdict::TornTail, Expected::Tail(_)) => row.torn += 1,
        (_, Expected::Nothing) => row.nothing += 1,
        _ => panic!("{what}: {verdict:?}, and {expected:?} is expected"),
    }
    // A writer opens sealed files as a reader does: one bit of each byte is enough for it.
    let sealed = matches!(name, FileName::Skeleton(_) | FileName::Payload(_) | FileName::Index(_));
    let opens: &[Open] = if sealed && !bit.is_multiple_of(8) { &[read] } else { &[read, write] };
    for open in opens {
        row.opens += 1;
        let answers = match open(&SimFs::of(&image), &small.known) {
            Ok(answers) => answers,
            Err(e) => {
                assert!(verdict == Verdict::Damaged, "{what}: {verdict:?}, and {e}");
                let kinds = [ErrorKind::Corruption, ErrorKind::UnsupportedFormat];
                assert!(kinds.contains(&e.kind()), "{what}: {e}");
                continue;
            }
        };
        row.opened += 1;
        row.answers += answers.len();
        let errors = answers.values().filter(|answer| answer.is_err()).count();
        row.errors += errors;
        let wrong = |state: &Answers| answers::wrong(&answers, state);
        if let Expected::Tail(first) = expected {
            // The answers of one moment, with all that comes before the flip.
            let moments = small.states.iter().skip(first);
            assert!(errors == 0, "{what}: an error in a torn tail");
            assert!(moments.into_iter().any(|s| wrong(s).is_none()), "{what}: no earlier moment");
            continue;
        }
        if let Some(key) = wrong(small.states.last().unwrap()) {
            panic!("{what}: another answer than before: {key}");
        }
        if matches!(name, FileName::Payload(_) | FileName::Index(_)) {
            let skeleton = |(key, answer): (&String, &_)| {
                !answers::is_payload(key) && Result::<_, _>::is_err(answer)
            };
            assert!(!answers.iter().any(skeleton), "{what}: a skeleton needs no payload");
        }
    }
}

/// Flips every bit of these files on both cores, and prints what came of it.
fn flip_all(small: &Small, wanted: impl Fn(FileName) -> bool) -> BTreeMap<FileName, Row> {
    flip_some(small, 8, wanted)
}

/// The same with so many bits of each byte.
fn flip_some(
    small: &Small,
    bits: usize,
    wanted: impl Fn(FileName) -> bool,
) -> BTreeMap<FileName, Row> {
    let mut jobs = Vec::new();
    for (name, file) in small.image.dirs[0].entries.iter().filter(|(name, _)| wanted(**name)) {
        let bytes = &small.image.files[*file].bytes;
        let expected = expected(small, *name, bytes);
        // Of zeros some.
        let written = written(*name, bytes);
        let told = |byte: &usize| *byte < written + 64 || byte.is_multiple_of(4096);
        jobs.extend((0..bytes.len()).filter(told).map(|byte| (*name, byte, expected[byte])));
    }
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<FileName, Row>::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, byte, expected)) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let mut row = Row::default();
                    for bit in 0..bits {
                        // Another one in each byte, where not all are.
                        let bit = byte * 8 + (byte + bit) % 8;
                        check(small, *name, bit, *expected, &mut row);
                    }
                    let mut rows = rows.lock().unwrap();
                    let sum = rows.entry(*name).or_default();
                    sum.bits += row.bits;
                    sum.found += row.found;
                    sum.torn += row.torn;
                    sum.nothing += row.nothing;
                    sum.opens += row.opens;
                    sum.opened += row.opened;
                    sum.errors += row.errors;
                    sum.answers += row.answers;
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    for (name, r) in &rows {
        eprintln!(
            "{:9} {name:16} {:6} bits: {:6} found, {:5} torn tail; opened {:6} of {:6} times, \
             {} of {} answers were errors",
            small.name, r.bits, r.found, r.torn, r.opened, r.opens, r.errors, r.answers
        );
    }
    rows
}

#[test]
fn a_sound_store_answers_the_same_to_readers_and_writers() {
    for small in [with_segment(), with_segments(), with_logs(), with_index()] {
        let verdict =
            verify_in(&SimFs::of(&small.image), Path::new("store"), &mut |_| {}, &mut |_| {});
        assert_eq!(verdict.unwrap(), Verdict::Clean, "{}", small.name);
        for open in [read, write] {
            let answers = open(&SimFs::of(&small.image), &small.known).unwrap();
            assert_eq!(answers::wrong(&answers, small.states.last().unwrap()), None);
            assert!(answers.values().all(|answer| answer.is_ok()));
            assert!(answers.len() > 20, "{}", answers.len());
        }
    }
}

#[test]
fn every_bit_of_a_segment_and_of_what_names_it() {
    let small = with_segment();
    let rows = flip_all(&small, |_| true);
    let names: Vec<String> = rows.keys().map(ToString::to_string).collect();
    let all = ["LOCK", "CURRENT", "MANIFEST-000001", "seg-000001.tks", "seg-000001.tkp"];
    assert_eq!(names, all, "there is nothing else with bytes in it");
    for (name, row) in &rows {
        let damage =
            matches!(name, FileName::Current | FileName::Skeleton(_) | FileName::Payload(_));
        assert!(!damage || row.found == row.bits, "{name}: {row:?}");
        // Damage to payloads leaves the rest readable; headers, footers and what says where the
        // payloads are make more than half of so small a file.
        let payload = matches!(name, FileName::Payload(_));
        assert!(
            !payload || (row.opened > row.opens / 3 && row.errors < row.answers / 2),
            "{row:?}"
        );
    }
}

#[test]
fn a_bit_of_every_byte_of_a_segment_that_supersedes_rows_of_another() {
    let small = with_segments();
    let newer = SegmentId(2);
    let rows = flip_some(
        &small,
        1,
        |name| matches!(name, FileName::Skeleton(id) | FileName::Payload(id) if id == newer),
    );
    assert!(rows.len() == 2 && rows.values().all(|row| row.found == row.bits), "{rows:?}");
}

#[test]
fn every_bit_of_logs() {
    let mut small = with_logs();
    // As they are laid behind frames that are waited for, when the writer sees that.
    for name in [small.first_log(), small.last_log()] {
        let file = &mut small.image.files[small.image.dirs[0].entries[&name]];
        let bytes = file.bytes.iter().copied().chain([0; 8192]);
        *file = Content::new(bytes.collect());
    }
    let rows = flip_all(&small, |name| matches!(name, FileName::Log(_) | FileName::Manifest(_)));
    let (finished, last) = (&rows[&small.first_log()], &rows[&small.last_log()]);
    assert_eq!(finished.found, finished.bits - finished.nothing);
    assert!(finished.nothing > 0 && finished.found > finished.nothing, "{finished:?}");
    assert!(last.found > 0 && last.torn > 0, "{last:?}");
}

#[test]
fn every_bit_of_a_merged_index() {
    let small = with_index();
    let rows = flip_all(&small, |name| matches!(name, FileName::Index(_)));
    for row in rows.values() {
        assert_eq!((row.found, row.errors, row.opened), (row.bits, 0, row.opens));
    }
    assert_eq!(rows.len(), 1);
}
