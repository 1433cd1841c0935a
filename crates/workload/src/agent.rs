//! Agent loops: a model is called with the whole conversation so far, asks for a tool, and is
//! called again with the tool's answer appended.
//!
//! ```text
//! AGENT agent_run
//! |- GENERATION llm_call   input [system, user]
//! |- TOOL search_orders
//! |- GENERATION llm_call   input [system, user, assistant, tool]
//! |- TOOL ...
//! `- GENERATION llm_call   input [system, user, assistant, tool, ..., tool]
//! ```

use crate::maker::{Family, Maker, Node, map};
use crate::rng::Rng;
use crate::text;
use std::ops::RangeInclusive;
use tracekeep::model::{Level, ObservationKind, Record, Subject, Timestamp};

/// How an agent writes the conversation that it sends again with every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// A JSON array that only grows: each input but its `]` is a prefix of the next.
    Growing,
    /// A cache marker moves to the newest messages, and tool answers older than three calls are
    /// cut down: inputs differ early and agree later.
    Rewriting,
    /// As `Growing`, inside of an object: `{"messages":[...],"stream":false}`.
    Wrapped,
    /// As `Growing`, as one JSON string that holds the array's text.
    Encoded,
    /// Old text in a new wrapping each time: the inside of a string that begins with how many
    /// messages there are, so that no input is a prefix of the next, nor starts as it does.
    Retold,
}

/// What an agent is like.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// How often the model is called, but for retries.
    pub calls: RangeInclusive<u64>,
    /// How long a tool's answer is, in bytes; each order of magnitude is about as likely.
    pub answer_bytes: RangeInclusive<u64>,
    /// How the conversation is written.
    pub history: History,
}

impl Default for AgentOptions {
    /// 4 to 20 calls, answers of 200 B to 20 KB, a history that grows.
    fn default() -> AgentOptions {
        AgentOptions { calls: 4..=20, answer_bytes: 200..=20_000, history: History::Growing }
    }
}

const TOOLS: [&str; 6] =
    ["search_orders", "read_file", "run_sql", "web_search", "get_user_details", "run_tests"];
/// Tool answers are cut to about this many bytes where old ones are.
const CUT_BYTES: u64 = 160;

struct Message {
    /// The JSON object without its last brace.
    open: String,
    /// Of a tool's answer, where it may be cut.
    cut: Option<usize>,
}

/// The conversation so far.
struct Conversation {
    history: History,
    messages: Vec<Message>,
}

impl Conversation {
    fn push(&mut self, open: String, cut: Option<usize>) {
        let open = match self.history {
            History::Encoded | History::Retold => {
                let mut escaped = String::new();
                text::escape(&open, &mut escaped);
                escaped
            }
            _ => open,
        };
        self.messages.push(Message { open, cut });
    }

    /// The input of the next call.
    fn input(&self) -> String {
        let retold = format!("{{\"turn\":{},\"transcript\":\"[", self.messages.len());
        let (before, after) = match self.history {
            History::Growing | History::Rewriting => ("[", "]"),
            History::Wrapped => ("{\"messages\":[", "],\"stream\":false}"),
            History::Encoded => ("\"[", "]\""),
            History::Retold => (retold.as_str(), "]\"}"),
        };
        let bytes: usize = self.messages.iter().map(|m| m.open.len() + 48).sum();
        let mut out = String::with_capacity(bytes + 64);
        out.push_str(before);
        for (at, message) in self.messages.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let age = self.messages.len() - at;
            match message.cut {
                Some(cut) if self.history == History::Rewriting && age > 6 => {
                    out.push_str(&message.open[..cut]);
                    out.push_str("... [truncated]\"");
                }
                _ => out.push_str(&message.open),
            }
            if self.history == History::Rewriting && (age <= 2 || at == 0) {
                out.push_str(",\"cache_control\":{\"type\":\"ephemeral\"}");
            }
            out.push('}');
        }
        out.push_str(after);
        out
    }
}

/// The `n`-th agent trace of a seed. Eight applications share a system prompt each. Records come
/// as a tracing SDK sends them: each observation when it has ended, the root near the end.
pub fn agent_trace(seed: u64, n: u64, start: Timestamp, options: &AgentOptions) -> Vec<Record> {
    let mut t = Maker::new(Family::Agent, seed, n, start);
    let mut talk = Conversation { history: options.history, messages: Vec::new() };
    talk.push(format!("{{\"role\":\"system\",\"content\":\"{}\"", t.app.prompt), None);

    let mut question = String::from("{\"role\":\"user\",\"content\":\"");
    let bytes = t.rng.size(80, 1_500);
    text::prose(&mut t.rng, &mut question, bytes);
    question.push('"');
    let asked = format!("{question}}}");
    t.begin("agent_run", None, &asked);
    let root = t.open(None, ObservationKind::Agent, "agent_run");
    talk.push(question, None);

    let calls = t.rng.between(*options.calls.start(), *options.calls.end());
    let mut answer = String::new();
    for call in 1..=calls {
        let tools = if call == calls { 0 } else { 1 + u64::from(t.rng.chance(150)) };
        answer = generate(&mut t, &root, &mut talk, call, tools, options);
    }
    let closed = t.close(&root).input(asked).output(answer.as_str());
    t.push(closed);
    t.finish(&answer);
    if t.rng.chance(400) {
        let subject = Subject::Trace(t.trace.clone());
        t.score(subject);
    }
    t.records
}

