use crate::id::{LogId, SegmentId};
use std::fmt;

/// Every name that a store's directory may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// `LOCK`
    Lock,
    /// `CURRENT`
    Current,
    /// `CURRENT.tmp`
    CurrentTemp,
    /// `BALLAST`
    Ballast,
    /// `MANIFEST-<n>`
    Manifest(u64),
    /// `log-<n>.tkl`
    Log(LogId),
    /// `log-<n>.tkl.tmp`
    LogTemp(LogId),
    /// `seg-<id>.tks`
    Skeleton(SegmentId),
    /// `seg-<id>.tks.tmp`
    SkeletonTemp(SegmentId),
    /// `seg-<id>.tkp`
    Payload(SegmentId),
    /// `seg-<id>.tkp.tmp`
    PayloadTemp(SegmentId),
    /// `index-<n>.tki`
    Index(u64),
    /// `index-<n>.tki.tmp`
    IndexTemp(u64),
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileName::Lock => f.write_str("LOCK"),
            FileName::Current => f.write_str("CURRENT"),
            FileName::CurrentTemp => f.write_str("CURRENT.tmp"),
            FileName::Ballast => f.write_str("BALLAST"),
            FileName::Manifest(n) => write!(f, "MANIFEST-{n:06}"),
            FileName::Log(n) => write!(f, "log-{:06}.tkl", n.0),
            FileName::LogTemp(n) => write!(f, "log-{:06}.tkl.tmp", n.0),
            FileName::Skeleton(n) => write!(f, "seg-{:06}.tks", n.0),
            FileName::SkeletonTemp(n) => write!(f, "seg-{:06}.tks.tmp", n.0),
            FileName::Payload(n) => write!(f, "seg-{:06}.tkp", n.0),
            FileName::PayloadTemp(n) => write!(f, "seg-{:06}.tkp.tmp", n.0),
            FileName::Index(n) => write!(f, "index-{n:06}.tki"),
            FileName::IndexTemp(n) => write!(f, "index-{n:06}.tki.tmp"),
        }
    }
}

impl FileName {
    /// The name that is written like this, exactly.
    pub fn parse(text: &str) -> Option<FileName> {
        let number = || -> Option<u64> {
            let digits = text.split_once('-')?.1;
            digits.split('.').next()?.parse().ok()
        };
        let name = match text {
            "LOCK" => FileName::Lock,
            "CURRENT" => FileName::Current,
            "CURRENT.tmp" => FileName::CurrentTemp,
            "BALLAST" => FileName::Ballast,
            _ => {
                let n = number()?;
                match text.split_once('-')?.0 {
                    "MANIFEST" => FileName::Manifest(n),
                    "log" if text.ends_with(".tmp") => FileName::LogTemp(LogId(n)),
                    "log" => FileName::Log(LogId(n)),
                    "seg" if text.ends_with(".tks") => FileName::Skeleton(SegmentId(n)),
                    "seg" if text.ends_with(".tks.tmp") => FileName::SkeletonTemp(SegmentId(n)),
                    "seg" if text.ends_with(".tkp") => FileName::Payload(SegmentId(n)),
                    "seg" if text.ends_with(".tkp.tmp") => FileName::PayloadTemp(SegmentId(n)),
                    "index" if text.ends_with(".tki") => FileName::Index(n),
                    "index" if text.ends_with(".tki.tmp") => FileName::IndexTemp(n),
                    _ => return None,
                }
            }
        };
        (name.to_string() == text).then_some(name)
    }

    /// Whether the file is unfinished work that a crash left behind.
    pub fn is_temp(self) -> bool {
        matches!(
            self,
            FileName::CurrentTemp
                | FileName::LogTemp(_)
                | FileName::SkeletonTemp(_)
                | FileName::PayloadTemp(_)
                | FileName::IndexTemp(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            FileName::Lock,
            FileName::CurrentTemp,
            FileName::Manifest(7),
            FileName::Log(LogId(1_234_567)),
            FileName::LogTemp(LogId(8)),
            FileName::Skeleton(SegmentId(3)),
            FileName::PayloadTemp(SegmentId(3)),
            FileName::Index(12),
        ] {
            assert_eq!(FileName::parse(&name.to_string()), Some(name));
        }
        for stray in ["log-1.tkl", "log-000001.tkl.bak", ".DS_Store", "seg-.tks", "log--00001.tkl"]
        {
            assert_eq!(FileName::parse(stray), None, "{stray}");
        }
    }
}
