//! What is due: a pure function of what is there.

use crate::id::LogId;
use crate::options::Options;
use crate::segment::SealLevel;
use std::ops::Range;

/// A finished log that is not sealed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedLog {
    /// Which.
    pub id: LogId,
    /// Its length on disk.
    pub bytes: u64,
    /// Memory that its table takes.
    pub memory: usize,
    /// About how much memory sealing it takes.
    pub weight: u64,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Rest,
    /// Seal this many of the oldest finished logs into one segment, so thoroughly.
    Seal(usize, SealLevel),
    /// Rewrite these neighbouring segments into one, so thoroughly.
    Join(Range<usize>, SealLevel),
}

/// How much depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Nobody waits.
    None,
    /// There was no time to join segments thoroughly.
    Joins,
    /// Appends are slowed down, or wait, until a log is sealed, or are about to.
    Appends,
}

/// So many neighbours of a tier are joined.
const JOINED: usize = 4;
/// So many, or as many as one segment can hold, are joined before logs are sealed. Where appends
/// never pause, there are always logs to seal, and segments would pile up.
const OVERDUE: usize = 4 * JOINED;

/// As [`rewrite_bytes`](crate::segment::Facts::rewrite_bytes), of a log.
pub fn log_weight(records: u64, parts: u32) -> u64 {
    records * 384 + u64::from(parts) * 48
}

/// What is due for these finished logs and for segments of these weights, oldest first.
///
/// Logs wait until there are `seal_logs` of them, or `seal_bytes`, or their tables take a
/// quarter of the memory budget: a store that is opened often for a little does not end up with
/// a segment for each time. Where appends wait, logs do not, and are sealed quickly. One segment
/// takes logs up to one full log's bytes.
///
/// Segments are joined as digits are carried: four neighbours of a tier become one of the next,
/// and what has reached the last tier is not written again. So each row is written once a tier,
/// their number grows with the logarithm of what is below the last tier, and old rows are never
/// rewritten with new ones. Logs go first, but not for ever. A thorough join takes as long as
/// many logs take to come: under pressure segments wait until they are overdue, and are joined
/// quickly.
pub fn plan(
    finished: &[FinishedLog],
    segments: &[u64],
    options: &Options,
    pressure: Pressure,
) -> Plan {
    let bytes: u64 = finished.iter().map(|l| l.bytes).sum();
    let memory: usize = finished.iter().map(|l| l.memory).sum();
    let due = pressure == Pressure::Appends
        || finished.len() >= options.seal_logs.max(1)
        || bytes >= options.seal_bytes
        || memory >= options.live_bytes_max / 4;
    let tier = newest_tier(segments, options.rewrite_bytes_max);
    let overdue = tier.as_ref().is_some_and(|tier| tier.full || tier.segments.len() >= OVERDUE);
    if finished.is_empty() || !due || overdue {
        let (level, tier) = match pressure {
            Pressure::None => (SealLevel::Full, tier),
            Pressure::Joins | Pressure::Appends => (SealLevel::Quick, tier.filter(|_| overdue)),
        };
        return tier.map_or(Plan::Rest, |tier| Plan::Join(tier.segments, level));
    }
    let mut taken = 0;
    let mut sum = 0;
    for log in finished {
        if taken > 0 && sum + log.bytes > options.log_bytes_max {
            break;
        }
        taken += 1;
        sum += log.bytes;
    }
    let level = match pressure {
        Pressure::None | Pressure::Joins => SealLevel::Full,
        Pressure::Appends => SealLevel::Quick,
    };
    Plan::Seal(taken, level)
}

/// Neighbours of a tier.
struct Tier {
    segments: Range<usize>,
    /// One segment can hold no more of them.
    full: bool,
}

/// The newest segments, where enough of them are of a tier.
fn newest_tier(weights: &[u64], weight_max: u64) -> Option<Tier> {
    let tier = |weight: u64| weight.max(1).ilog(JOINED as u64);
    let newest = tier(*weights.last()?);
    let same = || weights.iter().rev().take_while(|weight| tier(**weight) <= newest);
    let mut sum = 0;
    let held = same().take_while(|weight| {
        sum += **weight;
        sum <= weight_max
    });
    let count = held.count();
    let full = same().nth(count).is_some();
    (count >= JOINED).then(|| Tier { segments: weights.len() - count..weights.len(), full })
}

/// The first neighbours that one segment can hold and that do not make up one thorough segment
/// yet: what is left to do until a store is as small as it will get.
pub fn unsettled(segments: &[(u64, SealLevel)], weight_max: u64) -> Option<Range<usize>> {
    let mut first = 0;
    while first < segments.len() {
        let mut sum = 0;
        let held = segments[first..].iter().take_while(|(weight, _)| {
            sum += weight;
            sum <= weight_max
        });
        let count = held.count().max(1);
        if count > 1 || segments[first].1 == SealLevel::Quick {
            return Some(first..first + count);
        }
        first += 1;
    }
    None
}

/// How many of the newest segments, and how many of the oldest logs, of these weights fit one
/// segment together. Where not all logs do, segments wait for the rest.
pub fn sealed_together(logs: &[u64], segments: &[u64], weight_max: u64) -> (usize, usize) {
    let mut sum = 0;
    let mut fits = |weight: &&u64| {
        sum += **weight;
        sum <= weight_max
    };
    let taken = logs.iter().take_while(&mut fits).count().max(logs.len().min(1));
    if taken < logs.len() {
        return (0, taken);
    }
    (segments.iter().rev().take_while(&mut fits).count(), taken)
}

#[cfg(test)]
mod tests;
