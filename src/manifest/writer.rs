use super::{Edit, State};
use crate::codec::CODEC_ID;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameWriter};
use crate::fs::{Dir, File, FileName};
use crate::limits::{MANIFEST_BYTES_MAX, MANIFEST_READ_BYTES_MAX};
use crate::planted::{self, Bug};

/// Appends edits to the manifest. One edit commits at a time.
#[derive(Debug)]
pub struct ManifestWriter<D: Dir> {
    dir: D,
    header: FileHeader,
    file: D::File,
    number: u64,
    frames: FrameWriter,
    state: State,
    /// Where the state ends that it began with.
    state_end: u64,
    bytes_max: u64,
    poisoned: bool,
}

impl<D: Dir> ManifestWriter<D> {
    /// Starts manifest `number` with this state and makes it the current one. `previous` is
    /// removed after the switch.
    ///
    /// # Errors
    /// Those of the file system; the old manifest stays current then.
    pub fn start(
        dir: D,
        header: &FileHeader,
        number: u64,
        state: State,
        previous: Option<u64>,
    ) -> Result<ManifestWriter<D>> {
        let writer = ManifestWriter::prepare(dir, header, number, state)?;
        writer.make_current(previous)?;
        Ok(writer)
    }

    /// A manifest with this state, durable, that is not yet the current one.
    ///
    /// # Errors
    /// Those of the file system; the old manifest stays current then, and this one is a stray.
    pub fn prepare(
        dir: D,
        header: &FileHeader,
        number: u64,
        state: State,
    ) -> Result<ManifestWriter<D>> {
        let header = FileHeader { kind: FileKind::Manifest, number, ..header.clone() }.salted();
        // One that was left unfinished.
        remove_if_there(&dir, FileName::Manifest(number))?;
        let file = dir.create(FileName::Manifest(number))?;
        file.write_at(&header.encode(), 0)?;
        let frames = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
        let mut writer = ManifestWriter {
            dir,
            header,
            file,
            number,
            frames,
            state: State::default(),
            state_end: 0,
            bytes_max: MANIFEST_BYTES_MAX,
            poisoned: false,
        };
        writer.commit(&Edit::State(state))?;
        writer.state_end = writer.frames.offset();
        // SYNC: `CURRENT` must not name a manifest whose own name can be lost.
        writer.dir.sync()?;
        writer.write_current_temp()?;
        Ok(writer)
    }

    fn write_current_temp(&self) -> Result<()> {
        remove_if_there(&self.dir, FileName::CurrentTemp)?;
        let current = self.dir.create(FileName::CurrentTemp)?;
        let name = format!("{}\n", FileName::Manifest(self.number));
        current.write_at(name.as_bytes(), 0)?;
        // SYNC: a renamed but empty CURRENT would make the store unreadable.
        planted::unless(Bug::CurrentNotSynced, || current.sync())
    }

    /// Lets `CURRENT` name this manifest, which was prepared last. `previous` is removed then.
    ///
    /// # Errors
    /// Those of the file system; which manifest is the current one is open then.
    pub fn make_current(&self, previous: Option<u64>) -> Result<()> {
        self.dir.rename(FileName::CurrentTemp, FileName::Current)?;
        // SYNC: what the old manifest names may be unlinked from now on.
        self.dir.sync()?;
        previous.map_or(Ok(()), |number| remove_if_there(&self.dir, FileName::Manifest(number)))
    }

    /// What is live.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether an edit may be on the disk that the state does not hold. What such an edit names must
    /// not be removed.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// The number of this manifest.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Makes an edit durable, and the promise that it is. When this returns, what the edit
    /// released may be unlinked. Starts a new manifest where this one has grown long.
    ///
    /// # Errors
    /// `StorageFull`: the edit was refused whole. After any other failure the edit may be found or
    /// not, and the manifest is `Poisoned`.
    pub fn commit(&mut self, edit: &Edit) -> Result<()> {
        if self.poisoned {
            return Err(Error::new(
                ErrorKind::Poisoned,
                format!(
                    "{}: an earlier write of the manifest failed; close the store and open it again",
                    self.dir.path().display()
                ),
            ));
        }
        let mut state = self.state.clone();
        state
            .apply(edit)
            .ok_or_else(|| Error::invalid("a manifest edit does not fit the state"))?;
        let start = self.frames.offset();
        let payload = edit.encode();
        // Room for both frames with their headers, so that a full disk refuses the edit whole.
        self.file.reserve(start, start + payload.len() as u64 + 256)?;
        let before = self.frames.clone();
        let mut bytes = Vec::new();
        self.frames.frame(FrameKind::Edit, CODEC_ID, 0, start, 0, 0, &payload, &mut bytes);
        self.poisoned = true;
        self.file.write_at(&bytes, start).inspect_err(|e| {
            // A full disk cuts the edit short; the next one takes its place.
            if e.kind() == ErrorKind::StorageFull {
                self.poisoned = false;
                self.frames = before;
            }
        })?;
        // SYNC: the edit is what makes the files it names live.
        self.file.sync()?;
        let at = self.frames.offset();
        bytes.clear();
        self.frames.frame(FrameKind::Marker, CODEC_ID, 0, at, 0, 0, &[], &mut bytes);
        self.file.write_at(&bytes, at)?;
        // SYNC: what the edit released is unlinked next; from then on a damaged edit must not
        // pass for a torn tail.
        self.file.sync()?;
        self.poisoned = false;
        self.state = state;
        if !matches!(edit, Edit::State(_) | Edit::Next(_)) && self.is_long() {
            self.roll();
        }
        Ok(())
    }

    /// Whether a new manifest would be worth its state: one that began with a long state is
    /// given as much room again.
    fn is_long(&self) -> bool {
        let end = self.frames.offset();
        end > self.bytes_max && end > self.state_end.saturating_mul(2)
    }

    /// Past how many bytes a manifest is started anew; never past what is read again.
    pub fn start_anew_past(&mut self, bytes: u64) {
        self.bytes_max = bytes.min(MANIFEST_READ_BYTES_MAX / 2);
    }

    /// Starts a new manifest. The edit that made this one long is durable, whatever comes of it: a
    /// full disk means that the next edit tries again, and any other failure that there is none.
    fn roll(&mut self) {
        match self.next() {
            Ok(next) => {
                // A follower that still reads this file learns where to go on. Nothing depends on
                // it, nor on the old file being gone: the next open removes it.
                let _told = self.commit(&Edit::Next(next.number));
                let old = std::mem::replace(self, next).number;
                let _gone = remove_if_there(&self.dir, FileName::Manifest(old));
            }
            Err(e) if e.kind() == ErrorKind::StorageFull => {}
            Err(_) => self.poisoned = true,
        }
    }

    /// The manifest that goes on, as the current one.
    fn next(&mut self) -> Result<ManifestWriter<D>> {
        let number = self.number + 1;
        let state = self.state.clone();
        let mut next = ManifestWriter::prepare(self.dir.clone(), &self.header, number, state)?;
        next.bytes_max = self.bytes_max;
        // Whichever of the two is current after a failure here: both say the same, and neither
        // may say more.
        next.make_current(None).inspect_err(|_| self.poisoned = true)?;
        Ok(next)
    }
}

fn remove_if_there<D: Dir>(dir: &D, name: FileName) -> Result<()> {
    match dir.remove(name) {
        Err(e) if !e.is_not_found() => Err(e),
        _ => Ok(()),
    }
}
