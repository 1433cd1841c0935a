//! Everything that a snapshot says, in the words of the model.

use super::world::{line, payload};
use tracekeep::fs::Fs;
use tracekeep::model::{Field, Subject};
use tracekeep::{Id, Order, Result, Snapshot, TraceQuery, TraceState};

/// Everything that a snapshot says: traces oldest first with their sums, trees and payloads,
/// then scores.
///
/// # Errors
/// Those of reading.
pub fn dump<F: Fs>(snapshot: &Snapshot<F>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let query =
        TraceQuery { order: Order::OldestFirst, limit: usize::MAX, ..TraceQuery::default() };
    for state in snapshot.traces(&query)?.traces {
        trace(snapshot, &state, &mut out)?;
    }
    let mut scores: Vec<String> = Vec::new();
    snapshot.each_score(&mut |id, fields| {
        let of = match fields.subject() {
            Some(Subject::Trace(trace)) => trace.to_string(),
            _ => "nothing".to_owned(),
        };
        let number = fields.float(Field::ScoreNumber).unwrap_or(f64::NAN);
        scores.push(format!("score {id} of {of} is {number}"));
        Ok(())
    })?;
    scores.sort();
    scores.iter().for_each(|score| line(&mut out, format_args!("{score}")));
    Ok(out)
}

fn trace<F: Fs>(snapshot: &Snapshot<F>, state: &TraceState, out: &mut Vec<u8>) -> Result<()> {
    let TraceState { id, fields, summary } = state;
    let session = fields.id(Field::Session).map_or(String::new(), Id::to_string);
    let user = fields.text(Field::User).unwrap_or_default();
    line(
        out,
        format_args!(
            "trace {id} user {user} session {session} from {} to {}: {} observations, {} open, \
             {} failed, {} bytes",
            summary.start,
            summary.end,
            summary.observations,
            summary.open,
            summary.errors,
            summary.payload_bytes
        ),
    );
    let Some(tree) = snapshot.trace(id)? else {
        line(out, format_args!("  no tree"));
        return Ok(());
    };
    for (no, depth) in tree.walk() {
        let (Some(node), Some(own)) = (tree.node(no), tree.id(no)) else { continue };
        let (name, model) = (tree.name(no).unwrap_or("-"), tree.model(no).unwrap_or("-"));
        let end = node.end.map_or("open".to_owned(), |end| end.to_string());
        let (kind, level, start) = (node.kind, node.level, node.start);
        line(
            out,
            format_args!("  {depth} {own} {kind} {name} by {model}, {level}, {start} to {end}"),
        );
    }
    for anomaly in tree.anomalies() {
        line(out, format_args!("  odd: {anomaly:?}"));
    }
    snapshot.payloads(id, &mut |own, field, bytes| {
        let what = match field {
            Field::Input => "input",
            Field::Output => "output",
            _ => "something else",
        };
        payload(out, &own.to_string(), what, bytes);
        Ok(())
    })
}
