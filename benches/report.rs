//! What the engine must reach, measured in a few rounds and printed as one table: median,
//! lowest and highest, the CPU that it took, and the target. `docs/benchmarks.md` is made of it.
//!
//! `cargo bench -p tracekeep --bench report`, with `TRACEKEEP_CORPUS` set for the rows of real
//! traces. `-- --test` runs everything once, small.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench ends where something fails, tells the time, and prints what it finds"
)]

mod common;
#[path = "report/limits.rs"]
mod limits;
#[path = "report/lists.rs"]
mod lists;
#[path = "report/memory.rs"]
mod memory;
#[path = "report/reads.rs"]
mod reads;
#[path = "report/scale.rs"]
mod scale;
#[path = "report/shapes.rs"]
mod shapes;
#[path = "report/table.rs"]
mod table;
#[path = "report/tails.rs"]
mod tails;
#[path = "report/writes.rs"]
mod writes;

use table::Table;

/// Rounds of each row, but for those that take long.
const ROUNDS: usize = 5;

/// Measures some rows.
type Section = fn(&mut Table);

fn rounds() -> usize {
    if common::is_test() { 1 } else { ROUNDS }
}

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sections: [(&str, Section); 15] = [
        ("memory", memory::memory),
        ("limits", limits::limits),
        ("agents", writes::agents_rows),
        ("unrelated", writes::unrelated_payloads),
        ("small", writes::small_observations),
        ("synced", writes::one_synced),
        ("corpus", writes::corpus),
        ("tree", reads::trees),
        ("payload", reads::payloads),
        ("shapes", shapes::shapes),
        ("sixteen", reads::sixteen),
        ("lists", lists::lists),
        ("open", writes::open),
        ("tails", tails::tails),
        ("scale", scale::scale),
    ];
    for (name, section) in sections {
        if only.is_empty() || only.iter().any(|o| o == name) {
            let mut table = Table::new(name);
            section(&mut table);
            table.print();
        }
    }
}
