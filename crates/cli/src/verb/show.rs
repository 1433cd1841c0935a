//! `show DIR ID [OBSERVATION]`: everything about one trace or observation; `--field` writes the
//! bytes of one field as they were given.

use super::open_to_read;
use crate::args::Show;
use crate::exit::{Exit, Failure};
use crate::json::{self, TraceJson};
use crate::output::Out;
use crate::{fields, format};
use serde_json::{Value as Json, json};
use tracekeep::Snapshot;
use tracekeep::TraceState;
use tracekeep::id::Id;
use tracekeep::merge::{self, Fields, Held};
use tracekeep::model::{Decimal, Field, Level, ObservationKind, Subject, Value};

/// Of a payload on a terminal, in characters.
const PAYLOAD_CHARS: usize = 4_000;

/// What is shown.
enum Shown<'a> {
    Trace(Box<TraceState>),
    Observation { trace: &'a Id, id: &'a Id, fields: Fields },
}

impl Shown<'_> {
    fn fields(&self) -> &Fields {
        match self {
            Shown::Trace(state) => &state.fields,
            Shown::Observation { fields, .. } => fields,
        }
    }
}

pub(super) fn run(args: &Show, out: &mut Out) -> Result<Exit, Failure> {
    let snapshot = open_to_read(&args.dir)?.snapshot();
    let what = find(&snapshot, args)?;
    match args.field {
        Some(field) => write_field(&snapshot, what.fields(), field.into(), out)?,
        None if args.json => out.json(&as_json(&snapshot, &what)?)?,
        None => print(&snapshot, &what, out)?,
    }
    Ok(Exit::Done)
}

fn find<'a>(snapshot: &Snapshot, args: &'a Show) -> Result<Shown<'a>, Failure> {
    let trace = &args.id;
    match &args.observation {
        None => match snapshot.trace_state(trace)? {
            Some(state) => Ok(Shown::Trace(Box::new(state))),
            None => Err(Failure::not_there(format!("trace {trace} is not in the store"))),
        },
        Some(id) => match snapshot.observation(trace, id)? {
            Some(fields) => Ok(Shown::Observation { trace, id, fields }),
            None => Err(Failure::not_there(format!(
                "observation {id} of trace {trace} is not in the store"
            ))),
        },
    }
}

fn write_field(
    snapshot: &Snapshot,
    of: &Fields,
    field: Field,
    out: &mut Out,
) -> Result<(), Failure> {
    match fields::bytes(snapshot, of, field)? {
        Some(bytes) => out.bytes(&bytes),
        None if fields::is_expired(of, field) => {
            Err(Failure::not_there(format!("{} has expired", fields::name(field))))
        }
        None => Err(Failure::not_there(format!("{} was never given", fields::name(field)))),
    }
}

fn scores(snapshot: &Snapshot, what: &Shown<'_>) -> Result<Vec<(Id, Fields)>, Failure> {
    Ok(match what {
        Shown::Trace(state) => snapshot.scores(&state.id)?,
        Shown::Observation { trace, id, .. } => {
            let subject = Subject::Observation((*trace).clone(), (*id).clone());
            snapshot.subject_scores(&subject)?
        }
    })
}

/// An observation's identity, and what is derived from its fields.
fn derived(trace: &Id, id: &Id, of: &Fields) -> Vec<(&'static str, String)> {
    let start = of.time(Field::Start);
    let end = start.and_then(|start| merge::end_applied(start, of.time(Field::End)));
    let mut pairs = vec![("trace", trace.to_string()), ("observation", id.to_string())];
    if let (Some(start), Some(end)) = (start, end) {
        pairs.push(("duration", format::duration(end.since(start))));
    } else if of.time(Field::End).is_none() && of.kind() != Some(ObservationKind::Event) {
        pairs.push(("duration", "open".to_owned()));
    }
    let tokens = merge::tokens(of.usage());
    if tokens.total > 0 {
        pairs.push(("tokens", tokens_shown(tokens)));
    }
    let cost = merge::total_cost(of.cost());
    if cost != Decimal::ZERO {
        pairs.push(("total_cost", cost.to_string()));
    }
    if of.level().is_none() {
        pairs.push(("level", Level::Default.to_string()));
    }
    pairs
}

