//! The costly checks, of a share of the images.

use super::recover::{Expect, builder, open, tidy};
use crate::broken::Broken;
use crate::disk::{Image, SimFs};
use crate::drive::{Act, COPY, PATH, Speaker};
use crate::model::{Model, batch};
use crate::states::{Choice, Replay, Tail, Unsynced};
use tracekeep::fs::FileName;
use tracekeep::model::TimeRange;
use tracekeep::{
    Durability, Id, Order, Severity, Skeleton, Snapshot, Store, TraceQuery, Verdict, verify_in,
};

/// Which of the costly checks are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// `verify`, before recovery and after.
    pub verify: bool,
    /// A reader, and lookups against the scan.
    pub beside: bool,
    /// Opening again, appending, and crashing once more.
    pub again: bool,
}

impl Share {
    /// All of them.
    pub const ALL: Share = Share { verify: true, beside: true, again: true };

    /// A share that an image's hash decides: one in 8 of each.
    pub fn of(hash: u128) -> Share {
        let one_in_8 = |shift: u32| hash >> shift & 7 == 0;
        Share { verify: one_in_8(0), beside: one_in_8(3), again: one_in_8(6) }
    }
}

/// Whether files that the manifest does not name may lie about: a crash leaves them, and the next
/// opening removes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strays {
    Allowed,
    Forbidden,
}

/// `verify` finds no damage.
pub(super) fn verified(
    fs: &SimFs,
    path: &str,
    strays: Strays,
    invariant: &'static str,
) -> Result<Verdict, Broken> {
    if !fs.names(path).contains(&FileName::Current) {
        return Ok(Verdict::Clean);
    }
    let mut worst = None;
    let mut stray = None;
    let verdict = verify_in(
        fs,
        path.as_ref(),
        &mut |finding| match finding.severity {
            Severity::Damage => worst = Some(finding),
            Severity::Note if finding.expected == "files of the store" => stray = Some(finding),
            _ => {}
        },
        &mut |_| {},
    );
    let verdict = verdict.map_err(|e| Broken::of(invariant, &e))?;
    match worst {
        Some(f) => {
            let file = f.file.display();
            let what = format!("{file} at {}: {} for {}", f.offset, f.found, f.expected);
            Err(Broken::new(invariant, what))
        }
        None => match stray.filter(|_| strays == Strays::Forbidden) {
            Some(f) => Err(Broken::new("I9", format!("{}: {}", f.file.display(), f.found))),
            None => Ok(verdict),
        },
    }
}

/// A reader that takes no lock says the same of the image as recovery does, and both find by id
/// what they list.
pub(super) fn beside(
    image: &SimFs,
    store: &Store<SimFs>,
    expect: &Expect<'_>,
    batches: usize,
) -> Result<(), Broken> {
    lookups(&store.snapshot(), expect.model, batches)?;
    if !image.names(PATH).contains(&FileName::Current) {
        return Ok(());
    }
    let reader = builder(image, expect).open_read_only(PATH);
    let snapshot = reader.map_err(|e| Broken::of("I8, a reader", &e))?.snapshot();
    let differs = expect.model.difference(batches, &snapshot);
    match differs.map_err(|e| Broken::of("I8, a reader", &e))? {
        Some(what) => Err(Broken::new("I8, a reader", what)),
        None => lookups(&snapshot, expect.model, batches),
    }
}

/// The backup is as it was or as it is to be: whole, and of at least so many batches.
pub(super) fn backup(image: &Image, expect: &Expect<'_>) -> Result<usize, Broken> {
    let wrong = |e| Broken::of("I1 in a backup", &e);
    let begun = image.dir(COPY).and_then(|dir| image.file(dir, FileName::Current)).is_some();
    if !begun && expect.backed_up == 0 {
        return Ok(0);
    }
    let copy = SimFs::of(image);
    let snapshot = builder(&copy, expect).open_read_only(COPY).map_err(wrong)?.snapshot();
    let seq = snapshot.seq().0;
    let Some(batches) = expect.model.batches_at(seq) else {
        let what = format!("it ends at seq {seq}, inside of a batch");
        return Err(Broken::new("I4 in a backup", what));
    };
    let (least, most) = (expect.backed_up, expect.backed_up_most);
    if batches < least || batches > most {
        let what = format!("{batches} batches are in it, of {least} to {most}");
        return Err(Broken::new("I1 in a backup", what));
    }
    match expect.model.difference(batches, &snapshot).map_err(wrong)? {
        Some(what) => Err(Broken::new("I1 in a backup", what)),
        None => Ok(batches),
    }
}

