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
    fn check_shared<T: Send + Sync + 'static>() {}
    check_shared::<Store>();
    check_shared::<ReadStore>();
    check_shared::<Snapshot>();
    check_shared::<Commit>();
    check_shared::<Batch>();
    check_shared::<Tree>();
    check_shared::<TraceState>();
    check_shared::<Cursor>();
    check_shared::<Options>();
    check_shared::<Error>();
}

#[test]
fn a_snapshot_is_cheap_to_clone() {
    assert_eq!(size_of::<Snapshot>(), size_of::<usize>());
}
