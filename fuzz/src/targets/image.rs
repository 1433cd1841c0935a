//! Files taken apart, changed behind their checksums, and put together again as a writer would.

use super::edit;
use super::folder::MemoryFile;
use arbitrary::{Result, Unstructured};
use tracekeep::fs::File;
use tracekeep::id::{Form, Identity};
use tracekeep::internals::column::{Blobs, BlobsBuilder, Table, TableBuilder};
use tracekeep::internals::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameHeader, FrameWriter, scan,
};
use tracekeep::internals::segment::{Facts, SectionId, SectionWriter, columns as s, parse_footer};

/// Rows of a column that is built again.
const ROWS: usize = 64;

/// A file of sections: a skeleton file, a payload file, an index.
#[derive(Debug, Clone)]
pub struct Sections {
    header: Vec<u8>,
    sections: Vec<(SectionId, Vec<u8>)>,
    facts: Vec<u8>,
}

impl Sections {
    /// Takes a sound file apart.
    pub fn of(file: &[u8]) -> Sections {
        let footer = parse_footer(file, FILE_HEADER_BYTES).expect("a sound file");
        let sections = footer.sections.iter();
        Sections {
            header: file[..FILE_HEADER_BYTES].to_vec(),
            sections: sections.map(|at| (at.id, footer.section(file, at.id).to_vec())).collect(),
            facts: file[footer.facts.clone()].to_vec(),
        }
    }

    /// One change: of a section's bytes, of a row of a column, of the directory, of the facts.
    pub fn edit(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind: u8 = u.arbitrary()?;
        if self.sections.is_empty() {
            return Err(arbitrary::Error::EmptyChoose);
        }
        let at = usize::from(u.arbitrary::<u8>()?) % self.sections.len();
        let (id, bytes) = &mut self.sections[at];
        match kind % 9 {
            0 => {
                edit::bytes(u, bytes)?;
                if s::shape(*id).is_some() {
                    Table::seal(bytes);
                }
            }
            1..=3 => row(u, *id, bytes)?,
            4 => edit::bytes(u, &mut self.facts)?,
            5 => facts(u, &mut self.facts)?,
            6 => match u.arbitrary::<u8>()? % 4 {
                0 => _ = self.sections.remove(at),
                1 => self.sections.push(self.sections[at].clone()),
                2 => *id = SectionId(u.arbitrary()?),
                _ => {
                    let other = usize::from(u.arbitrary::<u8>()?) % self.sections.len();
                    let moved = self.sections[other].1.clone();
                    self.sections[at].1 = moved;
                }
            },
            7 => self.fit_facts(),
            _ => self.claim(u)?,
        }
        Ok(())
    }

    /// Lets a table have many rows, all of them the same, which take few bytes.
    fn claim(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (table, _) = *u.choose(s::TABLES)?;
        let (rows, value): (u16, i8) = u.arbitrary()?;
        self.claim_rows(table, u32::from(rows % 4096), i64::from(value));
        self.fit_facts();
        Ok(())
    }

    /// Lets a section stand twice.
    #[cfg(test)]
    pub fn repeat(&mut self, id: SectionId) {
        let again = self.sections.iter().find(|(found, _)| *found == id).cloned();
        self.sections.extend(again);
    }

    /// Lets a table have so many rows of one value.
    pub fn claim_rows(&mut self, id: SectionId, rows: u32, value: i64) {
        let Some((ids, ints)) = s::shape(id) else { return };
        for (_, bytes) in self.sections.iter_mut().filter(|(found, _)| *found == id) {
            let id = Identity { form: Form::Hex16, bits: u128::from(value.unsigned_abs()) };
            let mut table = TableBuilder::new(ids, ints);
            (0..rows).for_each(|_| table.push(&vec![id; ids], &vec![Some(value); ints]));
            *bytes = table.build();
        }
    }

    /// Lets a table claim so many rows, in the bytes that it has.
    #[cfg(test)]
    pub fn lie(&mut self, id: SectionId, rows: u32) {
        for (_, bytes) in self.sections.iter_mut().filter(|(found, _)| *found == id) {
            bytes[..4].copy_from_slice(&rows.to_le_bytes());
        }
    }

