//! Bringing files over: kept, linked or copied.

use super::target::Target;
use super::{BackupReport, Source};
use crate::error::{Error, Result, short_read};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, FrameRef, scan};
use crate::fs::{Dir, File, FileName, Linked};
use crate::log::LogTable;

/// Bytes of a sealed file's end that tell it from any other: its footer's checksum is there.
const TAIL_BYTES: usize = 24;
/// Bytes that are copied at a time.
const STEP_BYTES: usize = 1 << 20;

/// Brings files to the target and counts.
#[derive(Debug)]
pub struct Copier<'a, D: Dir> {
    source: &'a Source<'a, D>,
    target: &'a Target<D>,
    report: BackupReport,
}

impl<'a, D: Dir> Copier<'a, D> {
    /// Nothing was brought yet.
    pub fn new(source: &'a Source<'a, D>, target: &'a Target<D>) -> Copier<'a, D> {
        Copier { source, target, report: BackupReport::default() }
    }

    /// A sealed file, which is mapped here: `bytes` are its content.
    ///
    /// # Errors
    /// `InvalidInput` where the target has another; `StorageFull`, `Io`.
    pub fn sealed(&mut self, name: FileName, bytes: &[u8]) -> Result<()> {
        let (out, len) = (&self.target.dir, bytes.len() as u64);
        if self.target.names(name) {
            if !is_same(&out.open(name)?, bytes)? {
                return Err(self.target.differs(name));
            }
            self.kept(len);
            return Ok(());
        }
        match self.source.dir.link(name, out) {
            Ok(Linked::Link) => self.linked(len),
            Ok(Linked::Copy) => self.copied(len),
            // It was replaced meanwhile; what is open stays readable.
            Err(e) if e.is_not_found() => {
                write_synced(&out.create(name)?, bytes)?;
                self.copied(len);
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// A log up to the backup's seq; `next` is the one that follows it, if one does: then nobody
    /// appends to it any more. Gives where it ends.
    ///
    /// # Errors
    /// `InvalidInput` where the target has another; `Corruption`, `StorageFull`, `Io`.
    pub fn log(
        &mut self,
        log: &LogTable<D::File>,
        next: Option<&LogTable<D::File>>,
    ) -> Result<u64> {
        let (name, out) = (FileName::Log(log.id()), &self.target.dir);
        let (bytes, header) = self.read(log)?;
        let end = match next {
            Some(next) => {
                let previous = self.read_header(next)?.previous;
                if previous.number == log.id().0 { previous.end } else { bytes.len() as u64 }
            }
            None => self.end(log, &bytes, &header)?,
        };
        let wanted = usize::try_from(end).ok().and_then(|end| bytes.get(..end));
        let wanted = wanted.ok_or_else(|| {
            let what = format!("the log should be {end} bytes long");
            Error::corruption_at(&self.path(name), bytes.len() as u64, what)
        })?;
        if self.target.names(name) {
            let held = self.target.log_end(log.id()).unwrap_or(0).min(end);
            let file = out.open(name)?;
            let same = has(&file, &wanted[..FILE_HEADER_BYTES.min(wanted.len())], 0)?;
            if !same || !has_end(&file, wanted, held)? {
                return Err(self.target.differs(name));
            }
            if file.len()? >= end && has_end(&file, wanted, end)? {
                self.kept(end);
                return Ok(end);
            }
            self.replace_log(log, wanted)?;
            return Ok(end);
        }
        if next.is_none() {
            self.replace_log(log, wanted)?;
            return Ok(end);
        }
        match self.source.dir.link(name, out) {
            Ok(Linked::Link) => self.linked(bytes.len() as u64),
            Ok(Linked::Copy) => self.copied(bytes.len() as u64),
            Err(e) if e.is_not_found() => self.replace_log(log, wanted)?,
            Err(e) => return Err(e),
        }
        Ok(end)
    }

    /// Where the frames of a log end that the view and the seq cover.
    fn end(&self, log: &LogTable<D::File>, bytes: &[u8], header: &FileHeader) -> Result<u64> {
        // A log of the view may have got its first record since.
        let begun = log.seqs().filter(|(first, _)| *first <= self.source.seq);
        let Some((_, last)) = begun else { return Ok(FILE_HEADER_BYTES as u64) };
        let next = self.source.seq.min(last).0.saturating_add(1);
        let after = |f: &FrameRef| f.header.seq.0.saturating_add(u64::from(f.header.records));
        let scan = scan(bytes, header);
        match scan.frames.iter().take_while(|f| after(f) <= next).last() {
            Some(frame) if after(frame) == next => Ok(frame.end()),
            // What the view shows was read from frames that are not read now.
            _ => {
                let what = format!("the log ends here, and has records up to seq {}", next - 1);
                let path = self.path(FileName::Log(log.id()));
                Err(Error::corruption_at(&path, scan.end, what))
            }
        }
    }

    fn path(&self, name: FileName) -> std::path::PathBuf {
        self.source.dir.path().join(name.to_string())
    }

    fn read_header(&self, log: &LogTable<D::File>) -> Result<FileHeader> {
        let mut bytes = [0; FILE_HEADER_BYTES];
        let n = log.file().read_at(&mut bytes, 0)?;
        let path = self.path(FileName::Log(log.id()));
        FileHeader::parse(&bytes[..n], FileKind::Log).map_err(|f| f.in_file(&path))
    }

    /// A log's bytes by its open file, and its header.
    fn read(&self, log: &LogTable<D::File>) -> Result<(Vec<u8>, FileHeader)> {
        let header = self.read_header(log)?;
        let len = usize::try_from(log.file().len()?);
        let mut bytes = vec![0; len.map_err(|_| Error::limit("a log is too long"))?];
        let n = log.file().read_at(&mut bytes, 0)?;
        if n < bytes.len() {
            return Err(short_read(&self.path(FileName::Log(log.id())), n));
        }
        Ok((bytes, header))
    }

    fn replace_log(&mut self, log: &LogTable<D::File>, bytes: &[u8]) -> Result<()> {
        let (out, temp) = (&self.target.dir, FileName::LogTemp(log.id()));
        self.remove(temp)?;
        write_synced(&out.create(temp)?, bytes)?;
        // What was there is the beginning of this: the old manifest reads it as before.
        out.rename(temp, FileName::Log(log.id()))?;
        self.copied(bytes.len() as u64);
        Ok(())
    }

    fn remove(&self, name: FileName) -> Result<()> {
        match self.target.dir.remove(name) {
            Err(e) if !e.is_not_found() => Err(e),
            _ => Ok(()),
        }
    }

    fn kept(&mut self, bytes: u64) {
        self.report.files += 1;
        self.report.kept += 1;
        self.report.bytes += bytes;
    }

    fn linked(&mut self, bytes: u64) {
        self.report.files += 1;
        self.report.linked += 1;
        self.report.bytes += bytes;
    }

    fn copied(&mut self, bytes: u64) {
        self.report.files += 1;
        self.report.copied += 1;
        self.report.bytes += bytes;
        self.report.bytes_copied += bytes;
    }

    /// What was done.
    pub fn finish(self) -> BackupReport {
        self.report
    }
}

fn write_synced<F: File>(file: &F, bytes: &[u8]) -> Result<()> {
    for (at, step) in (0u64..).step_by(STEP_BYTES).zip(bytes.chunks(STEP_BYTES)) {
        file.write_at(step, at)?;
    }
    // SYNC: the backup's manifest will name this file.
    file.sync()
}

/// Whether a sealed file is this one: length, header and end say so. Its content is verify's.
fn is_same<F: File>(file: &F, bytes: &[u8]) -> Result<bool> {
    let len = bytes.len() as u64;
    let tail = bytes.len().saturating_sub(TAIL_BYTES);
    Ok(file.len()? == len
        && has(file, bytes.get(..FILE_HEADER_BYTES).unwrap_or(bytes), 0)?
        && has(file, &bytes[tail..], tail as u64)?)
}

/// Whether a log has the same bytes before `end`.
fn has_end<F: File>(file: &F, bytes: &[u8], end: u64) -> Result<bool> {
    let end = (end as usize).min(bytes.len());
    let start = end.saturating_sub(TAIL_BYTES);
    has(file, &bytes[start..end], start as u64)
}

fn has<F: File>(file: &F, bytes: &[u8], at: u64) -> Result<bool> {
    let mut there = vec![0; bytes.len()];
    let n = file.read_at(&mut there, at)?;
    Ok(n == bytes.len() && there == bytes)
}
