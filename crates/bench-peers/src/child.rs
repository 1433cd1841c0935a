//! The process that works on one engine, once.

use crate::engine::answers::Answers;
use crate::engine::names::Open;
use crate::engine::{Engine, Reader};
use crate::job::{Job, Measures, Phase};
use crate::process::{disk_bytes, evict, peak_memory_bytes, timed};
use crate::{Result, fault, output};
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracekeep::Id;
use tracekeep::model::Record;
use tracekeep_measure::disk::written_bytes;

/// The word before the path of a job.
pub(crate) const CHILD: &str = "child";
const OPENS: usize = 5;
const SCANS: usize = 3;
const COLD_READS: usize = 20;
/// One kind of question is asked so often, unless it takes too long.
const CALLS: usize = 1_000;
const CALLS_LEAST: usize = 20;
const CALLS_TIME: Duration = Duration::from_millis(1_500);
/// Batches of a stream that are in memory at once.
const STREAM_BATCHES: usize = 64;

/// The job of this process, if it is a child.
pub(crate) fn job_path() -> Option<PathBuf> {
    let mut args = std::env::args_os().skip(1);
    (args.next()? == CHILD).then(|| args.next().map(PathBuf::from)).flatten()
}

/// Does a job and prints what it measured.
pub(crate) fn run(path: &Path, open: Open) -> Result<()> {
    let job: Job = serde_json::from_slice(&std::fs::read(path)?)?;
    let child = Child { job, open };
    output::json(&match child.job.phase {
        Phase::Append => child.append()?,
        Phase::Read => child.read()?,
        Phase::Crash => return child.crash(),
        Phase::Recover => child.recover()?,
        Phase::Stream => child.stream()?,
    })
}

struct Child {
    job: Job,
    open: Open,
}

impl Child {
    fn opened(&self) -> Result<Box<dyn Engine>> {
        (self.open)(self.job.engine, &self.job.setup)
    }

    /// The whole input, in memory.
    fn batches(&self) -> Result<Vec<Vec<Record>>> {
        let (records, _) = self.job.input.load()?;
        Ok(tracekeep_workload::batches(records, self.job.batch).collect())
    }

    fn append(&self) -> Result<Measures> {
        let batches = self.batches()?;
        let dir = &self.job.setup.dir;
        let mut engine = self.opened()?;
        let before = written_bytes(dir);
        let in_flight = self.job.in_flight;
        let ((), append_s, append_cpu_s) = timed(|| engine.append(batches, in_flight))?;
        let ((), settle_s, settle_cpu_s) = timed(|| engine.settle())?;
        engine.close()?;
        let settled_bytes = disk_bytes(dir)?;
        let after = written_bytes(dir);
        let written = before.zip(after).map(|(before, after)| after.saturating_sub(before));
        let appends = self.job.engine.appends().then_some(());
        Ok(Measures {
            append_s: appends.map(|()| append_s),
            append_cpu_s: appends.map(|()| append_cpu_s),
            settle_s: Some(settle_s),
            settle_cpu_s: Some(settle_cpu_s),
            written_bytes: written,
            settled_bytes: Some(settled_bytes),
            ..Measures::default()
        })
    }

    fn read(&self) -> Result<Measures> {
        let mut measures = Measures::default();
        let mut engine = self.opened()?;
        if engine.reader().is_none() {
            return Ok(measures);
        }
        for _ in 0..OPENS {
            engine.close()?;
            let (opened, seconds, _) = timed(|| self.opened())?;
            engine = opened;
            measures.open_us.push(seconds * 1e6);
        }
        let (traces, inputs) = self.picks()?;
        {
            let reader = engine.reader().ok_or_else(|| fault("the engine answers no more"))?;
            // Every page that the questions need is in memory after this.
            measures.answers = Some(Answers::of(reader, &traces, &inputs)?);
            measures.trace_us = calls(&traces, |trace| whole(reader, trace))?;
            measures.tree_us = calls(&traces, |trace| reader.tree(trace))?;
            measures.payload_us = calls(&inputs, |(trace, id)| reader.input(trace, id))?;
            for _ in 0..SCANS {
                let (costs, seconds, _) = timed(|| reader.scan())?;
                black_box(costs);
                measures.scan_us.push(seconds * 1e6);
            }
        }
        for trace in traces.iter().take(COLD_READS) {
            engine.close()?;
            evict(&self.job.setup.dir)?;
            engine = self.opened()?;
            let reader = engine.reader().ok_or_else(|| fault("the engine answers no more"))?;
            let (_, seconds, _) = timed(|| whole(reader, trace))?;
            measures.trace_cold_us.push(seconds * 1e6);
        }
        engine.close()?;
        Ok(measures)
    }

