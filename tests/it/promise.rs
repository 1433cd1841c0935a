use crate::world::{World, append, at, observation};
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::{Store, dump};

/// At `Os` the promise follows the clock, and does not wait for a pause in the traffic.
#[test]
fn a_busy_store_at_os_promises_each_second() {
    let world = World::new();
    let clock = ManualClock::default();
    let store = Store::builder()
        .options(world.options.clone())
        .clock(Arc::new(clock.clone()))
        .open(world.path())
        .unwrap();
    for second in 1..=4 {
        clock.set_ns(at(second * 1_000).0);
        append(&store, [observation("t", &format!("a{second}"), second)]);
    }
    // Groups are written in order: this one after the promise of the one before. Each look at the
    // clock may see it moved on already, so that one promise stands for two seconds.
    append(&store, [observation("t", "last", 5)]);
    let mut markers = 0;
    let log = world.files("log-").pop().unwrap();
    dump(&log, &mut |line| {
        markers += usize::from(line.fields.iter().any(|(_, value)| value == "marker"));
        Ok(())
    })
    .unwrap();
    // The writer looks at the clock after it has acknowledged: it may miss a second.
    assert!(markers >= 2, "{markers} markers in {}", log.display());
}
