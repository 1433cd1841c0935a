use crate::events::events;
use crate::run::{Place, keys, run, start};
use serde_json::{Value, json};
use std::process::Command;

const KEYS: [&str; 18] = [
    "advice",
    "appends",
    "bytes_per_observation",
    "bytes_per_observation_range",
    "cores",
    "disk",
    "expected",
    "growth",
    "machine",
    "memory",
    "observations",
    "peak",
    "reads_us",
    "recovery_seconds",
    "sample",
    "sustained",
    "sync_us",
    "written",
];

/// A few hundred traces that repeat a prompt and say something new.
fn sample() -> String {
    let mut lines = String::new();
    for n in 0..300 {
        let at = format!("2026-01-12T08:{:02}:{:02}Z", n / 60, n % 60);
        let input =
            format!("[{{\"role\":\"system\",\"content\":\"be brief\"}},{{\"n\":{}}}]", n * n);
        let body = json!({
            "id": format!("o{n}"), "traceId": format!("t{}", n / 3), "name": "call",
            "startTime": at, "endTime": at, "input": input, "output": format!("answer {n}"),
        });
        let event = json!({"id": format!("e{n}"), "timestamp": at, "type": "generation-create", "body": body});
        lines += &format!("{event}\n");
    }
    lines
}

fn planned(place: &Place, sample: &str, more: &[&str]) -> Value {
    let disk = place.path("");
    let args = ["plan", sample, "--quick", "--json", "--disk", &disk];
    run(args.iter().chain(more)).ok().json()
}

#[test]
fn a_plan_answers_everything_and_leaves_nothing_behind() {
    let place = Place::new();
    let file = place.file("sample.jsonl", sample());
    let svg = place.path("plan.svg");
    let answer = planned(&place, &file, &["--svg", &svg]);
    assert_eq!(keys(&answer), KEYS);
    assert!(answer["bytes_per_observation"].as_f64().unwrap() > 0.0);
    assert_eq!(answer["observations"], 30.0 * 86_400.0);
    assert_eq!(answer["sample"]["points"][2]["observations"], 300.0);
    assert_eq!(answer["appends"].as_array().unwrap().len(), 12);
    let page = std::fs::read_to_string(svg).unwrap();
    assert!(page.starts_with("<svg ") && page.ends_with("</svg>\n"));
    assert_eq!(entries(&place), ["plan.svg", "sample.jsonl"]);
}

/// What stands in the place, in order.
#[expect(clippy::disallowed_methods, reason = "a look at what is left behind")]
fn entries(place: &Place) -> Vec<String> {
    let found = std::fs::read_dir(place.path("")).unwrap();
    let mut names: Vec<String> =
        found.map(|e| e.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_plan_that_is_interrupted_leaves_nothing_behind() {
    let place = Place::new();
    let file = place.file("sample.jsonl", sample());
    for signal in ["INT", "TERM"] {
        let mut child = start(["plan", &*file, "--disk", &*place.path("")]);
        while entries(&place).len() < 2 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
            std::thread::yield_now();
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{ended:?}");
        assert!(ended.stderr.is_empty() && ended.stdout.is_empty(), "{ended:?}");
        assert_eq!(entries(&place), ["sample.jsonl"]);
    }
}

#[test]
fn what_is_expected_is_answered() {
    let place = Place::new();
    let file = place.file("sample.jsonl", sample());
    let args = ["--observations-per-second", "2000", "--retention", "12h", "--peak", "9000"];
    let more = ["--payload-retention", "30m", "--memory", "1GiB", "--drive", "1TB"];
    let all: Vec<&str> = args.into_iter().chain(more).collect();
    let answer = planned(&place, &file, &all);
    assert_eq!(answer["observations"], 2000.0 * 12.0 * 3600.0);
    let expected = &answer["expected"];
    assert_eq!(expected["peak_observations_per_second"], 9000.0);
    assert_eq!(expected["payload_retention_seconds"], 1800.0);
    assert_eq!(expected["memory_bytes"], (1u64 << 30) as f64);
    assert_eq!(expected["drive_bytes"], 1e12);
    // Payloads that go early take less than the ones that are all kept.
    let settled = answer["disk"]["settled"]["total"].as_f64().unwrap();
    let kept = answer["bytes_per_observation"].as_f64().unwrap() * 2000.0 * 12.0 * 3600.0;
    assert!(settled < kept, "{settled} is not below {kept}");
}

#[test]
fn a_store_is_a_sample_and_a_table_is_printed() {
    let place = Place::new();
    let file = place.file("sample.jsonl", sample());
    run(["import", &place.store(), &file]).ok();
    let answer = planned(&place, &place.store(), &[]);
    assert_eq!(answer["sample"]["points"][2]["observations"], 300.0);
    let disk = place.path("");
    let text = run(["plan", &file, "--quick", "--disk", &disk]).ok().text();
    for word in ["payload parts", "bytes an observation", "sustained", "recovery", "disk_strict"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
fn what_makes_no_plan_is_told() {
    let place = Place::new();
    let file = place.file("sample.jsonl", sample());
    let empty = place.file("empty.jsonl", "");
    let lines = events();
    let score = lines.iter().find(|line| line.contains("score-create")).unwrap();
    let scores = place.file("scores.jsonl", score);
    for (args, words) in [
        (vec!["plan", "nowhere.jsonl"], "cannot be read"),
        (vec!["plan", &*empty, "--quick"], "no observations"),
        (vec!["plan", &*scores, "--quick"], "no observations"),
        (vec!["plan", &*file, "--disk", "/nowhere/at/all"], "no such directory"),
        (vec!["plan", &*file, "--retention", "never"], "--retention"),
        (vec!["plan", &*file, "--memory", "much"], "a size like 512MiB"),
        (vec!["plan", &*file, "--peak", "0"], "--peak"),
    ] {
        let run = run(&args).code(2);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a look at what is left behind")]
fn a_bench_is_compared_with_an_earlier_one() {
    let place = Place::new();
    let dir = place.path("bench");
    let first = run(["bench", &dir, "--quick", "--json"]).ok();
    let mut report = first.json();
    assert_eq!(keys(&report), ["machine", "quick", "rows", "version"]);
    let rows = report["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 28);
    assert!(rows.iter().all(|row| row["median"].as_f64().unwrap() > 0.0), "{rows:?}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    report["machine"]["cores"] = 96.into();
    let old = place.file("old.json", report.to_string());
    let text = run(["bench", &dir, "--quick", "--compare", &old]).ok().text();
    assert!(text.contains("the number of cores differs: 96 before"), "{text}");
    assert!(text.contains("now / before") && text.contains("size of agents, sealed"), "{text}");
    // Sizes are a function of the release.
    let size = text.lines().find(|line| line.starts_with("size of mixture")).unwrap();
    assert!(size.contains("1.00x"), "{size}");
}

#[test]
fn a_bench_takes_no_directory_that_holds_something() {
    let place = Place::new();
    let file = place.file("something", "of value");
    let refused = run(["bench", &place.path("")]).code(2);
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
    let dir = place.path("bench");
    let refused = run(["bench", &dir, "--compare", &file]).code(2);
    assert!(refused.stderr.contains("was not printed by bench --json"), "{}", refused.stderr);
    assert!(!place.has("bench"));
}
