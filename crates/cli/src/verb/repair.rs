//! `repair DIR OUT`: everything that can be read goes to a new store, and what cannot is listed.

use super::{must_be_there, not_made, now_ns, seconds_since};
use crate::args::Repair;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::Out;
use crate::progress::Progress;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use tracekeep::id::Id;
use tracekeep::model::{Field, Target};
use tracekeep::{Loss, Lost, RepairReport, Verdict};

#[derive(Debug, Serialize)]
struct LossJson {
    file: String,
    offset: u64,
    why: String,
    lost: &'static str,
    trace: Option<String>,
    observation: Option<String>,
    score: Option<String>,
    field: Option<&'static str>,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    count: u64,
    bytes: u64,
}

pub(super) fn run(args: &Repair, out: &mut Out) -> Result<Exit, Failure> {
    must_be_there(&args.dir)?;
    let start = now_ns();
    let (mut groups, mut failure) = (Groups::default(), None);
    let bar = Progress::things("repairing", None);
    let mut each = |loss: Loss| {
        if !args.json {
            groups.add(loss);
        } else if failure.is_none() {
            let printed = bar.aside(|| out.json(&shape(&loss)).and_then(|()| out.flush()));
            failure = printed.err();
        }
    };
    let result = tracekeep::repair(&args.dir, &args.out, &mut each);
    drop(bar);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let report = result.map_err(|error| not_made(&args.dir, error))?;
    let bar = Progress::bytes("verifying", None);
    let verdict = tracekeep::verify_with_progress(&args.out, &mut |_| {}, &mut |p| bar.show(p))?;
    drop(bar);
    let seconds = seconds_since(start);
    if args.json {
        out.json(&json!({
            "records": report.records,
            "losses": report.losses,
            "lost_bytes": report.lost_bytes,
            "seq": report.seq.0,
            "notes": report.notes,
            "verdict": if verdict == Verdict::Damaged { "damaged" } else { "clean" },
            "seconds": seconds,
        }))?;
    } else {
        groups.print(out)?;
        conclude(args, &report, verdict, seconds, out)?;
    }
    let whole = report.losses == 0 && verdict != Verdict::Damaged;
    Ok(if whole { Exit::Done } else { Exit::Findings })
}

fn conclude(
    args: &Repair,
    report: &RepairReport,
    verdict: Verdict,
    seconds: f64,
    out: &mut Out,
) -> Result<(), Failure> {
    for note in &report.notes {
        out.line(&format!("note: {}", format::plain(note)))?;
    }
    let lost = match report.losses {
        0 => "nothing".to_owned(),
        n => format!("{} things, {}", format::count(n), format::bytes(report.lost_bytes)),
    };
    let verified = match verdict {
        Verdict::Damaged => "DAMAGED: do not use it",
        _ => "clean",
    };
    out.pairs([
        ("new store", format::plain(&args.out.display().to_string()).into_owned()),
        ("records saved", format::count(report.records)),
        ("lost", lost),
        ("verified", verified.to_owned()),
        ("seconds", format!("{seconds:.2}")),
    ])
}

fn word(lost: Lost) -> &'static str {
    match lost {
        Lost::Records => "records",
        Lost::Rows => "rows",
        Lost::Details => "details",
        Lost::Field => "field",
        Lost::Erasures => "erasures",
        Lost::Times => "times",
        _ => "other",
    }
}

fn shape(loss: &Loss) -> LossJson {
    let (mut trace, mut observation, mut score) = (None, None, None);
    match &loss.target {
        Some(Target::Trace { trace: id }) => trace = Some(id.to_string()),
        Some(Target::Observation { trace: id, observation: own }) => {
            (trace, observation) = (Some(id.to_string()), Some(own.to_string()));
        }
        Some(Target::Score { score: id }) => score = Some(id.to_string()),
        None => {}
    }
    LossJson {
        file: loss.file.display().to_string(),
        offset: loss.offset,
        why: loss.why.clone(),
        lost: word(loss.what),
        trace,
        observation,
        score,
        field: loss.field.map(crate::fields::name),
        first_seq: loss.seqs.map(|(first, _)| first.0),
        last_seq: loss.seqs.and_then(|(_, last)| last).map(|last| last.0),
        count: loss.count,
        bytes: loss.bytes,
    }
}

/// So many traces are named for one damaged place.
const TRACES_NAMED: usize = 10;

/// What one damaged place cost: losses of one kind and field.
#[derive(Debug)]
struct Group {
    first: Loss,
    things: u64,
    bytes: u64,
    traces: Vec<Id>,
    trace_count: u64,
    last: Option<Id>,
}

/// Losses for people: by place, kind and field, in the order in which they were found.
#[derive(Debug, Default)]
struct Groups {
    groups: Vec<Group>,
    places: HashMap<(std::path::PathBuf, u64, Lost, Option<Field>), usize>,
}

impl Groups {
    fn add(&mut self, loss: Loss) {
        let key = (loss.file.clone(), loss.offset, loss.what, loss.field);
        let groups = &mut self.groups;
        let at = *self.places.entry(key).or_insert_with(|| {
            let (first, traces) = (loss.clone(), Vec::new());
            groups.push(Group { first, things: 0, bytes: 0, traces, trace_count: 0, last: None });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(at) else { return };
        group.things += loss.count;
        group.bytes += loss.bytes;
        // A trace's rows lie together.
        let trace = loss.trace().cloned();
        if trace.is_some() && trace != group.last {
            group.trace_count += 1;
            if group.traces.len() < TRACES_NAMED {
                group.traces.extend(trace.clone());
            }
            group.last = trace;
        }
    }

    fn print(&self, out: &mut Out) -> Result<(), Failure> {
        for group in &self.groups {
            let first = &group.first;
            let file = first.file.display().to_string();
            let line = format!("LOST  {:<28}  at byte {:>12}", format::plain(&file), first.offset);
            out.line(&line)?;
            let traces = match group.trace_count as usize {
                0 => String::new(),
                _ => {
                    let named: Vec<String> = group.traces.iter().map(Id::to_string).collect();
                    let more = if group.trace_count as usize > named.len() { ", ..." } else { "" };
                    let count = format::count(group.trace_count);
                    format!("{count}: {}{more}", named.join(", "))
                }
            };
            for (name, text) in
                [("why", first.why.clone()), ("what", group.what()), ("traces", traces)]
            {
                if !text.is_empty() {
                    out.line(&format!("      {name:<6}  {}", format::plain(&text)))?;
                }
            }
        }
        Ok(())
    }
}

impl Group {
    fn what(&self) -> String {
        let things = format::count(self.things);
        let what = match (self.first.what, self.first.seqs, self.first.field) {
            (Lost::Records, Some((first, Some(last))), _) => {
                format!("records of seqs {first} to {last}")
            }
            (Lost::Records, Some((first, None)), _) => format!("records from seq {first} on"),
            (Lost::Records, None, _) => format!("{things} records"),
            (Lost::Rows, ..) => format!("{things} rows, whose ids are not readable"),
            (Lost::Details, ..) => {
                format!("what {things} rows said without a column, and when they said it")
            }
            (Lost::Field, _, Some(field)) => {
                format!("{} of {things}", crate::fields::name(field))
            }
            (Lost::Erasures, ..) => "which older rows were erased: some may be back".to_owned(),
            (Lost::Times, ..) => format!("when it was said, of {things}; the values are kept"),
            _ => format!("{things} things"),
        };
        match self.bytes {
            0 => what,
            bytes => format!("{what}; {}", format::bytes(bytes)),
        }
    }
}
