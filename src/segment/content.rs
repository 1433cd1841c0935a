//! What the bytes of segments are spent on, by kind of content.

use super::columns as s;
use super::section::{Footer, SectionId};
use crate::column::Table;

/// Bytes of sealed segments by kind of content, and counts beside them. All kinds together are
/// the bytes of the skeleton and payload files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Content {
    /// Compressed blocks of parts.
    pub blocks: u64,
    /// Dictionaries for the blocks, one a segment at most.
    pub dictionaries: u64,
    /// Where blocks and parts begin and end.
    pub part_places: u64,
    /// Which parts make up each payload.
    pub lists: u64,
    /// Length and fingerprint of each different payload.
    pub prints: u64,
    /// Ids of traces, observations, scores and parents.
    pub ids: u64,
    /// Fixed-width columns: times, kinds, tokens, cost, references.
    pub columns: u64,
    /// What of each row has no column of its own.
    pub details: u64,
    /// Short texts, each once.
    pub texts: u64,
    /// Lookups by id, session and subject.
    pub lookups: u64,
    /// Rows of older segments that are superseded, and tombstones.
    pub superseded: u64,
    /// Headers, footers and padding.
    pub framing: u64,
    /// Different parts; a part that two segments hold counts twice.
    pub parts: u64,
    /// Bytes of the parts before compression.
    pub part_bytes: u64,
    /// Different payloads, counted as the parts are.
    pub payloads: u64,
    /// About how much memory rewriting all segments takes: one is bounded by
    /// [`rewrite_bytes_max`](crate::Options::rewrite_bytes_max).
    pub rewrite_bytes: u64,
}

impl Content {
    /// Adds a file's sections, and what is left of its length as framing.
    pub(crate) fn add_file(&mut self, file: &[u8], footer: &Footer) {
        let mut sections = 0;
        for section in &footer.sections {
            sections += section.len;
            let mut left = section.len;
            if let Some((ids, _)) = s::shape(section.id) {
                let table = Table::view(footer.section(file, section.id));
                // Texts of ids are named in the column after them.
                let of_ids = if ids > 0 && section.id != s::TOMBSTONES { 0..ids + 1 } else { 0..0 };
                let spent = of_ids.map(|column| table.spent(column)).sum::<u64>().min(left);
                self.ids += spent;
                left -= spent;
            }
            *self.of(section.id) += left;
        }
        self.framing += (file.len() as u64).saturating_sub(sections);
    }

    fn of(&mut self, section: SectionId) -> &mut u64 {
        match section {
            s::BLOCKS => &mut self.blocks,
            s::DICTIONARY => &mut self.dictionaries,
            s::BLOCK_DIRECTORY | s::PARTS => &mut self.part_places,
            s::LISTS => &mut self.lists,
            s::PAYLOADS => &mut self.prints,
            s::TRACE_DETAILS | s::OBS_DETAILS | s::SCORE_DETAILS => &mut self.details,
            s::TEXTS => &mut self.texts,
            s::LOOKUP_TRACE | s::LOOKUP_SCORE | s::LOOKUP_SUBJECT | s::LOOKUP_SESSION => {
                &mut self.lookups
            }
            s::SUPERSEDED | s::TOMBSTONES => &mut self.superseded,
            _ => &mut self.columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::TableBuilder;
    use crate::id::{Form, Identity};
    use crate::segment::section::SectionAt;

    #[test]
    fn every_section_is_one_kind_of_content_and_the_rest_is_framing() {
        let mut file = vec![0; 1_000];
        let sections =
            (0..).zip(s::ALL).map(|(at, id)| SectionAt { id: *id, crc: 0, offset: at * 8, len: 1 });
        let mut footer = Footer { facts: 0..0, sections: sections.collect(), crc: 0 };
        let mut content = Content::default();
        content.add_file(&file, &footer);
        let expected = Content {
            blocks: 1,
            dictionaries: 1,
            part_places: 2,
            lists: 1,
            prints: 1,
            details: 3,
            texts: 1,
            lookups: 4,
            superseded: 2,
            columns: 4,
            framing: 1_000 - s::ALL.len() as u64,
            ..Content::default()
        };
        assert_eq!(content, expected);

        let mut scores = TableBuilder::new(1, 2);
        let score = Identity { form: Form::Uuid, bits: 7 };
        (0..10).for_each(|_| scores.push(&[score], &[None, Some(3)]));
        let table = scores.build();
        file[..table.len()].copy_from_slice(&table);
        let len = table.len() as u64;
        footer.sections = vec![SectionAt { id: s::SCORES, crc: 0, offset: 0, len }];
        let mut content = Content::default();
        content.add_file(&file, &footer);
        assert_eq!((content.ids, content.columns), (32 + 160 + 32, len - 224));
    }
}
