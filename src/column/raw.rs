//! Lengths, counts and the padding between sections.

/// A `u64` from disk as a length or offset; what no slice can be long is out of every range.
pub fn length(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Zero bytes up to the next multiple of 8.
pub fn pad8(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
}

/// A count that the format keeps in 32 bits.
///
/// # Panics
/// Where it does not fit: a segment ends long before that.
pub fn count32(count: usize) -> u32 {
    assert!(u32::try_from(count).is_ok(), "a column holds at most 2^32 - 1 rows");
    count as u32
}

/// The number at `*at`, which moves past it.
pub fn varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return u32::try_from(value).ok();
        }
    }
    None
}
