//! Exploring random workloads for as long as somebody wants.

use super::explorer::{Explorer, Found, Reach};
use super::scripts::thinnest;
use super::seen::Seen;
use super::tally::Tally;
use crate::drive::Script;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A walk through the random workloads of a seed, which can be taken up where it stopped.
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    next: AtomicU64,
    seen: Seen,
    done: Mutex<(Tally, Vec<Found>)>,
}

/// So often whoever waits is asked whether it is enough.
const ASK_EVERY: Duration = Duration::from_millis(100);

impl Simulation {
    /// Begins with the `next`-th workload of a seed, after a walk that saw and counted this.
    pub fn new(seed: u64, next: u64, seen: Seen, tally: Tally) -> Simulation {
        let next = AtomicU64::new(next);
        Simulation { seed, next, seen, done: Mutex::new((tally, Vec::new())) }
    }

    /// The workload to take up with.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// What was done, with what was counted before.
    pub fn tally(&self) -> Tally {
        self.done.lock().0.clone()
    }

    /// What was found.
    pub fn found(&self) -> Vec<Found> {
        self.done.lock().1.clone()
    }

    /// Explores on so many threads until `enough` says so, or something was found. Workloads
    /// that are begun then are cut short, and count for what was seen of them.
    pub fn run(&self, threads: usize, reach: Reach, enough: &mut dyn FnMut(&Tally) -> bool) {
        let stop = Arc::new(AtomicBool::new(false));
        let left = AtomicU64::new(threads as u64);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let stop = Arc::clone(&stop);
                let left = &left;
                scope.spawn(move || {
                    self.work(reach, &stop);
                    left.fetch_sub(1, Ordering::Release);
                });
            }
            while left.load(Ordering::Acquire) > 0 {
                std::thread::sleep(ASK_EVERY);
                let found = !self.done.lock().1.is_empty();
                if found || enough(&self.tally()) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        });
    }

    fn work(&self, reach: Reach, stop: &Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let mut explorer = Explorer::new(reach, self.seen.clone());
            explorer.stop_at(Arc::clone(stop));
            let thin = thinnest(&self.tally());
            explorer.script(&Script::random(self.seed, n, thin), 0);
            let mut done = self.done.lock();
            done.0.add(&explorer.tally);
            done.1.extend(explorer.found);
        }
    }
}
