//! Writes the line of one exported event, key by key.

use crate::export::ScoreOut;
use crate::map::write_string;
use crate::time::write_time;
use serde::de::IgnoredAny;
use std::fmt::Display;
use tracekeep::id::Id;
use tracekeep::limits::ID_CHARS_MAX;
use tracekeep::model::{ScoreType, Timestamp};

/// The body of an event under way. A key without value is left out.
pub(crate) struct Line<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Line<'o> {
    pub(crate) fn begin(id: &str, time: Timestamp, event_type: &str, out: &'o mut Vec<u8>) -> Self {
        let cut = id.char_indices().nth(ID_CHARS_MAX).map_or(id.len(), |(at, _)| at);
        out.extend_from_slice(b"{\"id\":");
        write_string(&id[..cut], out);
        out.extend_from_slice(b",\"timestamp\":\"");
        write_time(time, out);
        out.extend_from_slice(b"\",\"type\":\"");
        out.extend_from_slice(event_type.as_bytes());
        out.extend_from_slice(b"\",\"body\":{");
        Line { out, empty: true }
    }

    pub(crate) fn end(self) {
        self.out.extend_from_slice(b"}}\n");
    }

    fn comma(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        write_string(key, self.out);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            write_string(text, self.key(key));
        }
    }

    pub(crate) fn id(&mut self, key: &str, id: Option<&Id>) {
        if let Some(id) = id {
            write_string(&id.to_string(), self.key(key));
        }
    }

    pub(crate) fn time(&mut self, key: &str, time: Option<Timestamp>) {
        if let Some(time) = time {
            let out = self.key(key);
            out.push(b'"');
            write_time(time, out);
            out.push(b'"');
        }
    }

    /// A number or a flag.
    pub(crate) fn plain(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.key(key).extend_from_slice(value.to_string().as_bytes());
        }
    }

    /// Bytes that are JSON as they are, others as a string.
    pub(crate) fn json(&mut self, key: &str, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        let out = self.key(key);
        match valid(bytes) {
            Some(text) => splice(text, out),
            None => write_string(&String::from_utf8_lossy(bytes), out),
        }
    }

    /// The pairs of an object, one level up; what is no object under an empty key.
    pub(crate) fn attributes(&mut self, bytes: Option<&[u8]>) {
        let object = bytes.and_then(valid);
        match object.and_then(|text| text.strip_prefix('{')?.strip_suffix('}')) {
            None => self.json("", bytes),
            Some(inner) if inner.trim().is_empty() => {}
            Some(inner) => {
                self.comma();
                splice(inner, self.out);
            }
        }
    }

    pub(crate) fn tags(&mut self, tags: Option<&[Box<str>]>) {
        let Some(tags) = tags else { return };
        let out = self.key("tags");
        out.push(b'[');
        for (i, tag) in tags.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_string(tag, out);
        }
        out.push(b']');
    }

    pub(crate) fn amounts(&mut self, key: &str, amounts: Option<&[(Box<str>, impl Display)]>) {
        let Some(amounts) = amounts else { return };
        self.key(key).push(b'{');
        self.empty = true;
        for (name, amount) in amounts {
            self.plain(name, Some(amount));
        }
        self.out.push(b'}');
        self.empty = false;
    }

    /// `value`, and `stringValue` where the score has a number and a text.
    pub(crate) fn value(&mut self, score: &ScoreOut<'_>) {
        let number = match score.score_type {
            Some(ScoreType::Correction) => {
                let text = score.correction.map(String::from_utf8_lossy);
                return self.text("value", text.as_deref());
            }
            // The number of a label is 0 unless a configuration maps it.
            Some(ScoreType::Categorical) if score.text.is_some() => {
                score.number.filter(|number| *number != 0.0)
            }
            Some(ScoreType::Text) => None,
            _ => score.number,
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return self.text("value", score.text);
        };
        // Both are the shortest that read back as the same number; neither has 300 digits.
        if number.abs() < 1e15 && number.fract() == 0.0 {
            self.plain("value", Some(number));
        } else {
            self.plain("value", Some(format!("{number:?}")));
        }
        self.text("stringValue", score.text);
    }
}

/// The text of bytes that are one JSON value, without the white space around it.
fn valid(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(text.trim_ascii())
}

/// Appends valid JSON. A newline can only stand between its tokens, where a space says the same.
fn splice(text: &str, out: &mut Vec<u8>) {
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(line.as_bytes());
    }
}
