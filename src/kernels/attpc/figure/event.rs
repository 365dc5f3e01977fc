//! One event: the pad plane, two side views along the drift, and a view in three dimensions.

use std::collections::BTreeMap;

use crate::kernels::attpc::figure::{BEAM_LINE, Hit, IonChamber, Volume, pad_tile, plane_frame};
use crate::kernels::figure::axes::{Axis, Frame, Titles, colour_bar, thousands};
use crate::kernels::figure::colour::{LEVELS, LogScale, colour};
use crate::kernels::figure::svg::{Anchor, GREY, HEADING, LABEL, PALE, SMALL, Svg, TITLE};

/// What is drawn and written on an event's sheet.
#[derive(Clone, Copy, Debug)]
pub struct EventSheet<'e> {
    pub run: i64,
    pub event: i64,
    pub hits: &'e [Hit],
    pub ion_chamber: Option<IonChamber>,
    pub volume: Volume,
}

/// Diameter of a point outside the pad plane view, pixels.
const DOT_PX: f64 = 3.2;
/// Draws an event.
pub fn draw(sheet: &EventSheet<'_>) -> String {
    let mut svg = Svg::new(1240.0, 985.0);
    write_titles(&mut svg, sheet);
    let pads = charge_of_pads(sheet.hits);
    let scale = charge_scale(&pads);
    draw_pad_plane(&mut svg, sheet, (&pads, scale));
    draw_space(&mut svg, sheet, scale);
    draw_side(&mut svg, (sheet, 0), ([85.0, 655.0], scale));
    draw_side(&mut svg, (sheet, 1), ([655.0, 655.0], scale));
    colour_bar(&mut svg, ([1130.0, 115.0], [20.0, 440.0]), scale, "charge (ADC × time bucket)");
    svg.finish()
}

fn write_titles(svg: &mut Svg, sheet: &EventSheet<'_>) {
    let title = format!("AT-TPC run {}, event {}", sheet.run, sheet.event);
    svg.text([40.0, 38.0], &title, (TITLE, Anchor::Start));
    let pads = charge_of_pads(sheet.hits).len();
    let count = |number: usize, one: &str| {
        format!("{} {one}{}", thousands(&number.to_string()), if number == 1 { "" } else { "s" })
    };
    let chamber = match sheet.ion_chamber {
        Some(chamber) => format!(
            "ion chamber {:.0} ADC, multiplicity {}",
            chamber.amplitude, chamber.multiplicity
        ),
        None => "no good ion chamber pulse".to_owned(),
    };
    let (points, pads) = (count(sheet.hits.len(), "point"), count(pads, "pad"));
    let line = format!("{points} on {pads}  ·  {chamber}");
    svg.text([40.0, 62.0], &line, (LABEL, Anchor::Start));
    let outside = sheet.hits.iter().filter(|hit| !sheet.volume.holds(hit.position)).count();
    if outside > 0 {
        let remark = format!("{} outside the drawn volume", count(outside, "point"));
        svg.text([1200.0, 62.0], &remark, (SMALL, Anchor::End));
    }
}

/// What a pad collected over all its points.
struct PadCharge {
    place: [f64; 2],
    scale: f64,
    charge: f64,
}

fn charge_of_pads(hits: &[Hit]) -> Vec<PadCharge> {
    let mut pads: BTreeMap<u32, PadCharge> = BTreeMap::new();
    for hit in hits {
        let [x, y, _] = hit.position;
        let fresh = PadCharge { place: [x, y], scale: hit.scale, charge: 0.0 };
        pads.entry(hit.pad).or_insert(fresh).charge += hit.charge;
    }
    pads.into_values().collect()
}

/// A scale over the charges, without the outermost half percent: a single hot pad would otherwise
/// take the colours from all others.
fn charge_scale(pads: &[PadCharge]) -> LogScale {
    let mut charges: Vec<f64> =
        pads.iter().map(|pad| pad.charge).filter(|charge| *charge > 0.0).collect();
    charges.sort_by(f64::total_cmp);
    let skip = charges.len() / 200;
    match (charges.get(skip), charges.iter().rev().nth(skip)) {
        (Some(low), Some(high)) => LogScale::new(*low, *high),
        _ => LogScale::new(100.0, 10_000.0),
    }
}

/// Draws places in the order of their levels, so that much charge lies on top.
fn draw_levels(svg: &mut Svg, places: &[([f64; 2], usize)], diameter: f64) {
    for level in 0..LEVELS {
        let here: Vec<[f64; 2]> =
            places.iter().filter(|(_, its)| *its == level).map(|(place, _)| *place).collect();
        svg.dots(&here, diameter, &colour(level));
    }
}

