//! A run, or several, at a glance: occupancy of the pad plane, spectra, and the course of the run.

use std::collections::BTreeMap;

use crate::kernels::attpc::figure::{BEAM_LINE, Hit, IonChamber, Volume, pad_tile, plane_frame};
use crate::kernels::figure::axes::{Axis, Frame, Titles, colour_bar, thousands};
use crate::kernels::figure::colour::{LEVELS, LogScale, colour};
use crate::kernels::figure::histogram::Histogram;
use crate::kernels::figure::spread::round_up;
use crate::kernels::figure::svg::{Anchor, GREY, LABEL, SMALL, Svg, TITLE};

/// Charges that the spectrum spans, ADC x time bucket, at twelve bins a decade.
const CHARGE_RANGE: [f64; 2] = [10.0, 1e7];
/// Largest amplitude of a 12-bit converter, ADC.
const FULL_SCALE_ADC: f64 = 4096.0;
/// Points in the course of the run; a line with more of them reads no better.
const COURSE_POINTS: usize = 60;
const BLUE: &str = "#7fa8c9";
const SAND: &str = "#d9b26f";

struct Pad {
    place: [f64; 2],
    scale: f64,
    hits: u64,
}

struct EventCounts {
    run: i64,
    points: usize,
    chamber: Option<f64>,
}

/// What a picture of runs needs, gathered event by event. Memory grows by a few bytes for each
/// event and never with its points.
pub struct RunSheet {
    volume: Volume,
    events: Vec<EventCounts>,
    pads: BTreeMap<u32, Pad>,
    charge: Histogram,
    amplitude: Histogram,
    drift: Histogram,
}

impl RunSheet {
    /// An empty sheet.
    pub fn new(volume: Volume) -> Self {
        let [low, high] = CHARGE_RANGE;
        RunSheet {
            volume,
            events: Vec::new(),
            pads: BTreeMap::new(),
            charge: Histogram::logarithmic(low, high, 72),
            amplitude: Histogram::linear(0.0, FULL_SCALE_ADC, 64),
            drift: Histogram::linear(-0.1 * volume.length, 1.1 * volume.length, 60),
        }
    }

    /// Takes in an event. Events come in the order of the run.
    pub fn add(&mut self, run: i64, hits: &[Hit], ion_chamber: Option<IonChamber>) {
        let chamber = ion_chamber.map(|chamber| chamber.amplitude);
        self.events.push(EventCounts { run, points: hits.len(), chamber });
        for hit in hits {
            let [x, y, z] = hit.position;
            let fresh = Pad { place: [x, y], scale: hit.scale, hits: 0 };
            self.pads.entry(hit.pad).or_insert(fresh).hits += 1;
            self.charge.add(hit.charge);
            self.amplitude.add(hit.amplitude);
            self.drift.add(z);
        }
    }

    /// The number of points taken in.
    pub fn points(&self) -> usize {
        self.events.iter().map(|event| event.points).sum()
    }

    /// The number of events taken in.
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// The runs taken in, in the order they came.
    fn runs(&self) -> Vec<i64> {
        let mut runs: Vec<i64> = self.events.iter().map(|event| event.run).collect();
        runs.dedup();
        runs
    }

    /// Draws the sheet.
    pub fn draw(&self) -> String {
        let mut svg = Svg::new(1500.0, 1000.0);
        self.write_titles(&mut svg);
        self.draw_occupancy(&mut svg);
        self.draw_spectra(&mut svg);
        self.draw_course(&mut svg);
        svg.finish()
    }

    fn write_titles(&self, svg: &mut Svg) {
        let runs = self.runs();
        let title = match runs[..] {
            [] => "AT-TPC, no events".to_owned(),
            [run] => format!("AT-TPC run {run}"),
            [first, .., last] if runs.len() > 8 => {
                format!("AT-TPC runs {first} to {last} ({} runs)", runs.len())
            }
            _ => {
                let names: Vec<String> = runs.iter().map(i64::to_string).collect();
                format!("AT-TPC runs {}", names.join(", "))
            }
        };
        svg.text([40.0, 38.0], &title, (TITLE, Anchor::Start));
        let good = self.events.iter().filter(|event| event.chamber.is_some()).count();
        let events = self.events.len();
        let line = format!(
            "{} events  ·  {} points  ·  {:.1} points per event  ·  {} with a good ion chamber pulse \
             ({:.0} %)",
            thousands(&events.to_string()),
            thousands(&self.points().to_string()),
            ratio(self.points(), events),
            thousands(&good.to_string()),
            100.0 * ratio(good, events),
        );
        svg.text([40.0, 62.0], &line, (LABEL, Anchor::Start));
    }

