//! A copy of the repository to plant mutants in.

use crate::Result;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies what is under version control, as it is now, but for what will be `planted`; leaves files
/// that are the same, so that cargo need not build them again, and none that is there no more.
pub(crate) fn copy(dir: &Path, planted: &[&str]) -> Result<PathBuf> {
    let tree = dir.join("tree");
    let output = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).output()?;
    let names = String::from_utf8(output.stdout)?;
    let names: BTreeSet<&str> = names.lines().filter(|name| Path::new(name).is_file()).collect();
    for name in names.iter().filter(|name| !planted.contains(name)) {
        write(&tree.join(name), &std::fs::read(name)?)?;
    }
    remove_others(&tree, &names)?;
    Ok(tree)
}

/// A module that has moved would stand in two files.
fn remove_others(tree: &Path, names: &BTreeSet<&str>) -> Result<()> {
    let mut folders = vec![tree.join("src"), tree.join("tests"), tree.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.strip_prefix(tree)?.to_str().unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if !names.contains(name) {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Writes a file where it says something else.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    Ok(std::fs::write(path, bytes)?)
}

/// What chooses a mutant at run time, and tells which ones were reached.
pub(crate) const CHOOSER: &str = r#"
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

const NONE: u32 = u32::MAX;
static CHOSEN: OnceLock<u32> = OnceLock::new();
static REACHED: [AtomicBool; 16384] = [const { AtomicBool::new(false) }; 16384];

/// The number of the chosen mutant; `first` and the `count` after it are here.
#[inline]
pub fn at(first: u32, count: u32) -> u32 {
    let chosen = *CHOSEN.get_or_init(|| {
        std::env::var("MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(NONE)
    });
    if chosen == NONE && !REACHED[first as usize].swap(true, Ordering::Relaxed) {
        note(first, count);
    }
    chosen
}

#[cold]
fn note(first: u32, count: u32) {
    let Ok(path) = std::env::var("MUTANTS_REACHED") else { return };
    let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path) else {
        return;
    };
    let lines: String = (first..first + count).map(|n| format!("{n}\n")).collect();
    let _ = file.write_all(lines.as_bytes());
}
"#;
