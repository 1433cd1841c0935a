//! Rewriting that is told to stop, at each moment in turn.

use super::*;

#[test]
fn what_is_stopped_is_stopped_whole() {
    let store = store();
    let open = |id| Segment::open(&store.dir, SegmentId(id), &store.header, false).unwrap();
    let segments: Vec<_> = [1, 2].map(open).map(Arc::new).into();
    let view = View::new(store.header.key, segments, Vec::new(), Vec::new());
    let what = Rewrite {
        logs: 0,
        segments: 0..2,
        level: SealLevel::Full,
        zstd_level: 3,
        id: SegmentId(3),
        now_ns: 5,
    };
    let rewritten = |stop_at: usize| {
        for name in [FileName::SkeletonTemp(SegmentId(3)), FileName::PayloadTemp(SegmentId(3))] {
            let _left = std::fs::remove_file(store.path(name));
        }
        let mut told = 0;
        let result = rewrite(&store.dir, &view, &store.header, &what, &mut |_| {
            told += 1;
            if told > stop_at { Go::Stop } else { Go::On }
        });
        (result.unwrap(), told)
    };
    let (whole, told) = rewritten(usize::MAX);
    let Rewritten::Segment(whole) = whole else { panic!("nothing was written") };
    let rows = (whole.traces, whole.observations, whole.scores);
    let mut stopped = 0;
    for stop_at in 0..told {
        match rewritten(stop_at).0 {
            Rewritten::Stopped => stopped += 1,
            // It was told when all was done.
            Rewritten::Segment(facts) => {
                assert_eq!((facts.traces, facts.observations, facts.scores), rows, "{stop_at}");
            }
            Rewritten::Nothing => panic!("{stop_at}: nothing was left of two segments"),
        }
    }
    assert!(stopped > told / 2, "{stopped} of {told}");
}
