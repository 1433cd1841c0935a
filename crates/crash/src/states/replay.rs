//! What is durable and what is not after some operations of a log.

use crate::disk::{Content, DirNo, Image, ImageDir, Ino, Op};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tracekeep::fs::FileName;

/// A write that is torn is torn here.
pub const SECTOR: u64 = 512;

/// A change of names that no sync of the directory covers yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Add(FileName, Ino),
    Move(FileName, FileName, Ino),
    Remove(FileName, Ino),
}

/// Bytes of one sector that no sync of the file covers yet.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub order: usize,
    pub offset: u64,
    from: Arc<[u8]>,
    range: Range<usize>,
}

impl Piece {
    /// Whether a sector holds bytes of both.
    pub fn shares_sector(&self, other: &Piece) -> bool {
        let last = |piece: &Piece| piece.end().saturating_sub(1) / SECTOR;
        self.offset / SECTOR <= last(other) && other.offset / SECTOR <= last(self)
    }

    pub fn end(&self) -> u64 {
        self.offset + self.range.len() as u64
    }

    pub fn bytes(&self) -> &[u8] {
        &self.from[self.range.clone()]
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct ReplayFile {
    pub durable: Content,
    pub pending: Vec<Piece>,
}

impl ReplayFile {
    /// The length that is seen: durable or not.
    pub fn seen_len(&self) -> u64 {
        let durable = self.durable.bytes.len() as u64;
        self.pending.iter().map(Piece::end).fold(durable, u64::max)
    }

    fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut bytes = self.durable.bytes.to_vec();
        bytes.resize(self.seen_len() as usize, 0);
        for piece in self.pending.drain(..) {
            bytes[piece.offset as usize..piece.end() as usize].copy_from_slice(piece.bytes());
        }
        self.durable = Content::new(bytes);
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct ReplayDir {
    pub path: PathBuf,
    pub durable: BTreeMap<FileName, Ino>,
    pub pending: Vec<(usize, Change)>,
}

/// Applies a change to names, as far as it still means anything where another was lost.
pub(super) fn change(names: &mut BTreeMap<FileName, Ino>, change: Change) {
    let release = |names: &mut BTreeMap<FileName, Ino>, name: FileName, ino: Ino| {
        if names.get(&name) == Some(&ino) {
            names.remove(&name);
        }
    };
    match change {
        Change::Add(name, ino) => {
            names.insert(name, ino);
        }
        Change::Move(from, to, ino) => {
            release(names, from, ino);
            names.insert(to, ino);
        }
        Change::Remove(name, ino) => release(names, name, ino),
    }
}

/// The disk after some operations.
#[derive(Debug, Clone)]
pub struct Replay {
    pub(super) dirs: Vec<ReplayDir>,
    pub(super) files: Vec<ReplayFile>,
    pub(super) nothing: Content,
    at: usize,
}

impl Replay {
    /// A disk that holds this, durably, before any operation.
    pub fn of(image: &Image) -> Replay {
        let dirs = image.dirs.iter().map(|ImageDir { path, entries }| ReplayDir {
            path: path.clone(),
            durable: entries.clone(),
            pending: Vec::new(),
        });
        let files = image
            .files
            .iter()
            .map(|content| ReplayFile { durable: content.clone(), pending: Vec::new() });
        let nothing = Content::default();
        Replay { dirs: dirs.collect(), files: files.collect(), nothing, at: 0 }
    }

    fn dir(&mut self, no: DirNo) -> &mut ReplayDir {
        if self.dirs.len() <= no {
            self.dirs.resize_with(no + 1, ReplayDir::default);
        }
        &mut self.dirs[no]
    }

    fn file(&mut self, ino: Ino) -> &mut ReplayFile {
        let nothing = self.nothing.clone();
        if self.files.len() <= ino {
            let new = || ReplayFile { durable: nothing.clone(), pending: Vec::new() };
            self.files.resize_with(ino + 1, new);
        }
        &mut self.files[ino]
    }

    fn change(&mut self, dir: DirNo, change: Change) {
        let order = self.at;
        self.dir(dir).pending.push((order, change));
    }

    /// Does the next operation of the log.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::MakeDir { dir, path } => self.dir(*dir).path.clone_from(path),
            Op::Create { dir, name, ino } | Op::Link { dir, name, ino } => {
                self.file(*ino);
                self.change(*dir, Change::Add(*name, *ino));
            }
            Op::Lock { dir, ino } => {
                self.file(*ino);
                let held = self.dir(*dir);
                let there = held.durable.contains_key(&FileName::Lock)
                    || held
                        .pending
                        .iter()
                        .any(|(_, c)| matches!(c, Change::Add(FileName::Lock, _)));
                if !there {
                    self.change(*dir, Change::Add(FileName::Lock, *ino));
                }
            }
            Op::Rename { dir, from, to, ino } => {
                self.change(*dir, Change::Move(*from, *to, *ino));
            }
            Op::Remove { dir, name, ino } => self.change(*dir, Change::Remove(*name, *ino)),
            Op::Write { ino, offset, bytes } => self.write(*ino, *offset, bytes),
            Op::Sync { ino } => self.file(*ino).sync(),
            Op::SyncDir { dir } => {
                let dir = self.dir(*dir);
                for (_, made) in std::mem::take(&mut dir.pending) {
                    change(&mut dir.durable, made);
                }
            }
            Op::Reserve { .. } | Op::Kill | Op::Mark(_) => {}
        }
        self.at += 1;
    }

    /// Cuts a write where sectors end. Zeros behind everything are one piece: whichever of their
    /// sectors are kept, what is read there is what lies behind a file that was not kept so far.
    fn write(&mut self, ino: Ino, offset: u64, bytes: &Arc<[u8]>) {
        let order = self.at;
        let file = self.file(ino);
        let laid = offset >= file.seen_len() && bytes.iter().all(|b| *b == 0);
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let room = if laid { bytes.len() } else { (SECTOR - at % SECTOR) as usize };
            let until = bytes.len().min(done + room);
            let from = Arc::clone(bytes);
            file.pending.push(Piece { order, offset: at, from, range: done..until });
            done = until;
        }
    }

    /// Whether a file has or may have a name.
    pub(super) fn may_be_named(&self, ino: Ino) -> bool {
        let adds = |change: &Change| match change {
            Change::Add(_, n) | Change::Move(_, _, n) => *n == ino,
            Change::Remove(..) => false,
        };
        self.dirs.iter().any(|dir| {
            dir.durable.values().any(|n| *n == ino) || dir.pending.iter().any(|(_, c)| adds(c))
        })
    }
}
