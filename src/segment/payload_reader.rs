//! Reading a payload file: a payload's list, then the blocks it names, each decompressed once a
//! call.

use super::columns as s;
use super::groups::Groups;
use super::recent::Recent;
use super::section::{Footer, SectionId, check_sections, parse_footer};
use crate::codec::compress::{Decompressor, Dictionary, unpack, with_own_and};
use crate::column::{Blobs, Table};
use crate::error::{Error, Fault, Result};
use crate::frame::FILE_HEADER_BYTES;
use crate::fs::Mapped;
use crate::id::SegmentId;
use crate::limits::{BLOCK_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::model::Source;
use crate::part::{Block, BlockCache, Content, Item, Items, Separator, items};
use crate::planted::{self, Bug};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// An opened payload file over its map.
#[derive(Debug)]
pub struct PayloadFile<M> {
    path: PathBuf,
    segment: SegmentId,
    pub(super) map: M,
    footer: Footer,
    /// Which groups of PARTS were checked.
    parts: OnceLock<Groups>,
    /// What stands for PARTS where what is left of it is read.
    mended: Option<Vec<u8>>,
}

const ENTRY: usize = 24;

/// Sections whose blocks or groups carry checksums of their own, checked as they are read.
const LAZY: &[SectionId] = &[s::BLOCKS, s::PARTS, s::LISTS];

struct BlockAt {
    stored: Range<usize>,
    raw: usize,
    crc: u32,
    first_part: u32,
}

impl<M: Mapped> PayloadFile<M> {
    /// Checks the footer, the dictionary, the directory of blocks, the lengths of parts and the
    /// structure of part lists; these and the blocks have checksums of their own, checked as they
    /// are read.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn open(path: &Path, segment: SegmentId, map: M) -> Result<PayloadFile<M>> {
        let file = PayloadFile::open_unchecked(path, segment, map)?;
        file.check()?;
        file.check_all()?;
        Ok(file)
    }

    /// Checks the footer. Nothing else may be asked before [`check`](Self::check).
    ///
    /// # Errors
    /// `Corruption`.
    pub(super) fn open_unchecked(
        path: &Path,
        segment: SegmentId,
        map: M,
    ) -> Result<PayloadFile<M>> {
        let footer = parse_footer(&map, FILE_HEADER_BYTES).map_err(|f| f.in_file(path, 0))?;
        Ok(PayloadFile::of(path, segment, map, footer))
    }

    fn of(path: &Path, segment: SegmentId, map: M, footer: Footer) -> PayloadFile<M> {
        let (path, parts) = (path.to_path_buf(), OnceLock::new());
        PayloadFile { path, segment, map, footer, parts, mended: None }
    }

    /// Checks what every payload hangs on: dictionary, directory of blocks, and what stands before
    /// the lengths of parts and the part lists.
    ///
    /// # Errors
    /// `Corruption`.
    pub(super) fn check(&self) -> Result<()> {
        let fault = |f: Fault| f.in_file(&self.path, 0);
        check_sections(&self.map, &self.footer, |id| !LAZY.contains(&id)).map_err(fault)?;
        let section = |id| (self.footer.section(&self.map, id), self.footer.offset(id));
        let (parts, at) = section(s::PARTS);
        let table = Table::open(parts).map_err(|f| f.in_file(&self.path, at))?;
        if Some(table.shape()) != s::shape(s::PARTS) {
            return Err(Error::corruption_at(&self.path, at, "PARTS has other columns"));
        }
        let (lists, at) = section(s::LISTS);
        Blobs::open(lists).map(|_| ()).map_err(|f| f.in_file(&self.path, at))
    }

    /// Checks the lengths of all parts and the structure of all lists.
    ///
    /// # Errors
    /// `Corruption`.
    pub(super) fn check_all(&self) -> Result<()> {
        self.check_parts(0..self.parts())?;
        let lists = Blobs::parse(self.footer.section(&self.map, s::LISTS));
        lists.map(|_| ()).map_err(|f| f.in_file(&self.path, self.footer.offset(s::LISTS)))
    }

    /// Checks the lengths of these parts, unless they were checked before.
    fn check_parts(&self, parts: Range<usize>) -> Result<()> {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let groups = self.parts.get_or_init(|| Groups::unchecked(narrow(self.parts())));
        let parts = narrow(parts.start)..narrow(parts.end);
        let checked = groups.check(self.part_table(), parts, |at| _ = self.fetch(s::PARTS, at));
        checked.map_err(|f| f.in_file(&self.path, self.footer.offset(s::PARTS)))
    }

    pub(super) fn part_table(&self) -> Table<'_> {
        let section = self.mended.as_deref();
        Table::view(section.unwrap_or_else(|| self.footer.section(&self.map, s::PARTS)))
    }

    /// Opens a file that may be damaged, of so many parts where that is known, and tells what of it
    /// is, but for blocks, lengths of parts and lists, which tell for themselves. What is read of a
    /// damaged one has to be compared with its fingerprint.
    ///
    /// # Errors
    /// A fault where the footer is damaged.
    pub fn open_readable(
        path: &Path,
        segment: SegmentId,
        map: M,
        parts: Option<u32>,
    ) -> Result<(PayloadFile<M>, Option<Fault>), Fault> {
        let footer = parse_footer(&map, FILE_HEADER_BYTES)?;
        let damage = check_sections(&map, &footer, |id| !LAZY.contains(&id)).err();
        let mut file = PayloadFile::of(path, segment, map, footer);
        let written = file.footer.section(&file.map, s::PARTS);
        if let (Err(_), Some(shape)) = (Table::open(written), s::shape(s::PARTS)) {
            let rows = parts.and_then(|parts| usize::try_from(parts).ok());
            file.mended = Some(Table::find_groups(written, rows, shape));
        }
        Ok((file, damage))
    }

    /// The footer.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.footer.section(&self.map, s::BLOCK_DIRECTORY).len() / ENTRY
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.part_table().rows()
    }

    /// A block as it is stored.
    pub fn stored_block(&self, block: usize) -> Option<&[u8]> {
        self.map.get(self.block_at(block)?.stored)
    }

    /// Where a block stands in the file, and its first part.
    pub fn block_place(&self, block: usize) -> Option<(Range<usize>, u32)> {
        self.block_at(block).map(|at| (at.stored, at.first_part))
    }

    /// Number of payloads.
    pub fn payloads(&self) -> usize {
        self.lists().len()
    }

    pub(super) fn lists(&self) -> Blobs<'_> {
        Blobs::view(self.footer.section(&self.map, s::LISTS))
    }

    fn block_at(&self, block: usize) -> Option<BlockAt> {
        let directory = self.footer.section(&self.map, s::BLOCK_DIRECTORY);
        let entry: &[u8; ENTRY] = directory.get(block.checked_mul(ENTRY)?..)?.first_chunk()?;
        let word = |at: usize| {
            u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
        };
        let offset = u64::from(word(0)) | u64::from(word(4)) << 32;
        let start = usize::try_from(offset).ok()?;
        let stored = start..start.checked_add(word(8) as usize)?;
        Some(BlockAt { stored, raw: word(12) as usize, crc: word(16), first_part: word(20) })
    }

    pub(super) fn first_part(&self, block: usize) -> u32 {
        let directory = self.footer.section(&self.map, s::BLOCK_DIRECTORY);
        let at = block * ENTRY + 20;
        directory
            .get(at..at + 4)
            .and_then(|b| b.first_chunk::<4>())
            .map_or(u32::MAX, |b| u32::from_le_bytes(*b))
    }

    /// The block that a part lies in, if it is there.
    pub fn block_of(&self, part: u32) -> usize {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            if self.first_part(middle) <= part { low = middle + 1 } else { high = middle }
        }
        low.saturating_sub(1)
    }

    /// Decompresses a block, after its checksum.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn read_block(&self, number: usize, decompressor: &mut Decompressor<'_>) -> Result<Block> {
        let corrupt = |what: String| {
            let at = self.block_at(number).map_or(0, |at| at.stored.start as u64);
            Error::corruption_at(&self.path, at, format!("block {number}: {what}"))
        };
        let at = self.block_at(number).ok_or_else(|| corrupt("is not in the directory".into()))?;
        let stored = self
            .map
            .get(at.stored.clone())
            .ok_or_else(|| corrupt("lies outside the file".into()))?;
        let actual = crc32fast::hash(stored);
        if actual != at.crc && !planted::is(Bug::BlockChecksumSkipped) {
            return Err(corrupt(format!("checksum {actual:08x} does not match {:08x}", at.crc)));
        }
        if at.raw > BLOCK_BYTES_MAX {
            return Err(corrupt(format!("{} raw bytes are too many", at.raw)));
        }
        let mut bytes = Vec::new();
        unpack(decompressor, stored, at.raw, &mut bytes).map_err(|f| corrupt(f.what))?;
        let lens_column = self.part_table().ints(usize::from(s::PART_LEN.index));
        let next = if number + 1 < self.blocks() {
            self.first_part(number + 1) as usize
        } else {
            lens_column.len()
        };
        let parts = at.first_part as usize..next.min(lens_column.len()).max(at.first_part as usize);
        if parts.len() > BLOCK_BYTES_MAX {
            return Err(corrupt(format!("{} parts are too many", parts.len())));
        }
        self.check_parts(parts.clone())?;
        let mut ends = Vec::with_capacity(parts.len());
        let mut lens = Vec::new();
        lens_column.read_or(parts, 0, &mut lens);
        let mut end = 0u64;
        for len in lens {
            // A list of empty parts would be read for ever without a byte of payload.
            if len < 1 {
                return Err(corrupt(format!("a part of {len} bytes")));
            }
            end = end.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
            ends.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
        if end != bytes.len() as u64 {
            return Err(corrupt(format!("parts of {end} bytes fill {} bytes", bytes.len())));
        }
        Ok(Block::new(bytes, at.first_part, ends))
    }

    fn read_lists(&self, block: usize) -> Result<Block> {
        let mut bytes = Vec::new();
        let lists = self.lists().read_block(block, &mut bytes);
        let base = self.footer.offset(s::LISTS);
        let (first, ends) = lists.map_err(|f| f.in_file(&self.path, base))?;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Block::new(bytes, narrow(first), ends.into_iter().map(narrow).collect()))
    }

    /// The file's dictionary, made ready, if it has one. Cost: some ten microseconds. Memory: about
    /// its length.
    ///
    /// # Errors
    /// `Corruption` where the dictionary is none.
    pub fn dictionary(&self) -> Result<Option<Dictionary>> {
        let bytes = self.dictionary_bytes();
        if bytes.is_empty() {
            return Ok(None);
        }
        Dictionary::new(bytes).map(Some).map_err(|f| f.in_file(&self.path, 0))
    }

    /// The dictionary as it stands in the file: nothing where there is none.
    pub fn dictionary_bytes(&self) -> &[u8] {
        self.footer.section(&self.map, s::DICTIONARY)
    }
}

