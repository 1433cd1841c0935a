//! What a part is known by in memory: a keyed 128-bit hash of its bytes.
//!
//! The key is drawn once for each process and written nowhere, and so are the hashes: who sends
//! payloads, or reads the store's files, learns nothing that would help to make two parts meet.
//! So universality is enough, and it costs two multiplications for 16 bytes:
//!
//! ```text
//! sum    NH (Black, Halevi, Krawczyk, Krovetz and Rogaway 1999): over pairs of words of
//!        (a + key) * (b + key'), modulo 2^128; twice, the second time with the key moved on by
//!        one pair (Toeplitz): two different parts of one length meet with a chance of 2^-128
//! finish the four words of the sums and the length, each times a secret number, modulo the
//!        prime 2^127 - 1: what differs meets with a chance of 2^-126
//! ```
//!
//! With the 2^20 parts of a log that is less than 2^-86 for any two of them.

use crate::entropy::{Entropy, SystemEntropy};
use std::sync::OnceLock;

/// Longer parts, which only a foreign file can hold, are hashed by BLAKE3.
const NH_BYTES_MAX: usize = 4 << 10;
const NH_WORDS: usize = NH_BYTES_MAX / 8 + 2;
/// The prime 2^127 - 1.
const PRIME: u128 = u128::MAX >> 1;

/// Keys the hashes of parts.
pub struct PartKey {
    words: [u64; NH_WORDS],
    finish: [u128; 5],
    long: [u8; 32],
}

impl std::fmt::Debug for PartKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartKey(..)")
    }
}

impl PartKey {
    /// The key of this process.
    pub fn of_process() -> &'static PartKey {
        static KEY: OnceLock<PartKey> = OnceLock::new();
        KEY.get_or_init(|| {
            let mut seed = [0; 32];
            SystemEntropy.fill(&mut seed);
            PartKey::new(&seed)
        })
    }

    /// The key that grows from this seed.
    fn new(seed: &[u8; 32]) -> PartKey {
        let mut stream = blake3::Hasher::new_keyed(seed).finalize_xof();
        let mut word = || {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        };
        let words = [(); NH_WORDS].map(|()| word());
        let finish = [(); 5].map(|()| reduce(u128::from(word()) << 64 | u128::from(word())));
        let mut long = [0; 32];
        stream.fill(&mut long);
        PartKey { words, finish, long }
    }

    /// The hash of a part.
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        if bytes.len() > NH_BYTES_MAX {
            let hash = blake3::keyed_hash(&self.long, bytes);
            let first = hash.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
            // No finished hash has this bit.
            return u128::from_le_bytes(first) | !PRIME;
        }
        let (pairs, rest) = bytes.as_chunks::<16>();
        let mut sums = (0u128, 0u128);
        for (pair, key) in pairs.iter().zip(self.words.windows(4).step_by(2)) {
            add(&mut sums, pair, key);
        }
        if !rest.is_empty() {
            // Zeros may follow: the length tells.
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            add(&mut sums, &last, &self.words[pairs.len() * 2..pairs.len() * 2 + 4]);
        }
        let (a, b) = sums;
        let words = [a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64, bytes.len() as u64];
        let products = words.iter().zip(&self.finish).map(|(word, key)| times(*word, *key));
        products.fold(0, |sum, product| reduce(sum + product))
    }
}

#[inline]
fn add(sums: &mut (u128, u128), pair: &[u8; 16], key: &[u64]) {
    let both = u128::from_le_bytes(*pair);
    let (a, b) = (both as u64, (both >> 64) as u64);
    let product = |x: u64, y: u64| u128::from(a.wrapping_add(x)) * u128::from(b.wrapping_add(y));
    sums.0 = sums.0.wrapping_add(product(key[0], key[1]));
    sums.1 = sums.1.wrapping_add(product(key[2], key[3]));
}

/// The remainder by the prime.
fn reduce(x: u128) -> u128 {
    let folded = (x & PRIME) + (x >> 127);
    if folded >= PRIME { folded - PRIME } else { folded }
}

/// The product modulo the prime, which `key` is below.
fn times(word: u64, key: u128) -> u128 {
    let low = u128::from(word) * u128::from(key as u64);
    let high = u128::from(word) * (key >> 64);
    // Of `high`, whose place is 2^64, what passes bit 127 comes back at the bottom.
    let (over, within) = (high >> 63, high & u128::from(u64::MAX >> 1));
    reduce(reduce(low) + (within << 64) + over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Schoolbook: the product bit by bit.
    fn slow_times(word: u64, key: u128) -> u128 {
        (0..64).rev().fold(0, |sum, bit| {
            let doubled = reduce(sum + sum);
            if word >> bit & 1 == 1 { reduce(doubled + key) } else { doubled }
        })
    }

    #[test]
    fn products_are_those_of_the_field() {
        let words = [0, 1, 2, 1 << 63, u64::MAX, 0x9e37_79b9_7f4a_7c15];
        let keys = [0, 1, PRIME - 1, PRIME >> 1, 1 << 126, (1 << 64) - 1, PRIME / 3];
        for word in words {
            for key in keys {
                assert_eq!(times(word, key), slow_times(word, key), "{word:x} {key:x}");
            }
        }
    }

    #[test]
    fn the_hash_is_the_sum_of_its_definition() {
        let key = PartKey::new(&[3; 32]);
        let bytes: Vec<u8> = (0..NH_BYTES_MAX).map(|i| (i * 37) as u8).collect();
        for len in [0, 1, 15, 16, 17, 31, 700, NH_BYTES_MAX - 1, NH_BYTES_MAX] {
            let mut padded = bytes[..len].to_vec();
            padded.resize(len.next_multiple_of(16), 0);
            let words: Vec<u64> =
                padded.as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w)).collect();
            let sum = |shift: usize| {
                words.as_chunks::<2>().0.iter().enumerate().fold(0u128, |sum, (i, [a, b])| {
                    let at = 2 * i + shift;
                    let (a, b) = (a.wrapping_add(key.words[at]), b.wrapping_add(key.words[at + 1]));
                    sum.wrapping_add(u128::from(a) * u128::from(b))
                })
            };
            let (a, b) = (sum(0), sum(2));
            let five = [a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64, len as u64];
            let expected = five
                .iter()
                .zip(key.finish)
                .fold(0, |sum, (word, key)| reduce(sum + slow_times(*word, key)));
            assert_eq!(key.hash(&bytes[..len]), expected, "{len}");
        }
    }

    #[test]
    fn every_bit_the_length_and_the_key_matter() {
        let key = PartKey::new(&[1; 32]);
        let mut seen = HashSet::new();
        for len in [1, 8, 16, 33, 700, NH_BYTES_MAX, NH_BYTES_MAX + 1] {
            let mut bytes = vec![0u8; len];
            assert!(seen.insert(key.hash(&bytes)), "zeros, {len}");
            for bit in (0..len * 8).step_by(len.div_ceil(64)) {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(key.hash(&bytes)), "{len}, bit {bit}");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        assert_ne!(key.hash(b"part"), PartKey::new(&[2; 32]).hash(b"part"));
    }
}
