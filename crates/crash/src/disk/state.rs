//! What the operating system would show, and the log of how it came to be so.

use super::image::{Content, Image, ImageDir};
use super::op::{DirNo, Ino, Op};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracekeep::fs::FileName;

/// A file as it is seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub bytes: Arc<Vec<u8>>,
    /// Everything in it is durable.
    pub synced: bool,
    /// Bytes up to here are durable; those that are not zero are never written again.
    pub synced_len: u64,
}

/// A directory as it is seen.
#[derive(Debug, Clone)]
pub(super) struct SeenDir {
    pub path: PathBuf,
    pub entries: BTreeMap<FileName, Ino>,
}

/// The disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub dirs: Vec<SeenDir>,
    pub files: Vec<Seen>,
    pub log: Vec<Op>,
    /// Which life of the process this is: handles of an earlier one are dead.
    pub life: u64,
    /// Locks that were ever taken.
    pub locks: u64,
    /// Those that are held, by directory: another `LOCK` in it is no other lock.
    pub locked: BTreeMap<DirNo, u64>,
    /// Rules of the house that were broken.
    pub broken: Vec<String>,
}

impl Disk {
    pub fn of(image: &Image) -> Disk {
        let files = image.files.iter().map(|Content { bytes, .. }| Seen {
            bytes: Arc::clone(bytes),
            synced: true,
            synced_len: bytes.len() as u64,
        });
        let dirs = image.dirs.iter().map(|ImageDir { path, entries }| SeenDir {
            path: path.clone(),
            entries: entries.clone(),
        });
        Disk { dirs: dirs.collect(), files: files.collect(), ..Disk::default() }
    }

    /// What is seen, as if all of it were durable: what a kill -9 leaves.
    pub fn image(&self) -> Image {
        let named = |ino: Ino| self.dirs.iter().any(|d| d.entries.values().any(|n| *n == ino));
        let files = self.files.iter().enumerate();
        Image {
            dirs: self
                .dirs
                .iter()
                .map(|d| ImageDir { path: d.path.clone(), entries: d.entries.clone() })
                .collect(),
            files: files
                .map(|(ino, seen)| match named(ino) {
                    true => Content::new(seen.bytes.to_vec()),
                    false => Content::default(),
                })
                .collect(),
        }
    }

    pub fn dir_at(&self, path: &Path) -> Option<DirNo> {
        self.dirs.iter().position(|dir| dir.path == path)
    }

    pub fn find(&self, dir: DirNo, name: FileName) -> Option<Ino> {
        self.dirs.get(dir)?.entries.get(&name).copied()
    }

    pub fn new_file(&mut self, dir: DirNo, name: FileName) -> Ino {
        let ino = self.files.len();
        self.files.push(Seen { bytes: Arc::default(), synced: true, synced_len: 0 });
        if let Some(dir) = self.dirs.get_mut(dir) {
            dir.entries.insert(name, ino);
        }
        ino
    }

    /// Notes that a rule was broken that no answer would show.
    pub fn breaks(&mut self, what: String) {
        self.broken.push(what);
    }

    /// Writes bytes, with zeros up to where they begin.
    pub fn write(&mut self, ino: Ino, bytes: &[u8], offset: u64) {
        let Some(file) = self.files.get_mut(ino).filter(|_| !bytes.is_empty()) else { return };
        let start = offset as usize;
        let end = start + bytes.len();
        let seen = Arc::make_mut(&mut file.bytes);
        if seen.len() < end {
            seen.resize(end, 0);
        }
        let synced = file.synced_len;
        let durable = start..end.min(synced as usize).max(start);
        let in_place = seen[durable].iter().any(|b| *b != 0);
        seen[start..end].copy_from_slice(bytes);
        file.synced = false;
        if in_place {
            self.breaks(format!(
                "file {ino} is written in place at {offset}, and {synced} bytes of it are durable"
            ));
        }
        self.log.push(Op::Write { ino, offset, bytes: bytes.into() });
    }
}
