use super::model::{Contents, Fate, batch, batches, contents, differs, expected};
use super::phase::{Image, Phase, Stage, copy, path};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracekeep::fs::{Dir, DirMode, Fs};
use tracekeep::{ErrorKind, Verdict, verify_in};
use tracekeep_crash::disk::SimFs;
use tracekeep_crash::faulty::{Fault, Op, Rule, Span};
use tracekeep_crash::states::{Choice, Replay, Strength, Tail, Unsynced, choices};

/// A batch that no phase appends.
const LATER: usize = 90;

/// What came of a run in which nothing was wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The phase had fewer operations.
    Untouched,
    /// The caller was told.
    Told,
    /// Nobody was told, and nothing is missing.
    Silent,
    /// What the device lost or spoilt was found when the store was opened or read.
    Detected,
    /// Acknowledged batches are gone without a word.
    Lost,
}

/// Runs a phase under a rule. `Err` says what must never be.
pub(crate) fn run(phase: Phase, image: &Image, rule: Rule) -> Result<Outcome, String> {
    let mut stage = Stage::new(phase, image);
    stage.switch.arm(rule);
    let unwound = catch_unwind(AssertUnwindSafe(|| stage.act())).is_err();
    let injected = stage.switch.injected();
    // A device that lies is found out, at the latest when the bytes are wanted.
    let lies = injected > 0 && matches!(rule.fault, Fault::Undone | Fault::WrongBytes);
    let mut detected = false;
    if rule.span == Span::Onwards && !rule.op.reads() {
        detected |= served(&stage, lies).map_err(|e| format!("while it lasts: {e}"))?;
    }
    stage.switch.disarm();
    detected |= served(&stage, lies).map_err(|e| format!("afterwards: {e}"))?;
    detected |= followed(&mut stage, lies)?;
    detected |= copied(&stage, lies).map_err(|e| format!("the copy: {e}"))?;
    detected |= repaired(image, &mut stage, lies).map_err(|e| format!("the new store: {e}"))?;
    // Once is not enough: what a writer may be changing is looked at again.
    let spoilt = injected > 0 && rule.fault == Fault::WrongBytes && rule.span == Span::Onwards;
    if spoilt && stage.verdict == Some(Verdict::Clean) {
        return Err("verify saw wrong bytes and called them clean".into());
    }
    if let Some(store) = stage.store.take() {
        // Told already, or told now.
        stage.told.extend(store.close().err().map(|e| e.to_string()));
    }
    if unwound || stage.told.iter().any(|said| said.contains("panicked")) {
        return Err(format!("a panic: {:?}", stage.told));
    }
    // `Os` promises nothing of power, nor does a device that lies.
    if !lies && phase != Phase::AppendOs {
        after_power_failure(image, &stage)?;
    }
    let missing = match opened_again(&stage.fs, &stage) {
        Err(Opening::Corruption(_)) if lies => {
            detected = true;
            BTreeSet::new()
        }
        Err(Opening::Corruption(what) | Opening::Wrong(what)) => {
            return Err(format!("opened again: {what}; told before: {:?}", stage.told));
        }
        Ok(missing) => missing,
    };
    Ok(match injected {
        0 if missing.is_empty() => Outcome::Untouched,
        _ if !missing.is_empty() => Outcome::Lost,
        _ if detected => Outcome::Detected,
        _ if stage.told.is_empty() => Outcome::Silent,
        _ => Outcome::Told,
    })
}

/// Whoever is open shows what was acknowledged, and nothing else. Whether damage was found.
fn served(stage: &Stage, lies: bool) -> Result<bool, String> {
    let Some(store) = &stage.store else { return Ok(false) };
    let should = expected(&stage.ledger.with(Fate::Acknowledged));
    match contents(&store.snapshot()) {
        Ok(found) => differs(&found, &should).map(|()| false),
        Err(e) if lies && e.kind() == ErrorKind::Corruption => Ok(true),
        Err(e) => Err(format!("cannot read: {e}")),
    }
}

