//! Rows of several columns, in groups: identities first, then integers.
//!
//! ```text
//! 0   u32  rows
//! 4   u16  identity columns   u16  integer columns
//! 8   u32  crc32 of the bytes before and of those from 16 on up to the groups
//! 12  u32  zero
//! 16  bytes that each column takes in all groups, u64 a column
//! ..  where each group starts, u64 a group; then where the last one ends
//! ..  groups of ZONE_ROWS rows, one after the other
//!       a zone of each column, 32 bytes: see `ids` and `ints`
//!       their data, in the order of the columns, each from a word of 8 bytes on
//! ..  16 zero bytes, so that a wide load never leaves the slice
//! ```
//!
//! The checksum of a zone covers its group's number and its column's, the 28 bytes before it and
//! its data. So each zone can be trusted by itself, and where one is damaged the others are not.

use super::raw::count32;
use super::{Ids, Ints, ids, ints};
use crate::codec::words::{u32_at, u64_at};
use crate::error::Fault;
use crate::id::Identity;
use crate::limits::ZONE_ROWS;
use crate::planted::{self, Bug};
use std::ops::Range;

const HEADER: usize = 16;
const GUARD: usize = 16;
/// Bytes of a zone in its group's directory.
pub(super) const ZONE: usize = 32;
const CRC: usize = 28;

/// A zone as it stands in its group's directory.
pub(super) type ZoneHead = [u8; ZONE];

/// The word of its group's data that a zone's begin at.
#[inline]
pub(super) fn first_word(head: &ZoneHead) -> u16 {
    u16::from_le_bytes([head[24], head[25]])
}

/// Collects the rows of a [`Table`]. Memory: what is packed, and one group.
#[derive(Debug)]
pub struct TableBuilder {
    ids: Vec<Vec<Identity>>,
    ints: Vec<Vec<Option<i64>>>,
    rows: usize,
    spent: Vec<u64>,
    /// Where each group starts in `groups`.
    starts: Vec<u64>,
    groups: Vec<u8>,
    words: Vec<u64>,
}

impl TableBuilder {
    /// An empty table of so many columns.
    pub fn new(ids: usize, ints: usize) -> TableBuilder {
        TableBuilder {
            ids: vec![Vec::new(); ids],
            ints: vec![Vec::new(); ints],
            rows: 0,
            spent: vec![0; ids + ints],
            starts: Vec::new(),
            groups: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Appends a row: a value of each column.
    pub fn push(&mut self, ids: &[Identity], ints: &[Option<i64>]) {
        debug_assert_eq!((ids.len(), ints.len()), (self.ids.len(), self.ints.len()));
        self.ids.iter_mut().zip(ids).for_each(|(column, value)| column.push(*value));
        self.ints.iter_mut().zip(ints).for_each(|(column, value)| column.push(*value));
        self.rows += 1;
        if self.rows.is_multiple_of(ZONE_ROWS) {
            self.end_group();
        }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    fn end_group(&mut self) {
        let (group, start) = (self.starts.len(), self.groups.len());
        let mut heads = Vec::with_capacity(self.spent.len());
        self.words.clear();
        for column in &mut self.ids {
            let first = self.words.len();
            heads.push((ids::pack(column, &mut self.words), first));
            column.clear();
        }
        for column in &mut self.ints {
            let first = self.words.len();
            heads.push((ints::Zone::pack(column, &mut self.words).head(), first));
            column.clear();
        }
        self.starts.push(start as u64);
        self.groups.resize(start + heads.len() * ZONE, 0);
        let data = self.groups.len();
        self.groups.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        for (column, (head, first)) in heads.iter().enumerate() {
            let end = heads.get(column + 1).map_or(self.words.len(), |(_, next)| *next);
            let crc = zone_crc(group, column, head, &self.groups[data + first * 8..data + end * 8]);
            let at = start + column * ZONE;
            self.groups[at..at + CRC].copy_from_slice(&head[..CRC]);
            self.groups[at + CRC..at + ZONE].copy_from_slice(&crc.to_le_bytes());
            self.spent[column] += (ZONE + (end - first) * 8) as u64;
        }
    }

    /// The table's bytes.
    pub fn build(mut self) -> Vec<u8> {
        if !self.rows.is_multiple_of(ZONE_ROWS) {
            self.end_group();
        }
        let shape = (self.ids.len(), self.ints.len());
        let mut out = directory(self.rows, shape, &self.spent, &self.starts, self.groups.len());
        out.reserve(self.groups.len() + GUARD);
        out.extend_from_slice(&self.groups);
        out.resize(out.len() + GUARD, 0);
        out
    }
}

/// Everything before the groups. `starts` and `len` count from the first of them.
fn directory(
    rows: usize,
    (ids, ints): (usize, usize),
    spent: &[u64],
    starts: &[u64],
    len: usize,
) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&count32(rows).to_le_bytes());
    out.extend_from_slice(&(ids as u16).to_le_bytes());
    out.extend_from_slice(&(ints as u16).to_le_bytes());
    out.resize(HEADER, 0);
    spent.iter().for_each(|bytes| out.extend_from_slice(&bytes.to_le_bytes()));
    let base = (out.len() + (starts.len() + 1) * 8) as u64;
    for start in starts.iter().copied().chain([len as u64]) {
        out.extend_from_slice(&(base + start).to_le_bytes());
    }
    let crc = directory_crc(&out);
    out[8..12].copy_from_slice(&crc.to_le_bytes());
    out
}

fn directory_crc(directory: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(directory.get(..8).unwrap_or_default());
    crc.update(directory.get(HEADER..).unwrap_or_default());
    crc.finalize()
}

/// Covers its place too, so that no zone is taken for another.
fn zone_crc(group: usize, column: usize, head: &ZoneHead, data: &[u8]) -> u32 {
    let place = (group as u64) << 16 | column as u64;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&place.to_le_bytes());
    crc.update(&head[..CRC]);
    crc.update(data);
    crc.finalize()
}

