//! LMDB, through heed: a B-tree in a map. It compresses nothing, so that we do.

use super::kv::{EachPair, Kv, KvEngine, Writes};
use super::names::{Setting, setting};
use super::{Engine, Setup, Sync, ZSTD_LEVEL};
use crate::Result;
use crate::row::Pack;
use heed::types::Bytes;
use heed::{CommitOrAbort, CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, WithoutTls};
use std::path::{Path, PathBuf};

const MANUAL: &str = "http://www.lmdb.tech/doc/group__mdb.html";

pub(crate) const SETTINGS: &[Setting] = &[
    setting("payloads compressed by us, zstd level 3 each, on another thread", MANUAL),
    setting("a map of 64 GiB, which is the most that it could grow to; no read-ahead", MANUAL),
    setting("it has no cache of its own: the page cache is", MANUAL),
    setting("one transaction a group, synced at --sync disk; MDB_NOSYNC at --sync os", MANUAL),
    setting(
        "settled: a compacting copy takes the file's place, as mdb_copy -c makes it",
        "http://www.lmdb.tech/doc/man/mdb_copy.1.html",
    ),
];

const MAP_BYTES: usize = 64 << 30;

type Table = Database<'static, Bytes, Bytes>;

pub(crate) struct Lmdb {
    env: Option<Opened>,
    dir: PathBuf,
    sync: Sync,
}

struct Opened {
    env: Env<WithoutTls>,
    rows: Table,
    payloads: Table,
}

pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Engine>> {
    let opened = Opened::open(&setup.dir, setup.sync)?;
    let engine = Lmdb { env: Some(opened), dir: setup.dir.clone(), sync: setup.sync };
    Ok(Box::new(KvEngine(engine)))
}

impl Opened {
    #[allow(unsafe_code, reason = "opening LMDB is")]
    fn open(dir: &Path, sync: Sync) -> Result<Opened> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(MAP_BYTES).max_dbs(2);
        let flags = match sync {
            Sync::Disk => EnvFlags::NO_READ_AHEAD,
            Sync::Os => EnvFlags::NO_READ_AHEAD | EnvFlags::NO_SYNC,
        };
        // SAFETY: the directory is this process's own, and nobody else changes the file while it
        // is mapped; NO_SYNC risks the data of a benchmark only.
        let env = unsafe { options.flags(flags).open(dir)? };
        let transaction = env.write_txn()?;
        let made = env.create_databases_and_commit(transaction, |opener, transaction| {
            let rows = opener.create_database::<Bytes, Bytes>(transaction, Some("rows"))?;
            let payloads = opener.create_database::<Bytes, Bytes>(transaction, Some("payloads"))?;
            heed::Result::Ok(CommitOrAbort::<_, ()>::Commit((rows, payloads)))
        })?;
        let (rows, payloads) = made.unwrap_commit();
        Ok(Opened { env, rows, payloads })
    }

    fn close(self) {
        self.env.prepare_for_closing().wait();
    }

    fn each(&self, table: Table, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let transaction = self.env.read_txn()?;
        for pair in table.prefix_iter(&transaction, prefix)? {
            let (key, value) = pair?;
            each(key, value)?;
        }
        Ok(())
    }
}

impl Lmdb {
    fn opened(&self) -> Result<&Opened> {
        self.env.as_ref().ok_or_else(|| crate::fault("LMDB was closed"))
    }
}

impl Kv for Lmdb {
    const PACK: Pack = Pack::Zstd(ZSTD_LEVEL);

    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let opened = self.opened()?;
        let transaction = opened.env.read_txn()?;
        let get = |key: &Vec<u8>| Ok(opened.rows.get(&transaction, key)?.map(|row| row.to_vec()));
        keys.iter().map(get).collect()
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let opened = self.opened()?;
        let mut transaction = opened.env.write_txn()?;
        for (key, row) in &writes.rows {
            opened.rows.put(&mut transaction, key, row)?;
        }
        for (key, bytes) in &writes.puts {
            opened.payloads.put(&mut transaction, key, bytes)?;
        }
        for key in &writes.deletes {
            opened.payloads.delete(&mut transaction, key)?;
        }
        Ok(transaction.commit()?)
    }

    fn each_row(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let opened = self.opened()?;
        opened.each(opened.rows, prefix, each)
    }

    fn each_payload(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let opened = self.opened()?;
        opened.each(opened.payloads, prefix, each)
    }

    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let opened = self.opened()?;
        let transaction = opened.env.read_txn()?;
        opened.payloads.get(&transaction, key)?.map_or(Ok(()), found)
    }

    fn settle(&mut self) -> Result<()> {
        let copy = self.dir.join("compacted");
        self.opened()?.env.copy_to_path(&copy, CompactionOption::Enabled)?.sync_all()?;
        if let Some(opened) = self.env.take() {
            opened.close();
        }
        std::fs::rename(copy, self.dir.join("data.mdb"))?;
        self.env = Some(Opened::open(&self.dir, self.sync)?);
        Ok(())
    }

    fn close(self) -> Result<()> {
        let opened = self.env.ok_or_else(|| crate::fault("LMDB was closed"))?;
        opened.env.force_sync()?;
        opened.close();
        Ok(())
    }
}
