//! A trace's tree, drawn: who called whom, and when on the trace's time line.
//!
//! ```text
//! AGENT run                       +0 ns   12.4 s  ##############################
//! |- GENERATION plan            +1.2 ms   3.10 s  #######        gpt-5   1,204  0.0031
//! `- TOOL search                +3.11 s   120 ms         #                              ERROR
//! left                           offset duration  bar            model  tokens  cost    level
//! ```
//!
//! The tree is walked twice, once for the widths of the columns, and no line is kept: a million
//! nodes take no more memory than their tree. Deep levels are named by number, since lines as
//! long as a chain of 100,000 nobody could read.

use crate::exit::Failure;
use crate::format;
use console::measure_text_width as width;
use tracekeep::model::{Level, ObservationKind, Timestamp};
use tracekeep::{Anomaly, Tree};

/// Levels that are drawn as branches.
const LEVELS_MAX: u32 = 12;
/// Longest name and model, in characters.
const NAME_CHARS: usize = 48;
const MODEL_CHARS: usize = 24;
const BAR: std::ops::RangeInclusive<usize> = 10..=60;

/// The line of a node.
pub(crate) struct NodeLine<'a> {
    /// Its number in the tree.
    pub(crate) node: u32,
    /// The line.
    pub(crate) text: &'a str,
    /// What a line below it begins with.
    pub(crate) below: &'a str,
}

