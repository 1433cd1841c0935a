use shuttle::rand::Rng;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, Linked};
use tracekeep::{Error, ErrorKind, Result};
use tracekeep_crash::disk::{SimDir, SimFile, SimFs};

/// What fails, and how often still. Plain locks: nothing is switched while they are held.
#[derive(Debug, Clone, Copy, Default)]
struct Plan {
    /// Reservations that a full disk refuses.
    full: u64,
    /// Writes to logs that a full disk refuses.
    writes: u64,
    /// Syncs of logs that fail: the one after so many.
    sync_after: Option<u64>,
    /// The write of a manifest that fails: the one after so many, an edit or its marker.
    edit_after: Option<u64>,
    on: bool,
    failed: bool,
}

/// Faults of a disk; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    fn of(plan: Plan) -> Faults {
        Faults(Arc::new(Mutex::new(plan)))
    }

    /// One to three reservations are refused.
    pub(crate) fn full_for_a_while() -> Faults {
        Faults::of(Plan { full: shuttle::rand::thread_rng().gen_range(1..4), ..Plan::default() })
    }

    /// A sync fails, sooner or later, and all after it.
    pub(crate) fn failing_sync() -> Faults {
        let after = shuttle::rand::thread_rng().gen_range(0..6);
        Faults::of(Plan { sync_after: Some(after), ..Plan::default() })
    }

    /// A write of a manifest fails, sooner or later, and none after it.
    pub(crate) fn failing_edit() -> Faults {
        let after = shuttle::rand::thread_rng().gen_range(0..8);
        Faults::of(Plan { edit_after: Some(after), ..Plan::default() })
    }

    /// The next write to a log is refused, and no other.
    pub(crate) fn refuse_once(&self) {
        *self.0.lock().unwrap() = Plan { writes: 1, on: true, ..Plan::default() };
    }

    pub(crate) fn start(&self) {
        self.0.lock().unwrap().on = true;
    }

    pub(crate) fn stop(&self) {
        self.0.lock().unwrap().on = false;
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.lock().unwrap().failed
    }

    fn reserve(&self, path: &Path) -> Result<()> {
        let mut plan = self.0.lock().unwrap();
        if plan.on && plan.full > 0 {
            plan.full -= 1;
            let full = std::io::ErrorKind::StorageFull.into();
            return Err(Error::io("reserve space in", path, full));
        }
        Ok(())
    }

    fn write(&self, name: FileName) -> Result<()> {
        let mut plan = self.0.lock().unwrap();
        if plan.on && plan.writes > 0 && matches!(name, FileName::Log(_)) {
            plan.writes -= 1;
            let full = std::io::ErrorKind::StorageFull.into();
            return Err(Error::io("write", Path::new(&name.to_string()), full));
        }
        let Some(after) =
            plan.edit_after.filter(|_| plan.on && matches!(name, FileName::Manifest(_)))
        else {
            return Ok(());
        };
        plan.edit_after = after.checked_sub(1);
        if after > 0 {
            return Ok(());
        }
        plan.failed = true;
        Err(Error::new(ErrorKind::Io, format!("{name}: cannot write: injected")))
    }

    fn sync(&self, name: FileName) -> Result<()> {
        let mut plan = self.0.lock().unwrap();
        let Some(after) = plan.sync_after.filter(|_| plan.on && matches!(name, FileName::Log(_)))
        else {
            return Ok(());
        };
        if after > 0 {
            plan.sync_after = Some(after - 1);
            return Ok(());
        }
        plan.failed = true;
        Err(Error::new(ErrorKind::Io, format!("{name}: cannot sync: injected")))
    }
}

/// The disk in memory, with a place to switch threads before every operation.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    inner: SimFs,
    faults: Faults,
    turn: Arc<AtomicU64>,
}

impl Scheduled {
    pub(crate) fn new(inner: SimFs, faults: Faults) -> Scheduled {
        Scheduled { inner, faults, turn: Arc::default() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ScheduledDir {
    inner: SimDir,
    fs: Scheduled,
}

#[derive(Debug)]
pub(crate) struct ScheduledFile {
    inner: SimFile,
    name: FileName,
    fs: Scheduled,
}

impl Scheduled {
    fn turn(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
    }
}

impl Fs for Scheduled {
    type Dir = ScheduledDir;

    fn open_dir(&self, path: &Path, mode: DirMode) -> Result<ScheduledDir> {
        Ok(ScheduledDir { inner: self.inner.open_dir(path, mode)?, fs: self.clone() })
    }
}

impl ScheduledDir {
    fn turn(&self) -> &SimDir {
        self.fs.turn();
        &self.inner
    }

    fn file(&self, name: FileName, opened: Result<SimFile>) -> Result<ScheduledFile> {
        opened.map(|inner| ScheduledFile { inner, name, fs: self.fs.clone() })
    }
}

impl Dir for ScheduledDir {
    type File = ScheduledFile;
    type Map = <SimDir as Dir>::Map;
    type Lock = <SimDir as Dir>::Lock;

    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn create(&self, name: FileName) -> Result<ScheduledFile> {
        self.file(name, self.turn().create(name))
    }

    fn open(&self, name: FileName) -> Result<ScheduledFile> {
        self.file(name, self.turn().open(name))
    }

    fn map(&self, name: FileName) -> Result<Self::Map> {
        self.turn().map(name)
    }

    fn rename(&self, from: FileName, to: FileName) -> Result<()> {
        self.turn().rename(from, to)
    }

    fn remove(&self, name: FileName) -> Result<()> {
        self.turn().remove(name)
    }

    fn link(&self, name: FileName, to: &ScheduledDir) -> Result<Linked> {
        self.turn().link(name, &to.inner)
    }

    fn list(&self) -> Result<Vec<FileName>> {
        self.turn().list()
    }

    fn sync(&self) -> Result<()> {
        self.turn().sync()
    }

    fn lock(&self, note: &str) -> Result<Self::Lock> {
        self.turn().lock(note)
    }
}

impl File for ScheduledFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.fs.turn();
        self.fs.faults.write(self.name)?;
        self.inner.write_at(bytes, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        self.fs.turn();
        self.inner.read_at(into, offset)
    }

    fn sync(&self) -> Result<()> {
        // Long enough for anything to happen: before it began, and before its answer is heard.
        self.fs.turn();
        let done = self.fs.faults.sync(self.name).and_then(|()| self.inner.sync());
        self.fs.turn();
        done
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn reserve(&self, offset: u64, end: u64) -> Result<()> {
        self.fs.turn();
        self.fs.faults.reserve(Path::new(&self.name.to_string()))?;
        self.inner.reserve(offset, end)
    }
}
