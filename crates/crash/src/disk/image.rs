//! What a disk holds when nobody writes to it: names and bytes, all of it durable.

use super::op::DirNo;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tracekeep::fs::FileName;

/// The bytes of one file, with their hash, shared by the images that hold them.
#[derive(Debug, Clone)]
pub struct Content {
    /// The bytes.
    pub bytes: Arc<Vec<u8>>,
    hash: u128,
}

impl Content {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Content {
        let hash = hash(&bytes);
        Content { bytes: Arc::new(bytes), hash }
    }
}

impl Default for Content {
    fn default() -> Content {
        Content::new(Vec::new())
    }
}

/// A directory of an image.
#[derive(Debug, Clone, Default)]
pub struct ImageDir {
    /// Its path.
    pub path: PathBuf,
    /// Which file each name has.
    pub entries: BTreeMap<FileName, usize>,
}

/// Directories and files.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// The directories, by number. One that was not made yet has no path.
    pub dirs: Vec<ImageDir>,
    /// The files, by number; those without a name are empty.
    pub files: Vec<Content>,
}

impl Image {
    /// A hash of all names and bytes; of `LOCK` only that it is there, for its note is nobody's
    /// business.
    pub fn hash(&self) -> u128 {
        let mut all = blake3::Hasher::new();
        for (no, dir) in self.dirs.iter().enumerate() {
            all.update(&(no as u64).to_le_bytes());
            all.update(dir.path.as_os_str().as_encoded_bytes());
            for (name, file) in &dir.entries {
                all.update(name.to_string().as_bytes());
                let hash = match name {
                    FileName::Lock => 0,
                    _ => self.files.get(*file).map_or(0, |content| content.hash),
                };
                all.update(&hash.to_le_bytes());
            }
        }
        let mut short = [0; 16];
        short.copy_from_slice(&all.finalize().as_bytes()[..16]);
        u128::from_le_bytes(short)
    }

    /// The number of the directory with this path.
    pub fn dir(&self, path: &str) -> Option<DirNo> {
        self.dirs.iter().position(|dir| dir.path.as_os_str() == path)
    }

    /// The bytes of a file, if the name is there.
    pub fn file(&self, dir: DirNo, name: FileName) -> Option<&[u8]> {
        let file = self.dirs.get(dir)?.entries.get(&name)?;
        self.files.get(*file).map(|content| content.bytes.as_slice())
    }
}

fn hash(bytes: &[u8]) -> u128 {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    u128::from_le_bytes(short)
}
