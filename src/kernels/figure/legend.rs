//! The list that says which line is which.

use crate::kernels::figure::palette::Mark;
use crate::kernels::figure::svg::{Anchor, INK, Lettering, Svg};

/// Height of a line of the list in pixels.
pub const LINE: f64 = 19.0;
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

    fn width(&self) -> f64 {
        let letters = self.lines.iter().map(|(_, words)| words.chars().count()).max().unwrap_or(0);
        INDENT + LETTER * letters as f64 + 8.0
    }

    /// Writes the list on a white ground, its upper right corner at a point.
    pub fn draw(&self, svg: &mut Svg, [right, top]: [f64; 2]) {
        if self.lines.is_empty() {
            return;
        }
        let left = right - self.width();
        let bottom = top + LINE * self.lines.len() as f64 + 8.0;
        let ground =
            "fill=\"#ffffff\" fill-opacity=\"0.88\" stroke=\"#d4d4d4\" stroke-width=\"0.8\"";
        svg.rectangle([left, top], [right, bottom], ground);
        for (at, line) in self.lines.iter().enumerate() {
            write_line(svg, [left + 8.0, top + LINE * at as f64 + 17.0], line);
        }
    }

    /// Writes the list as one row that begins at a point.
    pub fn draw_row(&self, svg: &mut Svg, [left, base]: [f64; 2]) {
        let mut x = left;
        for line in &self.lines {
            write_line(svg, [x, base], line);
            x += INDENT + LETTER * line.1.chars().count() as f64 + 14.0;
        }
    }
}

fn write_line(svg: &mut Svg, [x, base]: [f64; 2], (mark, words): &(Mark, String)) {
    svg.line([x, base - 4.0], [x + 26.0, base - 4.0], &mark.line(2.4));
    svg.text([x + 32.0, base], words, (WORDS, Anchor::Start));
}
