//! What opening takes over from before, and what it does not read.

use super::*;
use crate::error::ErrorKind;
use crate::log::LogReader;
use crate::manifest::load;
use crate::model::PayloadRef;
use crate::recovery::{LogEnd, extend_log, load_store, open_merged};

#[test]
fn an_index_that_is_held_is_not_opened_again() {
    let store = store();
    let loaded = load(&store.dir).unwrap().unwrap();
    let first = load_store(&store.dir, &loaded).unwrap();
    let segments: Vec<_> = first.view.segments.iter().map(|s| Arc::clone(&s.segment)).collect();
    let mut notes = Vec::new();
    let mut open = |held: &[_]| open_merged(&store.dir, &loaded, &segments, held, &mut notes);
    let held = open(&[]);
    assert_eq!(held.len(), 1);
    let again = open(&held);
    assert!(Arc::ptr_eq(&held[0], &again[0]), "index {} was opened again", again[0].number);
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_log_that_has_grown_past_its_bound_is_not_read() {
    let store = store();
    let loaded = load(&store.dir).unwrap().unwrap();
    let mut logs = load_store(&store.dir, &loaded).unwrap().logs;
    let mut last = logs.pop().unwrap();
    let path = store.path(FileName::Log(LogId(4)));
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(last.tail.offset + crate::limits::LOG_READ_BYTES_MAX + 1).unwrap();
    let error = extend_log(&last.table, &last.header, &mut last.tail, LogEnd::Open).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    file.set_len(last.tail.offset + 64).unwrap();
    let before = last.tail;
    extend_log(&last.table, &last.header, &mut last.tail, LogEnd::Open).unwrap();
    assert_eq!(last.tail, before, "zeros are no frame yet");
}

#[test]
fn payloads_of_a_log_are_read_behind_another_and_only_with_their_length() {
    let store = store();
    let loaded = load(&store.dir).unwrap().unwrap();
    let logs = load_store(&store.dir, &loaded).unwrap().logs;
    let mut payloads = Vec::new();
    for record in logs[0].table.range(Seq(0), Seq(u64::MAX)).unwrap() {
        record.map_payloads(&mut |p: PayloadRef| payloads.push((p.number, p.len)));
    }
    assert_eq!(payloads.len(), 10, "three of each of three observations, and a correction");
    let mut reader = LogReader::new(&logs[0].table, 64);
    let (mut all, mut len_of_all) = (Vec::new(), 0);
    for (number, len) in payloads {
        let mut alone = Vec::new();
        reader.read(number, len, &mut alone).unwrap();
        reader.read(number, len, &mut all).unwrap();
        len_of_all += len;
        assert_eq!((alone.len() as u64, all.len() as u64), (len, len_of_all));
        assert!(all.ends_with(&alone));
        for wrong in [len - 1, len + 1] {
            let error = reader.read(number, wrong, &mut alone).unwrap_err();
            assert!(error.corruption().is_some(), "{error}");
        }
    }
}
