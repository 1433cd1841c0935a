//! The fault matrix: operation x fault x phase, the n-th operation failing for every n until the
//! phase passes untouched, once and from then on.

/// What is appended, and what a snapshot has to say of it.
mod model;

/// Directories to start from, and the phases that run in them.
mod phase;

/// What must hold after a fault.
mod judge;

/// What may be passed over in silence, and which cells are empty, each with its reason.
mod reasons;

/// Every n of every cell, and the table.
mod matrix;

/// What it found first, by name.
mod found;

/// The power fails after a phase in which nothing else did.
mod power;
