//! The engine's `fs` traits over the disk in memory.

use super::gate::{Attempt, Gate};
use super::image::Image;
use super::op::{DirNo, Ino, Mark, Op, OpKind};
use super::state::{Disk, SeenDir};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, Linked, Mapped};
use tracekeep::{Error, ErrorKind, Result};

/// Whoever is waited for so long is not coming.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file system in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimFs(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    disk: Mutex<(Disk, Gate)>,
    changed: Condvar,
}

impl SimFs {
    /// An empty disk.
    pub fn new() -> SimFs {
        SimFs::default()
    }

    /// A disk that holds this, durably.
    pub fn of(image: &Image) -> SimFs {
        let disk = Mutex::new((Disk::of(image), Gate::default()));
        SimFs(Arc::new(Shared { disk, changed: Condvar::new() }))
    }

    /// What is seen, as if it were durable: what a kill -9 leaves.
    pub fn image(&self) -> Image {
        self.0.disk.lock().0.image()
    }

    /// Every operation so far.
    pub fn log(&self) -> Vec<Op> {
        self.0.disk.lock().0.log.clone()
    }

    /// Takes the log, so that the next one begins here.
    pub fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.0.disk.lock().0.log)
    }

    /// How many operations of a kind there were.
    pub fn count(&self, kind: OpKind) -> usize {
        self.0.disk.lock().0.log.iter().filter(|op| op.kind() == kind).count()
    }

    /// The names that are seen in a directory.
    pub fn names(&self, path: &str) -> Vec<FileName> {
        let disk = self.0.disk.lock();
        let dir = disk.0.dirs.iter().find(|dir| dir.path.as_os_str() == path);
        dir.map_or(Vec::new(), |d| d.entries.keys().copied().collect())
    }

    /// Rules of the house that were broken: none.
    pub fn broken(&self) -> Vec<String> {
        self.0.disk.lock().0.broken.clone()
    }

    /// Notes in the log what is known now.
    pub fn mark(&self, mark: Mark) {
        self.0.disk.lock().0.log.push(Op::Mark(mark));
    }

    /// Kills the process: every handle is dead from now on, locks are free, what was written is
    /// there for the next one.
    pub fn kill(&self) {
        let mut disk = self.0.disk.lock();
        disk.0.life += 1;
        disk.0.locked.clear();
        disk.0.log.push(Op::Kill);
        disk.1.release();
        self.0.changed.notify_all();
    }

    /// From now on these operations wait until they are let pass.
    pub fn hold(&self, held: fn(&Attempt) -> bool) {
        self.0.disk.lock().1.hold(held);
        self.0.changed.notify_all();
    }

    /// Lets so many of the held operations pass.
    pub fn allow(&self, operations: usize) {
        self.0.disk.lock().1.allow(operations);
        self.0.changed.notify_all();
    }

    /// Holds nothing any more.
    pub fn release(&self) {
        self.0.disk.lock().1.release();
        self.0.changed.notify_all();
    }

    /// Waits until so many operations are held.
    ///
    /// # Errors
    /// `Io` where they do not come within 20 seconds.
    pub fn wait_until_held(&self, operations: usize) -> Result<()> {
        self.wait(|_, gate| gate.waiting() >= operations)
    }

    /// Waits until there were so many operations of a kind.
    ///
    /// # Errors
    /// `Io` where they do not come within 20 seconds.
    pub fn wait_for(&self, kind: OpKind, operations: usize) -> Result<()> {
        let count = |disk: &Disk| disk.log.iter().filter(|op| op.kind() == kind).count();
        self.wait(|disk, _| count(disk) >= operations)
    }

    fn wait(&self, done: impl Fn(&Disk, &Gate) -> bool) -> Result<()> {
        let mut disk = self.0.disk.lock();
        while !done(&disk.0, &disk.1) {
            if self.0.changed.wait_for(&mut disk, PATIENCE).timed_out() {
                return Err(Error::new(ErrorKind::Io, "an operation did not come in 20 seconds"));
            }
        }
        Ok(())
    }

    /// The disk, once the gate is open for an operation of this kind and if the process lives.
    fn enter(&self, life: u64, attempt: &Attempt, path: &Path) -> Result<Entered<'_>> {
        let mut guard = self.0.disk.lock();
        while guard.0.life == life && !guard.1.passes(attempt) {
            guard.1.arrive();
            self.0.changed.notify_all();
            self.0.changed.wait(&mut guard);
            guard.1.leave();
        }
        if guard.0.life != life {
            return Err(Error::io("go on", path, io::Error::other("the process was killed")));
        }
        Ok(Entered { guard, changed: &self.0.changed })
    }
}

/// The disk while one operation is done; whoever waits looks again after it.
struct Entered<'a> {
    guard: MutexGuard<'a, (Disk, Gate)>,
    changed: &'a Condvar,
}

impl Deref for Entered<'_> {
    type Target = Disk;

    fn deref(&self) -> &Disk {
        &self.guard.0
    }
}

