use crate::events::{G, INPUT, MERGED, METADATA, OUTPUT, T1, events, late_metadata};
use crate::run::Place;

#[test]
fn a_field_is_exactly_the_bytes() {
    let place = Place::with(&events());
    for sealed in [false, true] {
        for (field, text) in [
            ("input", INPUT),
            ("output", OUTPUT),
            ("metadata", METADATA),
            ("attributes", r#"{"oddField":[1,2]}"#),
        ] {
            let run = place.verb("show", &[T1, G, "--field", field]).ok();
            assert_eq!(run.text(), text, "sealed: {sealed}");
        }
        assert_eq!(place.verb("show", &[T1, "--field", "input"]).ok().text(), "\"hi\"");
        assert_eq!(place.verb("show", &[T1, "--field", "metadata"]).ok().text(), r#"{"k":1}"#);
        place.verb("seal", &[]).ok();
    }
}

#[test]
fn metadata_of_two_records_is_merged_by_key() {
    let mut lines = events();
    lines.push(late_metadata());
    let place = Place::with(&lines);
    let text = place.verb("show", &[T1, G, "--field", "metadata"]).ok().text();
    let [b, a, c] = MERGED;
    assert_eq!(text, format!("{{{a},{b},{c}}}"));
}

#[test]
fn everything_about_an_observation() {
    let place = Place::with(&events());
    let text = place.verb("show", &[T1, G]).ok().text();
    for word in [
        "GENERATION",
        "plan",
        "gpt-5",
        "00000000000000a0",
        "2026-01-12T08:00:01.000Z",
        "1.50 s",
        "DEFAULT",
        "input 100",
        "0.00012",
        INPUT,
        OUTPUT,
        METADATA,
        "oddField",
        "tone",
        "friendly",
        "well\\nsaid",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let json = place.verb("show", &[T1, G, "--json"]).ok().json();
    assert_eq!(json["id"], G);
    assert_eq!(json["trace"], T1);
    assert_eq!(json["kind"], "GENERATION");
    assert_eq!(json["input"], INPUT);
    assert_eq!(json["metadata"], METADATA);
    assert_eq!(json["usage"]["input"], 100);
    assert_eq!(json["cost"]["total"], "0.00012");
    assert_eq!(json["tokens"]["total"], 120);
    assert_eq!(json["level"], "DEFAULT");
    assert_eq!(json["scores"][0]["id"], "sc2");
}

#[test]
fn everything_about_a_trace() {
    let place = Place::with(&events());
    let text = place.verb("show", &[T1]).ok().text();
    for word in ["support", "ann", "s-1", "blue, red", "production", "\"hi\"", "quality", "0.75"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let json = place.verb("show", &[T1, "--json"]).ok().json();
    assert_eq!(json["id"], T1);
    assert_eq!(json["observations"], 3);
    assert_eq!(json["input"], "\"hi\"");
    let scores = json["scores"].as_array().unwrap();
    assert_eq!(
        scores.iter().map(|s| s["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["sc1", "sc2"]
    );
}
