//! Telling ahead what is read of a segment. A cold read then waits for the device a few times,
//! each time for several places at once, instead of once for each place.
//!
//! ```text
//! first use    texts, parents, tombstones, and what stands before groups and blocks
//! a trace      its row
//!              its observations' rows, their details, and what stands before lists and parts
//!              its payloads' rows and lists of parts
//!              the parts that they name
//! ```
//!
//! What was told before takes nanoseconds to tell again, so nobody keeps track of it here.

use super::check::{BASE, IN_BLOCKS, IN_GROUPS, rows_said};
use super::columns::{self as s, LookupKind, RowKind};
use super::payload_reader::{PayloadFile, PayloadReader};
use super::reader::Segment;
use super::section::SectionId;
use crate::column::{Blobs, Table};
use crate::error::Result;
use crate::fs::{Dir, Mapped};
use crate::limits::ZONE_ROWS;
use crate::part::{Item, Items, items};
use std::ops::Range;

/// Of one trace, the payloads and the bytes of their parts that are fetched together at most, about.
/// Those of a larger one are as they are read: nobody wants all of them in memory at once.
const FETCHED_MAX: usize = 256;
const FETCHED_BYTES_MAX: usize = 16 << 20;

/// All of a section.
const WHOLE: Range<usize> = 0..usize::MAX;

fn table_front(id: SectionId, rows: u32) -> usize {
    Table::front_bytes(rows as usize, s::shape(id).unwrap_or_default())
}

impl<D: Dir> Segment<D> {
    /// These bytes of a section are read next: whether that is news.
    pub(super) fn fetch(&self, id: SectionId, bytes: Range<usize>) -> bool {
        self.map.will_read(self.footer.within(id, bytes))
    }

    /// What every row hangs on is read next.
    pub(super) fn fetch_base(&self) {
        for id in IN_GROUPS {
            self.fetch(id, 0..table_front(id, rows_said(&self.facts, id).unwrap_or(0)));
        }
        BASE.iter().for_each(|id| _ = self.fetch(*id, WHOLE));
        IN_BLOCKS.iter().for_each(|id| _ = self.fetch(*id, 0..Blobs::HEAD_BYTES));
    }

    /// A lookup is probed next.
    pub fn fetch_lookup(&self, kind: LookupKind) {
        if !self.checked.has(kind.section()) {
            self.fetch(kind.section(), WHOLE);
        }
    }

    /// A row is checked next, after others: what any row hangs on is read.
    pub fn fetch_for_rows(&self) {
        // Texts are checked with the rest of it.
        if !self.checked.has(s::TEXTS) {
            self.fetch_base();
        }
    }

    /// A row is compared by its identity next.
    pub fn fetch_identity(&self, kind: RowKind, row: u32) {
        if !self.checked.has_identity(kind.section(), row) {
            let table = Table::view(self.place(kind.section()));
            self.fetch(kind.section(), table.identities(row as usize / ZONE_ROWS));
        }
    }

    /// All observations of a trace's row, which was checked, are read next: whether that is news.
    pub fn fetch_trace(&self, trace: u32) -> bool {
        let rows = self.trace_rows(trace);
        let rows = rows.start as usize..rows.end as usize;
        let table = Table::view(self.place(s::OBSERVATIONS));
        let mut news = self.fetch(s::OBSERVATIONS, table.place(rows.clone()));
        let details = self.place(s::OBS_DETAILS);
        news |= self.fetch(s::OBS_DETAILS, 0..Blobs::front_bytes(details.len()));
        self.fetch(s::OBS_DETAILS, Blobs::view(details).place(rows)) || news
    }

    /// Some payloads are read next, whichever they are: whether that is news.
    pub fn fetch_payload_front(&self) -> bool {
        self.payload.as_ref().is_some_and(|file| file.fetch_front(self.facts.parts))
    }

    /// Inputs and outputs of a trace's row, which was checked, are read next: their numbers.
    ///
    /// # Errors
    /// `Corruption`, of the observations' rows.
    pub fn fetch_payloads(&self, trace: u32) -> Result<Vec<u64>> {
        let both = |row| {
            let (input, output) = self.payload_numbers(row);
            input.into_iter().chain(output)
        };
        let numbers: Vec<u64> =
            self.observations(trace)?.flat_map(both).take(FETCHED_MAX).collect();
        let table = Table::view(self.place(s::PAYLOADS));
        for number in numbers.iter().filter_map(|number| usize::try_from(*number).ok()) {
            let row = number..number.saturating_add(1);
            self.fetch(s::PAYLOADS, table.place(row.clone()));
            if let Some(file) = &self.payload {
                file.fetch(s::LISTS, file.lists().place(row));
            }
        }
        Ok(numbers)
    }
}

impl<M: Mapped> PayloadFile<M> {
    pub(super) fn fetch(&self, id: SectionId, bytes: Range<usize>) -> bool {
        self.map.will_read(self.footer().within(id, bytes))
    }

