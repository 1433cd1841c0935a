use crate::id::{Id, Seq};
use crate::model::{Field, Target};
use std::path::{Path, PathBuf};

/// What kind of thing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// Whole records, of the seqs that [`Loss::seqs`] says. Of a segment, what they had superseded
    /// or erased in older ones is back.
    Records,
    /// Rows whose id is not readable: [`Loss::count`] of them.
    Rows,
    /// What a target said without a column of its own: every field but those that are told apart.
    Details,
    /// The value of one field.
    Field,
    /// Which rows of older segments a segment had erased: some of them may be back.
    Erasures,
    /// When something was said: values are kept, with the earliest time that they can have.
    Times,
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The damaged file.
    pub file: PathBuf,
    /// Where in it the damage is.
    pub offset: u64,
    /// What is wrong there.
    pub why: String,
    /// What is lost by it.
    pub what: Lost,
    /// Whose it was, where that is known.
    pub target: Option<Target>,
    /// Which field it was.
    pub field: Option<Field>,
    /// The first and the last seq that are gone, the last where it is known.
    pub seqs: Option<(Seq, Option<Seq>)>,
    /// How many of them: rows, else 1.
    pub count: u64,
    /// Payload bytes that are gone; of records, bytes of the file.
    pub bytes: u64,
}

impl Loss {
    /// A loss by damage at this place.
    pub fn at(file: &Path, offset: u64, why: &str, what: Lost) -> Loss {
        Loss {
            file: file.to_path_buf(),
            offset,
            why: why.to_owned(),
            what,
            target: None,
            field: None,
            seqs: None,
            count: 1,
            bytes: 0,
        }
    }

    /// The trace that it belonged to, where that is known.
    pub fn trace(&self) -> Option<&Id> {
        match self.target.as_ref()? {
            Target::Trace { trace } | Target::Observation { trace, .. } => Some(trace),
            Target::Score { .. } => None,
        }
    }
}

/// Hands losses out.
pub struct Losses<'a> {
    each: &'a mut dyn FnMut(Loss),
}

impl std::fmt::Debug for Losses<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Losses").finish_non_exhaustive()
    }
}

impl<'a> Losses<'a> {
    /// Losses that go to `each`.
    pub fn new(each: &'a mut dyn FnMut(Loss)) -> Losses<'a> {
        Losses { each }
    }

    /// One.
    pub fn push(&mut self, loss: Loss) {
        (self.each)(loss);
    }
}
