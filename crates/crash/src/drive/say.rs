//! What the next batch says: a function of the seed and of what was said before.

use super::act::Act;
use crate::model::{Fact, Facts, World};
use tracekeep_workload::{Rng, mix};

/// Makes facts.
#[derive(Debug, Clone)]
pub struct Speaker {
    rng: Rng,
    /// Counts everything that was named.
    named: u64,
    ms: i64,
    /// Traces that were erased: some come again.
    erased: Vec<String>,
}

impl Speaker {
    /// The speaker of a seed.
    pub fn new(seed: u64) -> Speaker {
        Speaker { rng: Rng::stream(seed, 1), named: 0, ms: 0, erased: Vec::new() }
    }

    /// A speaker whose names and times come after those of any other.
    pub fn later(seed: u64) -> Speaker {
        Speaker { named: 1_000_000, ms: 1_000_000_000, ..Speaker::new(seed) }
    }

    fn name(&mut self, kind: char) -> String {
        self.named += 1;
        format!("{kind}{}", self.named)
    }

    fn now(&mut self) -> i64 {
        self.ms += 10;
        self.ms
    }

    fn words(&mut self, least: usize) -> Vec<u8> {
        const WORDS: [&str; 12] = [
            "tool",
            "call",
            "returned",
            "error",
            "retry",
            "the",
            "result",
            "of",
            "step",
            "{\"role\":",
            "\"user\"}",
            "4711",
        ];
        let mut text = Vec::new();
        while text.len() < least {
            text.extend_from_slice(self.rng.pick(&WORDS).as_bytes());
            text.push(b' ');
        }
        text
    }

    /// Letters that no codec makes short.
    fn noise(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| 33 + self.rng.below(90) as u8).collect()
    }

    /// The facts of one batch for an act that appends.
    pub fn facts(&mut self, act: Act, world: &World) -> Facts {
        match act {
            Act::Update => self.end(world).unwrap_or_else(|| self.step(world, false)),
            Act::Big => self.step(world, true),
            Act::Score => self.score(world),
            Act::Erase => self.erase(world),
            _ => self.step(world, false),
        }
    }

    fn one_of(&mut self, traces: &[String]) -> String {
        let at = self.rng.below(traces.len() as u64) as usize;
        traces.get(at).map_or("unknown".to_owned(), String::clone)
    }

    fn step(&mut self, world: &World, big: bool) -> Facts {
        let traces = world.traces();
        let mut facts = Facts::new();
        let trace = match traces.last().filter(|_| self.rng.below(2) == 0) {
            Some(trace) => trace.clone(),
            None => {
                // Both forms of ids: bits and text.
                let name = self.name('t');
                // One that was erased may be there again.
                let again = self.erased.pop().filter(|again| !traces.contains(again));
                let again = again.filter(|_| self.rng.below(2) == 0);
                let trace = match (again, self.rng.below(2)) {
                    (Some(again), _) => again,
                    (None, 0) => name,
                    (None, _) => format!("{:032x}", u128::from(mix(self.named)) << 32 | 1),
                };
                let (user, session) = (self.name('u'), format!("session{}", self.rng.below(2)));
                facts.push(Fact::Trace { trace: trace.clone(), ms: self.now(), user, session });
                trace
            }
        };
        let parent = world.steps(&trace).last().cloned();
        // An agent sends again what it sent before, and a little more.
        let mut input = world.last_input(&trace).map(<[u8]>::to_vec).unwrap_or_default();
        let more = 20 + self.rng.below(60) as usize;
        input.extend(self.words(more));
        if big {
            let bytes = 2_000 + self.rng.below(4_000) as usize;
            input.extend(self.noise(bytes));
        }
        let id = self.name('o');
        facts.push(Fact::Observation { trace, id, parent, ms: self.now(), input });
        facts
    }

    fn end(&mut self, world: &World) -> Option<Facts> {
        let open = world.open();
        let (trace, id) = open.get(self.rng.below(open.len() as u64) as usize)?.clone();
        let output = self.words(30);
        let failed = self.rng.below(4) == 0;
        Some(vec![Fact::End { trace, id, ms: self.now(), output, failed }])
    }

    fn score(&mut self, world: &World) -> Facts {
        let trace = self.one_of(&world.traces());
        // Some are sent twice.
        let score = match self.rng.below(3) {
            0 => format!("again-{trace}"),
            _ => self.name('c'),
        };
        let number = self.rng.below(100) as u32;
        vec![Fact::Score { score, trace, ms: self.now(), number }]
    }

    fn erase(&mut self, world: &World) -> Facts {
        let trace = self.one_of(&world.traces());
        self.erased.push(trace.clone());
        vec![Fact::Erase { trace, ms: self.now() }]
    }
}
