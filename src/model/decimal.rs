use std::fmt;

/// A sum of money or another exact decimal, in units of 1e-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(pub i128);

const SCALE: u32 = 12;
const ONE: i128 = 10i128.pow(SCALE);
/// More than ten times the most that a sender could mean, and far from overflow in sums.
const UNITS_MAX: i128 = 10i128.pow(30);

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal(0);

    /// Reads a JSON number, `1.5`, `-2`, `3e-05`; digits past the twelfth are rounded half up.
    /// `None` where it is no number or larger than 1e18.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut units: i128 = 0;
        // The power of ten of the digit at hand, in units of 1e-12.
        let mut power =
            i64::try_from(whole.len()).ok()? - 1 + i64::from(exponent) + i64::from(SCALE);
        for b in whole.bytes().chain(fraction.bytes()) {
            let digit = i128::from(b.checked_sub(b'0').filter(|d| *d <= 9)?);
            if digit != 0 {
                units = match power {
                    0..=30 => units.checked_add(digit * 10i128.pow(u32::try_from(power).ok()?))?,
                    -1 if digit >= 5 => units + 1,
                    p if p > 30 => return None,
                    _ => units,
                };
            }
            power -= 1;
        }
        (units <= UNITS_MAX).then_some(Decimal(if negative { -units } else { units }))
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }

    /// The sum, at the ends of the range the end.
    pub fn plus(self, other: Decimal) -> Decimal {
        Decimal(self.0.saturating_add(other.0))
    }

    /// The difference, at the ends of the range the end.
    pub fn minus(self, other: Decimal) -> Decimal {
        Decimal(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Decimal {
    /// The shortest plain decimal: `0.00003975`, `12`, `-1.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let (whole, fraction) = (units / ONE.unsigned_abs(), units % ONE.unsigned_abs());
        if fraction == 0 {
            return f.pad(&format!("{sign}{whole}"));
        }
        let digits = format!("{fraction:012}");
        f.pad(&format!("{sign}{whole}.{}", digits.trim_end_matches('0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_twelve_digits() {
        for (text, shown) in [
            ("0.00003975", "0.00003975"),
            ("3.975e-05", "0.00003975"),
            ("1.5E2", "150"),
            ("-2", "-2"),
            ("0.0000000000005", "0.000000000001"),
            ("0.00000000000049", "0"),
            ("1e-400", "0"),
            ("123456789.123456789012", "123456789.123456789012"),
        ] {
            assert_eq!(Decimal::parse(text).map(|d| d.to_string()).as_deref(), Some(shown));
        }
        for text in ["", "-", ".", "1e", "abc", "1e30", "NaN", "1.2.3"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
