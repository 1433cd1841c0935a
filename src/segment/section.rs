//! The frame of both segment files: header, sections, footer, tail.
//!
//! ```text
//! +-----------------+  0
//! | file header     |  128 bytes
//! +-----------------+
//! | section         |  8-byte aligned, zero padded
//! | ...             |
//! +-----------------+
//! | facts           |  codec (only in the skeleton file, else empty)
//! | directory       |  per section: id u16, zero u16, crc u32, offset u64, length u64
//! +-----------------+
//! | tail            |  24 bytes: facts length u32, section count u32, crc u32 of facts,
//! |                 |  directory and the eight bytes before it, zero u32, "TKEEPEND"
//! +-----------------+  end of file
//! ```
//!
//! The header's bytes are covered by its own checksum, padding by the section's: a section's
//! checksum covers its bytes and the padding up to the next multiple of eight.

use crate::error::Fault;
use crate::error::Result;
use crate::fs::File;
use crate::limits::SEALING_UNSYNCED_BYTES_MAX;
use crate::planted::{self, Bug};
use std::ops::Range;

/// Names a section of a segment file. The numbers stand on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(pub u16);

const TAIL_BYTES: usize = 24;
const ENTRY_BYTES: usize = 24;
const SECTIONS_MAX: usize = 256;
const END_MAGIC: &[u8; 8] = b"TKEEPEND";

/// One section's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionAt {
    /// Which.
    pub id: SectionId,
    /// Checksum of bytes and padding.
    pub crc: u32,
    /// Offset in the file.
    pub offset: u64,
    /// Length without padding.
    pub len: u64,
}

impl SectionAt {
    /// Its bytes in the file, without padding.
    pub fn bytes(&self) -> Range<usize> {
        self.offset as usize..(self.offset + self.len) as usize
    }
}

/// Writes sections one after the other, then the footer.
#[derive(Debug)]
pub struct SectionWriter<F: File> {
    file: F,
    offset: u64,
    directory: Vec<SectionAt>,
    /// Bytes written since the last sync.
    unsynced: usize,
    crc: crc32fast::Hasher,
    open: Option<(SectionId, u64)>,
}

impl<F: File> SectionWriter<F> {
    /// Starts a file with this header.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(file: F, header: &[u8]) -> Result<SectionWriter<F>> {
        file.write_at(header, 0)?;
        let crc = crc32fast::Hasher::new();
        Ok(SectionWriter {
            file,
            offset: header.len() as u64,
            directory: Vec::new(),
            crc,
            unsynced: 0,
            open: None,
        })
    }

    /// Bytes written so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Starts a section that is written in pieces with [`extend`](Self::extend).
    pub fn begin(&mut self, id: SectionId) {
        self.crc = crc32fast::Hasher::new();
        self.open = Some((id, self.offset));
    }

    /// Appends to the open section.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        for piece in bytes.chunks(SEALING_UNSYNCED_BYTES_MAX) {
            self.file.write_at(piece, self.offset)?;
            self.offset += piece.len() as u64;
            self.unsynced += piece.len();
            if self.unsynced >= SEALING_UNSYNCED_BYTES_MAX {
                // SYNC: nothing depends on it. A file that goes to the disk at once keeps it from
                // the appends that are to be acknowledged meanwhile.
                self.file.sync()?;
                self.unsynced = 0;
            }
        }
        Ok(())
    }

    /// Ends the open section.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn end(&mut self) -> Result<()> {
        let Some((id, offset)) = self.open.take() else { return Ok(()) };
        let len = self.offset - offset;
        let pad = (len.next_multiple_of(8) - len) as usize;
        self.extend(&[0u8; 8][..pad])?;
        let crc = self.crc.clone().finalize();
        self.directory.push(SectionAt { id, crc, offset, len });
        Ok(())
    }

    /// Writes a whole section.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn section(&mut self, id: SectionId, bytes: &[u8]) -> Result<()> {
        self.begin(id);
        self.extend(bytes)?;
        self.end()
    }

    /// Writes the footer and gives the file, its length and the footer's checksum. The end is not
    /// synced yet.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self, facts: &[u8]) -> Result<(F, u64, u32)> {
        let mut footer = facts.to_vec();
        for s in &self.directory {
            footer.extend_from_slice(&s.id.0.to_le_bytes());
            footer.extend_from_slice(&[0; 2]);
            footer.extend_from_slice(&s.crc.to_le_bytes());
            footer.extend_from_slice(&s.offset.to_le_bytes());
            footer.extend_from_slice(&s.len.to_le_bytes());
        }
        footer.extend_from_slice(&u32::try_from(facts.len()).unwrap_or(u32::MAX).to_le_bytes());
        footer.extend_from_slice(&(self.directory.len() as u32).to_le_bytes());
        let crc = crc32fast::hash(&footer);
        footer.extend_from_slice(&crc.to_le_bytes());
        footer.extend_from_slice(&[0; 4]);
        footer.extend_from_slice(END_MAGIC);
        self.file.write_at(&footer, self.offset)?;
        Ok((self.file, self.offset + footer.len() as u64, crc))
    }
}

