use super::LogTable;
use super::table::PartAt;
use crate::codec::compress::with_own;
use crate::error::{Error, Fault, Result, short_read};
use crate::fs::File;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::model::Source;
use crate::part::{Block, BlockCache, Content, Item, items};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Reads payloads of one log, keeping the pieces it decompressed for the next one.
#[derive(Debug)]
pub struct LogReader<'a, F: File> {
    table: &'a LogTable<F>,
    cache: Option<&'a BlockCache>,
    held: HashMap<u32, Arc<Block>>,
    order: VecDeque<u32>,
    pieces_max: usize,
    stored: Vec<u8>,
}

impl<'a, F: File> LogReader<'a, F> {
    /// A reader that keeps up to `pieces_max` pieces of 64 KiB.
    pub fn new(table: &'a LogTable<F>, pieces_max: usize) -> LogReader<'a, F> {
        LogReader {
            table,
            cache: None,
            held: HashMap::new(),
            order: VecDeque::new(),
            pieces_max,
            stored: Vec::new(),
        }
    }

    /// The reader, with the store's cache where one is to be used.
    #[must_use]
    pub fn cached(mut self, cache: Option<&'a BlockCache>) -> LogReader<'a, F> {
        self.cache = cache;
        self
    }

    fn piece(&mut self, number: u32) -> Result<Arc<Block>> {
        if let Some(piece) = self.held.get(&number) {
            return Ok(Arc::clone(piece));
        }
        let key = (Source::Log(self.table.id()), Content::Parts, number);
        let piece = match self.cache.and_then(|cache| cache.find(key)) {
            Some(piece) => piece,
            None => {
                let piece = Arc::new(Block::new(self.read_piece(number)?, 0, Vec::new()));
                if let Some(cache) = self.cache {
                    cache.keep(key, &piece);
                }
                piece
            }
        };
        if self.order.len() >= self.pieces_max.max(1)
            && let Some(oldest) = self.order.pop_front()
        {
            self.held.remove(&oldest);
        }
        self.held.insert(number, Arc::clone(&piece));
        self.order.push_back(number);
        Ok(piece)
    }

    fn read_piece(&mut self, number: u32) -> Result<Vec<u8>> {
        let at = self.table.inner.read().pieces.get(number as usize).copied();
        let at = at.ok_or_else(|| self.corrupt(0, "a piece is missing"))?;
        self.stored.resize(at.piece.stored_len as usize, 0);
        let n = self.table.file.read_at(&mut self.stored, at.offset)?;
        if n < self.stored.len() {
            let end = at.offset.saturating_add(u64::from(at.piece.stored_len));
            return Err(match self.table.file.len()? < end {
                true => self.corrupt(at.offset, "a piece is cut off"),
                false => short_read(&self.table.path, n),
            });
        }
        let mut raw = Vec::new();
        with_own(|decompressor| at.piece.read(&self.stored, decompressor, &mut raw))
            .map_err(|f| self.corrupt(at.offset, &f.what))?;
        Ok(raw)
    }

    fn corrupt(&self, offset: u64, what: &str) -> Error {
        Error::corruption_at(&self.table.path, offset, what)
    }

    /// Hands out the bytes of a payload in order. Cost: the pieces that hold them, each read
    /// once.
    ///
    /// # Errors
    /// `Corruption`, `Io`, or what `each` returns.
    pub fn parts(&mut self, number: u64, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let table = self.table;
        let list = self.list(number)?;
        for item in items(&list, table.parts()) {
            match item.map_err(|f: Fault| f.in_file(&table.path, 0))? {
                Item::Literal(bytes) => each(bytes)?,
                Item::Run { first, count, separator } => {
                    for part in first..first.saturating_add(count) {
                        each(separator.bytes())?;
                        self.part(part, each)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The encoded part list of a payload.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn list(&self, number: u64) -> Result<Vec<u8>> {
        let inner = self.table.inner.read();
        let list = LogTable::<F>::list(&inner, number).map(<[u8]>::to_vec);
        list.ok_or_else(|| self.corrupt(0, "a part list is missing"))
    }

    /// Hands out the bytes of one part.
    ///
    /// # Errors
    /// `Corruption`, `Io`, or what `each` returns.
    pub fn part(&mut self, number: u32, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let at = self.table.inner.read().part(number);
        let PartAt { piece, offset, len } =
            at.ok_or_else(|| self.corrupt(0, "a part is missing"))?;
        let piece = self.piece(piece)?;
        let start = offset as usize;
        let bytes = piece.bytes().get(start..start + len as usize);
        each(bytes.ok_or_else(|| self.corrupt(0, "a part lies outside its piece"))?)
    }

    /// Appends a payload's bytes to `out`.
    ///
    /// # Errors
    /// `Corruption`, also where the length is not `len`; `Io`.
    pub fn read(&mut self, number: u64, len: u64, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let max = len.min(PAYLOAD_BYTES_MAX as u64) as usize;
        let path = &self.table.path;
        let wrong = || {
            let what = format!("payload {number} is not {len} bytes long");
            Error::corruption_at(path, 0, what)
        };
        self.parts(number, &mut |bytes| {
            if out.len() - start + bytes.len() > max {
                return Err(wrong());
            }
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        if (out.len() - start) as u64 == len { Ok(()) } else { Err(wrong()) }
    }
}
