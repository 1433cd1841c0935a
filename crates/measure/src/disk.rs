//! What the disk gives at best.

use crate::clock::timed;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tempfile::TempDir;

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
