//! The operating system's files: `pwrite`, `pread`, `fdatasync`, `fallocate`, `flock`.

#![expect(clippy::disallowed_methods, reason = "this is the door that files come in by")]

use super::{Dir, DirMode, File, FileName, Fs, Linked, Map};
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, fallocate, linkat, openat, renameat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use std::fs::{self, TryLockError};
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

    /// Opens a file of the directory that was opened, wherever that is by now: another one may
    /// stand under its path.
    fn open_with(&self, name: FileName, what: &str, flags: OFlags) -> Result<RealFile> {
        let path = self.full(name);
        let mode = Mode::from_raw_mode(0o666);
        let flags = flags | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(&self.0.handle, name.to_string(), flags, mode));
        let file = fs::File::from(opened.map_err(|e| Error::io(what, &path, e.into()))?);
        Ok(RealFile { file, path })
    }

    /// Locks the directory itself, as well as `LOCK`: somebody may remove that. `None` where it
    /// is locked already.
    fn lock_dir(&self) -> Result<Option<Flock>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(&self.0.handle, ".", flags, Mode::empty()));
        let dir = fs::File::from(opened.map_err(|e| Error::io("open", &self.0.path, e.into()))?);
        match dir.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some file systems lock files only.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Flock(dir))),
        }
    }

    /// Who has locked it, as its note says, for people.
    fn is_locked(&self) -> Error {
        let mut note = String::new();
        // A lock without a note is held all the same.
        let _unread = self.open(FileName::Lock).map(|f| f.file.take(512).read_to_string(&mut note));
        let holder = match note.split('\n').next().unwrap_or_default().trim() {
            "" => "another process",
            holder => holder,
        };
        let path = self.0.path.display();
        let message = format!(
            "{path}: the store is open for writing by {holder}; close it there, or open it \
             read-only here"
        );
        Error::new(ErrorKind::Locked, message)
    }
}

/// The lock on the directory and on `LOCK`.
#[derive(Debug)]
pub struct RealLock {
    _dir: Flock,
    _note: Flock,
}

/// A file that is locked until it is dropped.
#[derive(Debug)]
struct Flock(fs::File);

impl Drop for Flock {
    fn drop(&mut self) {
        // Closing alone would leave it locked for as long as a process that is being started
        // holds a copy of the file, until it executes its program.
        let _unlocked = self.0.unlock();
    }
}

impl Dir for RealDir {
    type File = RealFile;
    type Map = Map;
    type Lock = RealLock;

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn create(&self, name: FileName) -> Result<RealFile> {
        self.open_with(name, "create", OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn open(&self, name: FileName) -> Result<RealFile> {
        // Without waiting, where a pipe has the name of a file of ours.
        let file = self.open_with(name, "open", OFlags::RDONLY | OFlags::NONBLOCK)?;
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
        let handle = &self.0.handle;
        retry_on_intr(|| renameat(handle, from.to_string(), handle, to.to_string()))
            .map_err(|e| Error::io("rename", &self.full(from), e.into()))
    }

    fn remove(&self, name: FileName) -> Result<()> {
        retry_on_intr(|| unlinkat(&self.0.handle, name.to_string(), AtFlags::empty()))
            .map_err(|e| Error::io("remove", &self.full(name), e.into()))
    }

    fn link(&self, name: FileName, to: &RealDir) -> Result<Linked> {
        let text = name.to_string();
        let link =
            || linkat(&self.0.handle, text.as_str(), &to.0.handle, text.as_str(), AtFlags::empty());
        match retry_on_intr(link) {
            Ok(()) => return Ok(Linked::Link),
            // Copying onto a file that is there would cut it, and it may be this one.
            Err(e @ (Errno::EXIST | Errno::NOENT)) => {
                return Err(Error::io("link", &self.full(name), e.into()));
            }
            Err(_) => {}
        }
        let (mut from, mut copy) = (self.open(name)?, to.create(name)?);
        let copied = std::io::copy(&mut from.file, &mut copy.file)
            .and_then(|_| copy.file.sync_all())
            .map_err(|e| Error::io("copy", &copy.path, e));
        if copied.is_err() {
            let _gone = to.remove(name);
        }
        copied.map(|()| Linked::Copy)
    }

    fn list(&self) -> Result<Vec<FileName>> {
        let failed = |e: Errno| Error::io("list", &self.0.path, e.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            names.extend(entry.file_name().to_str().ok().and_then(FileName::parse));
        }
        Ok(names)
    }

    fn sync(&self) -> Result<()> {
        self.0.handle.sync_all().map_err(|e| Error::io("sync", &self.0.path, e))
    }

    fn lock(&self, note: &str) -> Result<RealLock> {
        let Some(dir) = self.lock_dir()? else { return Err(self.is_locked()) };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK;
        let RealFile { mut file, path } = self.open_with(FileName::Lock, "open", flags)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.is_locked()),
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
        }
        let padded = format!("{note:<250}\n");
        file.rewind()
            .and_then(|()| file.write_all(padded.as_bytes()))
            .map_err(|e| Error::io("write", &path, e))?;
        Ok(RealLock { _dir: dir, _note: Flock(file) })
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
        let len = end.saturating_sub(offset);
        if len == 0 {
            return Ok(());
        }
        let reserve = || fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, len);
        match retry_on_intr(reserve) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(e) => Err(Error::io("reserve space in", &self.path, e.into())),
        }
    }
}

/// This process, for the lock's note: `pid 12 on host`.
pub(crate) fn process_name() -> String {
    let host = rustix::system::uname();
    format!("pid {} on {}", std::process::id(), host.nodename().to_string_lossy())
}
