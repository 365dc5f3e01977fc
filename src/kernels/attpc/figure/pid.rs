//! Particle identification: two columns of the estimates against each other, gates drawn on them.

use crate::kernels::attpc::figure::words::{count, runs_of};
use crate::kernels::figure::axes::{Axis, Frame, Titles, thousands};
use crate::kernels::figure::density::{self, Drawn};
use crate::kernels::figure::legend::Legend;
use crate::kernels::figure::palette::{Mark, halo, mark};
use crate::kernels::figure::spread::{Spread, rounded};
use crate::kernels::figure::svg::{Anchor, INK, LABEL, Lettering, SMALL, Svg, TITLE};

/// Widths of the data by which a gate may widen an axis beyond them; a gate further away is cut,
/// because a wild vertex must not squeeze the data into a corner.
const GATE_REACH: f64 = 1.5;
/// Part of the gates' extent that the picture goes on beyond them.
const BEYOND_GATES: f64 = 0.2;
/// Pieces of a gate's side on logarithmic axes, where straight lines become curves.
const SIDE_PIECES: usize = 24;

/// A gate as it is drawn, with what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct GateCount {
    pub name: String,
    pub vertices: Vec<[f64; 2]>,
    /// Estimates inside the polygon.
    pub inside: usize,
    /// Those of them inside the ion chamber window, where one is given.
    pub selected: Option<usize>,
}

/// What the picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PidSheet<'s> {
    /// Names of the columns along x and y.
    pub columns: [&'s str; 2],
    /// Logarithmic axes.
    pub logarithmic: bool,
    pub runs: &'s [i64],
    pub points: &'s [[f64; 2]],
    pub gates: &'s [GateCount],
    /// Ends of the ion chamber window, ADC, where one is given.
    pub window: Option<[f64; 2]>,
}

/// What is written at an axis that shows a column of the estimates.
pub fn column_title(column: &str) -> String {
    let known = match column {
        "dEdx" => "dE/dx (arb. units)",
        "sqrt_dEdx" => "√(dE/dx) (arb. units)",
        "dE" => "ΔE (arb. units)",
        "brho" => "Bρ (T m)",
        "polar" => "polar angle (rad)",
        "azimuthal" => "azimuthal angle (rad)",
        "arclength" => "arc length (mm)",
        "ic_amplitude" => "ion chamber amplitude (ADC)",
        "vertex_x" => "vertex x (mm)",
        "vertex_y" => "vertex y (mm)",
        "vertex_z" => "vertex z (mm)",
        other => return other.to_owned(),
    };
    known.to_owned()
}

/// Draws the sheet.
pub fn draw(sheet: &PidSheet<'_>) -> String {
    let mut svg = Svg::new(860.0, 690.0);
    svg.text([40.0, 38.0], "Particle identification", (TITLE, Anchor::Start));
    svg.text([40.0, 64.0], &subtitle(sheet), (LABEL, Anchor::Start));
    let names = legend(sheet).draw_row(&mut svg, [40.0, 90.0], 820.0);
    let axes = [0, 1].map(|along| axis_of(sheet, along));
    let ends = axes.map(|(ends, _)| ends);
    // The colour bar of a density needs room that dots can have.
    let width = if density::kind(sheet.points.len()) == Drawn::Dots { 735.0 } else { 650.0 };
    let (top, bottom) = (names + 20.0, 625.0);
    let size = [width, bottom - top];
    let frame = Frame { corner: [85.0, top], size, x: axes[0].1, y: axes[1].1 };
    let titles = sheet.columns.map(column_title);
    frame.draw(&mut svg, Titles { heading: "", x: &titles[0], y: &titles[1] });
    if sheet.points.is_empty() {
        frame.say_empty(&mut svg, "no estimates");
    }
    density::draw(&mut svg, &frame, sheet.points, "estimates");
    draw_gates(&mut svg, &frame, sheet);
    let hidden = sheet.points.iter().filter(|point| !shown(sheet, point, ends)).count();
    if hidden > 0 {
        let words = format!("{} outside the picture", count(hidden, "estimate"));
        svg.text([85.0 + width, 675.0], &words, (SMALL, Anchor::End));
    }
    svg.finish()
}