fn draw_pad_plane(svg: &mut Svg, sheet: &EventSheet<'_>, colours: (&[PadCharge], LogScale)) {
    let (pads, scale) = colours;
    let reach = sheet.volume.radius;
    let frame = plane_frame(reach, [85.0, 115.0], 440.0);
    let heading = "Pad plane: charge of each pad";
    frame.draw(svg, Titles { heading, x: "x (mm)", y: "y (mm)" });
    let pixels_per_mm = frame.at([1.0, 0.0])[0] - frame.at([0.0, 0.0])[0];
    let centre = frame.at([0.0, 0.0]);
    svg.circle(
        centre,
        reach * pixels_per_mm,
        &format!("fill=\"none\" stroke=\"{GREY}\" stroke-width=\"0.8\""),
    );
    for size in [1.0, 0.5] {
        let tile = pad_tile(size, pixels_per_mm);
        for level in 0..LEVELS {
            let alike = |pad: &&PadCharge| {
                (pad.scale == 1.0) == (size == 1.0) && scale.level(pad.charge) == level
            };
            let here: Vec<[f64; 2]> =
                pads.iter().filter(alike).map(|pad| frame.at(pad.place)).collect();
            svg.tiles(&here, tile, &colour(level));
        }
    }
    svg.circle(centre, sheet.volume.beam_radius * pixels_per_mm, BEAM_LINE);
    let [right, above] = [frame.end()[0], frame.corner[1] - 9.0];
    let text = format!("beam region, r = {} mm", sheet.volume.beam_radius);
    svg.text([right, above], &text, (SMALL, Anchor::End));
    svg.line([right - 178.0, above - 4.0], [right - 156.0, above - 4.0], BEAM_LINE);
}

