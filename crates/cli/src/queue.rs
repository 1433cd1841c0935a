//! A queue between two threads that is bounded by the bytes of what waits in it.
//!
//! An item that alone is larger than the bound passes when the queue is empty, so that the bound
//! never stops the work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, u64)>,
    bytes: u64,
    closed: bool,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    bytes_max: u64,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing is half done while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// The end that items go in by.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end that items come out by.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// A queue of at most this many bytes.
pub(crate) fn queue<T>(bytes_max: u64) -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), bytes: 0, closed: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), bytes_max });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Waits for room. Gives the item back where the receiver is gone.
    pub(crate) fn send(&self, item: T, bytes: u64) -> Result<(), T> {
        let mut state = self.0.lock();
        while !state.closed
            && !state.items.is_empty()
            && state.bytes.saturating_add(bytes) > self.0.bytes_max
        {
            state = self.0.wait(state);
        }
        if state.closed {
            return Err(item);
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.items.push_back((item, bytes));
        drop(state);
        self.0.changed.notify_all();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// Waits for an item. `None` where the sender is gone and nothing is left.
    pub(crate) fn receive(&self) -> Option<T> {
        let mut state = self.0.lock();
        loop {
            if let Some((item, bytes)) = state.items.pop_front() {
                state.bytes -= bytes;
                drop(state);
                self.0.changed.notify_all();
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.0.wait(state);
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
        // The sender may live on; what waits does not have to.
        self.0.lock().items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_within_the_bound() {
        let (sender, receiver) = queue(10);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for i in 0..1_000u64 {
                    sender.send(i, i % 17).unwrap();
                }
            });
            let mut next = 0;
            while let Some(i) = receiver.receive() {
                assert_eq!(i, next);
                let state = receiver.0.lock();
                assert!(state.bytes <= 10 || state.items.len() == 1);
                next += 1;
            }
            assert_eq!(next, 1_000);
        });
    }

    #[test]
    fn a_sender_learns_that_nobody_listens() {
        let (sender, receiver) = queue(1);
        assert!(sender.send("a", 5).is_ok());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| sender.send("b", 5));
            drop(receiver);
            assert_eq!(waiting.join().unwrap(), Err("b"));
        });
    }
}
