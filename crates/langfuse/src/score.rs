//! `score-create`: an evaluation of a trace, an observation, a session or an experiment run.
//! Langfuse drops a score that breaks a rule without a word; here it is rejected with one.
//!
//! | type | `value` | fields |
//! |---|---|---|
//! | NUMERIC (a number without type) | number | number; text from `stringValue` |
//! | BOOLEAN | 0 or 1 | as NUMERIC |
//! | CATEGORICAL (a string without type) | label, or number with `stringValue` | number 0 or as given; text |
//! | TEXT | text | text |
//! | CORRECTION | the better output | correction; the name is always `output` |

use crate::Rejected;
use crate::body::{Body, fields};
use crate::event::Given;
use crate::read::{id, score_type, short, string, text, within_payload};
use tracekeep::model::{Operation, Record, ScoreRecord, ScoreType, Subject};

pub(crate) fn map(mut given: Given<'_>) -> Result<Record, Rejected> {
    let score = given.id()?;
    let body = &mut given.body;
    let subject = subject(body)?;
    let stands_in_a_trace = subject.trace().is_some();
    let mut record = ScoreRecord::new(score, subject, given.time, Operation::Create)
        .guessed_timestamp(given.time);
    fields!(record, body;
        "timestamp" time timestamp;
        "source" score_source source;
        "comment" text comment;
        "environment" environment environment;
        "queueId" text queue_id;
        "authorUserId" text author_id;
        "executionTraceId" text execution_trace;
        "metadata" map metadata;
    );
    let name = body.take("name", text)?.filter(|name| !name.is_empty());
    let config = body.take_unless_empty("configId", text)?;
    let (mut record, kind) = value(record, body)?;
    if kind == ScoreType::Correction {
        if !stands_in_a_trace {
            return Err(Rejected::new("dataType: CORRECTION is for traces and observations only"));
        }
        if config.is_some() {
            return Err(Rejected::new("configId: a CORRECTION has none"));
        }
        record = record.name("output");
    } else {
        let name = name.ok_or_else(|| Rejected::new("name: missing, empty, or no string"))?;
        record = record.name(name);
    }
    if let Some(config) = config {
        record = record.config_id(config);
    }
    if let Some(attributes) = given.body.attributes(given.metadata)? {
        record = record.attributes(attributes);
    }
    Ok(record.into())
}

fn subject(body: &mut Body<'_>) -> Result<Subject, Rejected> {
    let trace = body.take_unless_empty("traceId", id)?;
    let observation = body.take_unless_empty("observationId", id)?;
    let session = body.take_unless_empty("sessionId", id)?;
    let run = body.take_unless_empty("datasetRunId", id)?;
    match (trace, observation, session, run) {
        (Some(trace), None, None, None) => Ok(Subject::Trace(trace)),
        (Some(trace), Some(observation), None, None) => {
            Ok(Subject::Observation(trace, observation))
        }
        (None, None, Some(session), None) => Ok(Subject::Session(session)),
        (None, None, None, Some(run)) => Ok(Subject::Run(run)),
        (None, Some(_), _, _) => Err(Rejected::new("observationId: needs a traceId beside it")),
        _ => Err(Rejected::new(
            "subject: exactly one of traceId, sessionId and datasetRunId is expected",
        )),
    }
}

/// Sets the type and the value.
fn value(record: ScoreRecord, body: &mut Body<'_>) -> Result<(ScoreRecord, ScoreType), Rejected> {
    let wrong = |what: String| Rejected::new(format!("value: {what}"));
    let raw = body.take("value", |raw| Ok(Some(raw)))?.ok_or_else(|| wrong("missing".into()))?;
    let label = string(raw);
    let number = raw.parse::<f64>().ok();
    if number.is_some_and(f64::is_infinite) {
        return Err(wrong("the number is too large".into()));
    }
    let kind = match (body.take("dataType", score_type)?, number, &label) {
        (Some(kind), ..) => kind,
        (None, Some(_), _) => ScoreType::Numeric,
        (None, None, Some(_)) => ScoreType::Categorical,
        (None, None, None) => return Err(wrong("a number or a string is expected".into())),
    };
    let shown = if number.is_some() { body.take("stringValue", text)? } else { None };
    let mut record = record.score_type(kind);
    record = match (kind, number, label) {
        (ScoreType::Boolean, Some(number), _) if number != 0.0 && number != 1.0 => {
            return Err(wrong("BOOLEAN expects the number 0 or 1".into()));
        }
        (ScoreType::Numeric | ScoreType::Boolean, Some(number), _) => record.number(number),
        (ScoreType::Categorical, Some(number), _) if shown.is_some() => record.number(number),
        (ScoreType::Categorical, None, Some(label)) => {
            record.number(0.0).text(short(label).map_err(wrong)?)
        }
        (ScoreType::Text, None, Some(text)) => record.text(short(text).map_err(wrong)?),
        (ScoreType::Correction, None, Some(output)) => {
            within_payload(&output).map_err(wrong)?;
            record.correction(output.into_owned().into_bytes())
        }
        (ScoreType::Numeric, ..) => return Err(wrong("NUMERIC expects a number".into())),
        (ScoreType::Boolean, ..) => return Err(wrong("BOOLEAN expects the number 0 or 1".into())),
        (kind, ..) => return Err(wrong(format!("{kind} expects a string"))),
    };
    if let Some(text) = shown {
        record = record.text(text);
    }
    Ok((record, kind))
}
