//! Rates run by run: how much each phase made of each run, the scalers, and the ion chamber.

use crate::kernels::attpc::figure::words::{count, runs_of};
use crate::kernels::figure::axes::{Axis, Frame, Titles, thousands};
use crate::kernels::figure::histogram::Histogram;
use crate::kernels::figure::legend::Legend;
use crate::kernels::figure::palette::{Mark, mark};
use crate::kernels::figure::spread::{Spread, round_up};
use crate::kernels::figure::svg::{Anchor, HEADING, LABEL, SMALL, Svg, TITLE};

const SAND: &str = "#d9b26f";
/// Up to this many runs each has a dot on its line; with more, lines alone read better.
const DOTTED: usize = 60;
/// Widths of lines in pixels.
const THIN: f64 = 1.6;
const WIDE: f64 = 5.0;
/// How the names of stages begin whose lines are wide.
const SELECTED: &str = "selected";

/// What is known of one run. A count is absent where no file of that phase was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRates {
    pub run: i64,
    /// In the order of [`RatesSheet::stages`].
    pub counts: Vec<Option<u64>>,
    /// Clouds with a good ion chamber pulse.
    pub good_pulses: u64,
    /// Ion chamber pulses of the downscaled trigger, as phase 1 counted them.
    pub gated_ic: Option<u64>,
    pub scalers: Option<ScalerSums>,
}

impl RunRates {
    /// The count of a stage, where it is known.
    pub fn count(&self, stage: usize) -> Option<u64> {
        self.counts.get(stage).copied().flatten()
    }
}

/// Sums over the scaler records of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScalerSums {
    pub records: u64,
    pub clock_free: f64,
    pub clock_live: f64,
    pub trigger_free: f64,
    pub trigger_live: f64,
    pub ic: f64,
}

/// What the picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct RatesSheet<'s> {
    /// What is counted, in the order of the phases; the first is clouds.
    pub stages: &'s [String],
    /// Ascending by run.
    pub runs: &'s [RunRates],
    /// Amplitudes of good ion chamber pulses, ADC.
    pub amplitudes: &'s [f64],
    /// Ends of the ion chamber window, ADC, where one is given.
    pub window: Option<[f64; 2]>,
    /// Ticks of the scalers' clock in a second, where known.
    pub clock_hz: Option<f64>,
}

/// Draws the sheet.
pub fn draw(sheet: &RatesSheet<'_>) -> String {
    let mut svg = Svg::new(1120.0, 1060.0);
    let runs: Vec<i64> = sheet.runs.iter().map(|rates| rates.run).collect();
    svg.text([40.0, 38.0], "Runs and rates", (TITLE, Anchor::Start));
    svg.text([40.0, 64.0], &subtitle(sheet, &runs), (LABEL, Anchor::Start));
    let names: Vec<String> = runs.iter().map(i64::to_string).collect();
    let across = Axis::linear(-0.5, runs.len().max(1) as f64 - 0.5);
    let place = |row: f64| ([85.0, 150.0 + 320.0 * row], [600.0, 190.0]);
    draw_lines(&mut svg, (place(0.0), across, &names), counts_panel(sheet));
    draw_lines(&mut svg, (place(1.0), across, &names), yields_panel(sheet));
    draw_lines(&mut svg, (place(2.0), across, &names), scalers_panel(sheet));
    draw_chamber(&mut svg, sheet);
    draw_live(&mut svg, sheet, &names);
    svg.finish()
}

fn subtitle(sheet: &RatesSheet<'_>, runs: &[i64]) -> String {
    let mut line = runs_of(runs);
    for (stage, name) in sheet.stages.iter().enumerate() {
        let counts: Vec<u64> = sheet.runs.iter().filter_map(|run| run.count(stage)).collect();
        if !counts.is_empty() {
            let sum = thousands(&counts.iter().sum::<u64>().to_string());
            line += &format!("  ·  {sum} {name}");
        }
    }
    let gated: Vec<u64> = sheet.runs.iter().filter_map(|run| run.gated_ic).collect();
    if !gated.is_empty() {
        line += &format!("  ·  {} gated beam particles", gated.iter().sum::<u64>());
    }
    line
}

/// A line over runs, with a value for each run where it is known.
struct Line {
    mark: Mark,
    name: String,
    values: Vec<Option<f64>>,
    /// In pixels.
    width: f64,
}

impl Line {
    fn new(mark: Mark, name: &str, values: Vec<Option<f64>>) -> Line {
        // What was selected is mostly solved as well: the wide line lies under the thin one.
        let width = if name.starts_with(SELECTED) { WIDE } else { THIN };
        Line { mark, name: name.to_owned(), values, width }
    }
}

