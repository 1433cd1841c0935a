//! Numbers, times and foreign text as people read them.

use std::borrow::Cow;
use tracekeep::model::{Decimal, Timestamp};

/// Foreign text on one line: control characters, and those that reorder what stands around
/// them, are escaped, so that data cannot steer a terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// As [`plain`], over several lines.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && !keep(c))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// At most this many characters; where some are left out, the last is an ellipsis.
pub(crate) fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    if text.len() <= chars || text.chars().nth(chars).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out: String = text.chars().take(chars.saturating_sub(1)).collect();
    out.push('\u{2026}');
    Cow::Owned(out)
}

/// RFC 3339 in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    let mut out = Vec::with_capacity(32);
    tracekeep_langfuse::write_time(time, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A duration with about three digits: `845 us`, `12.3 ms`, `1.23 s`, `2 m 05 s`, `3 h 12 m`.
pub(crate) fn duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let text = match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => three(ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => three(ns as f64 / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => three(ns as f64 / 1e9, "s"),
        _ => {
            let s = ns / 1_000_000_000;
            match s {
                0..3_600 => format!("{} m {:02} s", s / 60, s % 60),
                3_600..86_400 => format!("{} h {:02} m", s / 3_600, s / 60 % 60),
                _ => format!("{} d {:02} h", s / 86_400, s / 3_600 % 24),
            }
        }
    };
    format!("{sign}{text}")
}

/// Bytes in powers of 1000: `845 B`, `12.3 kB`, `1.23 GB`.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => three(n as f64 / 1e3, "kB"),
        1_000_000..1_000_000_000 => three(n as f64 / 1e6, "MB"),
        _ => three(n as f64 / 1e9, "GB"),
    }
}

/// Bytes a second.
pub(crate) fn rate(n: u64, seconds: f64) -> String {
    format!("{}/s", bytes((n as f64 / seconds.max(1e-9)) as u64))
}

/// A quotient: `72.1x`, or a dash where nothing is divided.
pub(crate) fn ratio(n: u64, by: u64) -> String {
    if n == 0 || by == 0 {
        "-".to_owned()
    } else {
        three(n as f64 / by as f64, "x").replace(' ', "")
    }
}

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count, and nothing for none.
pub(crate) fn some(n: u64) -> String {
    if n == 0 { String::new() } else { count(n) }
}

/// A sum of money to six places, and nothing for none.
pub(crate) fn cost(cost: Decimal) -> String {
    if cost == Decimal::ZERO {
        return String::new();
    }
    let text = format!("{:.6}", cost.to_f64());
    match text.trim_end_matches('0').trim_end_matches('.') {
        "0" | "-0" => cost.to_string(),
        short => short.to_owned(),
    }
}

fn three(value: f64, unit: &str) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2} {unit}"),
        v if v < 99.95 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_about_three_digits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.50 us"),
            (12_345_678, "12.3 ms"),
            (999_999_999, "1000 ms"),
            (-1_234_000_000, "-1.23 s"),
            (125_000_000_000, "2 m 05 s"),
            (11_520_000_000_000, "3 h 12 m"),
            (90_000_000_000_000, "1 d 01 h"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn data_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(plain_lines("a\nb\r"), "a\nb\\r");
        assert!(matches!(plain("na\u{ef}ve"), Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_are_grouped_and_cut() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(bytes(12_345), "12.3 kB");
        assert_eq!(ratio(100, 8), "12.5x");
        assert_eq!(cost(Decimal::parse("0.0123400").unwrap()), "0.01234");
        assert_eq!(cost(Decimal::parse("0.000000001").unwrap()), "0.000000001");
        assert_eq!(cut("abcdef", 4), "abc\u{2026}");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
