//! Usage and cost: what the columns of a row say of them already is not said again.
//!
//! ```text
//! usage  count, the keys, then per value a byte:
//!          0 and the number    1 the input tokens    2 the output tokens    3 the total
//! cost   count, the keys, then per value a byte:
//!          0 and a decimal     1 the total cost      2 that less the values before
//!          3 and a decimal: a price, times the usage of the same key
//! ```
//!
//! Prices are the same in row after row, and compress to nothing; amounts are not.

use super::{take_byte, take_keys};
use crate::codec::varint::{put_u64, put_u128, take_u64, take_u128};
use crate::error::Fault;
use crate::merge::Tokens;
use crate::model::Decimal;

type Usage = Vec<(Box<str>, u64)>;
type Cost = Vec<(Box<str>, Decimal)>;

const SAID: u8 = 0;
const TOTAL: u8 = 1;
const REST: u8 = 2;
const PRICE: u8 = 3;

/// What the columns of a row say of its usage and cost; nothing of what has no columns, or of
/// columns that are not readable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Token counts.
    pub tokens: Option<Tokens>,
    /// The total cost.
    pub cost: Option<Decimal>,
}

impl Amounts {
    /// From the values of the four columns: input tokens, output tokens, what the total has
    /// beyond these, and cost.
    pub fn of_columns([input, output, rest, cost]: [Option<i64>; 4]) -> Amounts {
        let tokens = input.zip(output).zip(rest).map(|((input, output), rest)| {
            let total = rest.wrapping_add(input).wrapping_add(output);
            Tokens { input: input as u64, output: output as u64, total: total as u64 }
        });
        Amounts { tokens, cost: cost.map(|cost| Decimal(i128::from(cost))) }
    }

    fn counts(&self) -> Option<[u64; 3]> {
        self.tokens.map(|tokens| [tokens.input, tokens.output, tokens.total])
    }
}

fn put_keys<T>(pairs: &[(Box<str>, T)], out: &mut Vec<u8>) {
    put_u64(out, pairs.len() as u64);
    pairs.iter().for_each(|(key, _)| super::put_text(key, out));
}

/// Appends usage by key.
pub fn put_usage(usage: &[(Box<str>, u64)], amounts: Amounts, out: &mut Vec<u8>) {
    put_keys(usage, out);
    let counts = amounts.counts();
    for (_, count) in usage {
        match counts.and_then(|counts| (1..).zip(counts).find(|(_, said)| said == count)) {
            Some((number, _)) => out.push(number),
            None => {
                out.push(SAID);
                put_u64(out, *count);
            }
        }
    }
}

/// Reads usage by key; `None` where it hangs on columns that are not readable.
///
/// # Errors
/// A fault where the bytes are no usage.
pub fn take_usage(from: &mut &[u8], amounts: Amounts) -> Result<Option<Usage>, Fault> {
    let (keys, counts) = (take_keys(from)?, amounts.counts());
    let mut usage = Some(Vec::with_capacity(keys.len()));
    for key in keys {
        let count = match take_byte(from)? {
            SAID => Some(take_u64(from)?),
            number @ 1..=3 => counts.map(|counts| counts[usize::from(number) - 1]),
            number => return Err(unknown(number)),
        };
        push(&mut usage, key, count);
    }
    Ok(usage)
}

/// Appends cost by key, beside the usage of the same row.
pub fn put_cost(
    cost: &[(Box<str>, Decimal)],
    usage: &[(Box<str>, u64)],
    amounts: Amounts,
    out: &mut Vec<u8>,
) {
    put_keys(cost, out);
    let mut rest = amounts.cost;
    for (key, units) in cost {
        let price = count_of(usage, key).and_then(|count| price(*units, count));
        let (how, said) = match price {
            _ if amounts.cost == Some(*units) => (TOTAL, None),
            _ if rest == Some(*units) => (REST, None),
            Some(price) => (PRICE, Some(price)),
            None => (SAID, Some(*units)),
        };
        out.push(how);
        said.into_iter().for_each(|said| put_decimal(said, out));
        rest = less(rest, *units);
    }
}

