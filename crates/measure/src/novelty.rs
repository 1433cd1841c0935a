//! How much of a group's parts no other group has, and how far that compresses.
//!
//! A part is worth its bytes once a store. What a store of `k` of the groups holds, on average
//! over every choice of them, follows from in how many groups each part is (rarefaction, as
//! ecologists count species). What only one group has is what a further group would bring: it is
//! compressed with a dictionary from the parts of the others, as a large store would do it, where
//! a small sample has no dictionary or one that knows what it compresses.

use crate::sizes::GROUPS;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use tracekeep::internals::codec::compress::{Compressor, pack};
use tracekeep::internals::codec::train::train;
use tracekeep::limits::{BLOCK_BYTES, DICTIONARY_BYTES_MAX, DICTIONARY_SAMPLE_BYTES_MAX};

/// The groups are held out by pairs.
const FOLDS: u32 = 4;

/// How parts repeat over the groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Novelty {
    /// Parts in a store of 1, 2, .. 8 groups, on average.
    pub parts: Vec<f64>,
    /// Their bytes.
    pub part_bytes: Vec<f64>,
    /// Bytes of new parts by bytes of their blocks; `None` where too little is new to say.
    pub compression: Option<f64>,
}

impl Novelty {
    /// How new parts get rarer, as the exponent of Heaps' law that what the last two groups brought
    /// lies on: 1 where each brings as many as the one before. By number, not bytes: one large
    /// payload that came twice is few parts of many.
    pub fn exponent(&self) -> f64 {
        let [.., before, middle, last] = self.parts[..] else { return 1.0 };
        let (earlier, later) = (middle - before, last - middle);
        if earlier <= 0.0 || later <= 0.0 {
            return 1.0;
        }
        // Each stands for the rate in its middle.
        let groups = f64::from(GROUPS);
        let between = ((groups - 0.5) / (groups - 1.5)).ln();
        (1.0 + (later / earlier).ln() / between).clamp(0.0, 1.0)
    }
}

/// The parts of all groups, each once.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    by_hash: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Part {
    start: usize,
    len: usize,
    groups: u32,
}

impl Parts {
    pub(crate) fn add(&mut self, group: u32, part: &[u8]) {
        let mut hasher = DefaultHasher::new();
        part.hash(&mut hasher);
        let next = self.parts.len();
        let at = *self.by_hash.entry(hasher.finish()).or_insert(next);
        if at == next {
            let (start, len) = (self.bytes.len(), part.len());
            self.parts.push(Part { start, len, groups: 0 });
            self.bytes.extend_from_slice(part);
        }
        self.parts[at].groups |= 1 << group;
    }

    pub(crate) fn novelty(&self, level: i32) -> Novelty {
        // How many parts, and bytes, are in so many groups.
        let mut counts = [(0.0, 0.0); GROUPS as usize + 1];
        for part in &self.parts {
            let (parts, bytes) = &mut counts[part.groups.count_ones() as usize];
            *parts += 1.0;
            *bytes += part.len as f64;
        }
        let of = |chosen: u32| {
            let sums = (1..=GROUPS).map(|in_groups| {
                let share = seen(in_groups, chosen);
                let (parts, bytes) = counts[in_groups as usize];
                (parts * share, bytes * share)
            });
            sums.fold((0.0, 0.0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
        };
        let (parts, part_bytes) = (1..=GROUPS).map(of).unzip();
        Novelty { parts, part_bytes, compression: self.compression(level) }
    }

    fn text(&self, part: &Part) -> &[u8] {
        &self.bytes[part.start..part.start + part.len]
    }

    fn compression(&self, level: i32) -> Option<f64> {
        let (mut raw, mut packed) = (0, 0);
        for fold in 0..FOLDS {
            let own = 0b11 << (2 * fold);
            let others = self.parts.iter().filter(|part| part.groups & !own != 0);
            let others: Vec<&[u8]> = others.map(|part| self.text(part)).collect();
            let dictionary = dictionary(&others);
            let mut compressor = Compressor::of_parts(level, &dictionary).ok()?;
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            let mut end = |block: &mut Vec<u8>| {
                raw += block.len();
                packed += pack(&mut compressor, block, &mut Vec::new());
                block.clear();
            };
            let new = self.parts.iter().filter(|part| part.groups & !own == 0);
            for text in new.filter(|p| p.groups.count_ones() == 1).map(|part| self.text(part)) {
                if block.len() + text.len() > BLOCK_BYTES {
                    end(&mut block);
                }
                block.extend_from_slice(text);
            }
            end(&mut block);
        }
        (raw >= BLOCK_BYTES).then(|| raw as f64 / packed.max(1) as f64)
    }
}

/// Of the choices of `chosen` groups, the share that has at least one of these `in_groups`.
fn seen(in_groups: u32, chosen: u32) -> f64 {
    let mut none = 1.0;
    for at in 0..chosen {
        none *= f64::from((GROUPS - in_groups).saturating_sub(at)) / f64::from(GROUPS - at);
    }
    1.0 - none
}

fn dictionary(texts: &[&[u8]]) -> Vec<u8> {
    let all: usize = texts.iter().map(|text| text.len()).sum();
    let step = all.div_ceil(DICTIONARY_SAMPLE_BYTES_MAX).max(1);
    let samples: Vec<&[u8]> = texts.iter().step_by(step).copied().collect();
    train(&samples.concat(), DICTIONARY_BYTES_MAX, &mut || ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_counts_once_and_what_is_new_each_time() {
        let mut parts = Parts::default();
        for group in 0..GROUPS {
            parts.add(group, b"shared by all");
            parts.add(group, format!("only of group {group}").as_bytes());
            parts.add(group / 2 * 2, format!("pair {}", group / 2).as_bytes());
            parts.add(group / 2 * 2 + 1, format!("pair {}", group / 2).as_bytes());
        }
        let novelty = parts.novelty(3);
        // One shared, k own, and 4 pairs, of which a choice of k meets 4 (1 - C(6,k) / C(8,k)).
        let expected = [1.0 + 1.0 + 1.0, 1.0 + 2.0 + 4.0 * (1.0 - 15.0 / 28.0)];
        for (found, expected) in novelty.parts.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
        assert!((novelty.parts[7] - 13.0).abs() < 1e-9);
        assert_eq!(novelty.compression, None, "too little to say");
    }

    #[test]
    fn the_exponent_is_that_of_the_law() {
        let of = |law: &dyn Fn(f64) -> f64| {
            let parts = (1..=GROUPS).map(|n| law(f64::from(n))).collect();
            Novelty { parts, part_bytes: Vec::new(), compression: None }.exponent()
        };
        for exponent in [0.3, 0.7, 1.0] {
            let found = of(&|n| 5.0 + 100.0 * n.powf(exponent));
            assert!((found - exponent).abs() < 5e-3, "{found} is not {exponent}");
        }
        assert_eq!(of(&|_| 7.0), 1.0, "nothing new says nothing");
        assert_eq!(of(&|n| n * n), 1.0);
    }
}
