//! The rules of the house as a test: each finding is `path:line: rule: what to do instead`.
//!
//! The rules read a [`Tree`], the repository's files by path, so that the cases below can show
//! each of them firing on a tree of two lines. What a rule lets through stands in `FLOORS` and
//! `EXCEPTIONS`, and an exception that nobody needs any more is itself a finding.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test, of files that are no store"
)]

#[path = "tidy/cases.rs"]
mod cases;
#[path = "tidy/source.rs"]
mod source;

use source::{
    Rust, closed, functions, inline_tests, is_test_file, is_word, leading_word, line_of, words,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// ENGINE.md paragraph 6: a module may use only modules of lower floors.
const FLOORS: &[(u8, &str)] = &[
    (0, "error limits id clock entropy options planted progress shards sync"),
    (1, "model fs"),
    (2, "codec merge"),
    (3, "frame column part index"),
    (4, "log segment manifest"),
    (5, "snapshot tree"),
    (6, "query maintenance recovery verify"),
    (7, "backup repair"),
    (8, "store"),
    (9, "lib internals"),
];

/// Neighbours on one floor that may know each other, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("id", "error", "an id that is too long is an error"),
    ("id", "limits", "how long is too long"),
    ("options", "limits", "limits are the defaults of options"),
    ("snapshot", "tree", "a snapshot hands out trees"),
    ("verify", "recovery", "its tests hold opening to the same forged files"),
];

/// Where files are mapped, by us and by a peer whose API says so; and where the soak asks glibc.
const UNSAFE: &[&str] =
    &["src/fs/map.rs", "crates/bench-peers/src/engine/lmdb.rs", "crates/crash/src/soak/heap.rs"];

const FILE_LINES_MAX: usize = 500;
const INLINE_TEST_LINES_MAX: usize = 80;
const LIB_LINES_MAX: usize = 200;
/// How far above a sync its reason may stand.
const SYNC_LINES: usize = 4;

#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

/// The repository: each file's text by its path with `/`. Text is kept of Rust, TOML and
/// Markdown only.
struct Tree(BTreeMap<String, String>);

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    floors,
    orphans,
    commented_modules,
    unsafe_code,
    schedules,
    bare_matches,
    tests_assert,
    links,
    sizes,
    leftovers,
    ascii,
    decisions,
    syncs,
    format_constants,
];

