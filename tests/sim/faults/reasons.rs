use super::phase::Phase;
use tracekeep_crash::faulty::{Fault, Op};

/// What a letter in the table means.
pub(crate) const LEGEND: &[(char, &str)] = &[
    ('c', "impossible: the operation has no count"),
    ('b', "impossible: the operation gives no bytes"),
    ('n', "impossible: the operation changes nothing, so nothing is undone or done anyway"),
    ('l', "impossible: a lock that is not held is held by nobody else here"),
    ('d', "impossible: a directory that is not made cannot be opened"),
    ('-', "impossible: the phase does not ask for the operation"),
    ('S', "silent: on a full disk a smaller step, or the ballast's space, was enough"),
    ('B', "silent: on a full disk a new store has no ballast; it is made when the store is opened"),
    ('P', "silent: on a full disk the promise can wait, what it is about is durable"),
    ('M', "silent: the edit stands; the switch is tried again, or the next edit is refused"),
    ('R', "silent: where the lock cannot be written there is no writer"),
    ('L', "lost: the device said yes and kept nothing, and nothing that it kept says so"),
];

/// The letter of an empty cell.
pub(crate) fn empty(op: Op, fault: Fault, used: bool) -> Option<char> {
    match fault.impossible(op) {
        Some("it has no count") => Some('c'),
        Some("it gives no bytes") => Some('b'),
        Some("it changes nothing") => Some('n'),
        Some("a lock not held is held by nobody else here") => Some('l'),
        Some("a directory not made cannot be opened") => Some('d'),
        Some(reason) => panic!("{reason}: has no letter"),
        None => (!used).then_some('-'),
    }
}

/// Why nobody need be told.
pub(crate) fn silent(phase: Phase, op: Op, fault: Fault) -> Option<char> {
    let full = matches!(fault, Fault::Enospc | Fault::Edquot | Fault::Short);
    match (phase, op) {
        (Phase::Switch, _) => Some('M'),
        (Phase::Repair, Op::Lock) if matches!(fault, Fault::Eacces | Fault::Erofs) => Some('R'),
        (Phase::Repair, Op::Create) if full => Some('B'),
        (Phase::Marker | Phase::Close, Op::WriteAt) if full => Some('P'),
        (_, Op::Reserve | Op::WriteAt) if full => Some('S'),
        _ => None,
    }
}

/// Why what was acknowledged may be gone.
pub(crate) fn lost(op: Op, fault: Fault) -> Option<char> {
    ((op, fault) == (Op::WriteAt, Fault::Undone)).then_some('L')
}

/// What a phase asks of the file system, so that a phase that asks less is seen.
pub(crate) fn asks(phase: Phase) -> &'static [Op] {
    use Op::*;
    match phase {
        Phase::Create => &[
            OpenDir, Create, Open, WriteAt, Reserve, SyncFile, SyncDir, Rename, Remove, List, Lock,
        ],
        Phase::Append | Phase::AppendOs | Phase::AppendStrict => {
            &[Create, WriteAt, Reserve, SyncFile, SyncDir]
        }
        Phase::Group | Phase::Marker | Phase::Close => &[WriteAt, SyncFile],
        Phase::Seal | Phase::Compact | Phase::Index | Phase::Switch => {
            &[Create, ReadAt, WriteAt, Reserve, Len, SyncFile, SyncDir, Rename, Remove, Map]
        }
        Phase::Recover => &[
            OpenDir, Create, Open, ReadAt, WriteAt, Reserve, Len, SyncFile, SyncDir, Rename,
            Remove, List, Lock, Map,
        ],
        Phase::Read => &[ReadAt],
        Phase::Follow => &[OpenDir, Open, ReadAt, Len, Map],
        Phase::Refresh => &[Open, ReadAt, Len, Map],
        Phase::Backup | Phase::Renew => &[
            OpenDir, Create, Open, ReadAt, WriteAt, Reserve, Len, SyncFile, SyncDir, Rename,
            Remove, Link, List, Lock,
        ],
        Phase::Repair => &[
            OpenDir, Create, Open, ReadAt, WriteAt, Reserve, Len, SyncFile, SyncDir, Rename,
            Remove, List, Lock, Map,
        ],
        Phase::Verify => &[OpenDir, Open, ReadAt, Len, List, Map],
    }
}
