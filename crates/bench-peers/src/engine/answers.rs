//! What an engine answered, as a few numbers that every engine has to agree on.

use super::{Costs, Reader, Skeleton};
use crate::Result;
use serde::{Deserialize, Serialize};
use tracekeep::Id;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The answers to the questions that were asked. Sums of hashes are the same in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Traces that were read whole.
    pub traces: u64,
    /// Their skeletons.
    pub skeletons: u64,
    /// What the skeletons say.
    pub skeleton_hash: u64,
    /// Their payloads.
    pub payloads: u64,
    /// Bytes of these.
    pub payload_bytes: u64,
    /// What the payloads say, and whose they are.
    pub payload_hash: u64,
    /// Inputs that were read one by one, and what they say.
    pub inputs: (u64, u64),
    /// Observations of the whole store.
    pub observations: u64,
    /// Cost by model over the whole store.
    pub costs: Costs,
    /// Scores of the whole store.
    pub scores: u64,
}

impl Answers {
    /// Asks everything of these traces and inputs.
    ///
    /// # Errors
    /// The engine's.
    pub fn of(reader: &dyn Reader, traces: &[Id], inputs: &[(Id, Id)]) -> Result<Answers> {
        let mut answers = Answers { traces: traces.len() as u64, ..Answers::default() };
        for trace in traces {
            for skeleton in reader.skeletons(trace)? {
                answers.skeletons += 1;
                answers.skeleton_hash = answers.skeleton_hash.wrapping_add(hash(&skeleton));
            }
            reader.whole(trace, &mut |id, field, bytes| {
                let mut hash = Xxh3::new();
                hash.update(id.to_string().as_bytes());
                hash.update(&[field.code()]);
                hash.update(bytes);
                answers.payloads += 1;
                answers.payload_bytes += bytes.len() as u64;
                answers.payload_hash = answers.payload_hash.wrapping_add(hash.digest());
                Ok(())
            })?;
        }
        for (trace, observation) in inputs {
            if let Some(bytes) = reader.input(trace, observation)? {
                let (count, hash) = &mut answers.inputs;
                (*count, *hash) = (*count + 1, hash.wrapping_add(xxh3_64(&bytes)));
            }
        }
        answers.costs = reader.scan()?;
        answers.observations = answers.costs.values().map(|(count, _)| count).sum();
        answers.scores = reader.scores()?;
        Ok(answers)
    }

    /// What differs, in words; nothing where both say the same.
    pub fn differs(&self, other: &Answers) -> Option<String> {
        let pairs = [
            ("traces read", self.traces, other.traces),
            ("skeletons", self.skeletons, other.skeletons),
            ("hash of the skeletons", self.skeleton_hash, other.skeleton_hash),
            ("payloads", self.payloads, other.payloads),
            ("payload bytes", self.payload_bytes, other.payload_bytes),
            ("hash of the payloads", self.payload_hash, other.payload_hash),
            ("inputs", self.inputs.0, other.inputs.0),
            ("hash of the inputs", self.inputs.1, other.inputs.1),
            ("observations", self.observations, other.observations),
            ("scores", self.scores, other.scores),
        ];
        let first = pairs.into_iter().find(|(_, a, b)| a != b);
        let costs = || (self.costs != other.costs).then(|| "cost by model".to_owned());
        first.map(|(what, a, b)| format!("{what}: {a} and {b}")).or_else(costs)
    }
}

fn hash(skeleton: &Skeleton) -> u64 {
    let Skeleton { id, parent, kind, level, start, end, name, model, cost } = skeleton;
    let parent = parent.as_ref().map(Id::to_string);
    let all = (kind.code(), level.code(), start.0, end.map(|end| end.0), name, model, cost.0);
    xxh3_64(format!("{id} {parent:?} {all:?}").as_bytes())
}
