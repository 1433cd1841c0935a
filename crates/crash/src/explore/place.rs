//! Where a crash happened, as a line that brings it back.

use crate::drive::Script;
use crate::states::{Choice, Tail};
use std::fmt;
use std::str::FromStr;

/// One crash of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Before which operation.
    pub moment: usize,
    /// What was kept.
    pub choice: Choice,
}

/// A workload, and crashes one inside of the recovery from the other. Written
/// `disk:7:ssq@31:0110t@5:1z`: a moment, the atoms that were kept, and what lay behind: `t`
/// nothing, `z` zeros, `g` garbage, `o` old bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The workload.
    pub script: Script,
    /// The crashes.
    pub crashes: Vec<Crash>,
}

const LETTERS: [(Tail, char); 4] =
    [(Tail::Tight, 't'), (Tail::Zeros, 'z'), (Tail::Garbage, 'g'), (Tail::Stale, 'o')];

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.script)?;
        for Crash { moment, choice } in &self.crashes {
            write!(f, "@{moment}:")?;
            for kept in &choice.kept {
                f.write_str(if *kept { "1" } else { "0" })?;
            }
            let letter = LETTERS.iter().find(|(tail, _)| *tail == choice.tail);
            write!(f, "{}", letter.map_or('t', |(_, letter)| *letter))?;
        }
        Ok(())
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let wrong = || format!("{text}: a crash is written like disk:7:ssq@31:0110t");
        let mut parts = text.split('@');
        let script = parts.next().ok_or_else(wrong)?.parse()?;
        let mut crashes = Vec::new();
        for part in parts {
            let (moment, bits) = part.split_once(':').ok_or_else(wrong)?;
            let last = bits.chars().last().ok_or_else(wrong)?;
            let tail = LETTERS.iter().find(|(_, letter)| *letter == last).ok_or_else(wrong)?.0;
            let kept = bits.trim_end_matches(last).chars().map(|bit| match bit {
                '0' => Some(false),
                '1' => Some(true),
                _ => None,
            });
            let kept = kept.collect::<Option<Vec<bool>>>().ok_or_else(wrong)?;
            let moment = moment.parse().map_err(|_| wrong())?;
            crashes.push(Crash { moment, choice: Choice { kept, tail } });
        }
        Ok(Place { script, crashes })
    }
}
