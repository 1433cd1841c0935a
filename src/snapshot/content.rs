//! What a snapshot's segments hold, counted and handed out as it is stored.

use super::Snapshot;
use crate::codec::compress::Decompressor;
use crate::error::Result;
use crate::fs::Fs;
use crate::segment::Content;

impl<F: Fs> Snapshot<F> {
    /// Bytes of the sealed segments by kind of content. Cost: the footers, and the first page of
    /// each table.
    ///
    /// # Errors
    /// `Expired`.
    pub fn content(&self) -> Result<Content> {
        let mut content = Content::default();
        for s in &self.view()?.segments {
            let (bytes, footer) = s.segment.skeleton();
            content.add_file(bytes, footer);
            if let Some(file) = s.segment.payload_file() {
                content.add_file(file.bytes(), file.footer());
            }
            let facts = s.segment.facts();
            content.parts += u64::from(facts.parts);
            content.part_bytes += facts.part_bytes;
            content.payloads += u64::from(facts.payloads);
            content.rewrite_bytes += facts.rewrite_bytes();
        }
        Ok(content)
    }

    /// Hands out every part of the sealed segments, in the order in which they are compressed
    /// together. Cost: all payload files are read and decompressed; memory: one block.
    ///
    /// # Errors
    /// `Expired`, `Corruption`, or what `each` returns.
    pub fn each_part(&self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        for s in &self.view()?.segments {
            let Some(file) = s.segment.payloads()? else { continue };
            let dictionary = file.dictionary()?;
            let mut decompressor = Decompressor::with_dictionary(dictionary.as_ref());
            for block in 0..file.blocks() {
                file.read_block(block, &mut decompressor)?.parts().try_for_each(&mut *each)?;
            }
        }
        Ok(())
    }
}
