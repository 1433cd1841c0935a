//! Rows of figures.

pub(crate) use tracekeep_measure::clock::{Took, median, proc_number, timed};

/// One section of the report.
#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    rows: Vec<[String; 5]>,
}

impl Table {
    pub(crate) fn new(title: &'static str) -> Table {
        let head = ["what", "median", "lowest .. highest", "CPU", "target"].map(str::to_owned);
        Table { title, rows: vec![head] }
    }

    /// A row of one figure a round, written with this unit.
    pub(crate) fn row(&mut self, what: &str, values: &[f64], unit: &str, cpu: &str, target: &str) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return };
        let spread = format!("{} .. {}", figure(*low), figure(*high));
        let median = format!("{} {unit}", figure(median(values)));
        self.rows.push([what.to_owned(), median, spread, cpu.to_owned(), target.to_owned()]);
    }

    /// Prints the section as a table of Markdown.
    pub(crate) fn print(&self) {
        if self.rows.len() > 1 {
            println!("\n### {}\n", self.title);
            print_rows(&self.rows);
        }
    }
}

/// Prints rows as a table of Markdown, the first as its head.
pub(crate) fn print_rows<R: AsRef<[String]>>(rows: &[R]) {
    let cell = |row: &R, i: usize| row.as_ref().get(i).map_or(0, String::len);
    let width = |i: usize| rows.iter().map(|row| cell(row, i)).max().unwrap_or(0);
    for (n, row) in rows.iter().enumerate() {
        let row = row.as_ref();
        let cells = row.iter().enumerate().map(|(i, cell)| format!("{cell:<w$}", w = width(i)));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if n == 0 {
            let rules = (0..row.len()).map(|i| "-".repeat(width(i)));
            println!("| {} |", rules.collect::<Vec<_>>().join(" | "));
        }
    }
}

/// Three digits that count.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
