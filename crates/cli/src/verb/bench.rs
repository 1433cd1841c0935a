//! `bench DIR`: the standard measurements on this machine, comparable between releases.

use crate::args::Bench;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::{Align, Out, note};
use crate::progress::Progress;
use crate::scratch;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tracekeep_measure::machine::machine;
use tracekeep_measure::suite::{self, Better, Effort, ROWS, Row};

/// What `--json` prints and `--compare` reads.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    version: String,
    /// Whether the figures are of a quick run, which say little.
    quick: bool,
    machine: Machine,
    rows: Vec<Line>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Machine {
    processor: String,
    cores: usize,
    memory_bytes: u64,
    system: String,
    file_system: String,
    disk_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    unit: String,
    /// `higher` or `lower`.
    better: String,
    median: f64,
    low: f64,
    high: f64,
}

pub(super) fn run(args: &Bench, out: &mut Out) -> Result<Exit, Failure> {
    let old = args.compare.as_deref().map(read_report).transpose()?;
    empty_directory(&args.dir)?;
    let effort = if args.quick { Effort::Quick } else { Effort::Full };
    let bar = Progress::things("measuring", Some(ROWS));
    let mut rows = Vec::new();
    let room = scratch::room(&args.dir)?;
    let result = suite::run(room.path(), effort, &mut |row| {
        rows.push(line(&row));
        bar.at(rows.len() as u64);
        bar.say(|| row.name.clone());
        Ok(())
    });
    result.map_err(|error| Failure::of_store(&args.dir, &error))?;
    drop(bar);
    let found = machine(&args.dir);
    let report = Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        quick: args.quick,
        machine: Machine {
            processor: found.processor,
            cores: found.cores,
            memory_bytes: found.memory_bytes,
            system: found.system,
            file_system: found.file_system,
            disk_bytes: found.disk_bytes,
        },
        rows,
    };
    if args.json {
        out.json(&report)?;
        if let Some(old) = &old {
            differences(old, &report).iter().for_each(|line| note(line));
        }
        return Ok(Exit::Done);
    }
    match &old {
        Some(old) => compare(old, &report, out)?,
        None => print(&report, out)?,
    }
    Ok(Exit::Done)
}

/// The directory, made where there is none. What is in it is never mixed with measurements.
fn empty_directory(dir: &Path) -> Result<(), Failure> {
    let refused = |error: std::io::Error| {
        Failure::refused(format!("{}: cannot be used: {error}", dir.display()), None)
    };
    std::fs::create_dir_all(dir).map_err(refused)?;
    #[expect(clippy::disallowed_methods, reason = "a look at the user's directory, no store's")]
    let mut entries = std::fs::read_dir(dir).map_err(refused)?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!(
            "{}: is not empty: name a new directory on the disk to be measured",
            dir.display()
        ))),
    }
}

fn read_report(file: &Path) -> Result<Report, Failure> {
    let wrong = |what: String| Failure::usage(format!("{}: {what}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("was not printed by bench --json: {error}")))
}

fn line(row: &Row) -> Line {
    let better = match row.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    };
    Line {
        name: row.name.clone(),
        unit: row.unit.to_owned(),
        better: better.to_owned(),
        median: row.median,
        low: row.low,
        high: row.high,
    }
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format::count(value.round() as u64),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn head(report: &Report, out: &mut Out) -> Result<(), Failure> {
    let Machine { processor, cores, memory_bytes, system, file_system, .. } = &report.machine;
    let memory = format::bytes(*memory_bytes);
    let quick = if report.quick { "; a quick run: the figures say little" } else { "" };
    let machine = format!("{processor}, {cores} cores, {memory}, {system}, {file_system}");
    out.line(&format::plain(&format!("tracekeep {}; {machine}{quick}", report.version)))?;
    out.line("")
}

fn print(report: &Report, out: &mut Out) -> Result<(), Failure> {
    head(report, out)?;
    let header = [
        ("what", Align::Left),
        ("median", Align::Right),
        ("", Align::Left),
        ("lowest .. highest", Align::Right),
    ];
    let rows = report.rows.iter().map(|row| {
        let spread = format!("{} .. {}", figure(row.low), figure(row.high));
        vec![row.name.clone(), figure(row.median), row.unit.clone(), spread]
    });
    out.table(&header, rows)
}

fn compare(old: &Report, new: &Report, out: &mut Out) -> Result<(), Failure> {
    head(new, out)?;
    for line in differences(old, new) {
        out.line(&format::plain(&line))?;
    }
    let header = [
        ("what", Align::Left),
        ("before", Align::Right),
        ("now", Align::Right),
        ("", Align::Left),
        ("now / before", Align::Right),
        ("", Align::Left),
    ];
    let rows = new.rows.iter().map(|row| {
        let before = old.rows.iter().find(|o| o.name == row.name && o.unit == row.unit);
        let (before, ratio, verdict) = match before {
            Some(before) => {
                let ratio = row.median / before.median;
                (figure(before.median), format!("{ratio:.2}x"), verdict(before, row))
            }
            None => ("-".to_owned(), "-".to_owned(), "new"),
        };
        vec![
            row.name.clone(),
            before,
            figure(row.median),
            row.unit.clone(),
            ratio,
            verdict.to_owned(),
        ]
    });
    out.table(&header, rows)?;
    for gone in old.rows.iter().filter(|o| new.rows.iter().all(|row| row.name != o.name)) {
        out.line(&format::plain(&format!("no longer measured: {}", gone.name)))?;
    }
    Ok(())
}

/// Nothing where the spreads meet: the difference may be noise.
fn verdict(before: &Line, now: &Line) -> &'static str {
    let (up, down) = (now.low > before.high, now.high < before.low);
    match (up, down, now.better == "higher") {
        (true, _, true) | (_, true, false) => "better",
        (true, _, false) | (_, true, true) => "worse",
        _ => "",
    }
}

/// Why the two may not be compared.
fn differences(old: &Report, new: &Report) -> Vec<String> {
    let (a, b) = (&old.machine, &new.machine);
    let mut found = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            found.push(format!("the {what} differs: {old} before, {new} now"));
        }
    };
    differs("processor", a.processor.clone(), b.processor.clone());
    differs("number of cores", a.cores.to_string(), b.cores.to_string());
    differs("memory", format::bytes(a.memory_bytes), format::bytes(b.memory_bytes));
    differs("system", a.system.clone(), b.system.clone());
    differs("file system", a.file_system.clone(), b.file_system.clone());
    differs("disk", format::bytes(a.disk_bytes), format::bytes(b.disk_bytes));
    let effort = |quick: bool| if quick { "a quick run" } else { "a full run" }.to_owned();
    differs("effort", effort(old.quick), effort(new.quick));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(better: &str, low: f64, high: f64) -> Line {
        let (name, unit) = ("append".to_owned(), "MB/s".to_owned());
        Line { name, unit, better: better.to_owned(), median: (low + high) / 2.0, low, high }
    }

    #[test]
    fn a_difference_counts_where_the_spreads_do_not_meet() {
        let before = row("higher", 10.0, 12.0);
        assert_eq!(verdict(&before, &row("higher", 13.0, 14.0)), "better");
        assert_eq!(verdict(&before, &row("higher", 8.0, 9.0)), "worse");
        assert_eq!(verdict(&before, &row("higher", 8.0, 11.0)), "");
        let before = row("lower", 10.0, 12.0);
        assert_eq!(verdict(&before, &row("lower", 13.0, 14.0)), "worse");
        assert_eq!(verdict(&before, &row("lower", 8.0, 9.0)), "better");
    }
}
