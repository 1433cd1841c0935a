//! What is in one file, line by line, for people.

use super::index::section_name;
use crate::codec::compress::Decompressor;
use crate::codec::{Listed, decode_record};
use crate::column::Table;
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameRef, GroupView, scan};
use crate::fs::{Dir, DirMode, FileName, Fs, RealFs, read_whole};
use crate::id::SegmentId;
use crate::limits::{LOG_READ_BYTES_MAX, MANIFEST_READ_BYTES_MAX};
use crate::manifest::Edit;
use crate::model::{Body, Record, Subject, Target, Value};
use crate::segment::{Facts, Footer, PayloadFile, SectionId, columns, parse_footer};
use std::path::Path;

/// One thing in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpLine {
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// Bytes that it takes there; 0 for what stands inside the thing before it.
    pub len: u64,
    /// What it is: `header`, `frame`, `record`, `edit`, `section`, `facts`, `block`, `fault`, ...
    pub kind: String,
    /// What it says, by name.
    pub fields: Vec<(String, String)>,
}

type EachLine<'a> = &'a mut dyn FnMut(DumpLine) -> Result<()>;

/// Hands out what is in a file of a store: frames and records of a log, edits of a manifest,
/// sections, facts and blocks of a segment's files. Bytes that make no sense become a line of
/// kind `fault`. Memory: a log or manifest whole, of other files a block.
///
/// # Errors
/// `InvalidInput` where the name is not that of a store's file, `UnsupportedFormat`, `Io`, or
/// what `each` returns.
pub fn dump(file: &Path, each: &mut dyn FnMut(DumpLine) -> Result<()>) -> Result<()> {
    dump_in(&RealFs, file, each)
}

/// As [`dump`], in any file system.
///
/// # Errors
/// As [`dump`].
fn dump_in<F: Fs>(fs: &F, file: &Path, each: &mut dyn FnMut(DumpLine) -> Result<()>) -> Result<()> {
    let name = file.file_name().and_then(|n| n.to_str()).and_then(FileName::parse);
    let name = name.ok_or_else(|| {
        Error::invalid(format!("{}: is not named as a file of a store", file.display()))
    })?;
    let parent = file.parent().filter(|p| !p.as_os_str().is_empty());
    let dir = fs.open_dir(parent.unwrap_or(Path::new(".")), DirMode::Existing)?;
    let read = |max| read_whole(&dir.open(name)?, file, max);
    match name {
        FileName::Log(_) => {
            let bytes = read(LOG_READ_BYTES_MAX)?;
            frames(file, &bytes, FileKind::Log, each)
        }
        FileName::Manifest(_) => {
            frames(file, &read(MANIFEST_READ_BYTES_MAX)?, FileKind::Manifest, each)
        }
        FileName::Skeleton(_) => {
            let (bytes, name) = (dir.map(name)?, columns::section_name);
            sections(file, &bytes, FileKind::Skeleton, name, each).map(|_| ())
        }
        FileName::Index(_) => {
            let bytes = dir.map(name)?;
            sections(file, &bytes, FileKind::Index, section_name, each).map(|_| ())
        }
        FileName::Payload(id) => payload_file(file, id, &dir.map(name)?, each),
        _ => {
            let bytes = read(1 << 20)?;
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
            each(line(0, bytes.len() as u64, "text", [("text", text)]))
        }
    }
}

fn line<const N: usize>(
    offset: u64,
    len: u64,
    kind: &str,
    fields: [(&str, String); N],
) -> DumpLine {
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
    DumpLine { offset, len, kind: kind.to_owned(), fields }
}

fn fault(offset: u64, fault: &Fault) -> DumpLine {
    line(offset.saturating_add(fault.at), 0, "fault", [("what", fault.what.clone())])
}

fn header(
    path: &Path,
    bytes: &[u8],
    kind: FileKind,
    each: EachLine<'_>,
) -> Result<Option<FileHeader>> {
    let header = match FileHeader::parse(bytes, kind) {
        Ok(header) => header,
        Err(what) => {
            let error = what.in_file(path);
            let Some(c) = error.corruption() else { return Err(error) };
            each(fault(0, &Fault::new(0, c.what.clone())))?;
            return Ok(None);
        }
    };
    let magic = String::from_utf8_lossy(kind.magic()).into_owned();
    let fields = [
        ("magic", magic),
        ("store", format!("{:032x}", header.store)),
        ("number", header.number.to_string()),
        ("salt", format!("{:016x}", header.salt)),
        ("created", format!("{} ns", header.created_ns)),
        ("previous", header.previous.number.to_string()),
        ("previous end", header.previous.end.to_string()),
        ("previous crc", format!("{:08x}", header.previous.crc)),
    ];
    each(line(0, FILE_HEADER_BYTES as u64, "header", fields))?;
    Ok(Some(header))
}

