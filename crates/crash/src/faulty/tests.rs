use super::{Fault, Faulty, Op, Rule, Span, Switch};
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, RealFs};
use tracekeep::{ErrorKind, Result};

/// Runs one operation of each kind that changes or reads the file `LOCK`.
fn one(op: Op, dir: &impl Dir, file: &impl File) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 8];
    match op {
        Op::ReadAt => {
            let n = file.read_at(&mut bytes, 0)?;
            bytes.truncate(n);
            return Ok(bytes);
        }
        Op::WriteAt => file.write_at(b"87654321", 0)?,
        Op::SyncFile => file.sync()?,
        Op::SyncDir => dir.sync()?,
        Op::Rename => dir.rename(FileName::Lock, FileName::Current)?,
        Op::Remove => dir.remove(FileName::Lock)?,
        Op::Map => return dir.map(FileName::Lock).map(|map| map.to_vec()),
        _ => return dir.list().map(|_| Vec::new()),
    }
    Ok(Vec::new())
}

/// What is done, what is answered, and what is left, of one faulty operation.
fn run(op: Op, fault: Fault) -> (Result<Vec<u8>>, Option<Vec<u8>>) {
    let root = tempfile::tempdir().unwrap();
    let switch = Switch::default();
    let fs = Faulty::new(RealFs, switch.clone());
    let dir = fs.open_dir(root.path(), DirMode::Existing).unwrap();
    let file = dir.create(FileName::Lock).unwrap();
    file.write_at(b"12345678", 0).unwrap();
    switch.arm(Rule { op, fault, nth: 1, span: Span::Once });
    let answer = one(op, &dir, &file);
    assert_eq!((switch.count(op), switch.injected()), (1, 1), "{op} {fault}");
    (answer, std::fs::read(root.path().join("LOCK")).ok())
}

#[test]
fn a_fault_does_what_it_says() {
    let old = Some(b"12345678".to_vec());
    let (answer, left) = run(Op::WriteAt, Fault::Short);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(left.unwrap(), b"87655678");
    for (fault, kind) in [(Fault::Eio, ErrorKind::Io), (Fault::Edquot, ErrorKind::StorageFull)] {
        let (answer, left) = run(Op::WriteAt, fault);
        assert_eq!((answer.unwrap_err().kind(), &left), (kind, &old));
    }
    let (answer, left) = run(Op::WriteAt, Fault::Undone);
    assert!(answer.is_ok() && left == old);
    let (answer, left) = run(Op::WriteAt, Fault::DoneAnyway);
    assert!(answer.is_err() && left.unwrap() == b"87654321");
    assert_eq!(run(Op::ReadAt, Fault::Short).0.unwrap(), b"1234");
    assert_eq!(run(Op::ReadAt, Fault::Zero).0.unwrap(), b"");
    assert_eq!(run(Op::ReadAt, Fault::WrongBytes).0.unwrap(), b"1234%678");
    assert_eq!(run(Op::Map, Fault::WrongBytes).0.unwrap(), b"1234%678");
    assert_eq!(run(Op::Map, Fault::Short).0.unwrap(), b"1234");
    let (answer, left) = run(Op::Rename, Fault::DoneAnyway);
    assert!(answer.is_err() && left.is_none());
    let (answer, left) = run(Op::Remove, Fault::Undone);
    assert!(answer.is_ok() && left == old);
}

#[test]
fn a_fault_comes_when_it_is_due_and_lasts_as_long_as_it_says() {
    let root = tempfile::tempdir().unwrap();
    let switch = Switch::default();
    let dir = Faulty::new(RealFs, switch.clone()).open_dir(root.path(), DirMode::Existing).unwrap();
    for (span, outcome) in [(Span::Once, "+-++"), (Span::Onwards, "+---")] {
        switch.arm(Rule { op: Op::SyncDir, fault: Fault::Eio, nth: 2, span });
        let seen: String = (0..4).map(|_| if dir.sync().is_ok() { '+' } else { '-' }).collect();
        assert_eq!(seen, outcome);
        assert_eq!(switch.injected(), outcome.matches('-').count() as u64);
        switch.disarm();
        dir.sync().unwrap();
        assert_eq!(switch.count(Op::SyncDir), 5);
    }
}

#[test]
fn what_cannot_happen_has_a_reason_and_the_rest_is_many() {
    let all = Op::ALL.iter().flat_map(|op| Fault::ALL.map(|fault| (*op, fault)));
    let possible = all.filter(|(op, fault)| fault.impossible(*op).is_none()).count();
    // Eight refusals each; short, zero, wrong bytes of reads and maps; short and zero of writes;
    // ten that change something are done anyway, eight of them are left undone.
    assert_eq!(possible, 15 * 8 + 2 * 3 + 2 + 10 + 8);
}
