//! How far a long task is.

use std::fmt;

/// How far a long task is, in bytes that it has to go through. They are weighed, not counted:
/// what is read twice counts twice, so that an even rate takes even time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// All there is to do.
    pub total: u64,
}

/// Goes through a task stage by stage, and tells of each step of a thousandth.
pub(crate) struct Meter<'a> {
    each: &'a mut dyn FnMut(Progress),
    at: Progress,
    told: u64,
    /// Where the stage begins, and how much it is.
    stage: (u64, u64),
}

impl fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

impl<'a> Meter<'a> {
    /// Nothing is done yet of this much. Says so at once.
    pub fn new(total: u64, each: &'a mut dyn FnMut(Progress)) -> Meter<'a> {
        let mut meter = Meter { each, at: Progress { done: 0, total }, told: 0, stage: (0, 0) };
        meter.tell();
        meter
    }

    /// The stage before is done, and the next one is so much of the whole.
    pub fn stage(&mut self, bytes: u64) {
        let (start, len) = self.stage;
        self.stage = (start.saturating_add(len), bytes);
        self.to(self.stage.0);
    }

    /// So much of this many steps of the stage is done.
    pub fn step(&mut self, done: u64, of: u64) {
        let (start, len) = self.stage;
        let part = u128::from(len) * u128::from(done.min(of)) / u128::from(of.max(1));
        self.to(start.saturating_add(part as u64));
    }

    /// Never back, nor past the end.
    fn to(&mut self, done: u64) {
        self.at.done = done.clamp(self.at.done, self.at.total);
        if self.at.done - self.told > self.at.total / 1000 {
            self.tell();
        }
    }

    /// All of it is done.
    pub fn finish(&mut self) {
        self.at.done = self.at.total;
        self.tell();
    }

    fn tell(&mut self) {
        self.told = self.at.done;
        (self.each)(self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward_in_steps_and_ends_at_the_end() {
        let mut seen = Vec::new();
        let mut each = |p: Progress| seen.push(p.done);
        let mut meter = Meter::new(100_000, &mut each);
        meter.stage(60_000);
        (0..=200_000).for_each(|i| meter.step(i, 200_000));
        meter.stage(40_000);
        meter.step(0, 0);
        meter.step(1, 2);
        meter.finish();
        assert!(seen.is_sorted() && seen.len() < 1_100, "{}", seen.len());
        assert!(seen.contains(&80_000));
        assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&100_000)));
    }
}
