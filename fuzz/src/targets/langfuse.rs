//! Maps lines, and maps what is exported once more: it is about the same thing at the same time.

use tracekeep_langfuse::{Mapped, map_event, map_line, record_event};

/// Each line is an event, a list of events, or a batch.
pub fn langfuse(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        map_line(line, &mut |event| {
            let Ok(Mapped::Record(record)) = event else { return };
            let mut out = Vec::new();
            record_event(&record, &mut out);
            assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            match map_event(&out) {
                Ok(Mapped::Record(back)) => {
                    assert_eq!((&back.target, back.time), (&record.target, record.time));
                }
                other => panic!("{}: {other:?}", String::from_utf8_lossy(&out)),
            }
        });
    }
}
