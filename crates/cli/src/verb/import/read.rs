//! The reading side of an import: lines in, mapped records out.

use crate::format;
use crate::input::{LINE_BYTES_MAX, Line, Source};
use crate::queue::Sender;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracekeep::model::{Record, Value};
use tracekeep_langfuse::{Mapped, map_line};

/// What the reading thread finds.
pub(super) enum Item {
    /// A record, and its line.
    Record(u64, Record),
    /// An event that cannot be taken: its line, and why.
    Rejected(u64, String),
    /// An event that says nothing to a store.
    Ignored,
    /// The items from here on are from the next source.
    Next,
}

/// Items go over together, this many or this many bytes: handing over each one wakes a thread.
const TOGETHER: usize = 64;
const TOGETHER_BYTES: u64 = 256 << 10;

/// What both threads count, for the bar and the answer.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// As they lie on disk.
    pub(super) raw: Arc<AtomicU64>,
    /// Of lines, newlines included.
    pub(super) text: AtomicU64,
}

/// Collects items and sends them on together.
struct Outbox {
    sender: Sender<Vec<Item>>,
    items: Vec<Item>,
    bytes: u64,
}

/// Nobody listens any more: the other thread has failed.
struct Gone;

impl Outbox {
    fn put(&mut self, item: Item) -> Result<(), Gone> {
        self.bytes += match &item {
            Item::Record(_, record) => weight(record),
            Item::Rejected(_, reason) => reason.len() as u64 + 64,
            Item::Ignored | Item::Next => 64,
        };
        self.items.push(item);
        if self.items.len() >= TOGETHER || self.bytes >= TOGETHER_BYTES {
            return self.send();
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), Gone> {
        let bytes = std::mem::take(&mut self.bytes);
        self.sender.send(std::mem::take(&mut self.items), bytes).map_err(|_| Gone)
    }
}

/// Reads and maps everything, in order.
pub(super) fn read_all(sources: &[Source], read: &Read, sender: Sender<Vec<Item>>) {
    let mut outbox = Outbox { sender, items: Vec::new(), bytes: 0 };
    for (i, source) in sources.iter().enumerate() {
        if i > 0 && outbox.put(Item::Next).is_err() {
            return;
        }
        if read_one(source, read, &mut outbox).is_err() {
            return;
        }
    }
    // Where nobody listens, nobody misses it.
    let _ = outbox.send();
}

fn read_one(source: &Source, read: &Read, outbox: &mut Outbox) -> Result<(), Gone> {
    let mut lines = match source.open(&read.raw) {
        Ok(lines) => lines,
        Err(error) => return outbox.put(Item::Rejected(1, format!("cannot be read: {error}"))),
    };
    let mut number = 0;
    while let Some((line, bytes)) = lines.next() {
        number += 1;
        read.text.fetch_add(bytes, Ordering::Relaxed);
        match line {
            Line::TooLong => {
                let why =
                    format!("the line is longer than {}", format::count(LINE_BYTES_MAX as u64));
                outbox.put(Item::Rejected(number, why + " bytes"))?;
            }
            Line::Unreadable(why) => outbox.put(Item::Rejected(number, why))?,
            Line::Text(text) => {
                let mut sent = Ok(());
                map_line(text, &mut |mapped| {
                    if sent.is_ok() {
                        sent = outbox.put(match mapped {
                            Ok(Mapped::Record(record)) => Item::Record(number, record),
                            Ok(Mapped::Ignored) => Item::Ignored,
                            Err(rejected) => Item::Rejected(number, rejected.reason),
                        });
                    }
                });
                sent?;
            }
        }
    }
    Ok(())
}

/// About what a record takes in memory, in bytes.
pub(super) fn weight(record: &Record) -> u64 {
    let fields = record.fields().iter().map(|field| match &field.value {
        Value::Payload(bytes) => bytes.len(),
        Value::Map(map) => {
            map.text.len() + map.entries.iter().map(|e| e.key.len() + 48).sum::<usize>()
        }
        Value::Text(text) => text.len(),
        Value::Tags(tags) => tags.iter().map(|tag| tag.len() + 16).sum(),
        Value::Usage(usage) => usage.iter().map(|(key, _)| key.len() + 32).sum(),
        Value::Cost(cost) => cost.iter().map(|(key, _)| key.len() + 32).sum(),
        _ => 0,
    });
    fields.map(|bytes| bytes as u64 + 64).sum::<u64>() + 128
}
