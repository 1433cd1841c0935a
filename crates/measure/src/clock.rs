//! Clocks, and what is made of their figures.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What a piece of work took: by the clock, and of all threads' CPU, system calls included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// By the clock.
    pub wall: Duration,
    /// Of the whole process.
    pub cpu: Duration,
}

/// Does a piece of work and says what it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    timed_by(ClockId::ProcessCPUTime, work)
}

/// As [`timed`], with the CPU of this thread alone.
pub fn timed_thread<T>(work: impl FnOnce() -> T) -> (T, Took) {
    timed_by(ClockId::ThreadCPUTime, work)
}

fn timed_by<T>(clock: ClockId, work: impl FnOnce() -> T) -> (T, Took) {
    let (start, cpu) = (now(ClockId::Monotonic), now(clock));
    let done = work();
    let took = Took {
        wall: now(ClockId::Monotonic).saturating_sub(start),
        cpu: now(clock).saturating_sub(cpu),
    };
    (done, took)
}

/// Time that passed since an arbitrary beginning.
pub fn monotonic() -> Duration {
    now(ClockId::Monotonic)
}

fn now(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanos)
}

/// The value below which this share of all lies: 0.5 is the median.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// A line of a file under `/proc`, as a number.
pub fn proc_number(file: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
