//! `trace --json`: the same tree as one value, written as it is walked.

use super::{Below, Opened};
use crate::draw;
use crate::exit::Failure;
use crate::json::{self, TokensJson, TraceJson};
use crate::output::Out;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use tracekeep::Anomaly;
use tracekeep::id::Id;

impl Opened {
    /// One value, written as the tree is walked.
    pub(super) fn write_json(&self, below: Below, out: &mut Out) -> Result<(), Failure> {
        let anomalies: Vec<Json> = self.tree.anomalies().iter().map(|a| self.anomaly(a)).collect();
        let scores = self.snapshot.scores(&self.state.id)?;
        let failure = RefCell::new(None);
        let whole = Whole {
            head: TraceJson { observation_count: None, ..TraceJson::from(&self.state) },
            observations: Observations { opened: self, below, failure: &failure },
            anomalies,
            scores: json::scores(&self.snapshot, &scores)?,
        };
        let written = out.json(&whole);
        match failure.take() {
            Some(failure) => Err(failure),
            None => written,
        }
    }

    fn anomaly(&self, anomaly: &Anomaly) -> Json {
        let id = anomaly.node().and_then(|node| self.tree.id(node)).map(|id| id.to_string());
        let mut value = json!({ "kind": draw::anomaly_kind(anomaly), "observation": id });
        match anomaly {
            Anomaly::MissingParent { parent, .. } => {
                let parent = Id::from_identity(*parent).map(|id| id.to_string());
                value["parent"] = json!(parent);
            }
            Anomaly::SeveralRoots { count } => value["count"] = json!(count),
            _ => {}
        }
        value
    }

    fn observation(
        &self,
        below: Below,
        node: u32,
        depth: u32,
    ) -> Result<ObservationJson<'_>, Failure> {
        let tree = &self.tree;
        let id = |node| tree.id(node).map(|id| id.to_string());
        let facts = tree.node(node);
        let mut observation = ObservationJson {
            id: id(node),
            parent: tree.parent(node).and_then(id),
            depth,
            kind: facts.map_or("", |f| f.kind.as_str()),
            name: tree.name(node),
            start: json::time(facts.map(|f| f.start)),
            end: json::time(facts.and_then(|f| f.end.map(|_| f.last()))),
            duration_ns: facts.and_then(|f| f.duration()),
            level: facts.map_or("", |f| f.level.as_str()),
            model: tree.model(node),
            tokens: facts.map(|f| f.tokens).unwrap_or_default().into(),
            cost: facts.map(|f| f.cost).unwrap_or_default().to_string(),
            input: None,
            output: None,
            metadata: None,
            new_messages: None,
        };
        if below != Below::default() {
            for (name, text) in self.texts(below, node)? {
                match name {
                    "input" => observation.input = Some(text),
                    "output" => observation.output = Some(text),
                    "metadata" => observation.metadata = Some(text),
                    _ => observation.new_messages.get_or_insert_default().push(text),
                }
            }
        }
        Ok(observation)
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    head: TraceJson,
    observations: Observations<'a>,
    anomalies: Vec<Json>,
    scores: Json,
}

#[derive(Serialize)]
struct ObservationJson<'a> {
    id: Option<String>,
    parent: Option<String>,
    depth: u32,
    kind: &'static str,
    name: Option<&'a str>,
    start: Option<String>,
    end: Option<String>,
    duration_ns: Option<i64>,
    level: &'static str,
    model: Option<&'a str>,
    tokens: TokensJson,
    cost: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_messages: Option<Vec<String>>,
}

/// The observations in pre-order, each made when it is written.
struct Observations<'a> {
    opened: &'a Opened,
    below: Below,
    failure: &'a RefCell<Option<Failure>>,
}

impl Serialize for Observations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tree = &self.opened.tree;
        let mut list = serializer.serialize_seq(Some(tree.len()))?;
        for (node, depth) in tree.walk() {
            match self.opened.observation(self.below, node, depth) {
                Ok(observation) => list.serialize_element(&observation)?,
                Err(failure) => {
                    self.failure.replace(Some(failure));
                    return Err(S::Error::custom("the store refused"));
                }
            }
        }
        list.end()
    }
}
