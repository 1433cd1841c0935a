use super::model::{Contents, Fate, Ledger, batch, contents};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};
use tracekeep::fs::{Dir, DirMode, FileName, Fs};
use tracekeep::id::SegmentId;
use tracekeep::{
    Background, Durability, Error, ErrorKind, Options, ReadStore, Result, SealLevel, Store,
    StoreBuilder, Verdict, verify_in,
};
use tracekeep_crash::disk::{Content, Image as DiskImage, SimFs};
use tracekeep_crash::faulty::{Faulty, Op, Switch};

/// The file system under test.
pub(crate) type Disk = Faulty<SimFs>;

/// What the engine is doing while operations fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// A store is made.
    Create,
    /// The first batch of a run, which starts a log, and another one.
    Append,
    /// The same at `Os`.
    AppendOs,
    /// The same at `DiskStrict`.
    AppendStrict,
    /// Batches in flight together, in a log that is there.
    Group,
    /// The marker after quiet time.
    Marker,
    /// Logs become a segment beside another one.
    Seal,
    /// Everything becomes one segment.
    Compact,
    /// Every edit starts a new manifest.
    Switch,
    /// A store is opened that was not closed.
    Recover,
    /// A store is closed.
    Close,
    /// Everything is read, from logs and segments.
    Read,
    /// A store is opened read-only.
    Follow,
    /// A reader looks for what is new.
    Refresh,
    /// Many segments get a merged index.
    Index,
    /// Every byte is verified.
    Verify,
    /// A copy is made while the store is open.
    Backup,
    /// The copy is brought up to date.
    Renew,
    /// What can be read goes to a new store.
    Repair,
}

impl Phase {
    pub(crate) const ALL: [Phase; 19] = [
        Phase::Create,
        Phase::Append,
        Phase::AppendOs,
        Phase::AppendStrict,
        Phase::Group,
        Phase::Marker,
        Phase::Seal,
        Phase::Compact,
        Phase::Switch,
        Phase::Recover,
        Phase::Close,
        Phase::Read,
        Phase::Follow,
        Phase::Refresh,
        Phase::Index,
        Phase::Verify,
        Phase::Backup,
        Phase::Renew,
        Phase::Repair,
    ];

    fn options(self) -> Options {
        let (durability, marker_ms) = match self {
            Phase::AppendOs => (Durability::Os, 3_600_000),
            Phase::AppendStrict => (Durability::DiskStrict, 3_600_000),
            Phase::Marker => (Durability::Disk, 1),
            _ => (Durability::Disk, 3_600_000),
        };
        let manifest_bytes_max = if self == Phase::Switch { 1 } else { 4 << 20 };
        let background = Background::Off;
        Options {
            durability,
            marker_ms,
            manifest_bytes_max,
            background,
            seal_level: 1,
            ..Options::default()
        }
    }

    /// Opens stores on this disk as the phase does.
    pub(crate) fn builder<F: Fs>(self, fs: F) -> StoreBuilder<F> {
        Store::builder().options(self.options()).file_system(fs)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Create => "create",
            Phase::Append => "append",
            Phase::AppendOs => "at Os",
            Phase::AppendStrict => "strict",
            Phase::Group => "group",
            Phase::Marker => "marker",
            Phase::Seal => "seal",
            Phase::Compact => "compact",
            Phase::Switch => "switch",
            Phase::Recover => "recover",
            Phase::Close => "close",
            Phase::Read => "read",
            Phase::Follow => "follow",
            Phase::Refresh => "refresh",
            Phase::Index => "index",
            Phase::Verify => "verify",
            Phase::Backup => "backup",
            Phase::Renew => "renew",
            Phase::Repair => "repair",
        })
    }
}

/// A disk with a store, and the batches that are in it.
pub(crate) struct Image {
    pub(crate) disk: DiskImage,
    batches: usize,
}

/// Where the store is on the disk.
pub(crate) fn path() -> &'static Path {
    Path::new("store")
}

/// Where its copy is.
pub(crate) fn copy() -> &'static Path {
    Path::new("copy")
}

