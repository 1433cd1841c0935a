//! What a table holds, leaves out, and counts.

use super::*;
use crate::codec::compress::Compressor;
use crate::frame::{FileKind, FrameWriter, GroupBuilder, Previous};
use crate::fs::{Dir, DirMode, FileName, Fs, RealFs};
use crate::model::{Body, Field, FieldValue, Operation, Target, Timestamp, Value};

fn table() -> (tempfile::TempDir, LogTable<impl File>) {
    let temp = tempfile::tempdir().unwrap();
    let dir = RealFs.open_dir(temp.path(), DirMode::Existing).unwrap();
    let header = FileHeader {
        kind: FileKind::Log,
        store: 1,
        key: StoreKey([1; 32]),
        salt: 2,
        number: 3,
        created_ns: 4,
        previous: Previous::default(),
    };
    let file = dir.create(FileName::Log(LogId(3))).unwrap();
    (temp, LogTable::new(PathBuf::from("log"), file, &header))
}

fn encoded(target: Target, body: Body<Listed>) -> Vec<u8> {
    let (time, operation) = (Timestamp(1), Operation::Create);
    let mut bytes = Vec::new();
    crate::codec::encode_record(&Record { target, time, operation, body }, &mut bytes);
    bytes
}

fn add(table: &LogTable<impl File>, group: &GroupBuilder) -> Result<usize> {
    let (mut body, mut frames) = (Vec::new(), Vec::new());
    let view = group.write(&mut Compressor::new(1), &mut body);
    let (kind, records) = (FrameKind::Records, group.records());
    let frame = FrameWriter::new(2, 128).frame(kind, 1, 1, 0, records, 0, &body, &mut frames);
    table.add(&frame, &body).map(|()| view.memory())
}

#[test]
fn what_a_table_takes_is_counted_by_record_trace_and_score() {
    let (_temp, table) = table();
    let trace = |n| Target::Trace { trace: Id::hex32(n) };
    let observation = Target::Observation { trace: Id::hex32(7), observation: Id::hex32(1) };
    let subject = Value::Subject(crate::model::Subject::Trace(Id::hex32(7)));
    let fields = vec![FieldValue { field: Field::Subject, weak: false, value: subject }];
    let mut group = GroupBuilder::new(0);
    group.push_record(&encoded(trace(7), Body::Fields(Vec::new())));
    group.push_record(&encoded(observation, Body::Fields(Vec::new())));
    group.push_record(&encoded(trace(8), Body::Tombstone));
    let score = Target::Score { score: Id::hex32(9) };
    group.push_record(&encoded(score.clone(), Body::Fields(fields.clone())));
    group.push_record(&encoded(score, Body::Fields(fields)));
    let view = add(&table, &group).unwrap();
    let places = (5 * 2 + 1) * size_of::<At>();
    // Two traces and a score; one trace that is erased; one subject.
    assert_eq!(table.memory(), view + places + 3 * 224 + 128 + 96);
    assert_eq!(table.records(), 5);
    // Seqs 1 to 5: who looks at seq 2 does not know of the second trace.
    assert_eq!((table.traces(Seq(2)).len(), table.traces(Seq(3)).len()), (1, 2));
    for (first, last, records) in [(1, 5, 5), (2, 3, 2), (5, 9, 1), (6, 9, 0), (0, 0, 0)] {
        assert_eq!(table.range(Seq(first), Seq(last)).unwrap().len(), records);
    }
}

#[test]
fn parts_that_are_gone_are_no_more_than_a_log_can_hold() {
    let (_temp, table) = table();
    let max = u32::try_from(PARTS_MAX).unwrap();
    assert!(table.skip_parts(max + 1).is_err());
    assert_eq!(table.parts(), 0);
    table.skip_parts(max).unwrap();
    assert_eq!(table.parts(), max);
}

#[test]
fn a_frame_with_a_record_that_makes_no_sense_leaves_the_table_as_it_was() {
    let (_temp, table) = table();
    let mut group = GroupBuilder::new(0);
    group.push_record(&encoded(Target::Trace { trace: Id::hex32(7) }, Body::Tombstone));
    group.push_record(b"no record");
    group.push_part(b"a part that the records may name");
    assert!(add(&table, &group).is_err());
    let all = Seq(u64::MAX);
    assert_eq!((table.records(), table.parts(), table.seqs()), (0, 0, None));
    assert_eq!((table.traces(all), table.tombstones().unwrap().len()), (Vec::new(), 0));
}
