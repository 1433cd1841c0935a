//! The sections of both files by number, and the columns of those that are tables. The numbers and
//! the order of columns stand on disk.

use super::section::SectionId;
use crate::column::TableBuilder;
use crate::model::Field;

/// What a value is read from: a column of a table, or a section that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId {
    /// The section.
    pub section: SectionId,
    /// Which of the table's columns; 0 where it is no table.
    pub index: u8,
}

impl SectionId {
    /// The section as what a value is read from.
    pub const fn whole(self) -> ColumnId {
        self.column(0)
    }

    const fn column(self, index: u8) -> ColumnId {
        ColumnId { section: self, index }
    }
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        $($(#[$doc])* pub const $name: SectionId = SectionId($code);)*

        /// Every section: of skeleton files below `DICTIONARY`, of payload files from there on.
        pub const ALL: &[SectionId] = &[$($name,)*];

        /// A section's name, for dump and verify.
        pub fn section_name(id: SectionId) -> &'static str {
            match id.0 { $($code => stringify!($name),)* _ => "?" }
        }
    };
}

macro_rules! columns {
    ($($table:ident: $ids:literal identities, $ints:literal integers {
        $($(#[$doc:meta])* $name:ident = $index:literal,)*
    })*) => {
        $($($(#[$doc])* pub const $name: ColumnId = $table.column($index);)*)*

        /// The sections that are tables, with their columns of identities and of integers.
        pub const TABLES: &[(SectionId, (usize, usize))] = &[$(($table, ($ids, $ints)),)*];

        /// A column's name, for dump, verify and repair.
        pub fn column_name(id: ColumnId) -> &'static str {
            $($(if id == $name { return stringify!($name); })*)*
            section_name(id.section)
        }
    };
}

/// How many columns of identities and of integers a section has, if it is a table.
pub fn shape(section: SectionId) -> Option<(usize, usize)> {
    TABLES.iter().find(|(id, _)| *id == section).map(|(_, shape)| *shape)
}

/// An empty table of the section's shape.
pub(super) fn table(section: SectionId) -> TableBuilder {
    let (ids, ints) = shape(section).unwrap_or_default();
    TableBuilder::new(ids, ints)
}

/// What values can be read from in a section: the columns of a table, or the section itself.
pub fn of_section(section: SectionId) -> impl Iterator<Item = ColumnId> {
    let columns = shape(section).map_or(1, |(ids, ints)| ids + ints);
    (0..columns as u8).map(move |index| section.column(index))
}

sections! {
    /// Table: traces, ascending by start.
    TRACES = 1,
    /// Table: observations, those of a trace beside one another.
    OBSERVATIONS = 2,
    /// Table: scores.
    SCORES = 3,
    /// Table: each different payload.
    PAYLOADS = 4,
    /// Table: parents that do not stand in the rows of their trace here.
    PARENTS = 5,
    /// Table: rows of older segments that are superseded.
    SUPERSEDED = 6,
    /// Table: tombstones.
    TOMBSTONES = 7,

    /// Texts.
    TEXTS = 16,
    /// Blobs: details of traces.
    TRACE_DETAILS = 17,
    /// Blobs: details of observations.
    OBS_DETAILS = 18,
    /// Blobs: details of scores.
    SCORE_DETAILS = 19,
    /// Lookup: traces by id.
    LOOKUP_TRACE = 20,
    /// Lookup: scores by id.
    LOOKUP_SCORE = 21,
    /// Lookup: scores by the trace, session or run they are about.
    LOOKUP_SUBJECT = 22,
    /// Lookup: traces by session.
    LOOKUP_SESSION = 23,

    /// A zstd dictionary, or nothing.
    DICTIONARY = 128,
    /// Blocks of parts, one after the other.
    BLOCKS = 129,
    /// Per block 24 bytes: offset u64, stored u32, raw u32, crc u32, first part u32.
    BLOCK_DIRECTORY = 130,
    /// Table: parts.
    PARTS = 131,
    /// Blobs: part list of each payload.
    LISTS = 132,
}

columns! {
    TRACES: 1 identities, 18 integers {
        /// Identity of each trace.
        TRACE_IDS = 0,
        /// Text code of a text-form id, else null.
        TRACE_ID_TEXTS = 1,
        /// First observation row.
        TRACE_FIRST = 2,
        /// Number of observation rows in this segment.
        TRACE_ROWS = 3,
        /// Start in nanoseconds; ascending.
        TRACE_START = 4,
        /// End minus start.
        TRACE_DURATION = 5,
        /// Live observations in all segments.
        TRACE_OBSERVATIONS = 6,
        /// Of these, open.
        TRACE_OPEN = 7,
        /// Of these, with level ERROR.
        TRACE_ERRORS = 8,
        /// Input tokens.
        TRACE_TOKENS_IN = 9,
        /// Output tokens.
        TRACE_TOKENS_OUT = 10,
        /// Total tokens.
        TRACE_TOKENS_TOTAL = 11,
        /// Cost in 1e-12.
        TRACE_COST = 12,
        /// Payload bytes, the trace's own and its observations'.
        TRACE_PAYLOAD_BYTES = 13,
        /// Text code or null.
        TRACE_NAME = 14,
        /// Text code or null.
        TRACE_USER = 15,
        /// Text code or null.
        TRACE_SESSION = 16,
        /// Text code or null.
        TRACE_ENVIRONMENT = 17,
        /// Text code of the tags, each followed by U+001F, or null. In a tag U+001E stands before
        /// U+001E, and before `s` for U+001F.
        TRACE_TAGS = 18,
    }
    OBSERVATIONS: 1 identities, 15 integers {
        /// Identity of each observation.
        OBS_IDS = 0,
        /// Text code of a text-form id, else null.
        OBS_ID_TEXTS = 1,
        /// Rows back to the parent, 0 where the parent stands in `PARENTS`, null for none.
        OBS_PARENT = 2,
        /// Start minus the trace's start.
        OBS_START = 3,
        /// End minus start, null while open.
        OBS_DURATION = 4,
        /// Completion start minus start, or null.
        OBS_COMPLETION = 5,
        /// Kind code or null.
        OBS_KIND = 6,
        /// Level code or null.
        OBS_LEVEL = 7,
        /// Text code or null.
        OBS_NAME = 8,
        /// Text code or null.
        OBS_MODEL = 9,
        /// Input tokens, null without usage.
        OBS_TOKENS_IN = 10,
        /// Output tokens.
        OBS_TOKENS_OUT = 11,
        /// Total tokens minus input and output.
        OBS_TOKENS_REST = 12,
        /// Cost in 1e-12, null without cost.
        OBS_COST = 13,
        /// Payload number or null.
        OBS_INPUT = 14,
        /// Payload number minus the input's (or minus the row number), or null.
        OBS_OUTPUT = 15,
    }
    SCORES: 1 identities, 2 integers {
        /// Identity of each score.
        SCORE_IDS = 0,
        /// Text code of a text-form id, else null.
        SCORE_ID_TEXTS = 1,
        /// Time in nanoseconds.
        SCORE_TIME = 2,
    }
    PAYLOADS: 0 identities, 2 integers {
        /// Length of each payload.
        PAYLOAD_LEN = 0,
        /// Fingerprint of each payload, its 64 bits as those of an `i64`.
        PAYLOAD_PRINT = 1,
    }
    PARENTS: 1 identities, 2 integers {
        /// The parents that stand elsewhere.
        PARENT_IDS = 0,
        /// Rows whose parents they are, ascending.
        PARENT_ROWS = 1,
        /// Text codes of their text-form ids.
        PARENT_ID_TEXTS = 2,
    }
    SUPERSEDED: 0 identities, 3 integers {
        /// Segment whose row is superseded.
        OLD_SEGMENT = 0,
        /// `row << 2 | row kind`.
        OLD_ROW = 1,
        /// The row that replaces it, null for none (a tombstone).
        OLD_SUCCESSOR = 2,
    }
    TOMBSTONES: 2 identities, 2 integers {
        /// What tombstones erase.
        TOMBSTONE_IDS = 0,
        /// The trace of an erased observation, else the id again.
        TOMBSTONE_TRACES = 1,
        /// Row kind.
        TOMBSTONE_KIND = 2,
        /// Seq.
        TOMBSTONE_SEQ = 3,
    }
    PARTS: 0 identities, 1 integers {
        /// Length of each part.
        PART_LEN = 0,
    }
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// An observation.
    Observation = 0,
    /// A trace.
    Trace = 1,
    /// A score.
    Score = 2,
}

impl RowKind {
    /// The kind with this code on disk.
    pub fn from_code(code: u8) -> Option<RowKind> {
        [RowKind::Observation, RowKind::Trace, RowKind::Score].get(usize::from(code)).copied()
    }

    /// The table that such rows stand in.
    pub(super) fn section(self) -> SectionId {
        match self {
            RowKind::Observation => OBSERVATIONS,
            RowKind::Trace => TRACES,
            RowKind::Score => SCORES,
        }
    }
}

/// The lookups of a skeleton file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKind {
    /// Traces by id.
    Trace,
    /// Scores by id.
    Score,
    /// Scores by subject.
    Subject,
    /// Traces by session.
    Session,
}

impl LookupKind {
    /// All of them.
    pub(super) const ALL: [LookupKind; 4] =
        [LookupKind::Trace, LookupKind::Score, LookupKind::Subject, LookupKind::Session];

    pub(super) fn section(self) -> SectionId {
        match self {
            LookupKind::Trace => LOOKUP_TRACE,
            LookupKind::Score => LOOKUP_SCORE,
            LookupKind::Subject => LOOKUP_SUBJECT,
            LookupKind::Session => LOOKUP_SESSION,
        }
    }
}

/// Fields of an observation whose values stand in columns.
pub(super) const OBSERVATION_FIELDS: &[Field] = &[
    Field::Kind,
    Field::Name,
    Field::Parent,
    Field::Start,
    Field::End,
    Field::CompletionStart,
    Field::Level,
    Field::Model,
    Field::Input,
    Field::Output,
];

/// Fields of a trace whose values stand in columns.
pub(super) const TRACE_FIELDS: &[Field] =
    &[Field::Name, Field::User, Field::Session, Field::Environment, Field::Tags];

/// Before what would be taken for something else in a joined list: `ESCAPE s` is the separator,
/// `ESCAPE ESCAPE` itself.
pub(super) const TAG_ESCAPE: char = '\u{1e}';
/// After each tag of a joined list.
pub(super) const TAG_SEPARATOR: char = '\u{1f}';
