//! Every acknowledged batch survives kill -9.

use crate::child::{check_prefix, start};
use std::time::Duration;
use tracekeep::{Store, Verdict};
use tracekeep_workload::Rng;

fn acknowledged(lines: &[String]) -> u64 {
    let acks = lines.iter().filter_map(|l| l.strip_prefix("ack "));
    acks.map(|n| n.parse::<u64>().unwrap() + 1).max().unwrap_or(0)
}

/// Kills a child that appends and seals at some moment, again and again on one store.
fn kill_often(role: &str, times: u64) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let seed = std::env::var("SIM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(12);
    eprintln!("SIM_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut before = 0;
    let mut sealed = 0;
    for time in 0..times {
        let mut child = start(role, &path, "notes");
        let opens = time as usize + 1;
        child.wait_for(|line| line.starts_with("open"));
        while child.lines().iter().filter(|l| l.starts_with("open")).count() < opens {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(rng.between(0, 300)));
        child.kill();
        let lines = child.lines();
        let acknowledged = acknowledged(&lines);
        sealed = lines.iter().filter(|l| l.starts_with("sealed")).count();
        // A reader opens what is there, the next writer recovers it: both see a prefix.
        let reader = Store::open_read_only(&path).unwrap();
        let seen = check_prefix(&reader.snapshot());
        assert!(seen >= acknowledged, "{seen} of {acknowledged} at kill {time}");
        assert!(seen >= before, "{seen} after {before} at kill {time}");
        let store = Store::open(&path).unwrap();
        assert_eq!(check_prefix(&store.snapshot()), seen, "kill {time}");
        before = seen;
        if time % 3 == 1 {
            store.close().unwrap();
        }
        let report = tracekeep::verify(&path, &mut |_| {});
        assert!(matches!(report, Ok(Verdict::Clean | Verdict::TornTail)), "{report:?}");
    }
    assert!(before > 0);
    eprintln!("{role}: {before} batches, {sealed} seals, {times} kills");
}

#[test]
fn at_disk() {
    kill_often("append disk", 10);
}

#[test]
fn at_os() {
    kill_often("append os", 6);
}

#[test]
fn at_disk_strict() {
    kill_often("append strict", 4);
}
