use super::*;
use crate::drive::Script;

#[test]
fn a_place_is_read_as_it_is_written() {
    for text in ["disk:7:ssq@31:0110t@5:1z", "os+:0:", "strict:9:bk@0:t@1:0g@2:1o"] {
        let place: Place = text.parse().unwrap();
        assert_eq!(place.to_string(), text);
    }
    for wrong in ["disk:7:s@", "disk:7:s@1", "disk:7:s@1:01", "disk:7:s@x:01t", "disk:7:s@1:21t"] {
        assert!(wrong.parse::<Place>().is_err(), "{wrong}");
    }
}

/// Old bytes of a manifest behind a log passed its checksums: both were number 1 and made in the
/// same nanosecond, and so had one salt.
#[test]
fn frames_of_another_kind_of_file_are_no_frames() {
    for place in ["os+:3:sskr@36:001o", "os+:3:sskr@37:001o"] {
        replay(&place.parse().unwrap()).unwrap_or_else(|broken| panic!("{place}: {broken}"));
    }
}

#[test]
fn sequences_are_all_there_and_begin_with_sequences() {
    let all = sequences(2);
    assert_eq!(all.len(), 1 + 13 + 169);
    let before: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(before.len(), all.len());
}

#[test]
fn a_small_workload_survives_everything() {
    let mut explorer = Explorer::new(Reach::QUICK, Seen::default());
    for script in ["disk:3:sgqk", "strict:3:suf", "os+:3:sskr", "disk:3:spup", "strict:3:spqp"] {
        let script: Script = script.parse().unwrap();
        explorer.script(&script, 0);
    }
    let found = explorer.found.iter().map(|f| format!("{}: {}", f.place, f.broken));
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "{found:#?}");
    let total = explorer.tally.total();
    eprintln!("{}", explorer.tally);
    assert!(total.distinct > 1_000, "{}", explorer.tally);
}
