//! Statements that are false behind sound checksums: each is found, and told as what it is. What is
//! told stands in `told.txt`: a line for each statement, and below it the file and the section that
//! is to blame, what was expected, what was found, and what and how many traces it affects; then
//! what opening says, where it refuses the store or passes over an index, and what reading a
//! segment says, where it refuses that.

mod logs;
mod manifests;
mod segments;

use super::*;
use crate::error::Error;
use crate::manifest::load;
use crate::recovery::{check_end, load_store};
use crate::segment::{columns, parse_footer};

/// What verify says of a store.
fn told(store: &Store) -> Vec<String> {
    let (verdict, findings) = store.verify();
    let worst = findings.iter().map(|f| f.severity).max();
    let expected = match worst {
        Some(Severity::Damage) => Verdict::Damaged,
        Some(Severity::TornTail) => Verdict::TornTail,
        Some(Severity::Note) | None => Verdict::Clean,
    };
    assert_eq!(verdict, expected);
    findings.iter().map(line).chain(opening_and_reading(store)).collect()
}

fn opening_and_reading(store: &Store) -> Vec<String> {
    let loaded = load(&store.dir).and_then(|loaded| {
        let loaded = loaded.ok_or_else(|| Error::no_store(store.dir.path()))?;
        check_end(&store.dir, &loaded)?;
        load_store(&store.dir, &loaded)
    });
    let folder = store.dir.path().display().to_string();
    let line = |doing: &str, what: &str| format!("  {doing}: {}\n", what.replace(&folder, "DIR"));
    match loaded {
        Err(error) => vec![line("opening", &error.to_string())],
        Ok(loaded) => {
            let notes = loaded.notes.iter().map(|note| line("opening", note));
            let checked = loaded.view.segments.iter().map(|s| s.segment.check_all());
            let errors = checked.filter_map(|checked| checked.err());
            notes.chain(errors.map(|error| line("reading", &error.to_string()))).collect()
        }
    }
}

fn line(of: &Finding) -> String {
    let mild = match of.severity {
        Severity::Damage => "",
        Severity::TornTail => "torn tail, ",
        Severity::Note => "note, ",
    };
    let affects = format!("{}, {} traces", of.affects, of.trace_count);
    format!("  {mild}{}: {} | {} | {affects}\n", place(of), of.expected, of.found)
}

/// The file, and what lies there.
fn place(finding: &Finding) -> String {
    let name = finding.file.file_name().and_then(|name| name.to_str()).unwrap();
    let at = finding.offset as usize;
    let bytes = std::fs::read(&finding.file).unwrap_or_default();
    let what = parse_footer(&bytes, FILE_HEADER_BYTES).ok().and_then(|footer| {
        let names =
            if name.ends_with(".tki") { index::section_name } else { columns::section_name };
        let starts = footer.sections.iter().map(|at| (at.offset as usize, names(at.id)));
        let mut starts = starts.chain([(0, "header"), (footer.facts.start, "facts")]);
        starts.rfind(|(start, _)| *start == at).map(|(_, what)| what.to_owned())
    });
    format!("{name} {}", what.unwrap_or_else(|| format!("+{at}")))
}

/// All of it stands in `told.txt` under this heading.
fn told_as<'a>(heading: &str, cases: impl IntoIterator<Item = (&'a str, Vec<String>)>) {
    let cases = cases.into_iter().map(|(name, told)| format!("{name}\n{}", told.concat()));
    let told: String = cases.collect();
    let expected = include_str!("told.txt").split("# ");
    let expected = expected.filter_map(|part| part.strip_prefix(heading)).next();
    assert_eq!(expected.unwrap_or_default().trim(), told.trim(), "{told}");
}
