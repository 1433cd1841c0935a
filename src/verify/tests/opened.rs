//! What opening takes over from before, and what it does not read.

use super::*;
use crate::error::ErrorKind;
use crate::manifest::load;
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