/// Lines over runs.
struct Lines {
    heading: String,
    y: String,
    lines: Vec<Line>,
    logarithmic: bool,
    empty: &'static str,
}

fn counts_panel(sheet: &RatesSheet<'_>) -> Lines {
    let lines = (0..sheet.stages.len()).filter_map(|stage| {
        let values: Vec<Option<f64>> =
            sheet.runs.iter().map(|run| run.count(stage).map(|count| count as f64)).collect();
        known(&values).then(|| Line::new(mark(stage), &sheet.stages[stage], values))
    });
    Lines {
        heading: "Results of each phase".to_owned(),
        y: "count".to_owned(),
        lines: lines.collect(),
        logarithmic: true,
        empty: "no runs",
    }
}

fn yields_panel(sheet: &RatesSheet<'_>) -> Lines {
    let mut lines: Vec<Line> = (1..sheet.stages.len())
        .filter_map(|stage| {
            let yields: Vec<Option<f64>> =
                sheet.runs.iter().map(|run| per_cloud(run, run.count(stage))).collect();
            known(&yields).then(|| Line::new(mark(stage), &sheet.stages[stage], yields))
        })
        .collect();
    let good = sheet.runs.iter().map(|run| per_cloud(run, Some(run.good_pulses))).collect();
    if sheet.runs.iter().any(|run| run.count(0).is_some()) {
        lines.push(Line::new(mark(sheet.stages.len()), "good ion chamber", good));
    }
    Lines {
        heading: "Yield: an odd run stands out".to_owned(),
        y: "per 100 clouds".to_owned(),
        lines,
        logarithmic: false,
        empty: "no clouds",
    }
}

fn per_cloud(run: &RunRates, number: Option<u64>) -> Option<f64> {
    let clouds = run.count(0).filter(|clouds| *clouds > 0)?;
    Some(100.0 * number? as f64 / clouds as f64)
}

fn scalers_panel(sheet: &RatesSheet<'_>) -> Lines {
    type Column = (&'static str, fn(&ScalerSums) -> f64);
    const COLUMNS: [Column; 3] = [
        ("ion chamber", |sums| sums.ic),
        ("triggers", |sums| sums.trigger_free),
        ("accepted triggers", |sums| sums.trigger_live),
    ];
    let seconds = |sums: &ScalerSums| match sheet.clock_hz {
        Some(hz) => sums.clock_free / hz,
        None => sums.records as f64,
    };
    let lines = COLUMNS.iter().enumerate().filter_map(|(at, (name, value))| {
        let rates: Vec<Option<f64>> = sheet
            .runs
            .iter()
            .map(|run| run.scalers.filter(|sums| seconds(sums) > 0.0))
            .map(|sums| sums.map(|sums| value(&sums) / seconds(&sums)))
            .collect();
        known(&rates).then(|| Line::new(mark(at), name, rates))
    });
    let per = if sheet.clock_hz.is_some() { "second" } else { "scaler record" };
    Lines {
        heading: format!("Scalers, counts per {per}"),
        y: format!("per {per}"),
        lines: lines.collect(),
        logarithmic: true,
        empty: "no scalers given",
    }
}

fn known(values: &[Option<f64>]) -> bool {
    values.iter().any(Option::is_some)
}

type RunPlace<'p> = (([f64; 2], [f64; 2]), Axis, &'p [String]);

fn draw_lines(svg: &mut Svg, ((corner, size), x, names): RunPlace<'_>, panel: Lines) {
    let values = || panel.lines.iter().flat_map(|line| line.values.iter().flatten().copied());
    let most = values().fold(0.0, f64::max);
    let least = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
    let y = if panel.logarithmic && most > 0.0 {
        Axis::logarithmic(0.5 * least, 1.6 * most)
    } else {
        Axis::linear(0.0, round_up(1.1 * most))
    };
    let frame = Frame { corner, size, x, y };
    frame.draw_named(svg, names, Titles { heading: "", x: "run", y: &panel.y });
    if panel.lines.is_empty() {
        frame.say_empty(svg, panel.empty);
    }
    let legend = draw_courses(svg, &frame, &panel.lines);
    write_heads(svg, &frame, (&panel.heading, &legend));
}

