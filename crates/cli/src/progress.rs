//! Progress with rate and remaining time, on standard error, only where that is a terminal.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use tracekeep::{Event, Listener};

/// A bar, or nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

const KNOWN_BYTES: &str = "{msg:12} [{bar:30}] {percent:>3}%  {decimal_bytes}  \
                           {decimal_bytes_per_sec}  {eta} left  {prefix}";

impl Progress {
    /// Over this many bytes; without an end where they are unknown.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Progress {
        let unknown = "{msg:12} {spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {prefix}";
        Progress::new(what, total, KNOWN_BYTES, unknown)
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
        bar.set_style(style(template));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// How far it is.
    pub(crate) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// How far a task of the engine is, which knows its bytes once it has begun.
    pub(crate) fn show(&self, progress: tracekeep::Progress) {
        if self.0.is_hidden() {
            return;
        }
        if self.0.length() != Some(progress.total) {
            self.0.set_style(style(KNOWN_BYTES));
            self.0.reset();
            self.0.set_length(progress.total);
        }
        self.0.set_position(progress.done);
    }

    /// Prints while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
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

/// Draws what the engine tells of sealing.
impl Listener for Progress {
    fn event(&self, event: &Event) {
        if let Event::Sealing(progress) = event {
            self.show(*progress);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .map(|style| style.progress_chars("=> "))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
