//! A small budget makes appends wait, and never for ever. How much memory a long stream takes is
//! measured in `tests/process`, where a process is alone.

use crate::world::{World, append, observation};
use tracekeep::{Background, Durability, Options};

fn within(options: Options) {
    let mut world = World::new();
    world.options = Options {
        durability: Durability::Os,
        background: Background::On,
        seal_level: 1,
        ..options
    };
    let store = world.store();
    for i in 0..150i64 {
        let records = (0..40).map(|r| {
            let text = format!("{i} {r} {}", "some words ".repeat((i * 7 + r) as usize % 50));
            observation(&format!("t{}", i % 9), &format!("{i}-{r}"), i).input(text)
        });
        append(&store, records);
    }
    let stats = store.stats().unwrap();
    assert_eq!(stats.observations, 150 * 40);
    assert!(stats.segments > 0, "nothing was sealed");
    store.close().unwrap();
    assert_eq!(world.store().stats().unwrap().observations, 150 * 40);
}

#[test]
fn a_tiny_budget() {
    within(Options { live_bytes_max: 512 << 10, ..Options::default() });
}

#[test]
fn a_tiny_budget_and_logs_that_would_wait_for_company() {
    within(Options {
        live_bytes_max: 1 << 20,
        log_bytes_max: 20 << 10,
        seal_logs: 1000,
        seal_bytes: u64::MAX,
        ..Options::default()
    });
}

#[test]
fn more_unsealed_logs_than_recovery_should_read() {
    within(Options {
        log_bytes_max: 8 << 10,
        seal_logs: 1000,
        seal_bytes: u64::MAX,
        ..Options::default()
    });
}