/// Draws lines, wide ones below; gives their legend in the order of the lines.
fn draw_courses(svg: &mut Svg, frame: &Frame, lines: &[Line]) -> Legend {
    let mut legend = Legend::new();
    lines.iter().for_each(|line| legend.add(line.mark, line.name.clone()));
    let mut lines: Vec<&Line> = lines.iter().collect();
    lines.sort_by(|a, b| b.width.total_cmp(&a.width));
    for line in lines {
        let place =
            |(at, value): (usize, &Option<f64>)| value.map(|value| frame.at([at as f64, value]));
        let places: Vec<Option<[f64; 2]>> = line.values.iter().enumerate().map(place).collect();
        frame.clipped(svg, |svg| draw_course(svg, &places, line));
    }
    legend
}

/// Writes a heading over a frame, with the legend between them.
fn write_heads(svg: &mut Svg, frame: &Frame, (heading, legend): (&str, &Legend)) {
    let [left, top] = frame.corner;
    let highest = legend.draw_above(svg, [left, top - 10.0], frame.end()[0]);
    svg.text([left, highest - 22.0], heading, (HEADING, Anchor::Start));
}

/// A line through runs, broken where a run has no value.
fn draw_course(svg: &mut Svg, places: &[Option<[f64; 2]>], line: &Line) {
    let Line { mark, width, .. } = line;
    let dot = 4.9 + width;
    for stretch in places.split(Option::is_none) {
        let points: Vec<[f64; 2]> = stretch.iter().flatten().copied().collect();
        svg.path(&points, &mark.line(*width));
        // A run between two gaps has no line to be seen by.
        if points.len() == 1 {
            svg.dots(&points, dot, mark.colour);
        }
    }
    let points: Vec<[f64; 2]> = places.iter().flatten().copied().collect();
    if points.len() <= DOTTED {
        svg.dots(&points, dot, mark.colour);
    }
}

fn draw_chamber(svg: &mut Svg, sheet: &RatesSheet<'_>) {
    let spread = Spread::of(sheet.amplitudes.iter().copied());
    let [_, high] = spread.range().unwrap_or([0.0, 1000.0]);
    let high = sheet.window.map_or(high, |[_, to]| high.max(1.1 * to));
    let bins = ((2.5 * (spread.count() as f64).sqrt()) as usize).clamp(30, 100);
    let mut histogram = Histogram::linear(0.0, round_up(high), bins);
    spread.each().for_each(|value| histogram.add(value));
    let most = histogram.counts().iter().copied().max().unwrap_or(0) as f64;
    let y = Axis::linear(0.0, round_up((1.3 * most).max(4.0)));
    let x = Axis::linear(0.0, round_up(high));
    let frame = Frame { corner: [790.0, 150.0], size: [290.0, 470.0], x, y };
    write_heads(svg, &frame, ("Ion chamber", &Legend::new()));
    frame.draw(svg, Titles { heading: "", x: "amplitude (ADC)", y: "clouds" });
    if spread.count() == 0 {
        frame.say_empty(svg, "no good pulses");
    }
    if let Some([from, to]) = sheet.window {
        let [corner, opposite] = [frame.at([from, 0.0]), [frame.at([to, 0.0])[0], frame.corner[1]]];
        let ground = "fill=\"#009e73\" fill-opacity=\"0.13\"";
        frame.clipped(svg, |svg| svg.rectangle(corner, opposite, ground));
    }
    frame.steps(svg, &histogram.bins(), SAND);
    let mut remarks = vec![count(spread.count(), "good pulse")];
    if let Some([from, to]) = sheet.window {
        let inside = spread.each().filter(|value| from < *value && *value < to).count();
        let share = 100.0 * inside as f64 / spread.count().max(1) as f64;
        let edge = format!("stroke=\"{}\" stroke-width=\"1.4\"", mark(2).colour);
        for end in [from, to] {
            let [x, bottom] = frame.at([end, 0.0]);
            frame.clipped(svg, |svg| svg.line([x, frame.corner[1]], [x, bottom], &edge));
        }
        remarks.push(format!("{inside} in {from} to {to} ADC ({share:.0} %)"));
    }
    let outside = histogram.outside();
    if outside[0] + outside[1] > 0 {
        remarks.push(format!("{} outside", outside[0] + outside[1]));
    }
    for (at, line) in remarks.iter().enumerate() {
        let place = [frame.end()[0], frame.end()[1] + 55.0 + 16.0 * at as f64];
        svg.text(place, line, (SMALL, Anchor::End));
    }
}

