//! Sealing and verifying tell how far they are.

use crate::world::{World, append, full, observation};
use std::sync::{Arc, Mutex};
use tracekeep::{Event, Listener, Progress, Store, Verdict, verify_with_progress};

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Progress>>);

impl Listener for Heard {
    fn event(&self, event: &Event) {
        if let Event::Sealing(progress) = event {
            self.0.lock().unwrap().push(*progress);
        }
    }
}

/// From nothing to all of it, in more than a few steps, and never back.
#[track_caller]
fn assert_goes_through(told: &[Progress], total: u64) {
    assert!(told.iter().all(|p| p.total == total), "{told:?}, {total}");
    assert_eq!(told.first().unwrap().done, 0);
    assert_eq!(told.last().unwrap().done, total);
    assert!(told.iter().map(|p| p.done).is_sorted() && told.len() > 50, "{told:?}");
}

#[test]
fn sealing_and_verifying_go_from_nothing_to_all_of_it() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let options = world.options.clone();
    let builder = Store::builder().options(options).listener(Arc::<Heard>::clone(&heard));
    let store = builder.open(world.path()).unwrap();
    for t in 0..20 {
        let payload = |i| format!("{t} and {i} ").repeat(100);
        let records = (0..20).map(|i| observation(&format!("t{t}"), &i.to_string(), i));
        append(&store, (0..).zip(records).map(|(i, record)| record.input(payload(i))));
    }
    let log = std::fs::metadata(&world.files("log-")[0]).unwrap().len();
    full(&store);
    let told = std::mem::take(&mut *heard.0.lock().unwrap());
    // The log and the marker that ends it.
    assert_goes_through(&told, log + 48);
    append(&store, [observation("t1", "late", 5)]);
    store.close().unwrap();
    let mut told = Vec::new();
    let mut findings = Vec::new();
    let verdict =
        verify_with_progress(&world.path(), &mut |f| findings.push(f), &mut |p| told.push(p));
    assert_eq!(verdict.unwrap(), Verdict::Clean, "{findings:?}");
    let len = |prefix| -> u64 {
        world.files(prefix).iter().map(|path| path.metadata().unwrap().len()).sum()
    };
    let skeletons = world.files("seg-").into_iter().filter(|p| p.extension().unwrap() == "tks");
    let skeletons: u64 = skeletons.map(|path| path.metadata().unwrap().len()).sum();
    // The one segment's rows, then half of its payload file for the blocks, which are few.
    let half = skeletons + (len("seg-") - skeletons) / 2;
    assert!(told.iter().any(|p| p.done == half), "{half}: {told:?}");
    assert_goes_through(&told, len("seg-") + skeletons + len("log-") + len("index-"));
}
