use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One file of the corpus, decompressed, and room for stores beside it.
pub(crate) struct Corpus {
    room: TempDir,
    events: PathBuf,
}

impl Corpus {
    /// The whole file, or its first lines up to this many bytes. `None`, and a word about it,
    /// where no corpus was given.
    pub(crate) fn open(name: &str, bytes_max: usize) -> Option<Corpus> {
        let Some(folder) = std::env::var_os("TRACEKEEP_CORPUS") else {
            tell(&format!("SKIPPED {name}: TRACEKEEP_CORPUS names no folder with the corpus"));
            return None;
        };
        let packed = Path::new(&folder).join(format!("{name}.jsonl.zst"));
        let mut decoder = zstd::Decoder::new(File::open(&packed).unwrap()).unwrap();
        decoder.window_log_max(31).unwrap();
        let room = tempfile::tempdir().unwrap();
        let events = room.path().join("events.jsonl");
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&events).unwrap());
        let mut lines = BufReader::with_capacity(1 << 20, decoder);
        let (mut line, mut bytes) = (Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).unwrap() > 0 && bytes + line.len() <= bytes_max {
            out.write_all(&line).unwrap();
            bytes += line.len();
            line.clear();
        }
        out.flush().unwrap();
        Some(Corpus { room, events })
    }

    /// The events, one a line.
    pub(crate) fn events(&self) -> &Path {
        &self.events
    }

    /// A path that nothing else uses.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// The same events in any order, some of them twice.
    pub(crate) fn shuffled(&self, random: &mut Random) -> PathBuf {
        let text = std::fs::read(&self.events).unwrap();
        let mut lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
        for at in 0..lines.len() {
            if random.below(5) == 0 {
                lines.push(lines[at]);
            }
        }
        for at in (1..lines.len()).rev() {
            lines.swap(at, random.below(at + 1));
        }
        let path = self.path("shuffled.jsonl");
        std::fs::write(&path, lines.concat()).unwrap();
        path
    }
}

/// Says something that is read even where a test's output is kept back.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "corpus: {line}");
}

/// Numbers from a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// From `SIM_SEED`, else from anywhere; the seed is printed.
    pub(crate) fn new(of: &str) -> Random {
        let given = std::env::var("SIM_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(of));
        tell(&format!("{of}: SIM_SEED={seed}"));
        Random(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end as u64) as usize
    }
}