    /// Lets the facts say as many rows as the tables have.
    pub fn fit_facts(&mut self) {
        let Ok(mut facts) = Facts::decode(&self.facts) else { return };
        let rows = |id| {
            let table = self.section(id).and_then(|bytes| Table::parse(bytes).ok());
            table.and_then(|table| u32::try_from(table.rows()).ok())
        };
        facts.traces = rows(s::TRACES).unwrap_or(facts.traces);
        facts.observations = rows(s::OBSERVATIONS).unwrap_or(facts.observations);
        facts.scores = rows(s::SCORES).unwrap_or(facts.scores);
        facts.payloads = rows(s::PAYLOADS).unwrap_or(facts.payloads);
        facts.superseded = rows(s::SUPERSEDED).unwrap_or(facts.superseded);
        self.facts = facts.encode();
    }

    /// Lets the facts of a skeleton name the payload file that ends in this.
    pub fn fit_payload_file(&mut self, crc: u32) {
        if let Ok(mut facts) = Facts::decode(&self.facts) {
            facts.payload_file_crc = crc;
            self.facts = facts.encode();
        }
    }

    fn section(&self, id: SectionId) -> Option<&[u8]> {
        self.sections.iter().find(|(found, _)| *found == id).map(|(_, bytes)| bytes.as_slice())
    }

    /// The file, with the checksums that belong to it, and the one of its footer.
    pub fn build(&mut self) -> (Vec<u8>, u32) {
        let (file, _) = self.write();
        self.seal_blocks(&file);
        self.write()
    }

    fn write(&self) -> (Vec<u8>, u32) {
        let mut out = SectionWriter::new(MemoryFile::default(), &self.header).expect("memory");
        for (id, bytes) in &self.sections {
            out.section(*id, bytes).expect("memory");
        }
        let (file, len, crc) = out.finish(&self.facts).expect("memory");
        let mut bytes = vec![0; len as usize];
        assert_eq!(file.read_at(&mut bytes, 0).expect("memory"), bytes.len());
        (bytes, crc)
    }

    /// The directory of blocks has a checksum for each: of what stands there now.
    fn seal_blocks(&mut self, file: &[u8]) {
        let directory = self.sections.iter_mut().find(|(id, _)| *id == s::BLOCK_DIRECTORY);
        let Some((_, directory)) = directory else { return };
        for entry in directory.chunks_exact_mut(24) {
            let word = |at: usize| {
                u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
            };
            let (start, len) = (word(0) as usize, word(8) as usize);
            if let Some(stored) = file.get(start..start + len) {
                let crc = crc32fast::hash(stored);
                entry[16..20].copy_from_slice(&crc.to_le_bytes());
            }
        }
    }
}

/// Sections that hold rows of bytes.
const BLOBS: &[SectionId] = &[s::TRACE_DETAILS, s::OBS_DETAILS, s::SCORE_DETAILS, s::LISTS];

/// Sets one row of a column and builds the column anew, or lets it claim another length.
fn row(u: &mut Unstructured<'_>, id: SectionId, bytes: &mut Vec<u8>) -> Result<()> {
    let at = usize::from(u.arbitrary::<u8>()?);
    if at.is_multiple_of(16) {
        let rows: u32 = u.arbitrary()?;
        bytes.iter_mut().zip(rows.to_le_bytes()).for_each(|(byte, new)| *byte = new);
        return Ok(());
    }
    if BLOBS.contains(&id) {
        let Ok(blobs) = Blobs::parse(bytes) else { return edit::bytes(u, bytes) };
        let rows = blobs.len().min(ROWS);
        let mut rows: Vec<Vec<u8>> = (0..rows).filter_map(|row| blobs.get(row).ok()).collect();
        let at = at % rows.len().max(1);
        if let Some(row) = rows.get_mut(at) {
            edit::bytes(u, row)?;
        }
        let mut builder = BlobsBuilder::new(1);
        rows.iter().for_each(|row| builder.push(row));
        *bytes = builder.build();
    } else if s::shape(id).is_some() {
        let Ok(table) = Table::parse(bytes) else { return edit::bytes(u, bytes) };
        *bytes = changed(u, table, at)?;
    } else {
        edit::bytes(u, bytes)?;
    }
    Ok(())
}

