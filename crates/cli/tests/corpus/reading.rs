//! Knows nothing of the engine: JSON, a merge of its own, and places in the file instead of
//! bytes, so that 0.9 GB are read in little memory.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of the corpus file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    at: u64,
    len: usize,
}

/// What wins: strong before weak, then the later event, then an update before a create.
type Rank = (bool, i64, bool);

/// The live value of a field, and what makes it live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    rank: Rank,
    pub(crate) text: Text,
}

/// A live key of metadata, and the whole text that it came with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    said: Said,
    whole: Text,
}

/// An observation, or a trace without its observations.
#[derive(Debug, Default)]
pub(crate) struct Thing {
    /// Few, so a list.
    fields: Vec<(&'static str, Said)>,
    metadata: BTreeMap<Box<str>, Entry>,
    /// An object without keys, which counts where nothing else was said.
    empty_metadata: Option<Text>,
    /// What the types of events say of the kind, where no body does.
    guess: Option<(Rank, &'static str)>,
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) own: Thing,
    pub(crate) observations: BTreeMap<String, Thing>,
}

/// All that a corpus file says.
pub(crate) struct Reading {
    file: File,
    pub(crate) events: u64,
    pub(crate) traces: BTreeMap<String, Trace>,
    pub(crate) scores: BTreeSet<String>,
    /// Values that differ where nothing says which is later: the corpus must not decide those.
    pub(crate) undecided: u64,
}

/// The fields that are compared.
const FIELDS: [&str; 21] = [
    "input",
    "output",
    "type",
    "name",
    "parentObservationId",
    "startTime",
    "endTime",
    "completionStartTime",
    "level",
    "statusMessage",
    "version",
    "release",
    "environment",
    "model",
    "modelParameters",
    "usageDetails",
    "costDetails",
    "userId",
    "sessionId",
    "public",
    "timestamp",
];

/// Of these the first that was said stays.
const FIRST: [&str; 3] = ["startTime", "environment", "timestamp"];

const FALSY: [&str; 8] = ["\"\"", "0", "-0", "0.0", "-0.0", "false", "{}", "[]"];

#[derive(Deserialize)]
struct Event<'a> {
    timestamp: &'a str,
    r#type: &'a str,
    #[serde(borrow)]
    body: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// Nanoseconds of a time like `2026-01-12T08:00:09.376Z`.
pub(crate) fn time_ns(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let months = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    let days = years + months[..month as usize - 1].iter().sum::<i64>() + day - 1;
    let seconds = days * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    let rest = text[19..].strip_suffix('Z').unwrap().strip_prefix('.').unwrap_or("0");
    seconds * 1_000_000_000 + format!("{rest:0<9}").parse::<i64>().unwrap()
}

impl Reading {
    pub(crate) fn of(path: &Path) -> Reading {
        let mut reading = Reading {
            file: File::open(path).unwrap(),
            events: 0,
            traces: BTreeMap::new(),
            scores: BTreeSet::new(),
            undecided: 0,
        };
        let mut lines = BufReader::with_capacity(1 << 20, File::open(path).unwrap());
        let (mut line, mut at) = (String::new(), 0);
        while lines.read_line(&mut line).unwrap() > 0 {
            reading.take(&line, at);
            at += line.len() as u64;
            line.clear();
        }
        reading
    }

