//! A plan as a page: its figures, and the curves behind them.

use crate::answer::Answer;
use crate::chart::{Chart, YScale};
use crate::load::DAY;
use crate::sizes::Kind;
use crate::svg::{Anchor, Svg};

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 1010.0;
const COLOURS: [&str; 7] =
    ["#1f6f8b", "#5aa9c4", "#d98032", "#f0b67f", "#7a9e4e", "#8a6fa8", "#9a9a9a"];

/// An SVG document.
pub fn page(answer: &Answer) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((30.0, 42.0), 24.0, Anchor::Start, "tracekeep: capacity plan");
    let machine = &answer.machine;
    let place = format!(
        "{}, {} cores, {}; {}",
        machine.processor,
        machine.cores,
        bytes(machine.memory_bytes as f64),
        machine.system
    );
    svg.coloured((30.0, 64.0), 12.0, Anchor::Start, &place, "#666666");
    figures(&mut svg, answer);
    let half = WIDTH / 2.0 - 40.0;
    disk(&mut svg, answer, [30.0, 230.0, half, 370.0]);
    rates(&mut svg, answer, [WIDTH / 2.0 + 10.0, 230.0, half, 370.0]);
    growth(&mut svg, answer, [30.0, 620.0, half, 370.0]);
    bounds(&mut svg, answer, [WIDTH / 2.0 + 10.0, 620.0, half, 370.0]);
    svg.finish()
}

fn figures(svg: &mut Svg, answer: &Answer) {
    let expected = &answer.expected;
    let days = |seconds: f64| format!("{} days", short(seconds / DAY));
    let cells = [
        (
            "expected",
            format!("{}/s", short(expected.rate())),
            format!(
                "peak {}/s, kept {}",
                short(expected.peak_observations_per_second),
                days(expected.retention_seconds)
            ),
        ),
        (
            "sustained",
            format!("{}/s", short(answer.sustained.observations_per_second)),
            format!("{}x, {}", short(answer.sustained.headroom), answer.sustained.bottleneck),
        ),
        (
            "peak",
            format!("{}/s", short(answer.peak.observations_per_second)),
            format!("{}x, {}", short(answer.peak.headroom), answer.peak.bottleneck),
        ),
        (
            "disk in the end",
            bytes(answer.disk.settled.total),
            format!("{} of each observation", bytes(answer.bytes_per_observation)),
        ),
        (
            "written",
            format!("{} a day", bytes(answer.written.bytes_per_day)),
            format!(
                "{} % of {} drive writes a day",
                short(100.0 * answer.written.endurance_share),
                answer.written.drive_writes_per_day
            ),
        ),
        (
            "cores, at the peak",
            format!("{}, {}", short(answer.cores.average), short(answer.cores.peak)),
            format!("of {}; memory {}", answer.cores.available, bytes(answer.memory.budget_bytes)),
        ),
        (
            "a tree, a whole trace",
            format!("{}, {} us", short(answer.reads_us.tree.p50), short(answer.reads_us.trace.p50)),
            format!(
                "p99 {}, {} us",
                short(answer.reads_us.tree.p99),
                short(answer.reads_us.trace.p99)
            ),
        ),
        (
            "recovery",
            format!("{} s", short(answer.recovery_seconds)),
            format!("a synced write: p50 {} us", short(answer.sync_us.p50)),
        ),
    ];
    for (n, (name, value, beside)) in cells.iter().enumerate() {
        let (x, y) = (30.0 + (n % 4) as f64 * 268.0, 82.0 + (n / 4) as f64 * 70.0);
        svg.rect([x, y, 256.0, 62.0], "#f4f6f7");
        svg.coloured((x + 10.0, y + 16.0), 11.0, Anchor::Start, name, "#666666");
        svg.text((x + 10.0, y + 37.0), 18.0, Anchor::Start, value);
        svg.coloured((x + 10.0, y + 54.0), 11.0, Anchor::Start, beside, "#666666");
    }
}

