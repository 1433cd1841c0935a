use crate::files::tell;
use crate::reading::{Reading, Thing, time_ns};
use crate::run::StoreDir;
use serde_json::{Number, Value};
use std::collections::BTreeMap;
use tracekeep::merge::Fields;
use tracekeep::model::Field;
use tracekeep::{Id, Snapshot, Store, TraceQuery};

/// How many differences are shown.
const SHOWN_MAX: usize = 10;

/// What was compared, and what differs.
#[derive(Default)]
struct Comparison {
    things: u64,
    fields: u64,
    bytes: u64,
    different: u64,
    shown: Vec<String>,
}

impl Comparison {
    fn differs(&mut self, what: &str, field: &str, found: &str, expected: &str) {
        self.different += 1;
        if self.shown.len() < SHOWN_MAX {
            let cut = |text: &str| text.chars().take(300).collect::<String>();
            let line = format!("{what}: {field} is {}, expected {}", cut(found), cut(expected));
            self.shown.push(line);
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        field: &str,
        found: T,
        expected: T,
    ) {
        self.fields += 1;
        if found != expected {
            self.differs(what, field, &format!("{found:?}"), &format!("{expected:?}"));
        }
    }

    fn same_bytes(
        &mut self,
        what: &str,
        field: &str,
        found: Option<Vec<u8>>,
        expected: Option<Vec<u8>>,
    ) {
        self.fields += 1;
        self.bytes += expected.as_ref().map_or(0, Vec::len) as u64;
        if found != expected {
            let text = |bytes: Option<Vec<u8>>| match bytes {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => "absent".to_owned(),
            };
            self.differs(what, field, &text(found), &text(expected));
        }
    }
}

/// Asserts that the store says of every trace and observation what the corpus says.
pub(crate) fn compare(reading: &Reading, store: &StoreDir, when: &str) {
    let store = Store::open_read_only(&store.0).unwrap();
    let snapshot = store.snapshot();
    let mut comparison = Comparison::default();
    for (trace, expected) in &reading.traces {
        let id = Id::parse(trace).unwrap();
        let Some(state) = snapshot.trace_state(&id).unwrap() else {
            comparison.differs(trace, "the trace", "absent", "there");
            continue;
        };
        let c = &mut comparison;
        c.things += 1;
        c.same(trace, "emptiness", state.fields.is_empty(), expected.own.is_empty());
        texts(c, reading, &state.fields, &expected.own, trace);
        payloads(c, reading, &snapshot, &state.fields, &expected.own, trace);
        let timestamp = state.fields.time(Field::Timestamp).map(|t| t.0);
        c.same(trace, "timestamp", timestamp, time(reading, &expected.own, "timestamp"));
        let nodes = snapshot.trace(&id).unwrap().unwrap().nodes().len();
        c.same(trace, "size of the tree", nodes, expected.observations.len());
        let mut found = 0;
        let each = &mut |id: &Id, fields: &Fields| {
            found += 1;
            let id = id.to_string();
            let what = format!("{trace} {id}");
            match expected.observations.get(&id) {
                Some(thing) => observation(c, reading, &snapshot, fields, thing, &what),
                None => c.differs(&what, "the observation", "there", "absent"),
            }
            Ok(())
        };
        snapshot.each_observation(&id, each).unwrap();
        c.same(trace, "number of observations", found, expected.observations.len());
    }
    let listed = listed(&snapshot);
    comparison.same("the store", "number of traces", listed, reading.traces.len());
    let Comparison { things, fields, bytes, different, shown } = comparison;
    tell(&format!("{when}: {things} traces and observations, {fields} fields, {bytes} bytes"));
    assert_eq!(different, 0, "{when}: {different} differences:\n{}", shown.join("\n"));
}

fn listed(snapshot: &Snapshot) -> usize {
    let mut query = TraceQuery { limit: 4096, ..TraceQuery::default() };
    let mut count = 0;
    loop {
        let page = snapshot.traces(&query).unwrap();
        count += page.traces.len();
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return count,
        }
    }
}

