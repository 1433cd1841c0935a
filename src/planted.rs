//! Bugs on purpose, for the tests of the tests: each is one line where it would be made, and a
//! test of its own has to fail when it is chosen. `tests/planted.txt` says which.
//!
//! They are there with the feature `planted` only, which no release has: without it [`is`] is a
//! constant `false`, and every line of them comes to nothing. With it, the environment variable
//! `TRACEKEEP_PLANTED` names the bug when the process starts.

/// Declares the bugs, each with its name.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        /// A mistake that somebody could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// Every bug.
            #[cfg(any(test, all(feature = "planted", debug_assertions)))]
            const ALL: &[(&str, Bug)] = &[$((stringify!($bug), Bug::$bug),)*];
        }
    };
}

bugs! {
    /// A new log's name is not made durable.
    DirNotSynced,
    /// Groups are acknowledged and never synced.
    GroupNotSynced,
    /// A failed sync of a group is tried again.
    FailedSyncRetried,
    /// A failed sync of a group counts as one that went well.
    FailedSyncAcknowledged,
    /// A full disk that a sync tells of is told as "nothing was kept".
    FullSyncIsRefusal,
    /// A log that cannot be read is taken for one that ends.
    ReadErrorIsEnd,
    /// A log that is not read to its end is taken for one that ends.
    ShortReadIsEnd,
    /// Frames and markers promise nothing.
    PromiseStuckAtZero,
    /// Frames promise what is written and not synced.
    PromiseTooMuch,
    /// A finished log does not promise its last group.
    LogEndsUnpromised,
    /// The place of a frame that a full disk refused is not used again.
    RefusedFrameLeavesHole,
    /// The place of a marker that a full disk refused is not used again.
    MarkerLeavesHole,
    /// Later payloads refer to parts of a refused batch.
    RefusedPartsKept,
    /// Payloads of a new log refer to parts of the old one.
    PartsOutliveLog,
    /// A log that the manifest may name is removed.
    NamedLogRemoved,
    /// The seq of the last record is given to the next one, too.
    SeqReused,
    /// A snapshot sees what is appended after it was taken.
    SnapshotSeesLater,
    /// A scan hands out what is sealed of traces with unsealed records by itself, too.
    UnsealedScannedTwice,
    /// A trace's state is not computed again when there is news of it.
    StaleState,
    /// A reader in another process shows the first log only.
    FollowerSkipsLog,
    /// What sealing replaces is removed before the manifest says so.
    UnlinkedBeforeEdit,
    /// The first record frame of a tail is not copied by recovery.
    CopyOffByOne,
    /// What recovery copied is named by the manifest before it is durable.
    CopyNotSynced,
    /// `CURRENT` is renamed before its bytes are durable.
    CurrentNotSynced,
    /// A payload file is renamed before its bytes are durable.
    RenamedUnsynced,
    /// The names of a new segment are not made durable.
    SegmentDirNotSynced,
    /// The checksum of a frame's payload is not looked at.
    FrameChecksumSkipped,
    /// The checksum of a block of parts is not looked at.
    BlockChecksumSkipped,
    /// The checksum of a section is not looked at.
    SectionChecksumSkipped,
    /// The checksum of a zone is not looked at.
    ZoneChecksumSkipped,
    /// An observation's older row is not superseded by the newer one.
    SupersessionLost,
    /// A rewrite forgets what its inputs superseded elsewhere.
    SupersessionNotCarried,
    /// Superseded rows are shown.
    DeadRowShown,
    /// Joining that is stopped before it has found a trace has found them all.
    StoppedAtNothing,
    /// Sealing supersedes nothing of a trace that was erased.
    ErasedRowsKept,
    /// Sealing drops the last part of a run.
    LastPartDropped,
    /// The merged index is asked for segments that came after it.
    IndexCoversTooMuch,
    /// Of two values the one with the smaller stamp wins.
    SmallerStampKept,
    /// A backup does not give away the numbers of the files that it brings.
    NumbersKept,
}

/// Whether this bug was chosen.
#[cfg(not(all(feature = "planted", debug_assertions)))]
#[inline(always)]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

/// Whether this bug was chosen.
#[cfg(all(feature = "planted", debug_assertions))]
pub(crate) fn is(bug: Bug) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("TRACEKEEP_PLANTED").ok()?;
        Bug::ALL.iter().find(|(known, _)| *known == name).map(|(_, bug)| *bug)
    });
    *chosen == Some(bug)
}

/// What a step gives that is left out.
pub(crate) trait LeftOut {
    fn left_out() -> Self;
}

impl LeftOut for () {
    fn left_out() {}
}

impl LeftOut for u64 {
    fn left_out() -> u64 {
        0
    }
}

impl<E> LeftOut for Result<(), E> {
    fn left_out() -> Result<(), E> {
        Ok(())
    }
}

/// A step that the bug leaves out.
#[inline(always)]
pub(crate) fn unless<T: LeftOut>(bug: Bug, step: impl FnOnce() -> T) -> T {
    if is(bug) { T::left_out() } else { step() }
}

/// A step that only the bug takes.
#[inline(always)]
pub(crate) fn when(bug: Bug, step: impl FnOnce()) {
    if is(bug) {
        step();
    }
}

/// Another value, with the bug.
#[inline(always)]
pub(crate) fn set<T>(bug: Bug, place: &mut T, value: T) {
    if is(bug) {
        *place = value;
    }
}

/// An error that the bug takes for success.
#[inline(always)]
pub(crate) fn swallow<T, E>(bug: Bug, result: Result<T, E>, value: T) -> Result<T, E> {
    if is(bug) { result.or(Ok(value)) } else { result }
}

/// The sync of a group, which two bugs get wrong.
#[inline(always)]
pub(crate) fn group_sync<E>(sync: impl Fn() -> Result<(), E>) -> Result<(), E> {
    let once = unless(Bug::GroupNotSynced, &sync);
    if is(Bug::FailedSyncRetried) { once.or_else(|_| sync()) } else { once }
}

#[cfg(test)]
mod tests {
    use super::Bug;
    use std::collections::BTreeSet;

    #[test]
    fn every_bug_has_a_test_of_its_own() {
        let lines = include_str!("../tests/planted.txt").lines();
        let rows: Vec<Vec<&str>> = lines
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(rows.iter().all(|row| row.len() == 3), "bug, binary, test: {rows:?}");
        let bugs: Vec<&str> = rows.iter().map(|row| row[0]).collect();
        let known: Vec<&str> = Bug::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(bugs, known);
        let tests: BTreeSet<&str> = rows.iter().map(|row| row[2]).collect();
        assert_eq!(tests.len(), rows.len(), "a test catches one bug");
        assert!(rows.len() >= 25);
    }
}
