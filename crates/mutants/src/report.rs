//! What people see.

use crate::Args;
use crate::compile::Build;
use crate::list::Mutant;
use crate::trial::Fate;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::Write;

/// Says something on standard error.
pub(crate) fn note(what: &str) {
    let _gone = writeln!(std::io::stderr(), "{what}");
}

/// A bar over so many things.
pub(crate) fn bar(what: &str, total: usize) -> ProgressBar {
    let template = "{msg:16} [{bar:30}] {pos}/{len}  {per_sec}  {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style).with_message(what.to_owned())
}

#[derive(Debug, Default)]
struct Row {
    caught: usize,
    hung: usize,
    missed: usize,
    unviable: usize,
    elsewhere: usize,
}

impl Row {
    fn cells(&self, name: &str) -> [String; 7] {
        let tried = self.caught + self.hung + self.missed;
        let score = (self.caught + self.hung) as f64 * 100.0 / tried.max(1) as f64;
        let counts = [self.caught, self.hung, self.missed, self.unviable, self.elsewhere];
        let [caught, hung, missed, unviable, elsewhere] = counts.map(|n| n.to_string());
        [name.to_owned(), caught, hung, missed, format!("{score:.1} %"), unviable, elsewhere]
    }
}

/// The score by module, and every mutant that was missed.
pub(crate) fn print(args: &Args, mutants: &[Mutant], build: &Build, fates: &BTreeMap<usize, Fate>) {
    if args.json {
        for (number, fate) in fates {
            println!("{}", serde_json::json!({ "mutant": mutants[*number].name, "fate": fate }));
        }
        return;
    }
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (number, mutant) in mutants.iter().enumerate() {
        let module = mutant.file.rsplit_once('/').map_or("", |(module, _)| module);
        let row = rows.entry(module.to_owned()).or_default();
        match fates.get(&number) {
            Some(Fate::Caught(_)) => row.caught += 1,
            Some(Fate::Hung(_)) => row.hung += 1,
            Some(Fate::Missed(_)) => row.missed += 1,
            None if build.unviable.contains(&number) => row.unviable += 1,
            None => row.elsewhere += 1,
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["module", "caught", "hung", "missed", "score", "unviable", "not planted"]);
    let mut sum = Row::default();
    for (name, row) in &rows {
        table.add_row(row.cells(name));
        sum.caught += row.caught;
        sum.hung += row.hung;
        sum.missed += row.missed;
        sum.unviable += row.unviable;
        sum.elsewhere += row.elsewhere;
    }
    table.add_row(sum.cells("in all"));
    table.column_iter_mut().skip(1).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    println!("{table}");
    for (number, fate) in fates {
        if let Fate::Missed(tests) = fate {
            println!("missed by {tests} tests: {}", mutants[*number].name);
        }
    }
}