    fn draw_occupancy(&self, svg: &mut Svg) {
        let reach = self.volume.radius;
        let frame = plane_frame(reach, [85.0, 115.0], 510.0);
        let heading = "Points on each pad";
        frame.draw(svg, Titles { heading, x: "x (mm)", y: "y (mm)" });
        let pixels_per_mm = frame.at([1.0, 0.0])[0] - frame.at([0.0, 0.0])[0];
        let outline = format!("fill=\"none\" stroke=\"{GREY}\" stroke-width=\"0.8\"");
        svg.circle(frame.at([0.0, 0.0]), reach * pixels_per_mm, &outline);
        let most = self.pads.values().map(|pad| pad.hits).max().unwrap_or(1);
        let scale = LogScale::new(1.0, most as f64);
        for size in [1.0, 0.5] {
            let tile = pad_tile(size, pixels_per_mm);
            for level in 0..LEVELS {
                let alike = |pad: &&Pad| {
                    (pad.scale == 1.0) == (size == 1.0) && scale.level(pad.hits as f64) == level
                };
                let here: Vec<[f64; 2]> =
                    self.pads.values().filter(alike).map(|pad| frame.at(pad.place)).collect();
                svg.tiles(&here, tile, &colour(level));
            }
        }
        svg.circle(frame.at([0.0, 0.0]), self.volume.beam_radius * pixels_per_mm, BEAM_LINE);
        colour_bar(svg, ([615.0, 115.0], [18.0, 510.0]), scale, "points on the pad");
        let text = format!("{} pads hit", thousands(&self.pads.len().to_string()));
        svg.text([frame.end()[0] - 8.0, frame.end()[1] - 10.0], &text, (SMALL, Anchor::End));
    }

    fn draw_spectra(&self, svg: &mut Svg) {
        let most = self.events.iter().map(|event| event.points).max().unwrap_or(0);
        let mut sizes = Histogram::linear(0.0, round_up(most as f64), 50);
        self.events.iter().for_each(|event| sizes.add(event.points as f64));
        let busiest = self.pads.values().map(|pad| pad.hits).max().unwrap_or(0).max(9);
        let bins = (busiest as usize + 1).min(50);
        let mut pads = Histogram::linear(0.5, busiest as f64 + 0.5, bins.min(busiest as usize));
        self.pads.values().for_each(|pad| pads.add(pad.hits as f64));
        let highest = self.events.iter().filter_map(|event| event.chamber).fold(0.0, f64::max);
        let mut chamber = Histogram::linear(0.0, round_up(highest), 50);
        self.events.iter().filter_map(|event| event.chamber).for_each(|height| chamber.add(height));

        spectrum(
            svg,
            ([795.0, 115.0], &sizes),
            Spectrum::of("Points per event", "points", "events"),
        );
        spectrum(
            svg,
            ([1040.0, 115.0], &pads),
            Spectrum { log_y: true, ..Spectrum::of("Points per pad", "points", "pads") },
        );
        spectrum(
            svg,
            ([1285.0, 115.0], &chamber),
            Spectrum { fill: SAND, ..Spectrum::of("Ion chamber", "amplitude (ADC)", "events") },
        );
        spectrum(
            svg,
            ([795.0, 425.0], &self.charge),
            Spectrum {
                log_x: true,
                log_y: true,
                ..Spectrum::of("Charge of a point", "charge (ADC × time bucket)", "points")
            },
        );
        spectrum(
            svg,
            ([1040.0, 425.0], &self.amplitude),
            Spectrum {
                log_y: true,
                ..Spectrum::of("Amplitude of a point", "amplitude (ADC)", "points")
            },
        );
        spectrum(
            svg,
            ([1285.0, 425.0], &self.drift),
            Spectrum::of("Drift coordinate", "z (mm)", "points"),
        );
    }

    /// Draws points per event and the share of good ion chamber pulses over the course of the run.
    fn draw_course(&self, svg: &mut Svg) {
        let blocks = self.blocks();
        let most = blocks.iter().map(|block| block.points_per_event).fold(0.0, f64::max);
        let across = Axis::linear(0.0, self.events.len() as f64);
        let points = Frame {
            corner: [85.0, 725.0],
            size: [1385.0, 80.0],
            x: across,
            y: Axis::linear(0.0, round_up(most)),
        };
        let heading = match self.events_in_block() {
            1 => "Course of the run, event by event".to_owned(),
            each => format!("Course of the run, averages over {each} events"),
        };
        points.draw(svg, Titles { heading: &heading, x: "", y: "points" });
        let heights: Vec<_> =
            blocks.iter().map(|block| (block.ends, block.points_per_event)).collect();
        points.steps(svg, &heights, BLUE);
        let good = Frame {
            corner: [85.0, 855.0],
            size: [1385.0, 80.0],
            y: Axis::linear(0.0, 100.0),
            ..points
        };
        let heading = "Events with a good ion chamber pulse";
        good.draw(svg, Titles { heading, x: "events in the order they were taken", y: "%" });
        let shares: Vec<_> = blocks.iter().map(|block| (block.ends, block.good_percent)).collect();
        good.steps(svg, &shares, SAND);
        self.mark_runs(svg, &points);
    }

