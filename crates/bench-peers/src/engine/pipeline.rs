//! Appending to an engine whose commits are calls that return when they are durable.
//!
//! With one batch in flight a batch is prepared and committed, then the next. With more, one
//! thread prepares while another commits, and what has gathered meanwhile is committed together:
//! the group commit that a team would write around such an engine.

use crate::{Result, fault};
use std::sync::mpsc::{Receiver, sync_channel};
use tracekeep::model::Record;

/// Prepares on this thread and commits on another, in order.
pub(crate) fn append<P: Send>(
    batches: Vec<Vec<Record>>,
    in_flight: usize,
    prepare: impl Fn(Vec<Record>) -> Result<P>,
    mut commit: impl FnMut(Vec<P>) -> Result<()> + Send,
) -> Result<()> {
    if in_flight <= 1 {
        for batch in batches {
            commit(vec![prepare(batch)?])?;
        }
        return Ok(());
    }
    // What waits and what is being committed is each at most half.
    let group = (in_flight / 2).max(1);
    let (sender, receiver) = sync_channel(group);
    std::thread::scope(|scope| {
        let committer = scope.spawn(move || {
            while let Ok(first) = receiver.recv() {
                commit(gathered(first, &receiver, group))?;
            }
            Ok(())
        });
        for batch in batches {
            let prepared = prepare(batch)?;
            // The other thread's error is the one to tell.
            if sender.send(prepared).is_err() {
                break;
            }
        }
        drop(sender);
        committer.join().map_err(|_| fault("a thread that commits panicked"))?
    })
}

/// What is there already, and no more than fits.
fn gathered<P>(first: P, receiver: &Receiver<P>, group: usize) -> Vec<P> {
    let mut all = vec![first];
    while all.len() < group {
        match receiver.try_recv() {
            Ok(next) => all.push(next),
            Err(_) => break,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_committed_in_order_in_groups_that_fit() {
        for in_flight in [1, 2, 3, 8] {
            let batches: Vec<Vec<Record>> = (0..100).map(|_| Vec::new()).collect();
            let number = std::cell::Cell::new(0);
            let prepare = |_| {
                number.set(number.get() + 1);
                Ok(number.get())
            };
            let mut seen = Vec::new();
            let commit = |group: Vec<i32>| {
                assert!(group.len() <= (in_flight / 2).max(1));
                seen.extend(group);
                Ok(())
            };
            append(batches, in_flight, prepare, commit).unwrap();
            assert_eq!(seen, (1..=100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_of_either_thread_comes_back() {
        let batches = || (0..10).map(|_| Vec::new()).collect::<Vec<Vec<Record>>>();
        let failing = |_| Err::<u8, _>(fault("prepare"));
        assert_eq!(append(batches(), 4, failing, |_| Ok(())).unwrap_err().to_string(), "prepare");
        let committed = append(batches(), 4, |_| Ok(1), |_| Err(fault("commit")));
        assert_eq!(committed.unwrap_err().to_string(), "commit");
    }
}
