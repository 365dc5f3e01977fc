//! Frames with axes: where data coordinates meet the sheet.

use crate::kernels::figure::colour::{LEVELS, LogScale, colour};
use crate::kernels::figure::palette::Mark;
use crate::kernels::figure::spread::round_step;
use crate::kernels::figure::svg::{Anchor, GREY, HEADING, INK, LABEL, PALE, SMALL, Svg};

/// One axis: the data range it shows, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// A linear axis; an empty range is widened, because an axis needs an extent.
    pub fn linear(from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Axis { from, to, logarithmic: false }
    }

    /// A logarithmic axis over positive values.
    pub fn logarithmic(from: f64, to: f64) -> Self {
        let from = from.max(1e-300).log10();
        let to = to.max(1e-300).log10();
        let to = if to > from { to } else { from + 1.0 };
        Axis { from, to, logarithmic: true }
    }

    /// Where a value lies: 0 at the start, 1 at the end.
    fn part(&self, value: f64) -> f64 {
        let place = if self.logarithmic { value.max(1e-300).log10() } else { value };
        (place - self.from) / (self.to - self.from)
    }

    /// Values to mark, about `wanted` of them, with their texts.
    fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        if self.logarithmic { self.decades(wanted) } else { self.rounds(wanted) }
    }

    fn rounds(&self, wanted: usize) -> Vec<(f64, String)> {
        let step = round_step(0.75 * (self.to - self.from) / wanted.max(1) as f64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (self.from / step - 1e-9).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        (first..=last)
            .map(|at| {
                let value = at as f64 * step;
                (value, thousands(&format!("{value:.decimals$}")))
            })
            .collect()
    }

    fn decades(&self, wanted: usize) -> Vec<(f64, String)> {
        let (first, last) = ((self.from - 1e-9).ceil() as i32, (self.to + 1e-9).floor() as i32);
        let each = ((last - first + 1).max(1) as usize).div_ceil(wanted.max(3));
        let tens: Vec<(f64, String)> =
            (first..=last).step_by(each).map(|power| (10f64.powi(power), ten_to(power))).collect();
        // Over few decades 1, 2 and 5 of each are marked where they find room.
        let fine: Vec<(f64, String)> = (first - 1..=last)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
            .filter(|value| (-1e-9..=1.0 + 1e-9).contains(&self.part(*value)))
            .map(|value| (value, thousands(&short(value))))
            .collect();
        if fine.len() > wanted && tens.len() > 1 { tens } else { fine }
    }
}

fn short(value: f64) -> String {
    if value >= 1.0 { format!("{value:.0}") } else { format!("{value}") }
}

/// Separates the thousands of a number by narrow spaces, from five digits on.
pub fn thousands(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    if whole.len() < 5 {
        return format!("{sign}{digits}");
    }
    let mut spaced = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            spaced.push('\u{202f}');
        }
        spaced.push(digit);
    }
    spaced + rest
}

fn ten_to(power: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match power {
        0 => return "1".to_owned(),
        1 => return "10".to_owned(),
        _ => {}
    }
    let sign = if power < 0 { "⁻" } else { "" };
    let digits = power.unsigned_abs().to_string();
    let raised: String =
        digits.bytes().map(|digit| RAISED[usize::from(digit.saturating_sub(b'0'))]).collect();
    format!("10{sign}{raised}")
}

/// What is written at a frame.
#[derive(Clone, Copy, Debug)]
pub struct Titles<'t> {
    pub heading: &'t str,
    /// Name and unit of the horizontal axis.
    pub x: &'t str,
    /// Name and unit of the vertical axis.
    pub y: &'t str,
}

fn grid() -> String {
    format!("stroke=\"{PALE}\" stroke-width=\"0.6\" fill=\"none\"")
}

