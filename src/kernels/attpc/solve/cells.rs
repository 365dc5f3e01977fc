//! Cells of the mesh that a fit has met lately, and tracks blended from their four nodes.
//!
//! Nodes are widened to double precision when a fit enters a cell, because a fit makes hundreds of
//! tracks within few cells; and samples that only repeat the end of a track are cut off there.
//! A node that holds something that is not finite is noted, and its cell becomes a point at the
//! vertex, so that the fit comes to an end; whoever started it then finds the note.

use crate::kernels::attpc::mesh::{Cell, TrackGrid};

/// Cells that are kept: the differences of a gradient at a corner of cells reach four.
const CELLS: usize = 4;

/// Lately met cells of one mesh.
#[derive(Default)]
pub struct CellCache {
    cells: Vec<OpenCell>,
    next: usize,
    /// The first damaged node that was met since this was last set to `None`.
    pub damaged: Option<usize>,
}

/// Four nodes in double precision.
#[derive(Default)]
pub struct OpenCell {
    nodes: [usize; 4],
    steps: usize,
    /// For each node all x, all y, all z.
    numbers: Vec<f64>,
    /// Number of samples before all four tracks only repeat their last one, which is counted.
    pub used: usize,
    damaged: Option<usize>,
}

impl CellCache {
    /// The nodes of a cell.
    pub fn open(&mut self, grid: &TrackGrid<'_>, cell: &Cell) -> &OpenCell {
        let found = self.cells.iter().position(|open| open.nodes == cell.nodes);
        let at = found.unwrap_or_else(|| {
            let at = self.next % CELLS;
            self.next += 1;
            if self.cells.len() < CELLS {
                self.cells.push(OpenCell::default());
            }
            self.cells[at].fill(grid, cell.nodes);
            at
        });
        self.damaged = self.damaged.or(self.cells[at].damaged);
        &self.cells[at]
    }
}

impl OpenCell {
    fn fill(&mut self, grid: &TrackGrid<'_>, nodes: [usize; 4]) {
        self.nodes = nodes;
        self.steps = grid.steps;
        self.numbers.clear();
        let rows = nodes.into_iter().flat_map(|node| grid.track(node));
        rows.for_each(|row| self.numbers.extend(row.iter().map(|number| f64::from(*number))));
        self.damaged = nodes.into_iter().find(|node| grid.is_damaged(*node));
        if self.damaged.is_some() {
            self.numbers.fill(0.0);
        }
        let ends = self.numbers.chunks_exact(grid.steps).map(first_of_last);
        self.used = ends.max().unwrap_or(0) + 1;
    }

    /// One coordinate (0, 1, 2: x, y, z) of all samples as the weighted sum of the nodes.
    pub fn blend(&self, coordinate: usize, weights: &[f64; 4], out: &mut Vec<f64>) {
        let row = |node: usize| {
            let start = (3 * node + coordinate) * self.steps;
            &self.numbers[start..start + self.used]
        };
        let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
        let [wa, wb, wc, wd] = *weights;
        out.clear();
        let samples = a.iter().zip(b).zip(c.iter().zip(d));
        out.extend(samples.map(|((a, b), (c, d))| (wa * a + wb * b) + (wc * c + wd * d)));
    }
}

/// The first place from which a row keeps its last value.
fn first_of_last(row: &[f64]) -> usize {
    let last = row.last().copied().unwrap_or(0.0);
    row.iter().rposition(|value| *value != last).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::mesh::Axis;
    use crate::kernels::attpc::pointcloud::Compat;

    #[test]
    fn the_repeated_end_of_a_track_is_left_out() {
        assert_eq!(first_of_last(&[1.0, 2.0, 3.0, 3.0, 3.0]), 2);
        assert_eq!(first_of_last(&[3.0, 3.0]), 0);
        assert_eq!(first_of_last(&[3.0, 4.0]), 1);
    }

    #[test]
    fn a_blend_lies_between_the_nodes_whichever_cells_came_before() {
        let axis = Axis { low: 0.0, high: 9.0, bins: 10 };
        let slab = |ke: usize, polar: usize| {
            [0, 1, 2].map(|c| [1.0, 2.0, 3.0, 3.0].map(|t| t * (c + 10 * ke + 100 * polar) as f32))
        };
        let numbers: Vec<f32> = (0..100).flat_map(|i| slab(i % 10, i / 10)).flatten().collect();
        let grid = TrackGrid::new([axis; 2], 4, &numbers).unwrap();
        let mut cache = CellCache::default();
        let mut track = Vec::new();
        for at in 0..60 {
            let (ke, polar) = (f64::from(at % 7) + 0.25, f64::from(at % 5) + 0.5);
            let cell = grid.locate(ke, polar, Compat::Exact).unwrap();
            cache.open(&grid, &cell).blend(1, &cell.weights, &mut track);
            let one = 1.0 + 10.0 * ke + 100.0 * polar;
            assert_eq!(track.len(), 3);
            assert!(track.iter().zip([1.0, 2.0, 3.0]).all(|(x, t)| (x - t * one).abs() < 1e-9));
        }
    }
}
