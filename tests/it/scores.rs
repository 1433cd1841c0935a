//! Scores wait for their subjects, and make none.

use crate::world::{Dump, World, append, at, full, id, observation, quick, score, trace};
use tracekeep::Store;
use tracekeep::model::{Field, Operation, Record, ScoreRecord, ScoreSource, ScoreType, Subject};

fn subjects() -> [Subject; 4] {
    [
        Subject::Trace(id("t")),
        Subject::Observation(id("t"), id("a")),
        Subject::Session(id("t")),
        Subject::Run(id("t")),
    ]
}

/// One score of each type on each subject.
fn fill(store: &Store) {
    let mut records: Vec<Record> = Vec::new();
    for (i, subject) in subjects().iter().enumerate() {
        for score_type in ScoreType::ALL {
            let record = score(&format!("{score_type}-{i}"), subject.clone(), i as i64)
                .score_type(*score_type)
                .source(ScoreSource::Eval)
                .comment("why");
            records.push(match score_type {
                ScoreType::Numeric => record.number(0.25).into(),
                ScoreType::Boolean => record.number(1.0).into(),
                ScoreType::Categorical => record.number(2.0).text("good").into(),
                ScoreType::Text => record.text("a long remark").into(),
                ScoreType::Correction => record.correction("{\"better\":\"output\"}").into(),
            });
        }
    }
    append(store, records);
}

fn check(store: &Store, what: &str) {
    let snapshot = store.snapshot();
    for (i, subject) in subjects().iter().enumerate() {
        let scores = snapshot.subject_scores(subject).unwrap();
        assert_eq!(scores.len(), 5, "{what}: {subject:?}");
        assert!(scores.is_sorted_by(|a, b| a.0 < b.0), "{what}");
        for (score, fields) in scores {
            let score_type = fields.score_type().unwrap();
            assert_eq!(score, id(&format!("{score_type}-{i}")), "{what}");
            assert_eq!(fields.score_source(), Some(ScoreSource::Eval), "{what}");
            assert_eq!(fields.text(Field::Comment), Some("why"), "{what}");
            let number = fields.float(Field::ScoreNumber);
            let text = fields.text(Field::ScoreText);
            match score_type {
                ScoreType::Numeric => assert_eq!((number, text), (Some(0.25), None), "{what}"),
                ScoreType::Boolean => assert_eq!((number, text), (Some(1.0), None), "{what}"),
                ScoreType::Categorical => {
                    assert_eq!((number, text), (Some(2.0), Some("good")), "{what}");
                }
                ScoreType::Text => assert_eq!(text, Some("a long remark"), "{what}"),
                ScoreType::Correction => {
                    let payload = fields.payload(Field::Correction).unwrap();
                    let bytes = snapshot.payload(payload).unwrap().unwrap();
                    assert_eq!(bytes, b"{\"better\":\"output\"}", "{what}");
                }
            }
        }
    }
    // Those of a trace are its own and its observations'.
    assert_eq!(snapshot.scores(&id("t")).unwrap().len(), 10, "{what}");
    assert_eq!(store.stats().unwrap().scores, 20, "{what}");
}

#[test]
fn five_types_on_four_subjects_before_and_after_the_trace() {
    let world = World::new();
    let store = world.store();
    fill(&store);
    for seal in [quick, full] {
        check(&store, "before the trace");
        assert!(store.snapshot().trace_state(&id("t")).unwrap().is_none());
        assert_eq!(Dump::of(&store.snapshot()).len(), 0, "a score alone makes no trace");
        assert_eq!(store.stats().unwrap().traces, 0);
        seal(&store);
    }
    append(&store, [observation("t", "a", 0)]);
    check(&store, "the trace is there");
    for seal in [quick, full] {
        seal(&store);
        check(&store, "all sealed");
    }
    store.close().unwrap();
    check(&world.store(), "reopened");
}

#[test]
fn a_score_that_is_sent_again_is_updated() {
    let world = World::new();
    let store = world.store();
    append(&store, [trace("t", 0)]);
    quick(&store);
    let resend = |ms, number| {
        let subject = Subject::Trace(id("t"));
        ScoreRecord::new(id("s"), subject, at(ms), Operation::Create).number(number)
    };
    // Late, early, and twice the same: the latest event time counts.
    for (ms, number) in [(5, 0.5), (9, 0.9), (7, 0.7), (9, 0.9)] {
        append(&store, [resend(ms, number)]);
        quick(&store);
    }
    append(&store, [resend(8, 0.8).comment("kept")]);
    for seal in [quick, full] {
        let snapshot = store.snapshot();
        let scores = snapshot.scores(&id("t")).unwrap();
        assert_eq!(scores.len(), 1);
        assert_eq!(scores[0].1.float(Field::ScoreNumber), Some(0.9));
        assert_eq!(scores[0].1.text(Field::Comment), Some("kept"));
        assert_eq!(store.stats().unwrap().scores, 1);
        seal(&store);
    }
}

#[test]
fn a_score_may_move_to_another_subject() {
    let world = World::new();
    let store = world.store();
    append(&store, [score("s", Subject::Trace(id("t")), 1).number(1.0)]);
    for (ms, seal) in [(2, quick as fn(&Store)), (3, full)] {
        seal(&store);
        let subject = Subject::Session(id(&format!("session {ms}")));
        append(&store, [score("s", subject.clone(), ms).number(2.0)]);
        for _ in 0..2 {
            let snapshot = store.snapshot();
            assert!(snapshot.scores(&id("t")).unwrap().is_empty());
            assert_eq!(snapshot.subject_scores(&subject).unwrap().len(), 1);
            assert_eq!(Dump::of(&snapshot).scores(), 1);
            quick(&store);
        }
    }
    assert!(
        store.snapshot().subject_scores(&Subject::Session(id("session 2"))).unwrap().is_empty()
    );
}

#[test]
fn odd_numbers_come_back() {
    let world = World::new();
    let store = world.store();
    let numbers = [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, 0.1, -1e-300];
    for (i, number) in numbers.iter().enumerate() {
        append(&store, [score(&format!("s{i}"), Subject::Run(id("r")), 0).number(*number)]);
    }
    for seal in [quick, full] {
        for (i, number) in numbers.iter().enumerate() {
            let fields = store.snapshot().score(&id(&format!("s{i}"))).unwrap().unwrap();
            let read = fields.float(Field::ScoreNumber).unwrap();
            assert_eq!(read.to_bits(), number.to_bits());
        }
        seal(&store);
    }
}
