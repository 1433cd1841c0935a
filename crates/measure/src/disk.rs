//! What the disk gives at best.

use crate::clock::timed;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use tempfile::TempDir;

/// Where a block device's counts say how many sectors of 512 bytes were written
/// (<https://docs.kernel.org/block/stat.html>).
const SECTORS_WRITTEN: usize = 6;

#[expect(clippy::disallowed_methods, reason = "a file of the measurement, no store's")]
fn new_file(dir: &TempDir, bytes: u64) -> io::Result<File> {
    let file = File::create(dir.path().join("bytes"))?;
    let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
    match rustix::fs::fallocate(&file, keep, 0, bytes) {
        // Not every file system can reserve; the write will tell.
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(file),
        Err(error) => Err(error.into()),
    }
}

/// Microseconds of each of `count` appends of `size` bytes to a file with reserved space, each
/// followed by `fdatasync`.
///
/// # Errors
/// The operating system's.
pub fn synced_writes(dir: &Path, size: usize, count: usize) -> io::Result<Vec<f64>> {
    let room = tempfile::tempdir_in(dir)?;
    let file = new_file(&room, (size * count) as u64)?;
    let bytes = vec![1u8; size];
    (0..count)
        .map(|n| {
            let (done, took) = timed(|| {
                file.write_all_at(&bytes, (n * size) as u64)?;
                file.sync_data()
            });
            done.map(|()| took.wall.as_secs_f64() * 1e6)
        })
        .collect()
}

/// Bytes a second of writing so many bytes to a new file, `fdatasync` at the end included.
///
/// # Errors
/// The operating system's.
pub fn write_rate(dir: &Path, bytes: usize) -> io::Result<f64> {
    let room = tempfile::tempdir_in(dir)?;
    let file = new_file(&room, bytes as u64)?;
    let mut rng = tracekeep_workload::Rng::new(5);
    // Bytes that no device can compress away.
    let piece: Vec<u8> = (0..1 << 17).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
    let (done, took) = timed(|| {
        for at in (0..bytes).step_by(piece.len()) {
            file.write_all_at(&piece[..piece.len().min(bytes - at)], at as u64)?;
        }
        file.sync_data()
    });
    done.map(|()| bytes as f64 / took.wall.as_secs_f64().max(1e-9))
}

/// Bytes that the device of a folder was given since it started, by everybody, once nothing is left
/// to be written; none where there is no such device. What the kernel counts by process would not
/// do: that is the size of what becomes dirty in memory, pieces of up to 2 MiB of which the device
/// may get 4 KiB.
pub fn written_bytes(dir: &Path) -> Option<u64> {
    rustix::fs::sync();
    let device = std::fs::metadata(dir).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let counts = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    let sectors: u64 = counts.split_whitespace().nth(SECTORS_WRITTEN)?.parse().ok()?;
    Some(sectors * 512)
}

/// Reads all files of a folder, so that they are in memory where there is room for them.
///
/// # Errors
/// The operating system's.
#[expect(clippy::disallowed_methods, reason = "files are read, whosever they are")]
pub fn warm(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let mut file = File::open(entry?.path())?;
        io::copy(&mut file, &mut io::sink())?;
    }
    Ok(())
}
