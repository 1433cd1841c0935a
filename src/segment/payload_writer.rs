//! Writing a payload file: parts into blocks, each different part once but for a few of blocks that
//! are taken over; lists of parts.

use super::columns as s;
use super::section::SectionWriter;
use crate::codec::compress::{Compressor, pack};
use crate::column::{BlobsBuilder, TableBuilder};
use crate::error::{Error, Result};
use crate::fs::File;
use crate::limits::BLOCK_BYTES;
use crate::part::{Block, PartKey, PartTable};
use crate::sync::give_way;

/// At most so many of the bytes of a block that is taken over may be there already: one of these.
const TWICE_SHARE: usize = 16;

/// What is known of each payload of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadFacts {
    /// Length in bytes.
    pub len: u64,
    /// Fingerprint.
    pub print: u64,
}

/// A finished payload file, not yet synced.
#[derive(Debug)]
pub struct Finished<F> {
    /// The file.
    pub file: F,
    /// Its length.
    pub bytes: u64,
    /// The checksum of its footer.
    pub crc: u32,
    /// Its payloads.
    pub payloads: Vec<PayloadFacts>,
    /// Number of parts.
    pub parts: u32,
    /// Raw bytes of the parts.
    pub part_bytes: u64,
}

/// Writes a payload file. Memory: 20 to 40 bytes a part, 36 to 56 bytes a payload, one block.
#[derive(Debug)]
pub struct PayloadWriter<F: File> {
    sections: SectionWriter<F>,
    key: &'static PartKey,
    compressor: Compressor,
    table: PartTable,
    block: Vec<u8>,
    block_first: u32,
    stored: Vec<u8>,
    directory: Vec<u8>,
    lens: TableBuilder,
    part_bytes: u64,
    lists: BlobsBuilder,
    payloads: Vec<PayloadFacts>,
    /// Payloads by length, fingerprint and list.
    numbers: PartTable,
}

impl<F: File> PayloadWriter<F> {
    /// Starts a payload file with this header, blocks compressed at `level` with `dictionary`
    /// (none where it is empty).
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(file: F, header: &[u8], level: i32, dictionary: &[u8]) -> Result<Self> {
        let mut sections = SectionWriter::new(file, header)?;
        sections.section(s::DICTIONARY, dictionary)?;
        sections.begin(s::BLOCKS);
        let compressor =
            Compressor::of_parts(level, dictionary).map_err(|f| Error::invalid(f.what))?;
        Ok(PayloadWriter {
            sections,
            key: PartKey::of_process(),
            compressor,
            table: PartTable::new(),
            block: Vec::with_capacity(BLOCK_BYTES),
            block_first: 0,
            stored: Vec::new(),
            directory: Vec::new(),
            lens: s::table(s::PARTS),
            part_bytes: 0,
            lists: BlobsBuilder::new(level),
            payloads: Vec::new(),
            numbers: PartTable::new(),
        })
    }

    fn parts(&self) -> u32 {
        u32::try_from(self.lens.len()).unwrap_or(u32::MAX)
    }

    /// The number of this part, which is written unless it is there already.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn part(&mut self, bytes: &[u8]) -> Result<u32> {
        let hash = self.key.hash(bytes);
        if let Some(number) = self.table.find(hash) {
            return Ok(number);
        }
        if self.block.len() + bytes.len() > BLOCK_BYTES {
            self.flush_block()?;
        }
        let number = self.parts();
        self.table.insert(hash, number);
        self.block.extend_from_slice(bytes);
        self.lens.push(&[], &[Some(bytes.len() as i64)]);
        self.part_bytes += bytes.len() as u64;
        Ok(number)
    }

    fn flush_block(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.clear();
        pack(&mut self.compressor, &self.block, &mut stored);
        self.write_block(&stored, self.block.len())?;
        self.stored = stored;
        self.block.clear();
        Ok(())
    }

    /// Writes a block of all parts that have a number and are in no block yet.
    fn write_block(&mut self, stored: &[u8], raw: usize) -> Result<()> {
        self.directory.extend_from_slice(&self.sections.offset().to_le_bytes());
        self.directory.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        self.directory.extend_from_slice(&(raw as u32).to_le_bytes());
        self.directory.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
        self.directory.extend_from_slice(&self.block_first.to_le_bytes());
        self.sections.extend(stored)?;
        self.block_first = self.parts();
        give_way();
        Ok(())
    }

    /// Takes over a block as another file has it `stored`, without a dictionary: the number of its
    /// first part. A few of its parts may be there already, and are twice then. `None`, and nothing
    /// is written, where more of them are, or where a block that is begun would stay small.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn whole_block(&mut self, block: &Block, stored: &[u8]) -> Result<Option<u32>> {
        if (1..BLOCK_BYTES / 2).contains(&self.block.len()) {
            return Ok(None);
        }
        let parts = block.parts().map(|part| (self.key.hash(part), part.len()));
        let parts: Vec<(u128, usize)> = parts.collect();
        let there = parts.iter().filter(|(hash, _)| self.table.find(*hash).is_some());
        let bytes_there: usize = there.map(|(_, len)| len).sum();
        if bytes_there > block.bytes().len() / TWICE_SHARE {
            return Ok(None);
        }
        self.flush_block()?;
        let first = self.parts();
        for (hash, len) in parts {
            if self.table.find(hash).is_none() {
                self.table.insert(hash, self.parts());
            }
            self.lens.push(&[], &[Some(len as i64)]);
        }
        self.part_bytes += block.bytes().len() as u64;
        self.write_block(stored, block.bytes().len())?;
        Ok(Some(first))
    }

    /// The number of the payload with this length, fingerprint and encoded part list; payloads
    /// that are the same part for part share one.
    pub fn payload(&mut self, len: u64, print: u64, list: &[u8]) -> u32 {
        let facts = PayloadFacts { len, print };
        let all = self.key.hash(list) ^ (u128::from(print) << 64 | u128::from(len));
        if let Some(number) = self.numbers.find(all)
            && self.payloads.get(number as usize) == Some(&facts)
        {
            return number;
        }
        let number = u32::try_from(self.payloads.len()).unwrap_or(u32::MAX);
        self.numbers.insert(all, number);
        self.payloads.push(facts);
        self.lists.push(list);
        number
    }

    /// Writes what is left and the footer.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(mut self) -> Result<Finished<F>> {
        self.flush_block()?;
        let parts = self.parts();
        self.sections.end()?;
        self.sections.section(s::BLOCK_DIRECTORY, &self.directory)?;
        self.sections.section(s::PARTS, &self.lens.build())?;
        self.sections.section(s::LISTS, &self.lists.build())?;
        let (file, bytes, crc) = self.sections.finish(&[])?;
        Ok(Finished {
            file,
            bytes,
            crc,
            payloads: self.payloads,
            parts,
            part_bytes: self.part_bytes,
        })
    }
}
