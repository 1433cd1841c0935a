//! DuckDB: columns in one file. Pieces are appended as they come; settling merges the few
//! observations that came in several, and writes everything sorted by trace into a new file.
//!
//! ```text
//! peer.duckdb   pieces: a row each, with all columns, and the row that merging needs
//! settled.duckdb   observations, traces, scores: the columns, sorted; an index by trace
//! ```

use super::merged::{Flat, Merged};
use super::text::FIELDS;
use super::{Costs, EachPayload, Engine, Reader, Setup, Skeleton, named, pipeline};
use crate::engine::Name;
use crate::row::bytes::Take;
use crate::row::{Change, Pack, decode, encode, key, put_id};
use crate::{Result, fault};
use duckdb::{Appender, Config, Connection, Row, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use tracekeep::Id;
use tracekeep::model::{Decimal, Level, ObservationKind, Record, Timestamp};

const COLUMNS: &str = "trace, id, parent, start, \"end\", kind, level, name, model, cost, rest, \
                       input, output, metadata, attributes";
const TYPES: &str = "trace BLOB, id BLOB, parent BLOB, start BIGINT, \"end\" BIGINT, kind UTINYINT, \
                     level UTINYINT, name VARCHAR, model VARCHAR, cost BIGINT, rest BLOB, \
                     input VARCHAR, output VARCHAR, metadata VARCHAR, attributes VARCHAR";
/// As many as a row group of the Parquet file.
const ROWS_A_GROUP: usize = 16_384;
const TABLES: [(&str, char); 3] = [("observations", 'o'), ("traces", 't'), ("scores", 's')];

struct Duck {
    connection: Mutex<Connection>,
    dir: PathBuf,
    next: Mutex<u64>,
}

fn settled(dir: &Path) -> PathBuf {
    dir.join("settled.duckdb")
}

fn connected(path: &Path) -> Result<Connection> {
    let config = Config::default().with("storage_compatibility_version", "latest")?;
    Ok(Connection::open_with_flags(path, config)?)
}

/// Opens the settled file, or the one with pieces, which is made where it is not there. Nobody appends
/// to pieces that a crash has left: their numbers would begin again.
///
/// # Errors
/// DuckDB's.
pub fn open(_: Name, setup: &Setup) -> Result<Box<dyn Engine>> {
    let dir = setup.dir.clone();
    let connection = if settled(&dir).exists() {
        connected(&settled(&dir))?
    } else {
        let connection = connected(&dir.join("peer.duckdb"))?;
        let columns = format!("seq UBIGINT, key BLOB, row BLOB, {TYPES}");
        let pieces = format!("CREATE TABLE IF NOT EXISTS pieces ({columns})");
        connection.execute_batch(&pieces)?;
        connection
    };
    Ok(Box::new(Duck { connection: Mutex::new(connection), dir, next: Mutex::new(0) }))
}

/// A record as it is appended: what it alone says, and the row that a merge needs.
struct Piece {
    key: Vec<u8>,
    row: Vec<u8>,
    flat: Flat,
}

impl Piece {
    fn of(record: Record) -> Result<Piece> {
        let change = Change::of(record, Pack::Plain)?;
        let key = change.key.clone();
        let mut row = Vec::new();
        encode(&change.fields, 0, &mut row);
        let mut merged = Merged::default();
        merged.add(change)?;
        let tables = merged.into_tables()?;
        let flat = tables.observations.into_iter().chain(tables.traces).chain(tables.scores).next();
        Ok(Piece { key, row, flat: flat.ok_or_else(|| fault("a record is about nothing"))? })
    }
}

fn text(bytes: Option<&[u8]>) -> Result<Option<&str>> {
    Ok(bytes.map(std::str::from_utf8).transpose()?)
}

fn bytes_of(id: &Id) -> Vec<u8> {
    let mut out = Vec::new();
    put_id(id, &mut out);
    out
}

/// Appends a row of `before`, then the columns.
fn append(appender: &mut Appender<'_>, before: &[&dyn duckdb::ToSql], flat: &Flat) -> Result<()> {
    let Flat { trace, skeleton, rest, payloads } = flat;
    let Skeleton { id, parent, kind, level, start, end, name, model, cost } = skeleton;
    let (id, parent) = (bytes_of(id), parent.as_ref().map(bytes_of));
    let (end, cost) = (end.map(|end| end.0), i64::try_from(cost.0)?);
    let (kind, level, name, model) = (kind.code(), level.code(), name.as_deref(), model.as_deref());
    let [input, output, metadata, attributes] =
        [0, 1, 2, 3].map(|at: usize| text(payloads[at].as_deref()));
    let (input, output, metadata, attributes) = (input?, output?, metadata?, attributes?);
    let columns: [&dyn duckdb::ToSql; 15] = [
        trace,
        &id,
        &parent,
        &start.0,
        &end,
        &kind,
        &level,
        &name,
        &model,
        &cost,
        rest,
        &input,
        &output,
        &metadata,
        &attributes,
    ];
    let all: Vec<&dyn duckdb::ToSql> = before.iter().chain(&columns).copied().collect();
    Ok(appender.append_row(all.as_slice())?)
}

impl Duck {
    fn connection(&self) -> Result<MutexGuard<'_, Connection>> {
        self.connection.lock().map_err(|_| fault("a thread that used DuckDB panicked"))
    }

    fn commit(&self, group: Vec<Vec<Piece>>) -> Result<()> {
        let connection = self.connection()?;
        let mut seq = self.next.lock().map_err(|_| fault("a thread panicked"))?;
        connection.execute_batch("BEGIN")?;
        let mut appender = connection.appender("pieces")?;
        for Piece { key, row, flat } in group.iter().flatten() {
            append(&mut appender, &[&*seq, key, row], flat)?;
            *seq += 1;
        }
        appender.flush()?;
        drop(appender);
        Ok(connection.execute_batch("COMMIT")?)
    }

    /// Merges what came in several pieces into a table of its own.
    fn merge(connection: &Connection) -> Result<()> {
        connection.execute_batch(&format!(
            "CREATE TEMP TABLE several AS SELECT key FROM pieces GROUP BY key HAVING count(*) > 1;
             CREATE TEMP TABLE merged (key BLOB, {TYPES})"
        ))?;
        let mut statement = connection.prepare(
            "SELECT key, row, input, output, metadata, attributes FROM pieces
             WHERE key IN (SELECT key FROM several) ORDER BY seq",
        )?;
        let mut merged = Merged::default();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key: Vec<u8> = row.get(0)?;
            let encoded: Vec<u8> = row.get(1)?;
            let mut payloads = Vec::new();
            for at in 2..6 {
                payloads.extend(row.get::<_, Option<String>>(at)?.map(String::into_bytes));
            }
            merged.add(Change { key, fields: decode(&encoded)?.0, payloads })?;
        }
        let tables = merged.into_tables()?;
        let mut appender = connection.appender("merged")?;
        for flat in &tables.observations {
            let key = [flat.trace.clone(), bytes_of(&flat.skeleton.id)].concat();
            append(&mut appender, &[&key], flat)?;
        }
        for flat in &tables.traces {
            append(&mut appender, &[&key::own(&flat.skeleton.id)], flat)?;
        }
        for flat in &tables.scores {
            append(&mut appender, &[&key::of_score(&flat.skeleton.id)], flat)?;
        }
        Ok(appender.flush()?)
    }
}

