use super::judge::{Outcome, run, uses};
use super::phase::{Image, Phase};
use super::reasons::{LEGEND, asks, empty, lost, silent};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tracekeep_crash::faulty::{Fault, Op, Rule, Span};

/// A run that goes on for longer than this has hung.
const HANG: Duration = Duration::from_secs(60);
/// No phase asks more often for one operation.
const TRIES_MAX: u64 = 1000;
/// Phases that run at once.
const WORKERS: usize = 2;

/// What came of one operation that fails in one way in one phase.
#[derive(Debug, Clone, Default)]
struct Cell {
    /// Runs in which a fault was injected: each n, once and from then on.
    tried: u64,
    letters: BTreeSet<char>,
}

type Cells = BTreeMap<(Op, Fault, Phase), Cell>;

#[derive(Debug, Default)]
struct Matrix {
    cells: Mutex<Cells>,
    wrong: Mutex<Vec<String>>,
    /// What each worker is at, and since when.
    at: [Mutex<Option<(String, Instant)>>; WORKERS],
}

impl Matrix {
    /// Fails the n-th operation for every n, once and from then on, until the phase is untouched.
    fn fill(&self, worker: usize, image: &Image, key: (Op, Fault, Phase)) -> Cell {
        let (op, fault, phase) = key;
        let mut cell = Cell::default();
        for span in [Span::Once, Span::Onwards] {
            for nth in 1.. {
                let name = format!("{phase}: {fault} at {op} {nth} {span:?}");
                assert!(nth < TRIES_MAX, "{name}: does not come to an end");
                *self.at[worker].lock().unwrap() = Some((name.clone(), Instant::now()));
                let outcome = run(phase, image, Rule { op, fault, nth, span });
                let letter = match &outcome {
                    Ok(Outcome::Silent) if fault.is_error(op) => silent(phase, op, fault),
                    Ok(Outcome::Lost) => lost(op, fault),
                    Ok(_) => Some(' '),
                    Err(_) => None,
                };
                match letter {
                    Some(' ') => {}
                    Some(letter) => drop(cell.letters.insert(letter)),
                    None => self.wrong.lock().unwrap().push(format!("{name}: {outcome:?}")),
                }
                if outcome == Ok(Outcome::Untouched) {
                    break;
                }
                cell.tried += 1;
            }
        }
        *self.at[worker].lock().unwrap() = None;
        cell
    }

    fn column(&self, worker: usize, phase: Phase) {
        let image = Image::for_phase(phase);
        let used = uses(phase, &image);
        assert_eq!(used, asks(phase), "{phase}: what it asks of the file system");
        for (op, fault) in Op::ALL.iter().flat_map(|op| Fault::ALL.map(|fault| (*op, fault))) {
            let cell = match empty(op, fault, used.contains(&op)) {
                Some(letter) => Cell { tried: 0, letters: BTreeSet::from([letter]) },
                None => self.fill(worker, &image, (op, fault, phase)),
            };
            self.cells.lock().unwrap().insert((op, fault, phase), cell);
        }
    }

    /// Ends the process where a run hangs: nothing else would.
    fn watch(&self) {
        for at in &self.at {
            if let Some((name, since)) = &*at.lock().unwrap()
                && since.elapsed() > HANG
            {
                eprintln!("hung: {name}");
                std::process::abort();
            }
        }
    }
}

/// Fills the columns of these phases.
fn fill(phases: &[Phase]) -> (Cells, Vec<String>) {
    let matrix = Matrix::default();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (matrix, next, done) = (&matrix, &next, &done);
            scope.spawn(move || {
                // Counted also when it unwinds, so that the watch ends.
                let _done = Ended(done);
                while let Some(phase) = phases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    matrix.column(worker, *phase);
                    println!("{phase}: {:.1?}", begun.elapsed());
                }
            });
        }
        while done.load(Ordering::Relaxed) < WORKERS {
            std::thread::sleep(Duration::from_millis(50));
            matrix.watch();
        }
    });
    (matrix.cells.into_inner().unwrap(), matrix.wrong.into_inner().unwrap())
}

struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Rows: operation and fault. Columns: phases. A cell: runs, and letters; or a letter alone.
fn table(cells: &Cells, phases: &[Phase]) -> String {
    let mut out = format!("{:<22}", "");
    for phase in phases {
        let _ = write!(out, "{phase:>8}");
    }
    for (op, fault) in Op::ALL.iter().flat_map(|op| Fault::ALL.map(|fault| (*op, fault))) {
        let _ = write!(out, "\n{:<22}", format!("{op} {fault}"));
        for phase in phases {
            let cell = cells.get(&(op, fault, *phase)).map_or(String::new(), |cell| {
                let letters: String = cell.letters.iter().collect();
                if cell.tried == 0 { letters } else { format!("{}{letters}", cell.tried) }
            });
            let _ = write!(out, "{cell:>8}");
        }
    }
    let runs: u64 = cells.values().map(|cell| cell.tried).sum();
    let (full, all) = (cells.values().filter(|cell| cell.tried > 0).count(), cells.len());
    let _ = write!(out, "\n{runs} runs in {full} cells; {} are impossible:", all - full);
    for (letter, meaning) in LEGEND {
        let _ = write!(out, "\n  {letter}  {meaning}");
    }
    out
}

#[test]
fn every_operation_fails_in_every_way_in_every_phase() {
    let only = std::env::var("FAULT_PHASE").unwrap_or_default();
    let wanted = |p: &Phase| only.is_empty() || p.to_string() == only;
    let mut phases: Vec<Phase> = Phase::ALL.into_iter().filter(wanted).collect();
    // The longest is begun first.
    phases.sort_by_key(|phase| *phase != Phase::Index);
    let (cells, wrong) = fill(&phases);
    println!("{}", table(&cells, &phases));
    println!("{}", wrong.join("\n"));
    assert!(wrong.is_empty(), "{} runs went wrong; see above", wrong.len());
    for (key, cell) in &cells {
        assert!(cell.tried > 0 || cell.letters.len() == 1, "{key:?} is a hole");
    }
    assert_eq!(cells.len(), Op::ALL.len() * Fault::ALL.len() * phases.len());
    let used: BTreeSet<char> = cells.values().flat_map(|cell| &cell.letters).copied().collect();
    let stale = |letter: &&(char, &str)| only.is_empty() && !used.contains(&letter.0);
    assert_eq!(LEGEND.iter().find(stale), None, "a reason that nothing needs");
}
