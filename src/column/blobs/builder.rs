use super::{BLOCK, BLOCK_BYTES, HEADER, ROW_BYTES_MAX, block_crc};
use crate::codec::compress::{Compressor, pack};
use crate::codec::train::train;
use crate::codec::varint::put_u64;
use crate::column::raw::{count32, pad8};
use crate::sync::give_way;

/// Raw bytes that wait for a dictionary to be made of some of them.
const SAMPLE_BYTES: usize = 1 << 20;
/// A dictionary has one byte for so many of them.
const SAMPLE_BY_DICTIONARY: usize = 64;
/// Longest dictionary.
pub(super) const DICTIONARY_BYTES_MAX: usize = SAMPLE_BYTES / SAMPLE_BY_DICTIONARY;

/// Collects the rows of a [`Blobs`](super::Blobs) column. Memory: what is compressed, and a
/// megabyte.
#[derive(Debug)]
pub struct BlobsBuilder {
    level: i32,
    rows: usize,
    lengths: Vec<u8>,
    bytes: Vec<u8>,
    open_rows: usize,
    state: State,
    packed: Packed,
}

/// Whether there is a dictionary.
#[derive(Debug)]
enum State {
    /// The first blocks wait until that is known.
    Sampling(Sample),
    /// It is known, and in the compressor.
    Decided(Compressor),
}

/// The first blocks, which a dictionary may be trained from.
#[derive(Debug, Default)]
struct Sample {
    /// First row and raw bytes of each block.
    blocks: Vec<(u32, Vec<u8>)>,
    seen: usize,
}

/// Blocks as they are stored.
#[derive(Debug, Default)]
struct Packed {
    dictionary: Vec<u8>,
    directory: Vec<u8>,
    data: Vec<u8>,
}

impl Packed {
    fn block(&mut self, compressor: &mut Compressor, first_row: u32, raw: &[u8]) {
        let (entry, offset) = (self.directory.len(), self.data.len());
        let stored = pack(compressor, raw, &mut self.data);
        self.directory.extend_from_slice(&(offset as u64).to_le_bytes());
        for number in [count32(stored), count32(raw.len()), first_row] {
            self.directory.extend_from_slice(&number.to_le_bytes());
        }
        let crc = block_crc(&self.data[offset..], &self.directory[entry..]);
        self.directory.extend_from_slice(&crc.to_le_bytes());
        give_way();
    }

    fn len(&self) -> usize {
        self.dictionary.len() + self.data.len()
    }
}

impl Sample {
    /// The blocks as they are smaller, dictionary included, and the compressor that made them.
    fn decide(self, level: i32) -> (Packed, Compressor) {
        let made = |mut compressor: Compressor, dictionary| {
            let mut packed = Packed { dictionary, ..Packed::default() };
            for (first_row, raw) in &self.blocks {
                packed.block(&mut compressor, *first_row, raw);
            }
            (packed, compressor)
        };
        let compressor = |dictionary: &[u8]| Compressor::of_rows(level, dictionary);
        let without = compressor(&[]).unwrap_or_else(|_| Compressor::new(level));
        let without = made(without, Vec::new());
        let mut samples = Vec::new();
        for (_, raw) in &self.blocks {
            // A long row may be most of what waits.
            let room = SAMPLE_BYTES - samples.len();
            samples.extend_from_slice(&raw[..raw.len().min(room)]);
        }
        let max = DICTIONARY_BYTES_MAX.min(samples.len() / SAMPLE_BY_DICTIONARY);
        let dictionary = train(&samples, max, &mut give_way);
        match compressor(&dictionary) {
            Ok(compressor) if !dictionary.is_empty() => {
                let with = made(compressor, dictionary);
                if with.0.len() < without.0.len() { with } else { without }
            }
            _ => without,
        }
    }
}

impl BlobsBuilder {
    /// An empty column, to be compressed at this zstd level.
    pub fn new(level: i32) -> BlobsBuilder {
        BlobsBuilder {
            level,
            rows: 0,
            lengths: Vec::new(),
            bytes: Vec::new(),
            open_rows: 0,
            state: State::Sampling(Sample::default()),
            packed: Packed::default(),
        }
    }

    /// Appends a row of at most [`ROW_BYTES_MAX`] bytes.
    pub fn push(&mut self, row: &[u8]) {
        assert!(row.len() <= ROW_BYTES_MAX, "a row is longer than {ROW_BYTES_MAX} bytes");
        let open = self.lengths.len() + self.bytes.len();
        if open > 0 && open + row.len() > BLOCK_BYTES {
            self.end_block();
        }
        if let State::Sampling(sample) = &mut self.state {
            sample.seen += row.len();
        }
        put_u64(&mut self.lengths, u64::from(count32(row.len())));
        self.bytes.extend_from_slice(row);
        self.open_rows += 1;
        self.rows += 1;
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    fn end_block(&mut self) {
        if self.open_rows == 0 {
            return;
        }
        let first_row = count32(self.rows - self.open_rows);
        self.open_rows = 0;
        let mut raw = std::mem::take(&mut self.lengths);
        raw.append(&mut self.bytes);
        match &mut self.state {
            State::Decided(compressor) => {
                self.packed.block(compressor, first_row, &raw);
                raw.clear();
                self.lengths = raw;
            }
            State::Sampling(sample) => {
                sample.blocks.push((first_row, raw));
                if sample.seen >= SAMPLE_BYTES {
                    self.decide();
                }
            }
        }
    }

    fn decide(&mut self) {
        if let State::Sampling(sample) = &mut self.state {
            let sample = std::mem::take(sample);
            let (packed, compressor) = sample.decide(self.level);
            (self.packed, self.state) = (packed, State::Decided(compressor));
        }
    }

    /// The column's bytes.
    pub fn build(mut self) -> Vec<u8> {
        self.end_block();
        self.decide();
        let Packed { dictionary, directory, data } = self.packed;
        let mut out =
            Vec::with_capacity(HEADER + directory.len() + dictionary.len() + data.len() + 8);
        let dictionary_crc = crc32fast::hash(&dictionary);
        let numbers =
            [self.rows, directory.len() / BLOCK, dictionary.len()].map(count32).into_iter();
        for number in numbers.chain([dictionary_crc]) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&dictionary);
        out.extend_from_slice(&directory);
        out.extend_from_slice(&data);
        pad8(&mut out);
        out
    }
}
