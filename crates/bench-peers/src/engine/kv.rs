//! What the key-value peers share: rows and payloads by key, merged by reading what is there.

use super::{Costs, EachPayload, Engine, Reader, Skeleton, add_cost, pipeline, text};
use crate::Result;
use crate::row::{self, Applied, Change, Pack, decode, key, unpack};
use std::collections::HashMap;
use tracekeep::Id;
use tracekeep::merge::Fields;
use tracekeep::model::{Field, Record};

/// What is handed keys and values.
pub(crate) type EachPair<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// What one group of batches writes.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) rows: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) puts: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) deletes: Vec<Vec<u8>>,
}

/// An ordered key-value engine with two tables.
pub(crate) trait Kv: Send + Sync {
    /// Who compresses payloads.
    const PACK: Pack;

    /// The rows of these keys, in their order.
    fn rows_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Writes all or nothing, and returns when it is as durable as asked for.
    fn write(&self, writes: Writes) -> Result<()>;

    /// The rows whose keys begin with this, in order.
    fn each_row(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()>;

    /// The payloads whose keys begin with this, in order.
    fn each_payload(&self, prefix: &[u8], each: &mut EachPair<'_>) -> Result<()>;

    /// One payload.
    fn payload(&self, key: &[u8], found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

    /// See [`Engine::settle`].
    fn settle(&mut self) -> Result<()>;

    /// See [`Engine::close`].
    fn close(self) -> Result<()>;
}

/// A key-value peer.
#[derive(Debug)]
pub(crate) struct KvEngine<K>(pub(crate) K);

impl<K: Kv> KvEngine<K> {
    fn commit(kv: &K, group: Vec<Vec<Change>>) -> Result<()> {
        let changes: Vec<Change> = group.into_iter().flatten().collect();
        let mut keys: Vec<Vec<u8>> = changes.iter().map(|change| change.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        let rows = kv.rows_of(&keys)?;
        let mut rows: HashMap<Vec<u8>, Option<Vec<u8>>> = keys.into_iter().zip(rows).collect();
        let mut puts: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        let mut writes = Writes::default();
        for change in changes {
            let key = change.key.clone();
            let old = rows.get(&key).and_then(|row| row.as_deref());
            let Applied { row, puts: new, deletes, .. } = row::apply(old, change)?;
            puts.extend(new.into_iter().map(|(n, bytes)| (key::of_payload(&key, n), bytes)));
            for number in deletes {
                let payload = key::of_payload(&key, number);
                // Written by this group itself: it never has to be.
                if puts.remove(&payload).is_none() {
                    writes.deletes.push(payload);
                }
            }
            rows.insert(key, Some(row));
        }
        writes.rows = rows.into_iter().filter_map(|(key, row)| Some((key, row?))).collect();
        writes.puts = puts.into_iter().collect();
        writes.rows.sort_unstable();
        writes.puts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        kv.write(writes)
    }
}

impl<K: Kv + 'static> Engine for KvEngine<K> {
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()> {
        let prepare = |batch: Vec<Record>| {
            batch.into_iter().map(|record| Change::of(record, K::PACK)).collect::<Result<_>>()
        };
        pipeline::append(batches, in_flight, prepare, |group| Self::commit(&self.0, group))
    }

    fn settle(&mut self) -> Result<()> {
        self.0.settle()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.0.close()
    }

    fn reader(&self) -> Option<&dyn Reader> {
        Some(self)
    }
}

impl<K: Kv> Reader for KvEngine<K> {
    fn skeletons(&self, trace: &Id) -> Result<Vec<Skeleton>> {
        let mut all = Vec::with_capacity(64);
        self.0.each_row(&key::of_trace(trace), &mut |key, row| {
            if let key::Parsed::Observation(_, id) = key::parse(key)? {
                all.push(Skeleton::of_row(id, row)?);
            }
            Ok(())
        })?;
        Skeleton::sort(&mut all);
        Ok(all)
    }

    fn whole(&self, trace: &Id, each: &mut EachPayload<'_>) -> Result<usize> {
        let prefix = key::of_trace(trace);
        let mut rows: Vec<(Vec<u8>, Id, Fields)> = Vec::with_capacity(64);
        self.0.each_row(&prefix, &mut |key, row| {
            if let key::Parsed::Observation(_, id) = key::parse(key)? {
                rows.push((key.to_vec(), id, decode(row)?.0));
            }
            Ok(())
        })?;
        // Payloads come in the order of rows.
        let mut payloads: Vec<HashMap<u32, Vec<u8>>> = Vec::with_capacity(rows.len());
        payloads.resize_with(rows.len(), HashMap::new);
        let mut at = 0;
        self.0.each_payload(&prefix, &mut |key, packed| {
            let (row, number) = key::split(key);
            while rows.get(at).is_some_and(|(key, ..)| key.as_slice() < row) {
                at += 1;
            }
            if let Some((key, ..)) = rows.get(at)
                && key == row
            {
                let mut bytes = Vec::new();
                unpack(packed, K::PACK, &mut bytes)?;
                payloads[at].insert(number, bytes);
            }
            Ok(())
        })?;
        for ((_, id, fields), payloads) in rows.iter().zip(&payloads) {
            text::each_field(id, fields, payloads, each)?;
        }
        Ok(rows.len())
    }

    fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        let row = vec![key::of_observation(trace, observation)];
        let Some(Some(found)) = self.0.rows_of(&row)?.pop() else { return Ok(None) };
        let Some(payload) = row::payload_of(&found, Field::Input)? else { return Ok(None) };
        let mut bytes = None;
        self.0.payload(&key::of_payload(&row[0], payload), &mut |packed| {
            let mut out = Vec::new();
            unpack(packed, K::PACK, &mut out)?;
            bytes = Some(out);
            Ok(())
        })?;
        Ok(bytes)
    }

    fn scan(&self) -> Result<Costs> {
        let mut costs = Costs::new();
        self.0.each_row(key::TRACES, &mut |key, row| {
            if let key::Parsed::Observation(..) = key::parse(key)? {
                let (model, cost) = row::cost_of(row)?;
                add_cost(&mut costs, model, cost);
            }
            Ok(())
        })?;
        Ok(costs)
    }

    fn scores(&self) -> Result<u64> {
        let mut count = 0;
        self.0.each_row(key::SCORES, &mut |_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }
}
