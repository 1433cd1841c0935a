//! What a store answers, in a form that can be compared wherever its records lie.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use tracekeep::fs::Fs;
use tracekeep::merge::{Fields, Held};
use tracekeep::model::{PayloadRef, TimeRange, Value};
use tracekeep::{ErrorKind, Id, Result, Snapshot, TraceQuery};

/// Answers by question. An error is an answer too.
pub type Answers = BTreeMap<String, Result<String, ErrorKind>>;

/// Rows that are looked at, of whatever a file claims to have.
const ROWS: usize = 64;

/// Asks everything about these traces and scores, and lists what there is.
pub fn answers<F: Fs>(snapshot: &Snapshot<F>, traces: &[Id], scores: &[Id]) -> Answers {
    let mut answers = Answers::new();
    let mut put = |question: String, answer: Result<String>| {
        answers.insert(question, answer.map_err(|e| e.kind()));
    };
    let query = TraceQuery { limit: ROWS, ..TraceQuery::default() };
    put(
        "list".to_owned(),
        snapshot
            .traces(&query)
            .map(|page| page.traces.iter().map(|t| format!("{} ", t.id)).collect()),
    );
    put("scan".to_owned(), scan(snapshot));
    for id in traces {
        put(
            format!("trace {id}"),
            snapshot.trace_state(id).map(|state| match state {
                Some(state) => format!("{:?} {}", state.summary, said(&state.fields)),
                None => "none".to_owned(),
            }),
        );
        put(
            format!("tree {id}"),
            snapshot.trace(id).map(|tree| match tree {
                Some(tree) => tree_text(&tree),
                None => "none".to_owned(),
            }),
        );
        put(format!("payloads {id}"), payloads(snapshot, id));
        put(
            format!("scores of {id}"),
            snapshot.scores(id).map(|scores| {
                scores
                    .iter()
                    .take(ROWS)
                    .map(|(id, fields)| format!("{id} {}", said(fields)))
                    .collect()
            }),
        );
    }
    for id in scores {
        let said = |f: Option<Fields>| f.map_or_else(|| "none".to_owned(), |f| said(&f));
        put(format!("score {id}"), snapshot.score(id).map(said));
    }
    answers
}

/// Every column of what a scan hands out, which it does in no order.
fn scan<F: Fs>(snapshot: &Snapshot<F>) -> Result<String> {
    let mut lines = Vec::new();
    snapshot.scan(TimeRange::ALL, &mut |s| {
        if lines.len() < ROWS * 16 {
            let times = (s.start(), s.end(), s.completion_start());
            let said = (s.name(), s.model(), s.kind(), s.level(), s.tokens(), s.cost());
            lines.push(format!("{:?} {:?} {times:?} {said:?}", s.trace(), s.id()));
        }
        Ok(())
    })?;
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

fn payloads<F: Fs>(snapshot: &Snapshot<F>, id: &Id) -> Result<String> {
    let mut text = String::new();
    snapshot.each_observation(id, &mut |id, fields| {
        if text.len() < ROWS * 1024 {
            let _written = writeln!(text, "{id} {}", said(fields));
        }
        Ok(())
    })?;
    snapshot.payloads(id, &mut |id, field, bytes| {
        if text.len() < ROWS * 1024 {
            let bytes = String::from_utf8_lossy(&bytes[..bytes.len().min(ROWS * 1024)]);
            let _written = writeln!(text, "{id} {field:?} {bytes}");
        }
        Ok(())
    })?;
    Ok(text)
}

fn tree_text(tree: &tracekeep::Tree) -> String {
    let mut text = format!("{:?} ", tree.anomalies());
    for (node, depth) in tree.walk().take(ROWS) {
        let (id, name, n) = (tree.id(node), tree.name(node), tree.node(node));
        let n = n.map(|n| (n.start, n.end, n.kind, n.level, n.tokens, n.cost));
        let _written = write!(text, "{depth} {id:?} {name:?} {:?} {n:?}", tree.model(node));
    }
    text
}

/// Fields without the places of their payloads.
pub fn said(fields: &Fields) -> String {
    let mut text = String::new();
    let weight = |p: &PayloadRef| (p.len, p.print);
    for slot in fields.slots() {
        let Ok(()) = write!(text, "{:?} {:?} ", slot.field, slot.stamp) else { continue };
        let _written = match &slot.value {
            Held::Value(Value::Payload(p)) => write!(text, "{:?} ", weight(p)),
            Held::Value(value) => write!(text, "{value:?} "),
            Held::Map(map) => {
                let texts: Vec<_> = map.texts.iter().map(weight).collect();
                write!(text, "{texts:?} {:?} ", map.entries)
            }
        };
    }
    text
}

/// Each answer is the right one or an error.
pub fn check(found: &Answers, right: &Answers) {
    for (question, answer) in found {
        let Ok(answer) = answer else { continue };
        let right = right.get(question).and_then(|r| r.as_ref().ok());
        assert_eq!(Some(answer), right, "a wrong answer to `{question}`");
    }
}