/// Reads cost by key, of a row with this usage; `None` where it hangs on columns that are not
/// readable.
///
/// # Errors
/// A fault where the bytes are no cost.
pub fn take_cost(
    from: &mut &[u8],
    usage: &[(Box<str>, u64)],
    amounts: Amounts,
) -> Result<Option<Cost>, Fault> {
    let keys = take_keys(from)?;
    let mut cost = Some(Vec::with_capacity(keys.len()));
    let mut rest = amounts.cost;
    for key in keys {
        let units = match take_byte(from)? {
            SAID => Some(take_decimal(from)?),
            TOTAL => amounts.cost,
            REST => rest,
            PRICE => {
                let price = take_decimal(from)?;
                count_of(usage, &key)
                    .and_then(|count| price.0.checked_mul(count.into()))
                    .map(Decimal)
            }
            how => return Err(unknown(how)),
        };
        rest = units.and_then(|units| less(rest, units));
        push(&mut cost, key, units);
    }
    Ok(cost)
}

fn unknown(how: u8) -> Fault {
    Fault::new(0, format!("an amount is said in an unknown way, {how}"))
}

/// Adds a pair; where its value is not known, no pair is worth anything.
fn push<T>(pairs: &mut Option<Vec<(Box<str>, T)>>, key: Box<str>, value: Option<T>) {
    *pairs = pairs.take().zip(value).map(|(mut pairs, value)| {
        pairs.push((key, value));
        pairs
    });
}

fn count_of(usage: &[(Box<str>, u64)], key: &str) -> Option<u64> {
    usage.iter().find(|(k, _)| **k == *key).map(|(_, count)| *count)
}

/// What each of `count` costs, where that is a whole number of units.
fn price(units: Decimal, count: u64) -> Option<Decimal> {
    let count = i128::from(count);
    (count > 0 && units.0 % count == 0).then(|| Decimal(units.0 / count))
}

fn less(total: Option<Decimal>, units: Decimal) -> Option<Decimal> {
    total.and_then(|total| total.0.checked_sub(units.0)).map(Decimal)
}

/// A decimal as a power of ten and what is left: sums of money have few digits.
fn put_decimal(decimal: Decimal, out: &mut Vec<u8>) {
    let (mut mantissa, mut zeros) = (decimal.0, 0u8);
    while mantissa != 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        zeros += 1;
    }
    out.push(zeros);
    let zigzag = (mantissa << 1 ^ mantissa >> 127) as u128;
    put_u128(out, zigzag);
}

