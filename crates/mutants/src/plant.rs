//! Puts mutants into a source file, each behind its number.
//!
//! `a + b` becomes `(match crate::mutants::at(7, 2) { 7 => a - b, 8 => a * b, _ => a + b })`. Only
//! the last branch holds further mutants: one at a time is chosen. Where the compiler wants a
//! constant or a pattern none can be planted.

use crate::Result;
use crate::list::{Genre, Mutant, Place};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A source with mutants.
#[derive(Debug)]
pub(crate) struct Planted {
    pub text: String,
    /// Numbers of mutants, and where in the text they are.
    pub places: Vec<(usize, Range<usize>)>,
}

/// Plants those of `mutants`, numbered, that belong to this source.
pub(crate) fn plant(source: &str, mutants: &[(usize, &Mutant)]) -> Result<Planted> {
    let file = syn::parse_file(source)?;
    let mut finder = Finder { source, lines: line_starts(source), mutants, edits: Vec::new() };
    finder.visit_file(&file);
    let mut edits = finder.edits;
    // What stands before something comes before what is around it; the outer before the inner.
    edits.sort_by_key(|edit| {
        (edit.range.start, !edit.range.is_empty(), std::cmp::Reverse(edit.range.end))
    });
    let mut planted = Planted { text: String::new(), places: Vec::new() };
    let mut rest = edits.as_slice();
    render(source, 0..source.len(), &mut rest, &mut planted);
    Ok(planted)
}

/// Something before and after a stretch of the source.
#[derive(Debug)]
struct Edit {
    range: Range<usize>,
    before: Vec<(Option<usize>, String)>,
    after: String,
}

fn render(source: &str, range: Range<usize>, edits: &mut &[Edit], out: &mut Planted) {
    let mut at = range.start;
    while let Some((edit, rest)) = edits.split_first().filter(|(e, _)| e.range.end <= range.end) {
        *edits = rest;
        out.text += &source[at..edit.range.start];
        for (mutant, text) in &edit.before {
            let start = out.text.len();
            out.text += text;
            out.places.extend(mutant.map(|number| (number, start..out.text.len())));
        }
        render(source, edit.range.clone(), edits, out);
        out.text += &edit.after;
        at = edit.range.end;
    }
    out.text += &source[at..range.end];
}

fn line_starts(source: &str) -> Vec<usize> {
    let ends = source.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

struct Finder<'a> {
    source: &'a str,
    lines: Vec<usize>,
    mutants: &'a [(usize, &'a Mutant)],
    edits: Vec<Edit>,
}

impl Finder<'_> {
    /// The sources are ASCII: a column is a byte.
    fn offset(&self, place: Place) -> usize {
        self.lines.get(place.line - 1).map_or(0, |start| start + place.column - 1)
    }

    fn of(&self, genre: Genre, start: usize) -> Vec<(usize, Range<usize>, String)> {
        let here = self.mutants.iter().filter(|(_, m)| m.genre == genre);
        here.map(|(number, m)| {
            (*number, start..self.offset(m.span.end), m.span.start, m.replacement.clone())
        })
        .filter(|(_, _, at, _)| self.offset(*at) == start)
        .map(|(number, range, _, text)| (number, range, text))
        .collect()
    }

    /// The expression in `range`, or what each mutant makes of it.
    fn choose(&mut self, range: Range<usize>, mutants: Vec<(usize, String)>) {
        let (Some((first, _)), count) = (mutants.first(), mutants.len()) else { return };
        let head = format!("(match crate::mutants::at({first}, {count}) {{ ");
        let arms =
            mutants.iter().map(|(number, text)| (Some(*number), format!("{number} => {text}, ")));
        let before = std::iter::once((None, head))
            .chain(arms)
            .chain(std::iter::once((None, "_ => ".to_owned())))
            .collect();
        self.edits.push(Edit { range, before, after: " })".to_owned() });
    }

    fn body(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        let start = first.span().byte_range().start;
        for (number, _, text) in self.of(Genre::FnValue, start) {
            if returns_impl(sig) {
                self.empty(number, &text, block);
                continue;
            }
            let check =
                format!("if crate::mutants::at({number}, 1) == {number} {{ return {text}; }} ");
            let before = vec![(Some(number), check)];
            self.edits.push(Edit { range: start..start, before, after: String::new() });
        }
    }

    /// Two types cannot be returned as one `impl Iterator`: it gives nothing instead.
    fn empty(&mut self, number: usize, text: &str, block: &syn::Block) {
        let Some(syn::Stmt::Expr(tail, None)) = block.stmts.last() else { return };
        if text == "::std::iter::empty()" {
            let before = vec![(Some(number), "(".to_owned())];
            let after = format!(").filter(move |_| crate::mutants::at({number}, 1) != {number})");
            self.edits.push(Edit { range: tail.span().byte_range(), before, after });
        }
    }
}

fn returns_impl(sig: &syn::Signature) -> bool {
    matches!(&sig.output, syn::ReturnType::Type(_, of) if matches!(**of, syn::Type::ImplTrait(_)))
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| matches!(&a.meta, syn::Meta::List(l) if l.path.is_ident("cfg")))
}