/// The footer of a segment file.
#[derive(Debug, Clone)]
pub struct Footer {
    /// The facts' bytes in the file.
    pub facts: Range<usize>,
    /// The sections, as written.
    pub sections: Vec<SectionAt>,
    /// The footer's checksum, which names the file's content in the manifest.
    pub crc: u32,
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Fault> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or_else(|| Fault::new(at, "the footer ends early"))
}

/// Reads and checks the footer of a whole file.
///
/// # Errors
/// A fault where its checksum does not hold, or a section lies outside of the file.
pub fn parse_footer(file: &[u8], header_len: usize) -> Result<Footer, Fault> {
    let tail =
        file.len().checked_sub(TAIL_BYTES).filter(|tail| *tail >= header_len).ok_or_else(|| {
            Fault::new(0, format!("{} bytes are too few for a segment", file.len()))
        })?;
    if &file[tail + 16..] != END_MAGIC {
        return Err(Fault::new(tail + 16, "the end mark of a segment is missing"));
    }
    let facts_len = u32::from_le_bytes(word(file, tail)?) as usize;
    let count = u32::from_le_bytes(word(file, tail + 4)?) as usize;
    let crc = u32::from_le_bytes(word(file, tail + 8)?);
    if count > SECTIONS_MAX {
        return Err(Fault::new(tail + 4, format!("{count} sections are too many")));
    }
    let start = facts_len
        .checked_add(count * ENTRY_BYTES)
        .and_then(|len| tail.checked_sub(len))
        .filter(|start| *start >= header_len)
        .ok_or_else(|| Fault::new(tail, "the footer is longer than the file"))?;
    let actual = crc32fast::hash(&file[start..tail + 8]);
    if actual != crc || file[tail + 12..tail + 16] != [0; 4] {
        let what = format!("footer checksum {actual:08x} does not match {crc:08x}");
        return Err(Fault::new(start, what));
    }
    let mut sections = Vec::with_capacity(count);
    for i in 0..count {
        let at = start + facts_len + i * ENTRY_BYTES;
        let id = SectionId(u16::from_le_bytes(word(file, at)?));
        let crc = u32::from_le_bytes(word(file, at + 4)?);
        let offset = u64::from_le_bytes(word(file, at + 8)?);
        let len = u64::from_le_bytes(word(file, at + 16)?);
        let end = offset.checked_add(len).filter(|end| *end <= start as u64);
        if end.is_none() || offset % 8 != 0 || offset < header_len as u64 {
            return Err(Fault::new(at, format!("section {} lies outside the file", id.0)));
        }
        // Readers would disagree about which of two they mean.
        if sections.iter().any(|s: &SectionAt| s.id == id) {
            return Err(Fault::new(at, format!("section {} stands twice", id.0)));
        }
        sections.push(SectionAt { id, crc, offset, len });
    }
    Ok(Footer { facts: start..start + facts_len, sections, crc })
}

impl Footer {
    /// Where a section stands, if there is one.
    pub fn find(&self, id: SectionId) -> Option<&SectionAt> {
        self.sections.iter().find(|s| s.id == id)
    }

    /// Where a section begins, to tell a fault in it; the start of the file where there is none.
    pub fn offset(&self, id: SectionId) -> u64 {
        self.find(id).map_or(0, |at| at.offset)
    }

    /// A section's bytes in the file; empty where there is none.
    pub fn section<'a>(&self, file: &'a [u8], id: SectionId) -> &'a [u8] {
        self.find(id).and_then(|at| file.get(at.bytes())).unwrap_or_default()
    }

    /// Where in the file these bytes of a section stand; nothing of what is past its end.
    pub fn within(&self, id: SectionId, bytes: Range<usize>) -> Range<usize> {
        let section = self.find(id).map_or(0..0, SectionAt::bytes);
        let at = |byte| section.start.saturating_add(byte).min(section.end);
        at(bytes.start)..at(bytes.end)
    }

    /// Checks one section, padding included.
    ///
    /// # Errors
    /// A fault where its checksum does not hold.
    pub fn check(&self, file: &[u8], section: &SectionAt) -> Result<(), Fault> {
        let start = section.offset as usize;
        let end = (section.offset + section.len.next_multiple_of(8)) as usize;
        let bytes = file.get(start..end).ok_or_else(|| Fault::new(start, "section is cut"))?;
        let actual = crc32fast::hash(bytes);
        if actual != section.crc && !planted::is(Bug::SectionChecksumSkipped) {
            let what = format!(
                "section {}: checksum {actual:08x} does not match {:08x}",
                section.id.0, section.crc
            );
            return Err(Fault::new(start, what));
        }
        Ok(())
    }
}