#[test]
fn the_tree_is_tidy() {
    let tree = Tree::load(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut report = String::new();
    for finding in RULES.iter().flat_map(|rule| rule(&tree)) {
        let Finding { path, line, rule, advice } = finding;
        let _ = writeln!(report, "{path}:{line}: {rule}: {advice}");
    }
    assert!(report.is_empty(), "\n{report}");
}

impl Tree {
    fn load(root: &Path) -> Tree {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let skipped = ["target", ".git", "artifacts", "demo"].contains(&&*name);
                let linked = path.is_symlink();
                if path.is_dir() && !skipped && !linked {
                    folders.push(path);
                } else if path.is_file() {
                    let relative = path.strip_prefix(root).unwrap();
                    let parts: Vec<_> = relative.iter().map(|p| p.to_string_lossy()).collect();
                    let text = match path.extension().and_then(|e| e.to_str()) {
                        Some("rs" | "toml" | "md") => std::fs::read_to_string(&path).unwrap(),
                        _ => String::new(),
                    };
                    files.insert(parts.join("/"), text);
                }
            }
        }
        Tree(files)
    }

    fn with(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(move |(path, _)| path.ends_with(end)).map(|(p, t)| (&**p, &**t))
    }

    fn holds(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.0.contains_key(path) || self.0.keys().any(|file| file.starts_with(&folder))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

fn finding(path: &str, line: usize, rule: &'static str, advice: impl Into<String>) -> Finding {
    Finding { path: path.to_owned(), line, rule, advice: advice.into() }
}

fn floor(module: &str) -> Option<u8> {
    let named = |(_, names): &&(u8, &str)| names.split(' ').any(|name| name == module);
    FLOORS.iter().find(named).map(|(floor, _)| *floor)
}

/// The first names of the paths that start at the crate.
fn used_modules(code: &str) -> Vec<(usize, &str)> {
    let mut used = Vec::new();
    for at in words(code, "crate") {
        let Some(path) = code[at + 5..].trim_start().strip_prefix("::") else { continue };
        let path = path.trim_start();
        if !path.starts_with('{') {
            used.push((at, leading_word(path)));
            continue;
        }
        let mut depth = 0usize;
        for item in path[1..closed(path, 0) - 1].split(',') {
            if depth == 0 {
                used.push((at, leading_word(item.trim_start())));
            }
            depth = (depth + item.matches('{').count()).saturating_sub(item.matches('}').count());
        }
    }
    used.retain(|(_, name)| name.starts_with(|c: char| c.is_lowercase()));
    used
}

/// Tests of a module may use what stands above it, to have something to test.
fn is_engine(path: &str) -> bool {
    path.starts_with("src/") && !path.ends_with("/tests.rs")
}

fn floors(tree: &Tree) -> Vec<Finding> {
    const RULE: &str = "floors";
    let mut found = Vec::new();
    let mut needed: BTreeSet<(String, String)> = BTreeSet::new();
    for (path, text) in tree.with(".rs").filter(|(path, _)| is_engine(path)) {
        let module = leading_word(&path[4..]);
        let Some(own) = floor(module) else {
            found.push(finding(path, 1, RULE, format!("give `{module}` a floor in tests/tidy.rs")));
            continue;
        };
        let code = Rust::parse(text).code;
        for (at, used) in used_modules(&code) {
            let line = line_of(&code, at);
            let Some(other) = floor(used) else {
                let advice = format!("`{used}` is no module of a floor");
                found.push(finding(path, line, RULE, advice));
                continue;
            };
            if EXCEPTIONS.iter().any(|(from, to, _)| (*from, *to) == (module, used)) {
                needed.insert((module.to_owned(), used.to_owned()));
            } else if used != module && other >= own && own < 9 {
                let advice = format!(
                    "`{module}` (floor {own}) must not use `{used}` (floor {other}): move what \
                     both need to a lower floor, or pass it as an argument"
                );
                found.push(finding(path, line, RULE, advice));
            }
        }
        for (at, _) in code.match_indices("super::super") {
            let advice = "name the module from `crate::`, so that its floor can be seen";
            found.push(finding(path, line_of(&code, at), RULE, advice));
        }
    }
    for (from, to, _) in EXCEPTIONS {
        let there = tree.with(".rs").any(|(path, _)| path.starts_with(&format!("src/{from}")));
        if there && !needed.contains(&((*from).to_owned(), (*to).to_owned())) {
            let advice = format!("`{from}` does not use `{to}`: remove the exception");
            found.push(finding("tests/tidy.rs", 1, RULE, advice));
        }
    }
    found
}

fn orphans(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, _) in tree.with(".rs") {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        if ["lib.rs", "main.rs", "build.rs"].contains(&file) || folder.ends_with("examples") {
            continue;
        }
        let (home, name) = match file.strip_suffix(".rs") {
            Some("mod") => folder.rsplit_once('/').unwrap_or(("", folder)),
            name => (folder, name.unwrap_or(file)),
        };
        let homes = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"].map(|end| format!("{home}{end}"));
        // Every bench is a crate of its own, and any of them may declare what they share.
        let in_home = |path: &str| path.rsplit_once('/').is_some_and(|(folder, _)| folder == home);
        let benches = tree.with(".rs").filter(|(other, _)| home == "benches" && in_home(other));
        let texts = homes.iter().filter_map(|home| tree.text(home));
        let declared = texts.chain(benches.map(|(_, text)| text)).any(|text| {
            let code = Rust::parse(text).code;
            words(&code, "mod")
                .any(|at| code[at + 3..].trim_start().starts_with(&format!("{name};")))
        });
        let by_path = tree
            .with(".rs")
            .any(|(other, text)| other != path && text.contains(&format!("#[path = \"{file}\"]")));
        let by_cargo = tree.with("Cargo.toml").any(|(toml, text)| {
            let root = toml.trim_end_matches("Cargo.toml");
            let inside = path.strip_prefix(root).unwrap_or(path);
            let bench = inside == format!("benches/{file}");
            text.contains(&format!("path = \"{inside}\""))
                || bench && text.contains(&format!("name = \"{name}\""))
        });
        if !declared && !by_path && !by_cargo {
            found.push(finding(
                path,
                1,
                "orphan",
                "nobody declares this file: declare or delete it",
            ));
        }
    }
    found
}

fn commented_modules(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs") {
        for (i, line) in Rust::parse(text).comments.lines().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix("//") else { continue };
            let words: Vec<&str> = rest.split_whitespace().collect();
            let declares = match words[..] {
                ["mod", name] => name.ends_with(';'),
                [public, "mod", name] => public.starts_with("pub") && name.ends_with(';'),
                _ => false,
            };
            if declares {
                let advice = "delete the module or bring it back";
                found.push(finding(path, i + 1, "commented-mod", advice));
            }
        }
    }
    found
}

fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs").filter(|(path, _)| !UNSAFE.contains(path)) {
        let code = Rust::parse(text).code;
        for at in words(&code, "unsafe") {
            let advice = "only src/fs/map.rs maps files; write it without";
            found.push(finding(path, line_of(&code, at), "unsafe", advice));
        }
    }
    found
}