fn subtitle(sheet: &PidSheet<'_>) -> String {
    let mut line = format!("{} of {}", count(sheet.points.len(), "estimate"), runs_of(sheet.runs));
    if density::kind(sheet.points.len()) == Drawn::Dots && !sheet.points.is_empty() {
        line += "  ·  each dot is one estimate";
    }
    if let Some([from, to]) = sheet.window {
        line += &format!("  ·  ion chamber window {from} to {to} ADC");
    }
    line
}

fn shown(sheet: &PidSheet<'_>, point: &[f64; 2], ends: [[f64; 2]; 2]) -> bool {
    let inside = |along: usize| {
        let value = point[along];
        (ends[along][0]..=ends[along][1]).contains(&value) && (!sheet.logarithmic || value > 0.0)
    };
    inside(0) && inside(1)
}

/// The ends of an axis, which hold the data but for far outliers, and nearby gates.
fn axis_of(sheet: &PidSheet<'_>, along: usize) -> ([f64; 2], Axis) {
    let usable = |value: &f64| !sheet.logarithmic || *value > 0.0;
    let data = Spread::of(sheet.points.iter().map(|point| point[along]).filter(usable));
    let vertices = || sheet.gates.iter().flat_map(|gate| &gate.vertices);
    let of_gates = vertices().map(|vertex| vertex[along]).filter(usable);
    let range = data.range().or_else(|| Spread::of(of_gates.clone()).range());
    let Some([low, high]) = range else {
        let axis = if sheet.logarithmic { Axis::logarithmic } else { Axis::linear };
        return ([1.0, 10.0], axis(1.0, 10.0));
    };
    let reach = GATE_REACH * (high - low);
    let near = |value: f64| value.clamp(low - reach, high + reach);
    let from = of_gates.clone().map(near).fold(low, f64::min);
    let top = of_gates.clone().map(near).fold(f64::NEG_INFINITY, f64::max);
    // With gates the picture is of them: a long tail of data beyond them is cut.
    let tail = data.quantile(0.95).unwrap_or(high).max(top + BEYOND_GATES * (top - low));
    let to = if top.is_finite() { high.min(tail).max(top) } else { high };
    if sheet.logarithmic {
        let ends = [from.max(1e-6 * to) / 1.1, to * 1.1];
        return (ends, Axis::logarithmic(ends[0], ends[1]));
    }
    // Quantities that start near zero are shown from zero, so that sizes can be compared.
    let from = if (0.0..0.4 * to).contains(&from) { 0.0 } else { from };
    // A margin keeps the side of a gate apart from the frame.
    let margin = 0.02 * (to - from);
    let ends = rounded([if from == 0.0 { 0.0 } else { from - margin }, to + margin]);
    (ends, Axis::linear(ends[0], ends[1]))
}

fn draw_gates(svg: &mut Svg, frame: &Frame, sheet: &PidSheet<'_>) {
    for (at, gate) in sheet.gates.iter().enumerate() {
        let line = outline(frame, &gate.vertices, sheet.logarithmic);
        frame.clipped(svg, |svg| {
            // Over a density the line needs a rim; over dots the rim would hide some of them.
            if density::kind(sheet.points.len()) == Drawn::Cells {
                svg.path(&line, &halo(4.6));
            }
            svg.path(&line, &mark(at).line(2.2));
        });
    }
    for (at, gate) in sheet.gates.iter().enumerate() {
        write_name(svg, frame, (gate, mark(at)));
    }
}

fn legend(sheet: &PidSheet<'_>) -> Legend {
    let mut legend = Legend::new();
    for (at, gate) in sheet.gates.iter().enumerate() {
        legend.add(mark(at), legend_words(gate, sheet.points.len()));
    }
    legend
}

fn legend_words(gate: &GateCount, all: usize) -> String {
    let share = 100.0 * gate.inside as f64 / all.max(1) as f64;
    let spaced = |number: usize| thousands(&number.to_string());
    let inside = format!("{}: {} inside ({share:.0} %)", gate.name, spaced(gate.inside));
    match gate.selected {
        Some(selected) => format!("{inside}, {} in the window", spaced(selected)),
        None => inside,
    }
}

