//! What every workload needs: an application, a trace with a clock, and observations that are
//! opened, run for a while and closed.

use crate::rng::{Rng, mix};
use crate::text;
use tracekeep::id::Id;
use tracekeep::model::{
    Decimal, Level, Map, MapEntry, ObservationKind, ObservationRecord, Operation, Record,
    ScoreRecord, ScoreSource, ScoreType, Subject, Timestamp, TraceRecord, is_falsy,
};

/// Which generator; keeps the streams of the families apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Family {
    Agent = 1,
    Rag = 2,
    Chat = 3,
    Batch = 4,
    Shape = 5,
    Unrelated = 6,
    Small = 7,
    Arrivals = 8,
    Mixed = 9,
    Steady = 10,
}

impl Family {
    /// The seed of this family under a user's seed.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        mix(seed ^ ((self as u64) << 56))
    }
}

/// A model and what a token costs, in units of 1e-12.
struct Model {
    name: &'static str,
    input: i128,
    output: i128,
    parameters: &'static str,
}

const MODELS: [Model; 4] = [
    Model {
        name: "gpt-4o-2024-08-06",
        input: 2_500_000,
        output: 10_000_000,
        parameters: "{\"temperature\":0.2,\"max_tokens\":4096}",
    },
    Model {
        name: "claude-sonnet-4-20250514",
        input: 3_000_000,
        output: 15_000_000,
        parameters: "{\"max_tokens\":8192,\"temperature\":1}",
    },
    Model {
        name: "gpt-4o-mini",
        input: 150_000,
        output: 600_000,
        parameters: "{\"temperature\":0}",
    },
    Model {
        name: "meta-llama/Llama-3.3-70B-Instruct",
        input: 230_000,
        output: 400_000,
        parameters: "{\"temperature\":0.7,\"top_p\":0.95,\"seed\":42}",
    },
];
const FAILURES: [&str; 4] = [
    "429 Too Many Requests: rate limit reached, retry after 20 s",
    "context deadline exceeded",
    "503 Service Unavailable: upstream connect error or disconnect before headers",
    "ValidationError: 1 validation error for ToolArguments: field required (type=missing)",
];
const APPS: usize = 8;

/// An application that is traced: what all of its traces share.
pub(crate) struct App {
    pub(crate) name: String,
    /// System prompt of 2 to 6 KB, as the inside of a JSON string.
    pub(crate) prompt: String,
    pub(crate) number: usize,
    release: String,
    environment: &'static str,
}

impl App {
    /// The `number`-th of eight of a family.
    fn new(family_seed: u64, number: usize) -> App {
        let mut rng = Rng::stream(family_seed, u64::MAX - number as u64);
        let mut name = String::new();
        text::word(&mut rng, &mut name);
        name.push_str("-assistant");
        let mut prompt = String::from("# Instructions\\n\\n");
        let bytes = rng.between(2_000, 5_900);
        text::prose(&mut rng, &mut prompt, bytes);
        let release = format!("v{}.{}.{}", rng.below(4), rng.below(30), rng.below(10));
        let environment = rng.pick(&["production", "production", "production", "staging"]);
        App { name, prompt, number, release, environment }
    }

    fn model(&self) -> &'static Model {
        &MODELS[self.number % MODELS.len()]
    }
}

/// An observation while it runs.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: Id,
    parent: Option<Id>,
    kind: ObservationKind,
    name: &'static str,
    start: Timestamp,
}

/// A trace while it is made.
pub(crate) struct Maker {
    pub(crate) rng: Rng,
    pub(crate) app: App,
    pub(crate) trace: Id,
    pub(crate) now: Timestamp,
    pub(crate) records: Vec<Record>,
    hex: bool,
}

impl Maker {
    /// The `n`-th trace of a family.
    pub(crate) fn new(family: Family, seed: u64, n: u64, start: Timestamp) -> Maker {
        let seed = family.seed(seed);
        let mut rng = Rng::stream(seed, n);
        let app = App::new(seed, rng.zipf(3) % APPS);
        let hex = !rng.chance(60);
        let trace = Id::hex32(0);
        let mut maker = Maker { rng, app, trace, now: start, records: Vec::new(), hex };
        maker.next_trace();
        maker
    }

    /// Goes on with a new trace of the same application.
    pub(crate) fn next_trace(&mut self) {
        let bits = self.rng.next_u128();
        self.trace = if self.hex { Id::hex32(bits) } else { Id::uuid(bits) };
    }

    /// A new observation id: hex, or a UUID where the trace's is one.
    pub(crate) fn id(&mut self) -> Id {
        if self.hex { self.rng.hex16() } else { Id::uuid(self.rng.next_u128()) }
    }

    /// Lets `low` to `high` milliseconds pass; one time in four some nanoseconds as well.
    pub(crate) fn pass(&mut self, low: u64, high: u64) {
        let ms = self.rng.between(low, high);
        let ns = if self.rng.chance(250) { self.rng.below(1_000_000) } else { 0 };
        self.now = Timestamp(self.now.0.saturating_add((ms * 1_000_000 + ns) as i64));
    }

    pub(crate) fn push(&mut self, record: impl Into<Record>) {
        self.records.push(record.into());
    }

    /// Opens an observation now.
    pub(crate) fn open(
        &mut self,
        parent: Option<&Node>,
        kind: ObservationKind,
        name: &'static str,
    ) -> Node {
        let parent = parent.map(|p| p.id.clone());
        Node { id: self.id(), parent, kind, name, start: self.now }
    }