/// Whether an expression binds names for what follows it.
fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_expr_repeat(&mut self, expr: &'ast syn::ExprRepeat) {
        self.visit_expr(&expr.expr);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.constness.is_none() && !is_test(&item.attrs) {
            self.body(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.constness.is_none() {
            self.body(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        let (range, op) = (expr.span().byte_range(), expr.op.span().byte_range());
        if !has_let(&expr.left) && !has_let(&expr.right) {
            let (left, right) =
                (&self.source[range.start..op.start], &self.source[op.end..range.end]);
            let mutants = self.of(Genre::BinaryOperator, op.start);
            let texts = mutants.iter().map(|(n, _, with)| (*n, format!("{left}{with}{right}")));
            let texts = texts.collect();
            self.choose(range, texts);
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'ast syn::ExprUnary) {
        let range = expr.span().byte_range();
        let operand = self.source[expr.expr.span().byte_range()].to_owned();
        let mutants = self.of(Genre::UnaryOperator, range.start);
        self.choose(range, mutants.iter().map(|(n, _, _)| (*n, operand.clone())).collect());
        visit::visit_expr_unary(self, expr);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let start = arm.span().byte_range().start;
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.span().byte_range());
        for (number, _, _) in self.of(Genre::MatchArm, start) {
            let stays = format!("crate::mutants::at({number}, 1) != {number}");
            let (range, text, after) = match &guard {
                Some(guard) => (guard.clone(), format!("{stays} && ("), ")".to_owned()),
                None => {
                    let end = arm.pat.span().byte_range().end;
                    (end..end, format!(" if {stays}"), String::new())
                }
            };
            self.edits.push(Edit { range, before: vec![(Some(number), text)], after });
        }
        if let Some(guard) = guard {
            let mutants = self.of(Genre::MatchArmGuard, guard.start);
            self.choose(guard, mutants.into_iter().map(|(n, _, text)| (n, text)).collect());
        }
        visit::visit_arm(self, arm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(genre: &str, start: usize, end: usize, replacement: &str) -> Mutant {
        let json = format!(
            r#"{{"file": "f", "name": "n", "genre": "{genre}", "replacement": "{replacement}",
            "span": {{"start": {{"line": 1, "column": {start}}}, "end": {{"line": 1, "column": {end}}}}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn each_mutant_stands_behind_its_number() {
        let source = "fn f(a: u8) -> bool { a + 1 < 5 }\n";
        let (plus, less) = (source.find('+').unwrap() + 1, source.find('<').unwrap() + 1);
        let body = source.find("a + 1").unwrap() + 1;
        let mutants = [
            mutant("BinaryOperator", plus, plus + 1, "-"),
            mutant("BinaryOperator", less, less + 1, "=="),
            mutant("BinaryOperator", less, less + 1, ">"),
            mutant("FnValue", body, body + 9, "true"),
        ];
        let numbered: Vec<(usize, &Mutant)> = mutants.iter().enumerate().collect();
        let planted = plant(source, &numbered).unwrap();
        assert_eq!(
            planted.text,
            "fn f(a: u8) -> bool { if crate::mutants::at(3, 1) == 3 { return true; } \
             (match crate::mutants::at(1, 2) { 1 => a + 1 == 5, 2 => a + 1 > 5, _ => \
             (match crate::mutants::at(0, 1) { 0 => a - 1, _ => a + 1 }) < 5 }) }\n"
        );
        syn::parse_file(&planted.text).unwrap();
        for (number, place) in planted.places {
            assert!(planted.text[place].contains(&number.to_string()));
        }
    }

    #[test]
    fn an_iterator_gives_nothing() {
        let source = "fn f() -> impl Iterator<Item = u8> { let n = 4; 0..n }\n";
        let (body, end) = (source.find("let").unwrap() + 1, source.rfind(" }").unwrap() + 1);
        let mutants = [
            mutant("FnValue", body, end, "::std::iter::empty()"),
            mutant("FnValue", body, end, "::std::iter::once(1)"),
        ];
        let numbered: Vec<(usize, &Mutant)> = mutants.iter().enumerate().collect();
        let planted = plant(source, &numbered).unwrap();
        assert_eq!(
            planted.text,
            "fn f() -> impl Iterator<Item = u8> { let n = 4; \
             (0..n).filter(move |_| crate::mutants::at(0, 1) != 0) }\n"
        );
        assert_eq!(planted.places.len(), 1);
    }

    #[test]
    fn constants_and_bindings_are_left_alone() {
        let source = "const N: usize = 1 + 2; fn f() { if let Some(x) = g() && x {} }\n";
        let (plus, and) = (source.find('+').unwrap() + 1, source.find("&&").unwrap() + 1);
        let mutants = [
            mutant("BinaryOperator", plus, plus + 1, "-"),
            mutant("BinaryOperator", and, and + 2, "||"),
        ];
        let numbered: Vec<(usize, &Mutant)> = mutants.iter().enumerate().collect();
        let planted = plant(source, &numbered).unwrap();
        assert_eq!((planted.text.as_str(), planted.places.len()), (source, 0));
    }
}