/// The words of its group's data that are a zone's, unless it has no form that a writer gives it.
fn data_words(head: &ZoneHead, of_ids: bool, rows: usize) -> Option<Range<usize>> {
    let first = usize::from(first_word(head));
    let words = match of_ids {
        true => ids::data_words(head, rows)?,
        false => ints::Zone::read(head).data_words(rows)?,
    };
    Some(first..first + words)
}

/// A table, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Table<'a> {
    rows: usize,
    ids: usize,
    columns: usize,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table in `bytes`, all of it checked, checksums included.
    ///
    /// # Errors
    /// A fault where it is not as it was written.
    pub fn parse(bytes: &'a [u8]) -> Result<Table<'a>, Fault> {
        let table = Table::open(bytes)?;
        (0..table.groups()).try_for_each(|group| table.check_group(group))?;
        Ok(table)
    }

    /// The table in `bytes`; of what is before the groups all is checked. Cost: O(groups).
    ///
    /// # Errors
    /// A fault where that is not as it was written.
    pub fn open(bytes: &'a [u8]) -> Result<Table<'a>, Fault> {
        let table = Table::split(bytes)
            .ok_or_else(|| Fault::new(0, "a table is shorter than its header"))?;
        let directory = bytes
            .get(..table.groups_at())
            .ok_or_else(|| Fault::new(0, "a table is shorter than its directory"))?;
        let (crc, said) = (directory_crc(directory), u32_at(bytes, 8));
        if said != Some(crc) || u32_at(bytes, 12) != Some(0) {
            return Err(Fault::new(0, format!("the directory of a table has checksum {crc:08x}")));
        }
        let mut before = table.groups_at();
        for group in 0..table.groups() {
            let at =
                table.start(group + 1).filter(|end| *end >= before.saturating_add(table.heads()));
            before = match at.filter(|_| table.start(group) == Some(before)) {
                Some(end) => end,
                None => {
                    return Err(Fault::new(0, format!("group {group} of a table is malformed")));
                }
            };
        }
        if table.start(table.groups()) != Some(before)
            || before.checked_add(GUARD) != Some(bytes.len())
        {
            let what = format!("a table of {} bytes does not end its groups", bytes.len());
            return Err(Fault::new(0, what));
        }
        Ok(table)
    }

    /// The table in bytes that were checked before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Table<'a> {
        Table::split(bytes).unwrap_or_default()
    }

    #[inline]
    fn split(bytes: &'a [u8]) -> Option<Table<'a>> {
        let head = u64_at(bytes, 0)?;
        let (ids, ints) = ((head >> 32 & 0xffff) as usize, (head >> 48) as usize);
        Some(Table { rows: head as u32 as usize, ids, columns: ids + ints, bytes })
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of groups.
    #[inline]
    pub fn groups(&self) -> usize {
        self.rows.div_ceil(ZONE_ROWS)
    }

    /// Number of identity columns, which come first, and of integer columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.ids, self.columns - self.ids)
    }

    /// Rows of a group.
    #[inline]
    pub fn group_rows(&self, group: usize) -> usize {
        ZONE_ROWS.min(self.rows.saturating_sub(group * ZONE_ROWS))
    }

    /// Bytes that a column takes in all groups.
    pub fn spent(&self, column: usize) -> u64 {
        u64_at(self.bytes, HEADER + column * 8).unwrap_or(0)
    }

    /// A column of identities.
    pub fn ids(self, column: usize) -> Ids<'a> {
        Ids::of(self, column)
    }

    /// A column of integers, counted from the first column of all.
    pub fn ints(self, column: usize) -> Ints<'a> {
        Ints::of(self, column)
    }

    /// Bytes of a group's zones, without their data.
    #[inline]
    fn heads(&self) -> usize {
        self.columns * ZONE
    }

    fn groups_at(&self) -> usize {
        Table::front_bytes(self.rows, self.shape())
    }

    /// Bytes before the groups of a table of so many rows, and of columns as in
    /// [`shape`](Self::shape).
    pub fn front_bytes(rows: usize, (ids, ints): (usize, usize)) -> usize {
        HEADER + (ids + ints + rows.div_ceil(ZONE_ROWS) + 1) * 8
    }

    /// Where a group starts, which is where the one before it ends.
    #[inline]
    fn start(&self, group: usize) -> Option<usize> {
        let at = u64_at(self.bytes, HEADER + (self.columns + group) * 8)?;
        usize::try_from(at).ok()
    }

    /// Where a zone stands in its group's directory.
    pub fn zone_at(&self, group: usize, column: usize) -> usize {
        self.start(group).unwrap_or(0).saturating_add(column * ZONE)
    }

    /// Where the bytes of a group stand.
    pub fn group(&self, group: usize) -> Range<usize> {
        let at = |group| self.start(group).unwrap_or(0);
        at(group)..at(group + 1)
    }

    /// Where the groups of these rows stand.
    pub fn place(&self, rows: Range<usize>) -> Range<usize> {
        let last = rows.end.saturating_sub(1).max(rows.start);
        self.group(rows.start / ZONE_ROWS).start..self.group(last / ZONE_ROWS).end
    }

    /// Where a group's zones stand, and the data of its first column, of identities.
    pub fn identities(&self, group: usize) -> Range<usize> {
        let bytes = self.heads() + ids::data_bytes_max(self.group_rows(group));
        let group = self.group(group);
        group.start..group.end.min(group.start.saturating_add(bytes))
    }

    /// A zone, and the data of its group.
    #[inline]
    pub(super) fn zone(&self, group: usize, column: usize) -> Option<(&'a ZoneHead, &'a [u8])> {
        if column >= self.columns {
            return None;
        }
        let bytes = self.bytes.get(self.start(group)?..)?;
        let head = bytes.get(column * ZONE..)?.first_chunk()?;
        Some((head, bytes.get(self.heads()..)?))
    }

    /// A zone, and the words of its group's data that are its own.
    fn zone_data(&self, group: usize, column: usize) -> Option<(&'a ZoneHead, Range<usize>)> {
        let (head, _) = self.zone(group, column)?;
        Some((head, data_words(head, column < self.ids, self.group_rows(group))?))
    }

    /// The checksum of a zone with these words of data.
    fn crc(&self, group: usize, column: usize, words: &Range<usize>) -> Option<u32> {
        let (head, data) = self.zone(group, column)?;
        Some(zone_crc(group, column, head, data.get(words.start * 8..words.end * 8)?))
    }

    /// Checks a zone: where the words of its data begin and end.
    fn zone_words(&self, group: usize, column: usize) -> Result<Range<usize>, Fault> {
        let at = self.zone_at(group, column);
        let malformed = || Fault::new(at, format!("zone {column} of group {group} is malformed"));
        let (head, words) = self.zone_data(group, column).ok_or_else(malformed)?;
        let crc = self.crc(group, column, &words).ok_or_else(malformed)?;
        if head[CRC..] != crc.to_le_bytes() && !planted::is(Bug::ZoneChecksumSkipped) {
            let what = format!("zone {column} of group {group} has checksum {crc:08x}");
            return Err(Fault::new(at, what));
        }
        Ok(words)
    }

    /// Checks one zone of a group. Cost: its bytes are read.
    ///
    /// # Errors
    /// A fault where it is not as it was written.
    pub fn check_zone(&self, group: usize, column: usize) -> Result<(), Fault> {
        self.zone_words(group, column).map(|_| ())
    }

    /// Checks a group: every zone, and that their data fill it. Cost: its bytes are read.
    ///
    /// # Errors
    /// A fault where it is not as it was written.
    pub fn check_group(&self, group: usize) -> Result<(), Fault> {
        let mut next = 0;
        for column in 0..self.columns {
            let words = self.zone_words(group, column)?;
            if words.start != next {
                let what = format!("the data of zone {column} of group {group} is out of place");
                return Err(Fault::new(self.group(group).start, what));
            }
            next = words.end;
        }
        if self.group(group).len() != self.heads() + next * 8 {
            let what = format!("the zones of group {group} do not fill it");
            return Err(Fault::new(self.group(group).start, what));
        }
        Ok(())
    }

    /// The table of so many columns and rows, or as many rows as it says, that these bytes were,
    /// where what is before the groups is damaged: groups are found one after the other. What
    /// cannot be found reads as damaged zones.
    pub fn find_groups(bytes: &[u8], rows: Option<usize>, shape: (usize, usize)) -> Vec<u8> {
        let columns = shape.0 + shape.1;
        // No group is shorter than its zones.
        let most = bytes.len() / (columns * ZONE).max(1) * ZONE_ROWS;
        let rows = rows.unwrap_or_else(|| Table::view(bytes).rows()).min(most);
        let mut starts = Vec::new();
        let at = HEADER + (columns + rows.div_ceil(ZONE_ROWS) + 1) * 8;
        let groups = bytes.get(at..bytes.len().saturating_sub(GUARD)).unwrap_or_default();
        let mut end = 0;
        for group in 0..rows.div_ceil(ZONE_ROWS) {
            starts.push(end as u64);
            let rows = ZONE_ROWS.min(rows - group * ZONE_ROWS);
            let head = (columns.checked_sub(1))
                .and_then(|last| groups.get(end + last * ZONE..)?.first_chunk::<ZONE>());
            let words = head.and_then(|head| data_words(head, shape.1 == 0, rows));
            let words = words.map_or(0, |words| words.end);
            end = (end + columns * ZONE + words * 8).min(groups.len());
        }
        let mut out = directory(rows, shape, &vec![0; columns], &starts, groups.len());
        out.extend_from_slice(groups);
        out.resize(out.len() + GUARD, 0);
        out
    }

    /// Gives a table the checksums that belong to what stands in it: for who tests what a checksum
    /// would keep away.
    pub fn seal(bytes: &mut [u8]) {
        let Some((rows, columns)) = Table::split(bytes).map(|t| (t.rows, t.columns)) else {
            return;
        };
        let most = bytes.len() / (columns * ZONE).max(1);
        for group in 0..rows.div_ceil(ZONE_ROWS).min(most) {
            for column in 0..columns {
                let table = Table::view(bytes);
                let words = table.zone_data(group, column).map(|(_, words)| words);
                let crc = words.and_then(|words| table.crc(group, column, &words));
                let at = table.zone_at(group, column).saturating_add(CRC);
                if let (Some(crc), Some(place)) = (crc, bytes.get_mut(at..at.saturating_add(4))) {
                    place.copy_from_slice(&crc.to_le_bytes());
                }
            }
        }
        let directory = Table::view(bytes).groups_at();
        if let Some(crc) = bytes.get(..directory).map(directory_crc) {
            bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        }
    }

    /// The same bytes without these zones, each a group and a column: identities are unknown in
    /// them, integers are null.
    pub fn without(bytes: &[u8], zones: &[(usize, usize)]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        let table = Table::view(bytes);
        for (group, column) in zones {
            let at = table.zone_at(*group, *column);
            let head = if *column < table.ids { ids::null() } else { ints::Zone::null() };
            if let Some(place) = out.get_mut(at..at.saturating_add(ZONE)) {
                place.copy_from_slice(&head);
            }
        }
        out
    }
}
