//! A finding says where, and whose data it touches.

use crate::world::{World, append, flip, full, id, lines, noise, observation, trace};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tracekeep::model::Record;
use tracekeep::{Finding, Severity, Store, Verdict, verify};

/// Traces `t0` to `t29`, of one observation with unrelated payloads and one that shares its
/// input's beginning with all others.
fn sealed() -> World {
    let world = World::new();
    let store = world.store();
    let shared = noise(1, 5_000);
    for t in 0..30u64 {
        let name = format!("t{t}");
        let own = observation(&name, "own", 1).input(noise(100 + t, 9_000)).output(noise(t, 300));
        let same = observation(&name, "same", 2).input(shared.clone());
        append::<Record>(&store, [own.into(), same.into(), trace(&name, 0).into()]);
    }
    full(&store);
    store.close().unwrap();
    world
}

fn damage(world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    let verdict = verify(&world.path(), &mut |f| findings.push(f)).unwrap();
    assert_eq!(verdict, Verdict::Damaged);
    findings.retain(|f| f.severity == Severity::Damage);
    findings
}

fn names(finding: &Finding) -> BTreeSet<String> {
    finding.traces.iter().map(ToString::to_string).collect()
}

/// The traces of which a reader cannot read everything.
fn unreadable(world: &World) -> BTreeSet<String> {
    let store = Store::open_read_only(world.path()).unwrap();
    let snapshot = store.snapshot();
    let broken = |t: &String| {
        snapshot.each_observation(&id(t), &mut |_, _| Ok(())).is_err()
            || snapshot.payloads(&id(t), &mut |_, _, _| Ok(())).is_err()
    };
    (0..30).map(|t| format!("t{t}")).filter(broken).collect()
}

fn file(world: &World, end: &str) -> PathBuf {
    let mut files = world.files("seg-");
    files.retain(|path| path.to_str().unwrap().ends_with(end));
    files.remove(0)
}

#[test]
fn a_damaged_block_of_payloads_names_the_traces_that_need_it() {
    let world = sealed();
    let blocks = lines(&file(&world, ".tkp"), "block");
    assert!(blocks.len() > 4, "{blocks:?}");
    let mut sizes = BTreeSet::new();
    for (offset, len, _) in blocks {
        let twin = world.twin();
        flip(&file(&twin, ".tkp"), offset + len / 2);
        let findings = damage(&twin);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let (finding, expected) = (&findings[0], unreadable(&twin));
        assert_eq!(finding.offset, offset);
        assert_eq!(finding.trace_count, expected.len() as u64, "{finding:?}");
        assert_eq!(finding.traces.len(), expected.len().min(10));
        assert!(names(finding).is_subset(&expected));
        sizes.insert(expected.len());
    }
    // One holds what all traces share, the others what a few do.
    assert!(sizes.contains(&30) && sizes.iter().any(|n| *n < 10), "{sizes:?}");
}

#[test]
fn a_damaged_part_list_or_detail_names_the_traces_of_its_rows() {
    let world = sealed();
    for (end, section) in [(".tkp", "LISTS"), (".tks", "OBS_DETAILS"), (".tks", "TRACE_DETAILS")] {
        let twin = world.twin();
        let path = file(&twin, end);
        let all = lines(&path, "section");
        let (offset, len, _) = all.iter().find(|(_, _, name)| name == section).unwrap();
        // Behind the directory, which is of one block.
        flip(&path, offset + 40 + (len - 40) / 2);
        let findings = damage(&twin);
        assert_eq!(findings.len(), 1, "{section}: {findings:?}");
        assert_eq!(findings[0].trace_count, 30, "{section}: {findings:?}");
        assert!((*offset..offset + len).contains(&findings[0].offset), "{section}: {findings:?}");
    }
}

#[test]
fn a_damaged_column_or_missing_file_names_the_traces_of_the_segment() {
    let world = sealed();
    let twin = world.twin();
    let path = file(&twin, ".tks");
    let all = lines(&path, "column");
    let (offset, ..) = all.iter().find(|(_, _, name)| name == "OBS_NAME").unwrap();
    flip(&path, offset + 8);
    let findings = damage(&twin);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].offset, *offset);
    assert!(findings[0].affects.contains("OBS_NAME"), "{findings:?}");
    assert_eq!((findings[0].trace_count, findings[0].traces.len()), (30, 10));
    let twin = world.twin();
    std::fs::remove_file(file(&twin, ".tkp")).unwrap();
    let findings = damage(&twin);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].trace_count, findings[0].traces.len()), (30, 10));
}

#[test]
fn a_damaged_frame_names_its_seqs_and_the_traces_that_need_its_parts() {
    let world = World::new();
    let store = world.store();
    let history = noise(7, 6_000);
    append(&store, [observation("a", "1", 1).input(history.clone())]);
    append(&store, [observation("a", "2", 2).input(format!("{history} and more"))]);
    append(&store, [observation("b", "1", 3).input(noise(9, 100)), observation("c", "1", 4)]);
    store.close().unwrap();
    let path = world.files("log-").remove(0);
    let frames = lines(&path, "frame");
    let records: Vec<_> = frames.iter().filter(|(_, _, kind)| kind == "records").collect();
    let twin = world.twin();
    flip(&twin.files("log-")[0], records[0].0 + 100);
    let findings = damage(&twin);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].offset, records[0].0);
    assert_eq!(findings[0].affects, "records of seqs 1 to 1; 1 payloads of later records");
    assert_eq!(names(&findings[0]), BTreeSet::from(["a".to_owned()]));
    // Nobody else needs the parts of the last frame of records.
    flip(&world.files("log-")[0], records[2].0 + 100);
    let findings = damage(&world);
    assert_eq!(findings[0].affects, "records of seqs 3 to 4", "{findings:?}");
    assert_eq!(findings[0].trace_count, 0);
}

#[test]
fn a_missing_log_tells_up_to_which_seq() {
    let world = World::new();
    for t in ["a", "b"] {
        let store = world.store();
        append(&store, [observation(t, "1", 1), observation(t, "2", 2)]);
        store.close().unwrap();
    }
    std::fs::remove_file(&world.files("log-")[0]).unwrap();
    let findings = damage(&world);
    assert_eq!(findings[0].affects, "every record in it, below seq 3", "{findings:?}");
}
