//! `dump DIR FILE`: the frames of a log or a manifest, the sections of a segment's file.

use super::must_be_there;
use crate::args::Dump;
use crate::exit::{Exit, Failure, Through};
use crate::format;
use crate::output::Out;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use tracekeep::DumpLine;

pub(super) fn run(args: &Dump, out: &mut Out) -> Result<Exit, Failure> {
    must_be_there(&args.dir)?;
    let file = find(&args.dir, &args.file)?;
    let mut through = Through::default();
    if !args.json {
        out.line(&format!("{:>12}  {:>10}  {:<14}  {}", "offset", "bytes", "kind", "fields"))?;
    }
    let result = tracekeep::dump(&file, &mut |line| {
        through.stop_at(if args.json { print_json(&line, out) } else { print(&line, out) })
    });
    through.finish(result)?;
    Ok(Exit::Done)
}

/// The file by its name in the store, or by a path.
fn find(dir: &Path, file: &Path) -> Result<PathBuf, Failure> {
    let named = dir.join(file);
    [named.as_path(), file]
        .into_iter()
        .find(|path| path.is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::usage(format!("{}: no such file in {}", file.display(), dir.display()))
        })
}

fn print(line: &DumpLine, out: &mut Out) -> Result<(), Failure> {
    let fields: Vec<String> = line.fields.iter().map(|(name, v)| format!("{name}={v}")).collect();
    let fields = fields.join("  ");
    out.line(&format!(
        "{:>12}  {:>10}  {:<14}  {}",
        line.offset,
        line.len,
        format::plain(&line.kind),
        format::plain(&fields)
    ))
}

fn print_json(line: &DumpLine, out: &mut Out) -> Result<(), Failure> {
    let fields: Map<String, Json> =
        line.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    out.json(&json!({
        "offset": line.offset,
        "bytes": line.len,
        "kind": line.kind,
        "fields": fields,
    }))
}
