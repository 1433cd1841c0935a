//! What there is after some batches: maps, filled by plain rules.

use super::fact::{Fact, at};
use std::collections::BTreeMap;
use std::io::Write;
use tracekeep::model::Timestamp;

/// Traces and scores by id.
#[derive(Debug, Clone, Default)]
pub struct World {
    traces: BTreeMap<String, Trace>,
    scores: BTreeMap<String, Score>,
}

#[derive(Debug, Clone)]
struct Trace {
    start: Timestamp,
    user: String,
    session: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Step {
    id: String,
    parent: Option<String>,
    start: Timestamp,
    end: Option<Timestamp>,
    failed: bool,
    input: Vec<u8>,
    output: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Score {
    trace: String,
    number: u32,
}

impl World {
    /// What a statement makes of it.
    pub(super) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Trace { trace, ms, user, session } => {
                let (user, session) = (user.clone(), session.clone());
                let new = Trace { start: at(*ms), user, session, steps: Vec::new() };
                self.traces.insert(trace.clone(), new);
            }
            Fact::Observation { trace, id, parent, ms, input } => {
                let step = Step {
                    id: id.clone(),
                    parent: parent.clone(),
                    start: at(*ms),
                    end: None,
                    failed: false,
                    input: input.clone(),
                    output: None,
                };
                if let Some(trace) = self.traces.get_mut(trace) {
                    trace.steps.push(step);
                }
            }
            Fact::End { trace, id, ms, output, failed } => {
                let steps = self.traces.get_mut(trace).map(|t| &mut t.steps);
                if let Some(step) = steps.and_then(|s| s.iter_mut().find(|s| s.id == *id)) {
                    (step.end, step.output) = (Some(at(*ms)), Some(output.clone()));
                    step.failed |= failed;
                }
            }
            Fact::Score { score, trace, number, .. } => {
                let new = Score { trace: trace.clone(), number: *number };
                self.scores.insert(score.clone(), new);
            }
            Fact::Erase { trace, .. } => {
                self.traces.remove(trace);
                self.scores.retain(|_, score| score.trace != *trace);
            }
        }
    }

    /// Ids of traces, oldest first.
    pub fn traces(&self) -> Vec<String> {
        let mut ids: Vec<&String> = self.traces.keys().collect();
        ids.sort_by_key(|id| self.traces.get(*id).map(|t| t.start));
        ids.into_iter().cloned().collect()
    }

    /// Ids of a trace's observations, in the order in which they began.
    pub fn steps(&self, trace: &str) -> Vec<String> {
        self.traces
            .get(trace)
            .map_or(Vec::new(), |t| t.steps.iter().map(|s| s.id.clone()).collect())
    }

    /// Observations that have not ended, with their traces.
    pub fn open(&self) -> Vec<(String, String)> {
        let open = |(id, trace): (&String, &Trace)| {
            let steps = trace.steps.iter().filter(|s| s.end.is_none());
            steps.map(|s| (id.clone(), s.id.clone())).collect::<Vec<_>>()
        };
        self.traces.iter().flat_map(open).collect()
    }

    /// What the last observation of a trace was asked.
    pub fn last_input(&self, trace: &str) -> Option<&[u8]> {
        self.traces.get(trace)?.steps.last().map(|s| s.input.as_slice())
    }

    /// Ids of the scores of a trace, sorted.
    pub fn scores_of(&self, trace: &str) -> Vec<String> {
        let of = self.scores.iter().filter(|(_, score)| score.trace == trace);
        of.map(|(id, _)| id.clone()).collect()
    }

    /// Ids of traces with this session, oldest first.
    pub fn of_session(&self, session: &str) -> Vec<String> {
        let mut ids = self.traces();
        ids.retain(|id| self.traces.get(id).is_some_and(|t| t.session == session));
        ids
    }

    /// Everything that a store must say, as [`dump`](super::dump) writes it.
    pub(super) fn dump(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for id in self.traces() {
            if let Some(trace) = self.traces.get(&id) {
                trace.dump(&id, &mut out);
            }
        }
        for (id, score) in &self.scores {
            line(&mut out, format_args!("score {id} of {} is {}", score.trace, score.number));
        }
        out
    }
}

/// Writes a line. Writing to memory does not fail.
pub(super) fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
    out.push(b'\n');
}

/// Writes a payload byte for byte.
pub(super) fn payload(out: &mut Vec<u8>, id: &str, what: &str, bytes: &[u8]) {
    line(out, format_args!("  {what} of {id}, {} bytes", bytes.len()));
    out.extend_from_slice(bytes);
    out.push(b'\n');
}

impl Trace {
    fn dump(&self, id: &str, out: &mut Vec<u8>) {
        let steps = &self.steps;
        let bytes: usize =
            steps.iter().map(|s| s.input.len() + s.output.as_ref().map_or(0, Vec::len)).sum();
        let start = steps.iter().map(|s| s.start).min().unwrap_or(self.start);
        let end = steps.iter().map(|s| s.end.unwrap_or(s.start)).max().unwrap_or(self.start);
        line(
            out,
            format_args!(
                "trace {id} user {} session {} from {start} to {end}: {} observations, {} open, \
                 {} failed, {bytes} bytes",
                self.user,
                self.session,
                steps.len(),
                steps.iter().filter(|s| s.end.is_none()).count(),
                steps.iter().filter(|s| s.failed).count(),
            ),
        );
        self.dump_below(None, 0, out);
        for step in steps {
            payload(out, &step.id, "input", &step.input);
            if let Some(output) = &step.output {
                payload(out, &step.id, "output", output);
            }
        }
    }

    /// Children stand in the order in which they began; chains are a few steps deep.
    fn dump_below(&self, parent: Option<&str>, depth: u32, out: &mut Vec<u8>) {
        let children = self.steps.iter().filter(|s| s.parent.as_deref() == parent);
        for step in children {
            let level = if step.failed { "ERROR" } else { "DEFAULT" };
            let end = step.end.map_or("open".to_owned(), |end| end.to_string());
            line(
                out,
                format_args!(
                    "  {depth} {} GENERATION step {} by simulated, {level}, {} to {end}",
                    step.id, step.id, step.start
                ),
            );
            self.dump_below(Some(&step.id), depth + 1, out);
        }
    }
}