impl std::ops::DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Disk {
        &mut self.guard.0
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.changed.notify_all();
    }
}

/// A directory of the disk.
#[derive(Debug, Clone)]
pub struct SimDir(Arc<OpenDir>);

#[derive(Debug)]
struct OpenDir {
    fs: SimFs,
    no: DirNo,
    life: u64,
    path: PathBuf,
}

/// An open file of the disk.
#[derive(Debug)]
pub struct SimFile {
    fs: SimFs,
    ino: Ino,
    life: u64,
    name: FileName,
    path: PathBuf,
    writable: bool,
}

/// The bytes of a file as they were when it was mapped.
#[derive(Debug)]
pub struct SimMap(Arc<Vec<u8>>);

impl Mapped for SimMap {}

impl Deref for SimMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// The writer's lock, until it is dropped.
#[derive(Debug)]
pub struct SimLock {
    fs: SimFs,
    dir: DirNo,
    number: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = self.fs.0.disk.lock();
        if disk.0.locked.get(&self.dir) == Some(&self.number) {
            disk.0.locked.remove(&self.dir);
        }
    }
}

impl Fs for SimFs {
    type Dir = SimDir;

    fn open_dir(&self, path: &Path, mode: DirMode) -> Result<SimDir> {
        let life = self.0.disk.lock().0.life;
        let found = self.0.disk.lock().0.dir_at(path);
        let no = match (found, mode) {
            (Some(no), _) => no,
            (None, DirMode::Existing) => {
                return Err(Error::io("open", path, io::ErrorKind::NotFound.into()));
            }
            (None, DirMode::Create) => {
                let attempt = Attempt::new(OpKind::MakeDir, &[]);
                let mut disk = self.enter(life, &attempt, path)?;
                let dir = disk.dirs.len();
                let (path, entries) = (path.to_path_buf(), BTreeMap::new());
                disk.dirs.push(SeenDir { path: path.clone(), entries });
                disk.log.push(Op::MakeDir { dir, path });
                dir
            }
        };
        Ok(SimDir(Arc::new(OpenDir { fs: self.clone(), no, life, path: path.to_path_buf() })))
    }
}

impl SimDir {
    fn full(&self, name: FileName) -> PathBuf {
        self.0.path.join(name.to_string())
    }

    fn enter(&self, kind: OpKind) -> Result<Entered<'_>> {
        self.0.fs.enter(self.0.life, &Attempt::new(kind, &[]), &self.0.path)
    }

    fn file(&self, ino: Ino, name: FileName, writable: bool) -> SimFile {
        let (fs, life, path) = (self.0.fs.clone(), self.0.life, self.full(name));
        SimFile { fs, ino, life, name, path, writable }
    }

    /// Looks without being held: reads leave no trace.
    fn look(&self, what: &str, name: FileName) -> Result<(Entered<'_>, Ino)> {
        let disk = self.enter(OpKind::Mark)?;
        match disk.find(self.0.no, name) {
            Some(ino) => Ok((disk, ino)),
            None => Err(Error::io(what, &self.full(name), io::ErrorKind::NotFound.into())),
        }
    }
}

impl Dir for SimDir {
    type File = SimFile;
    type Map = SimMap;
    type Lock = SimLock;

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn create(&self, name: FileName) -> Result<SimFile> {
        let mut disk = self.enter(OpKind::Create)?;
        let dir = self.0.no;
        if disk.find(dir, name).is_some() {
            let there = io::ErrorKind::AlreadyExists.into();
            return Err(Error::io("create", &self.full(name), there));
        }
        let ino = disk.new_file(dir, name);
        disk.log.push(Op::Create { dir, name, ino });
        Ok(self.file(ino, name, true))
    }

    fn open(&self, name: FileName) -> Result<SimFile> {
        let (_, ino) = self.look("open", name)?;
        Ok(self.file(ino, name, false))
    }

    fn map(&self, name: FileName) -> Result<SimMap> {
        let (mut disk, ino) = self.look("open", name)?;
        let Some(file) = disk.files.get(ino).cloned() else {
            return Err(Error::io("map", &self.full(name), io::ErrorKind::NotFound.into()));
        };
        if !file.synced {
            disk.breaks(format!("{name} is mapped before it is synced"));
        }
        Ok(SimMap(file.bytes))
    }

    fn rename(&self, from: FileName, to: FileName) -> Result<()> {
        let mut disk = self.enter(OpKind::Rename)?;
        let dir = self.0.no;
        let Some(ino) = disk.find(dir, from) else {
            return Err(Error::io("rename", &self.full(from), io::ErrorKind::NotFound.into()));
        };
        // Two names of one file: POSIX leaves both.
        if disk.find(dir, to) == Some(ino) {
            return Ok(());
        }
        if let Some(dir) = disk.dirs.get_mut(dir) {
            dir.entries.remove(&from);
            dir.entries.insert(to, ino);
        }
        disk.log.push(Op::Rename { dir, from, to, ino });
        Ok(())
    }

