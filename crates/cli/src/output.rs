//! The only place that prints: answers on standard output, everything else on standard error.

use crate::exit::{Exit, Failure};
use crate::format;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// How a column of a table is set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Standard output, buffered.
pub(crate) struct Out {
    writer: BufWriter<StdoutLock<'static>>,
    terminal: bool,
    columns: usize,
}

impl Out {
    /// Standard output of this process.
    pub(crate) fn new() -> Out {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let size = console::Term::stdout().size_checked().filter(|_| terminal);
        let columns = size.map_or(100, |(_, columns)| usize::from(columns).max(40));
        Out { writer: BufWriter::with_capacity(64 << 10, stdout.lock()), terminal, columns }
    }

    /// Whether a person reads along.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Columns of the terminal, 100 where there is none.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// One line, without the blanks at its end. Foreign text in it has been through
    /// [`format::plain`].
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.writer.write_all(line.trim_end().as_bytes())?;
        Ok(self.writer.write_all(b"\n")?)
    }

    /// These bytes and nothing else.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// One JSON value on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.writer, value)?;
        Ok(self.writer.write_all(b"\n")?)
    }

    /// A table with a header line. Cells are foreign text: they are escaped here.
    pub(crate) fn table(
        &mut self,
        header: &[(&str, Align)],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if header.iter().any(|(name, _)| !name.is_empty()) {
            table.set_header(header.iter().map(|(name, _)| *name));
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| format::plain(cell)));
        }
        for (i, (_, align)) in header.iter().enumerate() {
            if let Some(column) = table.column_mut(i) {
                column.set_padding((0, 2));
                column.set_cell_alignment(match align {
                    Align::Left => CellAlignment::Left,
                    Align::Right => CellAlignment::Right,
                });
            }
        }
        for line in table.lines() {
            self.line(&line)?;
        }
        Ok(())
    }

    /// An aligned list of names and values.
    pub(crate) fn pairs(
        &mut self,
        pairs: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), Failure> {
        let rows = pairs.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
        self.table(&[("", Align::Left), ("", Align::Left)], rows)
    }

    /// Sends on what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

/// A line on standard error. Nobody may be listening there.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Why the command ended early, on standard error.
pub(crate) fn complain(failure: &Failure) {
    if let Failure::Told { message, hint, .. } = failure {
        note(&format!("tracekeep: {}", format::plain(message)));
        if let Some(hint) = hint {
            note(&format!("           {}", format::plain(hint)));
        }
    }
}

/// Help, version or what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
