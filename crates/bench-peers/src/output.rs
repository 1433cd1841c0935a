//! The only place that prints: answers on standard output, everything else on standard error.

use crate::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, Write};

/// How tables look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Aligned columns.
    Plain,
    /// To be pasted into a document.
    Markdown,
}

/// A line on standard error. Nobody may be listening there.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Lines on standard output.
pub(crate) fn text(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// One JSON value on one line.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    Ok(writeln!(out)?)
}

/// A table: names to the left, figures to the right.
pub(crate) fn table(style: Style, header: &[&str], rows: Vec<Vec<String>>) -> Result<()> {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Plain => presets::NOTHING,
        Style::Markdown => presets::ASCII_MARKDOWN,
    });
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for i in 0..header.len() {
        if let Some(column) = table.column_mut(i) {
            if style == Style::Plain {
                column.set_padding((0, 2));
            }
            let right = if i == 0 { CellAlignment::Left } else { CellAlignment::Right };
            column.set_cell_alignment(right);
        }
    }
    let mut out = io::stdout().lock();
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(writeln!(out)?)
}

/// Help, or what is wrong with the arguments. The latter ends the program, as usage errors do.
pub(crate) fn usage(error: &clap::Error) {
    if error.use_stderr() {
        error.exit();
    }
    let _ = error.print();
}