fn schedules(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs").filter(|(path, _)| is_engine(path)) {
        let code = Rust::parse(text).code;
        let locks = words(&code, "parking_lot");
        let threads = words(&code, "thread").filter(|at| {
            ["::Builder", "::JoinHandle", "::spawn", "::{"]
                .iter()
                .any(|s| code[at + 6..].starts_with(s))
        });
        for at in locks.chain(threads).filter(|_| *path != *"src/sync.rs") {
            let advice = "take it from `crate::sync`, so that a test can decide who runs when";
            found.push(finding(path, line_of(&code, at), "schedules", advice));
        }
    }
    found
}

fn bare_matches(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs") {
        let code = Rust::parse(text).code;
        for at in words(&code, "matches") {
            let open = at + "matches!".len();
            if !code[at..].starts_with("matches!(") {
                continue;
            }
            let before = code[..at].trim_end();
            let starts = before.is_empty() || before.ends_with([';', '{', '}']);
            if starts && code[closed(&code, open)..].trim_start().starts_with(';') {
                let advice = "the answer is dropped: write `assert!(matches!(..))`";
                found.push(finding(path, line_of(&code, at), "bare-matches", advice));
            }
        }
    }
    found
}

fn tests_assert(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let says =
        |body: &str| ["assert", "panic!", "unreachable!", "?;"].iter().any(|s| body.contains(s));
    for (path, text) in tree.with(".rs") {
        let code = Rust::parse(text).code;
        let functions = functions(&code);
        let checks: Vec<String> = functions
            .iter()
            .filter(|(name, _, body)| says(body) || name.starts_with("check"))
            .map(|(name, ..)| format!("{name}("))
            .collect();
        for (at, mark) in code.match_indices("#[test]") {
            let Some((name, start, body)) = functions.iter().find(|f| f.1 > at) else { continue };
            let attributes = &code[at + mark.len()..*start];
            let helped = checks.iter().any(|check| body.contains(check.as_str()))
                || words_starting(body, "check_").next().is_some();
            if !says(body) && !helped && !attributes.contains("should_panic") {
                let advice = format!("`{name}` asserts nothing: say what must hold");
                found.push(finding(path, line_of(&code, *start), "no-assert", advice));
            }
        }
    }
    found
}

fn words_starting<'a>(code: &'a str, start: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(start).map(|(at, _)| at).filter(|at| !code[..*at].ends_with(is_word))
}

/// `folder/../x` without its dots; `None` where it leaves the tree.
fn joined(folder: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn links(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (i, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for (at, mark) in line.match_indices("](") {
                let rest = &line[at + mark.len()..];
                let link = &rest[..rest.find([')', ' ']).unwrap_or(rest.len())];
                let target = link.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains(':') {
                    continue;
                }
                let there =
                    joined(folder, target).is_some_and(|to| to.is_empty() || tree.holds(&to));
                if !there {
                    let advice = format!("`{link}` is not there: mend the link");
                    found.push(finding(path, i + 1, "link", advice));
                }
            }
            for name in line.split('`').skip(1).step_by(2).filter(|n| n.starts_with("src/")) {
                let name = name.split([' ', ':', '#']).next().unwrap_or(name).trim_end_matches('/');
                let pattern = name.contains(['*', '<', '{']) || name.contains("..");
                let near = joined(folder, name).is_some_and(|to| tree.holds(&to));
                if !pattern && !near && !tree.holds(name) {
                    let advice = format!("`{name}` is not there: mend the path");
                    found.push(finding(path, i + 1, "path", advice));
                }
            }
        }
    }
    found
}

fn sizes(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs").filter(|(path, _)| !is_test_file(path)) {
        let code = Rust::parse(text).code;
        let tests = inline_tests(&code);
        let lines = text.lines().count() - tests.iter().map(|(_, lines)| lines).sum::<usize>();
        let most = if path.ends_with("lib.rs") { LIB_LINES_MAX } else { FILE_LINES_MAX };
        if lines > most {
            let advice = format!("{lines} lines without tests, at most {most}: split the concept");
            found.push(finding(path, 1, "size", advice));
        }
        for (line, lines) in tests.into_iter().filter(|(_, lines)| *lines > INLINE_TEST_LINES_MAX) {
            let advice = format!(
                "{lines} lines of inline tests, at most {INLINE_TEST_LINES_MAX}: move them to \
                 tests.rs beside"
            );
            found.push(finding(path, line, "inline-tests", advice));
        }
    }
    found
}

fn leftovers(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs") {
        let rust = Rust::parse(text);
        for (code, comment, i) in
            rust.code.lines().zip(rust.comments.lines()).zip(1..).map(|((c, k), i)| (c, k, i))
        {
            let macros = ["dbg", "todo"]
                .iter()
                .any(|name| words(code, name).any(|at| code[at + name.len()..].starts_with("!")));
            if macros || comment.contains("FIXME") {
                let advice = "finish it, or write an issue; it does not go to main";
                found.push(finding(path, i, "leftover", advice));
            }
        }
    }
    found
}

