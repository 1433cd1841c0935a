//! Which engines there are, which program has them, and how each is set up.

use super::{Engine, Setup};
use crate::{Result, fault};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! names {
    ($($variant:ident $name:literal,)*) => {
        /// An engine by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[derive(clap::ValueEnum)]
        #[allow(missing_docs, reason = "the names are the engines' own")]
        pub enum Name {
            $(#[serde(rename = $name)] #[value(name = $name)] $variant,)*
        }

        impl Name {
            /// Every engine, in the order of the report.
            pub const ALL: &[Name] = &[$(Name::$variant,)*];

            /// As it is written.
            pub fn text(self) -> &'static str {
                match self { $(Name::$variant => $name,)* }
            }
        }
    };
}

names!(
    Tracekeep "tracekeep",
    Floor "floor",
    Rocksdb "rocksdb",
    RocksdbDict "rocksdb-dict",
    RocksdbBlob "rocksdb-blob",
    Sqlite "sqlite",
    Redb "redb",
    Fjall "fjall",
    Lmdb "lmdb",
    Duckdb "duckdb",
    Parquet "parquet",
);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The feature, and the program, of engines that take minutes of C++ to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heavy {
    /// The cargo feature.
    pub feature: &'static str,
    /// The program.
    pub program: &'static str,
    /// What has to be installed.
    pub needs: &'static str,
}

impl Name {
    /// The program that has the engine; none where it is this one.
    pub fn heavy(self) -> Option<Heavy> {
        match self {
            Name::Rocksdb | Name::RocksdbDict | Name::RocksdbBlob => Some(Heavy {
                feature: "rocksdb",
                program: "bench-peers-rocksdb",
                needs: "a C++ compiler and libclang (Debian: apt install g++ libclang-dev)",
            }),
            Name::Duckdb => Some(Heavy {
                feature: "duckdb",
                program: "bench-peers-duckdb",
                needs: "a C++ compiler (Debian: apt install g++)",
            }),
            _ => None,
        }
    }

    /// Whether it keeps what was acknowledged before everything has come, which files of columns do
    /// not.
    pub fn appends(self) -> bool {
        self != Name::Parquet
    }

    /// How the engine is set up, and which document says so.
    pub fn settings(self) -> &'static [Setting] {
        match self {
            Name::Tracekeep => super::tracekeep::SETTINGS,
            Name::Floor => super::floor::SETTINGS,
            Name::Rocksdb => ROCKSDB,
            Name::RocksdbDict => ROCKSDB_DICT,
            Name::RocksdbBlob => ROCKSDB_BLOB,
            Name::Sqlite => super::sqlite::SETTINGS,
            Name::Redb => super::redb::SETTINGS,
            Name::Fjall => super::fjall::SETTINGS,
            Name::Lmdb => super::lmdb::SETTINGS,
            Name::Duckdb => DUCKDB,
            Name::Parquet => super::parquet::SETTINGS,
        }
    }
}

/// A setting and the document that advises it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Setting {
    /// What is set.
    pub what: &'static str,
    /// Where that is advised.
    pub document: &'static str,
}

/// Shorthand for the lists.
pub(crate) const fn setting(what: &'static str, document: &'static str) -> Setting {
    Setting { what, document }
}

const ROCKSDB_BASIC: &str =
    "https://github.com/facebook/rocksdb/wiki/Setup-Options-and-Basic-Tuning";
const ROCKSDB_COMPRESSION: &str = "https://github.com/facebook/rocksdb/wiki/Compression";
const ROCKSDB_DICTIONARY: &str = "https://rocksdb.org/blog/2021/05/31/dictionary-compression.html";
const ROCKSDB_BLOBS: &str = "https://github.com/facebook/rocksdb/wiki/BlobDB";

macro_rules! rocksdb {
    ($($more:expr,)*) => {
        &[
            setting(
                "6 background jobs, bytes_per_sync 1 MiB, compaction_pri kMinOverlappingRatio, \
                 dynamic level bytes, cache_index_and_filter_blocks, pinned L0 filters, bloom \
                 filter of 10 bits, format_version 5 or newer",
                ROCKSDB_BASIC,
            ),
            setting("LZ4 in upper levels, zstd (level 3) in the last", ROCKSDB_COMPRESSION),
            setting(
                "blocks of 16 KiB for skeletons, 64 KiB for payloads: larger blocks are smaller \
                 on disk and quicker for a whole trace",
                ROCKSDB_BASIC,
            ),
            setting("a block cache of 64 MiB, as every engine here", ROCKSDB_BASIC),
            setting(
                "one WriteBatch a group, WriteOptions.sync at --sync disk",
                "https://github.com/facebook/rocksdb/wiki/Basic-Operations",
            ),
            setting(
                "settled: CompactRange over both column families, the last level forced",
                "https://github.com/facebook/rocksdb/wiki/Manual-Compaction",
            ),
            $($more,)*
        ]
    };
}

const ROCKSDB: &[Setting] = rocksdb!();
const ROCKSDB_DICT: &[Setting] = rocksdb!(setting(
    "last level: a dictionary of 64 KiB for each file, zstd trains it on 100 times as much",
    ROCKSDB_DICTIONARY,
),);
const ROCKSDB_BLOB: &[Setting] = rocksdb!(setting(
    "payloads of 4 KiB and more in blob files, zstd each, garbage collected from age 0.25",
    ROCKSDB_BLOBS,
),);

const DUCKDB_INDEXING: &str = "https://duckdb.org/docs/guides/performance/indexing";

const DUCKDB: &[Setting] = &[
    setting("the Appender, one transaction a group", "https://duckdb.org/docs/data/appender"),
    setting("no primary key: pieces are appended and merged when settling", DUCKDB_INDEXING),
    setting(
        "settled: sorted by trace and start, so that zonemaps skip the others, with an ART index \
         by trace for lookups, in a new file, since deletes do not shrink one",
        DUCKDB_INDEXING,
    ),
    setting(
        "storage version latest, which has zstd for long strings; row groups of 16,384 rows",
        "https://duckdb.org/docs/2.0/sql/statements/attach",
    ),
    setting(
        "a commit always syncs its log: --sync os is the same; threads and memory are its \
         defaults",
        "https://duckdb.org/docs/guides/performance/environment",
    ),
];

/// Opens, or makes, an engine that this program has.
pub type Open = fn(Name, &Setup) -> Result<Box<dyn Engine>>;

/// Opens, or makes, an engine of this crate's ordinary build.
///
/// # Errors
/// The engine's, or that it is none of these.
pub fn light(name: Name, setup: &Setup) -> Result<Box<dyn Engine>> {
    Ok(match name {
        Name::Tracekeep => Box::new(super::tracekeep::Tracekeep::open(setup)?),
        Name::Floor => Box::new(super::floor::Floor::open(setup)?),
        Name::Sqlite => super::sqlite::open(setup)?,
        Name::Redb => super::redb::open(setup)?,
        Name::Fjall => super::fjall::open(setup)?,
        Name::Lmdb => super::lmdb::open(setup)?,
        Name::Parquet => Box::new(super::parquet::Parquet::open(setup)?),
        _ => return Err(fault(format!("{name} is in another program"))),
    })
}