fn take_decimal(from: &mut &[u8]) -> Result<Decimal, Fault> {
    let zeros = take_byte(from)?;
    let zigzag = take_u128(from)?;
    let mantissa = (zigzag >> 1) as i128 ^ -((zigzag & 1) as i128);
    10i128
        .checked_pow(u32::from(zeros))
        .and_then(|power| mantissa.checked_mul(power))
        .map(Decimal)
        .ok_or_else(|| Fault::new(0, "a decimal is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_a_few_digits_and_its_zeros() {
        for (decimal, bytes) in [
            (0, &[0, 0][..]),
            (15, &[0, 30]),
            (-15, &[0, 29]),
            (1_500_000, &[5, 30]),
            (-1_500_000, &[5, 29]),
            (10, &[1, 2]),
        ] {
            let mut out = Vec::new();
            put_decimal(Decimal(decimal), &mut out);
            assert_eq!(out, bytes, "{decimal}");
        }
        for decimal in [i128::MAX, i128::MIN, i128::MAX / 10 * 10, -1, 123_456_789_000] {
            let mut out = Vec::new();
            put_decimal(Decimal(decimal), &mut out);
            assert_eq!(take_decimal(&mut out.as_slice()).unwrap(), Decimal(decimal));
        }
        assert!(take_decimal(&mut &[39, 2][..]).is_err(), "more than a decimal can be");
    }

    fn usage(pairs: &[(&str, u64)]) -> Usage {
        pairs.iter().map(|(key, count)| ((*key).into(), *count)).collect()
    }

    fn cost(pairs: &[(&str, i128)]) -> Cost {
        pairs.iter().map(|(key, units)| ((*key).into(), Decimal(*units))).collect()
    }

    const COLUMNS: [Option<i64>; 4] = [Some(100), Some(20), Some(5), Some(1_300)];

    /// The bytes after the keys, and what is read back with and without the columns.
    fn usage_through(pairs: &[(&str, u64)]) -> (Vec<u8>, Option<Usage>, Option<Usage>) {
        let (given, columns) = (usage(pairs), Amounts::of_columns(COLUMNS));
        let mut keys = Vec::new();
        put_keys(&given, &mut keys);
        let mut bytes = Vec::new();
        put_usage(&given, columns, &mut bytes);
        let take = |amounts| {
            let mut from = bytes.as_slice();
            let taken = take_usage(&mut from, amounts).unwrap();
            assert!(from.is_empty(), "{from:?} is left");
            taken
        };
        (bytes[keys.len()..].to_vec(), take(columns), take(Amounts::default()))
    }

    #[test]
    fn usage_that_columns_say_is_not_said_again() {
        let said = [("input", 100), ("other", 7), ("output", 20), ("total", 125)];
        let (bytes, with, without) = usage_through(&said);
        assert_eq!(bytes, [1, SAID, 7, 2, 3]);
        assert_eq!((with, without), (Some(usage(&said)), None));
        let foreign = [("a", 99), ("b", u64::MAX), ("c", 0)];
        let (_, with, without) = usage_through(&foreign);
        assert_eq!((with, without), (Some(usage(&foreign)), Some(usage(&foreign))));
    }

    #[test]
    fn columns_that_are_out_of_range_are_what_they_say() {
        let amounts = Amounts::of_columns([Some(i64::MAX), Some(1), Some(0), None]);
        let tokens = amounts.tokens.unwrap();
        assert_eq!((tokens.input, tokens.total), (i64::MAX as u64, 1 << 63));
        assert_eq!(Amounts::of_columns([Some(1), None, Some(1), None]).tokens, None);
        let over = usage(&[("input", u64::MAX), ("total", 1 << 63)]);
        let mut bytes = Vec::new();
        put_usage(&over, amounts, &mut bytes);
        assert_eq!(take_usage(&mut bytes.as_slice(), amounts).unwrap(), Some(over));
    }

    fn cost_through(pairs: &[(&str, i128)], of: &[(&str, u64)]) -> (Vec<u8>, Option<Cost>) {
        let (given, of, columns) = (cost(pairs), usage(of), Amounts::of_columns(COLUMNS));
        let mut keys = Vec::new();
        put_keys(&given, &mut keys);
        let mut bytes = Vec::new();
        put_cost(&given, &of, columns, &mut bytes);
        let mut from = bytes.as_slice();
        assert_eq!(take_cost(&mut from, &of, columns).unwrap(), Some(given));
        assert!(from.is_empty(), "{from:?} is left");
        let without = take_cost(&mut bytes.as_slice(), &[], Amounts::default()).unwrap();
        (bytes[keys.len()..].to_vec(), without)
    }

    #[test]
    fn a_cost_is_a_price_or_what_is_left_of_the_total() {
        let of = [("input", 100), ("output", 20), ("none", 0)];
        let (bytes, without) =
            cost_through(&[("input", 500), ("output", 800), ("total", 1_300)], &of);
        assert_eq!(bytes, [PRICE, 0, 10, REST, TOTAL]);
        assert_eq!(without, None);
        // No total among the values, one that is no multiple, one that has no usage.
        let (bytes, _) = cost_through(&[("input", 501), ("none", 3), ("output", 796)], &of);
        assert_eq!(bytes, [SAID, 0, 0xea, 7, SAID, 0, 6, REST]);
        let (bytes, without) = cost_through(&[("a", 0), ("b", -7), ("c", i128::MIN)], &of);
        assert_eq!(bytes[..5], [SAID, 0, 0, SAID, 0]);
        assert_eq!(without, Some(cost(&[("a", 0), ("b", -7), ("c", i128::MIN)])));
    }

    #[test]
    fn a_way_that_nobody_knows_is_a_fault() {
        let bytes = [1, 1, b'a', 4, 0, 0];
        assert!(take_usage(&mut &bytes[..], Amounts::default()).is_err());
        assert!(take_cost(&mut &bytes[..], &[], Amounts::default()).is_err());
    }

    #[test]
    fn a_price_times_its_usage_that_is_too_much_is_not_known() {
        let mut bytes = vec![1, 1, b'a', PRICE];
        put_decimal(Decimal(i128::MAX), &mut bytes);
        let taken = take_cost(&mut bytes.as_slice(), &usage(&[("a", 2)]), Amounts::default());
        assert_eq!(taken.unwrap(), None);
    }
}
