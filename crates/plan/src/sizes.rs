//! Bytes by kind of content, at any volume.
//!
//! Columns and their like follow their own curves. Parts do not: in a small sample a few prompts
//! that it had to learn bend their curve, and one large payload that came twice bends it more.
//! What the last eighth of the sample has for itself is known well, and what becomes of that lies
//! between two ends. *Falling*: new parts get rarer as they did from eighth to eighth. *Steady*:
//! what is new at the end stays as new. The forecast is the middle, and both ends are told.
//!
//! A segment holds so many observations and no more; a larger store is many full ones.

use crate::growth::{Curve, comes_again};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kinds of content, as a plan lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Compressed parts of payloads, where they begin, and dictionaries.
    PayloadParts,
    /// Which parts make up each payload.
    PartLists,
    /// Columns of skeletons, their details, texts and framing.
    SkeletonColumns,
    /// Ids.
    Ids,
    /// Lookups of segments and the merged index.
    Indexes,
    /// Logs that are written and sealed.
    Logs,
    /// Manifest and what is kept aside for a full disk.
    Rest,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Kind; 7] = [
        Kind::PayloadParts,
        Kind::PartLists,
        Kind::SkeletonColumns,
        Kind::Ids,
        Kind::Indexes,
        Kind::Logs,
        Kind::Rest,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::PayloadParts => "payload parts",
            Kind::PartLists => "part lists",
            Kind::SkeletonColumns => "skeleton columns",
            Kind::Ids => "ids",
            Kind::Indexes => "indexes",
            Kind::Logs => "logs",
            Kind::Rest => "rest",
        }
    }

    /// Whether it goes when payloads expire.
    pub fn is_payload(self) -> bool {
        matches!(self, Kind::PayloadParts | Kind::PartLists)
    }
}

/// Bytes by kind.
pub type Bytes = BTreeMap<Kind, f64>;

/// What a sealed store of some of the sample takes, on average over its choices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Observations.
    pub observations: f64,
    /// Compressed blocks of parts.
    pub blocks: f64,
    /// Directories of blocks and lengths of parts.
    pub part_places: f64,
    /// Part lists.
    pub lists: f64,
    /// Columns, fingerprints, details, texts, framing: all of the skeleton file but the next two.
    pub columns: f64,
    /// Ids.
    pub ids: f64,
    /// Lookups of the segment.
    pub lookups: f64,
    /// Fingerprints and lengths of payloads, as counted in `columns`.
    pub prints: f64,
    /// Different parts.
    pub parts: f64,
    /// Their bytes before compression.
    pub part_bytes: f64,
}

/// What was measured of a sample's sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// At a quarter, a half and all of the sample.
    pub points: [Point; 3],
    /// Different parts, and their bytes, that the last eighth brings on average.
    pub new_parts: f64,
    /// See `new_parts`.
    pub new_part_bytes: f64,
    /// How new parts get rarer: the exponent of Heaps' law, 1 where they do not.
    pub part_exponent: f64,
    /// How far new parts compress with a dictionary from the others; `None` where too little is
    /// new to say.
    pub compression: Option<f64>,
    /// Traces of the sample.
    pub traces: f64,
    /// Scores of the sample.
    pub scores: f64,
    /// Payload bytes of the sample as they were given.
    pub logical: f64,
    /// About what rewriting the whole sample as one segment takes in memory.
    pub rewrite_bytes: f64,
    /// Files of a store that do not grow with it.
    pub fixed: f64,
}

/// A segment's dictionary, and how much it must have to be trained from.
const DICTIONARY_BYTES: f64 = (112u64 << 10) as f64;
const DICTIONARY_SHARE: f64 = 50.0;
/// An item of 16 bytes in the merged index, and its share of the directory.
const MERGED_INDEX_BYTES_A_TRACE: f64 = 17.0;
/// So many segments are asked directly, without a merged index.
const UNINDEXED_SEGMENTS: f64 = 32.0;

/// Where the last eighth of the sample begins.
const LAST_EIGHTH: f64 = 7.0 / 8.0;
/// Between falling and steady novelty.
const MIDDLE: f64 = 0.5;

/// Sizes at any volume.
#[derive(Debug, Clone)]
pub struct Forecast {
    sample: Sample,
    prints: Curve,
    columns: Curve,
    ids: Curve,
    lookups: Curve,
    lists: Curve,
    segment: f64,
}