/// Checks the sections that are wanted.
pub fn check_sections(
    file: &[u8],
    footer: &Footer,
    wanted: impl Fn(SectionId) -> bool,
) -> Result<(), Fault> {
    let mut sections = footer.sections.iter().filter(|section| wanted(section.id));
    sections.try_for_each(|section| footer.check(file, section))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: usize = 128;
    /// Id, offset, length.
    type Entry = (u16, u64, u64);

    /// A file of 64 bytes between header and footer, whose directory says this.
    fn file(facts: &[u8], entries: &[Entry], forge: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut file = vec![0; HEADER + 64];
        let start = file.len();
        file.extend_from_slice(facts);
        for (id, offset, len) in entries {
            file.extend_from_slice(&u64::from(*id).to_le_bytes());
            file.extend_from_slice(&offset.to_le_bytes());
            file.extend_from_slice(&len.to_le_bytes());
        }
        file.extend_from_slice(&(facts.len() as u32).to_le_bytes());
        file.extend_from_slice(&(entries.len() as u32).to_le_bytes());
        let crc = crc32fast::hash(&file[start..]);
        file.extend_from_slice(&crc.to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        file.extend_from_slice(END_MAGIC);
        forge(&mut file);
        file
    }

    fn parsed(entries: &[Entry]) -> Result<usize, u64> {
        let footer = parse_footer(&file(&[7; 3], entries, |_| {}), HEADER);
        footer.map(|footer| footer.sections.len()).map_err(|fault| fault.at)
    }

    #[test]
    fn a_section_lies_between_header_and_footer() {
        let (header, facts) = (HEADER as u64, (HEADER + 64) as u64);
        let entry = facts + 3;
        assert_eq!(parsed(&[(1, header, 64)]), Ok(1));
        assert_eq!(parsed(&[(1, facts, 0)]), Ok(1));
        assert_eq!(parsed(&[(1, header, 65)]), Err(entry));
        assert_eq!(parsed(&[(1, header + 4, 8)]), Err(entry));
        assert_eq!(parsed(&[(1, header - 8, 8)]), Err(entry));
        assert_eq!(parsed(&[(1, u64::MAX - 7, 8)]), Err(entry));
        assert_eq!(parsed(&[(1, header, 8), (2, header, 8)]), Ok(2));
        assert_eq!(parsed(&[(1, header, 8), (1, header, 8)]), Err(entry + 24));
    }

    #[test]
    fn a_footer_has_so_many_sections_at_most() {
        let entries = |count: u16| -> Vec<Entry> { (0..count).map(|id| (id, 128, 0)).collect() };
        assert_eq!(parsed(&entries(256)), Ok(256));
        let tail = (HEADER + 64 + 3 + 257 * ENTRY_BYTES) as u64;
        assert_eq!(parsed(&entries(257)), Err(tail + 4));
    }

    #[test]
    fn every_byte_of_the_tail_counts() {
        let (tail, end) = (HEADER + 64, HEADER + 64 + TAIL_BYTES);
        let refused = |forge: &dyn Fn(&mut Vec<u8>)| {
            parse_footer(&file(&[], &[], forge), HEADER).map(|_| ()).map_err(|fault| fault.at)
        };
        assert_eq!(refused(&|_| {}), Ok(()));
        for at in tail..end {
            let magic = at >= tail + 16;
            // A longer footer than there is room for, a checksum that does not hold, no end mark.
            let places = if magic { vec![tail + 16] } else { vec![tail, tail + 4] };
            let found = refused(&|file| file[at] ^= 0x80).unwrap_err() as usize;
            assert!(places.contains(&found), "byte {at}: {found}");
        }
        assert_eq!(refused(&|file| file.truncate(HEADER + TAIL_BYTES - 1)), Err(0));
        assert!(refused(&|file| drop(file.drain(HEADER..tail))).is_ok());
        assert_eq!(refused(&|file| drop(file.drain(HEADER - 1..tail))), Err(0));
    }
}
