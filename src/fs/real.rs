//! The operating system's files: `pwrite`, `pread`, `fdatasync`, `fallocate`, `flock`.

#![expect(clippy::disallowed_methods, reason = "this is the door that files come in by")]

use super::{Dir, DirMode, File, FileName, Fs, Linked, Map};
use crate::error::{Error, ErrorKind, Result};
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

/// A directory of the operating system.
#[derive(Debug, Clone)]
pub struct RealDir(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    handle: fs::File,
}

/// An open file of the operating system.
#[derive(Debug)]
pub struct RealFile {
    file: fs::File,
    path: PathBuf,
}

impl Fs for RealFs {
    type Dir = RealDir;

    fn open_dir(&self, path: &Path, mode: DirMode) -> Result<RealDir> {
        if mode == DirMode::Create && !path.is_dir() {
            create_durably(path)?;
        }
        let handle = fs::File::open(path).map_err(|e| Error::io("open", path, e))?;
        let meta = handle.metadata().map_err(|e| Error::io("look at", path, e))?;
        if !meta.is_dir() {
            return Err(Error::invalid(format!("{}: is no directory", path.display())));
        }
        Ok(RealDir(Arc::new(Opened { path: path.to_path_buf(), handle })))
    }
}

/// Makes a directory and its missing parents, each durable in the one above.
fn create_durably(path: &Path) -> Result<()> {
    let mut missing = vec![path];
    while let Some(parent) = missing.last().and_then(|p| p.parent()) {
        if parent.as_os_str().is_empty() || parent.exists() {
            break;
        }
        missing.push(parent);
    }
    for dir in missing.into_iter().rev() {
        match fs::create_dir(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::io("create", dir, e));
            }
            _ => {}
        }
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // SYNC: without it a power loss can take the whole new store, acknowledged data included.
        fs::File::open(parent)
            .and_then(|handle| handle.sync_all())
            .map_err(|e| Error::io("sync", parent, e))?;
    }
    Ok(())
}

impl RealDir {
    fn full(&self, name: FileName) -> PathBuf {
        self.0.path.join(name.to_string())
    }

    fn open_with(&self, name: FileName, what: &str, options: &OpenOptions) -> Result<RealFile> {
        let path = self.full(name);
        let file = options.open(&path).map_err(|e| Error::io(what, &path, e))?;
        Ok(RealFile { file, path })
    }
}

impl Dir for RealDir {
    type File = RealFile;
    type Map = Map;
    type Lock = fs::File;

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn create(&self, name: FileName) -> Result<RealFile> {
        self.open_with(name, "create", OpenOptions::new().read(true).write(true).create_new(true))
    }

    fn open(&self, name: FileName) -> Result<RealFile> {
        let file = self.open_with(name, "open", OpenOptions::new().read(true))?;
        let meta = file.file.metadata().map_err(|e| Error::io("look at", &file.path, e))?;
        if !meta.is_file() {
            return Err(Error::corruption_at(&file.path, 0, "is no regular file"));
        }
        Ok(file)
    }

    fn map(&self, name: FileName) -> Result<Map> {
        let file = self.open(name)?;
        Map::of(&file.file).map_err(|e| Error::io("map", &file.path, e))
    }

    fn rename(&self, from: FileName, to: FileName) -> Result<()> {
        let (from, to) = (self.full(from), self.full(to));
        fs::rename(&from, &to).map_err(|e| Error::io("rename", &from, e))
    }

    fn remove(&self, name: FileName) -> Result<()> {
        let path = self.full(name);
        fs::remove_file(&path).map_err(|e| Error::io("remove", &path, e))
    }

    fn link(&self, name: FileName, to: &RealDir) -> Result<Linked> {
        use std::io::ErrorKind::{AlreadyExists, NotFound};
        let (from, to) = (self.full(name), to.full(name));
        match fs::hard_link(&from, &to) {
            Ok(()) => return Ok(Linked::Link),
            // Copying onto a file that is there would cut it, and it may be this one.
            Err(e) if matches!(e.kind(), AlreadyExists | NotFound) => {
                return Err(Error::io("link", &from, e));
            }
            Err(_) => {}
        }
        let copied = fs::copy(&from, &to).and_then(|_| fs::File::open(&to)?.sync_all());
        if copied.is_err() {
            let _gone = fs::remove_file(&to);
        }
        copied.map(|()| Linked::Copy).map_err(|e| Error::io("copy", &to, e))
    }

    fn list(&self) -> Result<Vec<FileName>> {
        let path = &self.0.path;
        let entries = fs::read_dir(path).map_err(|e| Error::io("list", path, e))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("list", path, e))?;
            names.extend(entry.file_name().to_str().and_then(FileName::parse));
        }
        Ok(names)
    }

    fn sync(&self) -> Result<()> {
        self.0.handle.sync_all().map_err(|e| Error::io("sync", &self.0.path, e))
    }

    fn lock(&self, note: &str) -> Result<fs::File> {
        let path = self.full(FileName::Lock);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|e| Error::io("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The note is for people; a lock without one is held all the same.
                let _unread = Read::by_ref(&mut file).take(512).read_to_string(&mut holder);
                let holder = holder.split('\n').next().unwrap_or_default().trim();
                let holder = if holder.is_empty() { "another process" } else { holder };
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!(
                        "{}: the store is open for writing by {holder}; close it there, or open \
                         it read-only here",
                        self.0.path.display()
                    ),
                ));
            }
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
        }
        let padded = format!("{note:<250}\n");
        file.rewind()
            .and_then(|()| file.write_all(padded.as_bytes()))
            .map_err(|e| Error::io("write", &path, e))?;
        Ok(file)
    }
}

impl File for RealFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| Error::io("write", &self.path, e))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match self.file.read_at(&mut into[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("read", &self.path, e)),
            }
        }
        Ok(done)
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Error::io("sync", &self.path, e))
    }

    fn len(&self) -> Result<u64> {
        let meta = self.file.metadata().map_err(|e| Error::io("look at", &self.path, e))?;
        Ok(meta.len())
    }

    fn reserve(&self, offset: u64, end: u64) -> Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        let len = end.saturating_sub(offset);
        if len == 0 {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, len) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(()),
            Err(e) => Err(Error::io("reserve space in", &self.path, e.into())),
        }
    }
}

/// This process, for the lock's note: `pid 12 on host`.
pub(crate) fn process_name() -> String {
    let host = rustix::system::uname();
    format!("pid {} on {}", std::process::id(), host.nodename().to_string_lossy())
}