/// Rows whose key is of a kind, as a condition.
fn is_kind(kind: char) -> String {
    // Keys of a trace's own row end with 0xff, which begins no id; see `row::key`.
    match kind {
        's' => "key < 't'::BLOB AND key >= 's'::BLOB".to_owned(),
        't' => "key >= 't'::BLOB AND key = trace || '\\xFF'::BLOB".to_owned(),
        _ => "key >= 't'::BLOB AND key <> trace || '\\xFF'::BLOB".to_owned(),
    }
}

impl Engine for Duck {
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()> {
        let prepare =
            |batch: Vec<Record>| batch.into_iter().map(Piece::of).collect::<Result<Vec<Piece>>>();
        pipeline::append(batches, in_flight, prepare, |group| self.commit(group))
    }

    fn settle(&mut self) -> Result<()> {
        let path = settled(&self.dir);
        {
            let connection = self.connection()?;
            Self::merge(&connection)?;
            let file = path.display().to_string().replace('\'', "''");
            connection.execute_batch(&format!(
                "ATTACH '{file}' AS settled
                 (STORAGE_VERSION 'latest', ROW_GROUP_SIZE {ROWS_A_GROUP})"
            ))?;
            for (table, kind) in TABLES {
                let condition = is_kind(kind);
                connection.execute_batch(&format!(
                    "CREATE TABLE settled.{table} AS SELECT {COLUMNS} FROM (
                       SELECT key, {COLUMNS} FROM pieces
                       WHERE key NOT IN (SELECT key FROM several)
                       UNION ALL SELECT key, {COLUMNS} FROM merged
                     ) WHERE {condition} ORDER BY trace, start"
                ))?;
            }
            connection.execute_batch(
                "CREATE INDEX by_trace ON settled.observations (trace);
                 CHECKPOINT settled; DETACH settled",
            )?;
        }
        *self.connection()? = connected(&path)?;
        for name in ["peer.duckdb", "peer.duckdb.wal"] {
            let old = self.dir.join(name);
            if old.exists() {
                std::fs::remove_file(old)?;
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        let connection = self.connection.into_inner().map_err(|_| fault("DuckDB panicked"))?;
        connection.close().map_err(|(_, error)| error.into())
    }

    fn reader(&self) -> Option<&dyn Reader> {
        Some(self)
    }
}

const SKELETON: &str = "id, parent, start, \"end\", kind, level, name, model, cost";

fn skeleton(row: &Row<'_>) -> Result<Skeleton> {
    fn known<T>(value: Option<T>) -> Result<T> {
        value.ok_or_else(|| fault("a column has an unknown code"))
    }
    let id = |bytes: Vec<u8>| Take(&bytes).id();
    Ok(Skeleton {
        id: id(row.get(0)?)?,
        parent: row.get::<_, Option<Vec<u8>>>(1)?.map(id).transpose()?,
        start: Timestamp(row.get(2)?),
        end: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        kind: known(ObservationKind::from_code(row.get(4)?))?,
        level: known(Level::from_code(row.get(5)?))?,
        name: row.get::<_, Option<String>>(6)?.map(Into::into),
        model: row.get::<_, Option<String>>(7)?.map(Into::into),
        cost: Decimal(i128::from(row.get::<_, i64>(8)?)),
    })
}

impl Reader for Duck {
    fn skeletons(&self, trace: &Id) -> Result<Vec<Skeleton>> {
        let connection = self.connection()?;
        let query = format!("SELECT {SKELETON} FROM observations WHERE trace = ? ORDER BY start");
        let mut statement = connection.prepare_cached(&query)?;
        let mut rows = statement.query(params![key::of_trace(trace)])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(skeleton(row)?);
        }
        Ok(all)
    }