fn frames(path: &Path, bytes: &[u8], kind: FileKind, each: EachLine<'_>) -> Result<()> {
    let Some(header) = header(path, bytes, kind, each)? else { return Ok(()) };
    let scan = scan(bytes, &header);
    for frame in &scan.frames {
        each(frame_line(frame, "frame"))?;
        match frame.header.kind {
            FrameKind::Edit => edit(frame, bytes, each)?,
            FrameKind::Records | FrameKind::Parts => group(frame, bytes, each)?,
            FrameKind::Marker | FrameKind::Pad => {}
        }
    }
    match &scan.stop {
        Some(stop) => each(fault(stop.offset, &Fault::new(0, stop.what.clone())))?,
        None if scan.end < bytes.len() as u64 => {
            each(line(scan.end, bytes.len() as u64 - scan.end, "zeros", []))?;
        }
        None => {}
    }
    scan.beyond.iter().try_for_each(|frame| each(frame_line(frame, "frame beyond")))
}

fn frame_line(frame: &FrameRef, kind: &str) -> DumpLine {
    let h = &frame.header;
    let fields = [
        ("kind", format!("{:?}", h.kind).to_lowercase()),
        ("codec", h.codec.to_string()),
        ("seq", h.seq.to_string()),
        ("promise", h.promise.to_string()),
        ("records", h.records.to_string()),
        ("raw", h.raw.to_string()),
        ("payload", h.len.to_string()),
        ("previous", format!("{:08x}", h.previous)),
        ("crc", format!("{:08x}", h.crc)),
    ];
    line(frame.offset, h.frame_bytes(), kind, fields)
}

fn edit(frame: &FrameRef, bytes: &[u8], each: EachLine<'_>) -> Result<()> {
    let at = frame.payload_offset();
    match Edit::decode(frame.payload(bytes)) {
        Ok(edit) => each(line(at, 0, "edit", [("edit", format!("{edit:?}"))])),
        Err(what) => each(fault(at, &what)),
    }
}

fn group(frame: &FrameRef, bytes: &[u8], each: EachLine<'_>) -> Result<()> {
    let at = frame.payload_offset();
    let view = match GroupView::parse(frame.payload(bytes)) {
        Ok(view) => view,
        Err(what) => return each(fault(at, &what)),
    };
    let fields = [
        ("lists", view.lists().to_string()),
        ("parts", view.part_lens().len().to_string()),
        ("first part", view.first_part().to_string()),
        ("pieces", view.pieces().len().to_string()),
    ];
    each(line(at, 0, "group", fields))?;
    for (seq, record) in (frame.header.seq.0..).zip(view.records()) {
        match decode_record(record) {
            Ok(record) => each(record_line(at, seq, &record))?,
            Err(what) => each(fault(at, &Fault::new(0, what.what)))?,
        }
    }
    for piece in view.pieces() {
        let fields = [
            ("raw", piece.raw_len.to_string()),
            ("parts", piece.part_count.to_string()),
            ("crc", format!("{:08x}", piece.crc)),
        ];
        let offset = at + u64::from(piece.body_offset);
        each(line(offset, u64::from(piece.stored_len), "piece", fields))?;
    }
    Ok(())
}

fn record_line(at: u64, seq: u64, record: &Record<Listed>) -> DumpLine {
    let target = match &record.target {
        Target::Trace { trace } => format!("trace {trace}"),
        Target::Observation { trace, observation } => format!("observation {trace} {observation}"),
        Target::Score { score } => format!("score {score}"),
    };
    let fields = [
        ("seq", seq.to_string()),
        ("target", target),
        ("time", record.time.to_string()),
        ("operation", record.operation.to_string()),
    ];
    let mut line = line(at, 0, "record", fields);
    if record.body == Body::Tombstone {
        line.kind = "tombstone".to_owned();
    }
    for field in record.fields() {
        let weak = if field.weak { "?" } else { "" };
        line.fields.push((format!("{:?}{weak}", field.field).to_lowercase(), text(&field.value)));
    }
    line
}

