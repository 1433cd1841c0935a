use super::state::{LogState, SegmentState, State};
use crate::error::Fault;
use crate::id::{LogId, SegmentId, Seq};
use serde::{Deserialize, Serialize};

/// One change of what is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The whole state: the first edit of a manifest.
    State(State),
    /// A log was started.
    AddLog(LogId),
    /// A log is finished and ends at this offset.
    EndLog(LogId, u64),
    /// These logs and segments are replaced by this segment, or by nothing.
    Replace {
        /// Logs that were sealed.
        logs: Vec<LogId>,
        /// Segments that were rewritten or expired.
        segments: Vec<SegmentId>,
        /// What holds their data now.
        with: Option<SegmentState>,
    },
    /// A merged index.
    Index {
        /// Its number.
        number: u64,
        /// The segments that it covers.
        segments: Vec<SegmentId>,
        /// The indexes that it takes the place of.
        replaces: Vec<u64>,
    },
    /// This manifest is finished; the one of this number goes on.
    Next(u64),
}

#[derive(Serialize, Deserialize)]
enum WireEdit {
    State {
        logs: Vec<(u64, Option<u64>)>,
        segments: Vec<WireSegment>,
        indexes: Vec<(u64, Vec<u64>)>,
        next: (u64, u64, u64),
    },
    AddLog(u64),
    EndLog(u64, u64),
    Replace {
        logs: Vec<u64>,
        segments: Vec<u64>,
        with: Option<WireSegment>,
    },
    Index(u64, Vec<u64>, Vec<u64>),
    Next(u64),
}

#[derive(Serialize, Deserialize)]
struct WireSegment(u64, u64, u64, bool);

fn wire_segment(s: &SegmentState) -> WireSegment {
    WireSegment(s.id.0, s.first_seq.0, s.last_seq.0, s.payload_expired)
}

fn segment(wire: &WireSegment) -> SegmentState {
    SegmentState {
        id: SegmentId(wire.0),
        first_seq: Seq(wire.1),
        last_seq: Seq(wire.2),
        payload_expired: wire.3,
    }
}

fn numbers(ids: &[SegmentId]) -> Vec<u64> {
    ids.iter().map(|id| id.0).collect()
}

fn ids(numbers: Vec<u64>) -> Vec<SegmentId> {
    numbers.into_iter().map(SegmentId).collect()
}

impl Edit {
    /// The edit as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let wire = match self {
            Edit::State(s) => WireEdit::State {
                logs: s.logs.iter().map(|l| (l.id.0, l.end)).collect(),
                segments: s.segments.iter().map(wire_segment).collect(),
                indexes: s.indexes.iter().map(|(n, of)| (*n, numbers(of))).collect(),
                next: (s.next_log, s.next_segment, s.next_index),
            },
            Edit::AddLog(log) => WireEdit::AddLog(log.0),
            Edit::EndLog(log, end) => WireEdit::EndLog(log.0, *end),
            Edit::Replace { logs, segments, with } => WireEdit::Replace {
                logs: logs.iter().map(|l| l.0).collect(),
                segments: numbers(segments),
                with: with.as_ref().map(wire_segment),
            },
            Edit::Index { number, segments, replaces } => {
                WireEdit::Index(*number, numbers(segments), replaces.clone())
            }
            Edit::Next(number) => WireEdit::Next(*number),
        };
        crate::codec::encode(&wire)
    }

    /// The edit in these bytes.
    ///
    /// # Errors
    /// A fault where they hold no edit.
    pub fn decode(bytes: &[u8]) -> Result<Edit, Fault> {
        Ok(match crate::codec::decode::<WireEdit>(bytes)? {
            WireEdit::State { logs, segments, indexes, next } => Edit::State(State {
                logs: logs.into_iter().map(|(id, end)| LogState { id: LogId(id), end }).collect(),
                segments: segments.iter().map(segment).collect(),
                indexes: indexes.into_iter().map(|(n, of)| (n, ids(of))).collect(),
                next_log: next.0,
                next_segment: next.1,
                next_index: next.2,
            }),
            WireEdit::AddLog(log) => Edit::AddLog(LogId(log)),
            WireEdit::EndLog(log, end) => Edit::EndLog(LogId(log), end),
            WireEdit::Replace { logs, segments, with } => Edit::Replace {
                logs: logs.into_iter().map(LogId).collect(),
                segments: ids(segments),
                with: with.as_ref().map(segment),
            },
            WireEdit::Index(number, of, replaces) => {
                Edit::Index { number, segments: ids(of), replaces }
            }
            WireEdit::Next(number) => Edit::Next(number),
        })
    }
}
