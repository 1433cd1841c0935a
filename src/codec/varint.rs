//! Integers of seven bits a byte, the lowest first; the high bit says that more follow (LEB128).
//! For what is laid out by hand; structures have the codec's own integers.

use crate::error::Fault;

/// Appends 1 to 10 bytes.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes one integer from the front of `bytes`.
///
/// # Errors
/// The slice ends early, or the value needs more than 64 bits. `bytes` is then where it was.
#[inline]
pub fn take_u64(bytes: &mut &[u8]) -> Result<u64, Fault> {
    match bytes.split_first() {
        Some((first, rest)) if *first < 0x80 => {
            *bytes = rest;
            Ok(u64::from(*first))
        }
        _ => take(bytes, 64).map(|wide| wide as u64),
    }
}

/// Appends 1 to 10 bytes, few for what is near zero on either side.
#[inline]
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, zigzag(value));
}

/// Takes what [`put_i64`] appended.
///
/// # Errors
/// As [`take_u64`].
#[inline]
pub fn take_i64(bytes: &mut &[u8]) -> Result<i64, Fault> {
    take_u64(bytes).map(unzigzag)
}

/// Appends 1 to 19 bytes.
pub fn put_u128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes what [`put_u128`] appended.
///
/// # Errors
/// The slice ends early, or the value needs more than 128 bits. `bytes` is then where it was.
pub fn take_u128(bytes: &mut &[u8]) -> Result<u128, Fault> {
    take(bytes, 128)
}

/// 0, -1, 1, -2 as 0, 1, 2, 3.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// 0, 1, 2, 3 as 0, -1, 1, -2.
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn take(bytes: &mut &[u8], bits: u32) -> Result<u128, Fault> {
    let mut value = 0u128;
    let mut shift = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let low = u128::from(byte & 0x7f);
        if shift >= bits || low >> (bits - shift).min(7) != 0 {
            return Err(Fault::new(at, format!("an integer of more than {bits} bits")));
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Ok(value);
        }
        shift += 7;
    }
    Err(Fault::new(bytes.len(), "an integer ends early"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(a: u64, b: i64, c: u128, shift in 0u32..128) {
            let (a, b, c) = (a >> (shift % 64), b >> (shift % 64), c >> shift);
            let mut out = Vec::new();
            put_u64(&mut out, a);
            put_i64(&mut out, b);
            put_u128(&mut out, c);
            let mut rest = &out[..];
            prop_assert_eq!(take_u64(&mut rest).unwrap(), a);
            prop_assert_eq!(take_i64(&mut rest).unwrap(), b);
            prop_assert_eq!(take_u128(&mut rest).unwrap(), c);
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for value in [0, 127, 128, u64::MAX] {
            let mut out = Vec::new();
            put_u64(&mut out, value);
            assert_eq!(take_u64(&mut &out[..]), Ok(value));
            assert!(take_u64(&mut &out[..out.len() - 1]).is_err());
        }
        let nine = [0xff; 9];
        assert!(take_u64(&mut [&nine[..], &[2]].concat().as_slice()).is_err());
        assert_eq!(take_u64(&mut [&nine[..], &[1]].concat().as_slice()), Ok(u64::MAX));
        assert!(take_u128(&mut &[0xff; 32][..]).is_err());
        assert_eq!((zigzag(i64::MIN), unzigzag(u64::MAX)), (u64::MAX, i64::MIN));
    }
}