/// Draws at most `limit` nodes within this many columns.
pub(crate) fn tree(
    tree: &Tree,
    limit: usize,
    columns: usize,
    each: &mut dyn FnMut(NodeLine<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let layout = Layout::of(tree, limit, columns);
    let mut branches = Branches::default();
    for (node, depth) in tree.walk().take(limit) {
        let (before, below) = branches.enter(tree, node, depth);
        let text = layout.line(tree, node, &before);
        each(NodeLine { node, text: &text, below: &below })?;
    }
    Ok(())
}

/// The branches to the left of a node.
#[derive(Debug, Default)]
struct Branches {
    /// For each level above: whether a sibling follows.
    more: Vec<bool>,
}

impl Branches {
    /// What stands before the node, and before lines below it.
    fn enter(&mut self, tree: &Tree, node: u32, depth: u32) -> (String, String) {
        let siblings = tree.parent(node).map_or(tree.roots(), |parent| tree.children(parent));
        let follows = siblings.last() != Some(&node);
        let level = usize::try_from(depth).unwrap_or(usize::MAX);
        self.more.truncate(level);
        let through = |more: bool| if more { "\u{2502}  " } else { "   " };
        // A root has no branch of its own.
        let above = self.more.get(1..).unwrap_or(&[]);
        let mut before = match depth {
            0..=LEVELS_MAX => above.iter().map(|more| through(*more)).collect(),
            _ => format!("[{depth}] "),
        };
        let mut below = before.clone();
        if depth > 0 {
            before.push_str(if follows { "\u{251c}\u{2500} " } else { "\u{2514}\u{2500} " });
            below.push_str(through(follows));
        }
        below.push_str(through(!tree.children(node).is_empty()));
        self.more.push(follows);
        (before, below)
    }
}

/// Widths of the columns, and the time line.
struct Layout {
    start: Timestamp,
    span_ns: i64,
    left: usize,
    bar: usize,
    model: usize,
    tokens: usize,
    cost: usize,
}

impl Layout {
    fn of(tree: &Tree, limit: usize, columns: usize) -> Layout {
        let (start, span_ns) = tree.total().map_or((Timestamp(0), 0), |t| (t.start, t.duration()));
        let mut layout = Layout { start, span_ns, left: 0, bar: 0, model: 0, tokens: 0, cost: 0 };
        for (node, depth) in tree.walk().take(limit) {
            let branches = match depth {
                0..=LEVELS_MAX => 3 * depth as usize,
                _ => depth.to_string().len() + 6,
            };
            layout.left = layout.left.max(branches + width(&label(tree, node)));
            layout.model = layout.model.max(width(&model(tree, node)));
            let Some(facts) = tree.node(node) else { continue };
            layout.tokens = layout.tokens.max(format::some(facts.tokens.total).len());
            layout.cost = layout.cost.max(format::cost(facts.cost).len());
        }
        let gap = |n: usize| if n > 0 { n + 2 } else { 0 };
        let fixed =
            layout.left + 24 + gap(layout.model) + gap(layout.tokens) + gap(layout.cost) + 9;
        layout.bar = columns.saturating_sub(fixed).clamp(*BAR.start(), *BAR.end());
        layout
    }

    fn line(&self, tree: &Tree, node: u32, before: &str) -> String {
        let Some(facts) = tree.node(node) else { return String::new() };
        let mut line = padded(&format!("{before}{}", label(tree, node)), self.left);
        let offset = format::duration(facts.start.since(self.start));
        let instant = facts.end.is_none() && facts.kind == ObservationKind::Event;
        let end = if instant { Some(facts.start) } else { facts.end.map(|_| facts.last()) };
        let lasted = match end {
            None => "open".to_owned(),
            Some(_) if instant => String::new(),
            Some(end) => format::duration(end.since(facts.start)),
        };
        line += &format!("  {:>10}  {lasted:>8}  ", format!("+{offset}"));
        line += &self.bar(facts.start, end);
        for (text, columns) in [
            (padded(&model(tree, node), self.model), self.model),
            (format!("{:>1$}", format::some(facts.tokens.total), self.tokens), self.tokens),
            (format!("{:>1$}", format::cost(facts.cost), self.cost), self.cost),
        ] {
            if columns > 0 {
                line.push_str("  ");
                line.push_str(&text);
            }
        }
        if facts.level != Level::Default {
            line += &format!("  {}", facts.level);
        }
        line
    }

    /// From start to end on the time line: full while it lasted, shaded to the end while it is
    /// open, a stroke where it took no time.
    fn bar(&self, start: Timestamp, end: Option<Timestamp>) -> String {
        let cells = self.bar;
        let cell = |time: Timestamp| match self.span_ns {
            0 => 0,
            span => {
                let share = time.since(self.start).max(0) as f64 / span as f64;
                ((share * cells as f64) as usize).min(cells - 1)
            }
        };
        let from = cell(start);
        let (to, fill) = match end {
            None => (cells, '\u{2591}'),
            Some(end) if end == start => (from + 1, '\u{2502}'),
            Some(end) => (cell(end).max(from) + 1, '\u{2588}'),
        };
        (0..cells).map(|i| if (from..to).contains(&i) { fill } else { ' ' }).collect()
    }
}

fn label(tree: &Tree, node: u32) -> String {
    let kind = tree.node(node).map_or("", |facts| facts.kind.as_str());
    let name = format::cut(tree.name(node).unwrap_or_default(), NAME_CHARS);
    format!("{kind} {}", format::plain(&name))
}

fn model(tree: &Tree, node: u32) -> String {
    format::plain(&format::cut(tree.model(node).unwrap_or_default(), MODEL_CHARS)).into_owned()
}

fn padded(text: &str, columns: usize) -> String {
    format!("{text}{:1$}", "", columns.saturating_sub(width(text)))
}

/// An anomaly in a word, for programs.
pub(crate) fn anomaly_kind(anomaly: &Anomaly) -> &'static str {
    match anomaly {
        Anomaly::MissingParent { .. } => "missing_parent",
        Anomaly::SelfParent { .. } => "self_parent",
        Anomaly::Cycle { .. } => "cycle",
        Anomaly::BeforeParent { .. } => "before_parent",
        Anomaly::EndBeforeStart { .. } => "end_before_start",
        Anomaly::SeveralRoots { .. } => "several_roots",
        _ => "other",
    }
}

/// An anomaly in a sentence.
pub(crate) fn anomaly(tree: &Tree, anomaly: &Anomaly) -> String {
    let what = match anomaly {
        Anomaly::MissingParent { .. } => "its parent has not arrived",
        Anomaly::SelfParent { .. } => "names itself as its parent",
        Anomaly::Cycle { .. } => "its ancestors lead back to it",
        Anomaly::BeforeParent { .. } => "starts before its parent",
        Anomaly::EndBeforeStart { .. } => "ends before it starts",
        Anomaly::SeveralRoots { count } => {
            return format!("{} observations name no parent", format::count((*count).into()));
        }
        _ => "is odd in a way that this version cannot name",
    };
    let id = anomaly.node().and_then(|node| tree.id(node));
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    format!("{}: {what}", format::plain(&id))
}
