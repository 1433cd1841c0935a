use super::*;
use crate::disk::{Op, OpKind};
use tracekeep::Durability;

const ACTS: &str = "sugbcupqsuvgswekwspcfsrpuckwgufpswqsr";

fn scripts() -> Vec<Script> {
    ["os", "os+", "disk", "disk+", "strict"]
        .map(|level| format!("{level}:7:{ACTS}").parse().unwrap())
        .into()
}

#[test]
fn a_workload_runs_and_is_read_back() {
    for script in scripts() {
        let run = run(&script).unwrap_or_else(|broken| panic!("{script}: {broken}"));
        assert_eq!(run.starts.len(), ACTS.len() + 2);
        assert!(run.model.batches() > 20);
    }
}

#[test]
fn the_same_script_makes_the_same_log() {
    for script in scripts() {
        let (one, two) = (run(&script).unwrap().log, run(&script).unwrap().log);
        let differs = one.iter().zip(&two).position(|(a, b)| a != b);
        let around = |log: &[Op], at: usize| {
            let lines = log[at.saturating_sub(6)..].iter().take(9).map(Op::to_string);
            lines.collect::<Vec<_>>().join("\n")
        };
        if let Some(at) = differs {
            panic!(
                "{script}: operation {at} differs\n{}\n\n{}",
                around(&one, at),
                around(&two, at)
            );
        }
        assert_eq!(one.len(), two.len());
        assert!(one.iter().filter(|op| op.kind() == OpKind::Sync).count() > 30);
    }
}

/// It erases a trace that is not there, twice, and says it twice afterwards.
#[test]
fn an_erased_trace_comes_back_once() {
    let script: Script = "disk:215098828609667:eeqcgk".parse().unwrap();
    let run = run(&script).unwrap_or_else(|broken| panic!("{script}: {broken}"));
    assert_eq!(run.starts.len(), "eeqcgk".len() + 2);
}

#[test]
fn a_script_is_read_as_it_is_written() {
    for n in 0..50 {
        let script = Script::random(3, n, None);
        assert_eq!(script.to_string().parse(), Ok(script.clone()), "{script}");
    }
    for wrong in ["", "disk:7", "disk:x:s", "dusk:7:s", "disk:7:sz", "disk:7:s:"] {
        assert!(wrong.parse::<Script>().is_err(), "{wrong}");
    }
    let levels = (0..50).map(|n| Script::random(3, n, None).level);
    let levels: Vec<Durability> = levels.collect();
    assert!(
        [Durability::Os, Durability::Disk, Durability::DiskStrict]
            .iter()
            .all(|l| levels.contains(l))
    );
}
