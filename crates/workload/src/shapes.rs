//! Traces that are hard to hold: huge, deep, wide, broken. And streams of single observations
//! for benches.
//!
//! The iterators hold no trace in memory: the id of the `i`-th observation is a function of the
//! seed and `i`. The first record of each shape is its trace's; those that say so can be read
//! from the back, which makes children arrive before their parents.

use crate::EPOCH;
use crate::maker::Family;
use crate::rng::{Rng, mix};
use crate::text;
use std::iter::once;
use tracekeep::id::Id;
use tracekeep::model::{
    Decimal, Level, ObservationKind, ObservationRecord, Operation, Record, Timestamp, TraceRecord,
};

/// The ids and times of one shape's trace.
#[derive(Clone, Copy)]
struct Shape(u64);

impl Shape {
    fn new(seed: u64) -> Shape {
        Shape(Family::Shape.seed(seed))
    }

    fn trace(self) -> Id {
        Id::hex32(u128::from(mix(self.0)) << 64 | u128::from(mix(!self.0)))
    }

    /// Distinct for distinct numbers: `mix` and the sum are bijections.
    fn id(self, number: u64) -> Id {
        Id::hex16(mix(self.0.wrapping_add(number)))
    }

    fn head(self, name: &str) -> Record {
        TraceRecord::new(self.trace(), EPOCH, Operation::Create).name(name).timestamp(EPOCH).into()
    }

    /// A small observation: about 100 bytes of payload, usage and cost on every third.
    fn observation(self, number: u64, parent: Option<Id>) -> Record {
        self.under(self.id(number), number, parent)
    }

    /// The same under another id.
    fn under(self, id: Id, number: u64, parent: Option<Id>) -> Record {
        observation(self, self.trace(), id, number, parent)
    }
}

/// The `number`-th observation of a shape starts `number` milliseconds after the epoch.
fn observation(shape: Shape, trace: Id, id: Id, number: u64, parent: Option<Id>) -> Record {
    let start = Timestamp(EPOCH.0 + (number * 1_000_000 + number % 997) as i64);
    let end = Timestamp(start.0 + 250_000_000);
    let mut rng = Rng::stream(shape.0, number);
    let mut input = String::from("{\"query\":\"");
    text::prose(&mut rng, &mut input, 40);
    input.push_str("\"}");
    let record = ObservationRecord::new(trace, id, end, Operation::Create)
        .name("step")
        .start(start)
        .end(end)
        .input(input)
        .output(format!("{{\"ok\":true,\"number\":{number}}}"));
    let record = match number % 3 {
        0 => record
            .kind(ObservationKind::Generation)
            .model("gpt-4o-mini")
            .usage(vec![("input".into(), 10 + number % 90), ("output".into(), 5)])
            .cost(vec![("total".into(), Decimal(i128::from(number % 1000) * 1_000_000))]),
        1 => record.kind(ObservationKind::Tool),
        _ => record.kind(ObservationKind::Span),
    };
    let record = if number % 101 == 100 { record.level(Level::Error) } else { record };
    match parent {
        Some(parent) => record.parent(parent).into(),
        None => record.into(),
    }
}

/// One trace of this many observations, each with up to eight children, parents first. Yields
/// one record more than `observations`.
pub fn big_trace(seed: u64, observations: u64) -> impl DoubleEndedIterator<Item = Record> {
    let shape = Shape::new(seed);
    let tree = move |i: u64| shape.observation(i, i.checked_sub(1).map(|up| shape.id(up / 8)));
    once(shape.head("big")).chain((0..observations).map(tree))
}

/// A chain: each observation but the first is the only child of the one before. Yields one record
/// more than `depth`.
pub fn deep_trace(seed: u64, depth: u64) -> impl DoubleEndedIterator<Item = Record> {
    let shape = Shape::new(seed);
    let chain = move |i: u64| shape.observation(i, i.checked_sub(1).map(|up| shape.id(up)));
    once(shape.head("deep")).chain((0..depth).map(chain))
}

/// One root with this many children. Yields two records more than `children`.
pub fn wide_trace(seed: u64, children: u64) -> impl DoubleEndedIterator<Item = Record> {
    let shape = Shape::new(seed);
    let fan = move |i: u64| shape.observation(i, (i > 0).then(|| shape.id(0)));
    once(shape.head("wide")).chain((0..=children).map(fan))
}

/// Whether the parents of orphans come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parents {
    /// They never come.
    Missing,
    /// They come after all of their children, each under a single root, which comes last.
    Last,
}

/// A trace of this many observations whose parents do not stand before them: five share a
/// parent. With [`Parents::Last`] one record for each parent and one for the root follow.
pub fn orphan_trace(
    seed: u64,
    observations: u64,
    parents: Parents,
) -> impl DoubleEndedIterator<Item = Record> {
    const PARENTS: u64 = 1 << 40;
    const ROOT: u64 = 1 << 41;
    let shape = Shape::new(seed);
    let child = move |i: u64| shape.observation(i, Some(shape.id(PARENTS + i / 5)));
    let late = match parents {
        Parents::Missing => 0,
        Parents::Last => observations.div_ceil(5) + 1,
    };
    // Numbered in time like the rest, but known by the ids that the children gave.
    let parent = move |i: u64| match i + 1 == late {
        true => shape.under(shape.id(ROOT), observations + i, None),
        false => {
            let (id, root) = (shape.id(PARENTS + i), shape.id(ROOT));
            shape.under(id, observations + i, Some(root))
        }
    };
    once(shape.head("orphans")).chain((0..observations).map(child)).chain((0..late).map(parent))
}

