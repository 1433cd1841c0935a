use crate::events::{G, INPUT, METADATA, OUTPUT, T1, T2, events, late_metadata};
use crate::run::Place;
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_stand_in_order() {
    let exported = lines(&Place::with(&events()).export());
    let order: Vec<(&str, &str)> = exported
        .iter()
        .map(|e| (e["type"].as_str().unwrap(), e["body"]["id"].as_str().unwrap()))
        .collect();
    assert_eq!(
        order,
        [
            ("trace-create", T1),
            ("agent-create", "00000000000000a0"),
            ("generation-create", G),
            ("tool-create", "00000000000000a2"),
            ("score-create", "sc1"),
            ("score-create", "sc2"),
            ("trace-create", T2),
            ("span-create", "first \u{1b}[31mred"),
            ("event-create", "second"),
            ("score-create", "sc3"),
            ("score-create", "sc4"),
        ]
    );
}

#[test]
fn payload_text_is_exact() {
    let exported = Place::with(&events()).export();
    let line = exported.lines().find(|line| line.contains("\"plan\"")).unwrap();
    for text in [INPUT, OUTPUT, METADATA, r#""oddField":[1,2]"#, r#""total":0.00012"#] {
        assert!(line.contains(text), "{text} in {line}");
    }
    let event: Value = serde_json::from_str(line).unwrap();
    assert_eq!(event["timestamp"], "2026-01-12T08:00:05.000Z");
}

#[test]
fn importing_an_export_gives_the_same_export() {
    let mut given = events();
    given.push(late_metadata());
    // A trace of which only an observation came, and a user on it.
    given.push(given[8].replace(T2, "alone").replace("\"tick\"", "\"tick\",\"userId\":\"eve\""));
    // An observation of which only updates came: its first one says when it began.
    let update = given[5].replace("00000000000000a0", "00000000000000af");
    given.push(update.replace("08:00:06.000Z", "08:00:02.000Z"));
    given.push(update);
    let first = Place::with(&given).export();
    let again = Place::with(&first.lines().map(str::to_owned).collect::<Vec<_>>()).export();
    assert_eq!(again, first);
    let third = Place::with(&again.lines().map(str::to_owned).collect::<Vec<_>>()).export();
    assert_eq!(third, first);
}

#[test]
fn order_and_repetition_do_not_matter() {
    let mut given = events();
    given.push(late_metadata());
    let expected = Place::with(&given).export();
    let n = given.len();
    // Steps that have no factor in common with the length visit every line.
    for step in [n - 1, 2, 7] {
        assert!((2..=step).all(|f| !n.is_multiple_of(f) || !step.is_multiple_of(f)));
        let shuffled: Vec<String> = (0..2 * n).map(|i| given[i * step % n].clone()).collect();
        assert_eq!(Place::with(&shuffled).export(), expected, "step {step}");
    }
    let backwards: Vec<String> = given.iter().rev().cloned().collect();
    assert_eq!(Place::with(&backwards).export(), expected);
}

#[test]
fn sealing_changes_nothing() {
    let place = Place::new();
    let mut given = events();
    given.push(late_metadata());
    let expected = Place::with(&given).export();
    // The pieces of one observation lie in several segments.
    for lines in given.chunks(4) {
        place.import(lines).ok();
        place.verb("seal", &["--level", "quick"]).ok();
    }
    assert_eq!(place.export(), expected);
    place.verb("seal", &[]).ok();
    assert_eq!(place.export(), expected);
    place.import(&given).ok();
    assert_eq!(place.export(), expected);
}
