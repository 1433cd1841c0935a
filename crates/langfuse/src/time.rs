//! RFC 3339 times of nanoseconds, as text and back.
//!
//! ```text
//! 2026-01-12T08:00:09.376Z        2026-01-12T09:00:09.376000001+01:00
//! yyyy-mm-ddThh:mm:ss[.1 to 9 digits](Z|+hh:mm|-hh:mm)
//! ```

use tracekeep::model::Timestamp;

const DAY_SECONDS: i64 = 86_400;
const SECOND: i64 = 1_000_000_000;

/// Reads a time. `None` where the text has another form, names no day or second that exists, or
/// lies outside of what 64 bits of nanoseconds hold (1677 to 2262).
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (head, mut rest) = bytes.split_at_checked(19)?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| head.get(*at) != Some(mark)) {
        return None;
    }
    let part = |from: usize, to: usize| head.get(from..to).and_then(digits);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&n) {
            return None;
        }
        let (given, after) = fraction.split_at_checked(n)?;
        nanos =
            given.iter().chain(b"00000000").take(9).fold(0, |v, b| v * 10 + i64::from(b - b'0'));
        rest = after;
    }
    let offset = offset_seconds(rest)?;
    let seconds =
        days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
            - offset;
    // In 128 bits, since the second before the earliest whole one still has some nanoseconds.
    let ns = i128::from(seconds) * i128::from(SECOND) + i128::from(nanos);
    i64::try_from(ns).ok().map(Timestamp)
}

/// Appends a time in UTC, with the shortest of 3, 6 or 9 digits that loses nothing.
pub fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    let (seconds, nanos) = (time.0.div_euclid(SECOND), time.0.rem_euclid(SECOND));
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = civil_from_days(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = match nanos {
        n if n % 1_000_000 == 0 => format!("{:03}", n / 1_000_000),
        n if n % 1000 == 0 => format!("{:06}", n / 1000),
        n => format!("{n:09}"),
    };
    let text = format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{fraction}Z");
    out.extend_from_slice(text.as_bytes());
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0')))
}

fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        b"Z" => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, [*h1, *h2], [*m1, *m2]),
        [b'-', h1, h2, b':', m1, m2] => (-1, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes) = (digits(&hours)?, digits(&minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant,
/// "chrono-compatible low-level date algorithms"): years start in March, so that the leap day is
/// the last, and 400 years are one era.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(time: Timestamp) -> String {
        let mut out = Vec::new();
        write_time(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_read_and_printed() {
        for (text, ns, printed) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"),
            ("1970-01-01T01:00:00.5+01:00", 500_000_000, "1970-01-01T00:00:00.500Z"),
            ("1969-12-31T23:59:59.999999999Z", -1, "1969-12-31T23:59:59.999999999Z"),
            ("2026-01-12T08:00:09.376Z", 1_768_204_809_376_000_000, "2026-01-12T08:00:09.376Z"),
            (
                "2024-02-29T00:00:00.000001-00:30",
                1_709_166_600_000_001_000,
                "2024-02-29T00:30:00.000001Z",
            ),
            ("2262-04-11T23:47:16.854775807Z", i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            ("1677-09-21T00:12:43.145224192Z", i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(parse_time(text), Some(Timestamp(ns)), "{text}");
            assert_eq!(shown(Timestamp(ns)), printed);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "2026-01-12",
            "2026-01-12T08:00:09",
            "2026-01-12 08:00:09Z",
            "2026-1-12T08:00:09Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-12T24:00:00Z",
            "2026-01-12T23:59:60Z",
            "2026-01-12T08:00:09.Z",
            "2026-01-12T08:00:09.0123456789Z",
            "2026-01-12T08:00:09+0100",
            "2026-01-12T08:00:09+24:00",
            "2026-01-12T08:00:09Z ",
            "+026-01-12T08:00:09Z",
            "2262-04-11T23:47:16.854775808Z",
            "9999-01-01T00:00:00Z",
            "1677-09-21T00:12:43.145224191Z",
            "2026-01-12T08:00:0\u{e9}Z",
            "1768204809",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(ns: i64) {
            prop_assert_eq!(parse_time(&shown(Timestamp(ns))), Some(Timestamp(ns)));
        }
    }
}
