//! From rows and records to the input of a tree.

use super::gather::Gathered;
use super::{Snapshot, View};
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Id, Identity};
use crate::merge::{Fields, Tokens};
use crate::model::{Decimal, Field, Level, ObservationKind, Timestamp};
use crate::segment::{ObservationColumns, RowKind, Segment, effective_start};
use crate::tree::{Link, Node, Place, TextRef, Tree, TreeInput};
use std::collections::HashMap;
use std::ops::Range;

/// Few names are said often: a short list of the last ones spares most look-ups.
#[derive(Debug, Default)]
struct TextPool {
    texts: Vec<Box<str>>,
    by_text: HashMap<Box<str>, u32>,
    codes: Vec<(i64, u32)>,
}

const CODES_MAX: usize = 32;

impl TextPool {
    fn text(&mut self, text: &str) -> TextRef {
        if self.by_text.is_empty() && self.texts.len() <= CODES_MAX {
            if let Some(at) = self.texts.iter().position(|t| **t == *text) {
                return TextRef(at as u32);
            }
        } else {
            if self.by_text.is_empty() {
                let all = self.texts.iter().enumerate();
                self.by_text = all.map(|(i, t)| (t.clone(), i as u32)).collect();
            }
            if let Some(at) = self.by_text.get(text) {
                return TextRef(*at);
            }
            self.by_text.insert(text.into(), self.texts.len() as u32);
        }
        self.texts.push(text.into());
        TextRef(self.texts.len() as u32 - 1)
    }

    fn code<D: Dir>(&mut self, segment: &Segment<D>, code: Option<i64>) -> TextRef {
        let Some(code) = code else { return TextRef::NONE };
        if let Some((_, at)) = self.codes.iter().find(|(c, _)| *c == code) {
            return TextRef(*at);
        }
        let text = u32::try_from(code).ok().and_then(|code| segment.text(code));
        let Some(text) = text else { return TextRef::NONE };
        let at = self.text(text);
        if self.codes.len() == CODES_MAX {
            self.codes.clear();
        }
        self.codes.push((code, at.0));
        at
    }

    /// Codes mean something else in another segment.
    fn next_segment(&mut self) {
        self.codes.clear();
    }
}

/// A node whose parent is still an id.
struct Loose {
    node: Node,
    parent: Option<Identity>,
    id_text: Option<Box<str>>,
}

fn node_of<D: Dir>(
    segment: &Segment<D>,
    columns: &ObservationColumns,
    i: usize,
    row: u32,
    trace_start: Timestamp,
    texts: &mut TextPool,
) -> Node {
    let opt = |column: &[i64]| ObservationColumns::opt(column, i);
    let start = Timestamp(trace_start.0.wrapping_add(opt(&columns.start).unwrap_or(0)));
    let after = |delta: i64| Timestamp(start.0.wrapping_add(delta));
    let code = |column: &[i64]| opt(column).and_then(|c| u8::try_from(c).ok());
    let input = opt(&columns.tokens_in).unwrap_or(0);
    let output = opt(&columns.tokens_out).unwrap_or(0);
    let total = opt(&columns.tokens_rest).map_or(0, |r| r.wrapping_add(input).wrapping_add(output));
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Node {
        identity: columns.ids[i],
        link: Link::Root,
        start,
        end: opt(&columns.duration).map(after),
        completion_start: opt(&columns.completion).map(after),
        kind: code(&columns.kind)
            .and_then(ObservationKind::from_code)
            .unwrap_or(ObservationKind::Span),
        level: code(&columns.level).and_then(Level::from_code).unwrap_or(Level::Default),
        name: texts.code(segment, opt(&columns.name)),
        model: texts.code(segment, opt(&columns.model)),
        tokens: Tokens { input: count(input), output: count(output), total: count(total) },
        cost: Decimal(i128::from(opt(&columns.cost).unwrap_or(0))),
        place: Place { segment: segment.id().0, row },
    }
}

fn node_from(identity: Identity, fields: &Fields, texts: &mut TextPool) -> Node {
    let mut text = |field| fields.text(field).map_or(TextRef::NONE, |t| texts.text(t));
    Node {
        identity,
        link: Link::Root,
        start: effective_start(fields),
        end: fields.time(Field::End),
        completion_start: fields.time(Field::CompletionStart),
        kind: fields.kind().unwrap_or(ObservationKind::Span),
        level: fields.level().unwrap_or(Level::Default),
        name: text(Field::Name),
        model: text(Field::Model),
        tokens: fields.tokens(),
        cost: fields.total_cost(),
        place: Place { segment: Place::UNSEALED, row: 0 },
    }
}

