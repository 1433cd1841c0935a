use super::{Fault, Op, Switch};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use tracekeep::Result;
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, Linked, Mapped};

/// A file system whose operations fail as its [`Switch`] says.
#[derive(Debug, Clone)]
pub struct Faulty<F: Fs> {
    inner: F,
    switch: Switch,
}

impl<F: Fs> Faulty<F> {
    /// Wraps a file system.
    pub fn new(inner: F, switch: Switch) -> Faulty<F> {
        Faulty { inner, switch }
    }
}

/// What is done of an operation that changes something.
fn change<T>(
    due: Option<Fault>,
    (op, path): (Op, &Path),
    all: impl FnOnce() -> Result<T>,
    undone: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match due {
        None => all(),
        Some(Fault::Undone) => undone(),
        Some(fault) => {
            if fault == Fault::DoneAnyway {
                // What became of it is not told.
                drop(all());
            }
            Err(fault.error(op, path))
        }
    }
}

/// As [`change`], for what changes nothing.
fn look<T>(
    due: Option<Fault>,
    (op, path): (Op, &Path),
    all: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match due {
        None => all(),
        Some(fault) => Err(fault.error(op, path)),
    }
}

impl<F: Fs> Fs for Faulty<F> {
    type Dir = FaultyDir<F::Dir>;

    fn open_dir(&self, path: &Path, mode: DirMode) -> Result<Self::Dir> {
        let open = || {
            let inner = self.inner.open_dir(path, mode)?;
            Ok(FaultyDir { inner, switch: self.switch.clone() })
        };
        change(self.switch.due(Op::OpenDir), (Op::OpenDir, path), open, open)
    }
}

/// A directory of a [`Faulty`] file system.
#[derive(Debug, Clone)]
pub struct FaultyDir<D: Dir> {
    inner: D,
    switch: Switch,
}

impl<D: Dir> FaultyDir<D> {
    fn full(&self, name: FileName) -> PathBuf {
        self.inner.path().join(name.to_string())
    }

    fn file(&self, name: FileName, inner: D::File) -> FaultyFile<D::File> {
        FaultyFile { inner, path: self.full(name), switch: self.switch.clone() }
    }
}

impl<D: Dir> Dir for FaultyDir<D> {
    type File = FaultyFile<D::File>;
    type Map = FaultyMap<D::Map>;
    type Lock = D::Lock;

    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn create(&self, name: FileName) -> Result<Self::File> {
        let all = || Ok(self.file(name, self.inner.create(name)?));
        // A file that can be written, and whose name is nowhere.
        let nameless = || {
            let file = all()?;
            self.inner.remove(name)?;
            Ok(file)
        };
        change(self.switch.due(Op::Create), (Op::Create, &self.full(name)), all, nameless)
    }

    fn open(&self, name: FileName) -> Result<Self::File> {
        let all = || Ok(self.file(name, self.inner.open(name)?));
        look(self.switch.due(Op::Open), (Op::Open, &self.full(name)), all)
    }

    fn map(&self, name: FileName) -> Result<Self::Map> {
        let due = self.switch.due(Op::Map);
        let spoilt = |spoil: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = self.inner.map(name)?.to_vec();
            spoil(&mut bytes);
            Ok(FaultyMap::Spoilt(bytes))
        };
        match due {
            Some(Fault::Short) => spoilt(&|bytes| bytes.truncate(bytes.len() / 2)),
            Some(Fault::Zero) => spoilt(&Vec::clear),
            Some(Fault::WrongBytes) => spoilt(&|bytes| flip(bytes)),
            due => look(due, (Op::Map, &self.full(name)), || {
                self.inner.map(name).map(FaultyMap::Whole)
            }),
        }
    }

    fn rename(&self, from: FileName, to: FileName) -> Result<()> {
        let at = (Op::Rename, &*self.full(from));
        change(self.switch.due(Op::Rename), at, || self.inner.rename(from, to), || Ok(()))
    }

    fn remove(&self, name: FileName) -> Result<()> {
        let at = (Op::Remove, &*self.full(name));
        change(self.switch.due(Op::Remove), at, || self.inner.remove(name), || Ok(()))
    }

    fn link(&self, name: FileName, to: &Self) -> Result<Linked> {
        let at = (Op::Link, &*self.full(name));
        let link = || self.inner.link(name, &to.inner);
        change(self.switch.due(Op::Link), at, link, || Ok(Linked::Link))
    }

    fn list(&self) -> Result<Vec<FileName>> {
        look(self.switch.due(Op::List), (Op::List, self.path()), || self.inner.list())
    }

    fn sync(&self) -> Result<()> {
        let at = (Op::SyncDir, self.path());
        change(self.switch.due(Op::SyncDir), at, || self.inner.sync(), || Ok(()))
    }

    fn lock(&self, note: &str) -> Result<Self::Lock> {
        let lock = || self.inner.lock(note);
        change(self.switch.due(Op::Lock), (Op::Lock, self.path()), lock, lock)
    }
}

/// An open file of a [`Faulty`] file system.
#[derive(Debug)]
pub struct FaultyFile<F: File> {
    inner: F,
    path: PathBuf,
    switch: Switch,
}

impl<F: File> File for FaultyFile<F> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let due = self.switch.due(Op::WriteAt);
        if due == Some(Fault::Short) {
            self.inner.write_at(&bytes[..bytes.len() / 2], offset)?;
        }
        let all = || self.inner.write_at(bytes, offset);
        change(due, (Op::WriteAt, &self.path), all, || Ok(()))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let due = self.switch.due(Op::ReadAt);
        let all = |into: &mut [u8]| self.inner.read_at(into, offset);
        match due {
            Some(Fault::Short) => Ok(all(into)? / 2),
            Some(Fault::Zero) => Ok(0),
            Some(Fault::WrongBytes) => {
                let n = all(into)?;
                flip(&mut into[..n]);
                Ok(n)
            }
            due => look(due, (Op::ReadAt, &self.path), || all(into)),
        }
    }

    fn sync(&self) -> Result<()> {
        let at = (Op::SyncFile, &*self.path);
        change(self.switch.due(Op::SyncFile), at, || self.inner.sync(), || Ok(()))
    }

    fn len(&self) -> Result<u64> {
        look(self.switch.due(Op::Len), (Op::Len, &self.path), || self.inner.len())
    }

    fn reserve(&self, offset: u64, end: u64) -> Result<()> {
        let at = (Op::Reserve, &*self.path);
        let all = || self.inner.reserve(offset, end);
        change(self.switch.due(Op::Reserve), at, all, || Ok(()))
    }
}

/// Flips one bit, in the middle.
fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
}

/// A map of a [`Faulty`] file system.
#[derive(Debug)]
pub enum FaultyMap<M> {
    /// The file as it is.
    Whole(M),
    /// What a failing device makes of it.
    Spoilt(Vec<u8>),
}

impl<M: Mapped> Mapped for FaultyMap<M> {}

impl<M: Mapped> Deref for FaultyMap<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            FaultyMap::Whole(map) => map,
            FaultyMap::Spoilt(bytes) => bytes,
        }
    }
}