    /// Says that everything is acknowledged, and waits to be killed. An end of its input is the
    /// runner's.
    fn crash(&self) -> Result<()> {
        let batches = self.batches()?;
        let mut engine = self.opened()?;
        engine.append(batches, self.job.in_flight)?;
        output::json(&Measures::default())?;
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Err(fault("nobody killed it"))
    }

    fn recover(&self) -> Result<Measures> {
        let (mut engine, recover_s, _) = timed(|| self.opened())?;
        engine.settle()?;
        let (traces, inputs) = self.picks()?;
        let answers = engine.reader().map(|reader| Answers::of(reader, &traces, &inputs));
        let answers = answers.transpose()?;
        engine.close()?;
        // Without answers nobody knows whether anything is lost.
        let recover_s = answers.is_some().then_some(recover_s);
        Ok(Measures { recover_s, answers, ..Measures::default() })
    }

    /// Events come through a pipe, so that no input is in this process's memory.
    fn stream(&self) -> Result<Measures> {
        let mut engine = self.opened()?;
        let mut records = Vec::new();
        let flush = |engine: &mut Box<dyn Engine>, records: &mut Vec<Record>| {
            let some = std::mem::take(records);
            let batches = tracekeep_workload::batches(some, self.job.batch).collect();
            engine.append(batches, self.job.in_flight)
        };
        self.job.input.each(&mut |record, _| {
            records.push(record);
            match records.len() < self.job.batch * STREAM_BATCHES {
                true => Ok(()),
                false => flush(&mut engine, &mut records),
            }
        })?;
        flush(&mut engine, &mut records)?;
        engine.settle()?;
        engine.close()?;
        let engine = self.opened()?;
        let (traces, inputs) = self.picks()?;
        let answers = engine.reader().map(|reader| Answers::of(reader, &traces, &inputs));
        engine.close()?;
        Ok(Measures {
            peak_memory_bytes: peak_memory_bytes(),
            answers: answers.transpose()?,
            ..Measures::default()
        })
    }

    #[allow(clippy::type_complexity, reason = "two lists")]
    fn picks(&self) -> Result<(Vec<Id>, Vec<(Id, Id)>)> {
        let survey = &self.job.survey;
        let traces = survey.picked_traces.iter().map(|t| Ok(Id::parse(t)?));
        let inputs = survey.picked_inputs.iter();
        let inputs = inputs.map(|(trace, id)| Ok((Id::parse(trace)?, Id::parse(id)?)));
        Ok((traces.collect::<Result<_>>()?, inputs.collect::<Result<_>>()?))
    }
}

/// A whole trace: its skeletons and every payload, looked at but not kept.
fn whole(reader: &dyn Reader, trace: &Id) -> Result<usize> {
    let mut bytes = 0;
    let count = reader.whole(trace, &mut |_, _, payload| {
        bytes += black_box(payload).len();
        Ok(())
    })?;
    black_box(bytes);
    Ok(count)
}

/// Microseconds of each call, over the picks again and again.
fn calls<P, T>(picks: &[P], mut call: impl FnMut(&P) -> Result<T>) -> Result<Vec<f64>> {
    let (start, mut took) = (Instant::now(), Vec::with_capacity(CALLS));
    for pick in picks.iter().cycle().take(CALLS) {
        if took.len() >= CALLS_LEAST && start.elapsed() > CALLS_TIME {
            break;
        }
        let before = Instant::now();
        black_box(call(pick)?);
        took.push(before.elapsed().as_secs_f64() * 1e6);
    }
    Ok(took)
}
