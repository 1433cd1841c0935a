use super::listener::{Listener, Quiet};
use super::repair::Origin;
use super::{ReadStore, Store, open};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::Result;
use crate::fs::{Fs, RealFs};
use crate::options::Options;
use std::path::Path;
use std::sync::Arc;

/// Whether opening for writing makes a store where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    /// It does.
    #[default]
    IfMissing,
    /// It refuses with `InvalidInput`.
    Never,
}

/// Options (plain data) and components (file system, clock, entropy, listener) of a store.
#[derive(Debug, Clone)]
pub struct StoreBuilder<F: Fs = RealFs> {
    pub(super) fs: F,
    pub(super) options: Options,
    pub(super) create: Create,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) listener: Arc<dyn Listener>,
    /// What a new store takes over from another one.
    pub(super) origin: Option<Origin>,
}

impl<F: Fs> StoreBuilder<F> {
    /// A builder over a file system, with default options.
    pub fn new(fs: F) -> StoreBuilder<F> {
        StoreBuilder {
            fs,
            options: Options::default(),
            create: Create::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            listener: Arc::new(Quiet),
            origin: None,
        }
    }

    /// How the store behaves and what it may use.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Whether to make a store where there is none.
    #[must_use]
    pub fn create(mut self, create: Create) -> Self {
        self.create = create;
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where the id and the key of a new store come from.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Who is told what happens in the background.
    #[must_use]
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listener = listener;
        self
    }

    /// Another file system.
    #[must_use]
    pub fn file_system<G: Fs>(self, fs: G) -> StoreBuilder<G> {
        let StoreBuilder { options, create, clock, entropy, listener, origin, .. } = self;
        StoreBuilder { fs, options, create, clock, entropy, listener, origin }
    }

    /// Opens the store in this directory for writing.
    ///
    /// # Errors
    /// As [`Store::open`]; `InvalidInput` where there is no store and none is to be made.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store<F>> {
        open::open(self, path.as_ref())
    }

    /// Opens the store in this directory for reading.
    ///
    /// # Errors
    /// As [`Store::open_read_only`].
    pub fn open_read_only(self, path: impl AsRef<Path>) -> Result<ReadStore<F>> {
        ReadStore::open(self, path.as_ref())
    }
}
