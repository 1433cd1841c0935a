//! A log to crash, and what must hold at each moment of it.

use crate::disk::{Image, Mark, Op, Phase};
use crate::model::Model;
use std::sync::Arc;
use tracekeep::Durability;
use tracekeep::fs::FileName;

/// A log over a disk, and the batches that it is about.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The disk before.
    pub base: Image,
    /// What was done.
    pub log: Vec<Op>,
    /// All batches.
    pub model: Arc<Model>,
    /// The store's level.
    pub level: Durability,
    /// So many batches are in the backup, before.
    pub backed_up: usize,
    /// A recovery: exactly so many batches are there, at every moment.
    pub exactly: Option<usize>,
    /// Moments before this one were looked at elsewhere.
    pub from: usize,
    /// Recoveries behind it.
    pub depth: usize,
}

/// What is known at a moment of a log, before the next operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Batches that survive a power failure.
    pub durable: usize,
    /// Batches that survive a kill -9.
    pub acknowledged: usize,
    /// Batches that were handed in.
    pub submitted: usize,
    /// Batches that the backup holds.
    pub backed_up: usize,
    /// What was being done.
    pub phase: Phase,
}

/// What is known before each operation, and at the end.
pub fn moments(trial: &Trial) -> Vec<Moment> {
    let known = trial.exactly.unwrap_or(0);
    let phase = if trial.exactly.is_some() { Phase::Recovery } else { Phase::Create };
    let backed_up = trial.backed_up;
    let mut now =
        Moment { durable: known, acknowledged: known, submitted: known, backed_up, phase };
    let mut declared = phase;
    let mut all = Vec::with_capacity(trial.log.len() + 1);
    for op in &trial.log {
        all.push(now);
        match op {
            Op::Mark(Mark::Submitted(n)) => now.submitted = *n,
            Op::Mark(Mark::Acknowledged(n, level)) => {
                now.acknowledged = *n;
                if *level != Durability::Os {
                    now.durable = *n;
                }
            }
            Op::Mark(Mark::BackedUp(n)) => now.backed_up = *n,
            Op::Mark(Mark::Durable(n)) => (now.durable, now.acknowledged) = (*n, *n),
            Op::Mark(Mark::Phase(phase)) => (now.phase, declared) = (*phase, *phase),
            // A manifest that is started anew while the store is open.
            Op::Create { name: FileName::Manifest(n), .. }
                if *n > 1 && !matches!(declared, Phase::Recovery | Phase::Backup) =>
            {
                now.phase = Phase::ManifestSwitch;
            }
            Op::Remove { name: FileName::Manifest(_), .. } => now.phase = declared,
            _ => {}
        }
    }
    all.push(now);
    all
}