/// Draws x (axis 0) or y (axis 1) over z.
fn draw_side(svg: &mut Svg, view: (&EventSheet<'_>, usize), place: ([f64; 2], LogScale)) {
    let ((sheet, axis), (corner, scale)) = (view, place);
    let Volume { length, radius, beam_radius } = sheet.volume;
    let width = 480.0;
    // Millimetres are equally long in both directions, because a track's angle is what one reads.
    let frame = Frame {
        corner,
        size: [width, width * 2.0 * radius / length],
        x: Axis::linear(0.0, length),
        y: Axis::linear(-radius, radius),
    };
    let (heading, name) = match axis {
        0 => ("Side view: x along the drift", "x (mm)"),
        _ => ("Side view: y along the drift", "y (mm)"),
    };
    frame.draw(svg, Titles { heading, x: "z (mm), window at 0, pad plane at the right", y: name });
    for edge in [-beam_radius, beam_radius] {
        svg.line(frame.at([0.0, edge]), frame.at([length, edge]), BEAM_LINE);
    }
    let places: Vec<([f64; 2], usize)> = sheet
        .hits
        .iter()
        .map(|hit| (frame.at([hit.position[2], hit.position[axis]]), scale.level(hit.charge)))
        .collect();
    let [from, to] = [frame.corner, frame.end()];
    svg.clipped(from, to, |svg| draw_levels(svg, &places, DOT_PX));
}

/// A parallel projection: the drift runs to the right, tilted towards the viewer.
struct Projection {
    centre: [f64; 2],
    pixels_per_mm: f64,
    middle_z: f64,
}

/// Turn about the vertical and tilt of the camera, radians (34 and 22 degrees).
const TURN: f64 = 0.593;
const TILT: f64 = 0.384;

impl Projection {
    fn at(&self, position: [f64; 3]) -> [f64; 2] {
        let [x, y, z] = [position[0], position[1], position[2] - self.middle_z];
        let across = TURN.cos() * z + TURN.sin() * x;
        let away = TURN.sin() * z - TURN.cos() * x;
        let up = TILT.cos() * y + TILT.sin() * away;
        [self.centre[0] + self.pixels_per_mm * across, self.centre[1] - self.pixels_per_mm * up]
    }

    fn ring(&self, radius: f64, z: f64) -> Vec<[f64; 2]> {
        (0..=72)
            .map(|step| f64::from(step) * std::f64::consts::TAU / 72.0)
            .map(|angle| self.at([radius * angle.cos(), radius * angle.sin(), z]))
            .collect()
    }
}

fn draw_space(svg: &mut Svg, sheet: &EventSheet<'_>, scale: LogScale) {
    let Volume { length, radius, .. } = sheet.volume;
    let reach = length * TURN.cos() + 2.0 * radius * TURN.sin();
    let view =
        Projection { centre: [836.0, 340.0], pixels_per_mm: 500.0 / reach, middle_z: length / 2.0 };
    svg.text([600.0, 106.0], "Three-dimensional view", (HEADING, Anchor::Start));
    draw_vessel(svg, &view, sheet.volume);
    let places: Vec<([f64; 2], usize)> = sheet
        .hits
        .iter()
        .filter(|hit| sheet.volume.holds(hit.position))
        .map(|hit| (view.at(hit.position), scale.level(hit.charge)))
        .collect();
    draw_levels(svg, &places, DOT_PX);
    draw_directions(svg, &view);
}

fn draw_vessel(svg: &mut Svg, view: &Projection, volume: Volume) {
    let Volume { length, radius, .. } = volume;
    let outline = format!("stroke=\"{GREY}\" stroke-width=\"1\" fill=\"none\"");
    let faint = format!("stroke=\"{PALE}\" stroke-width=\"0.8\" fill=\"none\"");
    for step in 0..12 {
        let angle = f64::from(step) * std::f64::consts::TAU / 12.0;
        let [x, y] = [radius * angle.cos(), radius * angle.sin()];
        svg.line(view.at([x, y, 0.0]), view.at([x, y, length]), &faint);
    }
    svg.path(&view.ring(radius, length / 2.0), &faint);
    svg.path(&view.ring(radius, 0.0), &outline);
    svg.path(&view.ring(radius, length), &outline);
    svg.line(view.at([0.0, 0.0, 0.0]), view.at([0.0, 0.0, length]), BEAM_LINE);
    let below = |z: f64| {
        let lowest = view.ring(radius, z).into_iter().max_by(|a, b| a[1].total_cmp(&b[1]));
        lowest.unwrap_or([0.0, 0.0])
    };
    let ([x, y], [far_x, far_y]) = (below(0.0), below(length));
    svg.text([x, y + 20.0], "window, z = 0", (SMALL, Anchor::Middle));
    let text = format!("pad plane, z = {length} mm");
    svg.text([far_x, far_y + 20.0], &text, (SMALL, Anchor::Middle));
}

/// Draws the directions of the axes, 100 mm long, beside the vessel.
fn draw_directions(svg: &mut Svg, view: &Projection) {
    let origin = [1010.0, 500.0];
    let zero = view.at([0.0, 0.0, 0.0]);
    let style = format!("stroke=\"{GREY}\" stroke-width=\"1.4\" fill=\"none\"");
    let names = ["x", "y", "z, beam"];
    for (axis, name) in names.into_iter().enumerate() {
        let mut tip = [0.0; 3];
        tip[axis] = 100.0;
        let tip = view.at(tip);
        let step = [tip[0] - zero[0], tip[1] - zero[1]];
        let end = [origin[0] + step[0], origin[1] + step[1]];
        svg.line(origin, end, &style);
        let (dx, anchor) = if axis == 2 { (6.0, Anchor::Start) } else { (0.0, Anchor::Middle) };
        let dy = if step[1] > 1.0 { 14.0 } else { -5.0 };
        let dy = if axis == 2 { 4.0 } else { dy };
        svg.text([end[0] + dx, end[1] + dy], name, (SMALL, anchor));
    }
    svg.text([origin[0], origin[1] + 42.0], "axes: 100 mm", (SMALL, Anchor::Middle));
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: Volume = Volume { length: 1000.0, radius: 280.0, beam_radius: 25.0 };

    fn sheet(hits: &[Hit]) -> EventSheet<'_> {
        let ion_chamber = Some(IonChamber { amplitude: 1060.0, multiplicity: 1 });
        EventSheet { run: 104, event: 17, hits, ion_chamber, volume: VOLUME }
    }

    fn hit(pad: u32, charge: f64, z: f64) -> Hit {
        Hit { position: [40.0, 10.0, z], amplitude: 100.0, charge, pad, scale: 0.5 }
    }

    #[test]
    fn a_pad_with_two_points_shows_their_sum() {
        let pads = charge_of_pads(&[hit(7, 100.0, 10.0), hit(7, 50.0, 90.0), hit(8, 1.0, 3.0)]);
        assert_eq!(pads.iter().map(|pad| pad.charge).collect::<Vec<_>>(), [150.0, 1.0]);
    }

    #[test]
    fn the_sheet_names_run_event_and_points_outside() {
        let hits = [hit(7, 100.0, 10.0), hit(8, 900.0, 1200.0)];
        let text = draw(&sheet(&hits));
        assert!(text.contains("AT-TPC run 104, event 17"));
        assert!(text.contains("2 points on 2 pads"));
        assert!(text.contains("ion chamber 1060 ADC, multiplicity 1"));
        assert!(text.contains("1 point outside the drawn volume"));
        assert_eq!(text, draw(&sheet(&hits)));
    }

    #[test]
    fn an_event_without_points_still_has_its_sheet() {
        let text = draw(&sheet(&[]));
        assert!(text.contains("0 points on 0 pads"));
        assert!(!text.contains("NaN"));
    }
}