/// A cycle of `length` observations (1: an observation that is its own parent), each with a
/// child outside of the cycle, beside a root with one child that nothing is wrong with.
pub fn cyclic_trace(seed: u64, length: u64) -> impl DoubleEndedIterator<Item = Record> {
    let shape = Shape::new(seed);
    let parent = move |i: u64| match i {
        i if i < length => Some((i + 1) % length),
        i if i < 2 * length => Some(i - length),
        i if i == 2 * length => None,
        i => Some(i - 1),
    };
    let node = move |i: u64| shape.observation(i, parent(i).map(|up| shape.id(up)));
    once(shape.head("cycle")).chain((0..2 * length + 2).map(node))
}

/// A chain of observations under ids of every form, some of which only differ in case or
/// hyphens, in a trace with an id of 800 characters.
pub fn odd_id_trace(seed: u64) -> Vec<Record> {
    let shape = Shape::new(seed);
    let bits = shape.0;
    let hex = format!("{bits:016x}");
    let double = format!("{:016x}{bits:016x}", mix(bits));
    let uuid = Id::uuid(u128::from(mix(bits)) << 64 | u128::from(bits)).to_string();
    let texts = [
        hex.clone(),
        hex.to_uppercase(),
        double.clone(),
        double.to_uppercase(),
        uuid.clone(),
        uuid.to_uppercase(),
        uuid.replace('-', "_"),
        format!("0x{hex}"),
        format!("run {} / step #3", bits % 1000),
        "7".to_owned(),
        " ".to_owned(),
        "\u{8ffd}\u{8de1}-\u{1f980}".to_owned(),
        format!("line\nbreak \"quote\" \\ {bits}"),
        "\u{e9}".repeat(800),
    ];
    let long = format!("{:x<800}", format!("trace-{bits}-"));
    let ids: Vec<Id> = texts.iter().filter_map(|text| Id::parse(text).ok()).collect();
    let Ok(trace) = Id::parse(&long) else { return Vec::new() };
    let head = TraceRecord::new(trace.clone(), EPOCH, Operation::Create).name("odd ids");
    let parents = once(None).chain(ids.iter().cloned().map(Some));
    let chain = (0..).zip(ids.iter().zip(parents)).map(|(number, (id, parent))| {
        observation(shape, trace.clone(), id.clone(), number, parent)
    });
    once(head.timestamp(EPOCH).into()).chain(chain).collect()
}

/// Observations without end whose inputs of `min` to `max` bytes have nothing in common but
/// their words; 16 to a trace. The overhang over `max` is at most 200 bytes.
pub fn unrelated_payloads(seed: u64, min: u64, max: u64) -> impl Iterator<Item = Record> {
    unrelated_texts(seed, min, max, text::mixed)
}

/// As [`unrelated_payloads`], of the text that `make` appends, which is one of [`text`].
pub fn unrelated_texts(
    seed: u64,
    min: u64,
    max: u64,
    make: fn(&mut Rng, &mut String, u64),
) -> impl Iterator<Item = Record> {
    let seed = Family::Unrelated.seed(seed);
    (0u64..).map(move |number| {
        let mut rng = Rng::stream(seed, number);
        let bytes = rng.between(min, max);
        let mut input = String::with_capacity(bytes as usize + 256);
        input.push('"');
        make(&mut rng, &mut input, bytes);
        input.push('"');
        single(seed, number, 16, rng).kind(ObservationKind::Span).input(input).into()
    })
}

/// Observations without end of about 1 KB of payload: a short call of a model with 700 bytes of
/// input, 300 of output, usage and cost; 32 to a trace.
pub fn small_observations(seed: u64) -> impl Iterator<Item = Record> {
    let seed = Family::Small.seed(seed);
    (0u64..).map(move |number| {
        let mut rng = Rng::stream(seed, number);
        let mut text_of = |before: &str, bytes, after| {
            let mut out = String::with_capacity(800);
            out.push_str(before);
            text::prose(&mut rng, &mut out, bytes);
            out.push_str(after);
            out
        };
        let input = text_of("[{\"role\":\"user\",\"content\":\"", 660, "\"}]");
        let output = text_of("{\"role\":\"assistant\",\"content\":\"", 250, "\"}");
        single(seed, number, 32, rng)
            .kind(ObservationKind::Generation)
            .model("gpt-4o-mini")
            .usage(vec![("input".into(), 175), ("output".into(), 75), ("total".into(), 250)])
            .cost(vec![("total".into(), Decimal(71_250_000))])
            .input(input)
            .output(output)
            .into()
    })
}

/// The `number`-th of a stream of observations, `to_a_trace` of them a trace, 5 ms apart.
fn single(seed: u64, number: u64, to_a_trace: u64, mut rng: Rng) -> ObservationRecord {
    let trace = Rng::stream(!seed, number / to_a_trace).hex32();
    let start = Timestamp(EPOCH.0 + (number * 5_000_000) as i64);
    let end = Timestamp(start.0 + rng.between(1_000_000, 900_000_000) as i64);
    ObservationRecord::new(trace, rng.hex16(), end, Operation::Create)
        .name("call")
        .start(start)
        .end(end)
        .environment("production")
}
