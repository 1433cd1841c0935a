//! What is done to a store now and then beside killing its writer.

use super::stream::Stream;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tracekeep::{ErrorKind, Store, Verdict, verify};
use tracekeep_workload::Rng;

/// A second writer is refused while the first one lives.
pub(super) fn second_writer(path: &Path) -> Result<(), String> {
    match Store::open(path) {
        Err(e) if e.kind() == ErrorKind::Locked => Ok(()),
        Err(e) => Err(format!("a second writer: {e}")),
        Ok(_) => Err("a second writer was let in".to_owned()),
    }
}

pub(super) fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Flips a bit in some sealed files of a copy: `verify` finds each, and what is read all the same
/// is what was sent. Gives how many.
pub(super) fn flips(
    path: &Path,
    copy: &Path,
    stream: Stream,
    acknowledged: &BTreeSet<u64>,
    rng: &mut Rng,
) -> Result<u64, String> {
    let failed = |e: std::io::Error| format!("a copy to flip bits in: {e}");
    let _old = std::fs::remove_dir_all(copy);
    copy_dir(path, copy).map_err(failed)?;
    let mut sealed = Vec::new();
    for entry in std::fs::read_dir(copy).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let end = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if ["tks", "tkp"].contains(&end) {
            sealed.push(path);
        }
    }
    sealed.sort_unstable();
    let flips = sealed.len().min(4);
    // Files that no manifest names may lie beside the others: a note, and no damage.
    let mut named = 0;
    for _ in 0..flips {
        let file = &sealed[rng.below(sealed.len() as u64) as usize];
        let whole = std::fs::read(file).map_err(failed)?;
        let mut bytes = whole.clone();
        let bit = rng.below(bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        replace(file, &bytes).map_err(failed)?;
        let mut stray = false;
        let verdict = verify(copy, &mut |f| stray |= f.file == *file && f.offset == 0);
        let what = format!("{}, bit {bit}", file.display());
        match verdict {
            Ok(Verdict::Damaged) => named += 1,
            Ok(_) if stray => {}
            other => return Err(format!("{what}: verify says {other:?}")),
        }
        // Damage that is met is an error; nothing is read that was not sent.
        if let Ok(store) = Store::open_read_only(copy)
            && let Err(e) = stream.check(&store.snapshot(), acknowledged)
            && e.contains("not as it was sent")
        {
            return Err(format!("{what}: {e}"));
        }
        replace(file, &whole).map_err(failed)?;
    }
    std::fs::remove_dir_all(copy).map_err(failed)?;
    Ok(named)
}

/// As a new file: one that is mapped must not change.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::remove_file(file)?;
    std::fs::write(file, bytes)
}

/// A small tmpfs, unmounted at the end.
#[derive(Debug)]
pub(super) struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

impl SmallDisk {
    /// Where this process may mount one. A store that is on it does not outlive the piece.
    pub fn mount(at: &Path) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).ok()?;
        let mount = ["-t", "tmpfs", "-o", "size=96m", "tmpfs"];
        let done = Command::new("mount").args(mount).arg(at).output().ok()?;
        done.status.success().then(|| SmallDisk(at.to_path_buf()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all that is left, for a while.
    pub fn fill_for(&self, time: Duration) {
        let filler = self.0.join("filler");
        if let Ok(mut file) = std::fs::File::create(&filler) {
            let block = [7; 16 << 10];
            while file.write_all(&block).is_ok() {}
            std::thread::sleep(time);
            let _cut = file.set_len(0);
        }
        let _gone = std::fs::remove_file(&filler);
    }
}
