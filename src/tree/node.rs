use super::Tokens;
use crate::id::Identity;
use crate::model::{Decimal, Level, ObservationKind, Timestamp};

/// A skeleton: an observation without its payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The observation's identity in this store.
    pub identity: Identity,
    /// The parent that the sender named. Where the tree had to cut, [`Tree::parent`] differs.
    ///
    /// [`Tree::parent`]: super::Tree::parent
    pub link: Link,
    /// When it began.
    pub start: Timestamp,
    /// When it ended, as it was sent; none while it is open.
    pub end: Option<Timestamp>,
    /// When the first token came.
    pub completion_start: Option<Timestamp>,
    /// What it did; SPAN where nobody said.
    pub kind: ObservationKind,
    /// How much it matters; DEFAULT where nobody said.
    pub level: Level,
    /// Its name.
    pub name: TextRef,
    /// Its model.
    pub model: TextRef,
    /// Token counts of this observation alone.
    pub tokens: Tokens,
    /// Cost of this observation alone.
    pub cost: Decimal,
    /// Where the skeleton came from.
    pub place: Place,
}

impl Node {
    /// The last moment that is known of it: the end, never before the start; the start while it
    /// is open.
    pub fn last(&self) -> Timestamp {
        self.end.map_or(self.start, |end| end.max(self.start))
    }

    /// Nanoseconds from start to end, at least zero; none while it is open.
    pub fn duration(&self) -> Option<i64> {
        self.end.map(|_| self.last().since(self.start))
    }
}

/// The parent that a node names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// None.
    Root,
    /// The node with this number.
    Node(u32),
    /// An observation that is not there (yet). Building turns it into `Node` if it is.
    Missing(Identity),
}

/// A text of a [`Tree`](super::Tree), or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextRef(pub u32);

impl TextRef {
    /// No text.
    pub const NONE: TextRef = TextRef(u32::MAX);
}

/// Where a skeleton came from. Opaque: the store uses it to find the payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The segment, or [`Place::UNSEALED`].
    pub segment: u64,
    /// The row in it.
    pub row: u32,
}

impl Place {
    /// The segment of what lies in no segment yet.
    pub const UNSEALED: u64 = u64::MAX;
}
