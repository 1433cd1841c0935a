//! What the operating system says of this process and of files.

use crate::Result;
use rustix::fs::{Advice, fadvise};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the system has begun to read ahead is in memory after this.
const READ_AHEAD_TAKES: Duration = Duration::from_millis(20);

/// Seconds of CPU that this process has used, all threads and system calls included.
pub(crate) fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Wall time and CPU time of a call, in seconds.
pub(crate) fn timed<T>(call: impl FnOnce() -> Result<T>) -> Result<(T, f64, f64)> {
    let (start, cpu) = (Instant::now(), cpu_s());
    let value = call()?;
    Ok((value, start.elapsed().as_secs_f64(), cpu_s() - cpu))
}

/// The most memory that this process has had at once, in bytes.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    number(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:").map(|kib| kib << 10)
}

/// The number behind a name at the beginning of a line.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What all files of a folder take on the disk, in bytes.
pub(crate) fn disk_bytes(dir: &Path) -> Result<u64> {
    let mut total = 0;
    each_file(dir, &mut |path| {
        total += fs::metadata(path)?.blocks() * 512;
        Ok(())
    })?;
    Ok(total)
}

/// Syncs all files of a folder and drops their pages from the page cache, twice: pages that are
/// being read ahead stay until they have come. Pages that some process has mapped stay.
pub(crate) fn evict(dir: &Path) -> Result<()> {
    let drop_pages = || {
        each_file(dir, &mut |path| {
            let file = File::open(path)?;
            file.sync_all()?;
            Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
        })
    };
    drop_pages()?;
    std::thread::sleep(READ_AHEAD_TAKES);
    drop_pages()
}

fn each_file(dir: &Path, each: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                each(&path)?;
            }
        }
    }
    Ok(())
}