/// A rectangle of the sheet with two axes.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Upper left corner in pixels.
    pub corner: [f64; 2],
    /// Width and height in pixels.
    pub size: [f64; 2],
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    /// The sheet position of a data point.
    pub fn at(&self, point: [f64; 2]) -> [f64; 2] {
        let [left, top] = self.corner;
        let [width, height] = self.size;
        [left + width * self.x.part(point[0]), top + height * (1.0 - self.y.part(point[1]))]
    }

    /// The corner opposite to [`Frame::corner`].
    pub fn end(&self) -> [f64; 2] {
        [self.corner[0] + self.size[0], self.corner[1] + self.size[1]]
    }

    /// Draws the grid, the border, the numbers and the titles; data go on top.
    pub fn draw(&self, svg: &mut Svg, titles: Titles<'_>) {
        for (value, text) in self.x.ticks(((self.size[0] / 40.0) as usize).min(12)) {
            self.x_mark(svg, value, &text);
        }
        self.draw_rest(svg, titles);
    }

    /// Draws a frame whose horizontal axis has names instead of numbers: item `i` stands at `i`.
    /// Names that would overlap are left out.
    pub fn draw_named(&self, svg: &mut Svg, names: &[String], titles: Titles<'_>) {
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let room = self.size[0] / names.len().max(1) as f64;
        let each = ((7.5 * widest as f64 + 8.0) / room).ceil().max(1.0) as usize;
        for (at, name) in names.iter().enumerate().step_by(each) {
            self.x_mark(svg, at as f64, name);
        }
        self.draw_rest(svg, titles);
    }

    fn x_mark(&self, svg: &mut Svg, value: f64, text: &str) {
        let [x, bottom] = [self.corner[0] + self.size[0] * self.x.part(value), self.end()[1]];
        svg.line([x, self.corner[1]], [x, bottom], &grid());
        svg.text([x, bottom + 16.0], text, (SMALL, Anchor::Middle));
    }

    fn draw_rest(&self, svg: &mut Svg, titles: Titles<'_>) {
        let [left, top] = self.corner;
        let [right, bottom] = self.end();
        let mut widest = 0;
        for (value, text) in self.y.ticks(((self.size[1] / 45.0) as usize).max(2)) {
            let y = top + self.size[1] * (1.0 - self.y.part(value));
            svg.line([left, y], [right, y], &grid());
            svg.text([left - 6.0, y + 4.0], &text, (SMALL, Anchor::End));
            widest = widest.max(text.chars().count());
        }
        let border = format!("fill=\"none\" stroke=\"{INK}\" stroke-width=\"1\"");
        svg.rectangle(self.corner, self.end(), &border);
        svg.text([left, top - 9.0], titles.heading, (HEADING, Anchor::Start));
        svg.text([(left + right) / 2.0, bottom + 35.0], titles.x, (LABEL, Anchor::Middle));
        // The name of the axis clears its widest number; a digit is about 7 pixels wide.
        let beside = left - 18.0 - 7.0 * widest as f64;
        svg.upward_text([beside, (top + bottom) / 2.0], titles.y, (LABEL, Anchor::Middle));
    }

    /// Draws with everything outside the frame cut away.
    pub fn clipped(&self, svg: &mut Svg, draw: impl FnOnce(&mut Svg)) {
        svg.clipped(self.corner, self.end(), draw);
    }

    /// Writes one word of explanation where there is nothing to draw.
    pub fn say_empty(&self, svg: &mut Svg, words: &str) {
        let [right, bottom] = self.end();
        let middle = [(self.corner[0] + right) / 2.0, (self.corner[1] + bottom) / 2.0];
        svg.text(middle, words, (LABEL, Anchor::Middle));
    }

    /// Draws a histogram as a line of steps, hardly filled, so that several can share a frame.
    pub fn outline(&self, svg: &mut Svg, bins: &[([f64; 2], f64)], mark: Mark) {
        let corners =
            |&([from, to], count): &([f64; 2], f64)| [self.at([from, count]), self.at([to, count])];
        let mut line: Vec<[f64; 2]> = bins.iter().flat_map(corners).collect();
        let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else {
            return;
        };
        let base = self.end()[1];
        line.insert(0, [first[0], base]);
        line.push([last[0], base]);
        let ground = format!("fill=\"{}\" fill-opacity=\"0.12\"", mark.colour);
        self.clipped(svg, |svg| {
            svg.path(&line, &ground);
            svg.path(&line, &mark.line(1.8));
        });
    }

    /// Draws a histogram as steps filled down to the axis: `bins` are counts with their edges.
    pub fn steps(&self, svg: &mut Svg, bins: &[([f64; 2], f64)], fill: &str) {
        let base = self.end()[1];
        let mut outline = Vec::with_capacity(2 * bins.len() + 2);
        for ([from, to], count) in bins {
            outline.extend([self.at([*from, *count]), self.at([*to, *count])]);
        }
        let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) else {
            return;
        };
        outline.insert(0, [first[0], base]);
        outline.push([last[0], base]);
        let style = format!("fill=\"{fill}\" stroke=\"{INK}\" stroke-width=\"0.8\"");
        let [from, to] = [self.corner, self.end()];
        svg.clipped(from, to, |svg| svg.path(&outline, &style));
    }

    /// Writes a remark in the upper right corner, a line each.
    pub fn remark(&self, svg: &mut Svg, lines: &[String]) {
        let [x, y] = [self.end()[0] - 8.0, self.corner[1] + 18.0];
        for (at, line) in lines.iter().enumerate() {
            svg.text([x, y + 16.0 * at as f64], line, (SMALL, Anchor::End));
        }
    }
}

