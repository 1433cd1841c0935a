//! What a record must keep to, whoever made it: a caller, or bytes on disk.

use crate::error::Fault;
use crate::limits::{MAP_ENTRIES_MAX, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX};
use crate::model::{Field, FieldValue, Map, Payload, Record, Value};

/// Whether a value is of the type that its field takes.
pub fn fits<P>(field: Field, value: &Value<P>) -> bool {
    use Field as F;
    match value {
        Value::Kind(_) => field == F::Kind,
        Value::Level(_) => field == F::Level,
        Value::Bool(_) => field == F::Public,
        Value::Number(_) => field == F::PromptVersion,
        Value::Float(_) => field == F::ScoreNumber,
        Value::Time(_) => matches!(field, F::Start | F::End | F::CompletionStart | F::Timestamp),
        Value::Id(_) => matches!(field, F::Parent | F::Session),
        Value::Text(_) => matches!(
            field,
            F::Name
                | F::StatusMessage
                | F::Version
                | F::Release
                | F::Environment
                | F::Model
                | F::ModelParameters
                | F::PromptName
                | F::User
                | F::ScoreText
                | F::Comment
                | F::ConfigId
                | F::QueueId
                | F::AuthorId
                | F::ExecutionTrace
                | F::ExternalId
        ),
        Value::Tags(_) => field == F::Tags,
        Value::Usage(_) => field == F::Usage,
        Value::Cost(_) => field == F::Cost,
        Value::Payload(_) => matches!(field, F::Input | F::Output | F::Correction),
        Value::Map(_) => matches!(field, F::Metadata | F::Attributes),
        Value::Subject(_) => field == F::Subject,
        Value::ScoreType(_) => field == F::ScoreType,
        Value::ScoreSource(_) => field == F::ScoreSource,
    }
}

/// Checks a record: fields sorted and each once, each value of its field's type, texts, maps and
/// payloads within their limits, tags and keys sorted and each once, values of a map within its
/// text. Costs a look at each field and key.
///
/// # Errors
/// Says the first thing that is wrong, at byte 0.
pub fn check<P: Payload>(record: &Record<P>) -> Result<(), Fault> {
    let fields = record.fields();
    if !ascending(fields.iter().map(|f| f.field)) {
        return Err(Fault::new(0, "fields that are not sorted, or one twice"));
    }
    fields.iter().try_for_each(check_field)
}

/// Checks one field; see [`check`].
///
/// # Errors
/// Says the first thing that is wrong, at byte 0.
pub(super) fn check_field<P: Payload>(field: &FieldValue<P>) -> Result<(), Fault> {
    let code = field.field.code();
    if !fits(field.field, &field.value) {
        return Err(Fault::new(0, format!("field {code} holds a value of another type")));
    }
    match &field.value {
        Value::Text(text) => check_text(text),
        Value::Tags(tags) => check_keys(code, tags.iter()),
        Value::Usage(usage) => check_keys(code, usage.iter().map(|(key, _)| key)),
        Value::Cost(cost) => check_keys(code, cost.iter().map(|(key, _)| key)),
        Value::Payload(payload) => check_payload(payload),
        Value::Map(map) => check_map(code, map),
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), Fault> {
    match text.len() {
        0..=TEXT_BYTES_MAX => Ok(()),
        n => Err(Fault::new(0, format!("a text of {n} bytes: at most {TEXT_BYTES_MAX}"))),
    }
}

fn check_payload<P: Payload>(payload: &P) -> Result<(), Fault> {
    match payload.bytes_len() {
        n if n > PAYLOAD_BYTES_MAX as u64 => {
            Err(Fault::new(0, format!("a payload of {n} bytes: at most {PAYLOAD_BYTES_MAX}")))
        }
        _ => Ok(()),
    }
}

fn check_count(code: u8, n: usize) -> Result<(), Fault> {
    match n {
        0..=MAP_ENTRIES_MAX => Ok(()),
        n => Err(Fault::new(0, format!("field {code}: {n} entries, at most {MAP_ENTRIES_MAX}"))),
    }
}

fn check_keys<'a>(
    code: u8,
    keys: impl ExactSizeIterator<Item = &'a Box<str>> + Clone,
) -> Result<(), Fault> {
    check_count(code, keys.len())?;
    keys.clone().try_for_each(|key| check_text(key))?;
    if ascending(keys) {
        Ok(())
    } else {
        Err(Fault::new(0, format!("field {code}: keys that are not sorted, or one twice")))
    }
}

fn check_map<P: Payload>(code: u8, map: &Map<P>) -> Result<(), Fault> {
    check_payload(&map.text)?;
    check_count(code, map.entries.len())?;
    for entry in &map.entries {
        check_text(&entry.key)?;
        let (start, end) = (entry.value.start, entry.value.end);
        if start > end || u64::from(end) > map.text.bytes_len() {
            let len = map.text.bytes_len();
            return Err(Fault::new(
                0,
                format!("field {code}: a value at {start} to {end} of {len} bytes"),
            ));
        }
    }
    // Most come sorted; else it takes a sorted copy to find one twice.
    if ascending(map.entries.iter().map(|entry| &*entry.key)) {
        return Ok(());
    }
    let mut keys: Vec<&str> = map.entries.iter().map(|entry| &*entry.key).collect();
    keys.sort_unstable();
    if ascending(keys.into_iter()) {
        Ok(())
    } else {
        Err(Fault::new(0, format!("field {code}: one key twice")))
    }
}

fn ascending<T: PartialOrd>(mut items: impl Iterator<Item = T>) -> bool {
    let Some(mut last) = items.next() else { return true };
    items.all(|item| {
        let rises = last < item;
        last = item;
        rises
    })
}
