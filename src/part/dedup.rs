//! From payloads to part lists: only what is new reaches the sink.

use super::{
    Boundary, Brackets, LastPayload, ListBuilder, PartKey, PartTable, Print, PrintKey, Splitter,
    StreamTable, separator,
};
use crate::id::StoreKey;
use crate::limits::LITERAL_BYTES_MAX;
use crate::planted::{self, Bug};

/// Fewer bytes than this between cuts, and the later ones are not kept: no payload takes much more
/// memory than its bytes.
const BYTES_PER_BOUNDARY: usize = 32;
/// Memory for more cuts is not kept for the next payload.
const CUTS_KEPT_MAX: usize = 16 << 10;
/// Payloads that agree in so many bytes are likely to agree in more.
const START_BYTES: usize = 512;

/// Where new parts go.
pub trait PartSink {
    /// Takes the bytes of a new part and numbers it.
    fn part(&mut self, bytes: &[u8]) -> u32;
}

/// Knows the parts of one log and the last payload of each stream.
#[derive(Debug)]
pub struct Deduper {
    identity: &'static PartKey,
    print: PrintKey,
    streams: StreamTable,
    parts: PartTable,
    /// Memory for the splitter, and for the cuts of the payload at hand.
    brackets: Brackets,
    cuts: Vec<Boundary>,
}

impl Deduper {
    /// Knows nothing yet; last payloads will take about so many bytes at most.
    pub fn new(key: &StoreKey, stream_bytes_max: usize) -> Deduper {
        Deduper {
            identity: PartKey::of_process(),
            print: PrintKey::new(key),
            streams: StreamTable::new(stream_bytes_max),
            parts: PartTable::new(),
            brackets: Brackets::new(),
            cuts: Vec::new(),
        }
    }

    /// Appends the parts of a payload to `list`, gives new ones to the sink, and answers the
    /// payload's length and print. Of the candidate `streams` the first that is known is what it
    /// is compared with; it is kept as the last payload of the first one.
    pub fn add(
        &mut self,
        streams: &[u64],
        payload: Vec<u8>,
        sink: &mut impl PartSink,
        list: &mut ListBuilder,
    ) -> (u64, u64) {
        let len = payload.len() as u64;
        if payload.len() <= LITERAL_BYTES_MAX {
            list.push_literal(&payload);
            return (len, self.print.finish(self.print.print(&payload)));
        }
        let mut boundaries = self.known_boundaries(streams, &payload);
        replay(&boundaries, &payload, list);
        let print = self.cut_rest(&mut boundaries, &payload, sink, list);
        if let Some(stream) = streams.first()
            && u32::try_from(payload.len()).is_ok()
        {
            self.streams.put(*stream, LastPayload { bytes: payload, boundaries });
        }
        (len, self.print.finish(print))
    }

    /// The cuts that this payload has in common with the last one of its stream.
    fn known_boundaries(&mut self, streams: &[u64], payload: &[u8]) -> Vec<Boundary> {
        let known = streams.iter().copied().find(|stream| self.streams.get(*stream).is_some());
        let Some(found) = known.or_else(|| self.alike(streams, payload)) else {
            return Vec::new();
        };
        let Some(last) = self.streams.get(found) else { return Vec::new() };
        let shared = shared_prefix(&last.bytes, payload);
        let same = shared == payload.len() && shared == last.bytes.len();
        // `seen` of an earlier cut may pass that of a later one, so the first to fail ends it.
        let kept = if same {
            last.boundaries.len()
        } else {
            last.boundaries.iter().take_while(|b| b.seen as usize <= shared).count()
        };
        if Some(&found) == streams.first() {
            let mut boundaries = self.streams.take(found).unwrap_or_default().boundaries;
            boundaries.truncate(kept);
            return boundaries;
        }
        last.boundaries[..kept].to_vec()
    }

