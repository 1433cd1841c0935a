//! The engine over disks that crash and fail: what was acknowledged is found again, and nothing
//! else. And the simulated disk itself is held to the real one.
//!
//! `SIM_SEED` takes a seed back, `TRACEKEEP_SIM_IMAGES` says how many distinct crash images are
//! wanted, `TRACEKEEP_SIM_PLACE` brings one crash back.
//!
//! One test binary, so that it links once. In reading order:
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails; tests look at files behind the engine"
)]

/// The simulated disk answers as the real one does.
mod agree;
/// Every operation of workloads is crashed, into every state that the disk may be in.
mod crashes;
/// Every operation of the file system fails in every way in every phase.
mod faults;
/// Many batches in flight, and sealing in the background.
mod threads;

/// The seed of this run: `SIM_SEED`, or the same one always.
fn seed() -> u64 {
    let seed = std::env::var("SIM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_260_112);
    eprintln!("SIM_SEED={seed}");
    seed
}
