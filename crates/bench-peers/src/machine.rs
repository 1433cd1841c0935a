//! The machine, as far as a figure depends on it.

use crate::process::number;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// What ran the engines.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
    pub(crate) file_system: String,
    /// Processes that could run, averaged over a minute, before and after.
    pub(crate) load: [f64; 2],
}

impl Machine {
    /// This one, whose engines work in a folder.
    pub(crate) fn of(dir: &Path) -> Machine {
        let uname = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        let memory = number(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0);
        Machine {
            cpu: cpu(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory << 10,
            kernel: kernel(&text(uname.sysname()), &text(uname.release())),
            file_system: file_system(&read("/proc/self/mounts"), dir),
            load: [load(); 2],
        }
    }

    /// Notes the load at the end.
    pub(crate) fn ended(&mut self) {
        self.load[1] = load();
    }

    /// In a sentence.
    pub(crate) fn line(&self) -> String {
        let Machine { cpu, cores, memory_bytes, kernel, file_system, load: [before, after] } = self;
        let memory = memory_bytes >> 30;
        format!(
            "{cores} cores of {cpu}, {memory} GiB of memory, {kernel}, {file_system}; load \
             {before} before, {after} after"
        )
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn load() -> f64 {
    read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

fn cpu(info: &str) -> String {
    let value = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().map(str::trim) == Some(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (value("model name"), value("cpu family"), value("model")) {
        (Some(name), Some(family), Some(model)) => {
            format!("{name} (family {family}, model {model})")
        }
        (name, ..) => name.unwrap_or_else(|| "an unknown processor".into()),
    }
}

/// Without what a distributor adds behind the version.
fn kernel(name: &str, release: &str) -> String {
    format!("{name} {}", release.split('-').next().unwrap_or(release))
}

/// The mount that holds a folder: the longest that its path begins with, the last of equals.
fn file_system(mounts: &str, dir: &Path) -> String {
    let mut best = (0, "an unknown file system".to_owned());
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(at), Some(kind), Some(options)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if dir.starts_with(at) && at.len() >= best.0 {
            let plain: Vec<&str> = options.split(',').filter(|o| !o.contains('=')).collect();
            best = (at.len(), format!("{kind} ({})", plain.join(",")));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_is_the_one() {
        let mounts =
            "a / ext4 rw,relatime,resuid=7 0 0\nb /tmp tmpfs rw 0 0\nc /tmp/x xfs ro 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/y/z")), "tmpfs (rw)");
        assert_eq!(file_system(mounts, Path::new("/tmpx")), "ext4 (rw,relatime)");
        assert_eq!(file_system(mounts, Path::new("/tmp/x/y")), "xfs (ro)");
    }

    #[test]
    fn a_processor_is_named_with_its_model() {
        let info = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n";
        assert_eq!(cpu(info), "AMD EPYC (family 25, model 17)");
        assert_eq!(cpu(""), "an unknown processor");
        assert_eq!(kernel("Linux", "6.1.0-13-amd64"), "Linux 6.1.0");
    }
}
