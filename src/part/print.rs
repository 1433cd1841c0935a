//! A keyed fingerprint of a payload that does not depend on how it was cut.
//!
//! The bytes are the coefficients of a polynomial, evaluated modulo 2^61 - 1 at a secret point
//! (Carter and Wegman's universal hashing): `H(ab) = H(a) * point^len(b) + H(b)`. So the print of
//! a grown payload costs only what is new. Two payloads of n bytes meet with a chance of n in
//! 2^61 for who does not know the key.

use crate::id::StoreKey;

const PRIME: u64 = (1 << 61) - 1;
/// Bytes of one step.
const STEP: usize = 16;

/// The print of some bytes, before the final mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Print {
    /// The polynomial's value, below 2^61 - 1.
    pub hash: u64,
    /// Number of bytes.
    pub len: u64,
}

/// The secret point, its powers, and the words of the final mix.
#[derive(Clone)]
pub struct PrintKey {
    /// point^0 .. point^16.
    powers: [u64; STEP + 1],
    /// point^(2^i).
    squares: [u64; 64],
    mix: [u64; 2],
}

impl std::fmt::Debug for PrintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrintKey(..)")
    }
}

impl PrintKey {
    /// The point and the mix of this store.
    pub fn new(key: &StoreKey) -> PrintKey {
        // Far from 0 and 1, whose powers say nothing.
        let point = reduce(u128::from(key.word(3))) % (PRIME - (1 << 33)) + (1 << 32);
        let mut powers = [1; STEP + 1];
        for i in 1..powers.len() {
            powers[i] = multiply(powers[i - 1], point);
        }
        let mut squares = [point; 64];
        for i in 1..squares.len() {
            squares[i] = multiply(squares[i - 1], squares[i - 1]);
        }
        PrintKey { powers, squares, mix: [key.word(1) | 1, key.word(2)] }
    }

    /// The print of these bytes; the empty print is `Print::default()`.
    pub fn print(&self, bytes: &[u8]) -> Print {
        let (steps, rest) = bytes.as_chunks::<STEP>();
        let mut hash = 0u64;
        for step in steps {
            // At most 2^122 + 16 * 2^69: no overflow.
            let mut sum = u128::from(hash) * u128::from(self.powers[STEP]);
            for (i, byte) in step.iter().enumerate() {
                sum += u128::from(*byte) * u128::from(self.powers[STEP - 1 - i]);
            }
            hash = reduce(sum);
        }
        for byte in rest {
            let sum = u128::from(hash) * u128::from(self.powers[1]) + u128::from(*byte);
            hash = reduce(sum);
        }
        Print { hash, len: bytes.len() as u64 }
    }

    /// The print of `a`'s bytes followed by `b`'s.
    pub fn join(&self, a: Print, b: Print) -> Print {
        let mut hash = a.hash;
        let mut left = b.len;
        while left != 0 {
            hash = multiply(hash, self.squares[left.trailing_zeros() as usize]);
            left &= left - 1;
        }
        let hash = reduce(u128::from(hash) + u128::from(b.hash));
        Print { hash, len: a.len.wrapping_add(b.len) }
    }

    /// 64 well-mixed bits of a print and its length.
    pub fn finish(&self, print: Print) -> u64 {
        let wide = u128::from(print.hash ^ self.mix[0]) * u128::from(self.mix[1] | 1 << 63);
        let x = (wide as u64) ^ (wide >> 64) as u64 ^ print.len.wrapping_mul(self.mix[0]);
        let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^ x >> 32
    }
}

/// A number below 2^125 modulo 2^61 - 1.
#[inline]
fn reduce(wide: u128) -> u64 {
    let low = wide as u64 & PRIME;
    let high = (wide >> 61) as u64;
    let sum = low + (high & PRIME) + (high >> 61);
    let once = if sum >= PRIME { sum - PRIME } else { sum };
    if once >= PRIME { once - PRIME } else { once }
}

#[inline]
fn multiply(a: u64, b: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b))
}
