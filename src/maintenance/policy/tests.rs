use super::*;

const MAX: u64 = 3_000_000;

fn options() -> Options {
    Options { rewrite_bytes_max: MAX, ..Options::default() }
}

fn logs(bytes: &[u64]) -> Vec<FinishedLog> {
    let log = |(i, bytes): (usize, &u64)| FinishedLog {
        id: LogId(i as u64),
        bytes: *bytes,
        memory: 0,
        weight: 0,
    };
    bytes.iter().enumerate().map(log).collect()
}

#[test]
fn small_logs_wait_for_company() {
    let options = options();
    let plan = |bytes: &[u64], pressure| plan(&logs(bytes), &[], &options, pressure);
    assert_eq!(plan(&[], Pressure::None), Plan::Rest);
    assert_eq!(plan(&[], Pressure::Appends), Plan::Rest);
    assert_eq!(plan(&[100], Pressure::Appends), Plan::Seal(1, SealLevel::Quick));
    assert_eq!(plan(&[100, 100], Pressure::None), Plan::Rest);
    assert_eq!(plan(&[100; 4], Pressure::None), Plan::Seal(4, SealLevel::Full));
    assert_eq!(plan(&[60 << 20], Pressure::None), Plan::Seal(1, SealLevel::Full));
    assert_eq!(plan(&[60 << 20, 60 << 20], Pressure::None), Plan::Seal(1, SealLevel::Full));
}

#[test]
fn neighbours_of_a_tier_are_joined() {
    let plan = |segments: &[u64]| plan(&[], segments, &options(), Pressure::None);
    assert_eq!(plan(&[]), Plan::Rest);
    assert_eq!(plan(&[10, 10, 10]), Plan::Rest);
    assert_eq!(plan(&[10, 10, 10, 10]), Plan::Join(0..4, SealLevel::Full));
    assert_eq!(plan(&[5000, 10, 2, 10, 12]), Plan::Join(1..5, SealLevel::Full));
    assert_eq!(plan(&[100, 100, 100, 2]), Plan::Rest);
    assert_eq!(plan(&[MAX / 3; 9]), Plan::Rest);
}

#[test]
fn a_row_is_written_once_a_tier() {
    let (mut segments, mut written, mut most) = (Vec::new(), 0, 0);
    let count = 4096;
    for _ in 0..count {
        segments.push(100);
        written += 100;
        while let Plan::Join(joined, _) = plan(&[], &segments, &options(), Pressure::None) {
            let sum: u64 = segments.drain(joined).sum();
            segments.push(sum);
            written += sum;
        }
        most = most.max(segments.len());
    }
    assert_eq!(segments, [100 * count]);
    assert_eq!(written, 100 * count * 7);
    assert!(most <= 3 * 6, "{most} segments at once");
}

#[test]
fn logs_that_never_end_do_not_keep_segments_from_being_joined() {
    let (mut segments, mut written, mut most) = (Vec::new(), 0, 0);
    let mut sealed = 0;
    while sealed < 4096 {
        match plan(&logs(&[60 << 20; 3]), &segments, &options(), Pressure::Appends) {
            Plan::Seal(..) => {
                segments.push(100);
                sealed += 1;
            }
            Plan::Join(joined, SealLevel::Quick) => {
                let sum: u64 = segments.drain(joined).sum();
                segments.push(sum);
                written += sum;
            }
            other => unreachable!("logs are due: {other:?}"),
        }
        most = most.max(segments.len());
    }
    assert!(most <= 3 * OVERDUE, "{most} segments at once");
    assert!(written <= 3 * 100 * 4096, "{written}");
}

#[test]
fn what_fills_a_segment_is_joined_before_more_logs_are_sealed() {
    let plan = |segments: &[u64]| plan(&logs(&[60 << 20]), segments, &options(), Pressure::Appends);
    let seal = Plan::Seal(1, SealLevel::Quick);
    assert_eq!(plan(&[MAX / 6; 6]), seal);
    assert_eq!(plan(&[MAX / 6; 7]), Plan::Join(1..7, SealLevel::Quick));
    assert_eq!(plan(&[MAX / 3; 7]), seal);
    assert_eq!(plan(&[MAX / 100; 15]), seal);
    assert_eq!(plan(&[MAX / 100; 16]), Plan::Join(0..16, SealLevel::Quick));
}

#[test]
fn in_a_hurry_segments_wait_until_they_are_overdue() {
    let plan = |logs: &[FinishedLog], count, pressure| {
        plan(logs, &[10; OVERDUE][..count], &options(), pressure)
    };
    let (none, one) = (logs(&[]), logs(&[60 << 20]));
    for pressure in [Pressure::Joins, Pressure::Appends] {
        assert_eq!(plan(&none, OVERDUE - 1, pressure), Plan::Rest);
        assert_eq!(plan(&none, OVERDUE, pressure), Plan::Join(0..16, SealLevel::Quick));
        assert_eq!(plan(&one, OVERDUE, pressure), Plan::Join(0..16, SealLevel::Quick));
    }
    assert_eq!(plan(&one, OVERDUE - 1, Pressure::Joins), Plan::Seal(1, SealLevel::Full));
    assert_eq!(plan(&one, OVERDUE - 1, Pressure::Appends), Plan::Seal(1, SealLevel::Quick));
    assert_eq!(plan(&none, JOINED, Pressure::None), Plan::Join(0..4, SealLevel::Full));
}

#[test]
fn what_fits_one_segment_is_settled_in_one() {
    use SealLevel::{Full, Quick};
    let third = MAX / 3;
    let unsettled = |segments: &[_]| unsettled(segments, MAX);
    let sealed_together = |logs: &[_], segments: &[_]| sealed_together(logs, segments, MAX);
    assert_eq!(unsettled(&[]), None);
    assert_eq!(unsettled(&[(third, Full)]), None);
    assert_eq!(unsettled(&[(third, Quick)]), Some(0..1));
    assert_eq!(unsettled(&[(3 * third, Full), (third, Full), (1, Quick)]), Some(1..3));
    assert_eq!(unsettled(&[(2 * MAX, Full), (MAX, Full)]), None);
    assert_eq!(sealed_together(&[third, third], &[third, third]), (1, 2));
    assert_eq!(sealed_together(&[third; 4], &[third]), (0, 3));
    assert_eq!(sealed_together(&[2 * MAX], &[1]), (0, 1));
    assert_eq!(sealed_together(&[], &[third; 5]), (3, 0));
}