/// A reader keeps its view when it fails, and finds everything when it does not. Whether damage
/// was found.
fn followed(stage: &mut Stage, lies: bool) -> Result<bool, String> {
    let Some(reader) = stage.reader.take() else { return Ok(false) };
    let held = match contents(&reader.snapshot()) {
        // It is held on to until the reader is opened anew.
        Err(e) if lies && e.kind() == ErrorKind::Corruption => return Ok(true),
        held => held.map_err(|e| format!("the view that was kept: {e}"))?,
    };
    let seen = batches(&held);
    if !seen.iter().copied().eq(0..seen.len()) {
        return Err(format!("the view that was kept has a hole: {seen:?}"));
    }
    differs(&held, &expected(&seen)).map_err(|e| format!("the view that was kept: {e}"))?;
    reader.refresh().map_err(|e| format!("the next refresh: {e}"))?;
    let found = contents(&reader.snapshot()).map_err(|e| format!("after the next refresh: {e}"))?;
    differs(&found, &expected(&stage.ledger.with(Fate::Acknowledged)))
        .map_err(|e| format!("after the next refresh: {e}"))?;
    Ok(false)
}

/// A copy that was made is whole; one that was not made is what it was; the next one is whole.
/// Whether damage was found.
fn copied(stage: &Stage, lies: bool) -> Result<bool, String> {
    if !matches!(stage.phase, Phase::Backup | Phase::Renew) {
        return Ok(false);
    }
    let all = stage.ledger.with(Fate::Acknowledged);
    let before = (0..stage.copied).collect();
    let found = match copy_contents(&stage.fs, stage) {
        Err(_) if lies => return Ok(true),
        Err(e) if !stage.told.is_empty() && stage.copied == 0 && e.is_not_found() => None,
        found => Some(found.map_err(|e| e.to_string())?),
    };
    if let Some(found) = found {
        let whole = differs(&found, &expected(&all));
        let kept = !stage.told.is_empty() && found == expected(&before);
        whole.or_else(|e| if kept { Ok(()) } else { Err(e) })?;
    }
    stage.backup().map_err(|e| format!("the next one: {e}"))?;
    let found = copy_contents(&stage.fs, stage).map_err(|e| format!("the next one: {e}"))?;
    differs(&found, &expected(&all)).map(|()| false)
}

fn copy_contents(fs: &SimFs, stage: &Stage) -> tracekeep::Result<Contents> {
    contents(&stage.phase.builder(fs.clone()).open_read_only(copy())?.snapshot())
}

/// A repair that came to its end has everything, also if the power fails then. No failure is taken
/// for damage: nothing is lost where the device does not lie. What an unfinished one left can be
/// removed, and the next one has everything. Whether damage was found.
fn repaired(image: &Image, stage: &mut Stage, lies: bool) -> Result<bool, String> {
    if stage.phase != Phase::Repair {
        return Ok(false);
    }
    let all = expected(&stage.ledger.with(Fate::Acknowledged));
    let mut detected = !std::mem::take(&mut stage.losses).is_empty();
    if detected && !lies {
        return Err("something is lost, and nothing was damaged".into());
    }
    if stage.told.is_empty() && !detected {
        let mut left = vec![stage.fs.clone()];
        left.extend((!lies).then(|| without_power(image, stage)));
        for fs in left {
            match copy_contents(&fs, stage) {
                Err(_) if lies => detected = true,
                found => differs(&found.map_err(|e| e.to_string())?, &all)?,
            }
        }
    }
    if let Ok(dir) = stage.fs.open_dir(copy(), DirMode::Existing) {
        let names = dir.list().map_err(|e| e.to_string())?;
        names.into_iter().try_for_each(|name| dir.remove(name)).map_err(|e| e.to_string())?;
    }
    stage.repair().map_err(|e| format!("the next one: {e}"))?;
    let found = copy_contents(&stage.fs, stage).map_err(|e| format!("the next one: {e}"))?;
    differs(&found, &all)?;
    if stage.losses.is_empty() { Ok(detected) } else { Err(format!("{:?}", stage.losses)) }
}

