//! What all rounds say together: as tables, as JSON.

use crate::Result;
use crate::args::Args;
use crate::engine::{Name, Setting};
use crate::input::{Input, Survey};
use crate::job::Measures;
use crate::machine::Machine;
use crate::output::{self, Style};
use crate::stats::{median, percentile, range};
use serde_json::{Map, Value, json};

/// One engine: what its children measured.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) engine: Name,
    pub(crate) rounds: Vec<Measures>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) args: &'a Args,
    pub(crate) input: &'a Input,
    pub(crate) survey: &'a Survey,
    pub(crate) machine: &'a Machine,
    pub(crate) rows: &'a [Row],
}

/// A figure of the report: its key in JSON, its column, and how a round gives it.
pub(crate) struct Figure {
    pub(crate) key: &'static str,
    pub(crate) column: &'static str,
    /// What the column divides by.
    unit: f64,
    /// Decimals in JSON are cut to this many; bytes have none.
    decimals: i32,
    of: fn(&Measures, f64) -> Option<f64>,
}

const fn figure(
    key: &'static str,
    column: &'static str,
    unit: f64,
    decimals: i32,
    of: fn(&Measures, f64) -> Option<f64>,
) -> Figure {
    Figure { key, column, unit, decimals, of }
}

/// The bytes of JSON are passed to each.
pub(crate) const FIGURES: &[Figure] = &[
    figure("append_mb_s", "append MB/s", 1.0, 1, |m, bytes| Some(bytes / 1e6 / m.append_s?)),
    figure("append_cpu_s", "CPU s", 1.0, 3, |m, _| m.append_cpu_s),
    figure("settle_s", "settle s", 1.0, 3, |m, _| m.settle_s),
    figure("settle_cpu_s", "settle CPU s", 1.0, 3, |m, _| m.settle_cpu_s),
    figure("written_bytes", "written MB", 1e6, 0, |m, _| Some(m.written_bytes? as f64)),
    figure("settled_bytes", "settled MB", 1e6, 0, |m, _| Some(m.settled_bytes? as f64)),
    figure("trace_p50_us", "trace p50 us", 1.0, 2, |m, _| percentile(&m.trace_us, 50.0)),
    figure("trace_p99_us", "trace p99 us", 1.0, 2, |m, _| percentile(&m.trace_us, 99.0)),
    figure("trace_cold_p50_us", "cold p50 us", 1.0, 1, |m, _| percentile(&m.trace_cold_us, 50.0)),
    figure("trace_cold_p99_us", "cold p99 us", 1.0, 1, |m, _| percentile(&m.trace_cold_us, 99.0)),
    figure("tree_p50_us", "tree p50 us", 1.0, 2, |m, _| percentile(&m.tree_us, 50.0)),
    figure("payload_p50_us", "payload p50 us", 1.0, 2, |m, _| percentile(&m.payload_us, 50.0)),
    figure("scan_ms", "scan ms", 1.0, 3, |m, _| Some(median(&m.scan_us)? / 1e3)),
    figure("open_ms", "open ms", 1.0, 3, |m, _| Some(median(&m.open_us)? / 1e3)),
    figure("recover_ms", "after kill ms", 1.0, 2, |m, _| Some(m.recover_s? * 1e3)),
    figure("peak_memory_bytes", "memory MB", 1e6, 0, |m, _| Some(m.peak_memory_bytes? as f64)),
];

impl Figure {
    /// What a value is divided by for people.
    pub(crate) fn unit(&self) -> f64 {
        self.unit
    }
}

impl Row {
    pub(crate) fn new(engine: Name) -> Row {
        Row { engine, rounds: Vec::new() }
    }

    /// The values of the rounds that have one.
    pub(crate) fn values(&self, figure: &Figure, json_bytes: u64) -> Vec<f64> {
        self.rounds.iter().filter_map(|m| (figure.of)(m, json_bytes as f64)).collect()
    }
}

