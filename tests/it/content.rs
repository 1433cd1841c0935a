//! Every byte of a sealed store is of some kind.

use crate::world::{World, append, full, quick};
use tracekeep_workload::{Arrivals, Shape};

#[test]
fn kinds_of_content_add_up_to_the_files() {
    let world = World::new();
    let store = world.store();
    let records: Vec<_> = Arrivals::new(3, Shape { traces: 30, ..Shape::default() }).collect();
    let (first, second) = records.split_at(records.len() / 2);
    for some in [first, second] {
        append(&store, some.to_vec());
        quick(&store);
    }
    for segments in [2, 1] {
        let (snapshot, stats) = (store.snapshot(), store.stats().unwrap());
        assert_eq!(stats.segments, segments);
        let c = snapshot.content().unwrap();
        let payload = c.blocks + c.dictionaries + c.part_places + c.lists;
        let skeleton =
            c.prints + c.ids + c.columns + c.details + c.texts + c.lookups + c.superseded;
        let (files, sum) = (stats.bytes.skeleton + stats.bytes.payload, payload + skeleton);
        assert_eq!(sum + c.framing, files);
        assert!(c.framing < 8_000 * segments, "{} bytes of framing", c.framing);
        let (mut parts, mut bytes) = (0, 0);
        let each = &mut |part: &[u8]| {
            parts += 1;
            bytes += part.len() as u64;
            Ok(())
        };
        snapshot.each_part(each).unwrap();
        assert_eq!((parts, bytes), (c.parts, c.part_bytes));
        assert!(c.payloads > 0 && c.rewrite_bytes > 160 * stats.observations);
        full(&store);
    }
}