enum Opening {
    Corruption(String),
    Wrong(String),
}

impl From<tracekeep::Error> for Opening {
    fn from(e: tracekeep::Error) -> Opening {
        match e.kind() {
            ErrorKind::Corruption => Opening::Corruption(e.to_string()),
            _ => Opening::Wrong(e.to_string()),
        }
    }
}

/// Opens the store with nothing failing, twice, with an append in between. Gives the acknowledged
/// batches that are missing.
fn opened_again(fs: &SimFs, stage: &Stage) -> Result<BTreeSet<usize>, Opening> {
    let open = || stage.phase.builder(fs.clone()).open(path());
    let store = open()?;
    let found = contents(&store.snapshot())?;
    let missing = stage.ledger.misfit(&found).map_err(Opening::Wrong)?;
    store.append(batch(LATER))?.wait()?;
    store.close()?;
    let store = open()?;
    let mut should = batches(&found);
    should.insert(LATER);
    differs(&contents(&store.snapshot())?, &expected(&should)).map_err(Opening::Wrong)?;
    drop(store);
    let mut said = Vec::new();
    match verify_in(fs, path(), &mut |finding| said.push(format!("{finding:?}")), &mut |_| {})? {
        Verdict::Clean => Ok(missing),
        verdict => Err(Opening::Corruption(format!("verify: {verdict:?}: {said:?}"))),
    }
}

/// Opens the disk as it is if the power fails now, with these of the pieces that were not synced.
fn after(stage: &Stage, unsynced: &Unsynced<'_>, choice: &Choice) -> Result<(), String> {
    match opened_again(&SimFs::of(&unsynced.image(choice)), stage) {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(missing) => Err(format!("a power failure took batches {missing:?}")),
        Err(Opening::Corruption(what) | Opening::Wrong(what)) => {
            Err(format!("after a power failure: {what}; told before: {:?}", stage.told))
        }
    }
}

fn replayed(image: &Image, stage: &Stage) -> Replay {
    let mut replay = Replay::of(&image.disk);
    stage.fs.log().iter().for_each(|op| replay.apply(op));
    replay
}

/// The disk if the power fails now and nothing is kept that was not synced.
fn without_power(image: &Image, stage: &Stage) -> SimFs {
    let replay = replayed(image, stage);
    let unsynced = Unsynced::of(&replay);
    let kept = vec![false; unsynced.atoms()];
    SimFs::of(&unsynced.image(&Choice { kept, tail: Tail::Tight }))
}

/// What is wrong if the power fails now and nothing is kept that was not synced.
pub(crate) fn after_power_failure(image: &Image, stage: &Stage) -> Result<(), String> {
    let replay = replayed(image, stage);
    let unsynced = Unsynced::of(&replay);
    let kept = vec![false; unsynced.atoms()];
    after(stage, &unsynced, &Choice { kept, tail: Tail::Tight })
}

/// The same for some of the states that a power failure may leave: which pieces were kept, and
/// what is wrong.
pub(crate) fn states(image: &Image, stage: &Stage) -> Vec<(String, Result<(), String>)> {
    let replay = replayed(image, stage);
    let unsynced = Unsynced::of(&replay);
    let strength = Strength { exhaustive_atoms: 8, samples: 40, most: usize::MAX };
    choices(unsynced.atoms(), unsynced.grows(), strength, 1)
        .iter()
        .map(|choice| (choice.to_string(), after(stage, &unsynced, choice)))
        .collect()
}

/// What a phase asks for with nothing failing.
pub(crate) fn uses(phase: Phase, image: &Image) -> Vec<Op> {
    let mut stage = Stage::new(phase, image);
    stage.switch.watch();
    stage.act();
    assert!(phase == Phase::Recover || stage.told.is_empty(), "{phase}: {:?}", stage.told);
    Op::ALL.into_iter().filter(|op| stage.switch.count(*op) > 0).collect()
}
