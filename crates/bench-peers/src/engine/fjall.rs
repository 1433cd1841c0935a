//! fjall: an LSM tree in Rust, payloads separated from their keys.

use super::kv::{EachPair, Kv, KvEngine, Writes};
use super::names::{Setting, setting};
use super::{CACHE_BYTES, Engine, Setup, Sync};
use crate::Result;
use crate::row::Pack;
use fjall::config::BlockSizePolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

const GUIDE: &str = "https://docs.rs/fjall/3.1.13/fjall/struct.KeyspaceCreateOptions.html";

pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "key-value separation of payloads from 1 KiB on (its default), LZ4, which is the \
         compression that it has",
        GUIDE,
    ),
    setting("blocks of 16 KiB for skeletons: 16 to 64 KiB are advised for space", GUIDE),
    setting(
        "a cache of 64 MiB, as every engine here",
        "https://docs.rs/fjall/3.1.13/fjall/struct.DatabaseBuilder.html",
    ),
    setting(
        "one batch over both keyspaces a group, persisted with SyncData at --sync disk",
        "https://docs.rs/fjall/3.1.13/fjall/enum.PersistMode.html",
    ),
    setting("settled: memtables flushed, then a major compaction of both keyspaces", GUIDE),
];

pub(crate) struct Fjall {
    db: Database,
    rows: Keyspace,
    payloads: Keyspace,
    sync: Sync,
}

pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Engine>> {
    let db = Database::builder(setup.dir.join("fjall")).cache_size(CACHE_BYTES as u64).open()?;
    let rows = db.keyspace("rows", || {
        KeyspaceCreateOptions::default().data_block_size_policy(BlockSizePolicy::all(16 << 10))
    })?;
    let payloads = db.keyspace("payloads", || {
        KeyspaceCreateOptions::default().with_kv_separation(Some(KvSeparationOptions::default()))
    })?;
    Ok(Box::new(KvEngine(Fjall { db, rows, payloads, sync: setup.sync })))
}

fn each(keyspace: &Keyspace, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
    for pair in keyspace.prefix(prefix) {
        let (key, value) = pair.into_inner()?;
        each(&key, &value)?;
    }
    Ok(())
}

impl Kv for Fjall {
    const PACK: Pack = Pack::Plain;

    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let get = |key: &Vec<u8>| Ok(self.rows.get(key)?.map(|row| row.to_vec()));
        keys.iter().map(get).collect()
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let durability = match self.sync {
            Sync::Disk => PersistMode::SyncData,
            Sync::Os => PersistMode::Buffer,
        };
        let mut batch = self.db.batch().durability(Some(durability));
        writes.rows.into_iter().for_each(|(key, row)| batch.insert(&self.rows, key, row));
        writes.puts.into_iter().for_each(|(key, bytes)| batch.insert(&self.payloads, key, bytes));
        writes.deletes.into_iter().for_each(|key| batch.remove(&self.payloads, key));
        Ok(batch.commit()?)
    }

    fn each_row(&self, prefix: &[u8], to: &mut EachPair<'_>) -> Result<()> {
        each(&self.rows, prefix, to)
    }

    fn each_payload(&self, prefix: &[u8], to: &mut EachPair<'_>) -> Result<()> {
        each(&self.payloads, prefix, to)
    }

    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.payloads.get(key)?.map_or(Ok(()), |bytes| found(&bytes))
    }

    fn settle(&mut self) -> Result<()> {
        for keyspace in [&self.rows, &self.payloads] {
            keyspace.rotate_memtable_and_wait()?;
            keyspace.major_compact()?;
        }
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn close(self) -> Result<()> {
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }
}
