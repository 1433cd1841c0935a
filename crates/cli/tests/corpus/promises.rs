use crate::compare::compare;
use crate::disorder::killed;
use crate::files::{Corpus, Random};
use crate::reading::Reading;
use crate::run::{Exported, Imported, StoreDir};

/// Imports a file; everything in it comes back, unsealed and sealed, and again from its export.
/// Answers the store, its export, and what the import said.
fn comes_back(name: &str, corpus: &Corpus) -> (StoreDir, Exported, Imported) {
    let store = StoreDir(corpus.path("store"));
    let imported = store.import(corpus.events());
    let reading = Reading::of(corpus.events());
    let observations: usize = reading.traces.values().map(|t| t.observations.len()).sum();
    assert_eq!((imported.events, imported.rejected, imported.ignored), (reading.events, 0, 0));
    assert_eq!(imported.traces, reading.traces.len() as u64);
    assert_eq!(imported.observations, observations as u64);
    assert_eq!(imported.scores, reading.scores.len() as u64);
    assert_eq!(reading.undecided, 0, "the corpus leaves values to chance");
    compare(&reading, &store, &format!("{name}, unsealed"));
    store.verify();
    let exported = store.export();
    let again = StoreDir(corpus.path("again"));
    store.export_into(&again);
    again.exports(&exported, &store, "an export that was imported");
    store.seal();
    compare(&reading, &store, &format!("{name}, sealed"));
    store.verify();
    store.exports(&exported, &again, "the sealed store");
    (store, exported, imported)
}

#[test]
fn frameworks_come_back() {
    let Some(corpus) = Corpus::open("frameworks", usize::MAX) else { return };
    let (store, exported, imported) = comes_back("frameworks", &corpus);
    let mut random = Random::new("frameworks_come_back");
    killed(&corpus, (&exported, &store), imported.took, 3, &mut random);
}

#[test]
fn coding_agents_come_back() {
    let Some(corpus) = Corpus::open("coding-agents", usize::MAX) else { return };
    let (store, exported, imported) = comes_back("coding-agents", &corpus);
    let mut random = Random::new("coding_agents_come_back");
    killed(&corpus, (&exported, &store), imported.took, 3, &mut random);
}

#[test]
fn tool_agents_come_back_small_and_in_little_memory() {
    let Some(corpus) = Corpus::open("tool-agents", usize::MAX) else { return };
    let (store, exported, imported) = comes_back("tool-agents", &corpus);
    let bytes = store.bytes();
    assert!(bytes <= 8_500_000, "{bytes} bytes sealed");
    let peak_kib = imported.peak_kib;
    assert!(peak_kib > 0 && peak_kib < 512 << 10, "{peak_kib} KiB resident while importing");
    let mut random = Random::new("tool_agents_come_back_small_and_in_little_memory");
    killed(&corpus, (&exported, &store), imported.took, 1, &mut random);
}
