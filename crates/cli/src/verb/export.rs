//! `export DIR`: the merged state as Langfuse ingestion events, a line each.
//!
//! ```text
//! for each trace, by start, then id:    the trace's event, where it has fields of its own
//!                                       its observations, by start, then id
//!                                       its scores, by id
//! then the scores without a trace that is in the store, by id
//! ```
//!
//! The order does not depend on how the pieces came, and importing an export gives the same
//! export. Memory is that of one page of traces (more where
//! more begin at one instant) and one record.

use super::open_to_read;
use crate::args::Export;
use crate::exit::{Exit, Failure, Through};
use crate::fields::bytes;
use crate::output::Out;
use crate::progress::Progress;
use tracekeep::id::Id;
use tracekeep::merge::Fields;
use tracekeep::model::Field;
use tracekeep::{Order, Snapshot, TraceQuery, TraceState};
use tracekeep_langfuse::{
    ObservationOut, ScoreOut, TraceOut, observation_event, score_event, trace_event,
};

/// Traces asked for at once.
const PAGE: usize = 256;

pub(super) fn run(args: &Export, out: &mut Out) -> Result<Exit, Failure> {
    let store = open_to_read(&args.dir)?;
    let bar = Progress::things("exporting", Some(store.stats()?.traces));
    events(&store.snapshot(), &bar, &mut |line| out.bytes(line))?;
    Ok(Exit::Done)
}

/// Where events go, a line each.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Failure>;

/// Hands out all that a snapshot holds, until `out` fails.
pub(super) fn events(snapshot: &Snapshot, bar: &Progress, out: Sink<'_>) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut query = TraceQuery { order: Order::OldestFirst, limit: PAGE, ..TraceQuery::default() };
    let mut done = 0;
    // Traces of one start: a list orders them as the store does, an export by id.
    let mut same: Vec<TraceState> = Vec::new();
    loop {
        let page = snapshot.traces(&query)?;
        for state in page.traces {
            if same.first().is_some_and(|first| first.summary.start != state.summary.start) {
                export_same(snapshot, &mut same, &mut line, out)?;
            }
            same.push(state);
            done += 1;
            bar.at(done);
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    export_same(snapshot, &mut same, &mut line, out)?;
    scores_without_trace(snapshot, &mut line, out)
}

fn export_same(
    snapshot: &Snapshot,
    same: &mut Vec<TraceState>,
    line: &mut Vec<u8>,
    out: Sink<'_>,
) -> Result<(), Failure> {
    same.sort_by(|a, b| a.id.cmp(&b.id));
    same.drain(..).try_for_each(|state| export_trace(snapshot, &state, line, out))
}

fn export_trace(
    snapshot: &Snapshot,
    state: &TraceState,
    line: &mut Vec<u8>,
    out: Sink<'_>,
) -> Result<(), Failure> {
    if !state.fields.is_empty() {
        write(line, out, |line| trace(snapshot, state, line))?;
    }
    let mut through = Through::default();
    let result = snapshot.each_observation(&state.id, &mut |id, fields| {
        let written = write(line, out, |line| observation(snapshot, &state.id, id, fields, line));
        through.stop_at(written)
    });
    through.finish(result)?;
    for (id, fields) in snapshot.scores(&state.id)? {
        write(line, out, |line| score(snapshot, &id, &fields, line))?;
    }
    Ok(())
}

fn scores_without_trace(
    snapshot: &Snapshot,
    line: &mut Vec<u8>,
    out: Sink<'_>,
) -> Result<(), Failure> {
    let mut through = Through::default();
    let result = snapshot.each_score(&mut |id, fields| {
        if let Some(trace) = fields.subject().and_then(|subject| subject.trace())
            && snapshot.trace_state(trace)?.is_some()
        {
            return Ok(());
        }
        through.stop_at(write(line, out, |line| score(snapshot, id, fields, line)))
    });
    through.finish(result)
}

/// Writes what `event` makes.
fn write(
    line: &mut Vec<u8>,
    out: Sink<'_>,
    event: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    line.clear();
    event(line)?;
    out(line)
}

/// A list where it was given, though it may be empty.
fn given<'a, T>(of: &Fields, field: Field, list: &'a [T]) -> Option<&'a [T]> {
    of.slot(field).map(|_| list)
}

