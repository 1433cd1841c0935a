//! How far the run is, on standard error, only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A bar, or nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Over this many children.
    pub(crate) fn new(children: usize) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(children as u64);
        let template = "{msg:36} [{bar:30}] {pos}/{len}  {elapsed}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// What is being done.
    pub(crate) fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// One child more has ended.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// A line above the bar.
    pub(crate) fn note(&self, line: &str) {
        self.0.suspend(|| crate::output::note(line));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
