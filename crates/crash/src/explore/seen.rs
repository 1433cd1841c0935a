//! Which images were seen, also by runs before this one.
#![expect(clippy::disallowed_methods, reason = "this file is no part of a store")]

use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tracekeep::{Error, Result};

/// What an image was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub batches: u32,
    pub backed_up: u32,
    /// The print of the model that it agreed with.
    pub print: u64,
}

/// Images that were seen, by the hash of their names and bytes, with what recovery made of them;
/// shared by explorers that work side by side. Recovery is a function of the image: what it found
/// once holds wherever the image comes up. About 60 bytes an image.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Images>>);

#[derive(Debug, Default)]
struct Images {
    known: HashMap<u128, Option<Outcome>>,
    /// Those that are in no file yet, where they are to be.
    unsaved: Option<Vec<u128>>,
}

const HASH_BYTES: usize = 16;

impl Seen {
    /// Those that the runs before saved in this file, if there is one. Such an image is not
    /// counted again; it is checked again.
    ///
    /// # Errors
    /// `Io`.
    pub fn load(path: &Path) -> Result<Seen> {
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|e| Error::io("read", path, e))?,
        };
        // A hash that was half written is one that was not saved.
        let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
        let known = hashes.iter().map(|hash| (u128::from_le_bytes(*hash), None)).collect();
        Ok(Seen(Arc::new(Mutex::new(Images { known, unsaved: Some(Vec::new()) }))))
    }

    /// Adds what is new to the file that these were loaded from.
    ///
    /// # Errors
    /// `Io`.
    pub fn save(&self, path: &Path) -> Result<()> {
        let new = self.0.lock().unsaved.as_mut().map(std::mem::take).unwrap_or_default();
        let bytes: Vec<u8> = new.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(|e| Error::io("write", path, e))
    }

    pub(super) fn outcome(&self, hash: u128) -> Option<Outcome> {
        self.0.lock().known.get(&hash).copied().flatten()
    }

    /// Whether nobody saw this image before.
    pub(super) fn is_new(&self, hash: u128) -> bool {
        let mut images = self.0.lock();
        if images.known.contains_key(&hash) {
            return false;
        }
        images.known.insert(hash, None);
        if let Some(unsaved) = &mut images.unsaved {
            unsaved.push(hash);
        }
        true
    }

    pub(super) fn found(&self, hash: u128, outcome: Outcome) {
        self.0.lock().known.insert(hash, Some(outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_new_once_over_all_runs() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("images");
        for (known, new) in [(1..1, 1..4), (1..4, 4..9)] {
            let seen = Seen::load(&file).unwrap();
            assert!(known.into_iter().all(|hash| !seen.is_new(hash)));
            for hash in new {
                assert!(seen.is_new(hash) && !seen.is_new(hash));
                assert_eq!(seen.outcome(hash), None);
            }
            seen.save(&file).unwrap();
            seen.save(&file).unwrap();
        }
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 8 * HASH_BYTES as u64);
    }
}