fn ascii(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".rs").chain(tree.with(".toml")) {
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.is_ascii()) {
            let odd = line.chars().find(|c| !c.is_ascii()).map_or(0, u32::from);
            let advice = format!("write \\u{{{odd:x}}} in a string, plain ASCII elsewhere");
            found.push(finding(path, i + 1, "ascii", advice));
        }
    }
    found
}

fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.with(".md") {
        let Some(name) = path.strip_prefix("docs/decisions/") else { continue };
        if !name.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        for part in ["Status", "Context", "Decision", "Consequences"] {
            let marks: &[char] = &['#', '*', ' '];
            let says = |line: &str| {
                line.trim_start_matches(marks).strip_prefix(part).is_some_and(|rest| {
                    let rest = rest.trim_matches(marks);
                    rest.is_empty() || rest.starts_with(':')
                })
            };
            if !text.lines().any(says) {
                let advice = format!("say its {part}");
                found.push(finding(path, 1, "decision", advice));
            }
        }
    }
    found
}

fn syncs(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let engine = |path: &str| path.starts_with("src/") && !path.starts_with("src/fs/");
    for (path, text) in tree.with(".rs").filter(|(path, _)| engine(path) && !is_test_file(path)) {
        let rust = Rust::parse(text);
        let comments: Vec<&str> = rust.comments.lines().collect();
        for (i, _) in rust.code.lines().enumerate().filter(|(_, line)| line.contains(".sync()")) {
            let above = &comments[i.saturating_sub(SYNC_LINES)..=i];
            if !above.iter().any(|line| line.contains("// SYNC:")) {
                let advice = "say in a `// SYNC:` comment above what is lost without it";
                found.push(finding(path, i + 1, "sync", advice));
            }
        }
    }
    found
}

/// Constants marked `// format`: name, expression, line.
fn format_marks(text: &str) -> Vec<(&str, &str, usize)> {
    let lines = text.lines().zip(1..).filter_map(|(line, i)| {
        let (left, mark) = line.split_once(';')?;
        let (name, value) =
            left.trim().trim_start_matches("pub ").strip_prefix("const ")?.split_once('=')?;
        (mark.trim() == "// format").then_some((name.split(':').next()?.trim(), value.trim(), i))
    });
    lines.collect()
}

/// A number, `a << b`, `a * b`, or the name of another constant.
fn value_of(expression: &str, limits: &str) -> Option<u128> {
    let expression = expression.trim();
    if let Some((a, b)) = expression.split_once("<<") {
        return Some(value_of(a, limits)? << value_of(b, limits)?);
    }
    if let Some((a, b)) = expression.split_once('*') {
        return value_of(a, limits)?.checked_mul(value_of(b, limits)?);
    }
    if let Ok(number) = expression.replace('_', "").parse() {
        return Some(number);
    }
    let line = limits.lines().find(|line| line.starts_with(&format!("pub const {expression}:")))?;
    value_of(line.split_once('=')?.1.split(';').next()?, limits)
}

/// Whether a line of the document states this number, plainly or in KiB or MiB.
fn states(line: &str, value: u128) -> bool {
    let plain = line.replace([',', '_'], "");
    let tokens: Vec<&str> = plain.split(|c: char| !is_word(c)).filter(|t| !t.is_empty()).collect();
    tokens.iter().enumerate().any(|(i, token)| {
        let unit = match tokens.get(i + 1) {
            Some(&"KiB") => 1 << 10,
            Some(&"MiB") => 1 << 20,
            _ => 1,
        };
        token.parse::<u128>().is_ok_and(|number| number.checked_mul(unit) == Some(value))
    })
}

fn format_constants(tree: &Tree) -> Vec<Finding> {
    const RULE: &str = "format";
    let mut found = Vec::new();
    let limits = tree.text("src/limits.rs").unwrap_or_default();
    let document = tree.text("docs/format.md").unwrap_or_default();
    for (path, text) in tree.with(".rs").filter(|(path, _)| is_engine(path)) {
        for (name, expression, line) in format_marks(text) {
            let Some(value) = value_of(expression, limits) else {
                let advice = format!("write the value of {name} so that tests/tidy.rs can read it");
                found.push(finding(path, line, RULE, advice));
                continue;
            };
            let mut named = document.lines().filter(|line| words(line, name).next().is_some());
            if !named.any(|line| states(line, value)) {
                let advice = format!("docs/format.md does not say that {name} is {value}");
                found.push(finding(path, line, RULE, advice));
            }
        }
    }
    found
}