impl Image {
    /// What a phase starts from.
    pub(crate) fn for_phase(phase: Phase) -> Image {
        let fs = SimFs::new();
        let mut batches = 0;
        if phase == Phase::Create {
            return Image { disk: fs.image(), batches };
        }
        let open = |options: Options| {
            let builder = Store::builder().options(options).file_system(fs.clone());
            builder.open(path()).unwrap()
        };
        let store = open(Options { durability: Durability::Os, ..Phase::Append.options() });
        let mut add = |store: &Store<SimFs>| {
            store.append(batch(batches)).unwrap().wait().unwrap();
            batches += 1;
        };
        // A segment and a log, or an index and as many segments as are asked one by one.
        let several = 2 * tracekeep::limits::UNINDEXED_SEGMENTS_MAX + 1;
        for k in 0..if phase == Phase::Index { several } else { 3 } {
            add(&store);
            if k == 2 || phase == Phase::Index {
                store.seal(SealLevel::Quick).unwrap();
            }
        }
        add(&store);
        add(&store);
        store.close().unwrap();
        if phase == Phase::Recover {
            let store = open(phase.options());
            add(&store);
            add(&store);
            // What a kill -9 leaves, and what a power loss adds.
            fs.kill();
            drop(store);
            let dir = fs.open_dir(path(), DirMode::Existing).unwrap();
            dir.create(FileName::SkeletonTemp(SegmentId(99))).unwrap();
            let mut disk = fs.image();
            let last = disk.dirs[0].entries.iter().rfind(|f| matches!(f.0, FileName::Log(_)));
            let (_, file) = last.unwrap();
            let torn = [&disk.files[*file].bytes, &b"a torn tail"[..]].concat();
            disk.files[*file] = Content::new(torn);
            return Image { disk, batches };
        }
        Image { disk: fs.image(), batches }
    }
}

/// One run of a phase.
pub(crate) struct Stage {
    pub(crate) phase: Phase,
    pub(crate) switch: Switch,
    /// The disk, with nothing failing.
    pub(crate) fs: SimFs,
    pub(crate) ledger: Ledger,
    /// How many batches the copy held before, if there was one.
    pub(crate) copied: usize,
    /// What the caller was told.
    pub(crate) told: Vec<String>,
    /// What a repair said is lost.
    pub(crate) losses: Vec<String>,
    /// What `verify` came to.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) store: Option<Store<Disk>>,
    pub(crate) reader: Option<ReadStore<Disk>>,
}

impl Stage {
    /// Everything that the phase needs, with nothing failing.
    pub(crate) fn new(phase: Phase, image: &Image) -> Stage {
        let mut ledger = Ledger::default();
        (0..image.batches).for_each(|k| ledger.note(k, Fate::Acknowledged));
        let mut stage = Stage {
            phase,
            switch: Switch::default(),
            fs: SimFs::of(&image.disk),
            ledger,
            copied: 0,
            told: Vec::new(),
            losses: Vec::new(),
            verdict: None,
            store: None,
            reader: None,
        };
        stage.set_up();
        stage
    }

    fn set_up(&mut self) {
        match self.phase {
            Phase::Create | Phase::Recover | Phase::Follow | Phase::Verify | Phase::Repair => {
                return;
            }
            Phase::Refresh => {
                self.reader = Some(self.builder().open_read_only(path()).unwrap());
                return;
            }
            _ => self.store = Some(self.open().unwrap()),
        }
        if matches!(
            self.phase,
            Phase::Group
                | Phase::Marker
                | Phase::Seal
                | Phase::Compact
                | Phase::Close
                | Phase::Read
                | Phase::Backup
                | Phase::Renew
        ) {
            self.append(1);
        }
        if self.phase == Phase::Renew {
            self.backup().unwrap();
            self.copied = self.next();
            self.seal(SealLevel::Quick).unwrap();
            self.append(1);
        }
        if self.phase == Phase::Marker {
            // The log's header, the edit and its marker, the group and its marker.
            self.until(|switch| switch.count(Op::SyncFile) >= 5);
        }
    }

    fn builder(&self) -> StoreBuilder<Disk> {
        self.phase.builder(Faulty::new(self.fs.clone(), self.switch.clone()))
    }

    /// Opens the store for writing.
    pub(crate) fn open(&self) -> Result<Store<Disk>> {
        self.builder().open(path())
    }

    /// What is told counts, and what is said of a full disk decides what becomes of a batch.
    fn tell(&mut self, error: &Error) {
        self.told.push(error.to_string());
    }

    fn next(&self) -> usize {
        self.ledger.0.len()
    }

