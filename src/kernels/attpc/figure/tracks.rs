//! Distributions of solved tracks: vertex, angles, energy and quality of the fit, for each particle.

use crate::kernels::attpc::figure::words::{count, isotope, runs_of};
use crate::kernels::figure::axes::{Axis, Frame, Titles};
use crate::kernels::figure::histogram::Histogram;
use crate::kernels::figure::legend::Legend;
use crate::kernels::figure::palette::mark;
use crate::kernels::figure::spread::{Spread, round_up, rounded};
use crate::kernels::figure::svg::{Anchor, GREY, LABEL, Svg, TITLE};

/// A solved track as far as the picture needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackFacts {
    /// Millimetres; z from the window.
    pub vertex: [f64; 3],
    /// MeV.
    pub energy: f64,
    /// Radians.
    pub polar: f64,
    /// Radians.
    pub azimuthal: f64,
    /// Of the fit: square metres or a pure number, by its method.
    pub redchisq: f64,
}

/// The tracks of one particle.
#[derive(Clone, Debug, PartialEq)]
pub struct Particle {
    /// Isotope, such as `2H`.
    pub name: String,
    pub tracks: Vec<TrackFacts>,
}

/// What the picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct TracksSheet<'s> {
    pub runs: &'s [i64],
    pub particles: &'s [Particle],
    /// Window to pad plane, mm.
    pub length: f64,
    /// Radius of the beam region, mm: vertices lie inside it.
    pub beam_radius: f64,
}

/// How the range of a panel comes about.
#[derive(Clone, Copy)]
enum Ends {
    /// Fixed by the detector or by geometry.
    Fixed([f64; 2]),
    /// All values but far outliers.
    Data,
    /// The same, with logarithmic bins.
    Logarithmic,
}

struct Panel {
    heading: &'static str,
    x: &'static str,
    ends: Ends,
    value: fn(&TrackFacts) -> f64,
}

const COLUMNS: usize = 4;
const SIZE: [f64; 2] = [195.0, 185.0];

/// Draws the sheet.
pub fn draw(sheet: &TracksSheet<'_>) -> String {
    let mut svg = Svg::new(1120.0, 690.0);
    svg.text([40.0, 38.0], "Solved tracks", (TITLE, Anchor::Start));
    let all: usize = sheet.particles.iter().map(|particle| particle.tracks.len()).sum();
    let line = format!("{} of {}", count(all, "track"), runs_of(sheet.runs));
    svg.text([40.0, 64.0], &line, (LABEL, Anchor::Start));
    let mut legend = Legend::new();
    for (at, particle) in sheet.particles.iter().enumerate() {
        let tracks = count(particle.tracks.len(), "track");
        legend.add(mark(at), format!("{}: {tracks}", isotope(&particle.name)));
    }
    legend.draw_row(&mut svg, [40.0, 90.0], 1080.0);
    for (at, panel) in panels(sheet).iter().enumerate() {
        let [column, row] = [at % COLUMNS, at / COLUMNS];
        let corner = [75.0 + 270.0 * column as f64, 130.0 + 285.0 * row as f64];
        draw_panel(&mut svg, corner, (sheet, panel));
    }
    svg.finish()
}

fn panels(sheet: &TracksSheet<'_>) -> [Panel; 8] {
    let across = Ends::Fixed([-1.1 * sheet.beam_radius, 1.1 * sheet.beam_radius]);
    let panel = |heading, x, ends, value| Panel { heading, x, ends, value };
    let turn = Ends::Fixed([0.0, 360.0]);
    let along = Ends::Fixed([0.0, sheet.length]);
    let around = Ends::Fixed([0.0, 1.1 * sheet.beam_radius]);
    [
        panel("Vertex x", "x (mm)", across, |track| track.vertex[0]),
        panel("Vertex y", "y (mm)", across, |track| track.vertex[1]),
        panel("Vertex z", "z from the window (mm)", along, |track| track.vertex[2]),
        panel("Vertex radius", "distance from the axis (mm)", around, |track| {
            track.vertex[0].hypot(track.vertex[1])
        }),
        panel("Energy", "kinetic energy (MeV)", Ends::Data, |track| track.energy),
        panel("Polar angle", "polar angle (degrees)", Ends::Fixed([0.0, 180.0]), |track| {
            track.polar.to_degrees()
        }),
        panel("Azimuthal angle", "azimuthal angle (degrees)", turn, |track| {
            track.azimuthal.to_degrees()
        }),
        panel("Quality of the fit", "reduced χ²", Ends::Logarithmic, |track| track.redchisq),
    ]
}

