//! A payload file: refused, or every payload is read within its bounds. Damage that no checksum
//! was mended for is found, or the payloads are the right ones.

use super::base::file;
use super::edit;
use super::image::Sections;
use arbitrary::Unstructured;
use std::path::Path;
use std::sync::LazyLock;
use tracekeep::fs::FileName;
use tracekeep::id::SegmentId;
use tracekeep::internals::codec::compress::Decompressor;
use tracekeep::internals::segment::{PayloadFile, PayloadReader};

/// The one with a dictionary, if there is enough to train one.
const ID: SegmentId = SegmentId(1);
/// Payloads and blocks that are read, of however many there are said to be.
const COUNT: usize = 24;
/// What a payload is said to be long where its length is not known: a list may name one part a
/// million times.
const BYTES: u64 = 1 << 20;

/// What was read, or that there was an error: of payloads, and of blocks.
type Read = [Vec<Option<Vec<u8>>>; 2];

static SOUND: LazyLock<Sections> = LazyLock::new(|| Sections::of(file(FileName::Payload(ID))));
static RIGHT: LazyLock<Read> = LazyLock::new(|| {
    let right = read(file(FileName::Payload(ID)), &[]).expect("a sound file");
    assert!(right.iter().all(|r| !r.is_empty() && r.iter().all(Option::is_some)));
    right
});

/// The first byte says what the others are: a file, or what to change in a sound one, with and
/// without mending its checksums.
pub fn payload(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    match which % 4 {
        0 => _ = read(rest, &[]),
        1 => {
            let mut file = file(FileName::Payload(ID)).to_vec();
            edit::each(u, &mut |u| edit::bytes(u, &mut file));
            let found = read(&file, &RIGHT[0]).unwrap_or_default();
            for (found, right) in found.iter().zip(&*RIGHT) {
                // More than there were is an error for each of them.
                let rights = right.iter().chain(std::iter::repeat(&None));
                let wrong = found.iter().zip(rights).position(|(a, b)| a.is_some() && a != b);
                assert_eq!(wrong, None);
            }
        }
        _ => {
            let mut sections = SOUND.clone();
            edit::each(u, &mut |u| sections.edit(u));
            _ = read(&sections.build().0, &RIGHT[0]);
        }
    }
}

/// Opens the file and reads all that it has; `None` where it is refused. Payloads are read with
/// the lengths of what is `known`.
fn read(bytes: &[u8], known: &[Option<Vec<u8>>]) -> Option<Read> {
    let file = PayloadFile::open(Path::new("payload"), ID, bytes).ok()?;
    let mut reader = PayloadReader::new(&file, None);
    let [mut payloads, mut blocks] = Read::default();
    for number in 0..file.payloads().min(COUNT) {
        let len = known.get(number).and_then(Option::as_ref).map(|bytes| bytes.len() as u64);
        let mut out = Vec::new();
        let found = match len {
            Some(len) => reader.read(number as u64, len, &mut out),
            None => lengths(&mut reader, number as u64, &mut out),
        };
        assert!(out.len() as u64 <= len.unwrap_or(BYTES));
        if let (Ok(true), Some(len)) = (&found, len) {
            assert_eq!(out.len() as u64, len);
        }
        payloads.push(found.ok().filter(|found| *found).map(|_| out));
    }
    if let Ok(dictionary) = file.dictionary() {
        let mut decompressor = Decompressor::with_dictionary(dictionary.as_ref());
        for block in 0..file.blocks().min(COUNT) {
            let found = file.read_block(block, &mut decompressor).ok();
            blocks.push(found.map(|block| block.bytes().to_vec()));
        }
    }
    let past = reader.read(file.payloads() as u64, 1, &mut Vec::new());
    assert!(past.is_err(), "a payload past the last one");
    Some([payloads, blocks])
}

/// A reader is told a payload's length. Here it is looked for: it is that of the longest prefix
/// which is handed out before the reader says that there is more than it was told.
fn lengths<M: tracekeep::fs::Mapped>(
    reader: &mut PayloadReader<'_, M>,
    number: u64,
    out: &mut Vec<u8>,
) -> tracekeep::Result<bool> {
    let first = reader.read(number, BYTES, out);
    let len = out.len() as u64;
    if first.is_ok() {
        return first;
    }
    out.clear();
    reader.read(number, len, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracekeep::internals::segment::columns;

    #[test]
    fn parts_without_bytes_are_refused() {
        let mut sections = SOUND.clone();
        sections.claim_rows(columns::PARTS, 60_000, 0);
        let [_, blocks] = read(&sections.build().0, &RIGHT[0]).expect("its lengths look sound");
        assert!(blocks.iter().all(Option::is_none));
    }
}
