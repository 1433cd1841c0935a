//! Text that compresses like what people and programs write: a vocabulary used unevenly,
//! sentences, code, listings, CJK, base64.
//!
//! Every function appends the *inside of a JSON string*: quotes, backslashes and line ends are
//! escaped already, so that whole messages are built by appending. Each stops at the first
//! word, token or line past `bytes`, so at most 120 bytes more. Prose makes some hundred MB/s.

use crate::rng::Rng;
use std::fmt::Write;

/// Used unevenly: the first most, see [`Rng::zipf`].
#[rustfmt::skip]
const STEMS: [&str; 265] = [
    "the", "to", "of", "and", "a", "in", "is", "for", "that", "with", "on", "your", "order",
    "be", "this", "it", "not", "user", "request", "as", "are", "from", "or", "by", "an", "at",
    "result", "can", "we", "have", "if", "will", "return", "which", "call", "one", "all", "has",
    "item", "please", "time", "check", "than", "value", "into", "only", "file", "test", "error",
    "you", "was", "more", "when", "any", "new", "must", "other", "also", "before", "after",
    "account", "policy", "payment", "refund", "model", "answer", "question", "document", "search",
    "query", "table", "column", "index", "server", "client", "message", "system", "agent", "tool",
    "step", "plan", "change", "number", "address", "product", "customer", "service", "ticket",
    "flight", "cabin", "passenger", "baggage", "ship", "deliver", "cancel", "modify", "confirm",
    "explain", "reason", "detail", "summary", "report", "review", "source", "target", "branch",
    "commit", "merge", "build", "deploy", "release", "version", "update", "install", "package",
    "module", "function", "method", "class", "field", "type", "string", "integer", "list", "map",
    "key", "record", "store", "read", "write", "open", "close", "start", "end", "begin", "finish",
    "wait", "retry", "fail", "succeed", "limit", "budget", "cost", "price", "amount", "total",
    "count", "average", "maximum", "minimum", "measure", "compare", "select", "filter", "sort",
    "group", "join", "split", "parse", "format", "encode", "decode", "compress", "hash", "match",
    "replace", "insert", "delete", "remove", "append", "copy", "move", "follow", "track", "trace",
    "observe", "evaluate", "score", "judge", "guard", "allow", "deny", "grant", "reject", "accept",
    "approve", "schedule", "calendar", "meeting", "email", "phone", "contact", "region", "country",
    "city", "street", "house", "garden", "river", "mountain", "weather", "rain", "summer", "winter",
    "morning", "evening", "yesterday", "tomorrow", "week", "month", "year", "history", "future",
    "market", "company", "employee", "manager", "team", "project", "design", "paper", "study",
    "science", "nature", "theory", "energy", "water", "light", "sound", "color", "image", "video",
    "music", "language", "translate", "word", "sentence", "paragraph", "chapter", "book", "author",
    "reader", "library", "school", "student", "teacher", "lesson", "exam", "health", "doctor",
    "patient", "treat", "medicine", "hospital", "insure", "claim", "contract", "law", "court",
    "right", "duty", "tax", "bank", "loan", "credit",
];
const SUFFIXES: [&str; 8] = ["", "s", "ed", "ing", "er", "able", "ness", "ly"];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One word; about two thousand are known.
pub fn word(rng: &mut Rng, out: &mut String) {
    let rank = rng.zipf(11);
    out.push_str(STEMS[rank % STEMS.len()]);
    out.push_str(SUFFIXES[rank / STEMS.len()]);
}

/// Sentences, with a number or a code name here and there, in paragraphs.
pub fn prose(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    out.reserve(bytes as usize + 64);
    loop {
        let words = rng.between(5, 20);
        for at in 0..words {
            let from = out.len();
            word(rng, out);
            if at == 0
                && let Some(first) = out.get_mut(from..from + 1)
            {
                first.make_ascii_uppercase();
            }
            if out.len() >= end {
                out.push('.');
                return;
            }
            out.push_str(if at + 1 == words { ". " } else { " " });
        }
        match rng.below(8) {
            0 => out.push_str("\\n\\n"),
            1 => {
                let _ = write!(out, "(#W{:07}) ", rng.below(10_000_000));
            }
            _ => {}
        }
    }
}

