//! Which program works on an engine. Those with RocksDB or DuckDB are built when they are asked
//! for: minutes of C++ that nobody else should pay for.

use crate::engine::Name;
use crate::engine::names::Heavy;
use crate::{Result, fault, output};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of the engines of a run.
#[derive(Debug)]
pub(crate) struct Programs {
    own: PathBuf,
    heavy: BTreeMap<Heavy, PathBuf>,
}

impl Programs {
    /// Builds what is not there.
    pub(crate) fn of(engines: &[Name]) -> Result<Programs> {
        let own = std::env::current_exe()?;
        let wanted: BTreeSet<Heavy> = engines.iter().filter_map(|name| name.heavy()).collect();
        let built = wanted.into_iter().map(|heavy| Ok((heavy, built(heavy, &own)?)));
        let heavy = built.collect::<Result<_>>()?;
        Ok(Programs { own, heavy })
    }

    /// The program of an engine.
    pub(crate) fn path(&self, engine: Name) -> &Path {
        engine.heavy().and_then(|heavy| self.heavy.get(&heavy)).unwrap_or(&self.own)
    }
}

/// The program beside this one, up to date where cargo can make it so.
fn built(heavy: Heavy, own: &Path) -> Result<PathBuf> {
    let Heavy { feature, program, needs } = heavy;
    let folder = own.parent().ok_or_else(|| fault("this program lies in no folder"))?;
    let path = folder.join(program);
    let Some(target) = folder.parent() else { return Err(fault("this program is not in target")) };
    if !path.exists() {
        output::note(&format!("building {program} (feature `{feature}`): some minutes of C++"));
    }
    let release = folder.ends_with("release");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "bench-peers", "--features", feature]);
    command.args(["--bin", program]).arg("--target-dir").arg(target);
    command.args(release.then_some("--release"));
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    match status {
        Ok(status) if status.success() => Ok(path),
        _ if path.exists() => {
            output::note(&format!("{program} could not be built anew: the one that is there runs"));
            Ok(path)
        }
        Ok(_) => Err(fault(format!(
            "{program} could not be built (see above). It needs {needs}; without it leave the \
             engine out of --engines"
        ))),
        Err(error) => Err(fault(format!("cargo could not be started to build {program}: {error}"))),
    }
}
