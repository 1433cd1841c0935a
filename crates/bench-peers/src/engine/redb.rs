//! redb: a copy-on-write B-tree in Rust. It compresses nothing, so that we do.

use super::kv::{EachPair, Kv, KvEngine, Writes};
use super::names::{Setting, setting};
use super::{CACHE_BYTES, Engine, Setup, ZSTD_LEVEL};
use crate::row::{Pack, key};
use crate::{Fault, Result};
use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};

const GUIDE: &str = "https://docs.rs/redb/4.6.0/redb/struct.WriteTransaction.html";
const BUILDER: &str = "https://docs.rs/redb/4.6.0/redb/struct.Builder.html";

pub(crate) const SETTINGS: &[Setting] = &[
    setting("payloads compressed by us, zstd level 3 each, on another thread", BUILDER),
    setting("a cache of 64 MiB, as every engine here", BUILDER),
    setting(
        "one transaction a group, Durability::Immediate; it has no level that survives kill -9 \
         without a sync, so --sync os is the same",
        GUIDE,
    ),
    setting("settled: Database::compact", "https://docs.rs/redb/4.6.0/redb/struct.Database.html"),
];

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
const ROWS: Table = TableDefinition::new("rows");
const PAYLOADS: Table = TableDefinition::new("payloads");

pub(crate) struct Redb(Database);

pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Engine>> {
    let path = setup.dir.join("peer.redb");
    let db = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
    Ok(Box::new(KvEngine(Redb(db))))
}

impl Redb {
    fn each(&self, table: Table, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let table = match self.0.begin_read()?.open_table(table) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            table => table?,
        };
        let end = key::behind(prefix);
        for pair in table.range::<&[u8]>(prefix..end.as_slice())? {
            let (key, value) = pair?;
            each(key.value(), value.value())?;
        }
        Ok(())
    }
}

impl Kv for Redb {
    const PACK: Pack = Pack::Zstd(ZSTD_LEVEL);

    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let table = match self.0.begin_read()?.open_table(ROWS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(vec![None; keys.len()]),
            table => table?,
        };
        let get = |key: &Vec<u8>| {
            Ok::<_, Fault>(table.get(key.as_slice())?.map(|row| row.value().to_vec()))
        };
        keys.iter().map(get).collect()
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut rows = transaction.open_table(ROWS)?;
            for (key, row) in &writes.rows {
                rows.insert(key.as_slice(), row.as_slice())?;
            }
            let mut payloads = transaction.open_table(PAYLOADS)?;
            for (key, bytes) in &writes.puts {
                payloads.insert(key.as_slice(), bytes.as_slice())?;
            }
            for key in &writes.deletes {
                payloads.remove(key.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn each_row(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        self.each(ROWS, prefix, each)
    }

    fn each_payload(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        self.each(PAYLOADS, prefix, each)
    }

    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let table = self.0.begin_read()?.open_table(PAYLOADS)?;
        table.get(key)?.map_or(Ok(()), |bytes| found(bytes.value()))
    }

    fn settle(&mut self) -> Result<()> {
        while self.0.compact()? {}
        Ok(())
    }

    fn close(self) -> Result<()> {
        drop(self.0);
        Ok(())
    }
}