impl Forecast {
    /// From what was measured, where rewriting one segment may take so much memory, which is what
    /// bounds a segment.
    pub fn new(sample: &Sample, rewrite_bytes_max: f64) -> Forecast {
        let whole = sample.points[2];
        let curve = |of: fn(&Point) -> f64| {
            Curve::through(whole.observations, sample.points.each_ref().map(of))
        };
        let each = sample.rewrite_bytes / whole.observations.max(1.0);
        Forecast {
            prints: curve(|p| p.prints),
            // Details learn what they repeat, in their dictionary, and cost the same from then on.
            columns: Curve::line(
                whole.observations,
                [sample.points[1], whole].map(|p| p.columns - p.prints),
            ),
            ids: curve(|p| p.ids),
            lookups: curve(|p| p.lookups),
            lists: curve(|p| p.lists),
            segment: (rewrite_bytes_max / each.max(1.0)).max(1.0),
            sample: sample.clone(),
        }
    }

    /// Observations that one full segment holds.
    pub fn segment_observations(&self) -> f64 {
        self.segment
    }

    /// What the sample itself takes, settled.
    pub fn sample_bytes(&self) -> f64 {
        let p = &self.sample.points[2];
        let payloads = p.blocks + p.part_places + p.lists;
        payloads + p.columns + p.ids + p.lookups + self.sample.fixed
    }

    /// Bytes of a settled store of so many observations with all payloads kept, by kind.
    pub fn bytes(&self, observations: f64) -> Bytes {
        self.bytes_where(observations, MIDDLE)
    }

    /// As [`Forecast::bytes_per_observation`], where what is new gets rarer as it did in the
    /// sample, and where it stays as new.
    pub fn range(&self, observations: f64) -> [f64; 2] {
        let mut ends = [0.0, 1.0].map(|steady| {
            let bytes = self.bytes_where(observations, steady);
            bytes.values().sum::<f64>() / observations.max(1.0)
        });
        ends.sort_by(f64::total_cmp);
        ends
    }

    /// `steady` is 0 where what is new gets rarer, 1 where it stays as new.
    fn bytes_where(&self, observations: f64, steady: f64) -> Bytes {
        let full = (observations / self.segment).floor();
        let rest = observations - full * self.segment;
        let mut sum = Bytes::from([(Kind::Rest, self.sample.fixed)]);
        for (times, held) in [(full, self.segment), (1.0, rest)] {
            let bytes = self.of_one(held, steady);
            bytes.into_iter().for_each(|(kind, n)| *sum.entry(kind).or_default() += times * n);
        }
        if full >= UNINDEXED_SEGMENTS {
            let a_trace = self.sample.points[2].observations / self.sample.traces.max(1.0);
            let index = observations / a_trace.max(1e-9) * MERGED_INDEX_BYTES_A_TRACE;
            *sum.entry(Kind::Indexes).or_default() += index;
        }
        sum
    }

    /// All bytes by observation, settled, with all payloads kept.
    pub fn bytes_per_observation(&self, observations: f64) -> f64 {
        self.bytes(observations).values().sum::<f64>() / observations.max(1.0)
    }

    fn of_one(&self, observations: f64, steady: f64) -> Bytes {
        if observations < 1.0 {
            return Bytes::new();
        }
        let whole = self.sample.points[2];
        let (part_bytes, parts) = self.parts(observations, steady);
        let measured = whole.part_bytes / whole.blocks.max(1.0);
        let blocks = part_bytes / self.sample.compression.unwrap_or(measured).max(1e-9);
        let dictionary = DICTIONARY_BYTES.min(part_bytes / DICTIONARY_SHARE);
        let places = whole.part_places * parts / whole.parts.max(1.0);
        Bytes::from([
            (Kind::PayloadParts, blocks + dictionary + places),
            (Kind::PartLists, self.lists.at(observations)),
            (Kind::SkeletonColumns, self.columns.at(observations) + self.prints.at(observations)),
            (Kind::Ids, self.ids.at(observations)),
            (Kind::Indexes, self.lookups.at(observations)),
        ])
    }

    /// Bytes of different parts before compression, and how many, in one segment.
    fn parts(&self, observations: f64, steady: f64) -> (f64, f64) {
        let whole = self.sample.points[2];
        // How often the last eighth comes again, as new as it was and rarer and rarer.
        let by = observations / whole.observations.max(1.0);
        let falling = comes_again(by, self.sample.part_exponent, LAST_EIGHTH);
        let times = comes_again(by, 1.0, LAST_EIGHTH);
        let new = falling + steady * (times - falling);
        let at = |known: f64, each: f64| (known + new * each).max(0.0);
        (at(whole.part_bytes, self.sample.new_part_bytes), at(whole.parts, self.sample.new_parts))
    }
}
