//! Dictionaries: stretches of samples that hold most of what the others repeat.
//!
//! They are chosen as in COVER (Liao, Petri, Moffat and Wirth, "Effective construction of relative
//! Lempel-Ziv dictionaries", WWW 2016), which zstd's own trainer follows: each run of six bytes is
//! counted, and the samples are walked in as many slices as there are stretches. Of a slice that
//! stretch is taken whose different runs occur most often, and those count for nothing after it.

/// Length of the runs that are counted: matches of zstd-9 begin with four or five bytes.
const RUN: usize = 6;
/// A run is hashed from so many bytes.
const WORD: usize = 8;
/// Length of a stretch, in bytes.
const STRETCH: usize = 256;
/// Runs are told apart by so many bits at most: their counts take 2.5 MiB.
const BITS_MAX: u32 = 19;
/// Bytes between two pauses.
const PAUSE_BYTES: usize = 16 << 10;

/// How often each run occurs, by its hash.
struct Counts {
    shift: u32,
    of: Vec<u32>,
    /// How often in the stretch that is looked at, which has no more than a byte holds.
    within: Vec<u8>,
}

const _: () = assert!(STRETCH - WORD < u8::MAX as usize);

impl Counts {
    fn new(samples: &[u8], pause: &mut dyn FnMut()) -> Counts {
        let bits = (samples.len().max(1).ilog2() + 2).clamp(12, BITS_MAX);
        let (of, within) = (vec![0u32; 1 << bits], vec![0; 1 << bits]);
        let mut counts = Counts { shift: u64::BITS - bits, of, within };
        for some in samples.chunks(PAUSE_BYTES) {
            for word in some.windows(WORD) {
                let run = counts.run(word);
                counts.of[run] = counts.of[run].saturating_add(1);
            }
            pause();
        }
        // What occurs once repeats nothing.
        counts.of.iter_mut().for_each(|count| *count = count.saturating_sub(1));
        counts
    }

    fn run(&self, word: &[u8]) -> usize {
        let word = word.first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        ((word << (8 * (WORD - RUN))).wrapping_mul(0xcf1b_bcdc_b7a5_6463) >> self.shift) as usize
    }

    /// The best stretch of a slice, without what is worth nothing at its ends.
    fn best<'s>(&mut self, slice: &'s [u8]) -> &'s [u8] {
        let count = slice.len().saturating_sub(WORD - 1);
        let in_stretch = STRETCH - (WORD - 1);
        let (mut score, mut best, mut from) = (0u64, 0u64, 0);
        for at in 0..count {
            let run = self.run(&slice[at..]);
            if self.within[run] == 0 {
                score += u64::from(self.of[run]);
            }
            self.within[run] += 1;
            if let Some(left) = at.checked_sub(in_stretch) {
                let run = self.run(&slice[left..]);
                self.within[run] -= 1;
                if self.within[run] == 0 {
                    score -= u64::from(self.of[run]);
                }
            }
            if score > best {
                (best, from) = (score, (at + 1).saturating_sub(in_stretch));
            }
        }
        for at in count.saturating_sub(in_stretch)..count {
            let run = self.run(&slice[at..]);
            self.within[run] = 0;
        }
        if best == 0 {
            return &[];
        }
        let mut runs = from..(from + in_stretch).min(count);
        while !runs.is_empty() && self.of[self.run(&slice[runs.start..])] == 0 {
            runs.start += 1;
        }
        while !runs.is_empty() && self.of[self.run(&slice[runs.end - 1..])] == 0 {
            runs.end -= 1;
        }
        for at in runs.clone() {
            let run = self.run(&slice[at..]);
            self.of[run] = 0;
        }
        &slice[runs.start..runs.end + WORD - 1]
    }
}

/// A dictionary of at most `max` bytes for what is like these samples, which lie one after the
/// other; empty where they repeat nothing. It is content, and begins with a zero byte, so that zstd
/// does not take it for one with tables. `pause` is called every 0.1 ms or so. Cost: 5 ms a
/// megabyte. Memory: 2.5 MiB.
pub fn train(samples: &[u8], max: usize, pause: &mut dyn FnMut()) -> Vec<u8> {
    let mut counts = Counts::new(samples, pause);
    let slice = samples.len().div_ceil((max / STRETCH).max(1)).max(STRETCH);
    let mut room = max.saturating_sub(1);
    let mut stretches = Vec::new();
    for some in samples.chunks(slice) {
        let best = counts.best(some);
        let best = &best[..best.len().min(room)];
        room -= best.len();
        stretches.push(best);
        pause();
    }
    if stretches.iter().all(|stretch| stretch.is_empty()) {
        return Vec::new();
    }
    // The first ones had all runs to choose from. What stands last is the nearest.
    stretches.push(&[0]);
    stretches.reverse();
    stretches.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(samples: &[u8], max: usize) -> Vec<u8> {
        train(samples, max, &mut || ())
    }

    /// Bytes of which no six occur twice, to speak of.
    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let step = |x: &u64| Some(x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(seed | 1));
        std::iter::successors(Some(seed), step).map(|x| (x >> 56) as u8).skip(8).take(len).collect()
    }

    #[test]
    fn what_repeats_is_found_among_what_does_not() {
        let said: Vec<Vec<u8>> = (1..5).map(|seed| noise(seed, 100)).collect();
        let mut samples = Vec::new();
        for (at, said) in said.iter().cycle().take(200).enumerate() {
            samples.extend(noise(1000 + at as u64, 300));
            samples.extend_from_slice(said);
        }
        let dictionary = made(&samples, 1 << 10);
        assert_eq!(dictionary.first(), Some(&0));
        for said in &said {
            assert!(dictionary.windows(90).any(|stretch| said.windows(90).any(|s| s == stretch)));
        }
    }

    #[test]
    fn where_nothing_repeats_there_is_none() {
        assert!(made(b"", 4096).is_empty());
        assert!(made(b"short", 4096).is_empty());
        assert!(made(b"each of these runs is another", 4096).is_empty());
        assert!(made(&noise(7, 100).repeat(9), 0).is_empty());
    }

    #[test]
    fn it_pauses_every_few_kilobytes() {
        let (mut pauses, samples) = (0, noise(3, 1 << 20));
        train(&samples, 16 << 10, &mut || pauses += 1);
        assert!(pauses >= samples.len() / PAUSE_BYTES * 2, "{pauses}");
    }

    proptest! {
        #[test]
        fn any_samples_do(
            samples in prop::collection::vec(0u8..4, 0..3000),
            times in 1usize..4,
            max in 0usize..2000,
        ) {
            let dictionary = made(&samples.repeat(times), max);
            prop_assert!(dictionary.len() <= max);
            prop_assert!(dictionary.first().is_none_or(|first| *first == 0));
        }
    }
}
