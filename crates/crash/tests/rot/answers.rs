use std::collections::BTreeMap;
use tracekeep::fs::Fs;
use tracekeep::merge::{Fields, same_state};
use tracekeep::model::Field;
use tracekeep::{ErrorKind, Id, Order, Result, Snapshot, Summary, TraceQuery};

/// What there is to ask for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    pub(crate) traces: Vec<(Id, Vec<Id>)>,
    pub(crate) scores: Vec<Id>,
}

/// What was answered, without where it lies.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Nothing,
    Fields(Vec<(Id, Fields)>),
    Trace(Fields, Summary),
    Bytes(Vec<(String, Vec<u8>)>),
    Text(String),
}

impl Answer {
    fn same(&self, other: &Answer) -> bool {
        match (self, other) {
            (Answer::Nothing, Answer::Nothing) => true,
            (Answer::Fields(a), Answer::Fields(b)) => {
                let same =
                    |(a, b): (&(Id, Fields), &(Id, Fields))| a.0 == b.0 && same_state(&a.1, &b.1);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            (Answer::Trace(a, x), Answer::Trace(b, y)) => same_state(a, b) && x == y,
            (Answer::Bytes(a), Answer::Bytes(b)) => a == b,
            (Answer::Text(a), Answer::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// Answers and errors by question.
pub(crate) type Answers = BTreeMap<String, Result<Answer, ErrorKind>>;

/// Whether the answer is of payload bytes.
pub(crate) fn is_payload(question: &str) -> bool {
    question.starts_with("bytes")
}

/// A question that is answered otherwise; an error is no answer.
pub(crate) fn wrong(answers: &Answers, truth: &Answers) -> Option<String> {
    let differs = |(question, answer): (&String, &Result<Answer, ErrorKind>)| {
        let Ok(answer) = answer else { return None };
        let right =
            truth.get(question).and_then(|t| t.as_ref().ok()).is_some_and(|t| t.same(answer));
        (!right).then(|| format!("{question}: {answer:?}"))
    };
    answers.iter().find_map(differs)
}

/// Asks everything. An error that is no damage fails the test.
pub(crate) fn ask<F: Fs>(snapshot: &Snapshot<F>, known: &Known) -> Answers {
    let mut answers = Answers::new();
    let mut put = |question: String, answer: Result<Answer>| {
        let answer = answer.map_err(|e| {
            assert_eq!(e.kind(), ErrorKind::Corruption, "{question}: {e}");
            e.kind()
        });
        answers.insert(question, answer);
    };
    put("traces in order".into(), list(snapshot));
    put("scores".into(), scores(snapshot));
    for (trace, observations) in &known.traces {
        let state = snapshot.trace_state(trace);
        let own = state.as_ref().ok().and_then(|s| s.as_ref()).map(|s| s.fields.clone());
        let answer =
            state.map(|s| s.map_or(Answer::Nothing, |s| Answer::Trace(s.fields, s.summary)));
        put(format!("trace {trace}"), answer);
        put(format!("tree {trace}"), tree(snapshot, trace));
        put(format!("observations {trace}"), observations_of(snapshot, trace));
        put(format!("bytes of all of {trace}"), payloads(snapshot, trace));
        for (field, fields) in [Field::Input, Field::Metadata].iter().zip(own.iter().cycle()) {
            let bytes = match fields.map(*field) {
                Some(map) => snapshot.map_text(map),
                None => fields.payload(*field).map_or(Ok(None), |p| snapshot.payload(p)),
            };
            put(format!("bytes of {trace}, field {}", field.code()), bytes.map(bytes_of));
        }
        for observation in observations {
            let fields = snapshot.observation(trace, observation);
            let answer = |f: Option<Fields>| match f {
                None => Answer::Nothing,
                Some(fields) => Answer::Fields(vec![(observation.clone(), fields)]),
            };
            put(format!("observation {trace} {observation}"), fields.map(answer));
            let input = snapshot.input(trace, observation).map(bytes_of);
            put(format!("bytes of {trace} {observation}, input"), input);
            let output = snapshot.output(trace, observation).map(bytes_of);
            put(format!("bytes of {trace} {observation}, output"), output);
            let metadata = snapshot.metadata(trace, observation).map(bytes_of);
            put(format!("bytes of {trace} {observation}, metadata"), metadata);
        }
    }
    for score in &known.scores {
        let answer = |f: Option<Fields>| match f {
            None => Answer::Nothing,
            Some(fields) => Answer::Fields(vec![(score.clone(), fields)]),
        };
        put(format!("score {score}"), snapshot.score(score).map(answer));
    }
    answers
}

fn bytes_of(bytes: Option<Vec<u8>>) -> Answer {
    bytes.map_or(Answer::Nothing, |bytes| Answer::Bytes(vec![(String::new(), bytes)]))
}

fn list<F: Fs>(snapshot: &Snapshot<F>) -> Result<Answer> {
    let (order, limit) = (Order::OldestFirst, usize::MAX);
    let page = snapshot.traces(&TraceQuery { order, limit, ..TraceQuery::default() })?;
    let ids: Vec<String> = page.traces.iter().map(|t| t.id.to_string()).collect();
    Ok(Answer::Text(ids.join(", ")))
}

fn scores<F: Fs>(snapshot: &Snapshot<F>) -> Result<Answer> {
    let mut found = Vec::new();
    snapshot.each_score(&mut |id, fields| {
        found.push((id.clone(), fields.clone()));
        Ok(())
    })?;
    Ok(Answer::Fields(found))
}

fn observations_of<F: Fs>(snapshot: &Snapshot<F>, trace: &Id) -> Result<Answer> {
    let mut found = Vec::new();
    snapshot.each_observation(trace, &mut |id, fields| {
        found.push((id.clone(), fields.clone()));
        Ok(())
    })?;
    Ok(Answer::Fields(found))
}

fn payloads<F: Fs>(snapshot: &Snapshot<F>, trace: &Id) -> Result<Answer> {
    let mut found = Vec::new();
    snapshot.payloads(trace, &mut |id, field, bytes| {
        found.push((format!("{id} {}", field.code()), bytes.to_vec()));
        Ok(())
    })?;
    Ok(Answer::Bytes(found))
}

fn tree<F: Fs>(snapshot: &Snapshot<F>, trace: &Id) -> Result<Answer> {
    let Some(tree) = snapshot.trace(trace)? else { return Ok(Answer::Nothing) };
    let mut text = format!("{:?}", tree.anomalies());
    for (node, depth) in tree.walk() {
        let n = tree.node(node).unwrap();
        let (id, parent) = (tree.id(node), tree.parent(node));
        let (name, model) = (tree.name(node), tree.model(node));
        text += &format!(
            "\n{depth} {id:?} {parent:?} {:?} {:?} {} {} {name:?} {model:?} {:?} {}",
            n.start, n.end, n.kind, n.level, n.tokens, n.cost
        );
    }
    Ok(Answer::Text(text))
}