/// Reads payloads of one file, keeping what it decompressed for the next one.
#[derive(Debug)]
pub struct PayloadReader<'a, M> {
    pub(super) file: &'a PayloadFile<M>,
    cache: Option<&'a BlockCache>,
    /// Made ready when a block is first read.
    dictionary: Option<Option<Arc<Dictionary>>>,
    /// The last blocks of parts used.
    recent: Recent<64>,
    /// The last blocks of lists used. Payloads that many rows share, such as `{}`, have their
    /// list where it was first written: reading a trace goes to and fro.
    lists: Recent<16>,
}

/// The file's dictionary, that of the cache where there is one.
fn ready<M: Mapped>(
    file: &PayloadFile<M>,
    cache: Option<&BlockCache>,
) -> Result<Option<Arc<Dictionary>>> {
    let make = || file.dictionary();
    match cache {
        Some(cache) => cache.dictionary(Source::Segment(file.segment), make),
        None => Ok(make()?.map(Arc::new)),
    }
}

/// The block that the cache has under this key, or the one that `read` gives, which it keeps.
fn cached(
    cache: Option<&BlockCache>,
    key: (Source, Content, u32),
    read: impl FnOnce() -> Result<Block>,
) -> Result<Arc<Block>> {
    if let Some(block) = cache.and_then(|cache| cache.find(key)) {
        return Ok(block);
    }
    let block = Arc::new(read()?);
    if let Some(cache) = cache {
        cache.keep(key, &block);
    }
    Ok(block)
}

