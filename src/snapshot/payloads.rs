//! Payload bytes, from logs and segments.

use super::gather::Gathered;
use super::states::each_observation;
use super::{Snapshot, View};
use crate::error::{Error, Result};
use crate::fs::{Dir, Fs};
use crate::id::{Id, LogId, SegmentId};
use crate::log::LogReader;
use crate::merge::{Fields, MergedMap};
use crate::model::{Field, PayloadRef, Source};
use crate::part::BlockCache;
use crate::segment::PayloadReader;

/// Readers of the files that payloads come from, kept for one call.
#[derive(Debug)]
pub struct PayloadSources<'v, D: Dir> {
    view: &'v View<D>,
    cache: Option<&'v BlockCache>,
    logs: Vec<(LogId, LogReader<'v, D::File>)>,
    segments: Vec<(SegmentId, PayloadReader<'v, D::Map>)>,
}

const PIECES_KEPT: usize = 64;

impl<'v, D: Dir> PayloadSources<'v, D> {
    /// Sources over a view.
    pub fn new(view: &'v View<D>, cache: Option<&'v BlockCache>) -> PayloadSources<'v, D> {
        PayloadSources { view, cache, logs: Vec::new(), segments: Vec::new() }
    }

    /// Appends a payload's bytes to `out`; `false` where they have expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`.
    pub fn read(&mut self, payload: &PayloadRef, out: &mut Vec<u8>) -> Result<bool> {
        match payload.source {
            Source::Expired => return Ok(false),
            Source::Log(id) => {
                let at = match self.logs.iter().position(|(log, _)| *log == id) {
                    Some(at) => at,
                    None => {
                        let log = self.view.log(id).ok_or_else(|| foreign(payload.source))?;
                        self.logs.push((id, LogReader::new(log, PIECES_KEPT).cached(self.cache)));
                        self.logs.len() - 1
                    }
                };
                self.logs[at].1.read(payload.number, payload.len, out)?;
            }
            Source::Segment(id) => {
                let Some(reader) = self.reader(id)? else { return Ok(false) };
                return reader.read(payload.number, payload.len, out);
            }
        }
        Ok(true)
    }

    /// The reader of a segment's payload file, unless the payloads have expired.
    fn reader(&mut self, id: SegmentId) -> Result<Option<&mut PayloadReader<'v, D::Map>>> {
        let at = match self.segments.iter().position(|(segment, _)| *segment == id) {
            Some(at) => at,
            None => {
                let s = self.view.segment(id).ok_or_else(|| foreign(Source::Segment(id)))?;
                let Some(file) = s.segment.payloads()? else { return Ok(None) };
                self.segments.push((id, PayloadReader::new(file, self.cache)));
                self.segments.len() - 1
            }
        };
        Ok(self.segments.get_mut(at).map(|(_, reader)| reader))
    }

    /// Has what is sealed of a trace's payloads fetched before it is read, where any of it may be
    /// out of memory.
    fn fetch(&mut self, all: &Gathered) -> Result<()> {
        let holders = all.holders.iter().map(|(at, row)| (&self.view.segments[*at].segment, *row));
        let cold: Vec<_> = holders
            .filter(|(segment, row)| segment.fetch_trace(*row) | segment.fetch_payload_front())
            .collect();
        for (segment, row) in cold {
            let numbers = segment.fetch_payloads(row)?;
            // What cannot be read says so when it is wanted.
            if let Ok(Some(reader)) = self.reader(segment.id()) {
                reader.fetch(&numbers);
            }
        }
        Ok(())
    }

    /// A map as text: the original where all live keys came from one record, else an object of
    /// the live keys in byte order, each value as given. `None` where a text has expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`.
    pub fn map(&mut self, map: &MergedMap) -> Result<Option<Vec<u8>>> {
        if let Some(text) = map.single() {
            let mut bytes = Vec::new();
            return Ok(self.read(text, &mut bytes)?.then_some(bytes));
        }
        let mut texts = Vec::with_capacity(map.texts.len());
        for text in &map.texts {
            let mut bytes = Vec::new();
            if !self.read(text, &mut bytes)? {
                return Ok(None);
            }
            texts.push(bytes);
        }
        let mut out = vec![b'{'];
        for (i, entry) in map.entries.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            put_key(&entry.key, &mut out);
            out.push(b':');
            let range = entry.value.start as usize..entry.value.end as usize;
            let text = texts.get(entry.text as usize).and_then(|t| t.get(range));
            out.extend_from_slice(text.unwrap_or(b"null"));
        }
        out.push(b'}');
        Ok(Some(out))
    }

    /// One field of merged fields, as bytes.
    ///
    /// # Errors
    /// `Corruption`, `Io`.
    pub fn field(&mut self, fields: &Fields, field: Field) -> Result<Option<Vec<u8>>> {
        if let Some(map) = fields.map(field) {
            return self.map(map);
        }
        let Some(payload) = fields.payload(field) else { return Ok(None) };
        let mut bytes = Vec::new();
        Ok(self.read(payload, &mut bytes)?.then_some(bytes))
    }
}

