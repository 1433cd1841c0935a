//! What a segment says of itself: enough to find everything again if the manifest is lost.

use crate::id::{LogId, SegmentId, Seq};
use serde::{Deserialize, Serialize};

/// How thoroughly a segment was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealLevel {
    /// Fast: no dictionary, a low compression level.
    Quick,
    /// As small as it will get.
    Full,
}

/// The facts of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id, which its file names carry.
    pub id: SegmentId,
    /// The first and last seq it covers; neighbours join without a gap.
    pub first_seq: Seq,
    /// See `first_seq`.
    pub last_seq: Seq,
    /// Logs that it replaces.
    pub logs: Vec<LogId>,
    /// Segments that it replaces.
    pub segments: Vec<SegmentId>,
    /// Rows: traces, observations, scores.
    pub traces: u32,
    /// Observation rows.
    pub observations: u32,
    /// Score rows.
    pub scores: u32,
    /// Payloads, each different one once.
    pub payloads: u32,
    /// Parts.
    pub parts: u32,
    /// Rows of older segments that are superseded.
    pub superseded: u32,
    /// Earliest trace start, latest trace end, in nanoseconds since the epoch.
    pub start_ns: i64,
    /// See `start_ns`.
    pub end_ns: i64,
    /// Raw bytes of the parts.
    pub part_bytes: u64,
    /// Length of the payload file.
    pub payload_file_bytes: u64,
    /// Checksum of the payload file's footer.
    pub payload_file_crc: u32,
    /// How it was written.
    pub level: SealLevel,
    /// When it was written, in nanoseconds since the epoch.
    pub created_ns: i64,
}

#[derive(Serialize, Deserialize)]
struct WireFacts {
    id: u64,
    seqs: (u64, u64),
    logs: Vec<u64>,
    segments: Vec<u64>,
    rows: (u32, u32, u32),
    payloads: u32,
    parts: u32,
    superseded: u32,
    times: (i64, i64),
    part_bytes: u64,
    payload_file: (u64, u32),
    level: u8,
    created_ns: i64,
}

impl Facts {
    /// About how much memory rewriting the segment takes, in bytes; measured with the `memory`
    /// section of the report (`cargo bench --bench report -- memory`).
    pub fn rewrite_bytes(&self) -> u64 {
        let rows = u64::from(self.traces) + u64::from(self.observations) + u64::from(self.scores);
        rows * 160 + u64::from(self.payloads) * 112 + u64::from(self.parts) * 48
    }

    /// The facts as bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::codec::encode(&WireFacts {
            id: self.id.0,
            seqs: (self.first_seq.0, self.last_seq.0),
            logs: self.logs.iter().map(|l| l.0).collect(),
            segments: self.segments.iter().map(|s| s.0).collect(),
            rows: (self.traces, self.observations, self.scores),
            payloads: self.payloads,
            parts: self.parts,
            superseded: self.superseded,
            times: (self.start_ns, self.end_ns),
            part_bytes: self.part_bytes,
            payload_file: (self.payload_file_bytes, self.payload_file_crc),
            level: u8::from(self.level == SealLevel::Full),
            created_ns: self.created_ns,
        })
    }

    /// The facts in these bytes.
    ///
    /// # Errors
    /// A fault where they hold no facts.
    pub fn decode(bytes: &[u8]) -> Result<Facts, crate::error::Fault> {
        let wire: WireFacts = crate::codec::decode(bytes)?;
        Ok(Facts {
            id: SegmentId(wire.id),
            first_seq: Seq(wire.seqs.0),
            last_seq: Seq(wire.seqs.1),
            logs: wire.logs.into_iter().map(LogId).collect(),
            segments: wire.segments.into_iter().map(SegmentId).collect(),
            traces: wire.rows.0,
            observations: wire.rows.1,
            scores: wire.rows.2,
            payloads: wire.payloads,
            parts: wire.parts,
            superseded: wire.superseded,
            start_ns: wire.times.0,
            end_ns: wire.times.1,
            part_bytes: wire.part_bytes,
            payload_file_bytes: wire.payload_file.0,
            payload_file_crc: wire.payload_file.1,
            level: if wire.level == 1 { SealLevel::Full } else { SealLevel::Quick },
            created_ns: wire.created_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewriting_takes_so_much_a_row_a_payload_and_a_part() {
        let facts = Facts {
            id: SegmentId(1),
            first_seq: Seq(1),
            last_seq: Seq(9),
            logs: vec![LogId(2)],
            segments: vec![SegmentId(3)],
            traces: 1,
            observations: 20,
            scores: 300,
            payloads: 7,
            parts: 11,
            superseded: 13,
            start_ns: 4,
            end_ns: 5,
            part_bytes: 6,
            payload_file_bytes: 8,
            payload_file_crc: 10,
            level: SealLevel::Full,
            created_ns: 12,
        };
        assert_eq!(facts.rewrite_bytes(), 321 * 160 + 7 * 112 + 11 * 48);
        assert_eq!(Facts::decode(&facts.encode()).unwrap(), facts);
        let quick = Facts { level: SealLevel::Quick, ..facts };
        assert_eq!(Facts::decode(&quick.encode()).unwrap(), quick);
    }
}
