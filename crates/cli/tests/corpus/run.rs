use crate::files::tell;
use serde::Deserialize;
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A store's directory, which the binary works on.
pub(crate) struct StoreDir(pub(crate) PathBuf);

/// What `import --json` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Imported {
    pub(crate) events: u64,
    pub(crate) rejected: u64,
    pub(crate) ignored: u64,
    pub(crate) traces: u64,
    pub(crate) observations: u64,
    pub(crate) scores: u64,
    /// Largest resident memory, in KiB.
    #[serde(skip)]
    pub(crate) peak_kib: u64,
    #[serde(skip)]
    pub(crate) took: Duration,
}

/// An export, told apart from others by the hash of each line.
#[derive(PartialEq, Eq)]
pub(crate) struct Exported(Vec<u64>);

fn command(verb: &str, store: &StoreDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracekeep"));
    command.arg(verb).arg(&store.0).stdin(Stdio::null());
    command
}

/// Waits for the child; its exit must be 0.
fn done(mut child: Child, what: &str) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{what}: {status}");
}

/// Largest resident memory so far, in KiB. `None` where it has ended or nobody can tell.
fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl StoreDir {
    fn start_import(&self, file: &Path) -> Child {
        let mut command = command("import", self);
        command.arg(file).arg("--json").stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Imports a file. Its peak of memory lacks what the last 5 milliseconds added, if they did.
    pub(crate) fn import(&self, file: &Path) -> Imported {
        let start = Instant::now();
        let mut child = self.start_import(file);
        let mut peak_kib = 0;
        while child.try_wait().unwrap().is_none() {
            peak_kib = resident_kib(child.id()).unwrap_or(0).max(peak_kib);
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        done(child, "import");
        let took = start.elapsed();
        let mib = peak_kib >> 10;
        tell(&format!("import {:.1} s, peak {mib} MiB: {}", took.as_secs_f64(), text.trim_end()));
        Imported { peak_kib, took, ..serde_json::from_str(&text).unwrap() }
    }

    /// Kills an import this long after it began.
    pub(crate) fn import_killed(&self, file: &Path, after: Duration) {
        let mut child = self.start_import(file);
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn start_export(&self) -> (Child, BufReader<ChildStdout>) {
        let mut child = command("export", self).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::with_capacity(1 << 20, child.stdout.take().unwrap());
        (child, lines)
    }

    pub(crate) fn export(&self) -> Exported {
        let start = Instant::now();
        let (child, mut lines) = self.start_export();
        let (mut line, mut hashes) = (Vec::new(), Vec::new());
        while lines.read_until(b'\n', &mut line).unwrap() > 0 {
            let mut hasher = DefaultHasher::new();
            hasher.write(&line);
            hashes.push(hasher.finish());
            line.clear();
        }
        done(child, "export");
        tell(&format!("export {:.1} s, {} lines", start.elapsed().as_secs_f64(), hashes.len()));
        Exported(hashes)
    }

    /// The line of the export with this number.
    fn exported_line(&self, number: usize) -> String {
        let (mut child, lines) = self.start_export();
        let line = lines.split(b'\n').nth(number).map(Result::unwrap).unwrap_or_default();
        child.kill().unwrap();
        child.wait().unwrap();
        String::from_utf8_lossy(&line[..line.len().min(2000)]).into_owned()
    }

    /// Imports this store's export into another.
    pub(crate) fn export_into(&self, other: &StoreDir) {
        let (exporting, lines) = self.start_export();
        let mut command = command("import", other);
        command.arg("-").stdin(lines.into_inner()).stdout(Stdio::null());
        done(command.spawn().unwrap(), "import of an export");
        done(exporting, "export");
    }

    /// Asserts that this store's export is that one, which came from `other`.
    pub(crate) fn exports(&self, expected: &Exported, other: &StoreDir, when: &str) {
        let exported = self.export();
        if exported == *expected {
            return;
        }
        let lines = exported.0.iter().zip(&expected.0);
        let shorter = exported.0.len().min(expected.0.len());
        let at = lines.enumerate().find(|(_, (a, b))| a != b).map_or(shorter, |(at, _)| at);
        panic!(
            "{when}: {} lines, expected {}; line {at} is\n{}\nexpected\n{}",
            exported.0.len(),
            expected.0.len(),
            self.exported_line(at),
            other.exported_line(at)
        );
    }

    pub(crate) fn seal(&self) {
        let start = Instant::now();
        done(command("seal", self).stdout(Stdio::null()).spawn().unwrap(), "seal");
        tell(&format!("seal {:.1} s, {} bytes", start.elapsed().as_secs_f64(), self.bytes()));
    }

    /// Asserts that `verify` finds nothing.
    pub(crate) fn verify(&self) {
        let start = Instant::now();
        let output = command("verify", self).arg("--json").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("\"clean\""), "verify: {text}");
        tell(&format!("verify {:.1} s", start.elapsed().as_secs_f64()));
    }

    /// Bytes of all its files.
    pub(crate) fn bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.0).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }
}
