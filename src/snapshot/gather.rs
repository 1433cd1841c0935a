//! Everything of one trace, from wherever it lies.

use super::{SegmentView, View};
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::Dir;
use crate::id::{Id, Identity, Seq};
use crate::merge::Fields;
use crate::model::{Body, Target, Timestamp};
use crate::segment::RowKind;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// What unsealed records say of an observation.
#[derive(Debug, Default)]
pub struct Unsealed {
    /// Its id.
    pub id: Option<Id>,
    /// What the records after the last tombstone say.
    pub fields: Fields,
    /// Whether a tombstone hides its sealed row.
    pub erased: bool,
}

/// Everything of one trace.
#[derive(Debug)]
pub struct Gathered {
    /// Which trace.
    pub identity: Identity,
    /// Segments that hold anything of it and its row there, oldest first.
    pub holders: Vec<(usize, u32)>,
    /// What unsealed records say of the trace itself.
    pub trace: Unsealed,
    /// What unsealed records say of its observations.
    pub observations: BTreeMap<Identity, Unsealed>,
    /// Whether there are unsealed records at all.
    pub has_records: bool,
    /// The live sealed rows of observations that unsealed records say something of.
    touched: HashMap<Identity, Sealed>,
    /// Sealed observations of a trace lie together.
    details: RefCell<LastBlock>,
}

/// A sealed row of an observation.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    /// Which segment of the view.
    pub at: usize,
    /// Its row there.
    pub row: u32,
    /// The start that the row's start counts from.
    pub trace_start: Timestamp,
}

/// Observation rows of a segment, and the start that theirs count from.
pub type SealedRows<'v, D> = (&'v SegmentView<D>, Range<u32>, Timestamp);

/// So many touched observations are looked up one by one; more are found in one pass.
const LOOKED_UP_MAX: usize = 4;

