//! Each rule seen firing, and seen silent.

use super::source::Rust;
use super::*;

/// The lines at which `rule` finds something in a tree of these files.
fn lines(rule: Rule, files: &[(&str, &str)]) -> Vec<usize> {
    let own = |(path, text): &(&str, &str)| (path.to_string(), text.to_string());
    rule(&Tree(files.iter().map(own).collect())).iter().map(|f| f.line).collect()
}

fn fires(rule: Rule, path: &str, text: &str) -> bool {
    !lines(rule, &[(path, text)]).is_empty()
}

#[test]
fn strings_and_comments_are_no_code() {
    let rust =
        Rust::parse("a(\"x // y\", 'z', b'\\'', r#\"q\"#) // c \"d\"\nfn f<'a>() {} /* e */");
    let words: Vec<&str> = rust.code.split_whitespace().collect();
    assert_eq!(words, ["a(\"", "\",", "'", "',", "b'", "',", "r", "#)", "fn", "f<'a>()", "{}"]);
    let words: Vec<&str> = rust.comments.split_whitespace().collect();
    assert_eq!(words, ["//", "c", "\"d\"", "/*", "e", "*/"]);
    assert_eq!(rust.code.lines().count(), 2);
}

#[test]
fn a_floor_is_not_left_upwards() {
    for text in ["use crate::log::Log;", "use crate::{id::Id, log};", "fn f() { crate::part::x() }"]
    {
        assert!(fires(floors, "src/frame/mod.rs", text), "{text}");
    }
    for text in
        ["use crate::id::{Id, Seq};", "use crate::frame::X;", "// crate::log", "use super::x;"]
    {
        assert!(!fires(floors, "src/frame/mod.rs", text), "{text}");
    }
    assert!(fires(floors, "src/journal.rs", ""));
    assert!(fires(floors, "src/frame/mod.rs", "use super::super::log::Log;"));
    assert!(!fires(floors, "src/snapshot/mod.rs", "use crate::tree::Tree;"));
    assert!(fires(floors, "src/snapshot/mod.rs", "use crate::log::Log;"), "a stale exception");
    assert!(!fires(floors, "src/lib.rs", "pub use crate::store::Store;"));
}

#[test]
fn a_file_has_somebody_who_declares_it() {
    let home = ("src/frame/mod.rs", "mod scan; // mod lost;");
    let files = [("src/lib.rs", "mod frame;"), home, ("src/frame/scan.rs", "")];
    assert!(lines(orphans, &files).is_empty());
    assert_eq!(lines(orphans, &[files[0], home, ("src/frame/lost.rs", "")]), [1]);
    let cargo = ("Cargo.toml", "[[bench]]\nname = \"append\"");
    assert!(lines(orphans, &[cargo, ("benches/append.rs", "")]).is_empty());
    assert_eq!(lines(orphans, &[cargo, ("benches/scan.rs", "")]), [1]);
}

#[test]
fn locks_and_threads_come_in_by_one_door() {
    for text in ["use parking_lot::Mutex;", "use std::thread::{Builder};", "std::thread::spawn(f)"]
    {
        assert!(fires(schedules, "src/store/mod.rs", text), "{text}");
        assert!(!fires(schedules, "src/sync.rs", text), "{text}");
    }
    assert!(!fires(schedules, "src/store/mod.rs", "std::thread::panicking()"));
}

#[test]
fn a_module_is_not_commented_out() {
    assert_eq!(lines(commented_modules, &[("src/lib.rs", "mod a;\n// pub mod b;\n")]), [2]);
    assert!(!fires(commented_modules, "src/lib.rs", "// a mod is a folder;"));
}

#[test]
fn unsafe_code_stays_with_the_map() {
    assert!(fires(unsafe_code, "src/log/mod.rs", "unsafe { x() }"));
    assert!(!fires(unsafe_code, "src/fs/map.rs", "unsafe { x() }"));
    assert!(!fires(unsafe_code, "src/log/mod.rs", "#![deny(unsafe_code)] // unsafe"));
}