    /// Appends so many batches in flight together, and notes what becomes of them.
    fn append(&mut self, count: usize) {
        let Some(store) = &self.store else { return };
        let first = self.next();
        let commits: Vec<_> = (first..first + count).map(|k| store.append(batch(k))).collect();
        for (k, commit) in (first..).zip(commits) {
            let (fate, error) = match commit.map(|commit| commit.wait()) {
                Ok(Ok(_)) => (Fate::Acknowledged, None),
                // Nothing of a batch that was not taken, or met a full disk, is kept.
                Err(e) => (Fate::Refused, Some(e)),
                Ok(Err(e)) if e.kind() == ErrorKind::StorageFull => (Fate::Refused, Some(e)),
                Ok(Err(e)) => (Fate::Unknown, Some(e)),
            };
            self.ledger.note(k, fate);
            if let Some(e) = error {
                self.tell(&e);
            }
        }
    }

    /// Waits for what happens in the background.
    fn until(&self, reached: impl Fn(&Switch) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !reached(&self.switch) && Instant::now() < end {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// What the phase is about.
    pub(crate) fn act(&mut self) {
        let outcome = match self.phase {
            Phase::Create | Phase::Recover => self.open().map(|store| {
                self.told.extend(store.recovery().notes.iter().cloned());
                self.store = Some(store);
            }),
            Phase::Append | Phase::AppendOs | Phase::AppendStrict => {
                self.append(1);
                self.append(1);
                Ok(())
            }
            Phase::Switch => {
                self.append(1);
                let sealed = self.seal(SealLevel::Quick);
                self.append(1);
                sealed
            }
            Phase::Group => {
                self.append(4);
                Ok(())
            }
            Phase::Marker => {
                self.append(1);
                self.until(|s| s.injected() > 0 || s.count(Op::SyncFile) >= 2);
                // A store that fails in the background says so at the next call.
                self.append(1);
                self.until(|s| s.injected() > 0 || s.count(Op::SyncFile) >= 4);
                self.append(1);
                Ok(())
            }
            Phase::Seal | Phase::Index => self.seal(SealLevel::Quick),
            Phase::Compact => self.seal(SealLevel::Full),
            Phase::Close => self.store.take().map_or(Ok(()), Store::close),
            Phase::Read => self.contents().map(drop),
            Phase::Follow => self.builder().open_read_only(path()).map(|reader| {
                self.reader = Some(reader);
            }),
            Phase::Backup | Phase::Renew => self.backup(),
            Phase::Repair => self.repair(),
            Phase::Refresh => {
                self.write_beside();
                self.reader.as_ref().map_or(Ok(()), ReadStore::refresh)
            }
            Phase::Verify => {
                let fs = Faulty::new(self.fs.clone(), self.switch.clone());
                let mut said = Vec::new();
                let verdict = verify_in(&fs, path(), &mut |f| said.push(f.found), &mut |_| {});
                self.told.extend(said);
                verdict.map(|verdict| self.verdict = Some(verdict))
            }
        };
        if let Err(e) = outcome {
            self.tell(&e);
        }
    }

    fn seal(&self, level: SealLevel) -> Result<()> {
        self.store.as_ref().map_or(Ok(()), |store| store.seal(level).map(drop))
    }

    pub(crate) fn backup(&self) -> Result<()> {
        self.store.as_ref().map_or(Ok(()), |store| store.backup(copy()).map(drop))
    }

    /// What can be read goes where a copy would.
    pub(crate) fn repair(&mut self) -> Result<()> {
        let losses = &mut self.losses;
        let mut each = |loss| losses.push(format!("{loss:?}"));
        self.phase
            .builder(Faulty::new(self.fs.clone(), self.switch.clone()))
            .repair(path(), copy(), &mut each)
            .map(drop)
    }

    /// Another process appends, seals, and leaves two logs; nothing of it fails.
    fn write_beside(&mut self) {
        for seal in [true, false, false] {
            let store = self.phase.builder(self.fs.clone()).open(path()).unwrap();
            let k = self.next();
            store.append(batch(k)).unwrap().wait().unwrap();
            self.ledger.note(k, Fate::Acknowledged);
            if seal {
                store.seal(SealLevel::Quick).unwrap();
            }
            store.close().unwrap();
        }
    }

    /// Everything that whoever is open says.
    pub(crate) fn contents(&self) -> Result<Contents> {
        match (&self.store, &self.reader) {
            (Some(store), _) => contents(&store.snapshot()),
            (_, Some(reader)) => contents(&reader.snapshot()),
            _ => Ok(Contents::new()),
        }
    }
}
