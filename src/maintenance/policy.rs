//! What is due: a pure function of what is there.

use crate::id::LogId;
use crate::options::Options;

/// A finished log that is not sealed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedLog {
    /// Which.
    pub id: LogId,
    /// Its length on disk.
    pub bytes: u64,
    /// Memory that its table takes.
    pub memory: usize,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Rest,
    /// Seal this many of the oldest finished logs into one segment.
    Seal(usize),
}

/// How much depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Nobody waits.
    None,
    /// Appends wait until a log is sealed.
    Appends,
}

/// What is due for these finished logs, oldest first.
///
/// Logs wait until there are `seal_logs` of them, or `seal_bytes`, or their tables take a
/// quarter of the memory budget: a store that is opened often for a little does not end up with
/// a segment for each time. Where appends wait, logs do not. One segment takes logs up to one
/// full log's bytes.
pub fn plan(finished: &[FinishedLog], options: &Options, pressure: Pressure) -> Plan {
    let bytes: u64 = finished.iter().map(|l| l.bytes).sum();
    let memory: usize = finished.iter().map(|l| l.memory).sum();
    let due = pressure == Pressure::Appends
        || finished.len() >= options.seal_logs.max(1)
        || bytes >= options.seal_bytes
        || memory >= options.live_bytes_max / 4;
    if finished.is_empty() || !due {
        return Plan::Rest;
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
    Plan::Seal(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(bytes: &[u64]) -> Vec<FinishedLog> {
        let log = |(i, bytes): (usize, &u64)| FinishedLog {
            id: LogId(i as u64),
            bytes: *bytes,
            memory: 0,
        };
        bytes.iter().enumerate().map(log).collect()
    }

    #[test]
    fn small_logs_wait_for_company() {
        let options = Options::default();
        assert_eq!(plan(&[], &options, Pressure::None), Plan::Rest);
        assert_eq!(plan(&[], &options, Pressure::Appends), Plan::Rest);
        assert_eq!(plan(&logs(&[100]), &options, Pressure::Appends), Plan::Seal(1));
        assert_eq!(plan(&logs(&[100, 100]), &options, Pressure::None), Plan::Rest);
        assert_eq!(plan(&logs(&[100; 4]), &options, Pressure::None), Plan::Seal(4));
        assert_eq!(plan(&logs(&[60 << 20]), &options, Pressure::None), Plan::Seal(1));
        assert_eq!(plan(&logs(&[60 << 20, 60 << 20]), &options, Pressure::None), Plan::Seal(1));
    }
}
