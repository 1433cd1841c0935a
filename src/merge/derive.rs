//! What is computed from merged fields at read, never stored as a field: token counts, the total
//! cost, the end that is not before the start. The rules are those of Langfuse's read side.

use crate::model::{Decimal, Timestamp};

/// Token counts of an observation, or sums of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tokens {
    /// Into the model.
    pub input: u64,
    /// Out of the model.
    pub output: u64,
    /// Altogether, which may be more than input and output.
    pub total: u64,
}

impl Tokens {
    /// The sum, at the end of the range the end.
    #[must_use]
    pub fn plus(self, other: Tokens) -> Tokens {
        Tokens {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            total: self.total.saturating_add(other.total),
        }
    }
}

impl Tokens {
    /// The difference, at the end of the range the end.
    #[must_use]
    pub fn minus(self, other: Tokens) -> Tokens {
        Tokens {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            total: self.total.saturating_sub(other.total),
        }
    }
}

/// Token counts from usage by key: input and output are the sums of the keys that contain the
/// word, total is the key `total` or, without one, the sum of all keys.
pub fn tokens(usage: &[(Box<str>, u64)]) -> Tokens {
    let mut tokens = Tokens::default();
    let (mut said, mut sum) = (None, 0u64);
    for (key, count) in usage {
        if key.contains("input") {
            tokens.input = tokens.input.saturating_add(*count);
        }
        if key.contains("output") {
            tokens.output = tokens.output.saturating_add(*count);
        }
        if **key == *"total" {
            said = Some(*count);
        }
        sum = sum.saturating_add(*count);
    }
    tokens.total = said.unwrap_or(sum);
    tokens
}

/// The total of cost by key: the key `total` or, without one, the sum of all keys.
pub fn total_cost(cost: &[(Box<str>, Decimal)]) -> Decimal {
    let said = cost.iter().find(|(key, _)| **key == *"total");
    said.map_or_else(
        || cost.iter().fold(Decimal::ZERO, |sum, (_, units)| sum.plus(*units)),
        |(_, total)| *total,
    )
}

/// The end as it is shown: never before the start, and missing while the observation is open.
pub fn end_applied(start: Timestamp, end: Option<Timestamp>) -> Option<Timestamp> {
    end.map(|end| end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_is_what_was_said_or_the_sum() {
        let usage = |pairs: &[(&str, u64)]| -> Vec<(Box<str>, u64)> {
            pairs.iter().map(|(key, count)| ((*key).into(), *count)).collect()
        };
        let parts = usage(&[("input", 5), ("input_cached", 2), ("output", 3), ("reasoning", 1)]);
        assert_eq!(tokens(&parts), Tokens { input: 7, output: 3, total: 11 });
        let said = usage(&[("input", 51), ("output", 0), ("total", 100)]);
        assert_eq!(tokens(&said), Tokens { input: 51, output: 0, total: 100 });
        assert_eq!(tokens(&usage(&[("a", u64::MAX), ("b", 1)])).total, u64::MAX);

        let cost: Vec<(Box<str>, Decimal)> =
            vec![("a".into(), Decimal(1)), ("b".into(), Decimal(2))];
        assert_eq!(total_cost(&cost), Decimal(3));
        assert_eq!(total_cost(&[cost, vec![("total".into(), Decimal(9))]].concat()), Decimal(9));
    }

    #[test]
    fn an_end_is_never_before_the_start() {
        assert_eq!(end_applied(Timestamp(5), None), None);
        assert_eq!(end_applied(Timestamp(5), Some(Timestamp(3))), Some(Timestamp(5)));
        assert_eq!(end_applied(Timestamp(5), Some(Timestamp(7))), Some(Timestamp(7)));
    }
}