/// One call of the model, tried again if it fails, and the `tools` that it asks for. Gives the
/// model's answer.
fn generate(
    t: &mut Maker,
    root: &Node,
    talk: &mut Conversation,
    call: u64,
    tools: u64,
    options: &AgentOptions,
) -> String {
    let input = talk.input();
    if t.rng.chance(20) {
        let node = t.open(Some(root), ObservationKind::Generation, "llm_call");
        t.pass(200, 30_000);
        let record = t.close(&node).input(input.as_str());
        let failed = t.failed(record);
        t.push(failed);
    }
    let node = t.open(Some(root), ObservationKind::Generation, "llm_call");
    let mut open = String::from("{\"role\":\"assistant\",\"content\":\"");
    let bytes = if tools == 0 { t.rng.size(200, 3_000) } else { t.rng.size(20, 400) };
    text::prose(&mut t.rng, &mut open, bytes);
    open.push('"');
    let asks: Vec<Ask> = (0..tools).map(|_| Ask::new(&mut t.rng)).collect();
    for (at, ask) in asks.iter().enumerate() {
        open.push_str(if at == 0 { ",\"tool_calls\":[" } else { "," });
        ask.write(&mut open);
    }
    open.push_str(if asks.is_empty() { "" } else { "]" });
    t.pass(300, 9_000);

    let output = format!("{open}}}");
    let metadata = map(&[("step", &call.to_string()), ("retries", "0")]);
    let (sent, came) = (input.len(), output.len());
    let record = t.close(&node).metadata(metadata).input(input).output(output.as_str());
    let record = t.metered(record, &node, sent, came);
    t.push(record);
    if t.rng.chance(30) {
        let subject = Subject::Observation(t.trace.clone(), node.id.clone());
        t.score(subject);
    }
    talk.push(open, None);
    for ask in &asks {
        let (open, cut) = run(t, root, ask, options);
        talk.push(open, Some(cut));
    }
    output
}

/// A tool call that the model asks for.
struct Ask {
    id: u64,
    tool: &'static str,
    /// The inside of a JSON string.
    query: String,
}

impl Ask {
    fn new(rng: &mut Rng) -> Ask {
        let mut query = String::new();
        let bytes = rng.size(10, 160);
        text::prose(rng, &mut query, bytes);
        Ask { id: rng.next_u64(), tool: rng.pick(&TOOLS), query }
    }

    fn write(&self, out: &mut String) {
        let arguments = format!("{{\"query\":\"{}\",\"limit\":20}}", self.query);
        let (id, tool) = (self.id, self.tool);
        out.push_str(&format!("{{\"id\":\"call_{id:016x}\",\"type\":\"function\","));
        out.push_str(&format!("\"function\":{{\"name\":\"{tool}\",\"arguments\":\""));
        text::escape(&arguments, out);
        out.push_str("\"}}");
    }
}

/// Runs a tool: its observation, and the message that carries its answer with the place where
/// that may be cut.
fn run(t: &mut Maker, root: &Node, ask: &Ask, options: &AgentOptions) -> (String, usize) {
    let node = t.open(Some(root), ObservationKind::Tool, ask.tool);
    let mut open = format!("{{\"role\":\"tool\",\"tool_call_id\":\"call_{:016x}\"", ask.id);
    open.push_str(",\"content\":\"");
    let from = open.len() - 1;
    let bytes = t.rng.size(*options.answer_bytes.start(), *options.answer_bytes.end());
    text::prose(&mut t.rng, &mut open, bytes.min(CUT_BYTES));
    let cut = open.len();
    let rest = bytes.saturating_sub(CUT_BYTES);
    match t.rng.below(4) {
        _ if rest < 64 => {}
        0 => text::listing(&mut t.rng, &mut open, rest),
        1 => text::code(&mut t.rng, &mut open, rest),
        2 => text::mixed(&mut t.rng, &mut open, rest),
        _ => text::prose(&mut t.rng, &mut open, rest),
    }
    open.push('"');
    t.pass(5, 3_000);
    let input = format!("{{\"query\":\"{}\",\"limit\":20}}", ask.query);
    let record = t.close(&node).input(input).output(&open.as_bytes()[from..]);
    let record = match t.rng.below(100) {
        0..=2 => t.failed(record),
        3..=5 => record.level(Level::Warning).status_message("slow answer"),
        _ => record,
    };
    t.push(record);
    (open, cut)
}
