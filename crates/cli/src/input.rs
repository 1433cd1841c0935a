//! Lines of files and of standard input: plain, gzip or zstd with windows of any length.

use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest line. Longer than the longest payload, escapes of an ordinary text included.
pub(crate) const LINE_BYTES_MAX: usize = 300 << 20;
/// A line's buffer is given back past this capacity, so that one long line does not stay.
const LINE_BYTES_KEPT: usize = 4 << 20;
/// As the decoder's name for it: windows up to 2^31 bytes, which is what `zstd --long=31` writes.
const WINDOW_LOG_MAX: u32 = 31;
const BUFFER_BYTES: usize = 256 << 10;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// `-` is standard input.
    pub(crate) fn of(path: PathBuf) -> Source {
        if path.as_os_str() == "-" { Source::Stdin } else { Source::File(path) }
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::Stdin => "-".to_owned(),
            Source::File(path) => path.display().to_string(),
        }
    }

    /// Bytes of the file as it lies on disk. `None` where nobody knows.
    ///
    /// # Errors
    /// The file is not there, or is a directory.
    pub(crate) fn bytes(&self) -> io::Result<Option<u64>> {
        let Source::File(path) = self else { return Ok(None) };
        let facts = std::fs::metadata(path)?;
        if facts.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Ok(facts.is_file().then_some(facts.len()))
    }

    /// Opens it; `read` counts the bytes that were read, before they are decompressed.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn open(&self, read: &Arc<AtomicU64>) -> io::Result<Lines> {
        let (raw, path): (Box<dyn Read + Send>, Option<&Path>) = match self {
            Source::Stdin => (Box::new(io::stdin()), None),
            #[expect(clippy::disallowed_methods, reason = "the user's file, no store's")]
            Source::File(path) => (Box::new(File::open(path)?), Some(path)),
        };
        let reader = decoded(Counted { raw, read: Arc::clone(read) }, path)?;
        Ok(Lines { reader, line: Vec::new(), ended: false })
    }
}

/// Counts what passes.
struct Counted {
    raw: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.raw.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

type Peeked = BufReader<Chain<Cursor<Vec<u8>>, Counted>>;

/// Decompresses by the first bytes, or by the name where these do not say.
fn decoded(mut raw: Counted, path: Option<&Path>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut magic = Vec::with_capacity(4);
    raw.by_ref().take(4).read_to_end(&mut magic)?;
    let named = |extension: &str| {
        !magic.is_empty()
            && path.and_then(Path::extension).is_some_and(|e| e.eq_ignore_ascii_case(extension))
    };
    let gzip = magic.starts_with(&[0x1f, 0x8b]) || named("gz");
    let zstd = magic == [0x28, 0xb5, 0x2f, 0xfd] || named("zst");
    let whole: Peeked = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(magic).chain(raw));
    Ok(if gzip {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
    } else if zstd {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(whole)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else {
        Box::new(whole)
    })
}

/// What stands where a line is expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A line, without its newline.
    Text(&'a [u8]),
    /// A line of more than [`LINE_BYTES_MAX`] bytes, of which nothing was kept.
    TooLong,
    /// The rest cannot be read; no line follows.
    Unreadable(String),
}

/// The lines of one source.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// The next line and how many bytes it took, newline included.
    pub(crate) fn next(&mut self) -> Option<(Line<'_>, u64)> {
        self.next_within(LINE_BYTES_MAX)
    }

    fn next_within(&mut self, bytes_max: usize) -> Option<(Line<'_>, u64)> {
        if self.ended {
            return None;
        }
        self.line.clear();
        if self.line.capacity() > LINE_BYTES_KEPT {
            self.line.shrink_to(LINE_BYTES_KEPT);
        }
        let limit = bytes_max as u64 + 1;
        let read = match self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line) {
            Ok(0) => return None,
            Ok(read) => read as u64,
            Err(error) => return Some(self.unreadable(&error)),
        };
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if read == limit {
            self.line = Vec::new();
            return Some(match self.reader.skip_until(b'\n') {
                Ok(skipped) => (Line::TooLong, read + skipped as u64),
                Err(error) => self.unreadable(&error),
            });
        }
        Some((Line::Text(&self.line), read))
    }

    fn unreadable(&mut self, error: &io::Error) -> (Line<'_>, u64) {
        self.ended = true;
        (Line::Unreadable(format!("cannot be read from here on: {error}")), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(bytes: &[u8], bytes_max: usize) -> Vec<String> {
        let raw = Counted { raw: Box::new(Cursor::new(bytes.to_vec())), read: Arc::default() };
        let mut lines = Lines { reader: decoded(raw, None).unwrap(), line: vec![], ended: false };
        let mut all = Vec::new();
        while let Some((line, _)) = lines.next_within(bytes_max) {
            all.push(match line {
                Line::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Line::TooLong => "TOO LONG".to_owned(),
                Line::Unreadable(_) => "UNREADABLE".to_owned(),
            });
        }
        all
    }

    #[test]
    fn long_lines_are_skipped_and_the_next_one_read() {
        assert_eq!(lines(b"abc\n\nabcdef\nxyz", 5), ["abc", "", "TOO LONG", "xyz"]);
        assert_eq!(lines(b"abcde\nabcdef", 5), ["abcde", "TOO LONG"]);
        assert_eq!(lines(b"", 5), [""; 0]);
    }

    #[test]
    fn compression_is_seen_by_the_first_bytes() {
        let text = b"one\ntwo\n".repeat(1000);
        let plain = lines(&text, 100);
        let gzip = || {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            to.write_all(&text).unwrap();
            to.finish().unwrap()
        };
        let zstd = || zstd::encode_all(&text[..], 1).unwrap();
        assert_eq!(lines(&gzip(), 100), plain);
        assert_eq!(lines(&zstd(), 100), plain);
        assert_eq!(lines(&[gzip(), gzip()].concat(), 100).len(), 4000);
        assert_eq!(lines(&[zstd(), zstd()].concat(), 100).len(), 4000);
        let cut = &zstd()[..20];
        assert_eq!(lines(cut, 100).last().unwrap(), "UNREADABLE");
    }
}
