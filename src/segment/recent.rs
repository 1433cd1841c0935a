//! What a reader of payloads decompressed last, for the next payload.

use crate::error::Result;
use crate::part::Block;
use std::sync::Arc;

/// The blocks used last, at most `MAX` of them, newest last.
#[derive(Debug, Default)]
pub(super) struct Recent<const MAX: usize>(Vec<(usize, Arc<Block>)>);

impl<const MAX: usize> Recent<MAX> {
    /// The block of this number, or the one that `read` gives.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn block(
        &mut self,
        number: usize,
        read: impl FnOnce() -> Result<Arc<Block>>,
    ) -> Result<Arc<Block>> {
        if let Some((_, block)) = self.0.iter().rev().find(|(n, _)| *n == number) {
            return Ok(Arc::clone(block));
        }
        let block = read()?;
        if self.0.len() == MAX {
            self.0.remove(0);
        }
        self.0.push((number, Arc::clone(&block)));
        Ok(block)
    }
}
