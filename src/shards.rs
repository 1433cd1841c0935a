//! Tables that grow a shard at a time.
//!
//! A hash table that is full is moved into one of twice the size, all at once: of some hundred
//! thousand entries that takes tens of milliseconds, and an append waits for it. Of many small
//! tables, each with its share of the keys, one is moved at a time.

const SHARDS: usize = 64;

/// Tables of the same kind, of which a few bits of the key choose one.
#[derive(Debug)]
pub struct Shards<T>(Box<[T]>);

impl<T: Default> Default for Shards<T> {
    fn default() -> Shards<T> {
        Shards((0..SHARDS).map(|_| T::default()).collect())
    }
}

impl<T> Shards<T> {
    /// The table of these bits, whose lowest choose.
    #[inline]
    pub fn of(&self, bits: u64) -> &T {
        &self.0[bits as usize % SHARDS]
    }

    /// The same, to be changed.
    #[inline]
    pub fn of_mut(&mut self, bits: u64) -> &mut T {
        &mut self.0[bits as usize % SHARDS]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}
