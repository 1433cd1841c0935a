//! Retrieval: a question is checked, embedded, looked up and answered from documents.
//!
//! ```text
//! CHAIN rag
//! |- GUARDRAIL input_check
//! |- EMBEDDING embed_question
//! |- RETRIEVER find_documents    output [document, ...]
//! |- GENERATION answer           input [system, user with the same documents]
//! |- GUARDRAIL output_check
//! `- EVALUATOR faithfulness      and a score
//! ```

use crate::maker::{Family, Maker, map};
use crate::rng::Rng;
use crate::text;
use std::fmt::Write;
use tracekeep::model::{ObservationKind, Record, Subject, Timestamp};

/// Documents of each seed; the first are found most.
const DOCUMENT_OCTAVES: u64 = 9;

/// The `n`-th retrieval trace of a seed. Documents come from a collection of 511 that all traces
/// of the seed share, so they repeat between traces, not within one.
pub fn rag_trace(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
    let mut t = Maker::new(Family::Rag, seed, n, start);
    let mut question = String::new();
    let bytes = t.rng.size(40, 300);
    text::prose(&mut t.rng, &mut question, bytes);
    let quoted = format!("\"{question}\"");
    t.begin("rag", None, &quoted);
    let root = t.open(None, ObservationKind::Chain, "rag");

    let check = t.open(Some(&root), ObservationKind::Guardrail, "input_check");
    t.pass(2, 80);
    let verdict = "{\"allowed\":true,\"categories\":[]}";
    let record = t.close(&check).input(quoted.as_str()).output(verdict);
    t.push(record);

    let embed = t.open(Some(&root), ObservationKind::Embedding, "embed_question");
    t.pass(10, 200);
    let vector = vector(&mut t.rng);
    let tokens = question.len() as u64 / 4 + 1;
    let record = t
        .close(&embed)
        .model("text-embedding-3-small")
        .usage(vec![("input".into(), tokens), ("total".into(), tokens)])
        .input(quoted.as_str())
        .output(vector);
    t.push(record);

    let find = t.open(Some(&root), ObservationKind::Retriever, "find_documents");
    t.pass(5, 400);
    let documents = find_documents(&mut t.rng, Family::Rag.seed(seed));
    let metadata = map(&[("index", "\"articles\""), ("k", "8"), ("filter", "{}")]);
    let record = t
        .close(&find)
        .metadata(metadata)
        .input(format!("{{\"query\":{quoted},\"k\":8}}"))
        .output(documents.as_str());
    t.push(record);

    let answer = answer(&mut t, &root, &question, &documents);

    let check = t.open(Some(&root), ObservationKind::Guardrail, "output_check");
    t.pass(2, 80);
    let record = t.close(&check).input(answer.as_str()).output(verdict);
    let record = if t.rng.chance(15) { t.failed(record) } else { record };
    t.push(record);

    let judge = t.open(Some(&root), ObservationKind::Evaluator, "faithfulness");
    t.pass(300, 2_000);
    let score = t.rng.below(101);
    let record = t
        .close(&judge)
        .input(format!("{{\"question\":{quoted},\"answer\":{answer}}}"))
        .output(format!("{{\"score\":0.{score:02}}}"));
    t.push(record);

    let record = t.close(&root).input(quoted).output(answer.as_str());
    t.push(record);
    t.finish(&answer);
    let subject = Subject::Trace(t.trace.clone());
    t.score(subject);
    t.records
}

/// The call of the model; gives its answer as a JSON string.
fn answer(t: &mut Maker, root: &crate::maker::Node, question: &str, documents: &str) -> String {
    let node = t.open(Some(root), ObservationKind::Generation, "answer");
    let mut input = format!("[{{\"role\":\"system\",\"content\":\"{}\"}},", t.app.prompt);
    input.push_str("{\"role\":\"user\",\"content\":\"Answer from these documents only.\\n\\n");
    text::escape(documents, &mut input);
    let _ = write!(input, "\\n\\nQuestion: {question}\"}}]");
    let mut answer = String::from("\"");
    let bytes = t.rng.size(100, 1_600);
    text::prose(&mut t.rng, &mut answer, bytes);
    answer.push('"');
    t.pass(400, 6_000);
    let (sent, came) = (input.len(), answer.len());
    let record = t.close(&node).input(input).output(answer.as_str());
    let record = t.metered(record, &node, sent, came);
    t.push(record);
    answer
}

/// Three to eight documents as a JSON array. A document is a function of its number.
fn find_documents(rng: &mut Rng, seed: u64) -> String {
    let mut out = String::from("[");
    for at in 0..rng.between(3, 8) {
        let number = rng.zipf(DOCUMENT_OCTAVES) as u64;
        let mut own = Rng::stream(seed, u64::MAX / 2 + number);
        out.push_str(if at == 0 { "" } else { "," });
        let similarity = 99 - at * 7;
        let _ = write!(out, "{{\"id\":\"doc-{number:03}\",\"score\":0.{similarity:02},");
        out.push_str("\"content\":\"");
        let bytes = own.size(300, 4_000);
        text::mixed(&mut own, &mut out, bytes);
        out.push_str("\"}");
    }
    out.push(']');
    out
}

/// An embedding, cut to 64 numbers as SDKs do.
fn vector(rng: &mut Rng) -> String {
    let mut out = String::from("[");
    for at in 0..64 {
        let sign = if rng.chance(500) { "-" } else { "" };
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{sign}0.0{:07}", rng.below(10_000_000));
    }
    out.push(']');
    out
}