fn trace(snapshot: &Snapshot, state: &TraceState, line: &mut Vec<u8>) -> Result<(), Failure> {
    let TraceState { id, fields: of, summary } = state;
    let get = |field| bytes(snapshot, of, field);
    let (input, output) = (get(Field::Input)?, get(Field::Output)?);
    let (metadata, attributes) = (get(Field::Metadata)?, get(Field::Attributes)?);
    let event = TraceOut {
        // Its observations may be all that said when it happened. An importer would take the
        // event's time, and the trace would move.
        timestamp: Some(of.time(Field::Timestamp).unwrap_or(summary.start)),
        name: of.text(Field::Name),
        user: of.text(Field::User),
        session: of.id(Field::Session),
        tags: given(of, Field::Tags, of.tags()),
        version: of.text(Field::Version),
        release: of.text(Field::Release),
        environment: of.text(Field::Environment),
        public: of.bool(Field::Public),
        external_id: of.text(Field::ExternalId),
        metadata: metadata.as_deref(),
        attributes: attributes.as_deref(),
        input: input.as_deref(),
        output: output.as_deref(),
        ..TraceOut::new(id, of.last_time())
    };
    trace_event(&event, line);
    Ok(())
}

fn observation(
    snapshot: &Snapshot,
    trace: &Id,
    id: &Id,
    of: &Fields,
    line: &mut Vec<u8>,
) -> Result<(), Failure> {
    let get = |field| bytes(snapshot, of, field);
    let (input, output) = (get(Field::Input)?, get(Field::Output)?);
    let (metadata, attributes) = (get(Field::Metadata)?, get(Field::Attributes)?);
    let event = ObservationOut {
        kind: of.kind(),
        name: of.text(Field::Name),
        parent: of.id(Field::Parent),
        // As it is ordered and shown. An importer would take the event's time, which is later.
        start: Some(of.time(Field::Start).unwrap_or_else(|| of.first_time())),
        end: of.time(Field::End),
        completion_start: of.time(Field::CompletionStart),
        level: of.level(),
        status_message: of.text(Field::StatusMessage),
        version: of.text(Field::Version),
        release: of.text(Field::Release),
        environment: of.text(Field::Environment),
        model: of.text(Field::Model),
        model_parameters: of.text(Field::ModelParameters),
        usage: given(of, Field::Usage, of.usage()),
        cost: given(of, Field::Cost, of.cost()),
        prompt_name: of.text(Field::PromptName),
        prompt_version: of.number(Field::PromptVersion),
        user: of.text(Field::User),
        session: of.id(Field::Session),
        tags: given(of, Field::Tags, of.tags()),
        metadata: metadata.as_deref(),
        attributes: attributes.as_deref(),
        input: input.as_deref(),
        output: output.as_deref(),
        ..ObservationOut::new(trace, id, of.last_time())
    };
    observation_event(&event, line);
    Ok(())
}

fn score(snapshot: &Snapshot, id: &Id, of: &Fields, line: &mut Vec<u8>) -> Result<(), Failure> {
    // A score without subject cannot be sent; the engine takes none.
    let Some(subject) = of.subject() else { return Ok(()) };
    let get = |field| bytes(snapshot, of, field);
    let (metadata, attributes) = (get(Field::Metadata)?, get(Field::Attributes)?);
    let correction = get(Field::Correction)?;
    let event = ScoreOut {
        timestamp: of.time(Field::Timestamp),
        name: of.text(Field::Name),
        score_type: of.score_type(),
        number: of.float(Field::ScoreNumber),
        text: of.text(Field::ScoreText),
        correction: correction.as_deref(),
        source: of.score_source(),
        comment: of.text(Field::Comment),
        environment: of.text(Field::Environment),
        config_id: of.text(Field::ConfigId),
        queue_id: of.text(Field::QueueId),
        author_id: of.text(Field::AuthorId),
        execution_trace: of.text(Field::ExecutionTrace),
        metadata: metadata.as_deref(),
        attributes: attributes.as_deref(),
        ..ScoreOut::new(id, subject, of.last_time())
    };
    score_event(&event, line);
    Ok(())
}
