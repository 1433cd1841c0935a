//! Which groups of a table were found sound: each is checked once, when a row of it is first
//! wanted.

use crate::column::Table;
use crate::error::Fault;
use crate::limits::ZONE_ROWS;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bit for each group of a table.
#[derive(Debug, Default)]
struct Bits(Box<[AtomicU64]>);

impl Bits {
    fn new(groups: usize, word: u64) -> Bits {
        Bits((0..groups.div_ceil(64)).map(|_| AtomicU64::new(word)).collect())
    }

    fn has(&self, group: usize) -> bool {
        let word = self.0.get(group / 64).map_or(0, |word| word.load(Ordering::Relaxed));
        word >> (group % 64) & 1 == 1
    }

    /// Whoever reads the bit reads bytes that do not change.
    fn set(&self, group: usize) {
        let word = self.0.get(group / 64);
        word.map(|word| word.fetch_or(1 << (group % 64), Ordering::Relaxed));
    }
}

/// What was found sound of each group of a table. Damage is not kept: it is found again each time.
#[derive(Debug, Default)]
pub(super) struct Groups {
    whole: Bits,
    /// The first column, which tells whether a row is the one that is looked for.
    identities: Bits,
}

impl Groups {
    /// Of a table of so many rows, none checked yet.
    pub fn unchecked(rows: u32) -> Groups {
        Groups::of(rows, 0)
    }

    /// Of a table that nothing unsound is left in.
    pub fn sound(rows: u32) -> Groups {
        Groups::of(rows, u64::MAX)
    }

    fn of(rows: u32, word: u64) -> Groups {
        let groups = (rows as usize).div_ceil(ZONE_ROWS);
        Groups { whole: Bits::new(groups, word), identities: Bits::new(groups, word) }
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
        let Some(first) = groups.find(|group| !self.whole.has(*group)) else { return Ok(()) };
        fetch(table.place(first * ZONE_ROWS..rows.end as usize));
        for group in first..end {
            if !self.whole.has(group) {
                table.check_group(group)?;
                self.whole.set(group);
                self.identities.set(group);
            }
        }
        Ok(())
    }

    /// Checks the first column of the group that holds this row of the table, unless it was found
    /// sound before; `fetch` is told first where in the table it stands. Cost: its bytes are read,
    /// once.
    ///
    /// # Errors
    /// A fault where it is damaged.
    pub fn check_identity(
        &self,
        table: Table<'_>,
        row: u32,
        fetch: impl FnOnce(Range<usize>),
    ) -> Result<(), Fault> {
        let group = row as usize / ZONE_ROWS;
        if !self.identities.has(group) {
            fetch(table.identities(group));
            table.check_zone(group, 0)?;
            self.identities.set(group);
        }
        Ok(())
    }

    /// Whether the group of a row was found sound.
    pub fn has(&self, row: u32) -> bool {
        self.whole.has(row as usize / ZONE_ROWS)
    }

    /// Whether the first column of the group of a row was.
    pub fn has_identity(&self, row: u32) -> bool {
        self.identities.has(row as usize / ZONE_ROWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Form, Identity};
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

    #[test]
    fn identities_are_checked_once_and_damage_each_time() {
        let mut rows = s::table(s::TRACES);
        let (ids, ints) = s::shape(s::TRACES).unwrap();
        for bits in 0..2 * ZONE_ROWS as u128 {
            let id = Identity { form: Form::Uuid, bits };
            rows.push(&vec![id; ids], &vec![Some(1); ints]);
        }
        let mut bytes = rows.build();
        let groups = Groups::unchecked(2 * ZONE_ROWS as u32);
        let told = |bytes: &[u8], row| {
            let mut told = None;
            let checked = groups.check_identity(Table::view(bytes), row, |at| told = Some(at));
            checked.map(|()| told)
        };
        let first = Table::view(&bytes).identities(0);
        assert_eq!(told(&bytes, 7).unwrap(), Some(first.clone()));
        assert!(groups.has_identity(8) && !groups.has(8));
        assert_eq!(told(&bytes, 8).unwrap(), None, "found sound before");
        let second = Table::view(&bytes).identities(1);
        bytes[second.end - 1] ^= 1;
        let row = ZONE_ROWS as u32;
        assert!(told(&bytes, row).is_err() && told(&bytes, row).is_err());
        assert!(!groups.has_identity(row));
    }
}
