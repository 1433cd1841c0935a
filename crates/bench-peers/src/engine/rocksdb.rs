//! RocksDB: zstd, zstd with a dictionary for each file, and payloads in blob files.

use super::kv::{EachPair, Kv, KvEngine, Writes};
use super::{CACHE_BYTES, Engine, Name, Setup, Sync, ZSTD_LEVEL};
use crate::row::{Pack, key};
use crate::{Fault, Result, fault};
use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, Cache, ColumnFamily, ColumnFamilyDescriptor,
    CompactOptions, CompactionPri, DB, DBCompressionType, IteratorMode, Options, ReadOptions,
    WriteBatch, WriteOptions,
};

const ROWS: &str = "rows";
const PAYLOADS: &str = "payloads";
const DICTIONARY_BYTES: i32 = 64 << 10;
const MIN_BLOB_BYTES: u64 = 4 << 10;
/// RocksDB's default, which zstd does not look at.
const WINDOW_BITS: i32 = -14;

struct Rocks {
    db: DB,
    write: WriteOptions,
}

/// Opens, or makes, one of the three.
///
/// # Errors
/// RocksDB's.
pub fn open(name: Name, setup: &Setup) -> Result<Box<dyn Engine>> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_background_jobs(6);
    options.set_bytes_per_sync(1 << 20);
    let families = [
        ColumnFamilyDescriptor::new(ROWS, family(name, &cache, 16 << 10)),
        ColumnFamilyDescriptor::new(PAYLOADS, payloads(name, &cache)),
    ];
    let db = DB::open_cf_descriptors(&options, setup.dir.join("rocksdb"), families)?;
    let mut write = WriteOptions::default();
    write.set_sync(setup.sync == Sync::Disk);
    Ok(Box::new(KvEngine(Rocks { db, write })))
}

fn family(name: Name, cache: &Cache, block_bytes: usize) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_size(block_bytes);
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&blocks);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_compaction_pri(CompactionPri::MinOverlappingRatio);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    let dictionary = if name == Name::RocksdbDict { DICTIONARY_BYTES } else { 0 };
    options.set_bottommost_compression_options(WINDOW_BITS, ZSTD_LEVEL, 0, dictionary, true);
    if dictionary > 0 {
        options.set_bottommost_zstd_max_train_bytes(100 * dictionary, true);
    }
    options
}

fn payloads(name: Name, cache: &Cache) -> Options {
    let mut options = family(name, cache, 64 << 10);
    if name == Name::RocksdbBlob {
        options.set_enable_blob_files(true);
        options.set_min_blob_size(MIN_BLOB_BYTES);
        options.set_blob_compression_type(DBCompressionType::Zstd);
        options.set_enable_blob_gc(true);
        options.set_blob_gc_age_cutoff(0.25);
        options.set_blob_cache(cache);
    }
    options
}

impl Rocks {
    fn family(&self, name: &str) -> Result<&ColumnFamily> {
        self.db.cf_handle(name).ok_or_else(|| fault("a column family is missing"))
    }

    fn each(&self, name: &str, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let mut read = ReadOptions::default();
        read.set_iterate_upper_bound(key::behind(prefix));
        let from = IteratorMode::From(prefix, rocksdb::Direction::Forward);
        for pair in self.db.iterator_cf_opt(self.family(name)?, read, from) {
            let (key, value) = pair?;
            each(&key, &value)?;
        }
        Ok(())
    }
}

impl Kv for Rocks {
    const PACK: Pack = Pack::Plain;

    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let found = self.db.batched_multi_get_cf(self.family(ROWS)?, keys, false);
        found.into_iter().map(|row| Ok::<_, Fault>(row?.map(|row| row.to_vec()))).collect()
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let (rows, payloads) = (self.family(ROWS)?, self.family(PAYLOADS)?);
        let mut batch = WriteBatch::default();
        writes.rows.iter().for_each(|(key, row)| batch.put_cf(rows, key, row));
        writes.puts.iter().for_each(|(key, bytes)| batch.put_cf(payloads, key, bytes));
        writes.deletes.iter().for_each(|key| batch.delete_cf(payloads, key));
        Ok(self.db.write_opt(batch, &self.write)?)
    }

    fn each_row(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        self.each(ROWS, prefix, each)
    }

    fn each_payload(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        self.each(PAYLOADS, prefix, each)
    }

    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let bytes = self.db.get_pinned_cf(self.family(PAYLOADS)?, key)?;
        bytes.map_or(Ok(()), |bytes| found(&bytes))
    }

    fn settle(&mut self) -> Result<()> {
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for name in [ROWS, PAYLOADS] {
            let family = self.family(name)?;
            self.db.flush_cf(family)?;
            self.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &options);
        }
        Ok(())
    }

    fn close(self) -> Result<()> {
        self.db.flush_wal(true)?;
        self.db.cancel_all_background_work(true);
        Ok(())
    }
}
