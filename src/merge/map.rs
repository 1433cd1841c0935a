use super::{Stamp, canon};
use crate::model::{Map, Operation, PayloadRef, Timestamp};
use std::cmp::Ordering;
use std::ops::Range;

/// Metadata or attributes, merged by key over the texts of several records.
///
/// Every text has a live entry, except that an object without keys (`{}`) is kept, as one text
/// without entries, as long as nothing else was said: it comes back as it was given and adds
/// nothing to any key.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedMap {
    /// The texts that hold live values, sorted by (length, fingerprint), each once.
    pub texts: Vec<PayloadRef>,
    /// The live keys, sorted, each once.
    pub entries: Vec<MergedEntry>,
}

/// One live key of a [`MergedMap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedEntry {
    /// The key, unescaped. Empty where a text as a whole is the value.
    pub key: Box<str>,
    /// Which of the texts holds the value.
    pub text: u32,
    /// Where in the text the value's bytes stand.
    pub value: Range<u32>,
    /// The stamp of the value.
    pub stamp: Stamp,
}

impl MergedMap {
    /// The map of one record.
    pub fn from_map(map: Map<PayloadRef>, time: Timestamp, operation: Operation) -> MergedMap {
        let entries = map.entries.into_iter().map(|e| {
            let stamp = Stamp { strong: !e.weak, time, operation };
            MergedEntry { key: e.key, text: 0, value: e.value, stamp }
        });
        MergedMap::new(vec![map.text], entries.collect())
    }

    /// The map of these parts, as they were read back; cheap where they are in order. Entries
    /// whose text does not exist are dropped.
    pub fn new(texts: Vec<PayloadRef>, entries: Vec<MergedEntry>) -> MergedMap {
        let mut map = MergedMap { texts, entries };
        let weights = map.texts.iter().map(canon::weight);
        if !weights.is_sorted_by(|a, b| a < b) {
            map.sort_texts();
        }
        let texts = map.texts.len();
        map.entries.retain(|e| index(e.text) < texts);
        if !map.entries.is_sorted_by(|a, b| a.key < b.key) {
            let larger_first = |a: &MergedEntry, b: &MergedEntry| canon::cmp_entries(b, a);
            map.entries.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| larger_first(a, b)));
            map.entries.dedup_by(|next, kept| next.key == kept.key);
        }
        map.drop_dead_texts();
        map
    }

    /// The one text from which all live keys came: what was given, and what comes back.
    pub fn single(&self) -> Option<&PayloadRef> {
        match self.texts.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// The live entry of a key.
    pub fn entry(&self, key: &str) -> Option<&MergedEntry> {
        let at = self.entries.binary_search_by(|e| (*e.key).cmp(key)).ok()?;
        self.entries.get(at)
    }

    /// The text that an entry's value stands in.
    pub fn text(&self, entry: &MergedEntry) -> Option<&PayloadRef> {
        self.texts.get(index(entry.text))
    }

    /// The largest stamp of an entry; none where there is no entry.
    pub fn stamp(&self) -> Option<Stamp> {
        self.entries.iter().map(|e| e.stamp).max()
    }

    fn sort_texts(&mut self) {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        let text = |i: &usize| &self.texts[*i];
        order.sort_by(|a, b| cmp_texts(text(a), text(b)));
        let mut sorted: Vec<PayloadRef> = Vec::with_capacity(order.len());
        let mut numbers = vec![0; order.len()];
        for i in order {
            push_text(&mut sorted, self.texts[i]);
            numbers[i] = number(sorted.len() - 1);
        }
        self.texts = sorted;
        // A text that does not exist keeps a number that does not: there are no more than before.
        self.entries.iter_mut().for_each(|e| renumber(e, &numbers));
    }

    /// Keeps the texts that have a live entry; the largest where there is no entry at all.
    fn drop_dead_texts(&mut self) {
        if self.entries.is_empty() {
            let dead = self.texts.len().saturating_sub(1);
            self.texts.drain(..dead);
            return;
        }
        let mut live = vec![false; self.texts.len()];
        for entry in &self.entries {
            if let Some(live) = live.get_mut(index(entry.text)) {
                *live = true;
            }
        }
        if live.iter().all(|live| *live) {
            return;
        }
        let mut kept = 0;
        let mut numbers = Vec::with_capacity(live.len());
        for live in &live {
            numbers.push(kept);
            kept += u32::from(*live);
        }
        let mut at = live.iter();
        self.texts.retain(|_| at.next().is_some_and(|live| *live));
        self.entries.iter_mut().for_each(|e| renumber(e, &numbers));
    }
}

