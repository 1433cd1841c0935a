//! What is new in a generation compared with the one before it.

use super::Snapshot;
use crate::error::Result;
use crate::fs::Fs;
use crate::id::Id;
use crate::model::ObservationKind;
use crate::part::{Brackets, SplitState, Splitter};
use std::collections::HashSet;
use std::ops::Range;

/// The messages of a generation that the one before it did not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessages {
    /// The generation's whole input.
    pub input: Vec<u8>,
    /// Byte ranges of the input that are new, in order; separators at their ends left out.
    pub new: Vec<Range<usize>>,
    /// The generation that it was compared with: the one before it of the same name.
    pub previous: Option<Id>,
}

/// The parts of a payload, as deduplication cuts it.
fn parts(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut at, mut brackets) = (0, Brackets::new());
    let mut splitter = Splitter::new(SplitState::default(), bytes, &mut brackets);
    while at < bytes.len() {
        let len = splitter.next_cut().len;
        ranges.push(at..at + len);
        at += len;
    }
    ranges
}

/// A part without the separators around it, so that a message is the same first and later.
fn bare(bytes: &[u8], mut range: Range<usize>) -> Range<usize> {
    let skip = |b: u8| b.is_ascii_whitespace() || b == b',';
    while range.start < range.end && skip(bytes[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && skip(bytes[range.end - 1]) {
        range.end -= 1;
    }
    range
}

/// Ranges of `input` whose parts `previous` does not have.
fn new_ranges(input: &[u8], previous: &[u8]) -> Vec<Range<usize>> {
    let known: HashSet<&[u8]> =
        parts(previous).into_iter().map(|r| &previous[bare(previous, r)]).collect();
    let mut new: Vec<Range<usize>> = Vec::new();
    for part in parts(input) {
        let range = bare(input, part);
        // A bracket that the end of the list was cut off with is no message.
        if range.len() <= 2 || known.contains(&input[range.clone()]) {
            continue;
        }
        match new.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => new.push(range),
        }
    }
    new
}

impl<F: Fs> Snapshot<F> {
    /// The messages that are new in a generation's input, compared with the generation of the
    /// same name before it in the trace. `None` where the observation or its input is not there.
    /// Cost: both inputs, split as deduplication splits them.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn new_messages(&self, trace: &Id, observation: &Id) -> Result<Option<NewMessages>> {
        let Some(tree) = self.trace(trace)? else { return Ok(None) };
        let identity = self.view()?.key.identity(observation);
        let Some(at) = tree.find(&identity) else { return Ok(None) };
        let Some(input) = self.input(trace, observation)? else { return Ok(None) };
        let name = tree.name(at);
        let previous = (0..at).rev().find(|n| {
            tree.nodes()[*n as usize].kind == ObservationKind::Generation && tree.name(*n) == name
        });
        let previous = previous.and_then(|n| tree.id(n));
        let before = match &previous {
            Some(id) => self.input(trace, id)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let new = new_ranges(&input, &before);
        Ok(Some(NewMessages { input, new, previous }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_new_message_is_handed_out() {
        let first = format!(r#"[{{"role":"system","content":"{}"}}]"#, "a".repeat(200));
        let second = format!(
            r#"[{{"role":"system","content":"{}"}},{{"role":"user","content":"{}"}}]"#,
            "a".repeat(200),
            "b".repeat(100)
        );
        let new = new_ranges(second.as_bytes(), first.as_bytes());
        let texts: Vec<&str> = new.iter().map(|r| &second[r.clone()]).collect();
        assert_eq!(texts, [format!(r#"{{"role":"user","content":"{}"}}"#, "b".repeat(100))]);
    }
}
