//! Plans against what was measured: the samples' figures were recorded, and so were those of the
//! whole. No corpus is needed here; `crates/cli/tests/corpus/plan.rs` measures anew.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use tracekeep_plan::{Forecast, Sample};

/// How far a forecast may be off.
const OFF_MAX: f64 = 0.15;
/// Of the default memory, what one rewrite takes.
const REWRITE_BYTES_MAX: f64 = (128u64 << 20) as f64;
/// What is planned for where nobody says anything, an observation a second for 30 days; and a
/// hundred times as much, where there is a merged index.
const VOLUMES: [f64; 2] = [30.0 * 86_400.0, 100.0 * 30.0 * 86_400.0];

fn recorded(name: &str) -> Forecast {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(name);
    let sample: Sample = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Forecast::new(&sample, REWRITE_BYTES_MAX)
}

/// Sample, observations of the whole, and its bytes an observation when sealed.
const WHOLE: &[(&str, f64, f64)] = &[
    ("tool-agents-10.json", 64_470.0, 130.06),
    ("tool-agents-50.json", 64_470.0, 130.06),
    ("coding-agents-10.json", 182_917.0, 67.14),
    ("coding-agents-50.json", 182_917.0, 67.14),
];

#[test]
fn forecasts_hold_at_the_volume_of_the_whole_and_far_beyond() {
    for (name, observations, measured) in WHOLE {
        let forecast = recorded(name);
        for volume in [*observations, VOLUMES[0], VOLUMES[1]] {
            let off = forecast.bytes_per_observation(volume) / measured - 1.0;
            assert!(off.abs() <= OFF_MAX, "{name} at {volume}: {:+.1} %", 100.0 * off);
        }
    }
}

#[test]
fn the_forecast_lies_between_its_ends() {
    for (name, observations, _) in WHOLE {
        let forecast = recorded(name);
        for volume in [*observations, VOLUMES[0], VOLUMES[1]] {
            let [low, high] = forecast.range(volume);
            let middle = forecast.bytes_per_observation(volume);
            assert!(low < middle && middle < high, "{name}: {low}, {middle}, {high}");
        }
    }
}

#[test]
fn a_large_store_is_many_segments() {
    let forecast = recorded("tool-agents-10.json");
    let full = forecast.segment_observations();
    let total = |n: f64| forecast.bytes(n).values().sum::<f64>();
    let one = total(full) - total(0.0);
    assert!((total(10.0 * full) - total(0.0) - 10.0 * one).abs() < 1.0);
}
