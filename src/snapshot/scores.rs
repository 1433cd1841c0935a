//! Scores: by id, by what they are about.

use super::{Snapshot, View};
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Form, Id, Identity, Seq};
use crate::merge::Fields;
use crate::model::{Body, Field, Subject, Target, Value};
use crate::segment::RowKind;

/// A score's live state.
///
/// # Errors
/// `Corruption`.
pub fn score_of<D: Dir>(
    view: &View<D>,
    identity: Identity,
    seq: Seq,
) -> Result<Option<(Id, Fields)>> {
    let mut id = None;
    let mut fields = Fields::new();
    if let Some((at, row)) = view.live_score(identity, |_| true)? {
        let segment = &view.segments[at].segment;
        fields = segment.score_fields(row, &mut LastBlock::default())?;
        id = segment.score_id(row);
    }
    // A tombstone of the trace hides what was sealed, which is older than any unsealed record.
    if let Some(trace) = fields.subject().and_then(Subject::trace)
        && erased(view, trace, seq).is_some()
    {
        fields = Fields::new();
    }
    for log in &view.logs {
        for appended in log.score(identity, seq)? {
            if let Target::Score { score } = &appended.record.target {
                id = Some(score.clone());
            }
            if appended.record.body == Body::Tombstone {
                fields = Fields::new();
                continue;
            }
            let subject = appended.record.fields().iter().find(|f| f.field == Field::Subject);
            let trace = match subject.map(|f| &f.value) {
                Some(Value::Subject(subject)) => subject.trace(),
                _ => None,
            };
            if trace.and_then(|t| erased(view, t, seq)).is_some_and(|at| at > appended.seq) {
                continue;
            }
            fields.merge(Fields::from_record(appended.record));
        }
    }
    Ok(id.filter(|_| !fields.is_empty()).map(|id| (id, fields)))
}

/// Scores whose state may differ from their sealed rows: those that unsealed records say
/// something of, and those of traces that unsealed tombstones erase. Sorted.
///
/// # Errors
/// `Corruption`.
pub fn touched_scores<D: Dir>(view: &View<D>, seq: Seq) -> Result<Vec<Identity>> {
    let mut ids: Vec<Identity> = Vec::new();
    for log in &view.logs {
        ids.extend(log.scores(seq));
        for trace in log.erased_traces() {
            ids.extend(view.scores_about(Subject::Trace(trace).lookup_hash(&view.key))?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The last unsealed tombstone of a trace.
fn erased<D: Dir>(view: &View<D>, trace: &Id, seq: Seq) -> Option<Seq> {
    let identity = view.key.identity(trace);
    view.logs.iter().filter_map(|log| log.trace_erased(identity, seq)).max()
}

impl<F: Fs> Snapshot<F> {
    /// A score, if it is there. Cost: one probe of each merged index, and one block of details.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn score(&self, score: &Id) -> Result<Option<Fields>> {
        let view = self.view()?;
        let found = score_of(&view, view.key.identity(score), self.seq())?;
        Ok(found.map(|(_, fields)| fields))
    }

    /// The scores of a trace and of its observations, by id.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn scores(&self, trace: &Id) -> Result<Vec<(Id, Fields)>> {
        let view = self.view()?;
        let mut scores =
            about(&view, Subject::Trace(trace.clone()).lookup_hash(&view.key), self.seq())?;
        scores.retain(|(_, f)| f.subject().and_then(Subject::trace) == Some(trace));
        Ok(scores)
    }

    /// The scores of a trace, an observation, a session or an experiment run, by id.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn subject_scores(&self, subject: &Subject) -> Result<Vec<(Id, Fields)>> {
        let view = self.view()?;
        let mut scores = about(&view, subject.lookup_hash(&view.key), self.seq())?;
        scores.retain(|(_, f)| f.subject() == Some(subject));
        Ok(scores)
    }

    /// Hands out every live score of the store, by id. Memory: 40 bytes a score.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`, or what `each` returns.
    pub fn each_score(&self, each: &mut dyn FnMut(&Id, &Fields) -> Result<()>) -> Result<()> {
        let view = self.view()?;
        let mut ids: Vec<Identity> = Vec::new();
        for s in &view.segments {
            s.segment.check_all_rows(RowKind::Score)?;
            let live =
                (0..s.segment.facts().scores).filter(|r| !s.dead.contains(RowKind::Score, *r));
            ids.extend(live.filter_map(|row| s.segment.score_identity(row)));
        }
        view.logs.iter().for_each(|log| ids.extend(log.scores(self.seq())));
        ids.sort_unstable();
        ids.dedup();
        // Identities of texts are hashes, which differ from store to store; texts come first.
        let texts = ids.partition_point(|id| id.form == Form::Text);
        let mut named = Vec::with_capacity(texts);
        for identity in &ids[..texts] {
            let found = score_of(&view, *identity, self.seq())?;
            named.extend(found.map(|(id, _)| (id, *identity)));
        }
        named.sort_unstable();
        let ordered = named.iter().map(|(_, identity)| identity).chain(&ids[texts..]);
        for identity in ordered {
            if let Some((id, fields)) = score_of(&view, *identity, self.seq())? {
                each(&id, &fields)?;
            }
        }
        Ok(())
    }
}

fn about<D: Dir>(view: &View<D>, hash: u64, seq: Seq) -> Result<Vec<(Id, Fields)>> {
    let mut ids: Vec<Identity> = view.scores_about(hash)?;
    view.logs.iter().for_each(|log| ids.extend(log.subject_scores(hash)));
    ids.sort_unstable();
    ids.dedup();
    let mut scores = Vec::new();
    for identity in ids {
        scores.extend(score_of(view, identity, seq)?);
    }
    scores.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(scores)
}
