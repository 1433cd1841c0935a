//! What a store will need, from what was measured with a sample of its events.
//!
//! ```text
//! measured (sizes of subsets, rates, latencies)  +  expected (rate, retention, memory)
//!      |                                                |
//!      v                                                v
//!   growth > sizes: bytes by kind at any volume  >  answer: rates, disk, memory, what to change
//!                                                       |
//!                                                       v
//!                                                 page: an SVG with the curves
//! ```
//!
//! Nothing here reads a file, a clock or a store: the same figures give the same answer.

pub mod answer;
mod chart;
pub mod disk;
pub mod growth;
pub mod load;
pub mod measured;
pub mod page;
pub mod sizes;
mod svg;

pub use answer::{Answer, plan};
pub use load::Expected;
pub use measured::Measured;
pub use sizes::{Forecast, Kind, Point, Sample};