/// Draws the share of time and of triggers that the data acquisition was ready for.
fn draw_live(svg: &mut Svg, sheet: &RatesSheet<'_>, names: &[String]) {
    let share = |part: fn(&ScalerSums) -> [f64; 2]| -> Vec<Option<f64>> {
        let percent = |sums: ScalerSums| {
            let [live, free] = part(&sums);
            (free > 0.0).then(|| 100.0 * live / free)
        };
        sheet.runs.iter().map(|run| run.scalers.and_then(percent)).collect()
    };
    let lines = vec![
        Line::new(mark(0), "time", share(|sums| [sums.clock_live, sums.clock_free])),
        Line::new(mark(1), "triggers", share(|sums| [sums.trigger_live, sums.trigger_free])),
    ];
    let lines: Vec<_> = lines.into_iter().filter(|line| known(&line.values)).collect();
    let frame = Frame {
        corner: [790.0, 790.0],
        size: [290.0, 190.0],
        x: Axis::linear(-0.5, names.len().max(1) as f64 - 0.5),
        y: Axis::linear(0.0, 100.0),
    };
    frame.draw_named(svg, names, Titles { heading: "", x: "run", y: "%" });
    if lines.is_empty() {
        frame.say_empty(svg, "no scalers given");
    }
    let legend = draw_courses(svg, &frame, &lines);
    write_heads(svg, &frame, ("Live share", &legend));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(run: i64, clouds: u64) -> RunRates {
        let scalers = ScalerSums {
            records: 2,
            clock_free: 2000.0,
            clock_live: 1800.0,
            trigger_free: 100.0,
            trigger_live: 90.0,
            ic: 5000.0,
        };
        RunRates {
            run,
            counts: vec![Some(clouds), Some(2 * clouds), Some(clouds), None, Some(clouds / 2)],
            good_pulses: clouds / 2,
            gated_ic: Some(3),
            scalers: Some(scalers),
        }
    }

    fn sheet(runs: &[RunRates], clock_hz: Option<f64>) -> String {
        let amplitudes = [950.0, 1000.0, 1400.0];
        let stages = ["clouds", "clusters", "estimates", "selected", "solved"].map(str::to_owned);
        let window = Some([900.0, 1350.0]);
        draw(&RatesSheet { stages: &stages, runs, amplitudes: &amplitudes, window, clock_hz })
    }

    #[test]
    fn counts_rates_and_the_window_are_in_words() {
        let text = sheet(&[run(5, 40), run(6, 20)], None);
        assert!(text.contains("runs 5 and 6  ·  60 clouds  ·  120 clusters  ·  60 estimates"));
        assert!(text.contains("30 solved  ·  6 gated beam particles"));
        assert!(text.contains("2 in 900 to 1350 ADC (67 %)"));
        assert!(text.contains("counts per scaler record") && !text.contains(">selected<"));
        assert!(sheet(&[run(5, 40)], Some(1e3)).contains("counts per second"));
    }

    #[test]
    fn a_run_without_clouds_or_scalers_leaves_a_gap() {
        let bare = RunRates { run: 6, counts: vec![Some(0)], ..RunRates::default() };
        let text = sheet(&[run(5, 40), bare, run(7, 30)], None);
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn lines_that_fall_together_are_both_seen_and_have_marks_of_their_own() {
        let stages =
            ["clouds", "clusters", "estimates", "selected a", "selected b", "solved a", "solved b"]
                .map(str::to_owned);
        let counts = [40, 80, 40, 10, 20, 10, 20].map(Some).to_vec();
        let runs = [5, 6].map(|at| RunRates { counts: counts.clone(), ..run(at, 40) });
        let sheet = RatesSheet {
            stages: &stages,
            runs: &runs,
            amplitudes: &[],
            window: None,
            clock_hz: None,
        };
        let lines = yields_panel(&sheet).lines;
        for (at, line) in lines.iter().enumerate() {
            assert!(lines[..at].iter().all(|other| other.mark != line.mark), "{}", line.name);
        }
        let text = draw(&sheet);
        let last_wide = text.rfind(&mark(4).line(WIDE)).unwrap();
        assert!(last_wide < text.rfind(&mark(6).line(THIN)).unwrap());
        assert!(text.find(&mark(4).line(WIDE)).unwrap() < text.find(&mark(6).line(THIN)).unwrap());
    }

    #[test]
    fn no_runs_make_an_empty_sheet_with_words() {
        let none =
            RatesSheet { stages: &[], runs: &[], amplitudes: &[], window: None, clock_hz: None };
        let text = draw(&none);
        assert!(text.contains(">no runs<") && text.contains(">no good pulses<"));
        assert!(!text.contains("NaN"));
    }
}