impl Report<'_> {
    pub(crate) fn median(&self, row: &Row, figure: &Figure) -> Option<f64> {
        median(&row.values(figure, self.survey.json_bytes))
    }

    fn reference(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.engine == Name::Tracekeep)
    }

    /// How many times tracekeep's a figure is.
    fn ratio(&self, row: &Row, figure: &Figure) -> Option<f64> {
        let own = self.median(self.reference()?, figure)?;
        Some(self.median(row, figure)? / own).filter(|ratio| ratio.is_finite())
    }

    /// Prints what was asked for.
    pub(crate) fn print(&self) -> Result<()> {
        match self.args.json {
            true => output::json(&self.json()),
            false => self.tables(),
        }
    }

    /// In a sentence, what was stored and how.
    pub(crate) fn line(&self) -> String {
        let Survey { json_bytes, records, traces, observations, .. } = self.survey;
        let Args { batch, in_flight, rounds, sync, .. } = self.args;
        format!(
            "{}: {} MB of JSON, {records} records, {observations} observations, {traces} traces; \
             batches of {batch}, {in_flight} in flight, sync {sync:?}, {rounds} rounds",
            self.input.name(),
            json_bytes / 1_000_000,
        )
    }

    fn tables(&self) -> Result<()> {
        output::text(&self.line())?;
        output::text(&format!("{}\n", self.machine.line()))?;
        output::text("medians\n")?;
        self.table(&|row, figure| {
            self.median(row, figure).map_or_else(dash, |value| short(value / figure.unit))
        })?;
        output::text("lowest .. highest\n")?;
        self.table(&|row, figure| {
            let range = range(&row.values(figure, self.survey.json_bytes));
            range.map_or_else(dash, |(least, most)| {
                format!("{} .. {}", short(least / figure.unit), short(most / figure.unit))
            })
        })?;
        if self.reference().is_some() {
            output::text("times tracekeep's\n")?;
            self.table(&|row, figure| self.ratio(row, figure).map_or_else(dash, short))?;
        }
        output::text("as its documents advise\n")?;
        for row in self.rows {
            for Setting { what, document } in row.engine.settings() {
                output::text(&format!("{}: {what} ({document})", row.engine))?;
            }
        }
        Ok(())
    }

    fn table(&self, cell: &dyn Fn(&Row, &Figure) -> String) -> Result<()> {
        let style = if self.args.markdown { Style::Markdown } else { Style::Plain };
        let mut header = vec!["engine"];
        header.extend(FIGURES.iter().map(|figure| figure.column));
        let rows = self.rows.iter().map(|row| {
            let cells = FIGURES.iter().map(|figure| cell(row, figure));
            std::iter::once(row.engine.to_string()).chain(cells).collect()
        });
        output::table(style, &header, rows.collect())
    }

    fn json(&self) -> Value {
        let engines = self.rows.iter().map(|row| {
            let mut object = Map::new();
            object.insert("engine".into(), json!(row.engine));
            let (mut spread, mut ratios) = (Map::new(), Map::new());
            for figure in FIGURES {
                let value = |value: f64| number(value, figure.decimals);
                object.insert(figure.key.into(), json!(self.median(row, figure).map(value)));
                let range = range(&row.values(figure, self.survey.json_bytes));
                let range = range.map(|(least, most)| [value(least), value(most)]);
                spread.insert(figure.key.into(), json!(range));
                let ratio = self.ratio(row, figure).map(|ratio| number(ratio, 3));
                ratios.insert(figure.key.into(), json!(ratio));
            }
            object.insert("spread".into(), spread.into());
            object.insert("ratio_to_tracekeep".into(), ratios.into());
            object.insert("settings".into(), json!(row.engine.settings()));
            Value::from(object)
        });
        let Survey { json_bytes, records, traces, observations, .. } = self.survey;
        let Args { batch, in_flight, rounds, sync, parquet_level, .. } = self.args;
        let debug = cfg!(debug_assertions);
        json!({
            "engines": engines.collect::<Vec<_>>(),
            "machine": self.machine,
            "input": {
                "name": self.input.name(), "json_bytes": json_bytes, "records": records,
                "traces": traces, "observations": observations,
            },
            "run": {
                "sync": sync, "batch": batch, "in_flight": in_flight, "rounds": rounds,
                "parquet_level": parquet_level, "debug_build": debug,
            },
            "cold": COLD,
            "answers": "alike",
        })
    }
}

/// What cold means here.
const COLD: &str = "the engine was closed, its files synced and their pages dropped from the page \
                    cache (posix_fadvise DONTNEED); opened again, the first read is timed";

fn number(value: f64, decimals: i32) -> Value {
    let scale = 10f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if decimals == 0 { json!(rounded as i64) } else { json!(rounded) }
}

fn dash() -> String {
    "-".to_owned()
}

/// About three digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.095 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
