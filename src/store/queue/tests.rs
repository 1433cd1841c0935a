use super::*;
use crate::id::{Id, StoreKey};
use crate::model::{ObservationRecord, Operation, Record, Timestamp};
use crate::options::Options;
use crate::sync::{Condvar, Mutex};
use tracekeep_workload::Rng;

/// A record with so many bytes of input that no other has.
fn record(n: u8, bytes: usize) -> Record {
    let id = |text: &str| Id::parse(text).unwrap();
    let mut rng = Rng::new(u64::from(n));
    let input: Vec<u8> = (0..bytes).map(|_| rng.next_u64() as u8).collect();
    ObservationRecord::new(id("trace"), id(&n.to_string()), Timestamp(0), Operation::Create)
        .input(input)
        .into()
}

/// Appenders and the writer, one step at a time.
struct Steps(Ingest, Mutex<Queue>);

impl Steps {
    fn new() -> Steps {
        let ingest = Ingest::new(&StoreKey([7; 32]), &Options::default(), Seq(0));
        Steps(ingest, Mutex::new(Queue::default()))
    }

    /// Appends, and tells whether the writer waits for what there is.
    fn append(&mut self, n: u8, bytes: usize) -> bool {
        let Steps(ingest, queue) = self;
        ingest.batch(vec![record(n, bytes)], queue, &Condvar::new());
        queue.lock().look_at(ingest)
    }

    /// What the writer takes where nobody has the encoder.
    fn take(&mut self) -> Option<usize> {
        let Steps(ingest, queue) = self;
        let mut queue = queue.lock();
        let next = queue.pop().or_else(|| {
            queue.look_at(ingest);
            queue.pop()
        });
        next.map(|pending| pending.bytes)
    }
}

#[test]
fn what_is_in_flight_is_what_the_groups_hold() {
    let mut steps = Steps::new();
    // The second one goes ahead in several frames, the first of them with the record before.
    for (n, bytes) in [(1, 100), (2, 9 << 20), (3, 100)] {
        steps.append(n, bytes);
    }
    assert!(steps.1.lock().ready.len() > 1);
    let in_flight = steps.1.lock().in_flight();
    let held: usize = std::iter::from_fn(|| steps.take()).sum();
    assert!(held > 9 << 20);
    assert_eq!(in_flight, held);
    assert_eq!(steps.1.lock().in_flight(), held, "taken is not durable");
    steps.1.lock().release(held, false);
    assert_eq!(steps.1.lock().in_flight(), 0);
}

#[test]
fn a_group_grows_while_the_writer_is_busy_and_goes_when_it_is_wanted() {
    let mut steps = Steps::new();
    assert!(!steps.append(1, 100) && !steps.append(2, 100), "nobody has asked yet");
    let both = steps.take().unwrap();
    assert!(!steps.append(3, 100), "the writer has something to do");
    let one = steps.take().unwrap();
    assert!(both > one && steps.take().is_none());
    assert!(steps.append(4, 100), "the writer waits");
    assert!(
        steps.append(5, 100) && steps.1.lock().ready.len() == 1,
        "it has not taken that one yet"
    );
    assert!(steps.take().is_some() && steps.take().is_some() && steps.take().is_none());
}

#[test]
fn who_waits_for_each_batch_has_no_company() {
    let mut steps = Steps::new();
    for n in 0..=ALONE_TO_TELL as u8 {
        steps.append(n, 100);
        let bytes = steps.take().unwrap();
        assert_eq!(steps.1.lock().has_only(bytes), u32::from(n) >= ALONE_TO_TELL, "{n}");
        steps.1.lock().release(bytes, false);
    }
    steps.append(10, 100);
    let first = steps.take().unwrap();
    steps.append(11, 100);
    assert!(!steps.1.lock().has_only(first), "another one is on its way");
    steps.1.lock().release(first, false);
    let second = steps.take().unwrap();
    assert!(!steps.1.lock().has_only(second), "the one before had company");
    steps.1.lock().release(second, true);
    assert_eq!(steps.1.lock().alone, 0, "somebody is appending");
}

#[test]
fn a_writer_that_waits_gets_the_first_of_a_large_batch_before_its_end() {
    let mut steps = Steps::new();
    assert!(steps.take().is_none());
    steps.append(1, 2 << 20);
    let (first, rest) = (steps.take().unwrap(), steps.take().unwrap());
    assert!(first > 256 << 10 && first < rest, "{first} and {rest}");
    assert!(first + rest > 2 << 20 && steps.take().is_none());
}
