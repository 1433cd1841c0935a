//! Scans: every observation of a time, by columns.

use super::gather::Gathered;
use super::{SegmentView, Snapshot, View};
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Id, Identity};
use crate::merge::{Fields, Tokens};
use crate::model::{Decimal, Field, Level, ObservationKind, TimeRange, Timestamp};
use crate::planted::{self, Bug};
use crate::segment::{RowKind, SkeletonRow, effective_start};

/// A live observation without its payloads, as a scan hands it out. Each method reads the columns
/// that it needs, and what is not asked for is not read.
#[derive(Debug, Clone, Copy)]
pub struct Skeleton<'a>(Source<'a>);

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Sealed(SkeletonRow<'a>),
    Merged { trace: &'a Id, id: &'a Id, fields: &'a Fields },
}

impl<'a> Skeleton<'a> {
    /// The id of its trace; none where the row is damaged.
    pub fn trace(&self) -> Option<Id> {
        match self.0 {
            Source::Sealed(row) => row.trace_id(),
            Source::Merged { trace, .. } => Some(trace.clone()),
        }
    }

    /// Its id; none where the row is damaged.
    pub fn id(&self) -> Option<Id> {
        match self.0 {
            Source::Sealed(row) => row.id(),
            Source::Merged { id, .. } => Some(id.clone()),
        }
    }

    /// When it began.
    pub fn start(&self) -> Timestamp {
        match self.0 {
            Source::Sealed(row) => row.start(),
            Source::Merged { fields, .. } => effective_start(fields),
        }
    }

    /// When it ended, as it was sent; none while it is open.
    pub fn end(&self) -> Option<Timestamp> {
        match self.0 {
            Source::Sealed(row) => row.end(),
            Source::Merged { fields, .. } => fields.time(Field::End),
        }
    }

    /// When the first token came.
    pub fn completion_start(&self) -> Option<Timestamp> {
        match self.0 {
            Source::Sealed(row) => row.completion_start(),
            Source::Merged { fields, .. } => fields.time(Field::CompletionStart),
        }
    }

    /// What it did; SPAN where nobody said.
    pub fn kind(&self) -> ObservationKind {
        let kind = match self.0 {
            Source::Sealed(row) => row.kind(),
            Source::Merged { fields, .. } => fields.kind(),
        };
        kind.unwrap_or(ObservationKind::Span)
    }

    /// How much it matters; DEFAULT where nobody said.
    pub fn level(&self) -> Level {
        let level = match self.0 {
            Source::Sealed(row) => row.level(),
            Source::Merged { fields, .. } => fields.level(),
        };
        level.unwrap_or(Level::Default)
    }

    /// Its name.
    pub fn name(&self) -> Option<&'a str> {
        match self.0 {
            Source::Sealed(row) => row.name(),
            Source::Merged { fields, .. } => fields.text(Field::Name),
        }
    }

    /// Its model.
    pub fn model(&self) -> Option<&'a str> {
        match self.0 {
            Source::Sealed(row) => row.model(),
            Source::Merged { fields, .. } => fields.text(Field::Model),
        }
    }

    /// Its token counts.
    pub fn tokens(&self) -> Tokens {
        match self.0 {
            Source::Sealed(row) => row.tokens(),
            Source::Merged { fields, .. } => fields.tokens(),
        }
    }

    /// Its cost.
    pub fn cost(&self) -> Decimal {
        match self.0 {
            Source::Sealed(row) => row.cost(),
            Source::Merged { fields, .. } => fields.total_cost(),
        }
    }
}

type Each<'e> = dyn FnMut(&Skeleton<'_>) -> Result<()> + 'e;

/// The sealed observations of traces without unsealed records.
fn scan_segment<D: Dir>(
    s: &SegmentView<D>,
    unsealed: &[Identity],
    range: TimeRange,
    each: &mut Each<'_>,
) -> Result<()> {
    let segment = &s.segment;
    segment.check_all_rows(RowKind::Trace)?;
    segment.check_all_rows(RowKind::Observation)?;
    let columns = segment.skeletons();
    for trace in 0..segment.facts().traces {
        // Traces are ordered by start, and no observation starts before its trace.
        let trace_start = segment.trace_start(trace);
        if range.is_over(trace_start) {
            break;
        }
        if !unsealed.is_empty() && !planted::is(Bug::UnsealedScannedTwice) {
            let identity = segment.trace_identity(trace);
            if identity.is_none_or(|id| unsealed.binary_search(&id).is_ok()) {
                continue;
            }
        }
        for row in segment.trace_rows(trace) {
            let row = SkeletonRow { columns: &columns, trace, trace_start, row };
            hand_out(s, row, range, each)?;
        }
    }
    Ok(())
}

