//! Worked examples of `docs/format.md`: bytes that are built here and compared with the page.
//! `UPDATE_GOLDEN=1` writes the page anew.

use std::fmt::Write;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/format.md");

/// How many bytes each field takes, and what it is, in order.
pub type Fields<'a> = &'a [(usize, &'a str)];

/// A line for each field of the bytes from `at` on: offset, hex, what it is.
fn dump(file: &[u8], mut at: usize, fields: Fields<'_>) -> String {
    let mut out = String::new();
    for (len, what) in fields {
        let mut what = *what;
        let field = file.get(at..at + len).expect("a field is past the end");
        for (row, bytes) in field.chunks(16).enumerate() {
            let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
            let line = format!("{:04x}  {:<47}  {what}", at + row * 16, hex.join(" "));
            writeln!(out, "{}", line.trim_end()).unwrap();
            what = "";
        }
        at += len;
    }
    assert_eq!(at, file.len(), "the fields are the file");
    out
}

/// Compares the bytes from `at` on with the block of this name.
pub fn check(name: &str, file: &[u8], at: usize, fields: Fields<'_>) {
    let dump = dump(file, at, fields);
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (begin, end) =
        (format!("<!-- golden {name} -->\n```text\n"), format!("```\n<!-- /golden {name} -->"));
    let start = page.find(&begin).expect("the page has such a block") + begin.len();
    let end = start + page[start..].find(&end).expect("the block ends");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(PAGE, format!("{}{dump}{}", &page[..start], &page[end..])).unwrap();
        return;
    }
    assert_eq!(&page[start..end], dump, "UPDATE_GOLDEN=1 writes docs/format.md anew");
}
