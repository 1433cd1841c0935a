use super::*;
use tracekeep::id::Id;
use tracekeep::model::ObservationKind as Kind;
use tracekeep::model::{Level, Operation, ScoreSource, ScoreType, Subject, Target, Timestamp};

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn kind(event_type: &str, body: &str) -> Option<(Kind, bool)> {
    let record = mapped(event_type, body);
    field(&record, Field::Kind).map(|f| match f.value {
        Value::Kind(kind) => (kind, f.weak),
        _ => panic!("a kind"),
    })
}

#[test]
fn the_kind_is_the_bodys_or_else_the_events() {
    for (event_type, body, expected) in [
        ("span-create", "{}", Some((Kind::Span, true))),
        ("span-update", "{}", None),
        ("generation-create", "{}", Some((Kind::Generation, true))),
        ("generation-update", "{}", Some((Kind::Generation, true))),
        ("event-create", "{}", Some((Kind::Event, true))),
        ("observation-create", "{}", None),
        ("observation-update", "{}", None),
        ("agent-create", "{}", Some((Kind::Agent, false))),
        ("tool-create", "{}", Some((Kind::Tool, false))),
        ("chain-create", "{}", Some((Kind::Chain, false))),
        ("retriever-create", "{}", Some((Kind::Retriever, false))),
        ("evaluator-create", "{}", Some((Kind::Evaluator, false))),
        ("embedding-create", "{}", Some((Kind::Embedding, false))),
        ("guardrail-create", "{}", Some((Kind::Guardrail, false))),
        ("span-create", r#"{"type":"TOOL"}"#, Some((Kind::Tool, false))),
        ("span-update", r#"{"type":"SPAN"}"#, Some((Kind::Span, false))),
        ("agent-create", r#"{"type":"CHAIN"}"#, Some((Kind::Chain, false))),
        ("span-create", r#"{"type":"LLM"}"#, Some((Kind::Span, true))),
    ] {
        assert_eq!(kind(event_type, body), expected, "{event_type} {body}");
    }
    let other = mapped("span-create", r#"{"type":"LLM"}"#);
    assert_eq!(text(&other, Field::Attributes), Some(r#"{"type":"LLM"}"#));
}

#[test]
fn ids_and_times_have_fallbacks() {
    let record = mapped("span-create", "{}");
    assert_eq!(record.target, Target::Observation { trace: id("e1"), observation: id("e1") });
    assert_eq!((record.time, record.operation), (Timestamp(TIME_NS), Operation::Create));
    let start = field(&record, Field::Start).unwrap();
    assert_eq!((&start.value, start.weak), (&Value::Time(Timestamp(TIME_NS)), true));

    let record = mapped("span-update", r#"{"id":"o","traceId":"t","parentObservationId":""}"#);
    assert_eq!(record.target, Target::Observation { trace: id("t"), observation: id("o") });
    assert_eq!(record.operation, Operation::Update);
    assert_eq!(record.fields(), []);

    let body = r#"{"startTime":"1970-01-01T00:00:01Z","endTime":null}"#;
    let start = mapped("span-create", body);
    let start = field(&start, Field::Start).unwrap();
    assert_eq!((&start.value, start.weak), (&Value::Time(Timestamp(1_000_000_000)), false));

    for (event_type, body) in
        [("trace-create", "{}"), ("score-create", r#"{"traceId":"t","name":"n","value":1}"#)]
    {
        let record = mapped(event_type, body);
        let time = field(&record, Field::Timestamp).unwrap();
        assert_eq!((&time.value, time.weak), (&Value::Time(Timestamp(TIME_NS)), true));
    }
}

#[test]
fn what_breaks_a_rule_is_refused_with_a_reason() {
    let long = "x".repeat(70_000);
    for (event_type, body, reason) in [
        ("dataset-run-item-create", "{}", "type: dataset-run-item-create is not taken"),
        ("span-delete", "{}", "type: \"span-delete\" is unknown"),
        ("span-create", "5", "not an event: invalid type"),
        ("span-create", r#"{"id":5}"#, "id: an id must be a string"),
        ("span-create", r#"{"id":""}"#, "id: an id is empty"),
        ("span-create", r#"{"traceId":[]}"#, "traceId: an id must be"),
        ("span-create", &format!(r#"{{"id":"{}"}}"#, "i".repeat(801)), "id: an id has 801"),
        ("span-create", r#"{"startTime":"soon"}"#, "startTime: \"soon\" is no time"),
        ("span-update", r#"{"endTime":17}"#, "endTime: 17 is no time"),
        ("span-create", &format!(r#"{{"name":"{long}"}}"#), "name: 70000 bytes"),
        ("trace-create", &format!(r#"{{"tags":["{long}"]}}"#), "tags: 70000 bytes"),
        ("trace-create", r#"{"timestamp":"2026-01-12"}"#, "timestamp: \"2026-01-12\" is no"),
        ("trace-create", r#"{"sessionId":7}"#, "sessionId: an id must be"),
    ] {
        let found = refused(event_type, body);
        assert!(found.starts_with(reason), "{found}");
    }
    for (line, reason) in [
        ("{\"id\":", "not an event: EOF"),
        ("[]", "not an event: invalid type"),
        ("{}", "type: missing"),
        (r#"{"type":"span-create","body":{}}"#, "timestamp: null is no time"),
        (&format!(r#"{{"type":"span-create","timestamp":"{TIME}"}}"#), "body: missing"),
        (&format!(r#"{{"type":"span-create","timestamp":"{TIME}","body":{{}}}}"#), "id: an id"),
    ] {
        let found = map_event(line.as_bytes()).unwrap_err().to_string();
        assert!(found.starts_with(reason), "{found}");
    }
    assert_eq!(map_event(b"\"\xff\"").unwrap_err().reason, "not UTF-8 from byte 1");
}

#[test]
fn a_line_is_an_event_or_a_batch() {
    let span = event("span-create", "{}");
    let log = event("sdk-log", r#"{"log":[1]}"#);
    let batch = format!(r#"{{"batch":[{span},5,{log},{{"batch":[]}}],"metadata":{{"a":1}}}}"#);
    let all = lines(batch.as_bytes());
    assert_eq!(all.len(), 4);
    assert!(matches!(all[0], Ok(Mapped::Record(_))));
    assert!(all[1].is_err());
    assert_eq!(all[2], Ok(Mapped::Ignored));
    assert!(all[3].is_err());
    assert_eq!(lines(span.as_bytes()).len(), 1);
    assert_eq!(lines(b" \r\n"), []);
    assert_eq!(lines(br#"{"batch":[]}"#), []);
    assert!(matches!(lines(b"no JSON")[..], [Err(_)]));
}

#[test]
fn payloads_and_metadata_keep_their_text() {
    let body = r#"{"input": {"b" : 1.0, "a":"\u00e9\/"} ,"output":null,"metadata":{ "k" : [1 ] }}"#;
    for event_type in ["trace-create", "span-create"] {
        let record = mapped(event_type, body);
        assert_eq!(text(&record, Field::Input), Some(r#"{"b" : 1.0, "a":"\u00e9\/"}"#));
        assert_eq!(value(&record, Field::Output), None);
        assert_eq!(text(&record, Field::Metadata), Some(r#"{ "k" : [1 ] }"#));
        assert_eq!(value(&record, Field::Attributes), None);
    }
    let Some(Value::Map(map)) = value(&mapped("span-create", body), Field::Metadata).cloned()
    else {
        panic!("a map");
    };
    assert_eq!((&*map.entries[0].key, map.entries[0].value.clone()), ("k", 8..12));
}

#[test]
fn depth_is_no_danger() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(r#"{{"input":{deep},"metadata":{{"m":{deep}}},"other":{deep}}}"#);
    let record = mapped("span-create", &body);
    assert_eq!(text(&record, Field::Input), Some(&*deep));
    let mut out = Vec::new();
    crate::record_event(&record, &mut out);
    assert_eq!(map_event(&out), Ok(Mapped::Record(strong(record))));
    refused("span-create", &format!("{{\"input\":{}}}", "[".repeat(100_000)));
    refused("span-create", &deep);
    refused("span-create", &format!("{{\"usage\":{}", "{\"a\":".repeat(100_000)));
    let odd = format!(r#"{{"name":{deep},"tags":{deep},"usage":{deep},"level":{deep}}}"#);
    assert_eq!(text(&mapped("span-create", &odd), Field::Attributes), Some(&*odd));
}

#[test]
fn a_key_that_stands_very_often_costs_no_square() {
    for key in ["usage", "name", "other"] {
        let pairs = vec![format!("\"{key}\":{{}}"); 300_000].join(",");
        let record = mapped("span-create", &format!("{{{pairs}}}"));
        assert!(!record.fields().is_empty());
    }
}

/// The record with its guesses taken for true.
fn strong(mut record: Record) -> Record {
    if let tracekeep::model::Body::Fields(fields) = &mut record.body {
        fields.iter_mut().for_each(|f| f.weak = false);
    }
    record
}

#[test]
fn what_has_no_field_is_an_attribute() {
    let body = r#"{"z": 1,"name":5,"a":{"b" : []},"level":"WARN","model":"m","model":"n",
        "public":"yes","tags":"t","promptVersion":1.5,"statusMessage":null}"#;
    let line = event("span-create", body).replace("\"type\"", r#""metadata":{"sdk":"x"},"type""#);
    let Ok(Mapped::Record(record)) = map_event(line.as_bytes()) else { panic!("a record") };
    assert_eq!(
        text(&record, Field::Attributes),
        Some(concat!(
            r#"{"z":1,"name":5,"a":{"b" : []},"level":"WARN","model":"m","public":"yes","#,
            r#""tags":"t","promptVersion":1.5,"envelopeMetadata":{"sdk":"x"}}"#
        ))
    );
    assert_eq!(text(&record, Field::Model), Some("n"));
}

#[test]
fn an_observation_has_these_fields() {
    let body = r#"{"id":"o","traceId":"t","parentObservationId":"p","name":"n","level":"ERROR",
        "statusMessage":"s","version":"v","release":"r","environment":"Prod","model":"m",
        "modelParameters":{"temperature" : 0},"promptName":"pn","promptVersion":3,"userId":"u",
        "sessionId":"s1","tags":["b","a","b"],"endTime":"1970-01-01T00:00:02Z",
        "completionStartTime":"1970-01-01T00:00:01Z"}"#;
    let record = mapped("generation-create", body);
    for (field, expected) in [
        (Field::Name, "n"),
        (Field::StatusMessage, "s"),
        (Field::Version, "v"),
        (Field::Release, "r"),
        (Field::Environment, "prod"),
        (Field::Model, "m"),
        (Field::ModelParameters, r#"{"temperature" : 0}"#),
        (Field::PromptName, "pn"),
        (Field::User, "u"),
    ] {
        assert_eq!(text(&record, field), Some(expected));
    }
    for (field, expected) in [
        (Field::Parent, Value::Id(id("p"))),
        (Field::Level, Value::Level(Level::Error)),
        (Field::PromptVersion, Value::Number(3)),
        (Field::Session, Value::Id(id("s1"))),
        (Field::Tags, Value::Tags(vec!["a".into(), "b".into()])),
        (Field::End, Value::Time(Timestamp(2_000_000_000))),
        (Field::CompletionStart, Value::Time(Timestamp(1_000_000_000))),
    ] {
        assert_eq!(value(&record, field), Some(&expected));
    }
    assert_eq!(value(&record, Field::Attributes), None);
    let empty = mapped("span-update", r#"{"modelParameters":{},"userId":"","sessionId":""}"#);
    assert!(field(&empty, Field::ModelParameters).unwrap().weak);
    assert_eq!(empty.fields().len(), 1);
}

#[test]
fn a_trace_has_these_fields() {
    let body = r#"{"id":"t","timestamp":"1970-01-01T00:00:01+00:00","name":"n","userId":"u",
        "sessionId":"s","tags":["x"],"release":"r","version":"v","public":true,
        "environment":"langfuse-x","externalId":"e","bookmarked":false}"#;
    let record = mapped("trace-create", body);
    assert_eq!(record.target, Target::Trace { trace: id("t") });
    let time = field(&record, Field::Timestamp).unwrap();
    assert_eq!((&time.value, time.weak), (&Value::Time(Timestamp(1_000_000_000)), false));
    for (field, expected) in [
        (Field::Name, "n"),
        (Field::User, "u"),
        (Field::Release, "r"),
        (Field::Version, "v"),
        (Field::Environment, "x"),
        (Field::ExternalId, "e"),
        (Field::Attributes, r#"{"bookmarked":false}"#),
    ] {
        assert_eq!(text(&record, field), Some(expected));
    }
    assert_eq!(value(&record, Field::Session), Some(&Value::Id(id("s"))));
    assert_eq!(value(&record, Field::Public), Some(&Value::Bool(true)));
}

#[test]
fn usage_and_cost_fill_each_other() {
    let amounts = |body: &str| {
        let record = mapped("generation-update", body);
        let usage = match value(&record, Field::Usage) {
            Some(Value::Usage(list)) => list.iter().map(|(k, n)| format!("{k}={n} ")).collect(),
            _ => "none ".to_owned(),
        };
        let cost = match value(&record, Field::Cost) {
            Some(Value::Cost(list)) => list.iter().map(|(k, n)| format!("{k}=${n} ")).collect(),
            _ => String::new(),
        };
        format!("{usage}{cost}{}", text(&record, Field::Attributes).unwrap_or("-"))
    };
    for (body, expected) in [
        (r#"{"usage":{"input":1,"output":2,"total":3}}"#, "input=1 output=2 total=3 -"),
        (
            r#"{"usage":{"promptTokens":1,"unit":"TOKENS"}}"#,
            r#"input=1 total=1 {"usage":{"promptTokens":1,"unit":"TOKENS"}}"#,
        ),
        (
            r#"{"usage":{"input":1,"totalCost":0.5},"usageDetails":{"a":2}}"#,
            r#"a=2 total=2 total=$0.5 {"usage":{"input":1,"totalCost":0.5}}"#,
        ),
        (r#"{"usage":{"inputCost":1e-3},"costDetails":{}}"#, "none input=$0.001 -"),
        (r#"{"usage":{"input":4},"usageDetails":{}}"#, "input=4 total=4 -"),
        (
            r#"{"usageDetails":{"a":"many"},"costDetails":{"b":-1}}"#,
            r#"{"usageDetails":{"a":"many"},"costDetails":{"b":-1}}"#,
        ),
        (r#"{"usageDetails":7}"#, r#"none {"usageDetails":7}"#),
    ] {
        assert_eq!(amounts(body), expected, "{body}");
    }
    let empty = mapped("span-update", r#"{"usageDetails":{},"costDetails":{}}"#);
    assert!(empty.fields().iter().all(|f| f.weak) && empty.fields().len() == 2);
}

#[test]
fn scores_have_a_subject_and_a_value() {
    let score = |rest: &str| mapped("score-create", &format!(r#"{{"id":"s","name":"n",{rest}}}"#));
    for (rest, subject) in [
        (r#""traceId":"t""#, Subject::Trace(id("t"))),
        (r#""traceId":"t","sessionId":null"#, Subject::Trace(id("t"))),
        (r#""traceId":"t","observationId":"o""#, Subject::Observation(id("t"), id("o"))),
        (r#""sessionId":"s""#, Subject::Session(id("s"))),
        (r#""datasetRunId":"r""#, Subject::Run(id("r"))),
    ] {
        let record = score(&format!("{rest},\"value\":0.5"));
        assert_eq!(value(&record, Field::Subject), Some(&Value::Subject(subject)));
    }
    for (rest, kind, number, label) in [
        (r#""value":0.5"#, ScoreType::Numeric, Some(0.5), None),
        (r#""value":1,"stringValue":"one""#, ScoreType::Numeric, Some(1.0), Some("one")),
        (r#""value":"good""#, ScoreType::Categorical, Some(0.0), Some("good")),
        (
            r#""value":2,"dataType":"CATEGORICAL","stringValue":"good""#,
            ScoreType::Categorical,
            Some(2.0),
            Some("good"),
        ),
        (r#""value":1,"dataType":"BOOLEAN""#, ScoreType::Boolean, Some(1.0), None),
        (r#""value":"a\nb","dataType":"TEXT""#, ScoreType::Text, None, Some("a\nb")),
    ] {
        let record = score(&format!("\"traceId\":\"t\",{rest}"));
        assert_eq!(value(&record, Field::ScoreType), Some(&Value::ScoreType(kind)));
        assert_eq!(value(&record, Field::ScoreNumber), number.map(Value::Float).as_ref());
        assert_eq!(text(&record, Field::ScoreText), label);
        assert_eq!(value(&record, Field::Attributes), None);
    }
    let record = score(r#""traceId":"t","value":"\"better\"","dataType":"CORRECTION""#);
    assert_eq!(text(&record, Field::Name), Some("output"));
    assert_eq!(text(&record, Field::Correction), Some("\"better\""));
    let record = score(
        r#""traceId":"t","value":1,"comment":"c","metadata":{"m":1},"configId":"g","queueId":"q",
        "source":"EVAL","executionTraceId":"x","environment":"e","timestamp":"1970-01-01T00:00:00Z""#,
    );
    assert_eq!(value(&record, Field::ScoreSource), Some(&Value::ScoreSource(ScoreSource::Eval)));
    assert_eq!(text(&record, Field::ExecutionTrace), Some("x"));
    assert_eq!(text(&record, Field::ConfigId), Some("g"));
    assert_eq!(record.fields().len(), 12);
}

#[test]
fn scores_that_break_a_rule_say_which() {
    for (body, reason) in [
        (r#""value":1"#, "subject: exactly one"),
        (r#""value":1,"traceId":"t","sessionId":"s""#, "subject: exactly one"),
        (r#""value":1,"observationId":"o""#, "observationId: needs a traceId"),
        (r#""traceId":"t""#, "value: missing"),
        (r#""traceId":"t","value":null"#, "value: missing"),
        (r#""traceId":"t","value":true"#, "value: a number or a string"),
        (r#""traceId":"t","value":1e999"#, "value: the number is too large"),
        (r#""traceId":"t","value":"1","dataType":"NUMERIC""#, "value: NUMERIC expects"),
        (r#""traceId":"t","value":2,"dataType":"BOOLEAN""#, "value: BOOLEAN expects"),
        (r#""traceId":"t","value":true,"dataType":"BOOLEAN""#, "value: BOOLEAN expects"),
        (r#""traceId":"t","value":1,"dataType":"CATEGORICAL""#, "value: CATEGORICAL expects"),
        (r#""traceId":"t","value":1,"dataType":"TEXT""#, "value: TEXT expects"),
        (r#""traceId":"t","value":1,"dataType":"STARS""#, "dataType: \"STARS\" is none of"),
        (r#""traceId":"t","value":1,"source":"ME""#, "source: \"ME\" is none of API"),
        (r#""sessionId":"s","value":"x","dataType":"CORRECTION""#, "dataType: CORRECTION is"),
        (
            r#""traceId":"t","value":"x","dataType":"CORRECTION","configId":"c""#,
            "configId: a CORRECTION has none",
        ),
    ] {
        let found = refused("score-create", &format!("{{\"name\":\"n\",{body}}}"));
        assert!(found.starts_with(reason), "{body}: {found}");
    }
    let found = refused("score-create", r#"{"traceId":"t","value":1,"name":""}"#);
    assert!(found.starts_with("name: missing"), "{found}");
}
