//! Which groups of a table were found sound: each is checked once, when a row of it is first
//! wanted.

use crate::column::Table;
use crate::error::Fault;
use crate::limits::ZONE_ROWS;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bit for each group of a table. Damage is not kept: it is found again each time.
#[derive(Debug, Default)]
pub(super) struct Groups(Box<[AtomicU64]>);

impl Groups {
    /// Of a table of so many rows, none checked yet.
    pub fn unchecked(rows: u32) -> Groups {
        let groups = (rows as usize).div_ceil(ZONE_ROWS);
        Groups((0..groups.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Of a table that nothing unsound is left in.
    pub fn sound(rows: u32) -> Groups {
        let groups = Groups::unchecked(rows);
        groups.0.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        groups
    }

    /// Checks the groups that hold these rows, unless they were found sound before; `fetch` is told
    /// first where in the table those stand. Cost: their bytes are read, once.
    ///
    /// # Errors
    /// A fault where one of them is damaged.
    pub fn check(
        &self,
        table: Table<'_>,
        rows: Range<u32>,
        fetch: impl FnOnce(Range<usize>),
    ) -> Result<(), Fault> {
        if rows.is_empty() {
            return Ok(());
        }
        let end = (rows.end as usize).div_ceil(ZONE_ROWS);
        let mut groups = rows.start as usize / ZONE_ROWS..end;
        let Some(first) = groups.find(|group| !self.is_sound(*group)) else { return Ok(()) };
        fetch(table.place(first * ZONE_ROWS..rows.end as usize));
        for group in first..end {
            if !self.is_sound(group) {
                table.check_group(group)?;
                // Whoever reads the bit reads bytes that do not change.
                let word = self.0.get(group / 64);
                word.map(|word| word.fetch_or(1 << (group % 64), Ordering::Relaxed));
            }
        }
        Ok(())
    }

    fn is_sound(&self, group: usize) -> bool {
        let word = self.0.get(group / 64).map_or(0, |word| word.load(Ordering::Relaxed));
        word >> (group % 64) & 1 == 1
    }

    /// Whether the group of a row was found sound.
    pub fn has(&self, row: u32) -> bool {
        self.is_sound(row as usize / ZONE_ROWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::columns as s;

    #[test]
    fn what_is_checked_is_told_once() {
        let mut rows = s::table(s::PARTS);
        (0..3 * ZONE_ROWS as i64).for_each(|row| rows.push(&[], &[Some(row % 7)]));
        let bytes = rows.build();
        let (table, groups) = (Table::view(&bytes), Groups::unchecked(3 * ZONE_ROWS as u32));
        let told = |rows: Range<usize>| {
            let mut told = None;
            let rows = rows.start as u32..rows.end as u32;
            groups.check(table, rows, |at| told = Some(at)).unwrap();
            told
        };
        assert_eq!(told(5..5), None);
        assert_eq!(told(5..ZONE_ROWS), Some(table.group(0)));
        assert_eq!(told(0..9), None, "found sound before");
        let others = table.group(1).start..table.group(2).end;
        assert_eq!(told(0..2 * ZONE_ROWS + 1), Some(others));
        assert!(groups.has(3 * ZONE_ROWS as u32 - 1));
    }
}