impl<'a, M: Mapped> PayloadReader<'a, M> {
    /// A reader over this file, with the store's cache where one is to be used.
    pub fn new(file: &'a PayloadFile<M>, cache: Option<&'a BlockCache>) -> Self {
        let (recent, lists) = (Recent::default(), Recent::default());
        PayloadReader { file, cache, dictionary: None, recent, lists }
    }

    /// The file.
    pub fn file(&self) -> &'a PayloadFile<M> {
        self.file
    }

    /// A block of parts; `ahead` is what is read from it on.
    fn block(&mut self, number: usize, ahead: &Items<'_>) -> Result<Arc<Block>> {
        let (file, cache, held) = (self.file, self.cache, &mut self.dictionary);
        self.recent.block(number, || {
            cached(cache, (Source::Segment(file.segment), Content::Parts, number as u32), || {
                let ready = match held {
                    Some(ready) => ready,
                    None => held.insert(ready(file, cache)?),
                };
                if file.fetch_block(number) {
                    file.fetch_parts(ahead.clone());
                }
                with_own_and(ready.as_deref(), |own| file.read_block(number, own))
            })
        })
    }

    fn lists(&mut self, number: usize) -> Result<Arc<Block>> {
        let (file, cache) = (self.file, self.cache);
        self.lists.block(number, || {
            cached(cache, (Source::Segment(file.segment), Content::Lists, number as u32), || {
                file.fetch_lists(number);
                file.read_lists(number)
            })
        })
    }

    /// The encoded part list of a payload; empty for a payload whose bytes have expired.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn part_list(&mut self, number: u64) -> Result<Vec<u8>> {
        let file = self.file;
        let missing =
            || Error::corruption_at(&file.path, 0, format!("there is no payload {number}"));
        let row = u32::try_from(number).map_err(|_| missing())?;
        let block = file.lists().block_of(row as usize).ok_or_else(missing)?;
        let lists = self.lists(block)?;
        Ok(lists.part(row).ok_or_else(missing)?.to_vec())
    }

    /// Hands out the bytes of one part.
    ///
    /// # Errors
    /// `Corruption`, or what `each` returns.
    pub fn part(&mut self, number: u32, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.run(number, 1, Separator::None, &items(&[], 0), each)
    }

    /// A block of parts, decompressed. Cost: nothing where it is one of the last 64.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn whole_block(&mut self, number: usize) -> Result<Arc<Block>> {
        self.block(number, &items(&[], 0))
    }

    fn run(
        &mut self,
        first: u32,
        count: u32,
        separator: Separator,
        ahead: &Items<'_>,
        each: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let end = first.checked_add(count).filter(|end| *end as usize <= self.file.parts());
        let end = end.ok_or_else(|| {
            let what = format!("{count} parts from {first} are past the last part");
            Error::corruption_at(&self.file.path, 0, what)
        })?;
        let mut part = first;
        while part < end {
            let block = self.block(self.file.block_of(part), ahead)?;
            let before = part;
            while part < end
                && let Some(bytes) = block.part(part)
            {
                // Who moves parts takes what it is handed for one.
                if separator != Separator::None {
                    each(separator.bytes())?;
                }
                each(bytes)?;
                part += 1;
            }
            if part == before {
                let what = format!("part {part} is in no block");
                return Err(Error::corruption_at(&self.file.path, 0, what));
            }
        }
        Ok(())
    }

    /// Appends a payload's bytes to `out`; `false` where they have expired. Cost: one block of
    /// lists and the blocks of parts that it names, each decompressed once for this reader.
    ///
    /// # Errors
    /// `Corruption`, also where the length is not `len`.
    pub fn read(&mut self, number: u64, len: u64, out: &mut Vec<u8>) -> Result<bool> {
        let list = self.part_list(number)?;
        if list.is_empty() && len > 0 {
            return Ok(false);
        }
        let start = out.len();
        let max = len.min(PAYLOAD_BYTES_MAX as u64) as usize;
        let file = self.file;
        let wrong = || {
            let what = format!("payload {number} is not {len} bytes long");
            Error::corruption_at(&file.path, 0, what)
        };
        out.reserve(max.min(1 << 20));
        let mut add = |bytes: &[u8]| {
            if out.len() - start + bytes.len() > max {
                return Err(wrong());
            }
            out.extend_from_slice(bytes);
            Ok(())
        };
        let mut rest = items(&list, file.parts() as u32);
        loop {
            let ahead = rest.clone();
            let Some(item) = rest.next() else { break };
            match item.map_err(|f| f.in_file(&file.path, 0))? {
                Item::Literal(bytes) => add(bytes)?,
                Item::Run { first, count, separator } => {
                    self.run(first, count, separator, &ahead, &mut add)?;
                }
            }
        }
        if (out.len() - start) as u64 == len { Ok(true) } else { Err(wrong()) }
    }
}
