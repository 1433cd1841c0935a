//! Every acknowledged batch survives kill -9, whenever it comes.
//!
//! A stream of batches is appended by one child after the other; each but the last is killed at a
//! random moment of appending, sealing or recovery, while a reader follows. So every kill lands
//! after the first acknowledgement of the stream and before its last. What was acknowledged stands
//! in files outside of the store. `TRACEKEEP_KILLS=1000` makes a campaign of it.

use crate::child::{Started, batch_of, busy_options, check_prefix, start};
use std::path::Path;
use std::time::{Duration, Instant};
use tracekeep::{Durability, SealLevel, Store, Verdict};
use tracekeep_workload::Rng;

/// When a kill lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// After this child's first acknowledgement.
    Append,
    /// While it seals.
    Seal,
    /// Before it has opened the store that the last one left.
    Recovery,
}

const MOMENTS: [Moment; 3] = [Moment::Append, Moment::Seal, Moment::Recovery];

/// One stream, one store.
struct Stream<'a> {
    path: &'a Path,
    role: &'a str,
    rng: Rng,
    /// Batches that were acknowledged by now, by any child.
    acknowledged: u64,
    /// Batches that were there after the last kill.
    seen: u64,
    /// Kills that landed, by moment.
    landed: [u64; 3],
    /// How long a recovery takes, about.
    recovery: Duration,
}

fn acknowledged(lines: &[String]) -> u64 {
    let acks = lines.iter().filter_map(|l| l.strip_prefix("ack "));
    acks.map(|n| n.parse::<u64>().unwrap() + 1).max().unwrap_or(0)
}

/// Sleeps are too coarse for what takes a millisecond.
fn spin(until: Duration) {
    let start = Instant::now();
    while start.elapsed() < until {
        std::hint::spin_loop();
    }
}

impl Stream<'_> {
    /// One of the moments that were met least so far: a few kills meet all of them.
    fn due(&mut self) -> Moment {
        let least = self.landed.iter().min().copied().unwrap_or(0);
        let due: Vec<Moment> =
            MOMENTS.into_iter().filter(|m| self.landed[*m as usize] == least).collect();
        due[self.rng.below(due.len() as u64) as usize]
    }

    /// Starts a child and kills it, at this moment if it lands there.
    fn kill(&mut self, moment: Moment, number: u64) {
        let mut child = start(self.role, self.path, &format!("notes {number}"));
        let (first, within_us) = match moment {
            Moment::Append => ("ack", 60_000),
            Moment::Seal => ("sealing", 12_000),
            Moment::Recovery => ("opening", 2 * self.recovery.as_micros() as u64),
        };
        child.wait_for(|line| line.starts_with(first));
        spin(Duration::from_micros(self.rng.below(within_us + 1)));
        child.kill();
        let lines = child.lines();
        let last = lines.last().map_or("", |line| line.split(' ').next().unwrap());
        let landed = match last {
            "opening" => Moment::Recovery,
            "sealing" => Moment::Seal,
            _ => Moment::Append,
        };
        self.landed[landed as usize] += 1;
        if moment == Moment::Recovery && landed != moment {
            // The child was quicker than that.
            self.recovery /= 2;
        }
        self.acknowledged = self.acknowledged.max(acknowledged(&lines));
        self.check(number);
    }

    /// A reader opens what is there, and a writer recovers it now and then: both see a prefix with
    /// all that was acknowledged, byte for byte.
    fn check(&mut self, number: u64) {
        let (acknowledged, before) = (self.acknowledged, self.seen);
        let reader = Store::open_read_only(self.path).unwrap();
        let seen = check_prefix(&reader.snapshot());
        assert!(seen >= acknowledged, "{seen} of {acknowledged} at kill {number}");
        assert!(seen >= before, "{seen} after {before} at kill {number}");
        self.seen = seen;
        let report = tracekeep::verify(self.path, &mut |_| {});
        assert!(matches!(report, Ok(Verdict::Clean | Verdict::TornTail)), "{report:?}");
        // Mostly the next child does it, and may be killed at that.
        if self.rng.chance(300) {
            let start = Instant::now();
            let store = Store::open(self.path).unwrap();
            self.recovery = start.elapsed();
            assert_eq!(check_prefix(&store.snapshot()), seen, "kill {number}");
            if self.rng.chance(500) {
                store.close().unwrap();
            }
        }
    }
}

fn seed() -> u64 {
    let seed = std::env::var("SIM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(12);
    eprintln!("SIM_SEED={seed}");
    seed
}

/// Streams of this many kills, `share` of fifty of those in all.
fn kill_often(role: &str, share: u64) {
    let all = std::env::var("TRACEKEEP_KILLS").ok().and_then(|s| s.parse().ok()).unwrap_or(50);
    let (mut left, mut landed) = ((all * share).div_ceil(50), [0; 3]);
    let mut rng = Rng::new(seed());
    for stream in 0.. {
        let kills = left.min(20);
        for (sum, more) in landed.iter_mut().zip(kill_stream(role, kills, &mut rng)) {
            *sum += more;
        }
        left -= kills;
        eprintln!("{role}: stream {stream}: kills in {MOMENTS:?}: {landed:?}");
        if left == 0 {
            break;
        }
    }
    assert!(landed.iter().all(|n| *n > 0), "a moment was never met: {landed:?}");
}

fn kill_stream(role: &str, kills: u64, rng: &mut Rng) -> [u64; 3] {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let (seed, recovery) = (rng.next_u64(), Duration::from_millis(3));
    let mut stream = Stream {
        path: &path,
        role,
        rng: Rng::new(seed),
        acknowledged: 0,
        seen: 0,
        landed: [0; 3],
        recovery,
    };
    // The first acknowledgement of the stream; the reader is there from then on.
    let mut first = start(role, &path, "notes first");
    first.wait_for(|line| line.starts_with("ack"));
    let mut reader = start("follow", &path, "reader");
    reader.wait_for(|line| line.starts_with("saw"));
    first.kill();
    stream.acknowledged = acknowledged(&first.lines());
    for number in 0..kills {
        let moment = stream.due();
        stream.kill(moment, number);
    }
    finish(&stream, reader);
    stream.landed
}

/// The last acknowledgement of the stream comes after its last kill.
fn finish(stream: &Stream<'_>, reader: Started) {
    let options = busy_options(Durability::Disk);
    let store = Store::builder().options(options).open(stream.path).unwrap();
    for number in stream.seen..stream.seen + 10 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
    store.seal(SealLevel::Full).unwrap();
    assert_eq!(check_prefix(&store.snapshot()), stream.seen + 10);
    store.close().unwrap();
    assert_eq!(tracekeep::verify(stream.path, &mut |_| {}).unwrap(), Verdict::Clean);
    std::fs::write(stream.path.with_file_name("stop"), "").unwrap();
    let lines = reader.finish();
    assert_eq!(*lines.last().unwrap(), format!("saw {}", stream.seen + 10));
}

#[test]
fn at_disk() {
    kill_often("append disk", 20);
}

#[test]
fn at_os() {
    kill_often("append os", 15);
}

#[test]
fn at_disk_strict() {
    kill_often("append strict", 15);
}
