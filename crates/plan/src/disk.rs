//! Disk over time, and what is written to it.

use crate::load::{DAY, Expected};
use crate::measured::Upkeep;
use crate::sizes::{Bytes, Forecast, Kind};
use serde::{Deserialize, Serialize};

/// Logs on disk at most: the one that is written and the ones that are being sealed.
const LOG_BYTES: f64 = (128u64 << 20) as f64;
/// A log ends at this length.
pub const LOG_BYTES_MAX: f64 = (64u64 << 20) as f64;
/// So many neighbours of a tier of segments are joined into one.
const JOINED: f64 = 4.0;
/// Points of the curve of disk over time.
const STEPS: usize = 24;

/// The disk at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskAt {
    /// Days since the first observation.
    pub days: f64,
    /// Bytes by kind of content.
    pub bytes: Bytes,
    /// Their sum.
    pub total: f64,
}

/// What is written in a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Bytes a day.
    pub bytes_per_day: f64,
    /// Bytes by observation: log, and as often as it is written as a segment.
    pub bytes_per_observation: f64,
    /// Times that an observation is written to a segment: when its log is sealed, and for each
    /// tier that segments are joined to.
    pub segment_writes: f64,
    /// The drive's rating that was assumed, in drive writes a day.
    pub drive_writes_per_day: f64,
    /// Share of that rating that is used up.
    pub endurance_share: f64,
}

/// The disk after so many seconds of the expected rate.
pub fn disk_at(forecast: &Forecast, upkeep: &Upkeep, expected: &Expected, seconds: f64) -> DiskAt {
    let rate = expected.rate();
    let kept = forecast.bytes(rate * seconds.min(expected.retention_seconds));
    let payloads = forecast.bytes(rate * seconds.min(expected.payload_retention_seconds));
    let mut bytes: Bytes = Kind::ALL
        .into_iter()
        .filter_map(|kind| {
            let from = if kind.is_payload() { &payloads } else { &kept };
            from.get(&kind).map(|bytes| (kind, *bytes))
        })
        .collect();
    bytes.insert(Kind::Logs, LOG_BYTES.min(rate * seconds * upkeep.log_bytes));
    let total = bytes.values().sum();
    DiskAt { days: seconds / DAY, bytes, total }
}

/// The disk from the first observation until some time after the oldest one has gone.
pub fn over_time(forecast: &Forecast, upkeep: &Upkeep, expected: &Expected) -> Vec<DiskAt> {
    let end = expected.retention_seconds.max(expected.payload_retention_seconds) * 1.25;
    let mut times: Vec<f64> = (0..=STEPS).map(|step| end * step as f64 / STEPS as f64).collect();
    times.extend([expected.retention_seconds, expected.payload_retention_seconds]);
    times.sort_by(f64::total_cmp);
    times.dedup();
    times.into_iter().map(|seconds| disk_at(forecast, upkeep, expected, seconds)).collect()
}

/// How often an observation is written to a segment.
pub fn segment_writes(forecast: &Forecast, upkeep: &Upkeep) -> f64 {
    let sealed = (LOG_BYTES_MAX / upkeep.log_bytes.max(1.0)).max(1.0);
    let tiers = (forecast.segment_observations() / sealed).log(JOINED);
    1.0 + tiers.max(0.0).floor()
}

/// What is written in a day, and what that means for the drive.
pub fn written(forecast: &Forecast, upkeep: &Upkeep, expected: &Expected) -> Written {
    let segment_writes = segment_writes(forecast, upkeep);
    let settled = forecast.bytes_per_observation(forecast.segment_observations());
    let each = upkeep.log_bytes + segment_writes * settled;
    let bytes_per_day = each * expected.rate() * DAY;
    let rated = expected.drive_writes_per_day * expected.drive_bytes;
    Written {
        bytes_per_day,
        bytes_per_observation: each,
        segment_writes,
        drive_writes_per_day: expected.drive_writes_per_day,
        endurance_share: if rated > 0.0 { bytes_per_day / rated } else { f64::INFINITY },
    }
}