    /// Marks where one run ends and the next begins.
    fn mark_runs(&self, svg: &mut Svg, frame: &Frame) {
        if self.runs().len() < 2 {
            return;
        }
        let style = format!("stroke=\"{GREY}\" stroke-width=\"1\" stroke-dasharray=\"4 3\"");
        let bottom = frame.end()[1] + 130.0;
        let mut free_from = 0.0;
        for (at, event) in self.events.iter().enumerate() {
            if at > 0 && self.events[at - 1].run == event.run {
                continue;
            }
            let [x, _] = frame.at([at as f64, 0.0]);
            if at > 0 {
                svg.line([x, frame.corner[1]], [x, bottom], &style);
            }
            // Names of short runs would overlap; the line alone marks those.
            if x >= free_from {
                let name = format!("run {}", event.run);
                svg.text([x + 5.0, frame.corner[1] + 14.0], &name, (SMALL, Anchor::Start));
                free_from = x + 70.0;
            }
        }
    }

    /// Averages over neighbouring events of one run.
    fn blocks(&self) -> Vec<Block> {
        let each = self.events_in_block();
        let mut from = 0.0;
        let mut blocks = Vec::new();
        for run in self.events.chunk_by(|a, b| a.run == b.run) {
            for events in run.chunks(each) {
                let points = events.iter().map(|event| event.points).sum();
                let good = events.iter().filter(|event| event.chamber.is_some()).count();
                let to = from + events.len() as f64;
                blocks.push(Block {
                    ends: [from, to],
                    points_per_event: ratio(points, events.len()),
                    good_percent: 100.0 * ratio(good, events.len()),
                });
                from = to;
            }
        }
        blocks
    }

    fn events_in_block(&self) -> usize {
        self.events.len().div_ceil(COURSE_POINTS).max(1)
    }
}

/// Averages over neighbouring events.
struct Block {
    ends: [f64; 2],
    points_per_event: f64,
    good_percent: f64,
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// How a spectrum is shown.
#[derive(Clone, Copy)]
struct Spectrum {
    heading: &'static str,
    x: &'static str,
    y: &'static str,
    log_x: bool,
    log_y: bool,
    fill: &'static str,
}

impl Spectrum {
    fn of(heading: &'static str, x: &'static str, y: &'static str) -> Self {
        Spectrum { heading, x, y, log_x: false, log_y: false, fill: BLUE }
    }
}

fn spectrum(svg: &mut Svg, place: ([f64; 2], &Histogram), style: Spectrum) {
    let (corner, histogram) = place;
    let [from, to] = [histogram.edge(0), histogram.edge(histogram.counts().len())];
    let x = match style.log_x {
        true => {
            let [low, high] = histogram.filled();
            Axis::logarithmic(low, high)
        }
        false => Axis::linear(from, to),
    };
    let most = histogram.counts().iter().copied().max().unwrap_or(0) as f64;
    let y = match style.log_y {
        // Half a count is the floor, so that a single count still shows.
        true => Axis::logarithmic(0.5, (2.0 * most).max(10.0)),
        false => Axis::linear(0.0, round_up((1.05 * most).max(4.0))),
    };
    let frame = Frame { corner, size: [178.0, 200.0], x, y };
    frame.draw(svg, Titles { heading: style.heading, x: style.x, y: style.y });
    let bins: Vec<([f64; 2], f64)> = histogram
        .counts()
        .iter()
        .enumerate()
        .map(|(bin, count)| ([histogram.edge(bin), histogram.edge(bin + 1)], *count as f64))
        .collect();
    frame.steps(svg, &bins, style.fill);
    let [below, above] = histogram.outside();
    if below + above > 0 {
        frame.remark(svg, &[format!("{} outside", below + above)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: Volume = Volume { length: 1000.0, radius: 280.0, beam_radius: 25.0 };

    fn filled(runs: &[i64]) -> RunSheet {
        let mut sheet = RunSheet::new(VOLUME);
        for (at, run) in runs.iter().enumerate() {
            let hits: Vec<Hit> = (0..10 + at as u32)
                .map(|pad| Hit {
                    position: [f64::from(pad), 5.0, 400.0],
                    amplitude: 150.0,
                    charge: 900.0,
                    pad,
                    scale: 1.0,
                })
                .collect();
            sheet.add(
                *run,
                &hits,
                (at % 2 == 0).then_some(IonChamber { amplitude: 1000.0, multiplicity: 1 }),
            );
        }
        sheet
    }

    #[test]
    fn the_sheet_counts_events_points_and_good_pulses() {
        let text = filled(&[104; 4]).draw();
        assert!(text.contains("AT-TPC run 104"));
        assert!(
            text.contains("4 events  ·  46 points  ·  11.5 points per event  ·  2 with a good")
        );
        assert!(text.contains("13 pads hit"));
    }

    #[test]
    fn several_runs_are_named_and_marked() {
        let text = filled(&[101, 101, 102, 104]).draw();
        assert!(text.contains("AT-TPC runs 101, 102, 104"));
        assert!(text.contains(">run 102<"));
    }

    #[test]
    fn no_events_make_an_empty_sheet() {
        let text = RunSheet::new(VOLUME).draw();
        assert!(text.contains("AT-TPC, no events"));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn many_events_are_averaged_into_few_blocks() {
        let sheet = filled(&[7; 130]);
        assert_eq!(sheet.blocks().len(), 44);
        assert_eq!(sheet.blocks()[43].ends, [129.0, 130.0]);
    }
}
