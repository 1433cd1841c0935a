//! How a kind of content goes on growing.
//!
//! A curve is known at a quarter, a half and all of the sample. Each doubling of the observations
//! added some multiple, from one to two, of what the doubling before it added: twice as much where
//! everything is new, as much again where the new gets rarer and rarer. The law is that it goes
//! on so. For what is repeated this is Heaps' law, `a + b n^c` with `2^c` the multiple; for a
//! column it is a straight line (`c` is 1), for a header a constant.

/// A curve through three points, of which each has twice the observations of the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    observations: f64,
    value: f64,
    /// What the last doubling added.
    added: f64,
    /// `c`, from 0 to 1.
    exponent: f64,
}

impl Curve {
    /// The curve that had these values at a quarter, a half and all of `observations`.
    pub fn through(observations: f64, [quarter, half, whole]: [f64; 3]) -> Curve {
        let (before, added) = (half - quarter, (whole - half).max(0.0));
        let exponent = match before > 0.0 && added > 0.0 {
            true => (added / before).log2().clamp(0.0, 1.0),
            // A step that only the last half made says nothing of the next.
            false => 1.0,
        };
        Curve { observations, value: whole, added, exponent }
    }

    /// The straight line that goes on as from a half to all of `observations`: for what costs the
    /// same each time, behind a beginning that costs more.
    pub fn line(observations: f64, [half, whole]: [f64; 2]) -> Curve {
        Curve { observations, value: whole, added: (whole - half).max(0.0), exponent: 1.0 }
    }

    /// The value at so many observations; never below nothing.
    pub fn at(&self, observations: f64) -> f64 {
        if self.observations <= 0.0 {
            return self.value;
        }
        let doublings = comes_again(observations / self.observations, self.exponent, 0.5);
        (self.value + self.added * doublings).max(0.0)
    }

    /// What each doubling adds, by what the one before it added, as a power of two.
    pub fn exponent(&self) -> f64 {
        self.exponent
    }
}

/// How often what the last step added comes again, from a whole to so many times of it, by Heaps'
/// law with this exponent. The step began at this share of the whole.
pub(crate) fn comes_again(times: f64, exponent: f64, share: f64) -> f64 {
    let times = times.max(f64::MIN_POSITIVE);
    // The limit where the exponent goes to nothing.
    match exponent < 1e-6 {
        true => -times.ln() / share.ln(),
        false => (times.powf(exponent) - 1.0) / (1.0 - share.powf(exponent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
    }

    fn curve(law: impl Fn(f64) -> f64, n: f64) -> Curve {
        Curve::through(n, [law(n / 4.0), law(n / 2.0), law(n)])
    }

    #[test]
    fn laws_go_on() {
        let heaps = |n: f64| 700.0 + 30.0 * n.powf(0.7);
        near(curve(heaps, 1_000.0).at(64_000.0), heaps(64_000.0));
        near(curve(heaps, 1_000.0).at(125.0), heaps(125.0));
        let line = |n: f64| 700.0 + 30.0 * n;
        near(curve(line, 1_000.0).at(1e9), line(1e9));
        let logarithm = |n: f64| 700.0 + 30.0 * n.ln();
        near(curve(logarithm, 1_000.0).at(1e6), logarithm(1e6));
        near(curve(|_| 700.0, 1_000.0).at(1e6), 700.0);
    }

    #[test]
    fn a_line_forgets_its_beginning() {
        // A beginning that takes 500 by the half of a thousand, and nothing after.
        let law = |n: f64| 30.0 * n + 500.0 * (n / 500.0).min(1.0);
        let line = Curve::line(1_000.0, [law(500.0), law(1_000.0)]);
        near(line.at(1_000.0), law(1_000.0));
        near(line.at(64_000.0), law(64_000.0));
        assert!(curve(law, 1_000.0).at(64_000.0) < law(64_000.0));
    }

    #[test]
    fn nothing_grows_faster_than_its_observations() {
        near(curve(|n| n * n, 1_000.0).at(2_000.0), 2_500_000.0);
        assert_eq!(Curve::through(0.0, [0.0; 3]).at(10.0), 0.0);
        assert_eq!(Curve::through(8.0, [0.0, 0.0, 80.0]).at(16.0), 240.0);
    }
}
