//! `trace-create`: attributes of a trace. Sent again, it updates.

use crate::Rejected;
use crate::body::fields;
use crate::event::Given;
use crate::read::{id, text};
use tracekeep::model::{Operation, Record, TraceRecord};

pub(crate) fn map(mut given: Given<'_>) -> Result<Record, Rejected> {
    let trace = given.id()?;
    let body = &mut given.body;
    let mut record =
        TraceRecord::new(trace, given.time, Operation::Create).guessed_timestamp(given.time);
    fields!(record, body;
        "timestamp" time timestamp;
        "name" text name;
        "tags" tags tags;
        "version" text version;
        "release" text release;
        "environment" environment environment;
        "public" flag public;
        "externalId" text external_id;
        "input" payload input;
        "output" payload output;
        "metadata" map metadata;
    );
    if let Some(user) = body.take_unless_empty("userId", text)? {
        record = record.user(user);
    }
    if let Some(session) = body.take_unless_empty("sessionId", id)? {
        record = record.session(session);
    }
    if let Some(attributes) = given.body.attributes(given.metadata)? {
        record = record.attributes(attributes);
    }
    Ok(record.into())
}
