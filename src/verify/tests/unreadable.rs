//! Files that cannot be opened, which is another thing than damage: a link that leads to itself.

use super::*;
use crate::error::ErrorKind;
use crate::manifest::load;
use crate::recovery::load_store;

#[test]
fn a_file_that_cannot_be_opened_is_an_error_and_no_finding() {
    for name in [
        FileName::Current,
        FileName::Manifest(1),
        FileName::Log(LogId(3)),
        FileName::Log(LogId(4)),
        FileName::Skeleton(SegmentId(1)),
        FileName::Payload(SegmentId(2)),
        FileName::Index(1),
    ] {
        let store = store();
        let path = store.path(name);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let mut findings = Vec::new();
        let verdict = verify(store.temp.path(), &mut |f| findings.push(f));
        assert_eq!(verdict.unwrap_err().kind(), ErrorKind::Io, "{name}: {findings:?}");
        let opened = load(&store.dir).map(|loaded| load_store(&store.dir, &loaded.unwrap()));
        match opened.and_then(|loaded| loaded) {
            // A cache is passed over.
            Ok(loaded) => {
                assert_eq!(
                    (name, loaded.notes.len()),
                    (FileName::Index(1), 1),
                    "{:?}",
                    loaded.notes
                );
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{name}: {error}"),
        }
    }
}