#[test]
fn a_match_is_not_thrown_away() {
    assert_eq!(
        lines(bare_matches, &[("a.rs", "fn f() {\n    matches!(x,\n    Some(_));\n}")]),
        [2]
    );
    for text in
        ["fn f() -> bool { matches!(x, y) }", "let a = matches!(x, y);", "assert!(matches!(x, y));"]
    {
        assert!(!fires(bare_matches, "a.rs", text), "{text}");
    }
}

#[test]
fn a_test_asserts_something() {
    assert_eq!(lines(tests_assert, &[("a.rs", "#[test]\nfn f() { run(); }")]), [2]);
    for text in [
        "#[test] fn f() { assert_eq!(a, b); }",
        "#[test] fn f() { check_all(); }",
        "#[test] #[should_panic] fn f() { run(); }",
        "fn help() { assert!(x); } #[test] fn f() { help(); }",
    ] {
        assert!(!fires(tests_assert, "a.rs", text), "{text}");
    }
}

#[test]
fn links_and_paths_lead_somewhere() {
    let files =
        |text| [("docs/a.md", text), ("docs/b.md", ""), ("src/lib.rs", ""), ("README.md", "")];
    for text in
        ["[b](b.md#part)", "[up](../README.md)", "[web](https://x.y)", "`src/lib.rs`", "`src/<n>`"]
    {
        assert!(lines(links, &files(text)).is_empty(), "{text}");
    }
    for text in ["[c](c.md)", "[out](../../x.md)", "`src/log.rs`"] {
        assert_eq!(lines(links, &files(text)), [1], "{text}");
    }
}

#[test]
fn files_and_inline_tests_are_short() {
    let tests = |lines| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "x\n".repeat(lines));
    assert!(fires(sizes, "src/a.rs", &"x\n".repeat(501)));
    assert!(!fires(sizes, "src/a.rs", &("x\n".repeat(500) + &tests(70))));
    assert!(fires(sizes, "src/a.rs", &tests(80)));
    assert!(fires(sizes, "src/lib.rs", &"x\n".repeat(201)));
    assert!(!fires(sizes, "src/a/tests.rs", &"x\n".repeat(900)));
}

#[test]
fn leftovers_are_found() {
    for text in ["// FIXME: later", "dbg!(x);", "fn f() { todo!() }"] {
        assert!(fires(leftovers, "a.rs", text), "{text}");
    }
    assert!(!fires(leftovers, "a.rs", "let s = \"FIXME dbg!()\";"));
}

#[test]
fn source_is_ascii() {
    assert!(fires(ascii, "a.rs", "// \u{e9}"));
    assert!(fires(ascii, "a.toml", "# \u{e9}"));
    assert!(!fires(ascii, "a.md", "\u{e9}"));
}

#[test]
fn a_decision_page_has_its_four_parts() {
    let page = "# A title\n\nStatus: accepted\n\n## Context\n## Decision\n## Consequences\n";
    assert!(!fires(decisions, "docs/decisions/0001-a.md", page));
    assert!(fires(decisions, "docs/decisions/0001-a.md", &page.replace("## Context", "## Why")));
}

#[test]
fn a_sync_says_what_it_protects() {
    assert_eq!(lines(syncs, &[("src/log/a.rs", "fn f() {\n    file.sync()?;\n}")]), [2]);
    assert!(!fires(syncs, "src/log/a.rs", "// SYNC: the frame\nfile.sync()?;"));
    assert!(!fires(syncs, "src/fs/real.rs", "file.sync()?;"));
}

#[test]
fn the_format_document_states_the_constants() {
    let limits =
        ("src/limits.rs", "pub const A_MAX: usize = 64 << 10; // format\npub const B: u8 = 2;");
    let with = |text| lines(format_constants, &[limits, ("docs/format.md", text)]);
    for text in ["| `A_MAX` | 64 KiB |", "A_MAX = 65,536", "`A_MAX` is 65536 bytes"] {
        assert!(with(text).is_empty(), "{text}");
    }
    for text in ["", "`A_MAX` | 32 KiB", "`AA_MAX` | 64 KiB"] {
        assert_eq!(with(text), [1], "{text}");
    }
}
