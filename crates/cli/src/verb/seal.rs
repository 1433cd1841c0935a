//! `seal DIR`: no log is left when it returns.

use super::{must_be_there, not_made, note_recovery, now_ns, seconds_since};
use crate::args::Seal;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::Out;
use crate::progress::Progress;
use serde_json::json;
use std::sync::Arc;
use tracekeep::{Create, Store};

pub(super) fn run(args: &Seal, out: &mut Out) -> Result<Exit, Failure> {
    must_be_there(&args.dir)?;
    let start = now_ns();
    let bar = Arc::new(Progress::bytes("sealing", None));
    let store = Store::builder()
        .create(Create::Never)
        .listener(Arc::<Progress>::clone(&bar))
        .open(&args.dir)
        .map_err(|error| not_made(&args.dir, error))?;
    bar.aside(|| note_recovery(&args.dir, &store));
    let report = store.seal(args.level.into())?;
    let total = store.stats()?.bytes.total;
    store.close()?;
    drop(bar);
    let seconds = seconds_since(start);
    if args.json {
        out.json(&json!({
            "logs": report.logs,
            "segments": report.segments,
            "bytes": report.bytes,
            "bytes_on_disk": total,
            "seconds": seconds,
        }))?;
        return Ok(Exit::Done);
    }
    out.pairs([
        ("logs sealed", format::count(report.logs)),
        ("segments written", format::count(report.segments)),
        ("bytes written", format::bytes(report.bytes)),
        ("on disk now", format::bytes(total)),
        ("seconds", format!("{seconds:.2}")),
    ])?;
    Ok(Exit::Done)
}