fn tokens_shown(tokens: merge::Tokens) -> String {
    let merge::Tokens { input, output, total } = tokens;
    let [input, output, total] = [input, output, total].map(format::count);
    format!("{total} ({input} in, {output} out)")
}

fn print(snapshot: &Snapshot, what: &Shown<'_>, out: &mut Out) -> Result<(), Failure> {
    let mut pairs = match what {
        Shown::Observation { trace, id, fields } => derived(trace, id, fields),
        Shown::Trace(state) => {
            let s = &state.summary;
            vec![
                ("trace", state.id.to_string()),
                ("start", format::time(s.start)),
                ("end", format::time(s.end)),
                ("duration", format::duration(s.duration_ns())),
                ("observations", format::count(s.observations)),
                ("open", format::count(s.open)),
                ("errors", format::count(s.errors)),
                ("tokens", tokens_shown(s.tokens)),
                ("cost", s.cost.to_string()),
                ("payload_bytes", format::count(s.payload_bytes)),
            ]
        }
    };
    let of = what.fields();
    for slot in of.slots() {
        if let Some(text) = fields::shown(&slot.value) {
            pairs.push((fields::name(slot.field), text));
        }
    }
    out.pairs(pairs)?;
    print_payloads(snapshot, of, out)?;
    for (id, score) in scores(snapshot, what)? {
        out.line("")?;
        let slots = score.slots().iter();
        let shown = slots.filter_map(|s| Some((fields::name(s.field), fields::shown(&s.value)?)));
        out.pairs(std::iter::once(("score", id.to_string())).chain(shown))?;
        print_payloads(snapshot, &score, out)?;
    }
    Ok(())
}

/// Payloads and maps, whole, but on a terminal only their beginning.
fn print_payloads(snapshot: &Snapshot, of: &Fields, out: &mut Out) -> Result<(), Failure> {
    for slot in of.slots() {
        if !matches!(slot.value, Held::Map(_) | Held::Value(Value::Payload(_))) {
            continue;
        }
        let name = fields::name(slot.field);
        out.line("")?;
        let Some(bytes) = fields::bytes(snapshot, of, slot.field)? else {
            out.line(&format!("{name} (expired)"))?;
            continue;
        };
        out.line(&format!("{name} ({} bytes)", format::count(bytes.len() as u64)))?;
        let whole = String::from_utf8_lossy(&bytes);
        let text = if out.is_terminal() {
            format::cut(&whole, PAYLOAD_CHARS)
        } else {
            whole.as_ref().into()
        };
        for line in format::plain_lines(&text).split('\n') {
            out.line(&format!("  {line}"))?;
        }
        if text.len() < whole.len() {
            out.line(&format!("  (cut; --field {name} writes all of it)"))?;
        }
    }
    Ok(())
}

fn as_json(snapshot: &Snapshot, what: &Shown<'_>) -> Result<Json, Failure> {
    let mut object = json::all(snapshot, what.fields())?;
    let mut put = |name: &str, value: Json| object.insert(name.to_owned(), value);
    match what {
        Shown::Trace(state) => {
            // Sums over the observations, and the trace's own fields beside them.
            if let Json::Object(summary) = serde_json::to_value(TraceJson::from(&**state))? {
                for (name, value) in summary {
                    if !value.is_null() {
                        put(&name, value);
                    }
                }
            }
        }
        Shown::Observation { trace, id, fields } => {
            put("trace", json!(trace.to_string()));
            put("id", json!(id.to_string()));
            put("level", json!(fields.level().unwrap_or(Level::Default).as_str()));
            put(
                "tokens",
                serde_json::to_value(json::TokensJson::from(merge::tokens(fields.usage())))?,
            );
            put("total_cost", json!(merge::total_cost(fields.cost()).to_string()));
        }
    }
    put("scores", json::scores(snapshot, &scores(snapshot, what)?)?);
    Ok(Json::Object(object))
}
