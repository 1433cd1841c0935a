//! `span-create`, `generation-update`, `agent-create` and so on: an observation, or a piece of one.

use crate::Rejected;
use crate::body::{Body, fields};
use crate::event::Given;
use crate::read::{id, text};
use crate::usage::{cost_details, legacy, usage_details};
use tracekeep::model::{ObservationKind, ObservationRecord, Operation, Record};

/// What the type of an event says of the observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Says {
    operation: Operation,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Said(ObservationKind),
    /// Loses to any that was said; of two guesses the later wins.
    Guessed(ObservationKind),
    Unsaid,
}

impl Says {
    /// What an event type says; `None` where it is no observation's.
    pub(crate) fn of(event_type: &str) -> Option<Says> {
        use Kind::{Guessed, Said, Unsaid};
        use ObservationKind as K;
        use Operation::{Create, Update};
        let (operation, kind) = match event_type {
            "observation-create" => (Create, Unsaid),
            "observation-update" => (Update, Unsaid),
            "span-create" => (Create, Guessed(K::Span)),
            // Updates are late: a guess as weak as this would beat the create's better one.
            "span-update" => (Update, Unsaid),
            "generation-create" => (Create, Guessed(K::Generation)),
            "generation-update" => (Update, Guessed(K::Generation)),
            "event-create" => (Create, Guessed(K::Event)),
            "agent-create" => (Create, Said(K::Agent)),
            "tool-create" => (Create, Said(K::Tool)),
            "chain-create" => (Create, Said(K::Chain)),
            "retriever-create" => (Create, Said(K::Retriever)),
            "evaluator-create" => (Create, Said(K::Evaluator)),
            "embedding-create" => (Create, Said(K::Embedding)),
            "guardrail-create" => (Create, Said(K::Guardrail)),
            _ => return None,
        };
        Some(Says { operation, kind })
    }
}

pub(crate) fn map(mut given: Given<'_>, says: Says) -> Result<Record, Rejected> {
    let observation = given.id()?;
    let body = &mut given.body;
    let trace = body.take("traceId", id)?.unwrap_or_else(|| observation.clone());
    let mut record = ObservationRecord::new(trace, observation, given.time, says.operation);
    record = match says.kind {
        Kind::Said(kind) => record.kind(kind),
        Kind::Guessed(kind) => record.guessed_kind(kind),
        Kind::Unsaid => record,
    };
    if says.operation == Operation::Create {
        record = record.guessed_start(given.time);
    }
    fields!(record, body;
        "type" kind kind;
        "name" text name;
        "startTime" time start;
        "endTime" time end;
        "completionStartTime" time completion_start;
        "level" level level;
        "statusMessage" text status_message;
        "version" text version;
        "release" text release;
        "environment" environment environment;
        "model" text model;
        "modelParameters" json_text model_parameters;
        "promptName" text prompt_name;
        "promptVersion" number prompt_version;
        "tags" tags tags;
        "input" payload input;
        "output" payload output;
        "metadata" map metadata;
    );
    if let Some(parent) = body.take_unless_empty("parentObservationId", id)? {
        record = record.parent(parent);
    }
    if let Some(user) = body.take_unless_empty("userId", text)? {
        record = record.user(user);
    }
    if let Some(session) = body.take_unless_empty("sessionId", id)? {
        record = record.session(session);
    }
    record = amounts(record, body)?;
    if let Some(attributes) = given.body.attributes(given.metadata)? {
        record = record.attributes(attributes);
    }
    Ok(record.into())
}

/// Usage and cost: from the details, else from the legacy `usage`. What says more than its
/// field can hold stays an attribute too.
fn amounts(
    mut record: ObservationRecord,
    body: &mut Body<'_>,
) -> Result<ObservationRecord, Rejected> {
    let (mut usage, mut cost) = (None, None);
    if let Some((place, details)) = body.find("usageDetails", usage_details)? {
        usage = Some(details.values);
        if details.whole {
            body.spend(place);
        }
    }
    if let Some((place, details)) = body.find("costDetails", cost_details)? {
        cost = Some(details.values);
        if details.whole {
            body.spend(place);
        }
    }
    let mut found = body.find("usage", legacy)?;
    while let Some((place, old)) = found {
        let mut whole = old.whole;
        if !old.usage.is_empty() {
            match &usage {
                Some(details) if !details.is_empty() => whole = false,
                _ => usage = Some(old.usage),
            }
        }
        if !old.cost.is_empty() {
            match &cost {
                Some(details) if !details.is_empty() => whole = false,
                _ => cost = Some(old.cost),
            }
        }
        if whole {
            body.spend(place);
        }
        found = body.find_before(place, "usage", legacy)?;
    }
    if let Some(usage) = usage {
        record = record.usage(usage);
    }
    if let Some(cost) = cost {
        record = record.cost(cost);
    }
    Ok(record)
}