    fn whole(&self, trace: &Id, each: &mut EachPayload<'_>) -> Result<usize> {
        let connection = self.connection()?;
        let query = format!(
            "SELECT {SKELETON}, input, output, metadata, attributes
             FROM observations WHERE trace = ? ORDER BY start"
        );
        let mut statement = connection.prepare_cached(&query)?;
        let mut rows = statement.query(params![key::of_trace(trace)])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let skeleton = skeleton(row)?;
            for (at, field) in (9..).zip(FIELDS) {
                if let Some(payload) = row.get::<_, Option<String>>(at)? {
                    each(&skeleton.id, field, payload.as_bytes())?;
                }
            }
            count += 1;
        }
        Ok(count)
    }

    fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        let connection = self.connection()?;
        let query = "SELECT input FROM observations WHERE trace = ? AND id = ?";
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(params![key::of_trace(trace), bytes_of(observation)])?;
        match rows.next()? {
            Some(row) => Ok(row.get::<_, Option<String>>(0)?.map(String::into_bytes)),
            None => Ok(None),
        }
    }

    fn scan(&self) -> Result<Costs> {
        let connection = self.connection()?;
        let query = "SELECT coalesce(model, ''), count(*), sum(cost) FROM observations GROUP BY 1";
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        let mut costs = Costs::new();
        while let Some(row) = rows.next()? {
            let (count, sum): (i64, i128) = (row.get(1)?, row.get(2)?);
            let model: String = row.get(0)?;
            costs.insert(named(&model).to_owned(), (count.unsigned_abs(), sum));
        }
        Ok(costs)
    }

    fn scores(&self) -> Result<u64> {
        let connection = self.connection()?;
        let count = connection.query_row("SELECT count(*) FROM scores", [], |row| row.get(0));
        Ok(count.map(i64::unsigned_abs)?)
    }
}
