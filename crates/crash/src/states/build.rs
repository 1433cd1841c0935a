//! From a choice to an image.

use super::choose::{Choice, Tail};
use super::replay::{Piece, Replay, ReplayFile, change};
use crate::disk::{Content, DirNo, Image, ImageDir, Ino};
use tracekeep_workload::mix;

/// One piece that may be there or not.
#[derive(Debug, Clone, Copy)]
enum Atom {
    Name(DirNo, usize),
    Bytes(Ino, usize),
}

/// What is not durable at one moment, in the order in which it was done.
#[derive(Debug)]
pub struct Unsynced<'r> {
    replay: &'r Replay,
    atoms: Vec<Atom>,
    grows: bool,
}

impl<'r> Unsynced<'r> {
    /// What no sync covers at this moment. Files that no name can lead to are left out.
    pub fn of(replay: &'r Replay) -> Unsynced<'r> {
        let mut atoms: Vec<(usize, Atom)> = Vec::new();
        for (no, dir) in replay.dirs.iter().enumerate() {
            let names = dir.pending.iter().enumerate();
            atoms.extend(names.map(|(i, (order, _))| (*order, Atom::Name(no, i))));
        }
        let mut grows = false;
        for (ino, file) in replay.files.iter().enumerate() {
            if file.pending.is_empty() || !replay.may_be_named(ino) {
                continue;
            }
            grows |= file.seen_len() > file.durable.bytes.len() as u64;
            let pieces = file.pending.iter().enumerate();
            atoms.extend(pieces.map(|(i, piece)| (piece.order, Atom::Bytes(ino, i))));
        }
        atoms.sort_by_key(|(order, _)| *order);
        let atoms = atoms.into_iter().map(|(_, atom)| atom).collect();
        Unsynced { replay, atoms, grows }
    }

    /// How many atoms there are.
    pub fn atoms(&self) -> usize {
        self.atoms.len()
    }

    /// Whether some file was seen longer than it is durable.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// The disk with these atoms kept and the others lost.
    pub fn image(&self, choice: &Choice) -> Image {
        let replay = self.replay;
        let mut names: Vec<Vec<usize>> = vec![Vec::new(); replay.dirs.len()];
        let mut pieces: Vec<Vec<usize>> = vec![Vec::new(); replay.files.len()];
        for (atom, _) in self.atoms.iter().zip(&choice.kept).filter(|(_, kept)| **kept) {
            match atom {
                Atom::Name(dir, i) => names[*dir].push(*i),
                Atom::Bytes(ino, i) => pieces[*ino].push(*i),
            }
        }
        let mut dirs = Vec::with_capacity(replay.dirs.len());
        let mut named = vec![false; replay.files.len()];
        for (dir, kept) in replay.dirs.iter().zip(&names) {
            let mut entries = dir.durable.clone();
            for i in kept {
                change(&mut entries, dir.pending[*i].1);
            }
            for ino in entries.values() {
                named[*ino] = true;
            }
            dirs.push(ImageDir { path: dir.path.clone(), entries });
        }
        let files = replay.files.iter().enumerate().map(|(ino, file)| {
            if !named[ino] {
                return replay.nothing.clone();
            }
            self.content(ino, file, &pieces[ino], choice.tail)
        });
        Image { files: files.collect(), dirs }
    }

    fn content(&self, ino: Ino, file: &ReplayFile, kept: &[usize], tail: Tail) -> Content {
        if file.pending.is_empty() {
            return file.durable.clone();
        }
        let durable = file.durable.bytes.len() as u64;
        let kept_len = kept.iter().map(|i| file.pending[*i].end()).fold(durable, u64::max);
        let len = match tail {
            Tail::Tight => kept_len,
            Tail::Zeros | Tail::Garbage | Tail::Stale => file.seen_len(),
        };
        if kept.is_empty() && len == durable {
            return file.durable.clone();
        }
        let mut bytes = Vec::with_capacity(len as usize);
        bytes.extend_from_slice(&file.durable.bytes);
        self.fill(ino, len as usize, tail, &mut bytes);
        for i in kept {
            let last: &Piece = &file.pending[*i];
            // The page held what was written to this sector before, too.
            for piece in file.pending[..=*i].iter().filter(|p| p.shares_sector(last)) {
                let end = piece.end().min(len) as usize;
                let start = (piece.offset as usize).min(end);
                bytes[start..end].copy_from_slice(&piece.bytes()[..end - start]);
            }
        }
        Content::new(bytes)
    }

    /// Fills up to a length with what may lie in blocks that were never written.
    fn fill(&self, ino: Ino, len: usize, tail: Tail, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        match tail {
            Tail::Tight | Tail::Zeros => {}
            Tail::Garbage => {
                bytes.extend(
                    (start..len).map(|at| (mix((ino + at / 8) as u64) >> (at % 8 * 8)) as u8),
                );
            }
            Tail::Stale => {
                // The newest other file that has bytes there.
                let others = self.replay.files.iter().enumerate().rev();
                let old = others.filter(|(no, f)| *no != ino && f.durable.bytes.len() > start);
                if let Some((_, old)) = old.into_iter().next() {
                    let until = len.min(old.durable.bytes.len());
                    bytes.extend_from_slice(&old.durable.bytes[start..until]);
                }
            }
        }
        bytes.resize(len.max(start), 0);
    }
}
