//! The medians as bars, one panel a figure, as plain SVG. The length of a bar is logarithmic:
//! engines lie up to three powers of ten apart.

use crate::engine::Name;
use crate::report::{FIGURES, Figure, Report, Row, short};
use std::fmt::Write;

/// Key, title, and whether more is better.
const PANELS: [(&str, &str, Better); 6] = [
    ("append_mb_s", "append, MB/s of JSON", Better::More),
    ("append_cpu_s", "append, CPU seconds", Better::Less),
    ("settled_bytes", "settled size, MB", Better::Less),
    ("trace_p50_us", "whole trace, warm p50, us", Better::Less),
    ("trace_cold_p50_us", "whole trace, cold p50, us", Better::Less),
    ("tree_p50_us", "tree alone, warm p50, us", Better::Less),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

const COLUMNS: usize = 2;
const WIDTH: f64 = 470.0;
const LABEL: f64 = 100.0;
const BARS: f64 = 290.0;
const LINE: f64 = 20.0;
const TOP: f64 = 86.0;
const TITLE: f64 = 34.0;

/// The picture.
pub(crate) fn draw(report: &Report<'_>) -> String {
    let panel = TITLE + LINE * report.rows.len() as f64 + 24.0;
    let height = TOP + panel * PANELS.len().div_ceil(COLUMNS) as f64;
    let width = WIDTH * COLUMNS as f64 + 20.0;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    text(&mut out, 20.0, 28.0, "font-size=\"17\" font-weight=\"bold\"", &report.input.name());
    let lines = report.line();
    let line = lines.split_once(": ").map_or(lines.as_str(), |(_, rest)| rest);
    text(&mut out, 20.0, 48.0, "fill=\"#555\" font-size=\"11\"", line);
    text(&mut out, 20.0, 64.0, "fill=\"#555\" font-size=\"11\"", &report.machine.line());
    for (number, (key, title, better)) in PANELS.into_iter().enumerate() {
        let Some(figure) = FIGURES.iter().find(|figure| figure.key == key) else { continue };
        let x = 20.0 + WIDTH * (number % COLUMNS) as f64;
        let y = TOP + panel * (number / COLUMNS) as f64;
        let better = if better == Better::More { "more is better" } else { "less is better" };
        text(&mut out, x, y + 16.0, "font-weight=\"bold\"", title);
        let style = "fill=\"#777\" font-size=\"11\" text-anchor=\"end\"";
        text(&mut out, x + LABEL + BARS, y + 16.0, style, &format!("{better}, log scale"));
        bars(&mut out, report, figure, (x, y + TITLE));
    }
    out.push_str("</svg>\n");
    out
}

fn bars(out: &mut String, report: &Report<'_>, figure: &Figure, (x, y): (f64, f64)) {
    let value = |row: &Row| report.median(row, figure).map(|value| value / figure.unit());
    let all: Vec<f64> = report.rows.iter().filter_map(value).filter(|v| *v > 0.0).collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    let most = all.iter().copied().fold(0.0, f64::max);
    // The shortest bar is a twentieth of the width, so that it can be seen.
    let length = |value: f64| match most > least {
        true => BARS * (0.05 + 0.95 * (value / least).ln() / (most / least).ln()),
        false => BARS,
    };
    for (number, row) in report.rows.iter().enumerate() {
        let y = y + LINE * number as f64;
        let style = "text-anchor=\"end\"";
        text(out, x + LABEL - 8.0, y + 13.0, style, row.engine.text());
        let color = if row.engine == Name::Tracekeep { "#c2410c" } else { "#94a3b8" };
        match value(row).filter(|value| *value > 0.0) {
            Some(value) => {
                let long = length(value);
                let _ = writeln!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{long:.1}\" height=\"14\" \
                     fill=\"{color}\"/>",
                    x + LABEL,
                    y + 2.0
                );
                text(out, x + LABEL + long + 5.0, y + 13.0, "font-size=\"12\"", &short(value));
            }
            None => text(out, x + LABEL, y + 13.0, "fill=\"#999\" font-size=\"12\"", "-"),
        }
    }
}

fn text(out: &mut String, x: f64, y: f64, style: &str, text: &str) {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{safe}</text>");
}
