//! `trace DIR ID`: the tree, drawn.

use super::open_to_read;
use crate::args::Trace;
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::{draw, fields, format};
use tracekeep::id::Id;
use tracekeep::merge::Fields;
use tracekeep::model::{Field, ObservationKind};
use tracekeep::{Snapshot, TraceState, Tree};

mod whole;

/// Anomalies that are listed one by one.
const ANOMALIES_MAX: usize = 20;

/// A trace as it is in one snapshot.
pub(super) struct Opened {
    pub(super) snapshot: Snapshot,
    pub(super) state: TraceState,
    pub(super) tree: Tree,
}

/// What stands below each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Below {
    payloads: bool,
    new_messages: bool,
}

pub(super) fn run(args: &Trace, out: &mut Out) -> Result<Exit, Failure> {
    let snapshot = open_to_read(&args.dir)?.snapshot();
    let opened = Opened::find(snapshot, &args.id)?;
    let below = Below { payloads: args.payloads, new_messages: args.new_messages };
    if args.json {
        opened.write_json(below, out)?;
    } else {
        opened.draw(below, usize::try_from(args.limit).unwrap_or(usize::MAX), out)?;
    }
    Ok(Exit::Done)
}

impl Opened {
    pub(super) fn find(snapshot: Snapshot, id: &Id) -> Result<Opened, Failure> {
        match (snapshot.trace_state(id)?, snapshot.trace(id)?) {
            (Some(state), Some(tree)) => Ok(Opened { snapshot, state, tree }),
            _ => Err(Failure::not_there(format!("trace {id} is not in the store"))),
        }
    }

    pub(super) fn draw(&self, below: Below, limit: usize, out: &mut Out) -> Result<(), Failure> {
        let Opened { state, tree, .. } = self;
        let f = &state.fields;
        out.line(&format!("trace {}", format::plain(&state.id.to_string())))?;
        let session = f.id(Field::Session).map(Id::to_string);
        let facts = [
            ("", f.text(Field::Name)),
            ("user ", f.text(Field::User)),
            ("session ", session.as_deref()),
            ("environment ", f.text(Field::Environment)),
        ];
        let mut line = format::time(state.summary.start);
        for (name, value) in facts {
            if let Some(value) = value {
                line += &format!("  {name}{}", format::plain(value));
            }
        }
        out.line(&line)?;
        out.line("")?;
        let columns = out.columns();
        draw::tree(tree, limit, columns, &mut |drawn| {
            out.line(drawn.text)?;
            self.print_below(below, drawn.node, drawn.below, out)
        })?;
        let left_out = tree.len().saturating_sub(limit);
        if left_out > 0 {
            let left_out = format::count(left_out as u64);
            out.line(&format!("... {left_out} more observations (--limit draws more)"))?;
        }
        self.print_totals(out)?;
        self.print_scores(out)?;
        self.print_anomalies(out)
    }

    fn print_totals(&self, out: &mut Out) -> Result<(), Failure> {
        let s = &self.state.summary;
        let mut parts = vec![
            format!("{} observations", format::count(s.observations)),
            format::duration(s.duration_ns()),
        ];
        let numbers = [(s.open, "open"), (s.errors, "errors")];
        parts.extend(
            numbers
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, of)| format!("{} {of}", format::count(*n))),
        );
        if s.tokens.total > 0 {
            let [total, input, output] =
                [s.tokens.total, s.tokens.input, s.tokens.output].map(format::count);
            parts.push(format!("{total} tokens ({input} in, {output} out)"));
        }
        let cost = format::cost(s.cost);
        if !cost.is_empty() {
            parts.push(format!("cost {cost}"));
        }
        parts.push(format!("{} of payloads", format::bytes(s.payload_bytes)));
        out.line("")?;
        out.line(&parts.join(", "))
    }

    fn print_scores(&self, out: &mut Out) -> Result<(), Failure> {
        for (_, of) in self.snapshot.scores(&self.state.id)? {
            out.line(&format!("score {}", format::plain(&score_shown(&of))))?;
        }
        Ok(())
    }

    fn print_anomalies(&self, out: &mut Out) -> Result<(), Failure> {
        let anomalies = self.tree.anomalies();
        for anomaly in anomalies.iter().take(ANOMALIES_MAX) {
            out.line(&format!("anomaly: {}", draw::anomaly(&self.tree, anomaly)))?;
        }
        let left_out = anomalies.len().saturating_sub(ANOMALIES_MAX);
        if left_out > 0 {
            let left_out = format::count(left_out as u64);
            out.line(&format!("... {left_out} more anomalies (--json lists all)"))?;
        }
        Ok(())
    }

    fn print_below(
        &self,
        below: Below,
        node: u32,
        indent: &str,
        out: &mut Out,
    ) -> Result<(), Failure> {
        if below == Below::default() {
            return Ok(());
        }
        for (name, text) in self.texts(below, node)? {
            for (i, line) in format::plain_lines(&text).split('\n').enumerate() {
                let name = if i == 0 { name } else { "" };
                out.line(&format!("{indent}{name:<8}  {line}"))?;
            }
        }
        Ok(())
    }

    /// The payloads or new messages of a node, as text.
    fn texts(&self, below: Below, node: u32) -> Result<Vec<(&'static str, String)>, Failure> {
        let Some(id) = self.tree.id(node) else { return Ok(Vec::new()) };
        let trace = &self.state.id;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut texts = Vec::new();
        let is_generation =
            self.tree.node(node).is_some_and(|facts| facts.kind == ObservationKind::Generation);
        if below.new_messages
            && is_generation
            && let Some(found) = self.snapshot.new_messages(trace, &id)?
        {
            let ranges = found.new.into_iter();
            let new = ranges.filter_map(|range| found.input.get(range));
            texts.extend(new.map(|bytes| ("new", text(bytes))));
        }
        if below.payloads
            && let Some(of) = self.snapshot.observation(trace, &id)?
        {
            for field in [Field::Input, Field::Output, Field::Metadata] {
                if let Some(bytes) = fields::bytes(&self.snapshot, &of, field)? {
                    texts.push((fields::name(field), text(&bytes)));
                }
            }
        }
        Ok(texts)
    }
}

/// A score on one line: what it is called, what it says, and of what.
fn score_shown(of: &Fields) -> String {
    let mut line = of.text(Field::Name).unwrap_or_default().to_owned();
    if let Some(text) = of.text(Field::ScoreText) {
        line += &format!(" {text}");
    } else if let Some(number) = of.float(Field::ScoreNumber) {
        line += &format!(" {number}");
    }
    if let Some(subject) = of.subject() {
        line += &format!("  of {}", fields::subject_shown(subject));
    }
    if let Some(comment) = of.text(Field::Comment) {
        line += &format!("  {comment}");
    }
    line
}
