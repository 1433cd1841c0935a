//! Errors are one word wide, stores are shared among threads.

use tracekeep::{
    Batch, Commit, Cursor, Error, Options, ReadStore, Result, Snapshot, Store, TraceState, Tree,
};

#[test]
fn an_error_is_one_word_and_so_is_a_result_of_nothing() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}

#[test]
fn what_is_shared_can_be() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Store>();
    shared::<ReadStore>();
    shared::<Snapshot>();
    shared::<Commit>();
    shared::<Batch>();
    shared::<Tree>();
    shared::<TraceState>();
    shared::<Cursor>();
    shared::<Options>();
    shared::<Error>();
}

#[test]
fn a_snapshot_is_cheap_to_clone() {
    assert_eq!(size_of::<Snapshot>(), size_of::<usize>());
}