/// The tree of a trace that lies in one segment whole, straight from its columns: parents are
/// row distances, so nothing is looked up.
fn from_one<D: Dir>(
    segment: &Segment<D>,
    trace: Identity,
    rows: Range<u32>,
    start: Timestamp,
) -> Tree {
    let columns = segment.columns(rows.clone());
    let mut texts = TextPool::default();
    let mut id_texts = Vec::new();
    let mut nodes = Vec::with_capacity(columns.ids.len());
    for (i, identity) in columns.ids.iter().enumerate() {
        let row = rows.start + i as u32;
        let mut node = node_of(segment, &columns, i, row, start, &mut texts);
        node.link = match ObservationColumns::opt(&columns.parent, i) {
            None => Link::Root,
            Some(back) if back != 0 => {
                let parent = (i as i64).wrapping_sub(back);
                match u32::try_from(parent).ok().filter(|p| (*p as usize) < columns.ids.len()) {
                    Some(parent) => Link::Node(parent),
                    None => Link::Root,
                }
            }
            Some(_) => elsewhere(segment, row, *identity, i as u32),
        };
        if identity.form == crate::id::Form::Text
            && let Some(id) = segment.observation_id(row)
        {
            id_texts.push((i as u32, id.to_string().into_boxed_str()));
        }
        nodes.push(node);
    }
    Tree::build(TreeInput { trace, nodes, texts: texts.texts, id_texts })
}

fn elsewhere<D: Dir>(segment: &Segment<D>, row: u32, own: Identity, index: u32) -> Link {
    match segment.parent_identity(row) {
        Some(parent) if parent == own => Link::Node(index),
        Some(parent) => Link::Missing(parent),
        None => Link::Root,
    }
}

/// The tree of a trace that lies in several places: a join by sorted ids.
fn joined<D: Dir>(view: &View<D>, all: &Gathered) -> Result<Tree> {
    let mut texts = TextPool::default();
    let mut loose: Vec<Loose> = Vec::new();
    for (s, rows, start) in all.sealed_rows(view)? {
        let segment = &s.segment;
        let columns = segment.columns(rows.clone());
        texts.next_segment();
        for (i, identity) in columns.ids.iter().enumerate() {
            let row = rows.start + i as u32;
            if s.dead.contains(RowKind::Observation, row) || all.touches(*identity) {
                continue;
            }
            let node = node_of(segment, &columns, i, row, start, &mut texts);
            let parent = match ObservationColumns::opt(&columns.parent, i) {
                None => None,
                Some(0) => segment.parent_identity(row),
                Some(back) => usize::try_from((i as i64).wrapping_sub(back))
                    .ok()
                    .and_then(|p| columns.ids.get(p).copied()),
            };
            let text = identity.form == crate::id::Form::Text;
            let id_text = text.then(|| segment.observation_id(row)).flatten();
            let id_text = id_text.map(|id| id.to_string().into_boxed_str());
            loose.push(Loose { node, parent, id_text });
        }
    }
    for (identity, unsealed) in &all.observations {
        let Some(fields) = all.observation(view, *identity)? else { continue };
        let node = node_from(*identity, &fields, &mut texts);
        let parent = fields.id(Field::Parent).map(|id| view.key.identity(id));
        let id_text = unsealed.id.as_ref().and_then(Id::as_text).map(Box::from);
        loose.push(Loose { node, parent, id_text });
    }
    loose.sort_unstable_by_key(|l| (l.node.start, l.node.identity));
    let mut by_id: Vec<(Identity, u32)> =
        loose.iter().enumerate().map(|(i, l)| (l.node.identity, i as u32)).collect();
    by_id.sort_unstable();
    let mut id_texts = Vec::new();
    let mut nodes = Vec::with_capacity(loose.len());
    for (i, Loose { mut node, parent, id_text }) in loose.into_iter().enumerate() {
        node.link = match parent {
            None => Link::Root,
            Some(parent) => match by_id.binary_search_by_key(&parent, |(id, _)| *id) {
                Ok(at) => Link::Node(by_id[at].1),
                Err(_) => Link::Missing(parent),
            },
        };
        id_texts.extend(id_text.map(|text| (i as u32, text)));
        nodes.push(node);
    }
    Ok(Tree::build(TreeInput { trace: all.identity, nodes, texts: texts.texts, id_texts }))
}

impl<F: Fs> Snapshot<F> {
    /// The tree of a trace's skeletons, if the trace is there; no payload is touched. Cost: one
    /// probe and one pass over contiguous columns for a sealed trace, a join by id for one that
    /// lies in several places.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn trace(&self, trace: &Id) -> Result<Option<Tree>> {
        let view = self.view()?;
        let identity = view.key.identity(trace);
        let fresh = view.logs.iter().any(|log| log.trace_last(identity, self.seq()).is_some());
        if !fresh && let [(at, row)] = view.holders(identity)?[..] {
            let s = &view.segments[at];
            if s.dead.contains(RowKind::Trace, row) {
                return Ok(None);
            }
            let rows = s.segment.observations(row)?;
            if !s.dead.any(RowKind::Observation, rows.clone()) {
                let start = s.segment.trace_start(row);
                return Ok(Some(from_one(&s.segment, identity, rows, start)));
            }
        }
        let all = Gathered::new(&view, identity, self.seq())?;
        if all.is_empty(&view) {
            return Ok(None);
        }
        let tree = joined(&view, &all)?;
        let gone =
            tree.is_empty() && all.trace_fields(&view, &mut LastBlock::default())?.is_empty();
        Ok((!gone).then_some(tree))
    }
}
