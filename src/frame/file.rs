//! The header of every file of a store.
//!
//! ```text
//!   0  magic         8 bytes
//!   8  format        u16     version of the format
//!  10  oldest        u16     oldest format whose readers can read the file
//!  12  flags         u32     zero
//!  16  store         16 bytes  the store's id
//!  32  key           32 bytes  the store's key
//!  64  salt          u64     enters every frame's header checksum
//!  72  number        u64     the number in the file's name
//!  80  created       i64     nanoseconds since the epoch
//!  88  previous      u64     number of the log before, 0 for none
//!  96  its length    u64     where it ends
//! 104  its checksum  u32     header checksum of its last frame
//! 108  zero
//! 124  crc           u32     of the 124 bytes before
//! 128
//! ```

use crate::error::{Error, ErrorKind};
use crate::id::{Form, Identity, StoreKey};
use std::fmt;
use std::path::Path;

/// Bytes of a file's header.
pub const FILE_HEADER_BYTES: usize = 128;
/// The version that this code writes.
pub const FORMAT_VERSION: u16 = 3; // format
/// The oldest format whose readers can read what this code writes.
pub const FORMAT_OLDEST_READER: u16 = 3; // format
/// The oldest format that this code reads.
pub const FORMAT_OLDEST_READ: u16 = 3; // format

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A log.
    Log,
    /// A manifest.
    Manifest,
    /// A skeleton file.
    Skeleton,
    /// A payload file.
    Payload,
    /// A merged lookup index.
    Index,
}

impl FileKind {
    /// The first eight bytes of such a file.
    pub fn magic(self) -> &'static [u8; 8] {
        match self {
            FileKind::Log => b"TKEEPLOG",
            FileKind::Manifest => b"TKEEPMAN",
            FileKind::Skeleton => b"TKEEPSKL",
            FileKind::Payload => b"TKEEPPAY",
            FileKind::Index => b"TKEEPIDX",
        }
    }
}

/// The log before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Previous {
    /// Its number; 0 where there is none.
    pub number: u64,
    /// Where it ends.
    pub end: u64,
    /// Header checksum of its last frame.
    pub crc: u32,
}

/// The header of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHeader {
    /// What kind of file it is.
    pub kind: FileKind,
    /// The store's id.
    pub store: u128,
    /// The store's key.
    pub key: StoreKey,
    /// Enters every frame's header checksum.
    pub salt: u64,
    /// The number in the file's name.
    pub number: u64,
    /// When it was made, in nanoseconds since the epoch.
    pub created_ns: i64,
    /// The log before this one.
    pub previous: Previous,
}

/// Why bytes are no header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// Too few bytes, another magic, or a wrong checksum.
    Damaged(String),
    /// A format that needs a newer reader, and which one.
    Newer(u16),
    /// A format that is no longer read.
    Older(u16),
}

impl HeaderFault {
    /// The error, for this file.
    pub fn in_file(self, path: &Path) -> Error {
        match self {
            HeaderFault::Damaged(what) => Error::corruption_at(path, 0, what),
            HeaderFault::Newer(_) | HeaderFault::Older(_) => {
                Error::new(ErrorKind::UnsupportedFormat, format!("{}: {self}", path.display()))
            }
        }
    }
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderFault::Damaged(what) => f.write_str(what),
            HeaderFault::Newer(oldest) => write!(
                f,
                "needs a reader of format {oldest}, and this one reads up to {FORMAT_VERSION}; \
                 upgrade tracekeep"
            ),
            HeaderFault::Older(version) => write!(
                f,
                "is of format {version}, and this one reads formats from {FORMAT_OLDEST_READ} on; \
                 export the store with the tracekeep that wrote it, and import that into a new one"
            ),
        }
    }
}

impl FileHeader {
    /// The header with the salt of its kind, number and time. The salt enters every frame's
    /// checksum, so that no file's frames are taken for another's, whatever old blocks the file
    /// system hands out.
    #[must_use]
    pub fn salted(self) -> FileHeader {
        let file = self.number ^ u64::from_le_bytes(*self.kind.magic());
        let bits = u128::from(file) << 64 | u128::from(self.created_ns as u64);
        let salt = self.key.lookup_hash(Identity { form: Form::Text, bits });
        FileHeader { salt, ..self }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut b = [0u8; FILE_HEADER_BYTES];
        b[0..8].copy_from_slice(self.kind.magic());
        b[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        b[10..12].copy_from_slice(&FORMAT_OLDEST_READER.to_le_bytes());
        b[16..32].copy_from_slice(&self.store.to_le_bytes());
        b[32..64].copy_from_slice(&self.key.0);
        b[64..72].copy_from_slice(&self.salt.to_le_bytes());
        b[72..80].copy_from_slice(&self.number.to_le_bytes());
        b[80..88].copy_from_slice(&self.created_ns.to_le_bytes());
        b[88..96].copy_from_slice(&self.previous.number.to_le_bytes());
        b[96..104].copy_from_slice(&self.previous.end.to_le_bytes());
        b[104..108].copy_from_slice(&self.previous.crc.to_le_bytes());
        let crc = crc32fast::hash(&b[..124]);
        b[124..128].copy_from_slice(&crc.to_le_bytes());
        b
    }

    /// Reads the header at the start of a file of this kind.
    ///
    /// # Errors
    /// [`HeaderFault`].
    pub fn parse(bytes: &[u8], kind: FileKind) -> Result<FileHeader, HeaderFault> {
        let damaged = |what: String| Err(HeaderFault::Damaged(what));
        let Some(b) = bytes.first_chunk::<FILE_HEADER_BYTES>() else {
            return damaged(format!("{} bytes are too few for a header", bytes.len()));
        };
        if &b[0..8] != kind.magic() {
            return damaged("the file starts with another mark than its name says".to_owned());
        }
        let u16_at = |at: usize| u16::from_le_bytes([b[at], b[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let (expected, actual) = (u32_at(124), crc32fast::hash(&b[..124]));
        if actual != expected {
            let what = format!("header checksum {actual:08x} does not match {expected:08x}");
            return damaged(what);
        }
        if u16_at(10) > FORMAT_VERSION {
            return Err(HeaderFault::Newer(u16_at(10)));
        }
        if u16_at(8) < FORMAT_OLDEST_READ {
            return Err(HeaderFault::Older(u16_at(8)));
        }
        let mut key = [0u8; 32];
        key.copy_from_slice(&b[32..64]);
        Ok(FileHeader {
            kind,
            store: u128::from(u64_at(16)) | u128::from(u64_at(24)) << 64,
            key: StoreKey(key),
            salt: u64_at(64),
            number: u64_at(72),
            created_ns: u64_at(80) as i64,
            previous: Previous { number: u64_at(88), end: u64_at(96), crc: u32_at(104) },
        })
    }
}