fn text(value: &Value<Listed>) -> String {
    let payload = |p: &Listed| format!("{} bytes, print {:016x}, list {}", p.len, p.print, p.list);
    match value {
        Value::Text(text) => text.to_string(),
        Value::Id(id) => id.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Kind(word) => word.to_string(),
        Value::Level(word) => word.to_string(),
        Value::ScoreType(word) => word.to_string(),
        Value::ScoreSource(word) => word.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Tags(tags) => tags.join(", "),
        Value::Usage(usage) => pairs(usage.iter().map(|(key, n)| format!("{key} {n}"))),
        Value::Cost(cost) => pairs(cost.iter().map(|(key, sum)| format!("{key} {sum}"))),
        Value::Payload(p) => payload(p),
        Value::Map(map) => {
            let keys = pairs(map.entries.iter().map(|e| e.key.to_string()));
            format!("{}, keys {keys}", payload(&map.text))
        }
        Value::Subject(Subject::Trace(id)) => format!("trace {id}"),
        Value::Subject(Subject::Observation(trace, id)) => format!("observation {trace} {id}"),
        Value::Subject(Subject::Session(id)) => format!("session {id}"),
        Value::Subject(Subject::Run(id)) => format!("run {id}"),
    }
}

fn pairs(each: impl Iterator<Item = String>) -> String {
    each.collect::<Vec<String>>().join(", ")
}

fn sections(
    path: &Path,
    bytes: &[u8],
    kind: FileKind,
    name: fn(SectionId) -> &'static str,
    each: EachLine<'_>,
) -> Result<Option<Footer>> {
    header(path, bytes, kind, each)?;
    let footer = match parse_footer(bytes, FILE_HEADER_BYTES) {
        Ok(footer) => footer,
        Err(what) => {
            each(fault(0, &what))?;
            return Ok(None);
        }
    };
    for section in &footer.sections {
        let sound = footer.check(bytes, section).map_or_else(|f| f.what, |()| "ok".to_owned());
        let fields = [
            ("name", name(section.id).to_owned()),
            ("id", section.id.0.to_string()),
            ("crc", format!("{:08x}", section.crc)),
            ("check", sound),
        ];
        each(line(section.offset, section.len, "section", fields))?;
        if kind != FileKind::Index && columns::shape(section.id).is_some() {
            let table = Table::view(footer.section(bytes, section.id));
            for (at, column) in columns::of_section(section.id).enumerate() {
                let first = section.offset.saturating_add(table.zone_at(0, at) as u64);
                let fields = [("name", columns::column_name(column).to_owned())];
                each(line(first, table.spent(at), "column", fields))?;
            }
        }
    }
    let (at, len) = (footer.facts.start as u64, footer.facts.len() as u64);
    if len > 0 {
        let facts = bytes.get(footer.facts.clone()).unwrap_or_default();
        match Facts::decode(facts) {
            Ok(facts) => each(line(at, len, "facts", [("facts", format!("{facts:?}"))]))?,
            Err(what) => each(fault(at, &what))?,
        }
    }
    let fields = [("crc", format!("{:08x}", footer.crc))];
    each(line(at, bytes.len() as u64 - at, "footer", fields))?;
    Ok(Some(footer))
}

fn payload_file(path: &Path, id: SegmentId, bytes: &[u8], each: EachLine<'_>) -> Result<()> {
    if sections(path, bytes, FileKind::Payload, columns::section_name, each)?.is_none() {
        return Ok(());
    }
    let fault = |e: Error| line(0, 0, "fault", [("what", e.to_string())]);
    let file = match PayloadFile::open(path, id, bytes) {
        Ok(file) => file,
        Err(e) => return each(fault(e)),
    };
    let dictionary = match file.dictionary() {
        Ok(dictionary) => dictionary,
        Err(e) => return each(fault(e)),
    };
    let mut decompressor = Decompressor::with_dictionary(dictionary.as_ref());
    for number in 0..file.blocks() {
        let (place, first) = file.block_place(number).unwrap_or((0..0, 0));
        let (parts, check) = match file.read_block(number, &mut decompressor) {
            Ok(block) => (block.parts().count().to_string(), "ok".to_owned()),
            Err(e) => ("?".to_owned(), e.to_string()),
        };
        let fields = [
            ("number", number.to_string()),
            ("first part", first.to_string()),
            ("parts", parts),
            ("check", check),
        ];
        each(line(place.start as u64, place.len() as u64, "block", fields))?;
    }
    Ok(())
}
