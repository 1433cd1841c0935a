//! One build of the tests with all mutants in it.

use crate::list::Mutant;
use crate::tree::{self, CHOOSER};
use crate::{Args, Result, plant, report};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tests that are asked, quickest to build first.
const TESTS: &[&str] = &[
    "-ptracekeep",
    "-ptracekeep-crash",
    "--lib",
    "--test",
    "it",
    "--test",
    "fuzz_corpus",
    "--test",
    "rot",
    "--test",
    "sim",
];

/// Where the module that chooses mutants is declared.
pub(crate) const LIB: &str = "src/lib.rs";

/// What came of building.
#[derive(Debug)]
pub(crate) struct Build {
    /// Test programs, and where they run.
    pub tests: Vec<(PathBuf, PathBuf)>,
    /// Mutants that are in it.
    pub planted: BTreeSet<usize>,
    /// Those that do not compile.
    pub unviable: BTreeSet<usize>,
}

/// Builds the tests; mutants that the compiler objects to are taken out, and it is asked again.
/// `dir` keeps which they were.
pub(crate) fn build(dir: &Path, tree: &Path, args: &Args, mutants: &[Mutant]) -> Result<Build> {
    let refused_before = dir.join("unviable.txt");
    let before = std::fs::read_to_string(&refused_before).unwrap_or_default();
    let before: BTreeSet<&str> = before.lines().collect();
    let numbered = mutants.iter().enumerate();
    let mut unviable: BTreeSet<usize> =
        numbered.filter(|(_, m)| before.contains(m.name.as_str())).map(|(n, _)| n).collect();
    let lib = std::fs::read_to_string(LIB)?;
    tree::write(&tree.join("src/mutants.rs"), CHOOSER.as_bytes())?;
    tree::write(&tree.join(LIB), format!("{lib}\n#[doc(hidden)]\npub mod mutants;\n").as_bytes())?;
    loop {
        let places = plant_all(tree, mutants, &unviable)?;
        report::note(&format!(
            "building with {} mutants",
            places.values().map(Vec::len).sum::<usize>()
        ));
        let mut command = Command::new("cargo");
        command.args(["test", "--no-run", "--message-format=json", "--target-dir"]);
        command.arg(std::path::absolute(&args.target_dir)?).args(TESTS).current_dir(tree);
        let output = command.stderr(std::process::Stdio::inherit()).output()?;
        let messages: Vec<Value> = String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if output.status.success() {
            let planted = places.values().flatten().map(|(number, _)| *number).collect();
            return Ok(Build { tests: programs(&messages), planted, unviable });
        }
        let refused = refused(&messages, &places);
        if refused.is_empty() {
            return Err("it does not build, and no mutant is to blame".into());
        }
        unviable.extend(refused);
        let names: String = unviable.iter().map(|n| format!("{}\n", mutants[*n].name)).collect();
        std::fs::write(&refused_before, names)?;
    }
}

type Places = BTreeMap<String, Vec<(usize, Range<usize>)>>;

fn plant_all(tree: &Path, mutants: &[Mutant], without: &BTreeSet<usize>) -> Result<Places> {
    let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants.iter().enumerate().filter(|(n, _)| !without.contains(n)) {
        files.entry(&mutant.file).or_default().push((number, mutant));
    }
    let mut places = Places::new();
    for (file, mutants) in files {
        let planted = plant::plant(&std::fs::read_to_string(file)?, &mutants)?;
        tree::write(&tree.join(file), planted.text.as_bytes())?;
        places.insert(file.to_owned(), planted.places);
    }
    Ok(places)
}

/// The mutants that errors lie in.
fn refused(messages: &[Value], places: &Places) -> BTreeSet<usize> {
    let mut refused = BTreeSet::new();
    let errors = messages.iter().map(|m| &m["message"]).filter(|m| m["level"] == "error");
    for span in errors.flat_map(|error| error["spans"].as_array().into_iter().flatten()) {
        let file = span["file_name"].as_str().unwrap_or_default();
        let byte = |name: &str| span[name].as_u64().unwrap_or_default() as usize;
        let (start, end) = (byte("byte_start"), byte("byte_end"));
        let here = places.get(file).into_iter().flatten();
        let inside = here.filter(|(_, range)| range.start <= start && end <= range.end);
        refused.extend(inside.map(|(number, _)| *number));
    }
    refused
}

fn programs(messages: &[Value]) -> Vec<(PathBuf, PathBuf)> {
    let tests = messages.iter().filter(|m| m["profile"]["test"] == true);
    tests
        .filter_map(|m| {
            let manifest = Path::new(m["manifest_path"].as_str()?);
            Some((PathBuf::from(m["executable"].as_str()?), manifest.parent()?.to_path_buf()))
        })
        .collect()
}
