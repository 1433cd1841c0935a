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

use super::{put_text, take_byte, take_count, take_text};
use crate::codec::varint::{put_u64, put_u128, take_u64, take_u128};
use crate::error::Fault;
use crate::limits::MAP_ENTRIES_MAX;
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
    pairs.iter().for_each(|(key, _)| put_text(key, out));
}

fn take_keys(from: &mut &[u8]) -> Result<Vec<Box<str>>, Fault> {
    let count = take_count(from, MAP_ENTRIES_MAX as u64)?;
    (0..count).map(|_| take_text(from).map(Box::from)).collect()
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
mod tests;
