//! Kinematics: energy against laboratory angle with the lines of the reaction, and the excitation
//! energy of the residual.

use crate::kernels::attpc::figure::words::{count, isotope, runs_of};
use crate::kernels::attpc::reaction::{LinePoint, Reaction};
use crate::kernels::attpc::stopping::Stopping;
use crate::kernels::figure::axes::{Axis, Frame, Titles};
use crate::kernels::figure::density::{self, Drawn};
use crate::kernels::figure::histogram::Histogram;
use crate::kernels::figure::legend::Legend;
use crate::kernels::figure::palette::{halo, mark};
use crate::kernels::figure::spread::{Spread, round_up, rounded};
use crate::kernels::figure::svg::{Anchor, LABEL, SMALL, Svg, TITLE};

/// Points of a kinematic line; at this number its corners cannot be seen.
const LINE_POINTS: usize = 361;
const BLUE: &str = "#7fa8c9";

/// A solved track as far as the picture needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolvedTrack {
    /// Laboratory angle, radians.
    pub polar: f64,
    /// Kinetic energy, MeV.
    pub energy: f64,
    /// Distance of the vertex from the window, metres.
    pub vertex_z: f64,
}

/// What is known of the energy that the beam loses on its way to a vertex.
#[derive(Clone, Copy, Debug)]
pub enum BeamLoss<'s> {
    /// Nothing: every reaction is taken to happen with the energy at the window.
    Unknown,
    /// MeV per metre.
    Constant(f64),
    /// The beam's stopping in the gas.
    Stopping(&'s Stopping),
}

/// The reaction, its beam and the states to mark.
#[derive(Clone, Debug)]
pub struct Beam<'s> {
    /// Isotopes: projectile, target, ejectile, residual.
    pub names: [&'s str; 4],
    pub reaction: Reaction,
    /// Kinetic energy at the window, MeV.
    pub energy: f64,
    pub loss: BeamLoss<'s>,
    /// Excitation energies of the residual to draw, MeV.
    pub states: &'s [f64],
}

impl Beam<'_> {
    /// The beam's energy at a distance from the window, MeV.
    fn energy_at(&self, vertex_z: f64) -> f64 {
        match self.loss {
            BeamLoss::Unknown => self.energy,
            BeamLoss::Constant(per_m) => (self.energy - per_m * vertex_z).max(0.0),
            BeamLoss::Stopping(stopping) => {
                let left = stopping.range_m(self.energy) - vertex_z;
                if left > 0.0 { stopping.ke_at_range(left) } else { 0.0 }
            }
        }
    }

    /// The residual's excitation energy for each track, MeV.
    pub fn excitations(&self, tracks: &[SolvedTrack]) -> Vec<f64> {
        let excitation = |track: &SolvedTrack| {
            let ejectile = LinePoint { polar: track.polar, energy: track.energy };
            self.reaction.excitation(self.energy_at(track.vertex_z), ejectile)
        };
        tracks.iter().map(excitation).collect()
    }

    fn title(&self) -> String {
        let [projectile, target, ejectile, residual] = self.names.map(isotope);
        format!("{target}({projectile}, {ejectile}){residual}")
    }
}

/// What the picture shows.
#[derive(Clone, Debug)]
pub struct KinematicsSheet<'s> {
    pub beam: Beam<'s>,
    pub runs: &'s [i64],
    pub tracks: &'s [SolvedTrack],
    /// Ends of the excitation energy spectrum, MeV, where they are given.
    pub excitation_range: Option<[f64; 2]>,
}

/// Draws the sheet.
pub fn draw(sheet: &KinematicsSheet<'_>) -> String {
    let mut svg = Svg::new(1170.0, 640.0);
    svg.text(
        [40.0, 38.0],
        &format!("Kinematics of {}", sheet.beam.title()),
        (TITLE, Anchor::Start),
    );
    svg.text([40.0, 64.0], &subtitle(sheet), (LABEL, Anchor::Start));
    draw_plane(&mut svg, sheet);
    draw_spectrum(&mut svg, sheet);
    svg.finish()
}

fn subtitle(sheet: &KinematicsSheet<'_>) -> String {
    let beam = &sheet.beam;
    let mut line = format!(
        "{} of {}  ·  Q = {} MeV  ·  beam {} MeV at the window",
        count(sheet.tracks.len(), "track"),
        runs_of(sheet.runs),
        signed(beam.reaction.q_value()),
        beam.energy,
    );
    line += &match beam.loss {
        BeamLoss::Unknown => ", its loss in the gas not counted".to_owned(),
        BeamLoss::Constant(per_m) => format!(", losing {per_m} MeV/m"),
        BeamLoss::Stopping(_) => ", stopped by the gas".to_owned(),
    };
    if density::kind(sheet.tracks.len()) == Drawn::Dots && !sheet.tracks.is_empty() {
        line += "  ·  each dot is one track";
    }
    line
}

