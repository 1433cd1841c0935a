//! SQLite in WAL mode. It compresses nothing, so that we do.
//!
//! ```text
//! rows      key BLOB PRIMARY KEY, row BLOB          WITHOUT ROWID: small, in the key's order
//! payloads  id INTEGER PRIMARY KEY, key BLOB UNIQUE, bytes BLOB      long ones overflow
//! ```

use super::kv::{EachPair, Kv, KvEngine, Writes};
use super::names::{Setting, setting};
use super::{CACHE_BYTES, Engine, Setup, Sync, ZSTD_LEVEL};
use crate::Result;
use crate::row::{Pack, key};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::{Mutex, MutexGuard};

const PRAGMA: &str = "https://sqlite.org/pragma.html";

pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "journal_mode WAL; synchronous FULL at --sync disk (a commit is synced), NORMAL at os",
        "https://sqlite.org/wal.html",
    ),
    setting(
        "payloads compressed by us, zstd level 3 each, on another thread",
        "https://sqlite.org/intern-v-extern-blob.html",
    ),
    setting(
        "skeletons in a WITHOUT ROWID table, long payloads in a rowid table behind an index by \
         trace",
        "https://sqlite.org/withoutrowid.html",
    ),
    setting(
        "pages of 8 KiB: 8 and 16 KiB are found best for large BLOBs",
        "https://sqlite.org/intern-v-extern-blob.html",
    ),
    setting("cache_size 64 MiB as every engine here, mmap_size 1 GiB", PRAGMA),
    setting("one transaction a group, cached prepared statements", "https://sqlite.org/faq.html"),
    setting(
        "settled: wal_checkpoint(TRUNCATE), VACUUM, PRAGMA optimize",
        "https://sqlite.org/lang_vacuum.html",
    ),
];

pub(crate) struct Sqlite(Mutex<Connection>);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS payloads (
        id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);";

pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Engine>> {
    let connection = Connection::open(setup.dir.join("peer.sqlite"))?;
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match setup.sync {
        Sync::Disk => "FULL",
        Sync::Os => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Negative: in KiB.
    connection.pragma_update(None, "cache_size", -((CACHE_BYTES >> 10) as i64))?;
    connection.pragma_update(None, "mmap_size", 1i64 << 30)?;
    connection.set_prepared_statement_cache_capacity(16);
    connection.execute_batch(TABLES)?;
    Ok(Box::new(KvEngine(Sqlite(Mutex::new(connection)))))
}

impl Sqlite {
    fn connection(&self) -> Result<MutexGuard<'_, Connection>> {
        self.0.lock().map_err(|_| crate::fault("a thread that used SQLite panicked"))
    }

    fn each(&self, query: &str, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(params![prefix, key::behind(prefix)])?;
        while let Some(row) = rows.next()? {
            each(row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?)?;
        }
        Ok(())
    }
}

impl Kv for Sqlite {
    const PACK: Pack = Pack::Zstd(ZSTD_LEVEL);

    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached("SELECT row FROM rows WHERE key = ?1")?;
        let mut get =
            |key: &Vec<u8>| Ok(statement.query_row(params![key], |row| row.get(0)).optional()?);
        keys.iter().map(&mut get).collect()
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let mut connection = self.connection()?;
        let transaction = connection.transaction()?;
        {
            let mut row = transaction.prepare_cached(
                "INSERT INTO rows VALUES (?1, ?2) ON CONFLICT DO UPDATE SET row = excluded.row",
            )?;
            for (key, bytes) in &writes.rows {
                row.execute(params![key, bytes])?;
            }
            let mut put =
                transaction.prepare_cached("INSERT INTO payloads (key, bytes) VALUES (?1, ?2)")?;
            for (key, bytes) in &writes.puts {
                put.execute(params![key, bytes])?;
            }
            let mut delete = transaction.prepare_cached("DELETE FROM payloads WHERE key = ?1")?;
            for key in &writes.deletes {
                delete.execute(params![key])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn each_row(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let query = "SELECT key, row FROM rows WHERE key >= ?1 AND key < ?2 ORDER BY key";
        self.each(query, prefix, each)
    }

    fn each_payload(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()> {
        let query = "SELECT key, bytes FROM payloads WHERE key >= ?1 AND key < ?2 ORDER BY key";
        self.each(query, prefix, each)
    }

    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let connection = self.connection()?;
        let query = "SELECT bytes FROM payloads WHERE key = ?1";
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(params![key])?;
        match rows.next()? {
            Some(row) => found(row.get_ref(0)?.as_blob()?),
            None => Ok(()),
        }
    }

    fn settle(&mut self) -> Result<()> {
        let connection = self.connection()?;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE);";
        connection.execute_batch(&format!("{checkpoint} VACUUM; PRAGMA optimize; {checkpoint}"))?;
        Ok(())
    }

    fn close(self) -> Result<()> {
        let connection = self.0.into_inner().map_err(|_| crate::fault("SQLite panicked"))?;
        connection.close().map_err(|(_, error)| error.into())
    }
}
