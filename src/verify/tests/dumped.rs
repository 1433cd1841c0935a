//! Files of the small store as `dump` shows them, line by line: `dumped.txt`.

use super::affects::Traces;
use super::*;

fn dumped(store: &Store, name: FileName) -> String {
    let mut text = format!("# {name}\n");
    dump(&store.path(name), &mut |line| {
        let fields = line.fields.iter().map(|(name, value)| format!(" {name}={value}"));
        text += &format!(
            "{:>6} {:>5} {}{}\n",
            line.offset,
            line.len,
            line.kind,
            fields.collect::<String>()
        );
        Ok(())
    })
    .unwrap();
    text
}

#[test]
fn every_kind_of_file_is_dumped_as_it_was() {
    let store = store();
    let log = store.path(FileName::Log(LogId(4)));
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend([7; 24]);
    std::fs::write(&log, bytes).unwrap();
    let segment = SegmentId(1);
    let names = [FileName::Log(LogId(3)), FileName::Log(LogId(4)), FileName::Index(1)];
    let names = names.into_iter().chain([FileName::Skeleton(segment), FileName::Payload(segment)]);
    let text: String = names.map(|name| dumped(&store, name)).collect();
    assert!(text == include_str!("dumped.txt"), "{text}");
}

#[test]
fn rows_of_observations_are_of_these_traces() {
    let store = store();
    let segment = Segment::open_checked(&store.dir, SegmentId(1), &store.header, false).unwrap();
    let of = |rows| {
        let traces = Traces::of_observations(&segment, rows);
        let names: Vec<String> = traces.named.iter().map(ToString::to_string).collect();
        (traces.count, names.join(" "))
    };
    // The first trace, which is erased, has none.
    assert_eq!(of(0..1), (1, "two".to_owned()));
    assert_eq!(of(0..2), (2, "two one".to_owned()));
    assert_eq!(of(1..4), (1, "one".to_owned()));
    assert_eq!(of(3..4), (1, "one".to_owned()));
    assert_eq!(of(4..9), (0, String::new()));
}