/// A number with three decimals and a true minus sign.
fn signed(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    let sign = if rounded < 0.0 { "−" } else { "" };
    format!("{sign}{:.3}", rounded.abs())
}

/// Where along the beam the lines are drawn: the middle of the tracks' vertices.
fn middle_z(sheet: &KinematicsSheet<'_>) -> f64 {
    Spread::of(sheet.tracks.iter().map(|track| track.vertex_z)).quantile(0.5).unwrap_or(0.0)
}

fn draw_plane(svg: &mut Svg, sheet: &KinematicsSheet<'_>) {
    let points: Vec<[f64; 2]> =
        sheet.tracks.iter().map(|track| [track.polar.to_degrees(), track.energy]).collect();
    let beam_energy = sheet.beam.energy_at(middle_z(sheet));
    let line = |state: &f64| sheet.beam.reaction.line(beam_energy, *state, LINE_POINTS);
    let lines: Vec<Vec<[f64; 2]>> = sheet
        .beam
        .states
        .iter()
        .map(|state| line(state).iter().map(|p| [p.polar.to_degrees(), p.energy]).collect())
        .collect();
    let (ends, frame) = plane(&points, &lines);
    frame.draw(
        svg,
        Titles {
            heading: "Energy against angle",
            x: "laboratory polar angle (degrees)",
            y: &format!("energy of {} (MeV)", isotope(sheet.beam.names[2])),
        },
    );
    if points.is_empty() {
        frame.say_empty(svg, "no tracks");
    }
    let dots = density::kind(points.len()) == Drawn::Dots;
    if !dots {
        density::draw(svg, &frame, &points, "tracks");
    }
    let mut legend = Legend::new();
    for (at, (line, state)) in lines.iter().zip(sheet.beam.states).enumerate() {
        let places: Vec<[f64; 2]> = line.iter().map(|point| frame.at(*point)).collect();
        frame.clipped(svg, |svg| {
            if !dots {
                svg.path(&places, &halo(4.2));
            }
            svg.path(&places, &mark(at).line(2.0));
        });
        let missing = if line.is_empty() { ", beyond the beam's energy" } else { "" };
        legend.add(mark(at), format!("Eₓ = {state} MeV{missing}"));
    }
    // Dots lie over the lines, because each of them is a measurement.
    if dots {
        density::draw(svg, &frame, &points, "tracks");
    }
    legend.draw_row(svg, [40.0, 92.0], 1130.0);
    write_plane_notes(svg, &frame, (&points, ends, beam_energy));
}

type PlaneFacts<'f> = (&'f [[f64; 2]], [[f64; 2]; 2], f64);

fn write_plane_notes(svg: &mut Svg, frame: &Frame, (points, ends, beam_energy): PlaneFacts<'_>) {
    let shown = |[x, y]: &&[f64; 2]| {
        (ends[0][0]..=ends[0][1]).contains(x) && (ends[1][0]..=ends[1][1]).contains(y)
    };
    let outside = points.len() - points.iter().filter(shown).count();
    let mut note = format!("lines for a beam of {beam_energy:.1} MeV, at the median vertex");
    if outside > 0 {
        note += &format!("; {} outside", count(outside, "track"));
    }
    svg.text([frame.end()[0], frame.end()[1] + 56.0], &note, (SMALL, Anchor::End));
}

/// Axes that hold the tracks but for far outliers, and where there are none, the lines.
fn plane(points: &[[f64; 2]], lines: &[Vec<[f64; 2]>]) -> ([[f64; 2]; 2], Frame) {
    let ends = [0, 1].map(|along| {
        let of_lines = || lines.iter().flatten().map(|point| point[along]);
        let data = Spread::of(points.iter().map(|point| point[along])).range();
        let [low, high] = data.or_else(|| Spread::of(of_lines()).range()).unwrap_or([0.0, 1.0]);
        let margin = 0.06 * (high - low);
        let from = if along == 1 && low < 0.4 * high { 0.0 } else { (low - margin).max(0.0) };
        let to = high + margin;
        rounded([from, if along == 0 { to.min(180.0) } else { to }])
    });
    let [x, y] = ends.map(|[from, to]| Axis::linear(from, to));
    (ends, Frame { corner: [85.0, 140.0], size: [490.0, 420.0], x, y })
}

