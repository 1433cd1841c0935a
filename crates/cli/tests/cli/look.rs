use crate::events::{G, INPUT, OUTPUT, T1, T2, events};
use crate::run::{Place, keys};
use serde_json::{Value, json};

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["id"].as_str().unwrap()).collect()
}

#[test]
fn traces_are_listed_newest_first() {
    let place = Place::with(&events());
    let lines = place.verb("traces", &["--json"]).ok().json_lines();
    assert_eq!(ids(&lines), [T2, T1]);
    let first = &lines[1];
    assert_eq!(first["start"], "2026-01-12T08:00:00.000Z");
    assert_eq!(first["name"], "support");
    assert_eq!(first["user"], "ann");
    assert_eq!(first["session"], "s-1");
    assert_eq!(first["tags"], serde_json::json!(["blue", "red"]));
    assert_eq!(first["observations"], 3);
    assert_eq!(first["errors"], 1);
    assert_eq!(first["tokens"]["total"], 120);
    assert_eq!(first["cost"], "0.00012");
    assert_eq!(first["duration_ns"], 5_000_000_000_u64);
    let oldest = place.verb("traces", &["--json", "--oldest-first"]).ok().json_lines();
    assert_eq!(ids(&oldest), [T1, T2]);
}

#[test]
fn filters_leave_what_they_say() {
    let place = Place::with(&events());
    for (args, expected) in [
        (&["--name", "support"][..], vec![T1]),
        (&["--user", "bob"], vec![T2]),
        (&["--session", "s-1"], vec![T1]),
        (&["--tag", "red"], vec![T1]),
        (&["--environment", "production"], vec![T1]),
        (&["--user", "ann", "--name", "batch"], vec![]),
        (&["--from", "2026-01-12T08:00:05Z"], vec![T2]),
        (&["--to", "2026-01-12T09:00:10+01:00"], vec![T1]),
        (&["--from", "2026-01-12T08:00:10Z", "--to", "2026-01-12T08:00:10.001Z"], vec![T2]),
    ] {
        let lines = place.verb("traces", &[&["--json"], args].concat()).ok().json_lines();
        assert_eq!(ids(&lines), expected, "{args:?}");
    }
}

#[test]
fn a_cursor_goes_on_where_the_list_ended() {
    let place = Place::with(&events());
    let lines = place.verb("traces", &["--json", "--limit", "1"]).ok().json_lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(ids(&lines[..1]), [T2]);
    assert_eq!(keys(&lines[1]), ["cursor"]);
    let cursor = lines[1]["cursor"].as_str().unwrap();
    let rest = place.verb("traces", &["--json", "--limit", "5", "--cursor", cursor]).ok();
    assert_eq!(ids(&rest.json_lines()), [T1]);
    let table = place.verb("traces", &["--limit", "1"]).ok().text();
    assert!(table.contains(T2) && table.contains(cursor), "{table}");
}

#[test]
fn the_table_is_aligned_and_escaped() {
    let mut lines = events();
    lines[6] = lines[6].replace("batch", r"\u001b[31mb\natch\u202e");
    let place = Place::with(&lines);
    let table = place.verb("traces", &[]).ok().text();
    let head = table.lines().next().unwrap();
    for column in [
        "id",
        "start",
        "duration",
        "name",
        "user",
        "session",
        "observations",
        "errors",
        "tokens",
        "cost",
    ] {
        assert!(head.split_whitespace().any(|name| name == column), "{head}");
    }
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(!table.contains(['\u{1b}', '\u{202e}']) && table.contains("\\u{1b}"), "{table}");
    let at = head.find("start").unwrap();
    assert!(table.lines().skip(1).all(|line| line[at..].starts_with("2026-")), "{table}");
}

#[test]
fn a_tree_is_drawn() {
    let place = Place::with(&events());
    let drawn = place.verb("trace", &[T1]).ok().text();
    let line = |word: &str| {
        let found = drawn.lines().find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("{word} in {drawn}"))
    };
    assert!(line("AGENT run").starts_with("AGENT run"));
    let plan = line("GENERATION plan");
    assert!(plan.starts_with("\u{251c}\u{2500} GENERATION plan"), "{plan}");
    for word in ["+1.00 s", "1.50 s", "\u{2588}", "gpt-5", "120", "0.00012"] {
        assert!(plan.contains(word), "{word} in {plan}");
    }
    let tool = line("TOOL search");
    assert!(tool.starts_with("\u{2514}\u{2500} TOOL") && tool.ends_with("ERROR"), "{tool}");
    assert!(line("3 observations").contains("1 errors"));
    assert!(line("score").contains("quality 0.75"));
}

#[test]
fn anomalies_are_listed_and_names_escaped() {
    let place = Place::with(&events());
    let drawn = place.verb("trace", &[T2]).ok().text();
    assert!(drawn.contains("SPAN a\\nb"), "{drawn}");
    assert!(drawn.contains("anomaly: first \\u{1b}[31mred: "), "{drawn}");
    assert!(!drawn.contains('\u{1b}'), "{drawn}");
}