    /// The record of an observation that ends now, without payloads.
    pub(crate) fn close(&self, node: &Node) -> ObservationRecord {
        let record = self.happened(node, self.now).end(self.now);
        if node.kind == ObservationKind::Generation { self.with_model(record) } else { record }
    }

    /// The record of an observation without an end: an event, or one still open.
    pub(crate) fn happened(&self, node: &Node, sent: Timestamp) -> ObservationRecord {
        let trace = self.trace.clone();
        let record = ObservationRecord::new(trace, node.id.clone(), sent, Operation::Create)
            .kind(node.kind)
            .name(node.name)
            .start(node.start)
            .environment(self.app.environment)
            .version(self.app.release.as_str());
        match &node.parent {
            Some(parent) => record.parent(parent.clone()),
            None => record,
        }
    }

    fn with_model(&self, record: ObservationRecord) -> ObservationRecord {
        let model = self.app.model();
        record
            .model(model.name)
            .model_parameters(model.parameters)
            .prompt_name(self.app.name.as_str())
            .prompt_version(self.app.number as u64 + 1)
    }

    /// Usage and cost by the length of what was sent and what came back, and when it began to
    /// come.
    pub(crate) fn metered(
        &mut self,
        record: ObservationRecord,
        node: &Node,
        sent: usize,
        came: usize,
    ) -> ObservationRecord {
        let (input, output) = (sent as u64 / 4 + 3, came as u64 / 4 + 1);
        let model = self.app.model();
        let price = |tokens: u64, each: i128| Decimal(i128::from(tokens) * each);
        let (in_cost, out_cost) = (price(input, model.input), price(output, model.output));
        let mut usage = vec![("input".into(), input), ("output".into(), output)];
        if self.app.number.is_multiple_of(2) {
            usage.push(("cache_read_input_tokens".into(), input / 2));
        }
        usage.push(("total".into(), input + output));
        let cost = vec![
            ("input".into(), in_cost),
            ("output".into(), out_cost),
            ("total".into(), in_cost.plus(out_cost)),
        ];
        let first = self.now.since(node.start) / (2 + self.rng.below(4) as i64);
        record.usage(usage).cost(cost).completion_start(Timestamp(node.start.0 + first))
    }

    /// Marks a record as failed.
    pub(crate) fn failed(&mut self, record: ObservationRecord) -> ObservationRecord {
        record.level(Level::Error).status_message(self.rng.pick(&FAILURES))
    }

    /// The trace's first record: its attributes and its input.
    pub(crate) fn begin(&mut self, name: &str, session: Option<Id>, input: &str) {
        let user = format!("user-{:04}", self.rng.zipf(10));
        let mut tags: Vec<Box<str>> = vec![self.app.name.as_str().into()];
        for tag in ["beta", "eu", "paying", "mobile"] {
            if self.rng.chance(300) {
                tags.push(tag.into());
            }
        }
        let (host, build) = (self.rng.below(16), self.rng.below(1000));
        let metadata = map(&[
            ("host", &format!("\"worker-{host}\"")),
            ("build", &build.to_string()),
            ("sdk", "{\"name\":\"python\",\"version\":\"3.2.1\"}"),
        ]);
        let record = TraceRecord::new(self.trace.clone(), self.now, Operation::Create)
            .name(name)
            .timestamp(self.now)
            .user(user)
            .tags(tags)
            .environment(self.app.environment)
            .release(self.app.release.as_str())
            .version("1")
            .metadata(metadata)
            .input(input);
        self.push(match session {
            Some(session) => record.session(session),
            None => record,
        });
    }

    /// The trace's last record: its output.
    pub(crate) fn finish(&mut self, output: &str) {
        let trace = self.trace.clone();
        self.push(TraceRecord::new(trace, self.now, Operation::Update).output(output));
    }

    /// One score of this subject, of a type by chance.
    pub(crate) fn score(&mut self, subject: Subject) {
        self.pass(100, 5_000);
        let id = Id::uuid(self.rng.next_u128());
        let score = ScoreRecord::new(id, subject, self.now, Operation::Create)
            .timestamp(self.now)
            .environment(self.app.environment);
        let thousandths = self.rng.below(1001) as f64;
        let score = match self.rng.below(10) {
            0..=4 => score
                .name("relevance")
                .score_type(ScoreType::Numeric)
                .number(thousandths / 1000.0)
                .source(ScoreSource::Eval),
            5 | 6 => score
                .name("thumbs_up")
                .score_type(ScoreType::Boolean)
                .number(f64::from(u8::from(thousandths > 200.0)))
                .source(ScoreSource::Api),
            7 | 8 => score
                .name("tone")
                .score_type(ScoreType::Categorical)
                .text(self.rng.pick(&["friendly", "neutral", "curt"]))
                .source(ScoreSource::Annotation),
            _ => {
                let mut better = String::from("\"");
                text::prose(&mut self.rng, &mut better, 200);
                better.push('"');
                score
                    .name("output")
                    .score_type(ScoreType::Correction)
                    .correction(better)
                    .source(ScoreSource::Annotation)
                    .author_id("reviewer-1")
            }
        };
        self.push(score);
    }
}

/// Metadata or attributes with these keys, none of which needs escaping, and these JSON texts.
pub(crate) fn map(keys: &[(&str, &str)]) -> Map {
    let mut text = String::from("{");
    let mut entries = Vec::with_capacity(keys.len());
    for (key, json) in keys {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(key);
        text.push_str("\":");
        let start = text.len() as u32;
        text.push_str(json);
        let value = start..text.len() as u32;
        entries.push(MapEntry { key: (*key).into(), value, weak: is_falsy(json.as_bytes()) });
    }
    text.push('}');
    Map { text: text.into_bytes(), entries }
}