impl Gathered {
    /// Gathers a trace from a view up to a seq.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn new<D: Dir>(view: &View<D>, identity: Identity, seq: Seq) -> Result<Gathered> {
        let mut all = Gathered {
            identity,
            holders: view.holders(identity)?,
            trace: Unsealed::default(),
            observations: BTreeMap::new(),
            has_records: false,
            touched: HashMap::new(),
            details: RefCell::default(),
        };
        for log in &view.logs {
            log.each_of_trace(identity, seq, &mut |appended| all.apply(view, appended.record))?;
        }
        all.find_touched(view)?;
        Ok(all)
    }

    fn find_touched<D: Dir>(&mut self, view: &View<D>) -> Result<()> {
        if self.observations.is_empty() {
            return Ok(());
        }
        for (at, trace_row) in &self.holders {
            let s = &view.segments[*at];
            let (rows, trace_start) =
                (s.segment.observations(*trace_row)?, s.segment.trace_start(*trace_row));
            let live = |row: &u32| !s.dead.contains(RowKind::Observation, *row);
            let mut found = |identity, row| {
                self.touched.insert(identity, Sealed { at: *at, row, trace_start });
            };
            if self.observations.len() <= LOOKED_UP_MAX {
                for identity in self.observations.keys() {
                    let row = s.segment.find_observation(rows.clone(), *identity).filter(live);
                    row.into_iter().for_each(|row| found(*identity, row));
                }
                continue;
            }
            for (i, identity) in s.segment.observation_identities(rows.clone()).iter().enumerate() {
                let row = rows.start + i as u32;
                if self.observations.contains_key(identity) && live(&row) {
                    found(*identity, row);
                }
            }
        }
        Ok(())
    }

    /// The live sealed row of an observation that unsealed records say something of, also where
    /// they erase it.
    pub fn sealed_touched(&self, identity: Identity) -> Option<Sealed> {
        self.touched.get(&identity).copied()
    }

    fn apply<D: Dir>(
        &mut self,
        view: &View<D>,
        record: crate::model::Record<crate::model::PayloadRef>,
    ) {
        self.has_records = true;
        let erase = record.body == Body::Tombstone;
        let unsealed = match &record.target {
            Target::Trace { trace } => {
                self.trace.id = Some(trace.clone());
                if erase {
                    self.observations.clear();
                    self.holders.clear();
                }
                &mut self.trace
            }
            Target::Observation { trace, observation } => {
                self.trace.id = Some(trace.clone());
                let unsealed = self.observations.entry(view.key.identity(observation)).or_default();
                unsealed.id = Some(observation.clone());
                unsealed
            }
            Target::Score { .. } => return,
        };
        if erase {
            unsealed.fields = Fields::new();
            unsealed.erased = true;
        } else {
            unsealed.fields.merge(Fields::from_record(record));
        }
    }

    /// Whether nothing of the trace is there, but for a sealed row of which everything may have been
    /// erased since. Whatever is sealed of a trace has a live trace row.
    pub fn is_empty<D: Dir>(&self, view: &View<D>) -> bool {
        self.trace.fields.is_empty()
            && self.observations.values().all(|o| o.fields.is_empty())
            && self.live_row(view).is_none()
    }

    /// The trace's own live sealed row.
    pub fn live_row<'v, D: Dir>(&self, view: &'v View<D>) -> Option<(&'v SegmentView<D>, u32)> {
        if self.trace.erased {
            return None;
        }
        let live = |(at, row): &(usize, u32)| {
            let s = view.segments.get(*at)?;
            (!s.dead.contains(RowKind::Trace, *row)).then_some((s, *row))
        };
        self.holders.iter().rev().find_map(live)
    }

    /// The trace's id.
    pub fn id<D: Dir>(&self, view: &View<D>) -> Option<Id> {
        self.trace.id.clone().or_else(|| {
            let (at, row) = self.holders.first()?;
            view.segments.get(*at)?.segment.trace_id(*row)
        })
    }

    /// The live sealed row of one observation: its segment, row, and its trace row's start.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn sealed_observation<'v, D: Dir>(
        &self,
        view: &'v View<D>,
        identity: Identity,
    ) -> Result<Option<(&'v SegmentView<D>, u32, Timestamp)>> {
        if let Some(unsealed) = self.observations.get(&identity) {
            let sealed = self.sealed_touched(identity).filter(|_| !unsealed.erased);
            let at = |sealed: Sealed| Some((view.segments.get(sealed.at)?, sealed));
            let found = sealed.and_then(at);
            return Ok(found.map(|(s, sealed)| (s, sealed.row, sealed.trace_start)));
        }
        for (at, trace_row) in self.holders.iter().rev() {
            let Some(s) = view.segments.get(*at) else { continue };
            let rows = s.segment.observations(*trace_row)?;
            let row = s.segment.find_observation(rows, identity);
            if let Some(row) = row.filter(|row| !s.dead.contains(RowKind::Observation, *row)) {
                return Ok(Some((s, row, s.segment.trace_start(*trace_row))));
            }
        }
        Ok(None)
    }

    /// Sealed rows of the trace's observations, segment by segment, and the start they count
    /// from.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn sealed_rows<'v, D: Dir>(&self, view: &'v View<D>) -> Result<Vec<SealedRows<'v, D>>> {
        let held = self.holders.iter().filter_map(|(at, row)| Some((view.segments.get(*at)?, row)));
        held.map(|(s, row)| Ok((s, s.segment.observations(*row)?, s.segment.trace_start(*row))))
            .collect()
    }

    /// Whether unsealed records say anything of this observation.
    pub fn touches(&self, identity: Identity) -> bool {
        self.observations.contains_key(&identity)
    }

    /// The fields of an observation's sealed row.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn sealed_fields<D: Dir>(
        &self,
        s: &SegmentView<D>,
        row: u32,
        trace_start: Timestamp,
    ) -> Result<Fields> {
        s.segment.observation_fields(row, trace_start, &mut self.details.borrow_mut())
    }

    /// The merged fields of an observation; lent, where nothing is sealed of it.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn observation<D: Dir>(
        &self,
        view: &View<D>,
        identity: Identity,
    ) -> Result<Option<Cow<'_, Fields>>> {
        let unsealed = self.observations.get(&identity).map(|unsealed| &unsealed.fields);
        let fields = match (self.sealed_observation(view, identity)?, unsealed) {
            (Some((s, row, start)), unsealed) => {
                let mut fields = self.sealed_fields(s, row, start)?;
                unsealed.into_iter().for_each(|newer| fields.merge(newer.clone()));
                Cow::Owned(fields)
            }
            (None, Some(unsealed)) => Cow::Borrowed(unsealed),
            (None, None) => return Ok(None),
        };
        Ok((!fields.is_empty()).then_some(fields))
    }

    /// The merged fields of the trace itself. `last` is of details of traces alone.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn trace_fields<D: Dir>(&self, view: &View<D>, last: &mut LastBlock) -> Result<Fields> {
        let mut fields = match self.live_row(view) {
            Some((s, row)) => s.segment.trace_fields(row, last)?,
            None => Fields::new(),
        };
        fields.merge(self.trace.fields.clone());
        Ok(fields)
    }
}
