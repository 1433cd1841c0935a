//! Keys: everything of a trace lies side by side.

use super::bytes::{Take, put_id};
use crate::Result;
use tracekeep::Id;
use tracekeep::model::Target;

const TRACE: u8 = b't';
const SCORE: u8 = b's';
/// Stands where the form of an observation's id would.
const OWN: u8 = 0xff;

/// The key of a target's row.
pub(crate) fn of_target(target: &Target) -> Vec<u8> {
    match target {
        Target::Trace { trace } => own(trace),
        Target::Observation { trace, observation } => of_observation(trace, observation),
        Target::Score { score } => of_score(score),
    }
}

/// The key of a trace's own row.
pub(crate) fn own(trace: &Id) -> Vec<u8> {
    let mut key = of_trace(trace);
    key.push(OWN);
    key
}

pub(crate) fn of_score(score: &Id) -> Vec<u8> {
    let mut key = vec![SCORE];
    put_id(score, &mut key);
    key
}

/// What the keys of a trace begin with.
pub(crate) fn of_trace(trace: &Id) -> Vec<u8> {
    let mut key = Vec::with_capacity(40);
    key.push(TRACE);
    put_id(trace, &mut key);
    key
}

pub(crate) fn of_observation(trace: &Id, observation: &Id) -> Vec<u8> {
    let mut key = of_trace(trace);
    put_id(observation, &mut key);
    key
}

/// The key of a payload of a row.
pub(crate) fn of_payload(row: &[u8], number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(row.len() + 4);
    key.extend_from_slice(row);
    // Peers sort keys by their bytes.
    for shift in [24, 16, 8, 0] {
        key.push((number >> shift) as u8);
    }
    key
}

/// What the key of a row is about.
pub(crate) enum Parsed {
    /// Trace and observation.
    Observation(Id, Id),
    /// A trace's own row or payload.
    Own(Id),
    /// A score's.
    Score(Id),
}

pub(crate) fn parse(key: &[u8]) -> Result<Parsed> {
    let mut take = Take(key);
    if take.byte()? == SCORE {
        return Ok(Parsed::Score(take.id()?));
    }
    let trace = take.id()?;
    if take.0.first() == Some(&OWN) {
        return Ok(Parsed::Own(trace));
    }
    Ok(Parsed::Observation(trace, take.id()?))
}

/// The key of the row that a payload belongs to, and the payload's number.
pub(crate) fn split(payload: &[u8]) -> (&[u8], u32) {
    let (row, number) = payload.split_at(payload.len().saturating_sub(4));
    (row, number.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)))
}

/// The first key behind all that begin with this prefix.
pub(crate) fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    end
}

/// What the rows of all traces and observations begin with.
pub(crate) const TRACES: &[u8] = &[TRACE];
/// What the rows of all scores begin with.
pub(crate) const SCORES: &[u8] = &[SCORE];
