//! Contour lines of a grid, as far as the peer needs them: the first one at a level.
//!
//! The peer takes the first of the lines that contourpy gives and leaves the others out, so which
//! one is first matters. In contourpy 1.3 (method `serial`) cells are visited row by row; a line
//! that meets the border starts where it enters with the high side on its left, a closed one in
//! its first cell. This order was found by comparing lines of random grids, and holds in tests.

/// Edges of a cell, in the order in which a line turns to the left: a line that enters by one and
/// goes straight on leaves by the one two further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    South,
    West,
    North,
    East,
}

use Edge::{East, North, South, West};

impl Edge {
    const ALL: [Edge; 4] = [South, West, North, East];

    /// The edge after as many quarter turns, clockwise.
    fn turned(self, quarters: usize) -> Edge {
        Edge::ALL[(self as usize + quarters) % 4]
    }
}

/// A line that enters a cell, with the high side on its left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    row: usize,
    column: usize,
    edge: Edge,
}

/// The first contour line of a grid `values[row * columns + column]`, as points of fractional row
/// and column in the order of the line; empty when the level is nowhere crossed.
pub(super) fn first_line(values: &[f64], columns: usize, level: f64) -> Vec<[f64; 2]> {
    let grid = Contours { values, columns, rows: values.len() / columns, level };
    let mut seen = vec![false; values.len() * 4];
    for row in 0..grid.rows - 1 {
        for column in 0..columns - 1 {
            let entries: Vec<Entry> = Edge::ALL
                .into_iter()
                .map(|edge| Entry { row, column, edge })
                .filter(|entry| grid.enters(*entry))
                .collect();
            if let Some(start) = entries.iter().find(|entry| grid.is_border(**entry)) {
                return grid.follow(*start, &mut seen).0;
            }
            for entry in entries {
                // What was seen belongs to a line that starts at the border of a later cell.
                if !seen[grid.index(entry)]
                    && let (line, true) = grid.follow(entry, &mut seen)
                {
                    return line;
                }
            }
        }
    }
    Vec::new()
}

struct Contours<'v> {
    values: &'v [f64],
    columns: usize,
    rows: usize,
    level: f64,
}

impl Contours<'_> {
    fn value(&self, [row, column]: [usize; 2]) -> f64 {
        self.values[row * self.columns + column]
    }

    fn is_high(&self, node: [usize; 2]) -> bool {
        self.value(node) > self.level
    }

    fn index(&self, entry: Entry) -> usize {
        (entry.row * self.columns + entry.column) * 4 + entry.edge as usize
    }

    /// Corners of a cell as one sees them who enters by an edge: left and right of the edge, left
    /// and right ahead.
    fn corners(&self, Entry { row, column, edge }: Entry) -> [[usize; 2]; 4] {
        let (south, north, west, east) = (row, row + 1, column, column + 1);
        let [sw, se, nw, ne] = [[south, west], [south, east], [north, west], [north, east]];
        match edge {
            South => [sw, se, nw, ne],
            West => [nw, sw, ne, se],
            North => [ne, nw, se, sw],
            East => [se, ne, sw, nw],
        }
    }

    /// True when a line enters a cell there with the high side on its left.
    fn enters(&self, entry: Entry) -> bool {
        let [left, right, ..] = self.corners(entry);
        self.is_high(left) && !self.is_high(right)
    }

    /// True when the edge lies on the border of the grid.
    fn is_border(&self, Entry { row, column, edge }: Entry) -> bool {
        match edge {
            South => row == 0,
            West => column == 0,
            North => row + 2 == self.rows,
            East => column + 2 == self.columns,
        }
    }

    /// Follows a line to its end. True when it comes back to its start.
    fn follow(&self, start: Entry, seen: &mut [bool]) -> (Vec<[f64; 2]>, bool) {
        let mut line = vec![self.point(start)];
        let mut at = start;
        loop {
            seen[self.index(at)] = true;
            let out = Entry { edge: self.exit(at), ..at };
            line.push(self.point(out));
            if self.is_border(out) {
                return (line, false);
            }
            at = match out.edge {
                South => Entry { row: at.row - 1, edge: North, ..at },
                West => Entry { column: at.column - 1, edge: East, ..at },
                North => Entry { row: at.row + 1, edge: South, ..at },
                East => Entry { column: at.column + 1, edge: West, ..at },
            };
            if at == start {
                return (line, true);
            }
        }
    }

    /// The edge by which a line leaves the cell that it entered.
    fn exit(&self, entry: Entry) -> Edge {
        let corners = self.corners(entry);
        let (left, right) = (self.is_high(corners[2]), self.is_high(corners[3]));
        let quarters = match (left, right) {
            (true, true) => 3,
            (true, false) => 2,
            (false, false) => 1,
            // A saddle: the value in the middle of the cell decides.
            (false, true) => {
                let middle = corners.map(|corner| self.value(corner)).iter().sum::<f64>() * 0.25;
                if middle > self.level { 3 } else { 1 }
            }
        };
        entry.edge.turned(quarters)
    }

    /// Where the level lies on an edge, as fractional row and column.
    fn point(&self, entry: Entry) -> [f64; 2] {
        let [a, b, ..] = self.corners(entry);
        let (from, to) = (self.value(a), self.value(b));
        let part = (self.level - from) / (to - from);
        std::array::from_fn(|n| a[n] as f64 + part * (b[n] as f64 - a[n] as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], columns: usize, expected: &[[f64; 2]]) {
        let found = first_line(values, columns, 0.5);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            let near = (0..2).all(|n| (found[n] - expected[n]).abs() < 1e-12);
            assert!(near, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn a_line_enters_with_the_high_side_on_its_left() {
        check(&[0.0, 1.0, 0.0, 1.0], 2, &[[1.0, 0.5], [0.0, 0.5]]);
        check(&[1.0, 0.0, 1.0, 0.0], 2, &[[0.0, 0.5], [1.0, 0.5]]);
        check(&[0.0, 0.0, 1.0, 1.0], 2, &[[0.5, 0.0], [0.5, 1.0]]);
        check(&[0.0; 4], 2, &[]);
    }

    #[test]
    fn a_closed_line_starts_in_its_first_cell() {
        let hill = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let line = first_line(&hill, 3, 0.5);
        assert_eq!(line.len(), 5);
        assert_eq!(line[0], line[4]);
        assert!(line.iter().all(|[row, column]| (row - 1.0).abs() + (column - 1.0).abs() == 0.5));
    }

    #[test]
    fn lines_are_ordered_by_their_first_cell() {
        // A closed line around the middle, and a line around one corner, before it or after it.
        let mut grid = [0.0; 12];
        grid[6] = 1.0;
        let mut corner_after = grid;
        corner_after[11] = 1.0;
        assert_eq!(first_line(&corner_after, 4, 0.5).len(), 5);
        let mut corner_before = grid;
        corner_before[0] = 1.0;
        check(&corner_before, 4, &[[0.0, 0.5], [0.5, 0.0]]);
    }

    #[test]
    fn a_saddle_follows_its_middle() {
        // As contourpy 1.3.3 has it.
        check(&[1.0, 0.2, 0.2, 1.0], 2, &[[0.0, 0.625], [0.375, 1.0]]);
        check(&[0.8, 0.0, 0.0, 0.8], 2, &[[0.0, 0.375], [0.375, 0.0]]);
    }
}
