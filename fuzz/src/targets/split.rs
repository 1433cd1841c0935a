//! Parts joined are the payload; cutting resumed after a shared prefix gives the whole's parts.

use super::KEY;
use tracekeep::internals::part;

/// Bytes for the last payloads of streams.
const STREAM_BYTES: usize = 1 << 20;

/// Cuts the bytes, and deduplicates payloads that share a start with and without that knowledge.
/// The first byte says how often the others are repeated, so that few bytes make long payloads.
pub fn split(data: &[u8]) {
    let Some((times, data)) = data.split_first() else { return };
    let data = &data.repeat(usize::from(times % 8) + 1)[..];
    check_cuts(data);
    let (mut with, mut without) = (Log::new(), Log::new());
    let (head, tail) = data.split_at(data.len() / 2);
    let keep = data.first().map_or(0, |b| usize::from(*b) * head.len() / 255);
    let branched = [&head[..keep], tail].concat();
    for payload in [head, data, &branched, data] {
        let found = with.add(&[1], payload);
        assert_eq!(found, without.add(&[], payload));
    }
    assert_eq!(with.parts, without.parts);
}

fn check_cuts(data: &[u8]) {
    let (mut at, mut state) = (0, part::SplitState::default());
    while at < data.len() {
        let cut = part::next_part(state, &data[at..]);
        assert!(cut.len > 0 && cut.len <= data.len() - at);
        // What it did not look at does not change it.
        if let Some(seen) = cut.seen {
            let mut other = data[at..data.len().min(at + seen)].to_vec();
            other.extend_from_slice(b"\"}]{[ other");
            assert_eq!(part::next_part(state, &other), cut);
        }
        (at, state) = (at + cut.len, cut.state);
    }
    assert_eq!(at, data.len());
}

/// The parts of a log, and what knows them.
struct Log {
    deduper: part::Deduper,
    parts: Vec<Vec<u8>>,
}

struct Parts<'a>(&'a mut Vec<Vec<u8>>);

impl part::PartSink for Parts<'_> {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        self.0.push(bytes.to_vec());
        self.0.len() as u32 - 1
    }
}

impl Log {
    fn new() -> Log {
        Log { deduper: part::Deduper::new(&KEY, STREAM_BYTES), parts: Vec::new() }
    }

    /// Adds a payload, joins what it became, and gives its list, length and print.
    fn add(&mut self, streams: &[u64], payload: &[u8]) -> (Vec<u8>, u64, u64) {
        let mut builder = part::ListBuilder::new();
        let sink = &mut Parts(&mut self.parts);
        let (len, print) = self.deduper.add(streams, payload.to_vec(), sink, &mut builder);
        let mut list = Vec::new();
        builder.encode(&mut list);
        let mut joined = Vec::new();
        for item in part::items(&list, self.parts.len() as u32) {
            match item {
                Ok(part::Item::Literal(bytes)) => joined.extend_from_slice(bytes),
                Ok(part::Item::Run { first, count, separator }) => {
                    for bytes in &self.parts[first as usize..(first + count) as usize] {
                        joined.extend_from_slice(separator.bytes());
                        joined.extend_from_slice(bytes);
                    }
                }
                Err(fault) => panic!("a list that was just made: {fault}"),
            }
        }
        assert!(joined == payload, "{} bytes joined, {} given", joined.len(), payload.len());
        (list, len, print)
    }
}
