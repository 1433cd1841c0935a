//! Batch jobs: one chain that fans out to many small calls, eight at a time.
//!
//! ```text
//! CHAIN classify_items
//! |- GENERATION classify   (20 to 300 of them, overlapping)
//! `- EVENT progress        (one in ten calls)
//! ```

use crate::maker::{Family, Maker, Node, map};
use crate::text;
use std::collections::VecDeque;
use tracekeep::model::{Level, ObservationKind, Record, Subject, Timestamp};

const AT_ONCE: usize = 8;

/// The `n`-th batch job of a seed: all calls share an instruction of about 600 bytes and differ
/// in an item of 100 to 800; events have no end.
pub fn batch_job(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
    let mut t = Maker::new(Family::Batch, seed, n, start);
    let items = t.rng.size(20, 300);
    let about = format!("{{\"items\":{items},\"at_once\":{AT_ONCE}}}");
    t.begin("classify_items", None, &about);
    let root = t.open(None, ObservationKind::Chain, "classify_items");
    let mut instruction = String::from("[{\"role\":\"system\",\"content\":\"");
    text::prose(&mut t.rng, &mut instruction, 600);
    instruction.push_str("\"},{\"role\":\"user\",\"content\":\"");

    let mut running: VecDeque<(u64, Node)> = VecDeque::new();
    for item in 0..items {
        running.push_back((item, t.open(Some(&root), ObservationKind::Generation, "classify")));
        t.pass(1, 40);
        if running.len() >= AT_ONCE
            && let Some((item, node)) = running.pop_front()
        {
            classify(&mut t, item, &node, &instruction);
        }
        if item % 10 == 9 {
            let event = t.open(Some(&root), ObservationKind::Event, "progress");
            let record = t
                .happened(&event, t.now)
                .level(Level::Debug)
                .input(format!("{{\"done\":{item},\"of\":{items}}}"));
            t.push(record);
        }
    }
    while let Some((item, node)) = running.pop_front() {
        classify(&mut t, item, &node, &instruction);
    }
    let done = format!("{{\"done\":{items}}}");
    let record = t.close(&root).input(about).output(done.as_str());
    t.push(record);
    t.finish(&done);
    if t.rng.chance(500) {
        let run = t.rng.hex32();
        t.score(Subject::Run(run));
    }
    t.records
}

fn classify(t: &mut Maker, item: u64, node: &Node, instruction: &str) {
    t.pass(20, 200);
    let mut input = String::with_capacity(instruction.len() + 900);
    input.push_str(instruction);
    let bytes = t.rng.size(100, 800);
    text::prose(&mut t.rng, &mut input, bytes);
    input.push_str("\"}]");
    let metadata = map(&[("item", &item.to_string())]);
    let sent = input.len();
    let record = t.close(node).metadata(metadata).input(input);
    let record = if t.rng.chance(25) {
        t.failed(record)
    } else {
        let label = t.rng.pick(&["complaint", "question", "praise", "order", "spam"]);
        let output = format!("{{\"label\":\"{label}\",\"confidence\":0.{}}}", t.rng.between(5, 9));
        let came = output.len();
        t.metered(record.output(output), node, sent, came)
    };
    t.push(record);
}
