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
    pub fn draw_row(&self, svg: &mut Svg, [left, base]: [f64; 2], right: f64) -> f64 {
        let [mut x, mut y] = [left, base];
        for line in &self.lines {
            let width = INDENT + LETTER * line.1.chars().count() as f64;
            if x > left && x + width > right {
                [x, y] = [left, y + LINE];
            }
            write_line(svg, [x, y], line);
            x += width + 14.0;
        }
        y
    }
}

fn write_line(svg: &mut Svg, [x, base]: [f64; 2], (mark, words): &(Mark, String)) {
    svg.line([x, base - 4.0], [x + 26.0, base - 4.0], &mark.line(2.4));
    svg.text([x + 32.0, base], words, (WORDS, Anchor::Start));
}