    /// What every payload hangs on is read next, in a file of so many parts.
    pub(super) fn fetch_front(&self, parts: u32) -> bool {
        let lists = self.footer().within(s::LISTS, WHOLE).len();
        let mut news = self.fetch(s::BLOCK_DIRECTORY, WHOLE);
        news |= self.fetch(s::PARTS, 0..table_front(s::PARTS, parts));
        news |= self.fetch(s::LISTS, 0..Blobs::front_bytes(lists));
        self.fetch(s::DICTIONARY, WHOLE) || news
    }

    /// A block of lists is read next.
    pub(super) fn fetch_lists(&self, block: usize) {
        let lists = self.lists();
        self.fetch(s::LISTS, lists.place(lists.block_rows(block)));
    }

    /// A block is read next: whether that is news.
    pub(super) fn fetch_block(&self, block: usize) -> bool {
        self.block_place(block).is_some_and(|(bytes, _)| self.map.will_read(bytes))
    }

    /// The parts that a list names are read next: about how many bytes of them are news.
    pub(super) fn fetch_parts(&self, list: Items<'_>) -> usize {
        let (mut told, mut bytes) = (0..0u32, 0);
        for item in list.flatten() {
            let Item::Run { first, count, .. } = item else { continue };
            let last = first.saturating_add(count - 1);
            if told.contains(&first) && told.contains(&last) {
                continue;
            }
            let blocks = self.block_of(first)..self.block_of(last) + 1;
            told = self.first_part(blocks.start)..self.first_part(blocks.end);
            let ends = [blocks.start, blocks.end - 1].map(|block| self.block_place(block));
            if let [Some((start, _)), Some((end, _))] = ends {
                let range = start.start..end.end;
                if self.map.will_read(range.clone()) {
                    bytes = range.len().saturating_add(bytes);
                }
            }
            let parts = told.start as usize..told.end as usize;
            self.fetch(s::PARTS, self.part_table().place(parts));
        }
        bytes
    }
}

impl<M: Mapped> PayloadReader<'_, M> {
    /// Has the parts of payloads fetched that are read soon, up to some bytes.
    pub fn fetch(&mut self, numbers: &[u64]) {
        let mut bytes = 0;
        for number in numbers {
            // What cannot be read says so when it is wanted.
            let Ok(list) = self.part_list(*number) else { continue };
            let parts = items(&list, self.file.parts() as u32);
            bytes = self.file.fetch_parts(parts).saturating_add(bytes);
            if bytes > FETCHED_BYTES_MAX {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, Previous};
    use crate::fs::{DirMode, FileName, Fs, RealFs};
    use crate::id::{SegmentId, StoreKey};
    use crate::part::{ListBuilder, Separator};
    use crate::segment::PayloadWriter;
    use std::cell::RefCell;
    use std::ops::Deref;

    /// Bytes that keep what was told of them.
    #[derive(Debug)]
    struct Told(Vec<u8>, RefCell<Vec<Range<usize>>>);

    impl Deref for Told {
        type Target = [u8];

        fn deref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Mapped for Told {
        fn will_read(&self, range: Range<usize>) -> bool {
            let news = !self.has(&range);
            self.1.borrow_mut().push(range);
            news
        }
    }

    impl Told {
        fn has(&self, range: &Range<usize>) -> bool {
            self.1.borrow().iter().any(|told| told.start <= range.start && range.end <= told.end)
        }
    }

    /// Blocks of one part each, of which the first is damaged; payload 0 is the first and the third
    /// of them, payload 1 the rest.
    fn file() -> PayloadFile<Told> {
        let temp = tempfile::tempdir().unwrap();
        let dir = RealFs.open_dir(temp.path(), DirMode::Existing).unwrap();
        let (id, key) = (SegmentId(1), StoreKey([0; 32]));
        let (kind, previous) = (FileKind::Payload, Previous::default());
        let header =
            FileHeader { kind, store: 1, key, salt: 0, number: 1, created_ns: 0, previous };
        let name = FileName::PayloadTemp(id);
        let mut writer =
            PayloadWriter::new(dir.create(name).unwrap(), &header.encode(), 1, b"").unwrap();
        for part in 0..4 {
            writer.part(&vec![part; 60 << 10]).unwrap();
        }
        for parts in [[0, 2], [1, 3]] {
            let mut list = ListBuilder::new();
            parts.iter().for_each(|part| list.push_part(Separator::None, *part));
            let mut bytes = Vec::new();
            list.encode(&mut bytes);
            writer.payload(120 << 10, 0, &bytes);
        }
        writer.finish().unwrap();
        let mut bytes = std::fs::read(temp.path().join(name.to_string())).unwrap();
        bytes[FILE_HEADER_BYTES] ^= 1;
        PayloadFile::open(temp.path(), id, Told(bytes, RefCell::default())).unwrap()
    }

    #[test]
    fn all_blocks_of_a_payload_are_told_before_the_first_is_read_and_no_others_are() {
        let file = file();
        let told = |block| file.map.has(&file.block_place(block).unwrap().0);
        assert_eq!([0, 1, 2, 3].map(told), [false; 4]);
        PayloadReader::new(&file, None).read(0, 120 << 10, &mut Vec::new()).unwrap_err();
        assert_eq!([0, 1, 2, 3].map(told), [true, false, true, false]);
        PayloadReader::new(&file, None).fetch(&[1]);
        assert_eq!([0, 1, 2, 3].map(told), [true; 4]);
    }
}
