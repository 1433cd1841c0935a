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
use tracekeep::model::{Decimal, Level};
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

/// Sums by group, dearest first, days in their order; and the sum of all.
fn sums(snapshot: &Snapshot, args: &Costs) -> Result<(Vec<(Option<String>, Sum)>, Sum), Failure> {
    let mut by_text: BTreeMap<String, Sum> = BTreeMap::new();
    let (mut without, mut total) = (Sum::default(), Sum::default());
    snapshot.scan(args.starts.range(), &mut |observation| {
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
        total.add(observation);
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
    Ok((sums, total))
}

pub(super) fn run(args: &Costs, out: &mut Out) -> Result<Exit, Failure> {
    let (sums, total) = sums(&open_to_read(&args.dir)?.snapshot(), args)?;
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
