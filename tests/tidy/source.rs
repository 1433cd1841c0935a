//! Rust text, taken apart as far as the rules need it.

/// Rust text taken apart: the code with blanks for strings and comments, and the comments with
/// blanks for everything else. Both have the lines and columns of the text.
pub(crate) struct Rust {
    pub(crate) code: String,
    pub(crate) comments: String,
}

impl Rust {
    pub(crate) fn parse(text: &str) -> Rust {
        let chars: Vec<char> = text.chars().collect();
        let (mut code, mut comments) = (String::new(), String::new());
        let mut at = 0;
        while at < chars.len() {
            let comment =
                chars[at..].starts_with(&['/', '/']) || chars[at..].starts_with(&['/', '*']);
            let end = token_end(&chars, at);
            for (i, c) in chars.iter().enumerate().take(end).skip(at) {
                let blank = if *c == '\n' { '\n' } else { ' ' };
                let quote = matches!(chars[at], '"' | '\'' | 'r' | 'b') && end > at + 1;
                let visible = !comment && (!quote || i == at || i + 1 == end);
                code.push(if visible { *c } else { blank });
                comments.push(if comment { *c } else { blank });
            }
            at = end;
        }
        Rust { code, comments }
    }
}

/// Where the comment, string or character that starts at `at` ends; else the next place.
fn token_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let until = |from: usize, stop: &[char]| {
        let found = rest[from..].windows(stop.len()).position(|w| w == stop);
        found.map_or(chars.len(), |i| at + from + i + stop.len())
    };
    if rest.starts_with(&['/', '/']) {
        return until(0, &['\n']).saturating_sub(1).max(at + 2);
    }
    if rest.starts_with(&['/', '*']) {
        return until(2, &['*', '/']);
    }
    let word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    let prefix = rest.iter().take(2).take_while(|c| matches!(c, 'r' | 'b')).count();
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let raw = prefix > 0 && rest[..prefix].contains(&'r');
    if raw && !word && rest.get(prefix + hashes) == Some(&'"') {
        let stop: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
        return until(prefix + hashes + 1, &stop);
    }
    let quote = match (prefix, rest.first()) {
        (0, Some('"')) => '"',
        (0, Some('\'')) if rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'') => '\'',
        _ => return at + 1,
    };
    let mut end = at + 1;
    while end < chars.len() && chars[end] != quote {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where the bracket that opens at `at` closes: the byte after it.
pub(crate) fn closed(code: &str, at: usize) -> usize {
    let mut depth = 0usize;
    for (i, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return i + 1;
        }
    }
    code.len()
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Places of `word` that are not inside a longer word.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        !code[..*at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word)
    })
}

pub(crate) fn leading_word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Each function of the code: its name, where its `fn` stands, and its body.
pub(crate) fn functions(code: &str) -> Vec<(&str, usize, &str)> {
    let mut found = Vec::new();
    for at in words(code, "fn") {
        let name = leading_word(code[at + 2..].trim_start());
        let Some(open) = code[at..].find(['{', ';']).map(|i| at + i) else { continue };
        if !name.is_empty() && code[open..].starts_with('{') {
            found.push((name, at, &code[open..closed(code, open)]));
        }
    }
    found
}

/// First line and number of lines of each `#[cfg(test)] mod x { .. }`.
pub(crate) fn inline_tests(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, mark) in code.match_indices("#[cfg(test)]") {
        let rest = &code[at + mark.len()..];
        let Some(open) = rest.find(['{', ';']).filter(|i| rest[*i..].starts_with('{')) else {
            continue;
        };
        if rest.trim_start().starts_with("mod ") {
            let end = closed(code, at + mark.len() + open);
            found.push((line_of(code, at), code[at..end].lines().count()));
        }
    }
    found
}

pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}
