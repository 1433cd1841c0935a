//! A directory in memory: as fast as a map, and nothing is ever lost in it. Crashes are the
//! business of the simulated disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, Linked};
use tracekeep::{Error, Result};

/// Bytes of one file, shared by whoever has it open.
#[derive(Debug, Clone, Default)]
pub struct MemoryFile(Arc<Mutex<Vec<u8>>>);

/// Files by name. Clones are the same directory.
#[derive(Debug, Clone, Default)]
pub struct Folder(Arc<Mutex<BTreeMap<FileName, MemoryFile>>>);

/// What a directory holds.
pub type Files = BTreeMap<FileName, Vec<u8>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn missing(name: FileName) -> Error {
    let path = Path::new(Folder::PATH).join(name.to_string());
    Error::io("open", &path, std::io::ErrorKind::NotFound.into())
}

impl MemoryFile {
    /// A file of these bytes.
    pub fn of(bytes: Vec<u8>) -> MemoryFile {
        MemoryFile(Arc::new(Mutex::new(bytes)))
    }
}

impl Folder {
    /// The path of every folder.
    pub const PATH: &str = "store";

    /// A directory that holds these files.
    pub fn of(files: &Files) -> Folder {
        let open = |(name, bytes): (&FileName, &Vec<u8>)| (*name, MemoryFile::of(bytes.clone()));
        Folder(Arc::new(Mutex::new(files.iter().map(open).collect())))
    }

    /// What it holds now.
    pub fn files(&self) -> Files {
        let files = locked(&self.0);
        files.iter().map(|(name, file)| (*name, locked(&file.0).clone())).collect()
    }

    fn find(&self, name: FileName) -> Result<MemoryFile> {
        locked(&self.0).get(&name).cloned().ok_or_else(|| missing(name))
    }
}

impl Fs for Folder {
    type Dir = Folder;

    fn open_dir(&self, _: &Path, _: DirMode) -> Result<Folder> {
        Ok(self.clone())
    }
}

impl Dir for Folder {
    type File = MemoryFile;
    type Map = Vec<u8>;
    type Lock = ();

    fn path(&self) -> &Path {
        Path::new(Folder::PATH)
    }

    fn create(&self, name: FileName) -> Result<MemoryFile> {
        let mut files = locked(&self.0);
        if files.contains_key(&name) {
            let path = self.path().join(name.to_string());
            return Err(Error::io("create", &path, std::io::ErrorKind::AlreadyExists.into()));
        }
        Ok(files.entry(name).or_default().clone())
    }

    fn open(&self, name: FileName) -> Result<MemoryFile> {
        self.find(name)
    }

    fn map(&self, name: FileName) -> Result<Vec<u8>> {
        Ok(locked(&self.find(name)?.0).clone())
    }

    fn rename(&self, from: FileName, to: FileName) -> Result<()> {
        let mut files = locked(&self.0);
        let file = files.remove(&from).ok_or_else(|| missing(from))?;
        files.insert(to, file);
        Ok(())
    }

    fn remove(&self, name: FileName) -> Result<()> {
        locked(&self.0).remove(&name).map(|_| ()).ok_or_else(|| missing(name))
    }

    fn link(&self, name: FileName, to: &Folder) -> Result<Linked> {
        let file = self.find(name)?;
        locked(&to.0).insert(name, file);
        Ok(Linked::Link)
    }

    fn list(&self) -> Result<Vec<FileName>> {
        Ok(locked(&self.0).keys().copied().collect())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn lock(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

impl File for MemoryFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let (mut file, at) = (locked(&self.0), offset as usize);
        let end = at + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[at..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let file = locked(&self.0);
        let rest = usize::try_from(offset).ok().and_then(|at| file.get(at..)).unwrap_or_default();
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(locked(&self.0).len() as u64)
    }

    fn reserve(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}