/// Draws a vertical colour bar; `corner` and `size` in pixels.
pub fn colour_bar(svg: &mut Svg, place: ([f64; 2], [f64; 2]), scale: LogScale, title: &str) {
    let (corner, size) = place;
    let [low, high] = scale.ends();
    let axis = Axis::logarithmic(low, high);
    let step = size[1] / LEVELS as f64;
    for level in 0..LEVELS {
        let top = corner[1] + size[1] - step * (level + 1) as f64;
        let style = format!("fill=\"{}\"", colour(level));
        // Half a pixel of overlap hides the seams some viewers show between rectangles.
        svg.rectangle([corner[0], top], [corner[0] + size[0], top + step + 0.5], &style);
    }
    let right = corner[0] + size[0];
    let border = format!("fill=\"none\" stroke=\"{GREY}\" stroke-width=\"0.8\"");
    svg.rectangle(corner, [right, corner[1] + size[1]], &border);
    for (value, text) in axis.ticks((size[1] / 45.0) as usize) {
        let y = corner[1] + size[1] * (1.0 - axis.part(value));
        svg.line([right, y], [right + 4.0, y], &border);
        svg.text([right + 7.0, y + 4.0], &text, (SMALL, Anchor::Start));
    }
    let middle = corner[1] + size[1] / 2.0;
    svg.upward_text([right + 58.0, middle], title, (LABEL, Anchor::Middle));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: Axis, wanted: usize) -> Vec<String> {
        axis.ticks(wanted).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        assert_eq!(texts(Axis::linear(-280.0, 280.0), 6), ["−200", "−100", "0", "100", "200"]);
        assert_eq!(texts(Axis::linear(0.0, 1.0), 4), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(Axis::linear(0.0, 50_000.0), 2), ["0", "20\u{202f}000", "40\u{202f}000"]);
    }

    #[test]
    fn logarithmic_ticks_are_decades_or_finer_when_few() {
        assert_eq!(texts(Axis::logarithmic(1.0, 1e4), 5), ["1", "10", "10²", "10³", "10⁴"]);
        assert_eq!(texts(Axis::logarithmic(20.0, 90.0), 5), ["20", "50"]);
        assert_eq!(texts(Axis::logarithmic(1.0, 25.0), 5), ["1", "2", "5", "10", "20"]);
    }

    #[test]
    fn an_axis_without_extent_still_has_one() {
        assert_eq!(texts(Axis::linear(3.0, 3.0), 2), ["3.0", "3.5", "4.0"]);
    }
}
