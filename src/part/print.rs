//! A keyed fingerprint of a payload that does not depend on how it was cut.
//!
//! The bytes are read as one big number, most significant first, whose remainder by a secret
//! prime of 61 bits is the print (Karp and Rabin 1987). So `print(ab) = print(a) * 256^len(b) +
//! print(b)`: the print of a grown payload costs only what is new. The difference of two payloads
//! of n bytes has at most n / 7 such primes, of more than 2^54: that is the chance that they meet
//! for who does not know the key.
//!
//! Remainders are taken by Montgomery's reduction: `redc(x * (c * 2^64 mod p))` is `x * c mod p`.

use crate::id::StoreKey;

/// Words of one step.
const STEP: usize = 4;

/// The print of some bytes, before the final mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Print {
    /// The remainder.
    pub hash: u64,
    /// Number of bytes.
    pub len: u64,
}

/// The secret prime, powers of 256 modulo it, and the words of the final mix.
#[derive(Clone)]
pub struct PrintKey {
    prime: u64,
    /// `-1 / prime` modulo 2^64.
    inverse: u64,
    /// `2^(64 i)` for the words of a step, times 2^64.
    words: [u64; STEP + 1],
    /// `256^i` for what is shorter than a word, times 2^64.
    bytes: [u64; 9],
    /// `256^(2^i)`, times 2^64.
    squares: [u64; 64],
    mix: [u64; 2],
}

impl std::fmt::Debug for PrintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrintKey(..)")
    }
}

impl PrintKey {
    /// The prime and the mix of this store: some tens of microseconds.
    pub fn new(key: &StoreKey) -> PrintKey {
        let top = 1 << 60;
        let mut prime = key.word(3) & (top - 1) | top | 1;
        while !is_prime(prime) {
            prime += 2;
        }
        let times = |a: u64, b: u64| multiply(a, b, prime);
        let one = (u128::from(u64::MAX) % u128::from(prime)) as u64 + 1;
        let mut bytes = [one; 9];
        for i in 1..bytes.len() {
            bytes[i] = times(bytes[i - 1], 256);
        }
        let mut words = [one; STEP + 1];
        for i in 1..words.len() {
            words[i] = times(words[i - 1], one);
        }
        let mut power = 256;
        let squares = [(); 64].map(|()| {
            let square = times(power, one);
            power = times(power, power);
            square
        });
        // Newton's iteration doubles the right bits, from 3 to 96.
        let mut inverse = prime;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(prime.wrapping_mul(inverse)));
        }
        let mix = [key.word(1), key.word(2) | 1 << 63 | 1];
        PrintKey { prime, inverse: inverse.wrapping_neg(), words, bytes, squares, mix }
    }

    /// The print of these bytes; the empty print is `Print::default()`.
    pub fn print(&self, bytes: &[u8]) -> Print {
        let (steps, rest) = bytes.as_chunks::<{ STEP * 8 }>();
        let mut hash = 0u64;
        for step in steps {
            // Five products below 2^125.
            let mut sum = u128::from(hash) * u128::from(self.words[STEP]);
            for (i, word) in step.as_chunks::<8>().0.iter().enumerate() {
                let word = u64::from_le_bytes(*word).swap_bytes();
                sum += u128::from(word) * u128::from(self.words[STEP - 1 - i]);
            }
            hash = self.reduce(sum);
        }
        for short in rest.chunks(8) {
            let word = short.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            hash = self.reduce(
                u128::from(hash) * u128::from(self.bytes[short.len()])
                    + u128::from(word) * u128::from(self.bytes[0]),
            );
        }
        Print { hash: hash % self.prime, len: bytes.len() as u64 }
    }

    /// The print of `a`'s bytes followed by `b`'s.
    pub fn join(&self, a: Print, b: Print) -> Print {
        let mut hash = a.hash;
        let mut left = b.len;
        while left != 0 {
            let square = self.squares[left.trailing_zeros() as usize];
            hash = self.reduce(u128::from(hash) * u128::from(square));
            left &= left - 1;
        }
        let sum = u128::from(hash) + u128::from(b.hash);
        Print { hash: (sum % u128::from(self.prime)) as u64, len: a.len.wrapping_add(b.len) }
    }

    /// 64 well-mixed bits of a print and its length.
    pub fn finish(&self, print: Print) -> u64 {
        let wide = u128::from(print.hash ^ self.mix[0]) * u128::from(self.mix[1]);
        let x = (wide as u64) ^ (wide >> 64) as u64 ^ print.len.wrapping_mul(self.mix[1]);
        let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^ x >> 32
    }

    /// A number that leaves the remainder of `wide / 2^64`, below 2^64 though not below the
    /// prime. `wide` is at most five times 2^125, so that the sum does not overflow.
    #[inline]
    fn reduce(&self, wide: u128) -> u64 {
        let factor = (wide as u64).wrapping_mul(self.inverse);
        ((wide + u128::from(factor) * u128::from(self.prime)) >> 64) as u64
    }
}

fn multiply(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

/// Miller and Rabin's test for odd numbers above 37, exact below 2^64 with these twelve bases.
fn is_prime(n: u64) -> bool {
    // Most numbers have a small divisor, and a division is a hundred times faster than the test.
    if [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].iter().any(|small| n.is_multiple_of(*small)) {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, base, (n - 1) >> twos);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = multiply(power, square, n);
            }
            square = multiply(square, square, n);
            exponent >>= 1;
        }
        for _ in 1..twos {
            if power == 1 || power == n - 1 {
                break;
            }
            power = multiply(power, power, n);
            if power == 1 {
                return false;
            }
        }
        power == 1 || power == n - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_the_remainder_by_a_prime() {
        for seed in 0..20 {
            let key = PrintKey::new(&StoreKey([seed * 13; 32]));
            assert!(key.prime >> 60 == 1);
            let bytes: Vec<u8> = (0..200u32).map(|i| (i * 37 + u32::from(seed)) as u8).collect();
            for len in 0..bytes.len() {
                let expected = bytes[..len].iter().fold(0u128, |rest, byte| {
                    (rest * 256 + u128::from(*byte)) % u128::from(key.prime)
                });
                let found = key.print(&bytes[..len]);
                assert_eq!(found, Print { hash: expected as u64, len: len as u64 });
            }
        }
    }

    #[test]
    fn primes_are_told_from_others() {
        let small: Vec<u64> = (41..200).step_by(2).filter(|n| is_prime(*n)).collect();
        let sieve = (41..200).step_by(2).filter(|n| (2..15).all(|d| n % d != 0));
        assert_eq!(small, sieve.collect::<Vec<u64>>());
        assert!(is_prime((1 << 61) - 1) && !is_prime((1 << 59) - 1) && !is_prime(3_215_031_751));
    }
}
