//! Randomness enters the engine here and nowhere else: a store's id and the key of its hashes.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Gives random bytes, once for each store that is made. With a [`ManualClock`] and a
/// [`FixedEntropy`] a store's files are a function of what is done to it.
///
/// [`ManualClock`]: crate::clock::ManualClock
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills `into` with random bytes.
    fn fill(&self, into: &mut [u8]);
}

/// Randomness from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// The standard library's hash keys are seeded from the operating system.
    fn fill(&self, into: &mut [u8]) {
        let mut hash = blake3::Hasher::new();
        for i in 0..16u64 {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u64(i);
            hash.update(&hasher.finish().to_le_bytes());
        }
        hash.update(&std::process::id().to_le_bytes());
        hash.finalize_xof().fill(into);
    }
}

/// The same bytes for the same number, for tests and simulations. Everybody can guess the key of
/// a store that was made with it, and with it send ids and payloads whose hashes collide.
#[derive(Debug, Clone, Copy)]
pub struct FixedEntropy(pub u64);

impl Entropy for FixedEntropy {
    fn fill(&self, into: &mut [u8]) {
        blake3::Hasher::new().update(&self.0.to_le_bytes()).finalize_xof().fill(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(entropy: &dyn Entropy) -> [u8; 48] {
        let mut bytes = [0; 48];
        entropy.fill(&mut bytes);
        bytes
    }

    #[test]
    fn only_fixed_entropy_repeats_itself() {
        assert_eq!(bytes(&FixedEntropy(7)), bytes(&FixedEntropy(7)));
        assert_ne!(bytes(&FixedEntropy(7)), bytes(&FixedEntropy(8)));
        assert_ne!(bytes(&SystemEntropy), bytes(&SystemEntropy));
    }
}
