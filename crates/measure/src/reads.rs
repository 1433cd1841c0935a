//! Latencies of reads: random traces and observations, each call by itself.

use crate::clock::timed;
use std::hint::black_box;
use tracekeep::model::Field;
use tracekeep::{Id, Result, Snapshot, TraceQuery};
use tracekeep_workload::Rng;

/// Traces and payloads that are asked for, at most.
const ASKED_MAX: usize = 4_096;

/// Microseconds of each call, warm: each kind of read is done once before it is timed.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    /// A trace's tree, without payloads.
    pub tree: Vec<f64>,
    /// A trace with all of its payloads.
    pub trace: Vec<f64>,
    /// One observation's input, or its output where it has none.
    pub payload: Vec<f64>,
    /// Bytes of the payloads, on average.
    pub payload_bytes: f64,
}

/// Times `count` reads of each kind of a snapshot; fewer where it has no traces.
///
/// # Errors
/// The store's.
pub fn reads(snapshot: &Snapshot, count: usize) -> Result<Reads> {
    let query = TraceQuery { limit: ASKED_MAX, ..TraceQuery::default() };
    let ids: Vec<Id> = snapshot.traces(&query)?.traces.into_iter().map(|state| state.id).collect();
    let mut rng = Rng::new(7);
    let mut pick = |len: usize| rng.below(len.max(1) as u64) as usize;
    let mut found = Reads::default();
    if ids.is_empty() {
        return Ok(found);
    }
    let traces: Vec<&Id> = (0..count).map(|_| &ids[pick(ids.len())]).collect();
    let mut payloads: Vec<(&Id, Id, Field)> = Vec::new();
    for trace in &traces {
        let mut of_trace = Vec::new();
        snapshot.each_observation(trace, &mut |id, fields| {
            let field =
                [Field::Input, Field::Output].into_iter().find(|f| fields.payload(*f).is_some());
            of_trace.extend(field.map(|field| (id.clone(), field)));
            Ok(())
        })?;
        if !of_trace.is_empty() {
            let (id, field) = of_trace.swap_remove(pick(of_trace.len()));
            payloads.push((trace, id, field));
        }
    }
    let mut bytes = 0;
    for round in [&mut Reads::default(), &mut found] {
        bytes = 0;
        for trace in &traces {
            let (done, took) = timed(|| snapshot.trace(trace));
            black_box(done?);
            round.tree.push(took.wall.as_secs_f64() * 1e6);
            let (done, took) = timed(|| {
                let each = &mut |_: &Id, _, text: &[u8]| {
                    black_box(text.len());
                    Ok(())
                };
                snapshot.payloads(trace, each)
            });
            done?;
            round.trace.push(took.wall.as_secs_f64() * 1e6);
        }
        for (trace, id, field) in &payloads {
            let (done, took) = timed(|| match field {
                Field::Input => snapshot.input(trace, id),
                _ => snapshot.output(trace, id),
            });
            bytes += done?.map_or(0, |text| text.len());
            round.payload.push(took.wall.as_secs_f64() * 1e6);
        }
    }
    found.payload_bytes = bytes as f64 / payloads.len().max(1) as f64;
    Ok(found)
}
