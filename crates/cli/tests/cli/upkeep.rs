use crate::events::events;
use crate::run::{Place, keys, run};

#[test]
fn stats_have_a_fixed_shape() {
    let place = Place::with(&events());
    let json = place.verb("stats", &["--json"]).ok().json();
    assert_eq!(
        keys(&json),
        ["bytes", "logs", "observations", "open_observations", "scores", "segments", "traces"]
    );
    let bytes = &json["bytes"];
    assert_eq!(
        keys(bytes),
        ["index", "log", "logical", "manifest", "payload", "skeleton", "total"]
    );
    assert_eq!((&json["traces"], &json["observations"]), (&2.into(), &5.into()));
    assert_eq!((&json["open_observations"], &json["scores"]), (&1.into(), &4.into()));
    assert!(json["logs"].as_u64().unwrap() >= 1);
    let sum: u64 = ["index", "log", "manifest", "payload", "skeleton"]
        .iter()
        .map(|kind| bytes[kind].as_u64().unwrap())
        .sum();
    assert!(sum <= bytes["total"].as_u64().unwrap());
    assert!(bytes["logical"].as_u64().unwrap() > 0);
    let text = place.verb("stats", &[]).ok().text();
    for word in ["2026-01-12T08:00:00.000Z", "payloads", "logical / on disk", "an observation"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn sealing_leaves_no_log() {
    for level in ["quick", "full"] {
        let place = Place::with(&events());
        let json = place.verb("seal", &["--level", level, "--json"]).ok().json();
        assert!(json["logs"].as_u64().unwrap() >= 1);
        let stats = place.verb("stats", &["--json"]).ok().json();
        assert_eq!(stats["logs"], 0, "{level}");
        assert!(stats["segments"].as_u64().unwrap() >= 1);
        assert_eq!(stats["observations"], 5);
        place.verb("seal", &["--level", level]).ok();
    }
}

#[test]
fn a_whole_store_is_clean() {
    let place = Place::with(&events());
    for _ in 0..2 {
        let lines = place.verb("verify", &["--json"]).ok().json_lines();
        assert_eq!(lines.last().unwrap()["verdict"], "clean");
        assert!(place.verb("verify", &[]).ok().text().contains("clean"));
        place.verb("seal", &[]).ok();
    }
}

/// Files of a store, largest first.
fn files(place: &Place) -> Vec<String> {
    #[allow(clippy::disallowed_methods, reason = "a test looks from outside")]
    let all = std::fs::read_dir(place.store()).unwrap();
    let mut files: Vec<(u64, String)> = all
        .map(|file| file.unwrap())
        .filter(|file| file.metadata().unwrap().is_file())
        .map(|file| (file.metadata().unwrap().len(), file.file_name().into_string().unwrap()))
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn damage_is_found_and_named() {
    let place = Place::with(&events());
    place.verb("seal", &[]).ok();
    let mut found = 0;
    for name in files(&place) {
        let path = place.path(&format!("store/{name}"));
        let whole = std::fs::read(&path).unwrap();
        if whole.len() < 64 {
            continue;
        }
        let mut bad = whole.clone();
        // The middle may be padding in some files; most have something there.
        let middle = bad.len() / 2;
        bad[middle] ^= 0x55;
        std::fs::write(&path, bad).unwrap();
        let run = place.verb("verify", &["--json"]);
        let lines = run.json_lines();
        match lines.last().unwrap()["verdict"].as_str().unwrap() {
            "damaged" => {
                assert_eq!(run.code, 1);
                let findings = &lines[..lines.len() - 1];
                assert!(findings.iter().any(|f| f["severity"] == "damage"), "{findings:?}");
                for finding in findings {
                    assert_eq!(
                        keys(finding),
                        [
                            "affects",
                            "expected",
                            "file",
                            "found",
                            "offset",
                            "severity",
                            "trace_count",
                            "traces"
                        ]
                    );
                }
                found += 1;
                place.verb("verify", &[]).code(1);
            }
            _ => assert_eq!(run.code, 0),
        }
        std::fs::write(&path, whole).unwrap();
    }
    // The two files of the segment at least.
    assert!(found >= 2);
    place.verb("verify", &[]).ok();
}

#[test]
fn a_backup_is_verified_and_can_be_repeated() {
    let place = Place::with(&events());
    let out = place.path("copy");
    let json = place.verb("backup", &[&out, "--json"]).ok().json();
    assert_eq!(
        keys(&json),
        [
            "bytes",
            "bytes_copied",
            "copied",
            "files",
            "kept",
            "linked",
            "removed",
            "seconds",
            "seq",
            "verdict",
            "verify_seconds"
        ]
    );
    assert_eq!((&json["verdict"], &json["kept"]), (&"clean".into(), &0.into()));
    assert!(json["seq"].as_u64().unwrap() > 5);
    let export = place.export();
    place.verb("seal", &[]).ok();
    assert_eq!(run(["export", &out]).ok().text(), export);
    let json = place.verb("backup", &[&out, "--quick", "--json"]).ok().json();
    assert_eq!((&json["verdict"], &json["linked"]), (&"unverified".into(), &2.into()));
    assert!(place.verb("backup", &[&out]).ok().text().contains("clean"));
    assert_eq!(run(["export", &out]).ok().text(), export);
    // A place with anything else in it stays as it is, and so does a store of its own.
    place.file("own.txt", "mine");
    place.verb("backup", &[&place.path("")]).code(2);
    place.verb("backup", &[&place.store()]).code(2);
    run(["seal", &out]).ok();
    assert!(place.verb("backup", &[&out]).code(2).stderr.contains("opened for writing"));
}

#[test]
fn a_damaged_store_is_repaired_into_a_new_one() {
    let place = Place::with(&events());
    place.verb("seal", &[]).ok();
    let export = place.export();
    let whole = place.path("whole");
    let lines = place.verb("repair", &[&whole, "--json"]).ok().json_lines();
    assert_eq!((&lines[0]["losses"], &lines[0]["verdict"]), (&0.into(), &"clean".into()));
    assert_eq!(run(["export", &whole]).ok().text(), export);
    place.verb("repair", &[&whole]).code(2);
    let name = files(&place).into_iter().find(|name| name.ends_with(".tkp")).unwrap();
    let path = place.path(&format!("store/{name}"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    let text = place.verb("verify", &[]).code(1).text();
    assert!(text.contains("tracekeep repair"), "{text}");
    let out = place.path("out");
    let lines = place.verb("repair", &[&out, "--json"]).code(1).json_lines();
    let (sum, losses) = lines.split_last().unwrap();
    assert_eq!(sum["losses"].as_u64().unwrap(), losses.len() as u64);
    assert_eq!(
        keys(sum),
        ["losses", "lost_bytes", "notes", "records", "seconds", "seq", "verdict"]
    );
    for loss in losses {
        assert_eq!((&loss["lost"], &loss["file"]), (&"field".into(), &path.as_str().into()));
        assert!(loss["trace"].is_string() && loss["bytes"].as_u64().unwrap() > 0, "{loss}");
    }
    let text = place.verb("repair", &[&place.path("again")]).code(1).text();
    for word in ["LOST", "input", "traces", "records saved", "clean"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    run(["verify", &out]).ok();
    assert_eq!(run(["stats", &out, "--json"]).ok().json()["observations"], 5);
}

#[test]
fn every_log_and_segment_can_be_dumped() {
    let place = Place::with(&events());
    for sealed in [false, true] {
        let mut dumped = 0;
        for name in files(&place) {
            let run = place.verb("dump", &[&name, "--json"]);
            if run.code != 0 {
                continue;
            }
            let lines = run.json_lines();
            for line in &lines {
                assert_eq!(keys(line), ["bytes", "fields", "kind", "offset"]);
            }
            let path = place.path(&format!("store/{name}"));
            assert_eq!(place.verb("dump", &[&path, "--json"]).ok().stdout, run.stdout);
            assert!(place.verb("dump", &[&name]).ok().text().lines().count() > lines.len());
            dumped += 1;
        }
        assert!(dumped >= 2, "sealed: {sealed}");
        place.verb("seal", &[]).ok();
    }
}

#[test]
fn the_demo_runs_and_keeps_its_store_if_told_where() {
    let place = Place::new();
    let run_json = run(["demo", &place.store(), "--json"]).code(0);
    let json = run_json.json();
    assert_eq!((&json["wrong"], &json["verdict"]), (&0.into(), &"clean".into()));
    assert!(json["observations"].as_u64().unwrap() > 1_000);
    let stats = place.verb("stats", &["--json"]).ok().json();
    assert_eq!(stats["observations"], json["observations"]);
    assert_eq!(stats["logs"], 0);
    let drawn = json["drawn"].as_str().unwrap();
    place.verb("trace", &[drawn]).ok();
    run(["demo", &place.store()]).code(2);
}

#[test]
fn the_demo_shows_a_tree_and_figures() {
    let run = run(["demo"]).code(0);
    let text = run.text();
    for word in ["\u{2514}\u{2500} ", "appended, synced", "verified", "clean", "tracekeep demo DIR"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
}
