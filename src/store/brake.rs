use super::pace::Pace;
use std::time::Duration;

/// Slows appends down while sealing is behind, so that they go on at its rate. Without it they
/// would stop, once there is no room, until a whole log is sealed: for seconds.
#[derive(Debug)]
pub(super) struct Brake {
    /// What sealing a record took lately, in nanoseconds; 0 before anything was sealed.
    seal_ns: u64,
    /// Spends nanoseconds of sealing.
    pace: Pace,
}

/// Appends are slowed down where more than this share of the room is taken.
pub(super) const SLOW_FROM: f64 = 0.75;
/// Where more than this share is taken logs are sealed quickly, and segments joined so: it may do
/// without slowing appends down.
pub(super) const HURRY_FROM: f64 = 0.5;
/// The longest wait of one batch: what a clock that jumps can cost.
const WAIT_MAX: Duration = Duration::from_millis(100);

impl Brake {
    pub fn new() -> Brake {
        Brake { seal_ns: 0, pace: Pace::new(1_000_000_000) }
    }

    /// So many records were sealed in so many nanoseconds.
    pub fn sealed(&mut self, records: u64, ns: i64) {
        self.seal_ns = u64::try_from(ns).unwrap_or(0) / records.max(1);
    }

    /// How long a batch of so many records has to wait where this share of the room is taken: in
    /// the middle between [`SLOW_FROM`] and 1 as long as sealing them takes, at the end twice that.
    pub fn wait(&mut self, records: u64, taken: f64, now_ns: i64) -> Duration {
        if taken <= SLOW_FROM {
            return Duration::ZERO;
        }
        let times = 2.0 * (taken.min(1.0) - SLOW_FROM) / (1.0 - SLOW_FROM);
        let ns = self.seal_ns.saturating_mul(records) as f64 * times;
        self.pace.spend(ns as u64, now_ns);
        self.pace.wait(now_ns).min(WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn appends_are_slowed_down_to_the_rate_of_sealing() {
        let mut brake = Brake::new();
        assert_eq!(brake.wait(64, 1.0, 0), Duration::ZERO, "nothing was sealed yet");
        brake.sealed(1_000, S / 10);
        assert_eq!(brake.wait(64, SLOW_FROM, S), Duration::ZERO);
        let times = [(0.8125, 0.5), (0.875, 1.0), (1.0, 2.0), (7.0, 2.0)];
        for (n, (taken, times)) in (2..).zip(times) {
            let wait = brake.wait(100, taken, n * S);
            assert_eq!(wait, Duration::from_micros(10_000).mul_f64(times), "{taken}");
        }
        // Who comes while others wait, waits for them as well.
        assert_eq!(brake.wait(100, 0.875, 10 * S), Duration::from_millis(10));
        assert_eq!(brake.wait(100, 0.875, 10 * S), Duration::from_millis(20));
    }

    #[test]
    fn no_wait_is_long() {
        let mut brake = Brake::new();
        brake.sealed(1, 100 * S);
        assert_eq!(brake.wait(u64::MAX, 0.9, 0), WAIT_MAX);
        assert_eq!(brake.wait(1, 0.9, -S), WAIT_MAX);
        brake.sealed(0, i64::MIN);
        assert_eq!(brake.seal_ns, 0);
    }
}
