//! The targets, each with a bound on the memory that it may take: libFuzzer's own needs a
//! sanitizer, and these run without one.

pub mod targets;

use cap::Cap;
use std::alloc::System;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs a target on `data`. More than `bytes` of memory beside what was held before, at any moment
/// of it, is a refused allocation, which ends the process.
pub fn within(bytes: usize, target: fn(&[u8]), data: &[u8]) {
    let limit = HEAP.allocated().saturating_add(bytes);
    assert!(HEAP.set_limit(limit).is_ok(), "the limit of the last run still holds");
    target(data);
    assert!(HEAP.set_limit(usize::MAX).is_ok());
}