    /// Another stream that began like this payload, the first one of its own.
    fn alike(&mut self, streams: &[u64], payload: &[u8]) -> Option<u64> {
        let start = self.print.print(payload.get(..START_BYTES)?);
        self.streams.begin(self.print.finish(start), *streams.first()?)
    }

    /// Cuts what follows the last boundary, looks up each part, and gives the payload's print.
    fn cut_rest(
        &mut self,
        boundaries: &mut Vec<Boundary>,
        payload: &[u8],
        sink: &mut impl PartSink,
        list: &mut ListBuilder,
    ) -> Print {
        let mut brackets = std::mem::take(&mut self.brackets);
        let mut cuts = std::mem::take(&mut self.cuts);
        let cuts_max = (payload.len() / BYTES_PER_BOUNDARY + 16).saturating_sub(boundaries.len());
        let (mut at, state, mut print) = match boundaries.last() {
            Some(b) => (b.end as usize, b.state, Print { hash: b.print, len: u64::from(b.end) }),
            None => Default::default(),
        };
        let mut splitter = Splitter::new(state, &payload[at..], &mut brackets);
        while at < payload.len() {
            let cut = splitter.next_cut();
            let bytes = &payload[at..at + cut.len];
            print = self.print.join(print, self.print.print(bytes));
            let part = if bytes.len() <= LITERAL_BYTES_MAX {
                list.push_literal(bytes);
                None
            } else {
                let before = separator(bytes);
                let number = self.number(&bytes[before.bytes().len()..], sink);
                list.push_part(before, number);
                Some(number)
            };
            let seen = cut.seen.map_or(usize::MAX, |seen| at + seen);
            at += cut.len;
            if cuts.len() >= cuts_max {
                continue;
            }
            cuts.push(Boundary {
                end: u32::try_from(at).unwrap_or(u32::MAX),
                seen: u32::try_from(seen).unwrap_or(u32::MAX),
                part,
                state: cut.state,
                print: print.hash,
            });
        }
        // Once, for all of them: in a large heap each growing step costs as much as many cuts.
        boundaries.extend_from_slice(&cuts);
        if cuts.capacity() <= CUTS_KEPT_MAX {
            cuts.clear();
            self.cuts = cuts;
        }
        self.brackets = brackets;
        print
    }

    fn number(&mut self, bytes: &[u8], sink: &mut impl PartSink) -> u32 {
        let hash = self.identity.hash(bytes);
        if let Some(number) = self.parts.find(hash) {
            return number;
        }
        let number = sink.part(bytes);
        self.parts.insert(hash, number);
        number
    }

    /// Forgets everything, for a new log.
    pub fn reset(&mut self) {
        self.streams.clear();
        planted::unless(Bug::PartsOutliveLog, || self.parts.clear());
    }

    /// Bytes allocated.
    pub fn memory(&self) -> usize {
        self.streams.memory() + self.parts.memory()
    }
}

/// Lists the parts up to the last of these boundaries.
fn replay(boundaries: &[Boundary], payload: &[u8], list: &mut ListBuilder) {
    let mut start = 0;
    for boundary in boundaries {
        let end = boundary.end as usize;
        match boundary.part {
            Some(part) => list.push_part(separator(&payload[start..end]), part),
            None => list.push_literal(&payload[start..end]),
        }
        start = end;
    }
}

/// How many bytes `a` and `b` have in common at their start.
fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let mut shared = equal_blocks::<512>(a, b);
    shared += equal_blocks::<16>(&a[shared..], &b[shared..]);
    shared + equal_blocks::<1>(&a[shared..], &b[shared..])
}

/// How many bytes the blocks take in which `a` and `b` agree before the first in which they do not.
fn equal_blocks<const BLOCK: usize>(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_chunks::<BLOCK>().0.iter().zip(b.as_chunks::<BLOCK>().0);
    blocks.take_while(|(a, b)| a == b).count() * BLOCK
}
