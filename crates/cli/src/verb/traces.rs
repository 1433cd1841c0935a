//! `traces DIR`: a page of traces, by start.

use super::open_to_read;
use crate::args::Traces;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::json::TraceJson;
use crate::output::{Align, Out};
use serde_json::json;
use tracekeep::id::Id;
use tracekeep::model::Field;
use tracekeep::{Cursor, Order, TraceQuery, TraceState};

/// Traces asked for at once.
const PAGE: u64 = 500;
/// Longest name, user or session in the table, in characters.
const CELL_CHARS: usize = 40;

pub(super) fn run(args: Traces, out: &mut Out) -> Result<Exit, Failure> {
    let snapshot = open_to_read(&args.dir)?.snapshot();
    let mut query = TraceQuery {
        range: args.starts.range(),
        order: if args.oldest_first { Order::OldestFirst } else { Order::NewestFirst },
        name: args.name,
        user: args.user,
        session: args.session,
        tag: args.tag,
        environment: args.environment,
        cursor: args.cursor,
        ..TraceQuery::default()
    };
    let (mut rows, mut left) = (Vec::new(), args.limit);
    let next = loop {
        query.limit = usize::try_from(left.min(PAGE)).unwrap_or(usize::MAX);
        let page = snapshot.traces(&query)?;
        left = left.saturating_sub(page.traces.len() as u64);
        for state in &page.traces {
            if args.json {
                out.json(&TraceJson::from(state))?;
            } else {
                rows.push(row(state));
            }
        }
        match page.next {
            Some(next) if left > 0 => query.cursor = Some(next),
            next => break next,
        }
    };
    conclude(rows, next, args.json, out)
}

fn conclude(
    rows: Vec<Vec<String>>,
    next: Option<Cursor>,
    json: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if json {
        if let Some(next) = next {
            out.json(&json!({ "cursor": next.to_string() }))?;
        }
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        out.line("no traces")?;
    } else {
        out.table(
            &[
                ("id", Align::Left),
                ("start", Align::Left),
                ("duration", Align::Right),
                ("name", Align::Left),
                ("user", Align::Left),
                ("session", Align::Left),
                ("observations", Align::Right),
                ("errors", Align::Right),
                ("tokens", Align::Right),
                ("cost", Align::Right),
            ],
            rows,
        )?;
    }
    if let Some(next) = next {
        out.line("")?;
        out.line(&format!("more: --cursor {next}"))?;
    }
    Ok(Exit::Done)
}

fn row(state: &TraceState) -> Vec<String> {
    let TraceState { id, fields, summary } = state;
    let text = |field| format::cut(fields.text(field).unwrap_or_default(), CELL_CHARS).into_owned();
    let session = fields.id(Field::Session).map(Id::to_string).unwrap_or_default();
    vec![
        id.to_string(),
        format::time(summary.start),
        format::duration(summary.duration_ns()),
        text(Field::Name),
        text(Field::User),
        format::cut(&session, CELL_CHARS).into_owned(),
        format::count(summary.observations),
        format::some(summary.errors),
        format::some(summary.tokens.total),
        format::cost(summary.cost),
    ]
}