fn foreign(source: Source) -> Error {
    let of = match source {
        Source::Log(id) => format!("log {id}"),
        Source::Segment(id) => format!("segment {id}"),
        Source::Expired => "nowhere".to_owned(),
    };
    Error::invalid(format!("a payload of {of} was asked of a snapshot that does not hold it"))
}

/// A key as a JSON string.
fn put_key(key: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in key.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if u32::from(c) < 0x20 => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// The fields whose bytes are payloads.
const PAYLOAD_FIELDS: [Field; 4] =
    [Field::Input, Field::Output, Field::Metadata, Field::Attributes];

impl<F: Fs> Snapshot<F> {
    /// The bytes of a payload that this snapshot gave out; `None` where they have expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn payload(&self, payload: &PayloadRef) -> Result<Option<Vec<u8>>> {
        let view = self.view()?;
        let mut bytes = Vec::new();
        let found =
            PayloadSources::new(&view, Some(self.block_cache())).read(payload, &mut bytes)?;
        Ok(found.then_some(bytes))
    }

    /// A map as text: the original where all live keys came from one record, else an object of
    /// the live keys in byte order, each value as given. `None` where a text has expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn map_text(&self, map: &MergedMap) -> Result<Option<Vec<u8>>> {
        let view = self.view()?;
        PayloadSources::new(&view, Some(self.block_cache())).map(map)
    }

    fn observation_field(
        &self,
        trace: &Id,
        observation: &Id,
        field: Field,
    ) -> Result<Option<Vec<u8>>> {
        let view = self.view()?;
        let all = Gathered::new(&view, view.key.identity(trace), self.seq())?;
        let identity = view.key.identity(observation);
        let mut sources = PayloadSources::new(&view, Some(self.block_cache()));
        // Input and output of a sealed row stand in columns: no details are needed.
        if !all.touches(identity) && matches!(field, Field::Input | Field::Output) {
            let Some((s, row, _)) = all.sealed_observation(&view, identity)? else {
                return Ok(None);
            };
            let Some(payload) = s.segment.observation_payload(row, field)? else { return Ok(None) };
            let mut bytes = Vec::new();
            return Ok(sources.read(&payload, &mut bytes)?.then_some(bytes));
        }
        match all.observation(&view, identity)? {
            Some(fields) => sources.field(&fields, field),
            None => Ok(None),
        }
    }

    /// An observation's input, byte for byte. `None` where there is none, or it has expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        self.observation_field(trace, observation, Field::Input)
    }

    /// An observation's output, byte for byte. `None` where there is none, or it has expired.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn output(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        self.observation_field(trace, observation, Field::Output)
    }

    /// An observation's metadata; see [`map_text`](Self::map_text).
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn metadata(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        self.observation_field(trace, observation, Field::Metadata)
    }

    /// An observation's attributes; see [`map_text`](Self::map_text).
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn attributes(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        self.observation_field(trace, observation, Field::Attributes)
    }

    /// Hands out every payload of every observation of a trace in one pass: input, output,
    /// metadata, attributes, in the order of start, then id. Cost: each block decompressed once.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`, or what `each` returns.
    pub fn payloads(
        &self,
        trace: &Id,
        each: &mut dyn FnMut(&Id, Field, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let view = self.view()?;
        let all = Gathered::new(&view, view.key.identity(trace), self.seq())?;
        let mut sources = PayloadSources::new(&view, Some(self.block_cache()));
        sources.fetch(&all)?;
        let mut bytes = Vec::new();
        each_observation(&view, &all, &mut |id, fields| {
            for field in PAYLOAD_FIELDS {
                if let Some(payload) = fields.payload(field) {
                    bytes.clear();
                    if sources.read(payload, &mut bytes)? {
                        each(id, field, &bytes)?;
                    }
                } else if let Some(text) = sources.field(fields, field)? {
                    each(id, field, &text)?;
                }
            }
            Ok(())
        })
    }
}
