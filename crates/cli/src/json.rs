//! The shapes that `--json` prints. Times are RFC 3339 strings, durations nanoseconds, sums of
//! money strings (they are exact), payloads strings of their exact text.

use crate::exit::Failure;
use crate::{fields, format};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tracekeep::id::Id;
use tracekeep::merge::{Fields, Held, Tokens};
use tracekeep::model::{Field, Subject, Timestamp, Value};
use tracekeep::{Snapshot, TraceState};

#[derive(Debug, Serialize)]
pub(crate) struct TokensJson {
    input: u64,
    output: u64,
    total: u64,
}

impl From<Tokens> for TokensJson {
    fn from(tokens: Tokens) -> TokensJson {
        let Tokens { input, output, total } = tokens;
        TokensJson { input, output, total }
    }
}

/// A trace without its observations: a line of `traces`, the beginning of `trace`.
#[derive(Debug, Serialize)]
pub(crate) struct TraceJson {
    pub(crate) id: String,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) duration_ns: i64,
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) tags: Vec<String>,
    /// How many; left out where the observations themselves follow.
    #[serde(rename = "observations", skip_serializing_if = "Option::is_none")]
    pub(crate) observation_count: Option<u64>,
    pub(crate) open: u64,
    pub(crate) errors: u64,
    pub(crate) tokens: TokensJson,
    pub(crate) cost: String,
    pub(crate) payload_bytes: u64,
}

impl From<&TraceState> for TraceJson {
    fn from(state: &TraceState) -> TraceJson {
        let TraceState { id, fields, summary } = state;
        let text = |field| fields.text(field).map(str::to_owned);
        TraceJson {
            id: id.to_string(),
            start: format::time(summary.start),
            end: format::time(summary.end),
            duration_ns: summary.duration_ns(),
            name: text(Field::Name),
            user: text(Field::User),
            session: fields.id(Field::Session).map(Id::to_string),
            environment: text(Field::Environment),
            tags: fields.tags().iter().map(|tag| tag.to_string()).collect(),
            observation_count: Some(summary.observations),
            open: summary.open,
            errors: summary.errors,
            tokens: summary.tokens.into(),
            cost: summary.cost.to_string(),
            payload_bytes: summary.payload_bytes,
        }
    }
}

/// A time, or null.
pub(crate) fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(format::time)
}

/// Bytes as a string; what is no UTF-8 is replaced.
pub(crate) fn text(bytes: &[u8]) -> Json {
    Json::String(String::from_utf8_lossy(bytes).into_owned())
}

/// All fields of a target, payloads included: `null` where their bytes have expired.
pub(crate) fn all(snapshot: &Snapshot, of: &Fields) -> Result<Map<String, Json>, Failure> {
    let mut object = Map::new();
    for slot in of.slots() {
        let value = match &slot.value {
            Held::Map(_) | Held::Value(Value::Payload(_)) => {
                fields::bytes(snapshot, of, slot.field)?.map_or(Json::Null, |bytes| text(&bytes))
            }
            Held::Value(Value::Bool(flag)) => json!(flag),
            Held::Value(Value::Number(number)) => json!(number),
            Held::Value(Value::Float(number)) => json!(number),
            Held::Value(Value::Tags(tags)) => json!(tags),
            Held::Value(Value::Usage(usage)) => usage
                .iter()
                .map(|(key, n)| (key.to_string(), json!(n)))
                .collect::<Map<_, _>>()
                .into(),
            Held::Value(Value::Cost(cost)) => {
                let sums = cost.iter().map(|(key, sum)| (key.to_string(), json!(sum.to_string())));
                sums.collect::<Map<_, _>>().into()
            }
            Held::Value(Value::Subject(subject)) => of_subject(subject),
            other => json!(fields::shown(other)),
        };
        object.insert(fields::name(slot.field).to_owned(), value);
    }
    Ok(object)
}

fn of_subject(subject: &Subject) -> Json {
    match subject {
        Subject::Trace(trace) => json!({"trace": trace.to_string()}),
        Subject::Observation(trace, observation) => {
            json!({"trace": trace.to_string(), "observation": observation.to_string()})
        }
        Subject::Session(session) => json!({"session": session.to_string()}),
        Subject::Run(run) => json!({"run": run.to_string()}),
    }
}

/// Scores with all their fields.
pub(crate) fn scores(snapshot: &Snapshot, scores: &[(Id, Fields)]) -> Result<Json, Failure> {
    let each = scores.iter().map(|(id, of)| {
        let mut object = all(snapshot, of)?;
        object.insert("id".to_owned(), json!(id.to_string()));
        Ok(Json::Object(object))
    });
    each.collect()
}
