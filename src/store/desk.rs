//! Who writes: the writer's thread, or a caller that waits for a batch without company, which
//! spares it two switches of threads. Whoever takes a group from the queue has the writer locked
//! until the group is written, so that groups are written in their order.

use super::queue::{Pending, Queue};
use super::shared::Shared;
use super::writer::Writer;
use crate::error::Result;
use crate::fs::Fs;
use crate::id::Seq;
use crate::model::Record;
use crate::sync::{Mutex, MutexGuard};
use std::sync::Arc;

/// The place to write from.
#[derive(Debug)]
pub(super) struct Desk<F: Fs> {
    shared: Arc<Shared<F>>,
    writer: Mutex<Writer<F>>,
}

/// A group that its caller writes.
type Claimed<'a, F> = (MutexGuard<'a, Writer<F>>, Pending);

impl<F: Fs> Desk<F> {
    pub fn new(shared: Arc<Shared<F>>, writer: Writer<F>) -> Desk<F> {
        Desk { shared, writer: Mutex::new(writer) }
    }

    /// Writes groups until the store closes.
    pub fn run(&self) {
        let mut quiet_since = None;
        loop {
            let mut writer = self.writer.lock();
            let mut queue = self.shared.queue.lock();
            if let Some(pending) = self.shared.take(&mut queue) {
                drop(queue);
                writer.put(pending);
                continue;
            }
            // Who has the encoder may still hand something over.
            if self.shared.is_closing() && !self.shared.ingest.is_locked() {
                drop(queue);
                return writer.close();
            }
            if quiet_since.take() == Some(writer.next_seq()) {
                drop(queue);
                writer.rest();
                continue;
            }
            let (seq, patience) = (writer.next_seq(), writer.patience());
            drop(writer);
            match patience {
                None => self.shared.work.wait(&mut queue),
                Some(time) => {
                    let timed_out = self.shared.work.wait_for(&mut queue, time).timed_out();
                    quiet_since = timed_out.then_some(seq);
                }
            }
        }
    }

    /// Appends a batch and waits for it. Where it has no company, nobody else is woken for it.
    pub fn append_and_wait(&self, records: Vec<Record>) -> Result<Seq> {
        let mut claimed = None;
        let appended = self.shared.append(records, &mut |queue| {
            claimed = self.claim(queue);
            if claimed.is_none() {
                self.shared.wake_writer();
            }
        });
        // What is claimed is written whatever became of this batch: others may be in it.
        if let Some((mut writer, pending)) = claimed {
            let unwatched = writer.patience().is_none();
            self.shared.guarded(|| writer.put(pending));
            drop(writer);
            // Its thread waits for groups, and where one was written since it began to, for quiet.
            if self.shared.queue.lock().give_back() || unwatched {
                self.shared.wake_writer();
            }
        }
        appended?.wait()
    }

    /// The group that waits for a writer, if there is no other and nobody writes.
    fn claim(&self, queue: &mut Queue) -> Option<Claimed<'_, F>> {
        if !queue.is_alone() {
            return None;
        }
        let writer = self.writer.try_lock()?;
        Some((writer, queue.pop()?))
    }
}

#[cfg(test)]
mod tests {
    use crate::id::Id;
    use crate::model::{Operation, Record, Timestamp, TraceRecord};
    use crate::options::{Durability, Options};
    use crate::store::Store;

    fn record() -> Vec<Record> {
        let id = Id::parse("a").unwrap();
        vec![TraceRecord::new(id, Timestamp(1), Operation::Create).into()]
    }

    #[test]
    fn who_has_no_company_writes() {
        for durability in [Durability::Os, Durability::Disk, Durability::DiskStrict] {
            let temp = tempfile::tempdir().unwrap();
            let options = Options { durability, ..Options::default() };
            let store = Store::builder().options(options).open(temp.path()).unwrap();
            for n in 1..=20 {
                assert_eq!(store.desk.append_and_wait(record()).unwrap().0, n);
            }
            // The writer's thread may be about to see whether there is something to write.
            let (commit, (mut writer, pending)) = (0..10_000)
                .find_map(|_| {
                    let mut claimed = None;
                    let append = store.shared.append(record(), &mut |queue| {
                        claimed = store.desk.claim(queue);
                        if claimed.is_none() {
                            store.shared.wake_writer();
                        }
                    });
                    let commit = append.unwrap();
                    claimed.is_none().then(|| commit.wait().unwrap());
                    Some((commit, claimed?))
                })
                .expect("nobody else appends");
            assert!(store.desk.claim(&mut store.shared.queue.lock()).is_none(), "one at a time");
            // Who comes meanwhile finds the writer busy, and waits for it.
            let other = store.append(crate::Batch::new()).unwrap();
            let company = store.shared.append(record(), &mut |_| panic!("it is not idle")).unwrap();
            assert!(other.is_done() && !company.is_done() && !commit.is_done());
            writer.put(pending);
            drop(writer);
            assert!(commit.wait().is_ok());
            store.shared.queue.lock().give_back();
            store.shared.wake_writer();
            let last = company.wait().unwrap();
            assert_eq!(last.0, commit.seq().0 + 1);
            store.close().unwrap();
            assert_eq!(Store::open(temp.path()).unwrap().snapshot().seq(), last);
        }
    }

    #[test]
    fn what_a_caller_wrote_is_promised_in_quiet_time() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        for _ in 0..10 {
            store.desk.append_and_wait(record()).unwrap();
        }
        for _ in 0..5 {
            let promised = (0..60_000).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                store.desk.writer.lock().patience().is_none()
            });
            assert!(promised, "its thread was not told");
            store.desk.append_and_wait(record()).unwrap();
        }
    }
}
