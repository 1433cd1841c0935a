//! Crashes at every operation.

use crate::seed;
use std::sync::atomic::{AtomicU64, Ordering};
use tracekeep::Durability;
use tracekeep_crash::disk::{OpKind, Phase};
use tracekeep_crash::explore::{
    Explorer, Found, Place, Reach, Seen, Tally, replay, run_random, run_sequences, sequences,
    thinnest,
};

/// As many threads as the machines have that this runs on.
const PARTS: u64 = 2;

/// Distinct images that are wanted in all.
fn wanted() -> u64 {
    std::env::var("TRACEKEEP_SIM_IMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// Prints the table; fails with how to see each find again.
fn report(what: &str, tally: &Tally, found: &[Found]) {
    eprintln!("{what}\n{tally}");
    let lines: Vec<String> = found
        .iter()
        .map(|f| {
            let command = "cargo test --test sim -- one_crash --nocapture";
            format!("{}\n  TRACEKEEP_SIM_PLACE={} {command}", f.broken, f.place)
        })
        .collect();
    assert!(lines.is_empty(), "{} promises were not kept:\n{}", lines.len(), lines.join("\n"));
}

/// Runs the same on each part's thread, and adds up.
fn side_by_side(reach: Reach, work: &(dyn Fn(&mut Explorer, u64) + Sync)) -> (Tally, Vec<Found>) {
    let seen = Seen::default();
    let (mut tally, mut found) = (Tally::default(), Vec::new());
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..PARTS)
            .map(|part| {
                let mut explorer = Explorer::new(reach, seen.clone());
                scope.spawn(move || {
                    work(&mut explorer, part);
                    explorer
                })
            })
            .collect();
        for part in parts {
            let explorer = part.join().unwrap();
            tally.add(&explorer.tally);
            found.extend(explorer.found);
        }
    });
    (tally, found)
}

/// All sequences of up to three acts of an alphabet of thirteen, each crashed at every operation;
/// then random workloads until there are enough images. See `docs/testing.md` for a campaign.
#[test]
fn every_crash_is_survived() {
    let (seed, wanted) = (seed(), wanted());
    let campaign = wanted > 100_000;
    let (short, random) = match campaign {
        true => (Reach::QUICK, Reach::WIDE),
        false => (Reach::SHORT, Reach::QUICK),
    };
    let distinct = AtomicU64::new(0);
    let (tally, found) = side_by_side(short, &|explorer, part| {
        let part_of = (part as usize, PARTS as usize);
        for (level, longest) in
            [(Durability::Disk, 3), (Durability::DiskStrict, 2), (Durability::Os, 2)]
        {
            let longest = if campaign { 3 } else { longest };
            run_sequences(explorer, level, longest, part_of);
        }
        explorer.reach(random);
        let mut counted = 0;
        run_random(explorer, seed, (part, PARTS), &mut |explorer| {
            let now = explorer.tally.total().distinct;
            let all = distinct.fetch_add(now - counted, Ordering::Relaxed) + now - counted;
            counted = now;
            all >= wanted && thinnest(&explorer.tally).is_none()
        });
    });
    report("crashes of all sequences and of random workloads", &tally, &found);
    assert_eq!(sequences(3).len(), 1 + 13 + 169 + 2197);
    let total = tally.total();
    assert!(total.distinct >= wanted.min(100_000), "{} images", total.distinct);
    assert!(tally.in_recovery() * 5 >= total.distinct, "{} in recovery", tally.in_recovery());
    assert!(tally.depths.get(&2).is_some_and(|images| *images > 0), "no third crash");
    for phase in Phase::ALL {
        let share = tally.phases.get(&phase).map_or(0, |counts| counts.distinct);
        assert!(share * 20 >= total.distinct, "{phase}: {share} of {} images", total.distinct);
    }
    for kind in [
        OpKind::MakeDir,
        OpKind::Create,
        OpKind::Write,
        OpKind::Reserve,
        OpKind::Sync,
        OpKind::Rename,
        OpKind::Remove,
        OpKind::SyncDir,
        OpKind::Lock,
        OpKind::Link,
    ] {
        assert!(tally.kinds.get(&kind).is_some_and(|n| *n > 0), "no crash before a {kind:?}");
    }
}

/// Brings back what `TRACEKEEP_SIM_PLACE` says, with every check.
#[test]
fn one_crash() {
    let Ok(place) = std::env::var("TRACEKEEP_SIM_PLACE") else {
        eprintln!("TRACEKEEP_SIM_PLACE is not set: nothing to bring back");
        return;
    };
    let place: Place = place.parse().unwrap();
    if let Err(broken) = replay(&place) {
        panic!("{place}: {broken}");
    }
}
