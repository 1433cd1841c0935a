//! What a trace is: ids, times, values and the records that are appended. No bytes on disk,
//! no files, no serialization.
//!
//! A [`Record`] names its target (a trace, an observation, a score), the sender's event time and
//! operation, and any subset of the target's fields. Everything that a field can hold is a
//! [`Value`]; payloads are bytes that come back as they were given. The type parameter of a
//! record says what stands for a payload: the bytes themselves on the way in, a
//! [`PayloadRef`] once they are stored.
//!
//! Read in this order: `time`, `kind`, `decimal`, `field`, `value`, `record`, `typed`.

mod decimal;
mod field;
mod kind;
mod record;
mod time;
mod typed;
mod value;

pub use decimal::Decimal;
pub use field::{Field, Rule};
pub use kind::{Level, ObservationKind, Operation, ScoreSource, ScoreType};
pub use record::{Body, FieldValue, Record, Subject, Target};
pub use time::{TimeRange, Timestamp};
pub use typed::{ObservationRecord, ScoreRecord, TraceRecord};
pub use value::{Map, MapEntry, Payload, PayloadRef, Source, Value, is_falsy};