    fn take(&mut self, line: &str, line_at: u64) {
        self.events += 1;
        let event: Event<'_> = serde_json::from_str(line).unwrap();
        let string = |key: &str| -> Option<String> {
            event.body.get(key).map(|raw| serde_json::from_str(raw.get()).unwrap())
        };
        let id = string("id").unwrap();
        if event.r#type == "score-create" {
            self.scores.insert(id);
            return;
        }
        let place = |raw: &str| {
            let at = line_at + (raw.as_ptr().addr() - line.as_ptr().addr()) as u64;
            Text { at, len: raw.len() }
        };
        let (time, update) = (time_ns(event.timestamp), event.r#type.ends_with("-update"));
        let mut thing = Thing::default();
        for (key, raw) in event.body.iter().filter(|(_, raw)| raw.get() != "null") {
            let rank = |text: &str| (!FALSY.contains(&text), time, update);
            if let Some(field) = FIELDS.iter().find(|field| *field == key) {
                let said = Said { rank: rank(raw.get()), text: place(raw.get()) };
                thing.fields.push((field, said));
            }
            if key == "metadata" {
                let whole = place(raw.get());
                let Ok(object) = serde_json::from_str::<BTreeMap<Box<str>, &RawValue>>(raw.get())
                else {
                    let said = Said { rank: rank(raw.get()), text: whole };
                    thing.metadata.insert("".into(), Entry { said, whole });
                    continue;
                };
                thing.empty_metadata = object.is_empty().then_some(whole);
                for (key, raw) in object {
                    // A key that says null is weak, as what is empty is.
                    let mut rank = rank(raw.get());
                    rank.0 &= raw.get() != "null";
                    let said = Said { rank, text: place(raw.get()) };
                    thing.metadata.insert(key, Entry { said, whole });
                }
            }
        }
        let guess = match event.r#type {
            "span-create" => Some("SPAN"),
            "generation-create" | "generation-update" => Some("GENERATION"),
            "event-create" => Some("EVENT"),
            "trace-create" | "span-update" => None,
            other => panic!("the corpus has no {other}"),
        };
        thing.guess = guess.map(|kind| ((true, time, update), kind));
        if event.r#type == "trace-create" {
            let own = &mut self.traces.entry(id).or_default().own;
            self.undecided += own.merge(thing, &self.file);
        } else {
            let trace = string("traceId").unwrap_or_else(|| id.clone());
            let observations = &mut self.traces.entry(trace).or_default().observations;
            self.undecided += observations.entry(id).or_default().merge(thing, &self.file);
        }
    }

    /// The bytes that a text stands for.
    pub(crate) fn bytes(&self, text: Text) -> Vec<u8> {
        read(&self.file, text)
    }

    /// A field's live value.
    pub(crate) fn field(&self, thing: &Thing, field: &str) -> Option<Vec<u8>> {
        let (_, said) = thing.fields.iter().find(|(name, _)| *name == field)?;
        Some(self.bytes(said.text))
    }

    /// The kind that was said, else that of the last event whose type says one.
    pub(crate) fn kind(&self, thing: &Thing) -> Option<String> {
        match self.field(thing, "type") {
            Some(text) => Some(serde_json::from_slice(&text).unwrap()),
            None => thing.guess.map(|(_, kind)| kind.to_owned()),
        }
    }

    /// The text of one event where all live keys came from it, else an object of them.
    pub(crate) fn metadata(&self, thing: &Thing) -> Option<Vec<u8>> {
        let Some(first) = thing.metadata.values().next() else {
            return thing.empty_metadata.map(|text| self.bytes(text));
        };
        let whole = self.bytes(first.whole);
        let mut others = thing.metadata.values().map(|e| e.whole).filter(|t| *t != first.whole);
        if others.all(|other| self.bytes(other) == whole) {
            return Some(whole);
        }
        let pairs = thing.metadata.iter().map(|(key, entry)| {
            let value = String::from_utf8(self.bytes(entry.said.text)).unwrap();
            format!("{}:{value}", serde_json::to_string(key).unwrap())
        });
        Some(format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")).into_bytes())
    }
}

fn read(file: &File, text: Text) -> Vec<u8> {
    let mut bytes = vec![0; text.len];
    file.read_exact_at(&mut bytes, text.at).unwrap();
    bytes
}

/// Whether `new` takes the place of `old`; counts in `undecided` where nobody can tell.
fn wins(new: &Said, old: &Said, first: bool, file: &File, undecided: &mut u64) -> bool {
    let key = |rank: Rank| match first {
        true => (rank.0, -rank.1, !rank.2),
        false => rank,
    };
    let (new_key, old_key) = (key(new.rank), key(old.rank));
    if new_key == old_key && read(file, new.text) != read(file, old.text) {
        *undecided += 1;
    }
    new_key > old_key
}

impl Thing {
    /// Takes one event in, and answers how many values it left undecided.
    fn merge(&mut self, event: Thing, file: &File) -> u64 {
        let mut undecided = 0;
        for (field, said) in event.fields {
            match self.fields.iter_mut().find(|(name, _)| *name == field) {
                None => self.fields.push((field, said)),
                Some((_, old)) => {
                    if wins(&said, old, FIRST.contains(&field), file, &mut undecided) {
                        *old = said;
                    }
                }
            }
        }
        for (key, entry) in event.metadata {
            match self.metadata.get_mut(&key) {
                None => drop(self.metadata.insert(key, entry)),
                Some(old) => {
                    if wins(&entry.said, &old.said, false, file, &mut undecided) {
                        *old = entry;
                    }
                }
            }
        }
        self.empty_metadata = self.empty_metadata.or(event.empty_metadata);
        self.guess = self.guess.max(event.guess);
        undecided
    }

    /// Whether nothing was said of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.metadata.is_empty()
    }
}
