use crate::error::{Error, Result};
use crate::id::{Form, Identity};
use crate::model::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Where a page ended. As text it is opaque, and good for the store it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) start: Timestamp,
    pub(super) identity: Identity,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { form, bits } = self.identity;
        write!(f, "1{:016x}{:x}{bits:032x}", self.start.0 as u64, form as u8)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Cursor> {
        let parse = || {
            let hex = text.is_ascii() && text.len() == 50 && text.starts_with('1');
            let start = u64::from_str_radix(hex.then(|| &text[1..17])?, 16).ok()?;
            let form = Form::from_code(u8::from_str_radix(&text[17..18], 16).ok()?)?;
            let bits = u128::from_str_radix(&text[18..], 16).ok()?;
            Some(Cursor { start: Timestamp(start as i64), identity: Identity { form, bits } })
        };
        parse().ok_or_else(|| Error::invalid("that is no cursor: use one that a list ended with"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_as_text() {
        for (ns, form) in [(0, Form::Hex32), (i64::MIN, Form::Text), (i64::MAX, Form::Uuid)] {
            let identity = Identity { form, bits: u128::MAX - 5 };
            let cursor = Cursor { start: Timestamp(ns), identity };
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
        for text in ["", "1", "zz", &"1".repeat(51), &"\u{e9}".repeat(25)] {
            assert!(text.parse::<Cursor>().is_err());
        }
    }
}
