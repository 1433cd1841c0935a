//! Appends a small agent run, reads it back as a tree, and asks for a payload.
//!
//! ```text
//! cargo run --example append_and_read
//! ```

#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use tracekeep::model::{
    Decimal, Field, Level, ObservationKind, ObservationRecord, Operation, ScoreRecord, ScoreType,
    Subject, Timestamp, TraceRecord,
};
use tracekeep::{Batch, Id, Result, SealLevel, Snapshot, Store};

const START: i64 = 1_768_204_800_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(START + ms)
}

fn main() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("tracekeep-append-{}", std::process::id()));
    let store = Store::open(&dir)?;
    let trace = Id::parse("0af7651916cd43dd8448eb211c80319c")?;
    let observe = |id: &str, ms: i64| -> Result<ObservationRecord> {
        let record =
            ObservationRecord::new(trace.clone(), Id::parse(id)?, at(ms), Operation::Create);
        Ok(record.start(at(ms)))
    };

    // A batch is all or nothing. Order within it does not matter: a child may come first.
    let mut batch = Batch::new();
    batch.push(
        observe("plan", 120)?
            .kind(ObservationKind::Generation)
            .name("plan")
            .parent(Id::parse("agent")?)
            .end(at(1_900))
            .model("gpt-5")
            .usage(vec![("input".into(), 812), ("output".into(), 64)])
            .cost(vec![("total".into(), Decimal(2_480_000_000))])
            .input(r#"[{"role":"user","content":"Where is parcel 4711?"}]"#)
            .output(r#"{"role":"assistant","tool_calls":[{"name":"track"}]}"#),
    )?;
    batch.push(
        observe("track", 2_000)?
            .kind(ObservationKind::Tool)
            .name("track")
            .parent(Id::parse("agent")?)
            .end(at(2_300))
            .level(Level::Error)
            .status_message("404: no such parcel"),
    )?;
    batch.push(observe("agent", 0)?.kind(ObservationKind::Agent).name("support agent"))?;
    batch.push(
        TraceRecord::new(trace.clone(), at(0), Operation::Create)
            .name("parcel question")
            .user("ada")
            .tags(vec!["support".into()]),
    )?;
    let commit = store.append(batch)?;
    println!("appended up to seq {}, durable: {}", commit.seq(), commit.is_done());
    commit.wait()?;

    // The agent's end arrives later, in a record of its own. The pieces become one.
    let mut batch = Batch::new();
    let end =
        ObservationRecord::new(trace.clone(), Id::parse("agent")?, at(2_400), Operation::Update);
    batch.push(end.end(at(2_400)))?;
    batch.push(
        ScoreRecord::new(
            Id::parse("score-1")?,
            Subject::Trace(trace.clone()),
            at(9_000),
            Operation::Create,
        )
        .name("helpful")
        .score_type(ScoreType::Numeric)
        .number(0.2),
    )?;
    store.append_and_wait(batch)?;

    show(&store.snapshot(), &trace)?;
    let report = store.seal(SealLevel::Full)?;
    println!(
        "\nsealed {} log(s) into {} bytes; the same again, from the segment:\n",
        report.logs, report.bytes
    );
    show(&store.snapshot(), &trace)?;
    store.close()?;
    std::fs::remove_dir_all(&dir).ok();
    Ok(())
}

fn show(snapshot: &Snapshot, trace: &Id) -> Result<()> {
    let Some(tree) = snapshot.trace(trace)? else { return Ok(()) };
    for (node, depth) in tree.walk() {
        let Some(skeleton) = tree.node(node) else { continue };
        let ms = skeleton.duration().map_or("open".into(), |ns| format!("{} ms", ns / 1_000_000));
        println!(
            "{:indent$}{} {}  {ms}  {} tokens  {}",
            "",
            skeleton.kind,
            tree.name(node).unwrap_or("?"),
            skeleton.tokens.total,
            skeleton.level,
            indent = depth as usize * 2
        );
    }
    if let Some(total) = tree.total() {
        println!(
            "{} observations, {} error(s), cost {}",
            total.observations, total.errors, total.cost
        );
    }
    for (id, score) in snapshot.scores(trace)? {
        println!(
            "score {id}: {} = {:?}",
            score.text(Field::Name).unwrap_or("?"),
            score.float(Field::ScoreNumber)
        );
    }
    let input = snapshot.input(trace, &Id::parse("plan")?)?.unwrap_or_default();
    println!("input of plan: {}", String::from_utf8_lossy(&input));
    Ok(())
}
