//! A sealed store takes what it took.

use crate::world::World;
use tracekeep::model::Record;
use tracekeep::{Batch, SealLevel};
use tracekeep_workload::{Steady, batches, payload_bytes, small_observations, unrelated_payloads};

/// Bytes of payload in each store: enough for a dictionary.
const PAYLOAD_BYTES: u64 = 6_000_000;

/// What all files take, by a thousand of payload, after a full seal.
fn settled_by_payload(records: impl Iterator<Item = Record>) -> u64 {
    let (mut payload, world) = (0, World::new());
    let some: Vec<Record> = records
        .take_while(|record| {
            payload += payload_bytes(record);
            payload < PAYLOAD_BYTES
        })
        .collect();
    let store = world.store();
    for some in batches(some, 256) {
        let mut batch = Batch::new();
        some.into_iter().for_each(|record| batch.push(record).unwrap());
        store.append_and_wait(batch).unwrap();
    }
    store.seal(SealLevel::Full).unwrap();
    store.stats().unwrap().bytes.total * 1000 / payload
}

/// Deterministic but for random keys, which order lookups: a change of the dictionary, of how zstd
/// looks for matches or of a column is larger than what they do.
#[test]
fn sealed_stores_do_not_grow() {
    let measured = [
        ("200 B", settled_by_payload(Steady::new(11).records(0..1_000_000)), 567),
        ("1 KB", settled_by_payload(small_observations(42)), 370),
        ("10 to 200 KB", settled_by_payload(unrelated_payloads(42, 10_000, 200_000)), 381),
    ];
    for (what, settled, most) in measured {
        assert!(settled <= most, "{what}: {settled} thousandths of the payload, not {most}");
    }
}
