use super::Edit;
use crate::id::{LogId, SegmentId, Seq};
use crate::limits::NUMBER_MAX;

/// A live log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Which.
    pub id: LogId,
    /// Where it ends, once it is finished: the frames before are all there is.
    pub end: Option<u64>,
}

/// A live segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentState {
    /// Which.
    pub id: SegmentId,
    /// The seq range that it covers.
    pub first_seq: Seq,
    /// See `first_seq`.
    pub last_seq: Seq,
    /// Whether its payload file was dropped by policy.
    pub payload_expired: bool,
}

impl SegmentState {
    fn is_sound(&self) -> bool {
        self.id.0 < NUMBER_MAX && self.first_seq <= self.last_seq && self.last_seq.0 < NUMBER_MAX
    }
}

/// What is live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Logs in the order they were started.
    pub logs: Vec<LogState>,
    /// Segments by the seqs that they cover.
    pub segments: Vec<SegmentState>,
    /// The merged indexes, oldest first, and the live segments that each covers.
    pub indexes: Vec<(u64, Vec<SegmentId>)>,
    /// The next log's number; lower ones were used.
    pub next_log: u64,
    /// The next segment's number; lower ones were used.
    pub next_segment: u64,
    /// The next merged index's number; lower ones were used.
    pub next_index: u64,
}

impl State {
    /// The state of a new store.
    pub fn new() -> State {
        State { next_log: 1, next_segment: 1, next_index: 1, ..State::default() }
    }

    /// Whether the next of each number can be had, and is not in use: a file of that name is taken
    /// for one that a crash left behind.
    fn is_sound(&self) -> bool {
        let next = [self.next_log, self.next_segment, self.next_index];
        next.iter().all(|n| *n <= NUMBER_MAX)
            && self.logs.iter().all(|l| l.id.0 < self.next_log)
            && self.segments.iter().all(|s| s.is_sound() && s.id.0 < self.next_segment)
            && self.indexes.iter().all(|(number, _)| *number < self.next_index)
    }

    /// Applies an edit. `None` where it does not fit: it releases what is not live, adds what was
    /// there before, or has numbers that no store comes to.
    #[must_use]
    pub fn apply(&mut self, edit: &Edit) -> Option<()> {
        match edit {
            Edit::State(state) if state.is_sound() => *self = state.clone(),
            Edit::State(_) => return None,
            Edit::AddLog(log) => {
                if log.0 < self.next_log || log.0 >= NUMBER_MAX {
                    return None;
                }
                self.next_log = log.0 + 1;
                self.logs.push(LogState { id: *log, end: None });
            }
            Edit::EndLog(log, end) => {
                self.logs.iter_mut().find(|l| l.id == *log)?.end = Some(*end);
            }
            Edit::Replace { logs, segments, with } => {
                for log in logs {
                    let at = self.logs.iter().position(|l| l.id == *log)?;
                    self.logs.remove(at);
                }
                for segment in segments {
                    let at = self.segments.iter().position(|s| s.id == *segment)?;
                    self.segments.remove(at);
                }
                if let Some(with) = with {
                    if !with.is_sound() {
                        return None;
                    }
                    self.next_segment = self.next_segment.max(with.id.0 + 1);
                    self.segments.push(*with);
                    self.segments.sort_unstable_by_key(|s| s.first_seq);
                }
                // What an index says of segments that are gone is passed over.
                for (_, of) in &mut self.indexes {
                    of.retain(|id| !segments.contains(id));
                }
                self.indexes.retain(|(_, of)| !of.is_empty());
            }
            Edit::Index { number, .. } if *number >= NUMBER_MAX => return None,
            Edit::Index { number, segments, replaces } => {
                self.next_index = self.next_index.max(number + 1);
                self.indexes.retain(|(of, _)| !replaces.contains(of) && of != number);
                self.indexes.push((*number, segments.clone()));
            }
            Edit::Next(_) => {}
        }
        Some(())
    }
}
