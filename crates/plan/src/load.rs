//! What is expected of the store.

use serde::{Deserialize, Serialize};

/// Seconds of a day.
pub const DAY: f64 = 86_400.0;

/// What is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Observations a second, on average.
    pub observations_per_second: f64,
    /// At the busiest time.
    pub peak_observations_per_second: f64,
    /// How long observations are kept, in seconds.
    pub retention_seconds: f64,
    /// How long their payloads are kept.
    pub payload_retention_seconds: f64,
    /// Memory that the store may take, in bytes.
    pub memory_bytes: f64,
    /// A volume to plan for, instead of rate times retention.
    pub observations: Option<f64>,
    /// Drive writes a day that the SSD is rated for.
    pub drive_writes_per_day: f64,
    /// The SSD's capacity, in bytes.
    pub drive_bytes: f64,
}

impl Expected {
    /// Observations that are kept at once.
    pub fn volume(&self) -> f64 {
        let kept = self.observations_per_second * self.retention_seconds;
        self.observations.unwrap_or(kept).max(1.0)
    }

    /// Observations a second when the volume was given and the retention says how long it takes.
    pub fn rate(&self) -> f64 {
        match self.observations {
            Some(volume) => volume / self.retention_seconds.max(1.0),
            None => self.observations_per_second,
        }
    }
}
