//! Charts with axes: areas over each other, and curves on logarithmic scales.

use crate::svg::{Anchor, Svg};

const GRID: &str = "#e2e2e2";
/// Room for labels around the plot: left, top, right, bottom.
const MARGIN: [f64; 4] = [76.0, 58.0, 16.0, 46.0];

/// How a value is written at an axis.
pub(crate) type Label = fn(f64) -> String;

/// What a chart shows.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// Below the title: what the axes say.
    pub(crate) axes: &'a str,
    pub(crate) x_label: Label,
    pub(crate) y_label: Label,
    /// Name, colour and points of each curve, or of each layer from the bottom up.
    pub(crate) series: Vec<(String, String, Vec<(f64, f64)>)>,
}

/// A scale from values to places.
struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    from: f64,
    to: f64,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let of = |v: f64| if self.logarithmic { v.max(1e-12).log10() } else { v };
        let share = (of(value) - of(self.low)) / (of(self.high) - of(self.low)).max(1e-12);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
            let every = ((last - first) / 6 + 1).max(1);
            let powers = (first..=last).step_by(every as usize).map(|p| 10f64.powi(p));
            if last - first > 2 {
                return powers.collect();
            }
            // Few powers of ten: 2 and 5 times each between them.
            let fine = (first - 1..=last).flat_map(|p| [1.0, 2.0, 5.0].map(|n| n * 10f64.powi(p)));
            return fine.filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let step = nice((self.high - self.low) / 5.0);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, about `step`.
fn nice(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|n| n * power >= step);
    times.unwrap_or(10.0) * power
}

impl Chart<'_> {
    /// Layers over each other in a box: left, top, width, height.
    pub(crate) fn stacked(&self, svg: &mut Svg, frame: [f64; 4]) {
        let count = self.series.iter().map(|(.., points)| points.len()).min().unwrap_or(0);
        let sum = |at: usize| self.series.iter().map(|(.., points)| points[at].1).sum::<f64>();
        let high = (0..count).map(sum).fold(0.0, f64::max);
        let xs: Vec<f64> = self.series.first().map_or(Vec::new(), |(.., points)| {
            points[..count].iter().map(|point| point.0).collect()
        });
        let end = xs.iter().copied().fold(0.0, f64::max);
        let (x, y) = self.axes(svg, frame, (0.0, end), (0.0, high * 1.05), [false, false]);
        let mut floor = vec![0.0; count];
        for (_, colour, points) in &self.series {
            let top: Vec<f64> = floor.iter().zip(points).map(|(low, (_, n))| low + n).collect();
            let at = |values: &[f64]| -> Vec<(f64, f64)> {
                xs.iter().zip(values).map(|(at, v)| (x.place(*at), y.place(*v))).collect()
            };
            let mut outline = at(&top);
            outline.extend(at(&floor).into_iter().rev());
            svg.area(&outline, colour);
            floor = top;
        }
        self.legend(svg, frame);
    }

    /// Curves on logarithmic scales; the second is linear where `y_logarithmic` is not.
    pub(crate) fn curves(&self, svg: &mut Svg, frame: [f64; 4], y_scale: YScale) {
        let all = || self.series.iter().flat_map(|(.., points)| points).filter(|p| p.1 > 0.0);
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let low = all().map(of).fold(f64::INFINITY, f64::min);
            (low, all().map(of).fold(0.0, f64::max).max(low))
        };
        if all().next().is_none() {
            return;
        }
        let (xs, (low, high)) = (ends(|p| p.0), ends(|p| p.1));
        let logarithmic = matches!(y_scale, YScale::Logarithmic);
        let ys = if logarithmic { (low / 1.5, high * 1.5) } else { (0.0, high * 1.1) };
        let (x, y) = self.axes(svg, frame, xs, ys, [true, logarithmic]);
        for (_, colour, points) in &self.series {
            let places: Vec<(f64, f64)> =
                points.iter().map(|(a, b)| (x.place(*a), y.place(*b))).collect();
            svg.curve(&places, colour);
        }
        self.legend(svg, frame);
    }

    fn axes(
        &self,
        svg: &mut Svg,
        [left, top, width, height]: [f64; 4],
        xs: (f64, f64),
        ys: (f64, f64),
        [x_log, y_log]: [bool; 2],
    ) -> (Scale, Scale) {
        svg.text((left, top + 16.0), 16.0, Anchor::Start, self.title);
        svg.coloured((left, top + 34.0), 12.0, Anchor::Start, self.axes, "#666666");
        let (right, bottom) = (left + width - MARGIN[2], top + height - MARGIN[3]);
        let (left, top) = (left + MARGIN[0], top + MARGIN[1]);
        let x = Scale { low: xs.0, high: xs.1, logarithmic: x_log, from: left, to: right };
        let y = Scale { low: ys.0, high: ys.1, logarithmic: y_log, from: bottom, to: top };
        for tick in y.ticks() {
            let at = y.place(tick);
            svg.line((left, at), (right, at), GRID);
            svg.text((left - 6.0, at + 4.0), 12.0, Anchor::End, &(self.y_label)(tick));
        }
        for tick in x.ticks() {
            let at = x.place(tick);
            svg.line((at, bottom), (at, bottom + 5.0), "#999999");
            svg.text((at, bottom + 19.0), 12.0, Anchor::Middle, &(self.x_label)(tick));
        }
        svg.line((left, bottom), (right, bottom), "#999999");
        (x, y)
    }

    /// Names beside their colours, below the plot.
    fn legend(&self, svg: &mut Svg, [left, top, _, height]: [f64; 4]) {
        let mut at = left;
        for (name, colour, _) in &self.series {
            let y = top + height - 8.0;
            svg.rect([at, y - 9.0, 10.0, 10.0], colour);
            svg.text((at + 14.0, y), 11.0, Anchor::Start, name);
            at += 24.0 + 6.2 * name.len() as f64;
        }
    }
}

/// The scale of values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum YScale {
    Linear,
    Logarithmic,
}