fn lookups(snapshot: &Snapshot<SimFs>, model: &Model, batches: usize) -> Result<(), Broken> {
    let wrong = |e| Broken::of("I8", &e);
    let Some(world) = model.world_after(batches) else { return Ok(()) };
    let names = |id: &str| Id::parse(id).map_err(wrong);
    let live = world.traces();
    // Those that are not there (any more) are asked for, too.
    for id in model.world().traces().iter().chain(&live) {
        let there = snapshot.trace_state(&names(id)?).map_err(wrong)?.is_some();
        if there != live.contains(id) {
            return Err(Broken::new("I8", format!("trace {id} is found by id: {there}")));
        }
        let scores = snapshot.scores(&names(id)?).map_err(wrong)?;
        let mut found: Vec<String> = scores.iter().map(|(id, _)| id.to_string()).collect();
        found.sort();
        if found != world.scores_of(id) {
            return Err(Broken::new("I8", format!("scores of {id}: {found:?}")));
        }
    }
    for session in ["session0", "session1", "session2"] {
        let query = TraceQuery {
            session: Some(session.to_owned()),
            order: Order::OldestFirst,
            ..TraceQuery::default()
        };
        let page = snapshot.traces(&query).map_err(wrong)?;
        let found: Vec<String> = page.traces.iter().map(|t| t.id.to_string()).collect();
        if found != world.of_session(session) {
            return Err(Broken::new("I8", format!("traces of {session}: {found:?}")));
        }
    }
    scan(snapshot, &live)
}

/// A scan hands out what the trees of all traces hold.
fn scan(snapshot: &Snapshot<SimFs>, live: &[String]) -> Result<(), Broken> {
    let wrong = |e| Broken::of("I8", &e);
    let mut in_trees = Vec::new();
    for id in live {
        let trace = Id::parse(id).map_err(wrong)?;
        let Some(tree) = snapshot.trace(&trace).map_err(wrong)? else { continue };
        let said = |node| (Some(trace.clone()), tree.id(node), tree.name(node).map(str::to_owned));
        in_trees.extend(tree.walk().map(|(node, _)| said(node)));
    }
    let mut scanned = Vec::new();
    let mut each = |s: &Skeleton<'_>| {
        scanned.push((s.trace(), s.id(), s.name().map(str::to_owned)));
        Ok(())
    };
    snapshot.scan(TimeRange::ALL, &mut each).map_err(wrong)?;
    in_trees.sort_unstable();
    scanned.sort_unstable();
    match scanned == in_trees {
        true => Ok(()),
        false => Err(Broken::new("I8", format!("{scanned:?} of a scan, {in_trees:?} of trees"))),
    }
}

/// Kills and opens, closes and opens: the same is there. Then appends, loses all that is not
/// durable, and opens: it is there. Gives how often a store was opened.
pub(super) fn again(
    fs: &SimFs,
    store: Store<SimFs>,
    expect: &Expect<'_>,
    batches: usize,
) -> Result<u64, Broken> {
    let same = |store: &Store<SimFs>, model: &Model, batches: usize, invariant: &'static str| {
        let snapshot = store.snapshot();
        if snapshot.seq().0 != model.seq(batches) {
            let (is, was) = (snapshot.seq().0, model.seq(batches));
            return Err(Broken::new(invariant, format!("it ends at seq {is}, not at {was}")));
        }
        match model.difference(batches, &snapshot).map_err(|e| Broken::of(invariant, &e))? {
            Some(what) => Err(Broken::new(invariant, what)),
            None => Ok(()),
        }
    };
    let base = fs.image();
    let after = SimFs::of(&base);
    if base.dir(COPY).is_some() {
        // Whatever the backup was when the power failed, it can be brought up to date.
        store.backup(COPY).map_err(|e| Broken::of("backs up again", &e))?;
        let expect = Expect { backed_up: batches, backed_up_most: batches, ..*expect };
        backup(&fs.image(), &expect)?;
    }
    verified(&after, PATH, Strays::Forbidden, "I7 after recovery")?;
    let second = open(&after, expect)?;
    same(&second, expect.model, batches, "I5 after a kill")?;
    second.close().map_err(|e| Broken::of("closes", &e))?;
    store.close().map_err(|e| Broken::of("closes", &e))?;
    verified(fs, PATH, Strays::Forbidden, "I7 after closing")?;
    let base = fs.image();
    fs.take_log();
    let store = open(fs, expect)?;
    same(&store, expect.model, batches, "I5 after a close")?;
    let mut model = expect.model.truncated(batches);
    let facts = Speaker::later(expect.depth as u64).facts(Act::Small, &model.world());
    let commit = batch(&facts).and_then(|b| store.append(b));
    let commit = commit.map_err(|e| Broken::of("I6 appends", &e))?;
    let seq = commit.wait().map_err(|e| Broken::of("I6 acknowledges", &e))?;
    if seq.0 <= model.seq(batches) {
        return Err(Broken::new("I12", format!("seq {} is used again", seq.0)));
    }
    model.push(&facts, seq.0);
    let kept = match expect.level {
        Durability::Os => batches,
        Durability::Disk | Durability::DiskStrict => batches + 1,
    };
    let mut replay = Replay::of(&base);
    fs.log().iter().for_each(|op| replay.apply(op));
    drop(store);
    let unsynced = Unsynced::of(&replay);
    let none = Choice { kept: vec![false; unsynced.atoms()], tail: Tail::Tight };
    let crashed = SimFs::of(&unsynced.image(&none));
    let store = open(&crashed, expect)?;
    same(&store, &model, kept, "I6")?;
    tidy(&crashed)?;
    Ok(3)
}
