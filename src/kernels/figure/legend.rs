//! The list that says which line is which.

use crate::kernels::figure::palette::Mark;
use crate::kernels::figure::svg::{Anchor, INK, Lettering, Svg};

/// Height of a line of the list in pixels.
const LINE: f64 = 19.0;
const WORDS: Lettering = Lettering { size: 12.5, bold: false, fill: INK };
/// A letter's mean width in pixels at that size, from the metrics of the font.
const LETTER: f64 = 7.4;
/// Pixels before the words, where the sample of the line is.
const INDENT: f64 = 40.0;

/// Names with their marks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Legend {
    lines: Vec<(Mark, String)>,
}

impl Legend {
    /// A list without lines.
    pub fn new() -> Legend {
        Legend::default()
    }

    /// Adds a line.
    pub fn add(&mut self, mark: Mark, words: String) {
        self.lines.push((mark, words));
    }

    /// Writes the list in rows from a point on, none beyond `right`; gives the lowest base line.
    pub fn draw_row(&self, svg: &mut Svg, start: [f64; 2], right: f64) -> f64 {
        let places = self.places(start, right);
        for (place, line) in places.iter().zip(&self.lines) {
            write_line(svg, *place, line);
        }
        places.last().map_or(start[1], |place| place[1])
    }

    /// Writes the list in rows of which the last stands at a point; gives the highest base line.
    pub fn draw_above(&self, svg: &mut Svg, [left, base]: [f64; 2], right: f64) -> f64 {
        let end = self.places([left, base], right).last().map_or(base, |place| place[1]);
        let first = base - (end - base);
        self.draw_row(svg, [left, first], right);
        first
    }

    fn places(&self, [left, base]: [f64; 2], right: f64) -> Vec<[f64; 2]> {
        let [mut x, mut y] = [left, base];
        let place = |(_, words): &(Mark, String)| {
            let width = INDENT + LETTER * words.chars().count() as f64;
            if x > left && x + width > right {
                [x, y] = [left, y + LINE];
            }
            let place = [x, y];
            x += width + 14.0;
            place
        };
        self.lines.iter().map(place).collect()
    }
}

fn write_line(svg: &mut Svg, [x, base]: [f64; 2], (mark, words): &(Mark, String)) {
    svg.line([x, base - 4.0], [x + 26.0, base - 4.0], &mark.line(2.4));
    svg.text([x + 32.0, base], words, (WORDS, Anchor::Start));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::figure::palette::mark;

    #[test]
    fn rows_break_before_the_right_end() {
        let mut legend = Legend::new();
        (0..5).for_each(|at| legend.add(mark(at), "abcdefghij".to_owned()));
        let rows: Vec<f64> =
            legend.places([0.0, 50.0], 300.0).iter().map(|place| place[1]).collect();
        assert_eq!(rows, [50.0, 50.0, 69.0, 69.0, 88.0]);
        let mut svg = Svg::new(300.0, 100.0);
        assert_eq!(legend.draw_above(&mut svg, [0.0, 50.0], 300.0), 12.0);
        assert_eq!(Legend::new().draw_row(&mut svg, [0.0, 50.0], 300.0), 50.0);
    }
}
