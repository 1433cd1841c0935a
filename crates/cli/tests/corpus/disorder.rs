use crate::files::{Corpus, Random, tell};
use crate::run::{Exported, StoreDir};
use std::time::Duration;

/// Imports are killed, each at a random moment and on what the ones before it left; the next one
/// starts from the beginning of the file, and the last is not disturbed: its export is that one.
pub(crate) fn killed(
    corpus: &Corpus,
    (expected, undisturbed): (&Exported, &StoreDir),
    took: Duration,
    kills: usize,
    random: &mut Random,
) {
    let took = usize::try_from(took.as_millis()).unwrap().max(20);
    let store = StoreDir(corpus.path("killed"));
    for _ in 0..kills {
        let after = took / 20 + random.below(took - took / 20);
        store.import_killed(corpus.events(), Duration::from_millis(after as u64));
        let left = if store.0.is_dir() { store.bytes() } else { 0 };
        tell(&format!("killed after {after} of {took} ms, {left} bytes were there"));
    }
    let imported = store.import(corpus.events());
    assert_eq!(imported.rejected, 0);
    store.exports(expected, undisturbed, "killed imports");
    store.verify();
}

/// The first bytes of a file, in any order and partly twice: the same export.
fn check_shuffled(name: &str, bytes_max: usize) {
    let Some(corpus) = Corpus::open(name, bytes_max) else { return };
    let mut random = Random::new(&format!("shuffled {name}"));
    let in_order = StoreDir(corpus.path("in order"));
    in_order.import(corpus.events());
    let expected = in_order.export();
    let store = StoreDir(corpus.path("shuffled"));
    store.import(&corpus.shuffled(&mut random));
    store.exports(&expected, &in_order, "shuffled events");
    store.seal();
    store.exports(&expected, &in_order, "shuffled events, sealed");
    // Once more over what is sealed: nothing changes.
    store.import(&corpus.shuffled(&mut random));
    store.exports(&expected, &in_order, "shuffled events over sealed ones");
    store.verify();
}

#[test]
fn shuffled_frameworks_export_the_same() {
    check_shuffled("frameworks", usize::MAX);
}

#[test]
fn shuffled_coding_agents_export_the_same() {
    check_shuffled("coding-agents", 20 << 20);
}

#[test]
fn shuffled_tool_agents_export_the_same() {
    check_shuffled("tool-agents", 20 << 20);
}