/// Lines of a program in no language in particular.
pub fn code(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    while out.len() < end {
        let (a, b, c) = (name(rng), name(rng), name(rng));
        let n = rng.size(1, 100_000);
        let _ = match rng.below(6) {
            0 => write!(out, "fn {a}_{b}({c}: u64) -> Result {{\\n"),
            1 => write!(out, "    let {a} = {b}.{c}({n});\\n"),
            2 => write!(out, "    if {a} > {n} {{ return {b}; }}\\n"),
            3 => write!(out, "    // {a} the {b} of {c}\\n"),
            4 => write!(out, "    {a}.insert(\\\"{b}_{n}\\\", {c});\\n"),
            _ => write!(out, "}}\\n\\n"),
        };
    }
}

/// Objects with the same keys, as tools answer them: JSON inside of a JSON string.
pub fn listing(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    out.push('[');
    loop {
        let (id, price) = (rng.next_u64() >> 24, rng.size(100, 100_000));
        let (state, first, second) = (name(rng), name(rng), name(rng));
        let _ = write!(
            out,
            "{{\\\"id\\\":\\\"{id:010x}\\\",\\\"name\\\":\\\"{first} {second}\\\",\
             \\\"status\\\":\\\"{state}\\\",\\\"price\\\":{}.{:02}}}",
            price / 100,
            price % 100
        );
        if out.len() >= end {
            break;
        }
        out.push(',');
    }
    out.push(']');
}

/// Chinese characters, three bytes each, the usual ones often.
pub fn cjk(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    while out.len() < end {
        for _ in 0..rng.between(4, 14) {
            let rank = rng.zipf(12) as u32;
            out.push(char::from_u32(0x4e00 + rank * 5).unwrap_or('\u{4e00}'));
        }
        out.push(if rng.chance(600) { '\u{ff0c}' } else { '\u{3002}' });
    }
}

/// An image or a signature: incompressible but for its alphabet.
pub fn base64(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    while out.len() < end {
        let mut bits = rng.next_u64();
        for _ in 0..10 {
            out.push(char::from(BASE64[(bits & 63) as usize]));
            bits >>= 6;
        }
    }
}

/// All of the above in paragraphs of 200 to 1,600 bytes, most of it prose.
pub fn mixed(rng: &mut Rng, out: &mut String, bytes: u64) {
    let end = out.len() + bytes as usize;
    while out.len() < end {
        let bytes = rng.between(200, 1500).min((end - out.len()) as u64);
        match rng.below(20) {
            0 => cjk(rng, out, bytes),
            1 => base64(rng, out, bytes),
            2..=4 => listing(rng, out, bytes),
            5..=7 => code(rng, out, bytes),
            _ => prose(rng, out, bytes),
        }
        out.push_str("\\n");
    }
}

/// Appends `text` as it stands inside of a JSON string.
pub fn escape(text: &str, out: &mut String) {
    out.reserve(text.len() + text.len() / 8);
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' || byte == b'\\' {
            out.push_str(&text[done..at]);
            out.push('\\');
            done = at;
        }
    }
    out.push_str(&text[done..]);
}

fn name(rng: &mut Rng) -> &'static str {
    STEMS[rng.zipf(8) % STEMS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_inside_of_a_json_string() {
        for (i, make) in [prose, code, listing, cjk, base64, mixed].into_iter().enumerate() {
            for bytes in [1u64, 100, 5_000] {
                let mut out = String::from("\"");
                make(&mut Rng::new(bytes), &mut out, bytes);
                out.push('"');
                let len = out.len() as u64 - 2;
                assert!((bytes..=bytes + 120).contains(&len), "{i}: {bytes} gave {len}");
                serde_json::from_str::<String>(&out).unwrap();
            }
        }
    }

    #[test]
    fn escaping_can_be_undone() {
        let text = "{\"a\":\"b\\\"c\\\\\"}";
        let mut out = String::from("\"");
        escape(text, &mut out);
        out.push('"');
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
