//! Amounts as bytes, with and without the columns.

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
    let (bytes, without) = cost_through(&[("input", 500), ("output", 800), ("total", 1_300)], &of);
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