/// Merges two maps. The stamps count only where there is no entry: entries have their own.
pub(super) fn join(a: (Stamp, MergedMap), b: (Stamp, MergedMap)) -> (Stamp, MergedMap) {
    match (a.1.entries.is_empty(), b.1.entries.is_empty()) {
        (false, true) => a,
        (true, false) => b,
        (true, true) => {
            let texts = || match (a.1.texts.last(), b.1.texts.last()) {
                (Some(a), Some(b)) => cmp_texts(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if a.0.cmp(&b.0).then_with(texts).is_lt() { b } else { a }
        }
        (false, false) => {
            let stamp = a.0.max(b.0);
            let map = join_entries(a.1, b.1);
            (map.stamp().unwrap_or(stamp), map)
        }
    }
}

fn join_entries(mut a: MergedMap, mut b: MergedMap) -> MergedMap {
    let texts = join_texts(&mut a, &mut b);
    let mut entries = Vec::with_capacity(a.entries.len() + b.entries.len());
    let (mut left, mut right) =
        (a.entries.into_iter().peekable(), b.entries.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let order = l.key.cmp(&r.key);
        let (l, r) = (left.next_if(|_| order.is_le()), right.next_if(|_| order.is_ge()));
        entries.extend(match (l, r) {
            (Some(l), Some(r)) if canon::cmp_entries(&l, &r).is_lt() => Some(r),
            (l, r) => l.or(r),
        });
    }
    entries.extend(left.chain(right));
    let mut map = MergedMap { texts, entries };
    map.drop_dead_texts();
    map
}

/// The union of the texts of both, to which the entries of both then refer.
fn join_texts(a: &mut MergedMap, b: &mut MergedMap) -> Vec<PayloadRef> {
    let mut texts = Vec::with_capacity(a.texts.len() + b.texts.len());
    let (mut from_a, mut from_b) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (a.texts.iter().peekable(), b.texts.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => cmp_texts(l, r),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let (side, numbers) = match order {
            Ordering::Less | Ordering::Equal => (&mut left, &mut from_a),
            Ordering::Greater => (&mut right, &mut from_b),
        };
        if let Some(text) = side.next() {
            push_text(&mut texts, *text);
            numbers.push(number(texts.len() - 1));
        }
    }
    a.entries.iter_mut().for_each(|e| renumber(e, &from_a));
    b.entries.iter_mut().for_each(|e| renumber(e, &from_b));
    texts
}

/// Appends a text in order; of equal texts the last, which lies at the better place, stays.
fn push_text(texts: &mut Vec<PayloadRef>, text: PayloadRef) {
    match texts.last_mut() {
        Some(last) if canon::weight(last) == canon::weight(&text) => *last = text,
        _ => texts.push(text),
    }
}

fn cmp_texts(a: &PayloadRef, b: &PayloadRef) -> Ordering {
    canon::weight(a).cmp(&canon::weight(b)).then_with(|| canon::cmp_places(a, b))
}

fn renumber(entry: &mut MergedEntry, numbers: &[u32]) {
    if let Some(number) = numbers.get(index(entry.text)) {
        entry.text = *number;
    }
}

fn index(text: u32) -> usize {
    usize::try_from(text).unwrap_or(usize::MAX)
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