fn draw_spectrum(svg: &mut Svg, sheet: &KinematicsSheet<'_>) {
    let values = Spread::of(sheet.beam.excitations(sheet.tracks));
    let found = || {
        let [low, high] = values.range()?;
        let margin = 0.08 * (high - low);
        // States that are marked belong to the picture where they are not far from the data.
        let near = |state: &&f64| (low - 3.0..=high + 3.0).contains(*state);
        let states = || sheet.beam.states.iter().filter(near);
        let from = states().fold(low - margin, |least, state| least.min(state - 0.5));
        let to = states().fold(high + margin, |most, state| most.max(state + 0.5));
        Some(rounded([from, to]))
    };
    let ends = sheet.excitation_range.or_else(found).unwrap_or([-2.0, 8.0]);
    let bins = ((2.2 * (values.count() as f64).sqrt()) as usize).clamp(24, 120);
    let mut histogram = Histogram::linear(ends[0], ends[1], bins);
    values.each().for_each(|value| histogram.add(value));
    let most = histogram.counts().iter().copied().max().unwrap_or(0) as f64;
    let top = round_up((1.25 * most).max(4.0));
    let (x, y) = (Axis::linear(ends[0], ends[1]), Axis::linear(0.0, top));
    let frame = Frame { corner: [790.0, 140.0], size: [340.0, 420.0], x, y };
    let width = (ends[1] - ends[0]) / bins as f64;
    frame.draw(
        svg,
        Titles {
            heading: "Excitation energy of the residual",
            x: &format!("excitation energy of {} (MeV)", isotope(sheet.beam.names[3])),
            y: &format!("tracks in {:.0} keV", 1000.0 * width),
        },
    );
    if values.count() == 0 {
        frame.say_empty(svg, "no tracks");
    }
    frame.steps(svg, &histogram.bins(), BLUE);
    for (at, state) in sheet.beam.states.iter().enumerate() {
        let ends = [frame.at([*state, 0.0]), frame.at([*state, top])];
        frame.clipped(svg, |svg| svg.path(&ends, &mark(at).line(1.8)));
    }
    let remarks = spectrum_remarks(&values, &histogram).join("  ·  ");
    svg.text([frame.end()[0], frame.end()[1] + 56.0], &remarks, (SMALL, Anchor::End));
}

fn spectrum_remarks(values: &Spread, histogram: &Histogram) -> Vec<String> {
    let quantile = |share: f64| values.quantile(share).unwrap_or(0.0);
    let mut remarks = Vec::new();
    if values.count() > 0 {
        remarks.push(format!("median {} MeV", signed(quantile(0.5))));
    }
    if values.count() > 4 {
        let half = 0.5 * (quantile(0.84) - quantile(0.16));
        remarks.push(format!("68 % within ±{half:.3} MeV"));
    }
    let [below, above] = histogram.outside();
    if below + above > 0 {
        remarks.push(format!("{} outside", below + above));
    }
    if values.strange() > 0 {
        remarks.push(format!("{} fit no residual", values.strange()));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beam(states: &[f64]) -> Beam<'_> {
        let reaction = Reaction {
            projectile: 14_914.531_5,
            target: 1_875.612_945,
            ejectile: 1_875.612_945,
            residual: 14_914.531_5,
        };
        let names = ["16C", "2H", "2H", "16C"];
        Beam { names, reaction, energy: 184.131, loss: BeamLoss::Constant(11.09), states }
    }

    fn tracks_on_the_line() -> Vec<SolvedTrack> {
        let beam = beam(&[]);
        let track = |at: usize| {
            let vertex_z = 0.1 + 0.008 * at as f64;
            let energy = beam.energy_at(vertex_z);
            let point = beam.reaction.line(energy, 0.0, 400)[200 + at];
            SolvedTrack { polar: point.polar, energy: point.energy, vertex_z }
        };
        (0..100).map(track).collect()
    }

    #[test]
    fn tracks_on_the_line_have_no_excitation_when_the_beam_slows_down() {
        let tracks = tracks_on_the_line();
        let excitations = beam(&[]).excitations(&tracks);
        assert!(excitations.iter().all(|excitation| excitation.abs() < 1e-6));
        let text = draw(&KinematicsSheet {
            beam: beam(&[0.0, 1.766, 400.0]),
            runs: &[1],
            tracks: &tracks,
            excitation_range: None,
        });
        assert!(text.contains("²H(¹⁶C, ²H)¹⁶C"));
        assert!(text.contains("Q = 0.000 MeV") && text.contains("losing 11.09 MeV/m"));
        assert!(text.contains("Eₓ = 400 MeV, beyond the beam's energy"));
        assert!(text.contains("median 0.000 MeV"), "{text}");
    }

    #[test]
    fn no_tracks_still_show_the_line() {
        let sheet =
            KinematicsSheet { beam: beam(&[0.0]), runs: &[], tracks: &[], excitation_range: None };
        let text = draw(&sheet);
        assert!(text.contains(">no tracks<") && text.contains("Eₓ = 0 MeV"));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn values_that_are_not_numbers_are_counted() {
        let strange = SolvedTrack { polar: f64::NAN, energy: 3.0, vertex_z: 0.2 };
        let tracks = [tracks_on_the_line()[3], strange];
        let text = draw(&KinematicsSheet {
            beam: beam(&[0.0]),
            runs: &[1],
            tracks: &tracks,
            excitation_range: Some([-2.0, 2.0]),
        });
        assert!(text.contains("1 track outside") && text.contains("1 fit no residual"));
    }
}
