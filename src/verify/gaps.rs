//! What is gone from a log where frames are damaged: which seqs, and whose payloads of later
//! records need the parts that are gone.

use super::affects::{Affects, Traces};
use super::finding::Findings;
use crate::frame::{FrameRef, Scan};
use crate::id::{Id, Seq};
use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

/// Bytes of a log that are no frames and should be.
#[derive(Debug)]
pub struct Gap {
    /// Where.
    pub bytes: Range<u64>,
    /// The first seq that can be missing, and the one after the last, where that is known.
    pub seqs: (Seq, Option<Seq>),
    /// Parts that later frames leave out.
    parts: Range<u32>,
    /// Whose payloads need these.
    traces: HashSet<Option<Id>>,
    payloads: u64,
}

/// The gaps of a log, in order.
#[derive(Debug, Default)]
pub struct Gaps(Vec<Gap>);

/// The seq after a frame's last record.
pub fn seq_after(frame: &FrameRef) -> Seq {
    Seq(frame.header.seq.0.saturating_add(u64::from(frame.header.records)))
}

impl Gaps {
    /// Where frames are missing up to `end`: before the sound ones that were found again, and
    /// behind the last. `first` is the seq that the log begins with, `next` the one that the
    /// next log begins with.
    pub fn of(scan: &Scan, sound: &[FrameRef], end: u64, first: Seq, next: Option<Seq>) -> Gaps {
        let mut gaps = Vec::new();
        let (mut at, mut seq) = (scan.end, scan.frames.last().map_or(first, seq_after));
        let mut gap = |bytes: Range<u64>, seqs| {
            let (parts, traces) = (0..0, HashSet::new());
            gaps.push(Gap { bytes, seqs, parts, traces, payloads: 0 });
        };
        for frame in sound {
            if frame.offset > at {
                gap(at..frame.offset, (seq, Some(frame.header.seq)));
            }
            (at, seq) = (frame.end(), seq_after(frame));
        }
        if at < end {
            gap(at..end, (seq, next));
        }
        Gaps(gaps)
    }

    /// The frame at this offset goes on with other parts than the one before it.
    pub fn parts(&mut self, before: u64, parts: Range<u32>) {
        if let Some(gap) = self.0.iter_mut().rfind(|gap| gap.bytes.end <= before) {
            gap.parts = parts;
        }
    }

    /// A payload of this trace needs a part that is gone.
    pub fn need(&mut self, part: u32, trace: Option<&Id>) {
        if let Some(gap) = self.0.iter_mut().find(|gap| gap.parts.contains(&part)) {
            gap.traces.insert(trace.cloned());
            gap.payloads += 1;
        }
    }

    /// Tells of them. `why` is what is wrong with the first.
    pub fn report(self, path: &Path, why: &str, findings: &mut Findings<'_>) {
        let mut why = why;
        for gap in self.0 {
            let (first, next) = gap.seqs;
            let mut what = match next.map(|next| Seq(next.0.saturating_sub(1))) {
                Some(last) if last < first => "no record, or a promise only".to_owned(),
                Some(last) => format!("records of seqs {first} to {last}"),
                None => format!("records from seq {first} on"),
            };
            if gap.payloads > 0 {
                what.push_str(&format!("; {} payloads of later records", gap.payloads));
            }
            let mut traces = Traces::default();
            let mut named: Vec<Option<Id>> = gap.traces.into_iter().collect();
            named.sort_unstable();
            named.into_iter().for_each(|id| traces.add(id));
            let expected = format!("frames up to byte {}", gap.bytes.end);
            findings.damage((path, gap.bytes.start), expected, why, Affects::new(what, traces));
            why = "no valid frame";
        }
    }
}
