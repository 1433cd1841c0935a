use super::Cursor;
use crate::fs::Dir;
use crate::merge::Fields;
use crate::model::{Field, TimeRange};
use crate::segment::Segment;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By start, latest first.
    #[default]
    NewestFirst,
    /// By start, earliest first.
    OldestFirst,
}

/// Which traces to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceQuery {
    /// Traces that start in this range.
    pub range: TimeRange,
    /// In which order.
    pub order: Order,
    /// At most so many. Default 50.
    pub limit: usize,
    /// Go on after the page that ended here.
    pub cursor: Option<Cursor>,
    /// Of this name.
    pub name: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// Of this session.
    pub session: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this environment; `default` is also what an unset one reads as.
    pub environment: Option<String>,
}

impl Default for TraceQuery {
    fn default() -> TraceQuery {
        TraceQuery {
            range: TimeRange::ALL,
            order: Order::default(),
            limit: 50,
            cursor: None,
            name: None,
            user: None,
            session: None,
            tag: None,
            environment: None,
        }
    }
}

const DEFAULT_ENVIRONMENT: &str = "default";

impl TraceQuery {
    fn texts(&self) -> [(Field, Option<&str>); 4] {
        [
            (Field::Name, self.name.as_deref()),
            (Field::User, self.user.as_deref()),
            (Field::Session, self.session.as_deref()),
            (Field::Environment, self.environment.as_deref()),
        ]
    }

    /// Whether a sealed trace row is wanted. Reads the columns that are asked for.
    pub(super) fn wants_row<D: Dir>(&self, segment: &Segment<D>, row: u32) -> bool {
        self.texts().into_iter().all(|(field, wanted)| {
            wanted.is_none_or(|w| matches(field, segment.trace_text(row, field), w))
        }) && self.tag.as_deref().is_none_or(|tag| segment.trace_tags(row).any(|t| t == tag))
    }

    /// Whether a trace with these fields is wanted.
    pub(super) fn wants(&self, fields: &Fields) -> bool {
        self.texts().into_iter().all(|(field, wanted)| {
            let Some(wanted) = wanted else { return true };
            let session = fields.id(field).map(ToString::to_string);
            matches(field, session.as_deref().or(fields.text(field)), wanted)
        }) && self.tag.as_deref().is_none_or(|tag| fields.tags().iter().any(|t| **t == *tag))
    }
}

fn matches(field: Field, value: Option<&str>, wanted: &str) -> bool {
    let unset = if field == Field::Environment { Some(DEFAULT_ENVIRONMENT) } else { None };
    value.or(unset) == Some(wanted)
}
