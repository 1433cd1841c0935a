//! The few shapes that a page is made of, as SVG text.

use std::fmt::Write as _;

/// Where text is set from its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG document that is being written.
#[derive(Debug)]
pub(crate) struct Svg(String);

impl Svg {
    /// White, of this size, in a font that is there.
    pub(crate) fn new(width: f64, height: f64) -> Svg {
        let mut svg = Svg(String::new());
        let _ = writeln!(
            svg.0,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, DejaVu Sans, \
             sans-serif\">"
        );
        svg.rect([0.0, 0.0, width, height], "#ffffff");
        svg
    }

    /// A filled rectangle: left, top, width, height.
    pub(crate) fn rect(&mut self, [x, y, w, h]: [f64; 4], fill: &str) {
        let _ = writeln!(
            self.0,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{fill}\"/>"
        );
    }

    /// A line from one point to another.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.0,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"{colour}\" stroke-width=\"1\"/>"
        );
    }

    /// A curve through points, each marked.
    pub(crate) fn curve(&mut self, points: &[(f64, f64)], colour: &str) {
        let _ = writeln!(
            self.0,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
            list(points)
        );
        for (x, y) in points {
            let _ = writeln!(
                self.0,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"
            );
        }
    }

    /// A filled outline.
    pub(crate) fn area(&mut self, points: &[(f64, f64)], fill: &str) {
        let _ = writeln!(self.0, "<polygon points=\"{}\" fill=\"{fill}\"/>", list(points));
    }

    /// A line of text.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, text: &str) {
        self.coloured((x, y), size, anchor, text, "#333333");
    }

    /// A line of text of another colour.
    pub(crate) fn coloured(
        &mut self,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        text: &str,
        colour: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" \
             fill=\"{colour}\">{}</text>",
            escaped(text)
        );
    }

    /// The document.
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn list(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