/// The first rows of a table, with another value in one row of one column.
fn changed(u: &mut Unstructured<'_>, table: Table<'_>, at: usize) -> Result<Vec<u8>> {
    let (rows, (ids, ints)) = (table.rows().min(ROWS), table.shape());
    let (at, column) = (at % rows.max(1), u.choose_index((ids + ints).max(1))?);
    let mut builder = TableBuilder::new(ids, ints);
    for row in 0..rows {
        let of_ids = (0..ids).map(|column| table.ids(column).get(row)).collect::<Option<Vec<_>>>();
        let Some(mut of_ids) = of_ids else { continue };
        let mut of_ints: Vec<Option<i64>> =
            (ids..ids + ints).map(|column| table.ints(column).get(row)).collect();
        if row == at && column < ids {
            of_ids[column].bits ^= 1 << (u.arbitrary::<u8>()? % 64);
        } else if row == at
            && let Some(value) = of_ints.get_mut(column - ids)
        {
            *value = match u.arbitrary::<u8>()? % 4 {
                0 => None,
                1 => Some(i64::from(u.arbitrary::<i8>()?)),
                2 => value.map(|v| v.wrapping_add(1)),
                _ => Some(u.arbitrary()?),
            };
        }
        builder.push(&of_ids, &of_ints);
    }
    Ok(builder.build())
}

/// Sets one of the facts.
fn facts(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let Ok(mut facts) = Facts::decode(bytes) else { return Ok(()) };
    let (which, value): (u8, u32) = u.arbitrary()?;
    match which % 8 {
        0 => facts.traces = value,
        1 => facts.observations = value,
        2 => facts.scores = value,
        3 => facts.payloads = value,
        4 => facts.superseded = value,
        5 => facts.parts = value,
        6 => facts.first_seq.0 = u.arbitrary()?,
        _ => facts.last_seq.0 = u.arbitrary()?,
    }
    *bytes = facts.encode();
    Ok(())
}

/// A file of frames: a log, a manifest.
#[derive(Debug, Clone)]
pub struct Frames {
    header: FileHeader,
    frames: Vec<(FrameHeader, Vec<u8>)>,
}

impl Frames {
    /// Takes a sound file apart.
    pub fn of(file: &[u8], kind: FileKind) -> Frames {
        let header = FileHeader::parse(file, kind).expect("a sound file");
        let scan = scan(file, &header);
        let frames = scan.frames.iter().map(|f| (f.header, f.payload(file).to_vec())).collect();
        Frames { header, frames }
    }

    /// One change: of a payload, of a header, of the order.
    pub fn edit(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind: u8 = u.arbitrary()?;
        if self.frames.is_empty() {
            return Err(arbitrary::Error::EmptyChoose);
        }
        let at = usize::from(u.arbitrary::<u8>()?) % self.frames.len();
        let (header, payload) = &mut self.frames[at];
        match kind % 8 {
            0..=3 => edit::bytes(u, payload)?,
            4 => match u.arbitrary::<u8>()? % 4 {
                0 => header.seq.0 = u.arbitrary()?,
                1 => header.promise = u.arbitrary()?,
                2 => header.records = u.arbitrary()?,
                _ => header.codec = u.arbitrary()?,
            },
            5 => _ = self.frames.remove(at),
            6 => {
                let other = usize::from(u.arbitrary::<u8>()?) % self.frames.len();
                let moved = self.frames[other].clone();
                self.frames.insert(at, moved);
            }
            _ => match u.arbitrary::<u8>()? % 4 {
                0 => self.header.number = u.arbitrary()?,
                1 => self.header.previous.number = u.arbitrary()?,
                2 => self.header.previous.end = u.arbitrary()?,
                _ => self.header.previous.crc = u.arbitrary()?,
            },
        }
        Ok(())
    }

    /// The file, with the checksums that belong to it.
    pub fn build(&self) -> Vec<u8> {
        let mut file = self.header.encode().to_vec();
        let mut writer = FrameWriter::new(self.header.salt, file.len() as u64);
        for (h, payload) in &self.frames {
            let (seq, promise) = (h.seq.0, h.promise);
            writer.frame(h.kind, h.codec, seq, promise, h.records, h.raw, payload, &mut file);
        }
        file
    }
}