fn draw_panel(svg: &mut Svg, corner: [f64; 2], (sheet, panel): (&TracksSheet<'_>, &Panel)) {
    let all = sheet.particles.iter().flat_map(|particle| &particle.tracks).map(panel.value);
    let values: Vec<Spread> = sheet
        .particles
        .iter()
        .map(|particle| Spread::of(particle.tracks.iter().map(panel.value)))
        .collect();
    let (empty, x) = bins_of(panel.ends, &values);
    let filled: Vec<Histogram> = sheet
        .particles
        .iter()
        .map(|particle| {
            let mut histogram = empty.clone();
            let values = particle.tracks.iter().map(panel.value).filter(|value| !value.is_nan());
            values.for_each(|value| histogram.add(value));
            histogram
        })
        .collect();
    let most = filled.iter().flat_map(|h| h.counts()).copied().max().unwrap_or(0) as f64;
    let y = Axis::linear(0.0, round_up((1.1 * most).max(4.0)));
    let frame = Frame { corner, size: SIZE, x, y };
    // Only the first column names the axis, because long numbers leave the others no room.
    let y = if corner[0] < SIZE[0] { "tracks" } else { "" };
    frame.draw(svg, Titles { heading: panel.heading, x: panel.x, y });
    if sheet.particles.iter().all(|particle| particle.tracks.is_empty()) {
        frame.say_empty(svg, "no tracks");
    }
    for (at, histogram) in filled.iter().enumerate() {
        frame.outline(svg, &histogram.bins(), mark(at));
    }
    let outside: u64 = filled.iter().map(|h| h.outside()[0] + h.outside()[1]).sum();
    let strange = all.filter(|value| value.is_nan()).count() as u64;
    if outside + strange > 0 {
        frame.remark(svg, &[format!("{} outside", outside + strange)]);
    }
    if panel.heading == "Vertex radius" {
        mark_beam_region(svg, &frame, sheet.beam_radius);
    }
}

fn mark_beam_region(svg: &mut Svg, frame: &Frame, radius: f64) {
    let [x, bottom] = frame.at([radius, 0.0]);
    let style = format!("stroke=\"{GREY}\" stroke-width=\"1\" stroke-dasharray=\"4 3\"");
    svg.line([x, frame.corner[1]], [x, bottom], &style);
}

/// Empty bins of a panel and the axis that shows them. Few tracks get few bins, because many
/// would show noise.
fn bins_of(ends: Ends, values: &[Spread]) -> (Histogram, Axis) {
    let count: usize = values.iter().map(Spread::count).sum();
    let bins = ((2.0 * (count as f64).sqrt()) as usize).clamp(18, 72);
    match ends {
        Ends::Fixed([from, to]) => (Histogram::linear(from, to, bins), Axis::linear(from, to)),
        Ends::Data => {
            let [low, high] = union(values.iter()).unwrap_or([0.0, 10.0]);
            let [from, to] = rounded([if low < 0.4 * high { low.min(0.0) } else { low }, high]);
            (Histogram::linear(from, to, bins), Axis::linear(from, to))
        }
        Ends::Logarithmic => {
            let positive = |spread: &Spread| {
                Spread::of(spread.each().filter(|value| *value > 0.0).map(f64::log10))
            };
            let logs: Vec<Spread> = values.iter().map(positive).collect();
            let [low, high] = union(logs.iter()).unwrap_or([-1.0, 1.0]);
            // Whole thirds of a decade keep the bins' edges and the axis together.
            let [from, to] = [(3.0 * low).floor() / 3.0, (3.0 * high).ceil() / 3.0];
            let [from, to] = [from, to].map(|power| 10f64.powf(power));
            (Histogram::logarithmic(from, to, bins), Axis::logarithmic(from, to))
        }
    }
}

/// Ends that hold the range of each particle: few tracks of one are no outliers of another.
fn union<'s>(values: impl Iterator<Item = &'s Spread>) -> Option<[f64; 2]> {
    values.filter_map(Spread::range).reduce(|[a, b], [from, to]| [a.min(from), b.max(to)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(at: usize) -> TrackFacts {
        let part = at as f64 / 40.0;
        TrackFacts {
            vertex: [20.0 * part - 10.0, 3.0, 900.0 * part],
            energy: 2.0 + 30.0 * part,
            polar: 1.0 + 0.4 * part,
            azimuthal: 6.0 * part,
            redchisq: 1e-5 * (1.0 + part),
        }
    }

    fn particle(name: &str, tracks: usize) -> Particle {
        Particle { name: name.to_owned(), tracks: (0..tracks).map(track).collect() }
    }

    fn sheet(particles: &[Particle]) -> String {
        draw(&TracksSheet { runs: &[3, 4], particles, length: 1000.0, beam_radius: 25.0 })
    }

    #[test]
    fn each_particle_has_its_line_and_count() {
        let text = sheet(&[particle("2H", 40), particle("1H", 11)]);
        assert!(text.contains("51 tracks of runs 3 and 4"));
        assert!(text.contains("²H: 40 tracks") && text.contains("¹H: 11 tracks"));
        assert!(!text.contains("outside"));
        assert!(text.contains("#d55e00") && text.contains("#0072b2"));
    }

    #[test]
    fn values_that_fit_no_bin_are_counted() {
        let mut particles = [particle("2H", 40)];
        particles[0].tracks[0].redchisq = 0.0;
        particles[0].tracks[1].polar = f64::NAN;
        particles[0].tracks[2].vertex[2] = -30.0;
        assert_eq!(sheet(&particles).matches("1 outside").count(), 3);
    }

    #[test]
    fn no_tracks_make_empty_panels_with_a_word() {
        for particles in [vec![], vec![particle("2H", 0)]] {
            let text = sheet(&particles);
            assert_eq!(text.matches(">no tracks<").count(), 8);
            assert!(!text.contains("NaN"));
        }
        assert!(!sheet(&[particle("2H", 1)]).contains("NaN"));
    }
}
