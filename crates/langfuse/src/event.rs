//! The envelope: lines, batches, and which mapping an event's type asks for.

use crate::body::Body;
use crate::map::{Key, Pairs};
use crate::read::{id, string, time};
use crate::{Mapped, Rejected, observation, score, trace};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use tracekeep::id::Id;
use tracekeep::model::Timestamp;

/// Maps one line: an event, or `{"batch":[event, ...]}`. Calls `sink` once for each event, with
/// one rejection for a line that is neither, and not at all for a blank line.
///
/// An event's text is scanned once (twice in a batch), and payloads are copied once.
pub fn map_line(line: &[u8], sink: &mut impl FnMut(Result<Mapped, Rejected>)) {
    if line.trim_ascii().is_empty() {
        return;
    }
    match parse(line) {
        Ok(Line { batch: Some(batch), .. }) => {
            batch.iter().for_each(|event| sink(map_event(event.get().as_bytes())));
        }
        Ok(Line { event, .. }) => sink(event.map()),
        Err(rejected) => sink(Err(rejected)),
    }
}

/// Maps one event.
///
/// # Errors
/// The reason why the event cannot be taken.
pub fn map_event(event: &[u8]) -> Result<Mapped, Rejected> {
    let line = parse(event)?;
    if line.batch.is_some() {
        return Err(Rejected::new("a batch stands where an event is expected"));
    }
    line.event.map()
}

fn parse(line: &[u8]) -> Result<Line<'_>, Rejected> {
    let text = std::str::from_utf8(line)
        .map_err(|e| Rejected::new(format!("not UTF-8 from byte {}", e.valid_up_to())))?;
    serde_json::from_str(text).map_err(|e| Rejected::new(format!("not an event: {e}")))
}

/// An event as it stands in its line.
#[derive(Default)]
struct Event<'a> {
    id: Option<&'a RawValue>,
    timestamp: Option<&'a RawValue>,
    kind: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    body: Option<Pairs<'a>>,
}

#[derive(Default)]
struct Line<'a> {
    event: Event<'a>,
    batch: Option<Vec<&'a RawValue>>,
}

/// An event whose envelope is in order.
pub(crate) struct Given<'a> {
    pub(crate) time: Timestamp,
    pub(crate) body: Body<'a>,
    pub(crate) metadata: Option<&'a RawValue>,
    envelope_id: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    fn map(self) -> Result<Mapped, Rejected> {
        let kind = self.kind.and_then(|raw| string(raw.get()));
        let kind = kind.ok_or_else(|| Rejected::new("type: missing, or no string"))?;
        match &*kind {
            "sdk-log" => Ok(Mapped::Ignored),
            "trace-create" => trace::map(self.given()?).map(Mapped::Record),
            "score-create" => score::map(self.given()?).map(Mapped::Record),
            "dataset-run-item-create" => {
                Err(Rejected::new("type: dataset-run-item-create is not taken from outside"))
            }
            other => match observation::Says::of(other) {
                Some(says) => observation::map(self.given()?, says).map(Mapped::Record),
                None => {
                    let shown: String = other.chars().take(40).collect();
                    Err(Rejected::new(format!("type: \"{shown}\" is unknown")))
                }
            },
        }
    }

    fn given(self) -> Result<Given<'a>, Rejected> {
        let raw = self.timestamp.map_or("null", RawValue::get);
        let time = time(raw).map_err(|why| Rejected::new(format!("timestamp: {why}")))?;
        let (Some(time), Some(body)) = (time, self.body) else {
            return Err(Rejected::new("body: missing"));
        };
        let metadata = self.metadata.filter(|raw| raw.get() != "null");
        Ok(Given { time, body: Body::new(body), metadata, envelope_id: self.id })
    }
}

impl Given<'_> {
    /// The body's id, or else the envelope's.
    pub(crate) fn id(&mut self) -> Result<Id, Rejected> {
        if let Some(id) = self.body.take("id", id)? {
            return Ok(id);
        }
        let raw = self.envelope_id.map_or("null", RawValue::get);
        let id = id(raw).map_err(|why| Rejected::new(format!("id: {why}")))?;
        id.ok_or_else(|| Rejected::new("id: missing"))
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct LineVisitor;
        impl<'de> Visitor<'de> for LineVisitor {
            type Value = Line<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
                let mut line = Line::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "id" => line.event.id = Some(map.next_value()?),
                        "timestamp" => line.event.timestamp = Some(map.next_value()?),
                        "type" => line.event.kind = Some(map.next_value()?),
                        "metadata" => line.event.metadata = Some(map.next_value()?),
                        "body" => line.event.body = Some(map.next_value()?),
                        "batch" => line.batch = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(line)
            }
        }
        from.deserialize_map(LineVisitor)
    }
}
