//! The sections of both files by number. The numbers stand on disk.

use super::section::SectionId;
use crate::model::Field;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        $($(#[$doc])* pub const $name: SectionId = SectionId($code);)*

        /// Every section: of skeleton files below `DICTIONARY`, of payload files from there on.
        pub const ALL: &[SectionId] = &[$($name,)*];

        /// A section's name, for dump and verify.
        pub fn column_name(id: SectionId) -> &'static str {
            match id.0 { $($code => stringify!($name),)* _ => "?" }
        }
    };
}

sections! {
    /// Ids: identity of each trace.
    TRACE_IDS = 1,
    /// Ints: text code of a text-form id, else null.
    TRACE_ID_TEXTS = 2,
    /// Ints: first observation row.
    TRACE_FIRST = 3,
    /// Ints: number of observation rows in this segment.
    TRACE_ROWS = 4,
    /// Ints: start in nanoseconds; ascending.
    TRACE_START = 5,
    /// Ints: end minus start.
    TRACE_DURATION = 6,
    /// Ints: live observations in all segments.
    TRACE_OBSERVATIONS = 7,
    /// Ints: of these, open.
    TRACE_OPEN = 8,
    /// Ints: of these, with level ERROR.
    TRACE_ERRORS = 9,
    /// Ints: input tokens.
    TRACE_TOKENS_IN = 10,
    /// Ints: output tokens.
    TRACE_TOKENS_OUT = 11,
    /// Ints: total tokens.
    TRACE_TOKENS_TOTAL = 12,
    /// Ints: cost in 1e-12.
    TRACE_COST = 13,
    /// Ints: payload bytes, the trace's own and its observations'.
    TRACE_PAYLOAD_BYTES = 14,
    /// Ints: text code or null.
    TRACE_NAME = 15,
    /// Ints: text code or null.
    TRACE_USER = 16,
    /// Ints: text code or null.
    TRACE_SESSION = 17,
    /// Ints: text code or null.
    TRACE_ENVIRONMENT = 18,
    /// Ints: text code of the tags, each followed by U+001F, or null. In a tag U+001E stands before
    /// U+001E, and before `s` for U+001F.
    TRACE_TAGS = 19,
    /// Blobs: details.
    TRACE_DETAILS = 20,

    /// Ids: identity of each observation.
    OBS_IDS = 32,
    /// Ints: text code of a text-form id, else null.
    OBS_ID_TEXTS = 33,
    /// Ints: rows back to the parent, 0 where the parent stands in `PARENT_*`, null for none.
    OBS_PARENT = 34,
    /// Ints: start minus the trace's start.
    OBS_START = 35,
    /// Ints: end minus start, null while open.
    OBS_DURATION = 36,
    /// Ints: completion start minus start, or null.
    OBS_COMPLETION = 37,
    /// Ints: kind code or null.
    OBS_KIND = 38,
    /// Ints: level code or null.
    OBS_LEVEL = 39,
    /// Ints: text code or null.
    OBS_NAME = 40,
    /// Ints: text code or null.
    OBS_MODEL = 41,
    /// Ints: input tokens, null without usage.
    OBS_TOKENS_IN = 42,
    /// Ints: output tokens.
    OBS_TOKENS_OUT = 43,
    /// Ints: total tokens minus input and output.
    OBS_TOKENS_REST = 44,
    /// Ints: cost in 1e-12, null without cost.
    OBS_COST = 45,
    /// Ints: payload number or null.
    OBS_INPUT = 46,
    /// Ints: payload number minus the input's (or minus the row number), or null.
    OBS_OUTPUT = 47,
    /// Blobs: details.
    OBS_DETAILS = 48,
    /// Ints: rows whose parent stands elsewhere, ascending.
    PARENT_ROWS = 49,
    /// Ids: those parents.
    PARENT_IDS = 50,
    /// Ints: text codes of their text-form ids.
    PARENT_ID_TEXTS = 51,

    /// Ids: identity of each score.
    SCORE_IDS = 64,
    /// Ints: text code of a text-form id, else null.
    SCORE_ID_TEXTS = 65,
    /// Ints: time in nanoseconds.
    SCORE_TIME = 66,
    /// Blobs: details.
    SCORE_DETAILS = 67,

    /// Texts.
    TEXTS = 80,
    /// Lookup: traces by id.
    LOOKUP_TRACE = 81,
    /// Lookup: scores by id.
    LOOKUP_SCORE = 82,
    /// Lookup: scores by the trace, session or run they are about.
    LOOKUP_SUBJECT = 83,
    /// Lookup: traces by session.
    LOOKUP_SESSION = 84,

    /// Ints: segment whose row is superseded.
    OLD_SEGMENT = 96,
    /// Ints: `row << 2 | row kind`.
    OLD_ROW = 97,
    /// Ints: the row that replaces it, null for none (a tombstone).
    OLD_SUCCESSOR = 98,
    /// Ids: what tombstones erase; `TOMBSTONE_KIND` and `TOMBSTONE_SEQ` beside.
    TOMBSTONE_IDS = 99,
    /// Ids: the trace of an erased observation, else the id again.
    TOMBSTONE_TRACES = 100,
    /// Ints: row kind.
    TOMBSTONE_KIND = 101,
    /// Ints: seq.
    TOMBSTONE_SEQ = 102,

    /// Ints: length of each payload.
    PAYLOAD_LEN = 112,
    /// 8 bytes each: fingerprint of each payload.
    PAYLOAD_PRINT = 113,

    /// A zstd dictionary, or nothing.
    DICTIONARY = 128,
    /// Blocks of parts, one after the other.
    BLOCKS = 129,
    /// Per block 24 bytes: offset u64, stored u32, raw u32, crc u32, first part u32.
    BLOCK_DIRECTORY = 130,
    /// Ints: length of each part.
    PART_LEN = 131,
    /// Blobs: part list of each payload.
    LISTS = 132,
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