fn observation(
    c: &mut Comparison,
    reading: &Reading,
    snapshot: &Snapshot,
    fields: &Fields,
    expected: &Thing,
    what: &str,
) {
    c.things += 1;
    let kind = fields.kind().map(|kind| kind.as_str().to_owned());
    c.same(what, "kind", kind, reading.kind(expected));
    payloads(c, reading, snapshot, fields, expected, what);
    texts(c, reading, fields, expected, what);
    for (field, name) in [
        (Field::Start, "startTime"),
        (Field::End, "endTime"),
        (Field::CompletionStart, "completionStartTime"),
    ] {
        let found = fields.time(field).map(|time| time.0);
        // A create without start has that of its event; the corpus has none.
        c.same(what, name, found, time(reading, expected, name));
    }
    let usage: BTreeMap<&str, u64> = fields.usage().iter().map(|(k, n)| (&**k, *n)).collect();
    let text = reading.field(expected, "usageDetails").unwrap_or_else(|| b"{}".to_vec());
    c.same(what, "usageDetails", usage, serde_json::from_slice(&text).unwrap());
    let cost: BTreeMap<&str, String> =
        fields.cost().iter().map(|(k, n)| (&**k, decimal(&n.to_string()))).collect();
    let text = reading.field(expected, "costDetails").unwrap_or_else(|| b"{}".to_vec());
    let said: BTreeMap<&str, Number> = serde_json::from_slice(&text).unwrap();
    let said = said.into_iter().map(|(k, n)| (k, decimal(&n.to_string()))).collect();
    c.same(what, "costDetails", cost, said);
}

/// A number to twelve places.
fn decimal(text: &str) -> String {
    format!("{:.12}", text.parse::<f64>().unwrap())
}

fn time(reading: &Reading, thing: &Thing, field: &str) -> Option<i64> {
    let text = reading.field(thing, field)?;
    Some(time_ns(&serde_json::from_slice::<String>(&text).unwrap()))
}

fn payloads(
    c: &mut Comparison,
    reading: &Reading,
    snapshot: &Snapshot,
    fields: &Fields,
    expected: &Thing,
    what: &str,
) {
    for (field, name) in [(Field::Input, "input"), (Field::Output, "output")] {
        let found = fields.payload(field).and_then(|p| snapshot.payload(p).unwrap());
        c.same_bytes(what, name, found, reading.field(expected, name));
    }
    let found = fields.map(Field::Metadata).and_then(|map| snapshot.map_text(map).unwrap());
    c.same_bytes(what, "metadata", found, reading.metadata(expected));
}

/// The fields that are short texts.
fn texts(c: &mut Comparison, reading: &Reading, fields: &Fields, expected: &Thing, what: &str) {
    for (field, name) in [
        (Field::Name, "name"),
        (Field::StatusMessage, "statusMessage"),
        (Field::Version, "version"),
        (Field::Release, "release"),
        (Field::Environment, "environment"),
        (Field::Model, "model"),
        (Field::User, "userId"),
    ] {
        let said = reading.field(expected, name);
        let said = said.map(|text| serde_json::from_slice::<String>(&text).unwrap());
        c.same(what, name, fields.text(field).map(str::to_owned), said);
    }
    for (field, name) in [(Field::Parent, "parentObservationId"), (Field::Session, "sessionId")] {
        let said = reading.field(expected, name);
        let said = said.map(|text| serde_json::from_slice::<String>(&text).unwrap());
        c.same(what, name, fields.id(field).map(Id::to_string), said);
    }
    let said = reading.field(expected, "modelParameters");
    let said = said.map(|text| String::from_utf8(text).unwrap());
    c.same(what, "modelParameters", fields.text(Field::ModelParameters).map(str::to_owned), said);
    let said = reading.field(expected, "public").map(|text| text == b"true");
    c.same(what, "public", fields.bool(Field::Public), said);
    let said = reading.field(expected, "level");
    let said = said.map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    c.same(what, "level", fields.level().map(|level| Value::from(level.as_str())), said);
}
