//! Options and components of one's own: less memory, a stricter level, a listener, a clock.
//!
//! ```text
//! cargo run --example own_options
//! ```

#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::model::{ObservationKind, ObservationRecord, Operation, Timestamp};
use tracekeep::{
    Background, Batch, Create, Durability, ErrorKind, Event, Id, Listener, Options, Result,
    SealLevel, Store,
};

/// Prints what happens in the background.
#[derive(Debug)]
struct Told;

impl Listener for Told {
    fn event(&self, event: &Event) {
        println!("event: {event:?}");
    }
}

fn main() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("tracekeep-options-{}", std::process::id()));

    // Reading programs do not make a store by looking for one.
    match Store::builder().create(Create::Never).open(&dir) {
        Err(e) if e.kind() == ErrorKind::InvalidInput => println!("{e}"),
        other => drop(other?),
    }

    let clock = ManualClock::default();
    clock.set_ns(1_768_204_800_000_000_000);
    let options = Options {
        durability: Durability::DiskStrict,
        live_bytes_max: 32 << 20,
        stream_bytes_max: 4 << 20,
        block_cache_bytes: 8 << 20,
        background: Background::Off,
        ..Options::default()
    };
    let store = Store::builder()
        .options(options)
        .clock(Arc::new(clock))
        .listener(Arc::new(Told))
        .open(&dir)?;
    println!("recovery: {:?}", store.recovery());

    // Many batches in flight from one thread: wait for the last one only.
    let mut last = None;
    for n in 0..20u64 {
        let start = Timestamp::from_ms(1_768_204_800_000 + n as i64);
        let mut batch = Batch::new();
        batch.push(
            ObservationRecord::new(Id::hex32(7), Id::hex16(n), start, Operation::Create)
                .kind(ObservationKind::Event)
                .name("tick")
                .start(start),
        )?;
        last = Some(store.append(batch)?);
    }
    if let Some(commit) = last {
        println!("all durable up to seq {}", commit.wait()?);
    }

    // With the background off, logs stay until somebody seals them.
    println!("logs before: {}", store.stats()?.logs);
    store.seal(SealLevel::Full)?;
    println!("logs after: {}", store.stats()?.logs);
    store.close()?;
    std::fs::remove_dir_all(&dir).ok();
    Ok(())
}
