//! Progress with rate and remaining time, on standard error, only where that is a terminal.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A bar, or nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Over this many bytes; without an end where they are unknown.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Progress {
        let known = "{msg:12} [{bar:30}] {percent:>3}%  {decimal_bytes}  \
                     {decimal_bytes_per_sec}  {eta} left  {prefix}";
        let unknown = "{msg:12} {spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {prefix}";
        Progress::new(what, total, known, unknown)
    }

    /// Over this many things; without an end where they are unknown.
    pub(crate) fn things(what: &str, total: Option<u64>) -> Progress {
        let known = "{msg:12} [{bar:30}] {percent:>3}%  {human_pos}  {per_sec}  {eta} left";
        let unknown = "{msg:12} {spinner} {human_pos}  {per_sec}  {elapsed}";
        Progress::new(what, total, known, unknown)
    }

    fn new(what: &str, total: Option<u64>, known: &str, unknown: &str) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), known),
            None => (ProgressBar::new_spinner(), unknown),
        };
        let style = ProgressStyle::with_template(template)
            .map(|style| style.progress_chars("=> "))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// How far it is.
    pub(crate) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// A word beside the bar.
    pub(crate) fn say(&self, text: impl FnOnce() -> String) {
        if !self.0.is_hidden() {
            self.0.set_prefix(text());
        }
    }

    /// A line on standard error, above the bar.
    pub(crate) fn note(&self, line: &str) {
        self.0.suspend(|| output::note(line));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
