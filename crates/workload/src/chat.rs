//! Chat: a session of several traces, one a turn, each of which sends the history again.
//!
//! ```text
//! session   trace 1: SPAN turn - GENERATION reply   input [system, user]
//!           trace 2: SPAN turn - GENERATION reply   input [system, user, assistant, user]
//!           ...
//! ```

use crate::maker::{Family, Maker};
use crate::text;
use tracekeep::id::Id;
use tracekeep::model::{ObservationKind, Record, Subject, Timestamp};

/// The `n`-th chat session of a seed: 2 to 10 traces, seconds to minutes apart. One session in
/// six is in Chinese.
pub fn chat_session(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
    let mut t = Maker::new(Family::Chat, seed, n, start);
    // A third of the sessions are named by text, as web frameworks do.
    let session = match t.rng.below(3) {
        0 => Id::parse(&format!("session:{n}/{:x}", t.rng.below(1 << 20))).ok(),
        1 => Some(Id::uuid(t.rng.next_u128())),
        _ => Some(t.rng.hex32()),
    };
    let speak = if t.rng.chance(160) { text::cjk } else { text::prose };
    let mut history = format!("[{{\"role\":\"system\",\"content\":\"{}\"}}", t.app.prompt);

    for turn in 0..t.rng.between(2, 10) {
        if turn > 0 {
            t.pass(3_000, 240_000);
            t.next_trace();
        }
        let mut user = String::from("\"");
        let bytes = t.rng.size(30, 900);
        speak(&mut t.rng, &mut user, bytes);
        user.push('"');
        history.push_str(&format!(",{{\"role\":\"user\",\"content\":{user}}}"));
        t.begin("chat_turn", session.clone(), &user);
        let root = t.open(None, ObservationKind::Span, "turn");
        t.pass(1, 20);

        let node = t.open(Some(&root), ObservationKind::Generation, "reply");
        let mut reply = String::from("{\"role\":\"assistant\",\"content\":\"");
        let from = reply.len() - 1;
        let bytes = t.rng.size(120, 3_000);
        speak(&mut t.rng, &mut reply, bytes);
        if t.rng.chance(200) {
            text::code(&mut t.rng, &mut reply, 600);
        }
        reply.push('"');
        let said = reply[from..].to_owned();
        reply.push('}');
        t.pass(500, 12_000);
        let mut input = String::with_capacity(history.len() + 1);
        input.push_str(&history);
        input.push(']');
        let (sent, came) = (input.len(), reply.len());
        let record = t.close(&node).input(input).output(reply.as_str());
        let record = t.metered(record, &node, sent, came);
        t.push(record);
        history.push(',');
        history.push_str(&reply);

        t.pass(1, 10);
        let record = t.close(&root).input(user).output(said.as_str());
        t.push(record);
        t.finish(&said);
        if t.rng.chance(100) {
            let subject = Subject::Observation(t.trace.clone(), node.id.clone());
            t.score(subject);
        }
    }
    if let Some(session) = session
        && t.rng.chance(300)
    {
        t.score(Subject::Session(session));
    }
    t.records
}