#[test]
fn a_tree_is_one_json_value() {
    let place = Place::with(&events());
    let json = place.verb("trace", &[T1, "--json"]).ok().json();
    assert_eq!(json["id"], T1);
    assert_eq!(json["name"], "support");
    let observations = json["observations"].as_array().unwrap();
    let shape: Vec<(&str, &Value, u64)> = observations
        .iter()
        .map(|o| (o["kind"].as_str().unwrap(), &o["parent"], o["depth"].as_u64().unwrap()))
        .collect();
    let root = Value::from("00000000000000a0");
    assert_eq!(shape, [("AGENT", &Value::Null, 0), ("GENERATION", &root, 1), ("TOOL", &root, 1)]);
    assert_eq!(observations[1]["end"], "2026-01-12T08:00:02.500Z");
    assert_eq!(observations[1]["duration_ns"], 1_500_000_000_u64);
    assert_eq!(json["scores"].as_array().unwrap().len(), 2);
    assert_eq!(json["anomalies"], serde_json::json!([]));

    let other = place.verb("trace", &[T2, "--json"]).ok().json();
    let kinds: Vec<&str> = other["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"missing_parent"), "{kinds:?}");
    assert_eq!(other["observations"][0]["end"], Value::Null);
}

#[test]
fn payloads_stand_below_their_observation() {
    let place = Place::with(&events());
    let drawn = place.verb("trace", &[T1, "--payloads"]).ok().text();
    assert!(drawn.contains(INPUT) && drawn.contains(OUTPUT), "{drawn}");
    let json = place.verb("trace", &[T1, "--payloads", "--json"]).ok().json();
    assert_eq!(json["observations"][1]["input"], INPUT);
    assert_eq!(json["observations"][1]["output"], OUTPUT);
}

#[test]
fn only_new_messages_are_shown_if_asked_for() {
    let mut lines = events();
    // Long enough that each is a part of its own.
    let message = |role: &str, word: &str| {
        format!(r#"{{"role":"{role}","content":"{}"}}"#, format!("{word} ").repeat(100))
    };
    let shorter = format!("[{}]", message("user", "one"));
    let longer = format!("[{},{}]", message("user", "one"), message("assistant", "two"));
    lines[2] = lines[2].replace(INPUT, &shorter);
    let second = lines[2]
        .replace(G, "00000000000000a9")
        .replace(&shorter, &longer)
        .replace("08:00:01Z", "08:00:02Z");
    lines.push(second);
    let place = Place::with(&lines);
    let json = place.verb("trace", &[T1, "--new-messages", "--json"]).ok().json();
    let observations = json["observations"].as_array().unwrap();
    let new = |id: &str| {
        let of = observations.iter().find(|o| o["id"] == id).unwrap();
        let texts = of["new_messages"].as_array().unwrap().iter();
        texts.map(|t| t.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };
    assert!(new(G).contains("one"));
    let new = new("00000000000000a9");
    assert!(new.contains("two") && !new.contains("one"), "{new}");
}

#[test]
fn a_limit_says_how_many_are_left_out() {
    let mut lines = events();
    for n in 0..30 {
        lines.push(lines[8].replace("second", &format!("second-{n}")));
    }
    let place = Place::with(&lines);
    let drawn = place.verb("trace", &[T2, "--limit", "10"]).ok().text();
    assert_eq!(drawn.matches("EVENT").count() + drawn.matches("SPAN").count(), 10, "{drawn}");
    assert!(drawn.contains("... 22 more observations"), "{drawn}");
    let json = place.verb("trace", &[T2, "--limit", "10", "--json"]).ok().json();
    assert_eq!(json["observations"].as_array().unwrap().len(), 32);
}

#[test]
fn costs_are_summed_by_what_was_asked_for() {
    let place = Place::with(&events());
    let groups = |args: &[&str]| -> Vec<Value> {
        let lines = place.verb("costs", &[&["--json"], args].concat()).ok().json_lines();
        lines.into_iter().map(|line| json!([line["group"], line["observations"]])).collect()
    };
    for (args, expected) in [
        (&[][..], json!([["gpt-5", 1], [null, 4]])),
        (&["--by", "model", "--to", "2026-01-12T08:00:01Z"], json!([[null, 1]])),
        (&["--by", "day"], json!([["2026-01-12", 5]])),
        (
            &["--by", "name", "--from", "2026-01-12T08:00:03Z", "--to", "2026-01-12T08:00:10Z"],
            json!([["search", 1]]),
        ),
        (&["--from", "2027-01-01T00:00:00Z"], json!([])),
    ] {
        assert_eq!(json!(groups(args)), expected, "{args:?}");
    }
    let dearest = &place.verb("costs", &["--json"]).ok().json_lines()[0];
    assert_eq!((&dearest["cost"], &dearest["tokens"]["total"]), (&json!("0.00012"), &json!(120)));
    let kinds = groups(&["--by", "kind"]);
    assert!(
        kinds.contains(&json!(["TOOL", 1])) && kinds.contains(&json!(["AGENT", 1])),
        "{kinds:?}"
    );
    let table = place.verb("costs", &[]).ok().text();
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["gpt-5", "1", "100", "20", "120", "0.00012"]);
    assert_eq!(lines[3], ["all", "5", "1", "100", "20", "120", "0.00012"]);
    assert_eq!(
        place.verb("costs", &["--from", "2027-01-01T00:00:00Z"]).ok().text(),
        "no observations\n"
    );
}
