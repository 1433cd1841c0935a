use crate::events::{G, INPUT, OUTPUT, T1, events};
use crate::run::{Place, Run, keys, run, run_with};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const KEYS: [&str; 9] = [
    "bytes_in",
    "bytes_on_disk",
    "events",
    "ignored",
    "observations",
    "rejected",
    "scores",
    "seconds",
    "traces",
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

/// With a window of 128 MiB, as the corpora have.
fn zstd_long(bytes: &[u8]) -> Vec<u8> {
    let mut to = zstd::Encoder::new(Vec::new(), 3).unwrap();
    to.long_distance_matching(true).unwrap();
    to.window_log(27).unwrap();
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn import_json(place: &Place, files: &[&str]) -> Run {
    let store = place.store();
    run(["import", &store, "--json"].iter().chain(files))
}

#[test]
fn the_answer_counts_everything() {
    let place = Place::new();
    let text = events().join("\n") + "\n";
    let file = place.file("a.jsonl", &text);
    let json = import_json(&place, &[&file]).ok().json();
    assert_eq!(keys(&json), KEYS);
    assert_eq!(
        (&json["events"], &json["rejected"], &json["ignored"]),
        (&13.into(), &0.into(), &1.into())
    );
    assert_eq!(json["traces"], 2);
    assert_eq!(json["observations"], 5);
    assert_eq!(json["scores"], 4);
    assert_eq!(json["bytes_in"], text.len());
    assert!(json["bytes_on_disk"].as_u64().unwrap() > 0);
    assert!(json["seconds"].as_f64().unwrap() >= 0.0);
}

#[test]
fn a_bad_line_is_reported_and_harms_no_other() {
    let place = Place::new();
    let good = events();
    let item = r#"{"id":"x","timestamp":"2026-01-12T08:00:00Z","type":"dataset-run-item-create","body":{}}"#;
    let unknown = item.replace("dataset-run-item-create", "nonsense");
    let batch = format!(r#"{{"batch":[{},{unknown},{}]}}"#, good[1], good[2]);
    let lines = [&good[0], "{\"id\":", "", item, &batch, "\u{1b}[31m"];
    let file = place.file("bad.jsonl", lines.join("\n"));
    let run = import_json(&place, &[&file]).code(1);
    let json = run.json();
    assert_eq!((&json["events"], &json["rejected"]), (&3.into(), &4.into()), "{}", run.stderr);
    let told: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(told.len(), 4, "{}", run.stderr);
    for (line, number) in told.iter().zip([2, 4, 5, 6]) {
        let head = format!("{file}:{number}: ");
        assert!(line.starts_with(&head) && line.len() > head.len(), "{line}");
    }
    assert!(!run.stderr.contains('\u{1b}'));
    place.verb("show", &[T1, G, "--field", "input"]).ok();
}

#[test]
fn many_bad_lines_are_counted() {
    let place = Place::new();
    let file = place.file("bad.jsonl", "nonsense\n".repeat(50));
    let run = import_json(&place, &[&file]).code(1);
    assert_eq!(run.json()["rejected"], 50);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 21, "{}", run.stderr);
    assert!(lines[20].contains("30"), "{}", lines[20]);
}

#[test]
fn compression_and_standard_input_make_no_difference() {
    let text = events().join("\n");
    let expected = Place::with(&events()).export();
    let files: [(&str, Vec<u8>); 5] = [
        ("a.jsonl.gz", gzip(text.as_bytes())),
        ("a.jsonl.zst", zstd_long(text.as_bytes())),
        ("gzip-by-magic", gzip(text.as_bytes())),
        ("zstd-by-magic", zstd_long(text.as_bytes())),
        ("windows.jsonl", text.replace('\n', "\r\n").into_bytes()),
    ];
    for (name, bytes) in &files {
        let place = Place::new();
        let file = place.file(name, bytes);
        let json = import_json(&place, &[&file]).ok().json();
        if !name.starts_with("windows") {
            assert_eq!(json["bytes_in"], text.len(), "{name}");
        }
        assert_eq!(place.export(), expected, "{name}");
        let place = Place::new();
        run_with(["import", &place.store(), "-"], bytes).ok();
        assert_eq!(place.export(), expected, "{name} on standard input");
    }
}

#[test]
fn a_cut_file_gives_what_is_whole() {
    let place = Place::new();
    let whole = gzip(events().join("\n").as_bytes());
    let cut = place.file("cut.jsonl.gz", &whole[..whole.len() - 12]);
    let next = place.file("next.jsonl", events().join("\n"));
    let run = import_json(&place, &[&cut, &next]).code(1);
    assert_eq!(run.json()["rejected"], 1, "{}", run.stderr);
    assert!(run.stderr.starts_with(&format!("{cut}:")), "{}", run.stderr);
    assert_eq!(place.export(), Place::with(&events()).export());
}

#[test]
fn batches_and_durability_make_no_difference() {
    let text = events().join("\n");
    let expected = Place::with(&events()).export();
    for (batch, durability) in [("1", "os"), ("3", "disk"), ("65536", "strict")] {
        let place = Place::new();
        let file = place.file("a.jsonl", &text);
        place.verb("import", &[&file, "--batch", batch, "--durability", durability]).ok();
        assert_eq!(place.export(), expected, "{batch} {durability}");
    }
}

#[test]
fn several_files_go_in_one_after_the_other() {
    let place = Place::new();
    let lines = events();
    let (a, b) = lines.split_at(4);
    let (a, b) = (place.file("a", a.join("\n")), place.file("b", b.join("\n") + "\nbad"));
    let run = import_json(&place, &[&a, &b]).code(1);
    assert!(run.stderr.starts_with(&format!("{b}:{}: ", lines.len() - 4 + 1)), "{}", run.stderr);
    assert_eq!(place.export(), Place::with(&events()).export());
}

#[test]
fn large_payloads_come_back() {
    let place = Place::new();
    // Three records that no batch of the engine could hold together with the next one.
    let payload =
        |n: usize| format!("\"{}\"", char::from(b'a' + n as u8).to_string().repeat(30 << 20));
    let line = |n: usize| {
        format!(
            r#"{{"id":"e","timestamp":"2026-01-12T08:00:00Z","type":"span-create","body":{{"id":"o{n}","traceId":"t","input":{}}}}}"#,
            payload(n)
        )
    };
    place.import(&[line(0), line(1), line(2)]).ok();
    for n in 0..3 {
        let run = place.verb("show", &["t", &format!("o{n}"), "--field", "input"]).ok();
        assert!(run.stdout == payload(n).into_bytes(), "payload {n}");
    }
}

#[test]
fn importing_twice_changes_nothing() {
    let place = Place::with(&events());
    let once = place.export();
    place.import(&events()).ok();
    assert_eq!(place.export(), once);
    let field = |field| place.verb("show", &[T1, G, "--field", field]).ok().text();
    assert_eq!((field("input").as_str(), field("output").as_str()), (INPUT, OUTPUT));
}
