//! Counts, and the table of them.

use crate::disk::{OpKind, Phase};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What was done in one phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTally {
    /// Operations before which the power failed.
    pub operations: u64,
    /// States that were built.
    pub images: u64,
    /// Of these, that no state before was like.
    pub distinct: u64,
    /// How often a store was opened.
    pub recoveries: u64,
    /// Promises that were not kept.
    pub violations: u64,
}

/// What was done in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By phase.
    pub phases: BTreeMap<Phase, PhaseTally>,
    /// Distinct images by how many recoveries they have behind them: 0, 1, 2.
    pub depths: BTreeMap<usize, u64>,
    /// Operations before which the power failed, by kind.
    pub kinds: BTreeMap<OpKind, u64>,
    /// Workloads.
    pub scripts: u64,
}

impl PhaseTally {
    fn add(&mut self, other: &PhaseTally) {
        self.operations += other.operations;
        self.images += other.images;
        self.distinct += other.distinct;
        self.recoveries += other.recoveries;
        self.violations += other.violations;
    }
}

impl Tally {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        for (phase, counts) in &other.phases {
            self.phases.entry(*phase).or_default().add(counts);
        }
        for (depth, images) in &other.depths {
            *self.depths.entry(*depth).or_default() += images;
        }
        for (kind, operations) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += operations;
        }
        self.scripts += other.scripts;
    }

    /// All phases together.
    pub fn total(&self) -> PhaseTally {
        let mut total = PhaseTally::default();
        self.phases.values().for_each(|counts| total.add(counts));
        total
    }

    /// Distinct images of crashes during a recovery.
    pub fn in_recovery(&self) -> u64 {
        self.depths.iter().filter(|(depth, _)| **depth > 0).map(|(_, images)| images).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16} {:>10} {:>10} {:>10} {:>6} {:>10} {:>10}",
            "phase", "operations", "images", "distinct", "%", "recoveries", "violations"
        )?;
        let total = self.total();
        let mut line = |name: &dyn fmt::Display, c: &PhaseTally| {
            let share = 100.0 * c.distinct as f64 / total.distinct.max(1) as f64;
            writeln!(
                f,
                "{name:<16} {:>10} {:>10} {:>10} {share:>6.1} {:>10} {:>10}",
                c.operations, c.images, c.distinct, c.recoveries, c.violations
            )
        };
        for (phase, counts) in &self.phases {
            line(phase, counts)?;
        }
        line(&"in all", &total)?;
        let depths: Vec<String> =
            self.depths.iter().map(|(depth, images)| format!("{depth}: {images}")).collect();
        writeln!(f, "distinct images by recoveries behind them: {}", depths.join(", "))?;
        let kinds: Vec<String> =
            self.kinds.iter().map(|(kind, operations)| format!("{kind:?} {operations}")).collect();
        write!(f, "crashes before: {}; {} workloads", kinds.join(", "), self.scripts)
    }
}