/// A sealed row, if it is live and in the range.
fn hand_out<D: Dir>(
    s: &SegmentView<D>,
    row: SkeletonRow<'_>,
    range: TimeRange,
    each: &mut Each<'_>,
) -> Result<()> {
    let live = !s.dead.contains(RowKind::Observation, row.row);
    if live && (range == TimeRange::ALL || range.contains(row.start())) {
        each(&Skeleton(Source::Sealed(row)))?;
    }
    Ok(())
}

/// A trace with unsealed records.
fn scan_gathered<D: Dir>(
    view: &View<D>,
    all: &Gathered,
    range: TimeRange,
    each: &mut Each<'_>,
) -> Result<()> {
    for (at, trace) in &all.holders {
        let s = &view.segments[*at];
        let (columns, trace_start) = (s.segment.skeletons(), s.segment.trace_start(*trace));
        for row in s.segment.observations(*trace)? {
            if s.segment.observation_identity(row).is_some_and(|id| !all.touches(id)) {
                let row = SkeletonRow { columns: &columns, trace: *trace, trace_start, row };
                hand_out(s, row, range, each)?;
            }
        }
    }
    let Some(trace) = all.id(view) else { return Ok(()) };
    for (identity, unsealed) in &all.observations {
        let fields = all.observation(view, *identity)?;
        if let (Some(id), Some(fields)) = (&unsealed.id, &fields)
            && range.contains(effective_start(fields))
        {
            each(&Skeleton(Source::Merged { trace: &trace, id, fields }))?;
        }
    }
    Ok(())
}

impl<F: Fs> Snapshot<F> {
    /// Hands out every observation that starts in this range, in no order to rely on: what sums over
    /// many traces are made of. No payload is touched. Cost: of what is sealed some nanoseconds for
    /// each column that is asked for, of every row of segments in the range; of traces with unsealed
    /// records their merge.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`, or what `each` returns.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> tracekeep::Result<()> {
    /// use std::collections::BTreeMap;
    /// use tracekeep::model::{Decimal, ObservationRecord, Operation, TimeRange, Timestamp};
    /// use tracekeep::{Batch, Id, Store};
    ///
    /// # let dir = std::env::temp_dir().join(format!("tracekeep-scan-{}", std::process::id()));
    /// let store = Store::open(&dir)?;
    /// let mut batch = Batch::new();
    /// for (id, dollars) in [("a", "0.25"), ("b", "0.5")] {
    ///     let (trace, id) = (Id::parse("t")?, Id::parse(id)?);
    ///     let call = ObservationRecord::new(trace, id, Timestamp(1), Operation::Create);
    ///     let cost = Decimal::parse(dollars).unwrap_or_default();
    ///     batch.push(call.model("small").cost(vec![("total".into(), cost)]))?;
    /// }
    /// store.append(batch)?.wait()?;
    ///
    /// let mut by_model: BTreeMap<String, Decimal> = BTreeMap::new();
    /// store.snapshot().scan(TimeRange::ALL, &mut |call| {
    ///     let sum = by_model.entry(call.model().unwrap_or("-").to_owned()).or_default();
    ///     *sum = sum.plus(call.cost());
    ///     Ok(())
    /// })?;
    /// assert_eq!(by_model["small"].to_string(), "0.75");
    /// # store.close()?;
    /// # std::fs::remove_dir_all(&dir).ok();
    /// # Ok(())
    /// # }
    /// ```
    pub fn scan(
        &self,
        range: TimeRange,
        each: &mut dyn FnMut(&Skeleton<'_>) -> Result<()>,
    ) -> Result<()> {
        let view = self.view()?;
        let unsealed = view.unsealed_traces(self.seq());
        for s in &view.segments {
            scan_segment(s, &unsealed, range, each)?;
        }
        for trace in &unsealed {
            let all = Gathered::new(&view, *trace, self.seq())?;
            scan_gathered(&view, &all, range, each)?;
        }
        Ok(())
    }
}