    fn remove(&self, name: FileName) -> Result<()> {
        let mut disk = self.enter(OpKind::Remove)?;
        let dir = self.0.no;
        let Some(ino) = disk.dirs.get_mut(dir).and_then(|dir| dir.entries.remove(&name)) else {
            return Err(Error::io("remove", &self.full(name), io::ErrorKind::NotFound.into()));
        };
        disk.log.push(Op::Remove { dir, name, ino });
        Ok(())
    }

    fn link(&self, name: FileName, to: &SimDir) -> Result<Linked> {
        let mut disk = self.enter(OpKind::Link)?;
        let Some(ino) = disk.find(self.0.no, name) else {
            return Err(Error::io("copy", &to.full(name), io::ErrorKind::NotFound.into()));
        };
        let dir = to.0.no;
        if disk.find(dir, name).is_some() {
            let there = io::ErrorKind::AlreadyExists.into();
            return Err(Error::io("link", &to.full(name), there));
        }
        if let Some(dir) = disk.dirs.get_mut(dir) {
            dir.entries.insert(name, ino);
        }
        disk.log.push(Op::Link { dir, name, ino });
        Ok(Linked::Link)
    }

    fn list(&self) -> Result<Vec<FileName>> {
        let disk = self.enter(OpKind::Mark)?;
        Ok(disk.dirs.get(self.0.no).map_or(Vec::new(), |d| d.entries.keys().copied().collect()))
    }

    fn sync(&self) -> Result<()> {
        let mut disk = self.enter(OpKind::SyncDir)?;
        let dir = self.0.no;
        disk.log.push(Op::SyncDir { dir });
        Ok(())
    }

    fn lock(&self, note: &str) -> Result<SimLock> {
        let mut disk = self.enter(OpKind::Lock)?;
        let (dir, name) = (self.0.no, FileName::Lock);
        if disk.locked.contains_key(&dir) {
            let holder = disk.find(dir, name).and_then(|ino| disk.files.get(ino));
            let note = holder.map(|f| String::from_utf8_lossy(&f.bytes).trim().to_owned());
            let note = note.filter(|n| !n.is_empty()).unwrap_or("another process".to_owned());
            let path = self.0.path.display();
            let message = format!(
                "{path}: the store is open for writing by {note}; close it there, or open it \
                 read-only here"
            );
            return Err(Error::new(ErrorKind::Locked, message));
        }
        let ino = disk.find(dir, name).unwrap_or_else(|| disk.new_file(dir, name));
        disk.locks += 1;
        let number = disk.locks;
        disk.locked.insert(dir, number);
        if let Some(file) = disk.files.get_mut(ino) {
            let note = format!("{note:<250}\n").into_bytes();
            let bytes = Arc::make_mut(&mut file.bytes);
            bytes.resize(bytes.len().max(note.len()), 0);
            bytes[..note.len()].copy_from_slice(&note);
        }
        disk.log.push(Op::Lock { dir, ino });
        Ok(SimLock { fs: self.0.fs.clone(), dir, number })
    }
}

impl SimFile {
    fn enter(&self, kind: OpKind, written: &[u8]) -> Result<Entered<'_>> {
        let attempt = Attempt { name: Some(self.name), ..Attempt::new(kind, written) };
        self.fs.enter(self.life, &attempt, &self.path)
    }

    fn must_be_writable(&self, what: &str) -> Result<()> {
        match self.writable {
            true => Ok(()),
            false => Err(Error::io(what, &self.path, io::ErrorKind::PermissionDenied.into())),
        }
    }
}

impl File for SimFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.must_be_writable("write")?;
        self.enter(OpKind::Write, bytes)?.write(self.ino, bytes, offset);
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let disk = self.enter(OpKind::Mark, &[])?;
        let bytes = disk.files.get(self.ino).map_or(&[][..], |f| &f.bytes);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let n = into.len().min(bytes.len() - from);
        into[..n].copy_from_slice(&bytes[from..from + n]);
        Ok(n)
    }

    fn sync(&self) -> Result<()> {
        let mut disk = self.enter(OpKind::Sync, &[])?;
        if let Some(file) = disk.files.get_mut(self.ino) {
            file.synced = true;
            file.synced_len = file.bytes.len() as u64;
        }
        disk.log.push(Op::Sync { ino: self.ino });
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        let disk = self.enter(OpKind::Mark, &[])?;
        Ok(disk.files.get(self.ino).map_or(0, |f| f.bytes.len() as u64))
    }

    fn reserve(&self, offset: u64, end: u64) -> Result<()> {
        if end <= offset {
            return Ok(());
        }
        self.must_be_writable("reserve space in")?;
        let mut disk = self.enter(OpKind::Reserve, &[])?;
        disk.log.push(Op::Reserve { ino: self.ino, end });
        Ok(())
    }
}
