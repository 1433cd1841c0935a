//! `costs DIR`: sums over all observations, by model or whatever else.

use super::open_to_read;
use crate::args::{By, Costs};
use crate::exit::{Exit, Failure};
use crate::format;
use crate::json::TokensJson;
use crate::output::{Align, Out};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use tracekeep::merge::Tokens;
use tracekeep::model::{Decimal, Level, TimeRange};
use tracekeep::{Skeleton, Snapshot};

/// Longest model or name in the table, in characters.
const CELL_CHARS: usize = 60;

/// What some observations come to.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    observations: u64,
    errors: u64,
    tokens: Tokens,
    cost: Decimal,
}

impl Sum {
    fn add(&mut self, observation: &Skeleton<'_>) {
        self.observations += 1;
        self.errors += u64::from(observation.level() == Level::Error);
        self.tokens = self.tokens.plus(observation.tokens());
        self.cost = self.cost.plus(observation.cost());
    }

    fn plus(self, other: Sum) -> Sum {
        Sum {
            observations: self.observations + other.observations,
            errors: self.errors + other.errors,
            tokens: self.tokens.plus(other.tokens),
            cost: self.cost.plus(other.cost),
        }
    }
}

#[derive(Debug, Serialize)]
struct SumJson<'a> {
    /// Null for what has no model or name.
    group: Option<&'a str>,
    observations: u64,
    errors: u64,
    tokens: TokensJson,
    cost: String,
}

/// Sums by group, dearest first; days in their order.
fn sums(snapshot: &Snapshot, args: &Costs) -> Result<Vec<(Option<String>, Sum)>, Failure> {
    let all = TimeRange::ALL;
    let range =
        TimeRange { start: args.from.unwrap_or(all.start), end: args.to.unwrap_or(all.end) };
    let mut by_text: BTreeMap<String, Sum> = BTreeMap::new();
    let mut without = Sum::default();
    snapshot.scan(range, &mut |observation| {
        let made;
        let group = match args.by {
            By::Model => observation.model(),
            By::Name => observation.name(),
            By::Kind => {
                made = observation.kind().to_string();
                Some(made.as_str())
            }
            By::Day => {
                made = format::time(observation.start());
                made.split('T').next()
            }
        };
        match group {
            None => without.add(observation),
            Some(group) => match by_text.get_mut(group) {
                Some(sum) => sum.add(observation),
                None => by_text.entry(group.to_owned()).or_default().add(observation),
            },
        }
        Ok(())
    })?;
    let mut sums: Vec<(Option<String>, Sum)> =
        by_text.into_iter().map(|(group, sum)| (Some(group), sum)).collect();
    if without.observations > 0 {
        sums.push((None, without));
    }
    if args.by != By::Day {
        sums.sort_by_key(|(_, sum)| Reverse((sum.cost, sum.tokens.total, sum.observations)));
    }
    Ok(sums)
}

pub(super) fn run(args: &Costs, out: &mut Out) -> Result<Exit, Failure> {
    let sums = sums(&open_to_read(&args.dir)?.snapshot(), args)?;
    if args.json {
        for (group, sum) in &sums {
            out.json(&SumJson {
                group: group.as_deref(),
                observations: sum.observations,
                errors: sum.errors,
                tokens: sum.tokens.into(),
                cost: sum.cost.to_string(),
            })?;
        }
        return Ok(Exit::Done);
    }
    if sums.is_empty() {
        out.line("no observations")?;
        return Ok(Exit::Done);
    }
    let total = sums.iter().fold(Sum::default(), |total, (_, sum)| total.plus(*sum));
    let mut rows: Vec<Vec<String>> =
        sums.iter().map(|(group, sum)| row(group.as_deref().unwrap_or("-"), sum)).collect();
    rows.push(row("all", &total));
    let by = match args.by {
        By::Model => "model",
        By::Name => "name",
        By::Kind => "kind",
        By::Day => "day",
    };
    out.table(
        &[
            (by, Align::Left),
            ("observations", Align::Right),
            ("errors", Align::Right),
            ("tokens in", Align::Right),
            ("tokens out", Align::Right),
            ("tokens", Align::Right),
            ("cost", Align::Right),
        ],
        rows,
    )?;
    Ok(Exit::Done)
}

fn row(group: &str, sum: &Sum) -> Vec<String> {
    vec![
        format::cut(group, CELL_CHARS).into_owned(),
        format::count(sum.observations),
        format::some(sum.errors),
        format::some(sum.tokens.input),
        format::some(sum.tokens.output),
        format::some(sum.tokens.total),
        format::cost(sum.cost),
    ]
}
