//! The machine that figures hold for.

use crate::clock::proc_number;
use std::path::Path;

/// A machine and the disk under a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Name and release of the operating system.
    pub system: String,
    /// The file system's kind under the directory.
    pub file_system: String,
    /// Its capacity in bytes.
    pub disk_bytes: u64,
    /// What of it is free.
    pub disk_free_bytes: u64,
}

/// This machine, and the disk under `dir`. What the system does not tell is empty or nothing.
pub fn machine(dir: &Path) -> Machine {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &str| line.strip_prefix("model name").map(|rest| rest.replace(':', ""));
    let processor = info.lines().find_map(named).unwrap_or_default().trim().to_owned();
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let disk = rustix::fs::statvfs(dir).ok().map(|disk| {
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        (bytes(disk.f_blocks), bytes(disk.f_bavail))
    });
    let (disk_bytes, disk_free_bytes) = disk.unwrap_or_default();
    Machine {
        processor,
        cores: std::thread::available_parallelism().map_or(1, |n| n.get()),
        memory_bytes: proc_number("meminfo", "MemTotal").unwrap_or(0) * 1024,
        system: format!("{} {}", text(uname.sysname()), text(uname.release())),
        file_system: file_system(dir),
        disk_bytes,
        disk_free_bytes,
    }
}

/// The kind of the mount with the longest path that leads to `dir`.
fn file_system(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mount = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (at, kind) = (words.next()?.to_owned(), words.next()?.to_owned());
        dir.starts_with(&at).then_some((at.len(), kind))
    };
    let longest = mounts.lines().filter_map(mount).max_by_key(|(len, _)| *len);
    longest.map(|(_, kind)| kind).unwrap_or_default()
}
