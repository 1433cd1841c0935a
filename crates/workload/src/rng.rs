//! Random numbers that are the same on every machine and in every version.
//!
//! xoshiro256** by Blackman and Vigna, seeded by splitmix64 (both public domain,
//! <https://prng.di.unimi.it>). Not for secrets.

use tracekeep::id::Id;

/// A generator of pseudo-random numbers; a function of its seed alone.
#[derive(Debug, Clone)]
pub struct Rng([u64; 4]);

/// One step of splitmix64: a bijection of 64 bits that looks random. Distinct numbers stay
/// distinct, which makes ids from counters without a table.
pub const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The generator with this seed; every seed is a good one.
    pub fn new(seed: u64) -> Rng {
        let step = 0x9e37_79b9_7f4a_7c15u64;
        Rng([0, 1, 2, 3].map(|i: u64| mix(seed.wrapping_add(step.wrapping_mul(i)))))
    }

    /// The `n`-th of the independent generators of a seed: lets the `n`-th trace be made without
    /// the ones before it.
    pub fn stream(seed: u64, n: u64) -> Rng {
        Rng::new(mix(seed) ^ mix(n ^ 0x5851_f42d_4c95_7f2d))
    }

    /// Any 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Any 128 bits.
    pub fn next_u128(&mut self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }

    /// From 0 to `bound - 1`; 0 where `bound` is 0. The bias is below 1e-9 for the small bounds
    /// used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// From `low` to `high`, both included, each as likely.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// From `low` to `high`, both included, each order of magnitude about as likely: what sizes
    /// look like. Integers only, so that no mathematics library can change it.
    pub fn size(&mut self, low: u64, high: u64) -> u64 {
        let doublings = (high / low.max(1)).max(1).ilog2();
        let at = low.max(1) << self.below(u64::from(doublings) + 1);
        self.between(at, at.saturating_mul(2)).min(high)
    }

    /// Whether something that happens `per_mille` times in a thousand happens.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these, of which there must be one.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len() as u64) as usize]
    }

    /// A small number often, a large one seldom, below `2^octaves - 1`: the chance of `r` falls
    /// as 1 / r, as the frequency of words does (Zipf).
    pub fn zipf(&mut self, octaves: u64) -> usize {
        let bits = self.next_u64();
        let octave = ((bits >> 32) * octaves) >> 32;
        let floor = (1u64 << octave) - 1;
        (floor + (bits & floor)) as usize
    }

    /// An id of 16 hex digits.
    pub fn hex16(&mut self) -> Id {
        Id::hex16(self.next_u64())
    }

    /// An id of 32 hex digits.
    pub fn hex32(&mut self) -> Id {
        Id::hex32(self.next_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_change() {
        // Splitmix64 of 0, from the reference implementation.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        let mut rng = Rng::new(0);
        let first: Vec<u64> = (0..2).map(|_| rng.next_u64()).collect();
        // The first words of xoshiro256** so seeded, as rand_xoshiro's seed_from_u64(0) gives.
        assert_eq!(first, [0x99ec_5f36_cb75_f2b4, 0xbf6e_1f78_4956_452a]);
    }

    #[test]
    fn ranges_hold_and_are_reached() {
        let mut rng = Rng::new(7);
        let mut seen = [0u32; 4];
        for _ in 0..4000 {
            seen[rng.between(0, 3) as usize] += 1;
            assert!((200..=20_000).contains(&rng.size(200, 20_000)));
            assert!(rng.zipf(11) < 2047);
            assert_eq!(rng.size(9, 9), 9);
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn streams_differ() {
        let first = |seed, n| Rng::stream(seed, n).next_u64();
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 1), first(2, 2));
    }
}