fn disk(svg: &mut Svg, answer: &Answer, frame: [f64; 4]) {
    let series = Kind::ALL.iter().zip(COLOURS).map(|(kind, colour)| {
        let at = answer.disk.over_time.iter();
        let points = at.map(|at| (at.days, at.bytes.get(kind).copied().unwrap_or(0.0)));
        (kind.name().to_owned(), colour.to_owned(), points.collect())
    });
    let chart = Chart {
        title: "Disk over time, by kind of content",
        axes: "days since the first observation, at the expected rate",
        x_label: short,
        y_label: bytes,
        series: series.collect(),
    };
    chart.stacked(svg, frame);
}

fn rates(svg: &mut Svg, answer: &Answer, frame: [f64; 4]) {
    let mut series: Vec<(String, String, Vec<(f64, f64)>)> = Vec::new();
    for append in &answer.appends {
        let point = (append.batch as f64, append.observations_per_second);
        match series.iter_mut().find(|(name, ..)| *name == append.durability) {
            Some((.., points)) => points.push(point),
            None => {
                let colour = COLOURS[(series.len() * 2) % COLOURS.len()].to_owned();
                series.push((append.durability.clone(), colour, vec![point]));
            }
        }
    }
    let chart = Chart {
        title: "Appending, by batch size and durability",
        axes: "observations a second, by records in a batch; 8 batches in flight",
        x_label: short,
        y_label: short,
        series,
    };
    chart.curves(svg, frame, YScale::Logarithmic);
}

fn growth(svg: &mut Svg, answer: &Answer, frame: [f64; 4]) {
    let chart = Chart {
        title: "Bytes of an observation, by how many there are",
        axes: "settled, with all payloads kept; from the sample on it is a forecast",
        x_label: short,
        y_label: short,
        series: vec![("all files".to_owned(), COLOURS[0].to_owned(), answer.growth.clone())],
    };
    chart.curves(svg, frame, YScale::Linear);
}

/// What bounds the sustained rate, and where the expected one lies.
fn bounds(svg: &mut Svg, answer: &Answer, [left, top, width, height]: [f64; 4]) {
    svg.text((left, top + 16.0), 16.0, Anchor::Start, "What bounds the rate");
    let axes = "observations a second, on a logarithmic scale";
    svg.coloured((left, top + 34.0), 12.0, Anchor::Start, axes, "#666666");
    let expected = &answer.expected;
    let mut bars: Vec<(String, f64, &str)> = vec![
        ("expected".to_owned(), expected.rate(), COLOURS[3]),
        ("expected peak".to_owned(), expected.peak_observations_per_second, COLOURS[2]),
    ];
    let of = |(name, rate): &(String, f64)| (name.clone(), *rate, COLOURS[0]);
    bars.extend(answer.sustained.bounds.iter().map(of));
    let logs: Vec<f64> = bars.iter().map(|(_, rate, _)| rate.max(1e-3).log10()).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor() - 0.2;
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = width - 90.0;
    let each = (height - 60.0) / bars.len() as f64;
    for (n, ((name, rate, colour), log)) in bars.iter().zip(&logs).enumerate() {
        let y = top + 52.0 + n as f64 * each;
        let long = room * (log - low) / (high - low).max(1e-9);
        svg.text((left, y + 12.0), 12.0, Anchor::Start, name);
        svg.rect([left, y + 18.0, long.max(1.0), each - 28.0], colour);
        let beside = (left + long + 6.0, y + 18.0 + (each - 28.0) / 2.0 + 4.0);
        svg.text(beside, 12.0, Anchor::Start, &format!("{}/s", short(*rate)));
    }
}

/// Three digits that count: `0.012`, `4.5`, `120`, `16.7k`, `2.5M`.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 1e12 => (value / 1e12, "T"),
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

fn bytes(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 1e12 => (value / 1e12, "TB"),
        v if v >= 1e9 => (value / 1e9, "GB"),
        v if v >= 1e6 => (value / 1e6, "MB"),
        v if v >= 1e3 => (value / 1e3, "kB"),
        _ => (value, "B"),
    };
    format!("{} {unit}", short(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.0123, 4.5, 99.0, 120.0, 16_683.0, 2_500_000.0].map(short);
        assert_eq!(all, ["0", "0.012", "4.5", "99", "120", "16.7k", "2.5M"]);
        assert_eq!(bytes(18_800_000_000.0), "18.8 GB");
    }
}
