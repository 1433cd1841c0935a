//! Reads a store while another one writes it: no lock, no message between the two, only
//! `refresh`. Here both are in one process; they might as well be in two.
//!
//! ```text
//! cargo run --example follow
//! ```

#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use tracekeep::model::{ObservationKind, ObservationRecord, Operation, Timestamp};
use tracekeep::{Batch, Id, Result, SealLevel, Store, TraceQuery};

fn main() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("tracekeep-follow-{}", std::process::id()));
    let writer = Store::open(&dir)?;
    let reader = Store::open_read_only(&dir)?;

    let before = reader.snapshot();
    for step in 0..5i64 {
        let trace = Id::hex32(0xfeed + step as u128);
        let start = Timestamp::from_ms(1_768_204_800_000 + step * 1_000);
        let mut batch = Batch::new();
        batch.push(
            ObservationRecord::new(trace, Id::hex16(1), start, Operation::Create)
                .kind(ObservationKind::Agent)
                .name(format!("run {step}"))
                .start(start)
                .end(Timestamp(start.0 + 250_000_000)),
        )?;
        writer.append_and_wait(batch)?;
        if step == 2 {
            writer.seal(SealLevel::Quick)?;
        }
        // What was acknowledged before a refresh is seen after it.
        reader.refresh()?;
        let page = reader.snapshot().traces(&TraceQuery::default())?;
        let stats = reader.stats()?;
        println!(
            "after append {step}: {} traces, {} log(s), {} segment(s)",
            page.traces.len(),
            stats.logs,
            stats.segments
        );
        assert_eq!(page.traces.len() as i64, step + 1);
    }
    let old = before.traces(&TraceQuery::default())?.traces.len();
    println!("the snapshot from before still shows {old}");

    // Opening for writing a second time is refused, with the holder's name.
    if let Err(e) = Store::open(&dir) {
        println!("{:?}: {e}", e.kind());
    }
    writer.close()?;
    std::fs::remove_dir_all(&dir).ok();
    Ok(())
}
