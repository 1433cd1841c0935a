//! Every bound of the engine, named, in one place. Bytes unless the name says otherwise.

/// Longest id, in characters.
pub const ID_CHARS_MAX: usize = 800;
/// Longest payload (input, output, metadata text, attributes text, correction text).
pub const PAYLOAD_BYTES_MAX: usize = 256 << 20;
/// Longest short string (name, model, status message, tag, map key, ...).
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most entries of one map (metadata, attributes, usage, cost) or tag list in one record.
pub const MAP_ENTRIES_MAX: usize = 4096;
/// Most records in one batch.
pub const BATCH_RECORDS_MAX: usize = 65_536;
/// Most short bytes (everything but payloads) in one batch.
pub const BATCH_SKELETON_BYTES_MAX: usize = 16 << 20;
/// Most payload bytes in one batch, before deduplication, unless it holds a single record.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// No seq and no file has a higher number: what says so was not written by a store.
pub const NUMBER_MAX: u64 = 1 << 62;

/// Longest part. Parts never cross a compressed piece, so this is at most [`PIECE_BYTES_MAX`].
pub const PART_BYTES_MAX: usize = 16 << 10; // format
/// Parts longer than this are cut by content.
pub const PART_WHOLE_BYTES_MAX: usize = 4 << 10;
/// Average part where content decides the cut.
pub const PART_CONTENT_BYTES: usize = 1 << 10;
/// Bytes up to this length stand literally in a part list.
pub const LITERAL_BYTES_MAX: usize = 32; // format
/// Raw bytes of a compressed piece of parts in a log frame.
pub const PIECE_BYTES_MAX: usize = 64 << 10; // format
/// Most raw bytes of a compressed block of parts in a payload file.
pub const BLOCK_BYTES_MAX: usize = 64 << 10; // format
/// Raw bytes after which such a block ends. A payload is read with all blocks that it has parts in:
/// with 64 KiB that takes nearly twice as long, and files are a twentieth smaller.
pub const BLOCK_BYTES: usize = 32 << 10;
/// Longest dictionary of a payload file.
pub const DICTIONARY_BYTES_MAX: usize = 112 << 10;
/// Bytes of parts that one is trained from, at most.
pub const DICTIONARY_SAMPLE_BYTES_MAX: usize = 8 << 20;
/// Rows of one zone of a column.
pub const ZONE_ROWS: usize = 1024; // format

/// Largest frame, header and padding included.
pub const FRAME_BYTES_MAX: usize = 64 << 20; // format
/// Raw part bytes of one frame; what is more travels in part frames ahead of the records.
pub const FRAME_PART_BYTES_MAX: usize = 4 << 20;
/// Frames start at multiples of this.
pub const FRAME_ALIGN: usize = 8; // format
/// A log ends at this size on disk.
pub const LOG_BYTES_MAX: u64 = 64 << 20;
/// No log is longer: it is read at once. One ends at half of this, whatever the options say, and
/// takes one batch more.
pub const LOG_READ_BYTES_MAX: u64 = 1 << 30;
/// A log ends after this many new raw part bytes.
pub const LOG_RAW_BYTES_MAX: u64 = 256 << 20;
/// A log ends after this many parts: their places are kept in memory.
pub const LOG_PARTS_MAX: u32 = 1 << 20;
/// New raw bytes that may wait for the writer thread.
pub const IN_FLIGHT_BYTES_MAX: usize = 64 << 20;
/// Segments that are asked directly, outside of every merged index.
pub const UNINDEXED_SEGMENTS_MAX: usize = 3;
/// Space kept aside, so that manifest edits go through on a full disk.
pub const BALLAST_BYTES: u64 = 64 << 10;
/// A manifest is started anew past this size.
pub const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// No manifest is longer: it is read at once. One is started anew past half of this, whatever the
/// options say.
pub const MANIFEST_READ_BYTES_MAX: u64 = 256 << 20;
/// Space is reserved for a log in steps of this many bytes.
pub const LOG_RESERVE_BYTES: u64 = 1 << 20;
/// Zeros are laid for a log in steps of this many bytes, where that makes syncs faster.
pub const LOG_LAID_BYTES: u64 = 128 << 10;
/// A longer frame lays none: it would use most of them up at once.
pub const LOG_LAID_FRAME_BYTES_MAX: usize = 64 << 10;
/// What sealing writes goes to the disk in steps of so many bytes: the syncs of appends wait for one.
pub const SEALING_UNSYNCED_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(PART_BYTES_MAX <= PIECE_BYTES_MAX && PART_BYTES_MAX <= BLOCK_BYTES_MAX);
const _: () = assert!(PART_BYTES_MAX <= BLOCK_BYTES && BLOCK_BYTES <= BLOCK_BYTES_MAX);
const _: () = assert!(PART_WHOLE_BYTES_MAX <= PART_BYTES_MAX);
const _: () =
    assert!(FRAME_PART_BYTES_MAX + PIECE_BYTES_MAX + BATCH_SKELETON_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(FRAME_ALIGN.is_power_of_two());
