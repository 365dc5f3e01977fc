//! Many points in a plane: dots while they are few, counts in cells when they are many.

use crate::kernels::figure::axes::{Frame, colour_bar};
use crate::kernels::figure::colour::{LEVELS, LogScale, colour};
use crate::kernels::figure::svg::Svg;

/// Up to this many points each is drawn as a dot, because cells would show less.
const DOTS: usize = 1500;
/// Sides of cells are multiples of this many pixels.
const PITCH: f64 = 0.4;
/// Least side of a cell in pixels; smaller ones are no longer seen.
const LEAST_CELL: f64 = 2.4;
/// Greatest side of a cell in pixels.
const GREATEST_CELL: f64 = 8.0;

/// The sort of points drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    Dots,
    Cells,
}

/// How so many points are drawn.
pub fn kind(points: usize) -> Drawn {
    if points <= DOTS { Drawn::Dots } else { Drawn::Cells }
}

/// Draws points inside a frame; a colour bar stands to its right when they became cells. `noun`
/// says what is counted.
pub fn draw(svg: &mut Svg, frame: &Frame, points: &[[f64; 2]], noun: &str) {
    let [left, top] = frame.corner;
    let [right, bottom] = frame.end();
    let places: Vec<[f64; 2]> = points
        .iter()
        .filter(|[x, y]| x.is_finite() && y.is_finite())
        .map(|point| frame.at(*point))
        .filter(|[x, y]| (left..=right).contains(x) && (top..=bottom).contains(y))
        .collect();
    if kind(points.len()) == Drawn::Dots {
        let diameter = if places.len() < 300 { 4.6 } else { 3.2 };
        svg.dots(&places, diameter, "#31688e");
        return;
    }
    let grid = Grid::over(frame, &places);
    let scale = LogScale::new(1.0, grid.most() as f64);
    frame.clipped(svg, |svg| {
        for level in 0..LEVELS {
            svg.tiles(&grid.centres(level, scale), [grid.side + 0.3; 2], &colour(level));
        }
    });
    colour_bar(svg, ([right + 14.0, top], [14.0, bottom - top]), scale, noun);
}

/// Counts in square cells of the sheet.
struct Grid {
    corner: [f64; 2],
    side: f64,
    columns: usize,
    counts: Vec<u32>,
}

impl Grid {
    fn over(frame: &Frame, places: &[[f64; 2]]) -> Grid {
        // More points allow finer cells; the fourth root keeps about as many points in a filled
        // cell as there are filled cells along a line.
        let side = (60.0 / (places.len() as f64).powf(0.25)).clamp(LEAST_CELL, GREATEST_CELL);
        // Coordinates keep a tenth of a pixel: at this pitch none is rounded, so no seams show.
        let side = (side / PITCH).round() * PITCH;
        let columns = (frame.size[0] / side) as usize + 1;
        let rows = (frame.size[1] / side) as usize + 1;
        let mut grid =
            Grid { corner: frame.corner, side, columns, counts: vec![0; columns * rows] };
        for [x, y] in places {
            let column = ((x - frame.corner[0]) / side) as usize;
            let row = ((y - frame.corner[1]) / side) as usize;
            grid.counts[row * columns + column] += 1;
        }
        grid
    }

    fn most(&self) -> u32 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// Centres of the filled cells whose count has this level.
    fn centres(&self, level: usize, scale: LogScale) -> Vec<[f64; 2]> {
        let alike =
            |(_, count): &(usize, &u32)| **count > 0 && scale.level(f64::from(**count)) == level;
        let centre = |(at, _): (usize, &u32)| {
            let [column, row] = [at % self.columns, at / self.columns];
            [
                self.corner[0] + self.side * (column as f64 + 0.5),
                self.corner[1] + self.side * (row as f64 + 0.5),
            ]
        };
        self.counts.iter().enumerate().filter(alike).map(centre).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::figure::axes::Axis;

    fn frame() -> Frame {
        let axis = Axis::linear(0.0, 1.0);
        Frame { corner: [10.0, 10.0], size: [100.0, 100.0], x: axis, y: axis }
    }

    #[test]
    fn few_points_are_dots_and_many_are_cells_with_a_scale() {
        let mut svg = Svg::new(200.0, 200.0);
        let few = [[0.5, 0.5], [f64::NAN, 0.5], [7.0, 0.5]];
        draw(&mut svg, &frame(), &few, "tracks");
        let text = svg.finish();
        assert!(text.contains("M60 60h0\"") && !text.contains("M0 0h0"), "{text}");
        let mut svg = Svg::new(200.0, 200.0);
        draw(&mut svg, &frame(), &vec![[1.0, 0.0]; 5000], "tracks");
        assert!(svg.finish().contains(">tracks<"));
    }

    #[test]
    fn every_point_is_in_one_cell() {
        let places: Vec<[f64; 2]> =
            (0..5000).map(|i| [10.0 + f64::from(i % 101), 10.0 + f64::from(i / 50)]).collect();
        let grid = Grid::over(&frame(), &places);
        assert_eq!(grid.counts.iter().sum::<u32>(), 5000);
    }
}
