use crate::segment::RowKind;

/// Which rows of a segment are superseded by rows of newer segments.
#[derive(Debug, Clone, Default)]
pub struct DeadRows {
    bits: [Vec<u64>; 3],
    counts: [u64; 3],
}

impl DeadRows {
    /// Marks a row as dead.
    pub fn mark(&mut self, kind: RowKind, row: u32) {
        let bits = &mut self.bits[kind as usize];
        let word = (row / 64) as usize;
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        let bit = 1u64 << (row % 64);
        self.counts[kind as usize] += u64::from(bits[word] & bit == 0);
        bits[word] |= bit;
    }

    /// Whether a row is dead.
    pub fn contains(&self, kind: RowKind, row: u32) -> bool {
        let word = self.bits[kind as usize].get((row / 64) as usize);
        word.is_some_and(|word| word & 1 << (row % 64) != 0)
    }

    /// Number of dead rows.
    pub fn count(&self, kind: RowKind) -> u64 {
        self.counts[kind as usize]
    }

    /// Whether any of these rows is dead.
    pub fn any(&self, kind: RowKind, rows: std::ops::Range<u32>) -> bool {
        self.counts[kind as usize] > 0 && rows.into_iter().any(|row| self.contains(kind, row))
    }
}
