use crate::run::{Place, run};

#[test]
fn a_crash_test_counts_resumes_and_ends_with_a_line() {
    let place = Place::new();
    let dir = place.path("crash");
    let first = run(["crash-test", &dir, "--seconds", "4", "--seed", "7"]).ok().text();
    let last = first.lines().last().unwrap().to_owned();
    assert!(last.ends_with(" kills, 0 violations") && last.contains(" images, "), "{last}");
    let images = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap();
    assert!(images(&last) > 0 && first.contains("phase "), "{first}");
    // What was begun is gone on with, not begun again.
    run(["crash-test", &dir, "--seconds", "1"]).code(3);
    let json = run(["crash-test", &dir, "--seconds", "4", "--resume", "--json"]).ok().text();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["seed"], 7);
    assert_eq!(value["violations"], 0);
    assert!(value["images"].as_u64().unwrap() > images(&last), "{value}");
    // Each life of a writer ended somehow, and was looked at.
    let count = |name: &str| value[name].as_u64().unwrap();
    assert!(count("kills") + count("closes") >= 2 && count("checks") >= 2, "{value}");
    let args = ["--seconds", "2", "--resume", "--only", "killed"];
    let killed = run(["crash-test", dir.as_str()].iter().chain(&args)).ok().text();
    assert!(killed.contains(" bits flipped, ") && !killed.contains("phase "), "{killed}");
    // No image is counted twice, whichever run saw it.
    let rows = std::fs::metadata(format!("{dir}/images")).unwrap().len() / 16;
    assert_eq!(rows, count("images"));
}

#[test]
fn a_place_is_brought_back() {
    let place = Place::new();
    let dir = place.path("crash");
    let one = run(["crash-test", &dir, "--reproduce", "os+:3:sskr@36:001o"]).ok().text();
    assert_eq!(one, "os+:3:sskr@36:001o: every promise is kept\n");
    run(["crash-test", &dir, "--reproduce", "nonsense"]).code(2);
    // There is no such moment: the place says so.
    run(["crash-test", &dir, "--reproduce", "os+:3:s@9999:t"]).code(1);
    assert!(!place.has("crash"));
}
