use std::time::Duration;

/// What background work may spend: so many bytes a second, on average. What is spent at once is
/// waited for after.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes a second; 0 sets no limit.
    rate: u64,
    /// When everything that was spent is paid for.
    paid_ns: i64,
    /// The latest time that was seen.
    last_ns: i64,
}

const SECOND_NS: u128 = 1_000_000_000;

impl Pace {
    pub fn new(rate: u64) -> Pace {
        Pace { rate, paid_ns: i64::MIN, last_ns: i64::MIN }
    }

    /// Spends bytes.
    pub fn spend(&mut self, bytes: u64, now_ns: i64) {
        if self.rate == 0 {
            return;
        }
        self.see(now_ns);
        let ns = u128::from(bytes) * SECOND_NS / u128::from(self.rate);
        let ns = i64::try_from(ns).unwrap_or(i64::MAX);
        self.paid_ns = self.paid_ns.max(now_ns).saturating_add(ns);
    }

    /// How long to wait before more is spent.
    pub fn wait(&mut self, now_ns: i64) -> Duration {
        self.see(now_ns);
        let ns = self.paid_ns.saturating_sub(now_ns);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
    }

    /// A clock that was set back is no reason to wait for longer.
    fn see(&mut self, now_ns: i64) {
        if now_ns < self.last_ns {
            let back = self.last_ns.saturating_sub(now_ns);
            self.paid_ns = self.paid_ns.saturating_sub(back);
        }
        self.last_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn what_is_spent_is_waited_for() {
        let mut pace = Pace::new(1_000);
        assert_eq!(pace.wait(5 * S), Duration::ZERO);
        pace.spend(3_000, 5 * S);
        assert_eq!(pace.wait(5 * S), Duration::from_secs(3));
        pace.spend(500, 6 * S);
        assert_eq!(pace.wait(6 * S), Duration::from_millis(2_500));
        assert_eq!(pace.wait(60 * S), Duration::ZERO);
        // What was not spent before is not saved up.
        pace.spend(1_000, 60 * S);
        assert_eq!(pace.wait(60 * S), Duration::from_secs(1));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody() {
        let mut pace = Pace::new(1_000);
        pace.spend(2_000, 100 * S);
        assert_eq!(pace.wait(10 * S), Duration::from_secs(2));
        assert_eq!(pace.wait(11 * S), Duration::from_secs(1));
    }

    #[test]
    fn without_a_limit_nothing_is_waited_for() {
        let mut pace = Pace::new(0);
        pace.spend(u64::MAX, i64::MAX);
        assert_eq!(pace.wait(0), Duration::ZERO);
        let mut pace = Pace::new(1);
        pace.spend(u64::MAX, i64::MAX - 1);
        assert!(pace.wait(i64::MIN) > Duration::ZERO);
    }
}
