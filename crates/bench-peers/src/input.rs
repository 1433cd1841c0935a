//! Where events come from: a file, a generator, or a pipe from the runner.

use crate::{Result, fault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use tracekeep::Id;
use tracekeep::model::{Body, Field, Record, Target, Value};
use tracekeep_langfuse::{Mapped, map_line, record_event};
use tracekeep_workload::{
    AgentOptions, Arrivals, Rng, Shape, agent_trace, big_trace, small_observations,
    unrelated_payloads,
};

/// As the decoder's name for it: windows up to 2^31 bytes, which is what `zstd --long=31` writes.
const WINDOW_LOG_MAX: u32 = 31;
const BUFFER_BYTES: usize = 1 << 20;
const SEED: u64 = 42;
/// Traces, and inputs, that are asked for.
const PICKS: usize = 200;
const TREE_OBSERVATIONS: u64 = 100_000;

/// What can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Tool-calling agents that send the conversation again with each call; interleaved, some
    /// observations in pieces, late or twice.
    Agents,
    /// Agents of four kinds, retrieval, chat, batch jobs; likewise.
    Mixture,
    /// Inputs of 10 to 200 KB that have nothing in common.
    Unrelated,
    /// Observations of about 1 KB.
    Small,
    /// One trace of 100,000 observations.
    Tree,
}

/// A source of events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Input {
    /// Lines of events, plain or zstd.
    File(PathBuf),
    /// Made up, up to so many bytes of JSON.
    Generated(Kind, u64),
    /// Lines on standard input.
    Pipe,
}

impl Input {
    /// As the report calls it.
    pub(crate) fn name(&self) -> String {
        match self {
            Input::File(path) => {
                path.file_name().map_or_else(|| "?".into(), |n| n.to_string_lossy().into_owned())
            }
            Input::Generated(kind, bytes) => {
                format!("generated: {kind:?}, {} MB of JSON", bytes / 1_000_000).to_lowercase()
            }
            Input::Pipe => "pipe".into(),
        }
    }

    /// Hands out every record with the bytes of JSON that it stands for (a line that holds several
    /// counts with its first).
    pub(crate) fn each(&self, each: &mut dyn FnMut(Record, u64) -> Result<()>) -> Result<()> {
        match self {
            Input::Generated(kind, bytes) => generate(*kind, *bytes, each),
            Input::Pipe => each_line(&mut std::io::stdin().lock(), each),
            Input::File(path) => each_line(&mut open_lines(path)?, each),
        }
    }

    /// All of it in memory, and its bytes of JSON.
    pub(crate) fn load(&self) -> Result<(Vec<Record>, u64)> {
        let (mut records, mut total) = (Vec::new(), 0);
        self.each(&mut |record, bytes| {
            records.push(record);
            total += bytes;
            Ok(())
        })?;
        Ok((records, total))
    }
}

/// The lines of a file, decompressed if it begins as zstd does.
pub(crate) fn open_lines(path: &Path) -> Result<Box<dyn BufRead>> {
    let cannot = |error| fault(format!("{}: cannot be read: {error}", path.display()));
    let mut file = File::open(path).map_err(cannot)?;
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic).map_err(cannot)?;
    file.rewind()?;
    if magic != [0x28, 0xb5, 0x2f, 0xfd] {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)));
    }
    let mut decoder = zstd::stream::read::Decoder::new(file)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
}

fn each_line(
    lines: &mut dyn BufRead,
    each: &mut dyn FnMut(Record, u64) -> Result<()>,
) -> Result<()> {
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let mut bytes = lines.read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            break;
        }
        let mut outcome = Ok(());
        map_line(&line, &mut |mapped| {
            if outcome.is_err() {
                return;
            }
            outcome = match mapped {
                Ok(Mapped::Record(record)) => each(record, std::mem::take(&mut bytes)),
                Ok(Mapped::Ignored) => Ok(()),
                Err(rejected) => Err(fault(format!("line {number}: {rejected}"))),
            };
        });
        outcome?;
    }
    Ok(())
}

fn generate(
    kind: Kind,
    bytes_max: u64,
    each: &mut dyn FnMut(Record, u64) -> Result<()>,
) -> Result<()> {
    fn agents(seed: u64, n: u64, start: tracekeep::model::Timestamp) -> Vec<Record> {
        agent_trace(seed, n, start, &AgentOptions::default())
    }
    let records: Box<dyn Iterator<Item = Record>> = match kind {
        Kind::Agents => Box::new(Arrivals::of(agents, SEED, Shape::default())),
        Kind::Mixture => Box::new(Arrivals::new(SEED, Shape::default())),
        Kind::Unrelated => Box::new(unrelated_payloads(SEED, 10_000, 200_000)),
        Kind::Small => Box::new(small_observations(SEED)),
        Kind::Tree => Box::new(big_trace(SEED, TREE_OBSERVATIONS)),
    };
    let (mut line, mut total) = (Vec::new(), 0);
    for record in records {
        line.clear();
        record_event(&record, &mut line);
        let bytes = line.len() as u64;
        total += bytes;
        if total > bytes_max {
            break;
        }
        each(record, bytes)?;
    }
    Ok(())
}

/// What is in the input, and what the questions will be about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Survey {
    pub(crate) json_bytes: u64,
    pub(crate) records: u64,
    pub(crate) traces: u64,
    pub(crate) observations: u64,
    /// Traces to ask for, as text.
    pub(crate) picked_traces: Vec<String>,
    /// Trace and observation whose input to ask for.
    pub(crate) picked_inputs: Vec<(String, String)>,
}

/// Reads everything once.
pub(crate) fn survey(input: &Input) -> Result<Survey> {
    let mut survey = Survey::default();
    let (mut traces, mut observations) = (BTreeSet::<Id>::new(), BTreeSet::<(Id, Id)>::new());
    let mut inputs = BTreeSet::<(Id, Id)>::new();
    input.each(&mut |record, bytes| {
        survey.json_bytes += bytes;
        survey.records += 1;
        if record.body == Body::Tombstone {
            return Err(fault("an event erases; the peers do not know how to"));
        }
        let has_input = |record: &Record| {
            let mut fields = record.fields().iter();
            fields.any(|f| {
                f.field == Field::Input && matches!(&f.value, Value::Payload(p) if p.len() > 16)
            })
        };
        if let Target::Observation { trace, observation } = &record.target {
            let pair = (trace.clone(), observation.clone());
            if has_input(&record) {
                inputs.insert(pair.clone());
            }
            observations.insert(pair);
            traces.insert(trace.clone());
        }
        Ok(())
    })?;
    if traces.is_empty() {
        return Err(fault("the input has no observations"));
    }
    (survey.traces, survey.observations) = (traces.len() as u64, observations.len() as u64);
    let picked = pick(traces.into_iter().collect());
    survey.picked_traces = picked.iter().map(Id::to_string).collect();
    let picked = pick(inputs.into_iter().collect());
    survey.picked_inputs = picked.iter().map(|(t, o)| (t.to_string(), o.to_string())).collect();
    Ok(survey)
}

/// Some of these, in an order without pattern, the same each time.
fn pick<T>(mut all: Vec<T>) -> Vec<T> {
    let mut rng = Rng::new(7);
    for at in (1..all.len()).rev() {
        all.swap(at, rng.below(at as u64 + 1) as usize);
    }
    all.truncate(PICKS);
    all
}