fn outline(frame: &Frame, vertices: &[[f64; 2]], logarithmic: bool) -> Vec<[f64; 2]> {
    let Some(first) = vertices.first() else { return Vec::new() };
    let pieces = if logarithmic { SIDE_PIECES } else { 1 };
    let mut line = vec![frame.at(*first)];
    for (from, to) in vertices.iter().zip(vertices.iter().cycle().skip(1)) {
        for piece in 1..=pieces {
            let part = piece as f64 / pieces as f64;
            line.push(frame.at([0, 1].map(|i| from[i] + part * (to[i] - from[i]))));
        }
    }
    line
}

/// Writes a gate's name beside its uppermost visible vertex.
fn write_name(svg: &mut Svg, frame: &Frame, (gate, mark): (&GateCount, Mark)) {
    let [left, top] = frame.corner;
    let [right, bottom] = frame.end();
    let visible = |[x, y]: &[f64; 2]| (left..=right).contains(x) && (top..=bottom).contains(y);
    let places = gate.vertices.iter().map(|vertex| frame.at(*vertex)).filter(visible);
    let Some([x, y]) = places.min_by(|a, b| a[1].total_cmp(&b[1]).then(b[0].total_cmp(&a[0])))
    else {
        return;
    };
    let style = Lettering { size: 14.0, bold: true, fill: INK };
    let at = [x.min(right - 90.0) + 7.0, (y + 2.0).max(top + 16.0)];
    svg.haloed_text(at, &gate.name, (Lettering { fill: mark.colour, ..style }, Anchor::Start));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(vertices: &[[f64; 2]]) -> GateCount {
        GateCount {
            name: "proton".to_owned(),
            vertices: vertices.to_vec(),
            inside: 2,
            selected: Some(1),
        }
    }

    fn sheet<'s>(points: &'s [[f64; 2]], gates: &'s [GateCount]) -> PidSheet<'s> {
        PidSheet {
            columns: ["dEdx", "brho"],
            logarithmic: false,
            runs: &[7],
            points,
            gates,
            window: Some([900.0, 1350.0]),
        }
    }

    #[test]
    fn gates_are_named_with_their_counts() {
        let gates = [gate(&[[1.0, 1.0], [3.0, 1.0], [3.0, 3.0]])];
        let points = [[2.0, 2.0], [2.5, 1.5], [2.0, 0.5], [2.1, 0.6]];
        let text = draw(&sheet(&points, &gates));
        assert!(text.contains("4 estimates of run 7  ·  each dot is one estimate"), "{text}");
        assert!(text.contains("proton: 2 inside (50 %), 1 in the window"));
        assert!(text.contains("dE/dx (arb. units)") && text.contains("Bρ (T m)"));
        assert!(!text.contains("outside the picture"));
    }

    #[test]
    fn a_wild_point_or_vertex_does_not_squeeze_the_data() {
        let gates = [gate(&[[1.0, 1.0], [1e9, 1.0], [3.0, 3.0]])];
        let mut points: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
        points.extend([[1e7, 3.0], [f64::NAN, 1.0]]);
        let sheet = sheet(&points, &gates);
        let ([from, to], _) = axis_of(&sheet, 0);
        assert!(from == 0.0 && to <= 150.0, "{from} {to}");
        assert!(draw(&sheet).contains("2 estimates outside the picture"));
    }

    #[test]
    fn nothing_at_all_makes_an_empty_picture_with_a_word() {
        for logarithmic in [false, true] {
            let text = draw(&PidSheet { logarithmic, ..sheet(&[], &[]) });
            assert!(text.contains(">no estimates<") && !text.contains("NaN"));
        }
    }

    #[test]
    fn one_estimate_is_enough() {
        let text = draw(&sheet(&[[500.0, 0.8]], &[]));
        assert!(text.contains("1 estimate of run 7"));
        assert!(!text.contains("NaN") && !text.contains("outside"));
    }
}
