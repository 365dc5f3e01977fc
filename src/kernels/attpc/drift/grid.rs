//! Bilinear interpolation on a regular grid, as it should be and as Spyral 1.1 does it.

use crate::kernels::attpc::pointcloud::Compat;

/// A regular axis of nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    count: usize,
    spacing: f64,
}

impl Axis {
    /// `count` nodes from the first to the last value. The peer spaces them by range / count.
    pub fn new([low, high]: [f64; 2], count: usize, compat: Compat) -> Axis {
        let intervals = match compat {
            Compat::Exact => count - 1,
            Compat::Spyral11 => count,
        };
        Axis { low, high, count, spacing: (high - low) / intervals as f64 }
    }

    /// The cell of a value; `None` outside of the axis.
    fn locate(&self, value: f64) -> Option<Cell> {
        if !(self.low..=self.high).contains(&value) {
            return None;
        }
        let steps = (value - self.low) / self.spacing;
        let lower = steps.floor() as usize;
        let upper = (lower + 1).min(self.count - 1);
        Some(Cell { lower, upper, part: steps - lower as f64 })
    }
}

/// The two nodes around a value and how far it is from the lower to the upper one.
#[derive(Clone, Copy, Debug)]
struct Cell {
    lower: usize,
    upper: usize,
    part: f64,
}

impl Cell {
    /// Weights of the two nodes.
    fn weights(&self) -> [f64; 2] {
        [1.0 - self.part, self.part]
    }

    /// True in the cell beyond the last node, which only the peer's spacing makes.
    fn is_last(&self) -> bool {
        self.lower == self.upper
    }
}

/// Values on a 2-D grid of nodes, `values[first * second axis + second]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid<const N: usize> {
    axes: [Axis; 2],
    values: Vec<[f64; N]>,
    compat: Compat,
}

impl<const N: usize> Grid<N> {
    pub fn new(axes: [Axis; 2], values: Vec<[f64; N]>, compat: Compat) -> Grid<N> {
        assert_eq!(values.len(), axes[0].count * axes[1].count, "a grid has a value at each node");
        Grid { axes, values, compat }
    }

    /// Bilinear interpolation; NaN outside of the grid.
    pub fn at(&self, first: f64, second: f64) -> [f64; N] {
        let (Some(i), Some(j)) = (self.axes[0].locate(first), self.axes[1].locate(second)) else {
            return [f64::NAN; N];
        };
        let corners = [
            self.node(i.lower, j.lower),
            self.node(i.upper, j.lower),
            self.node(i.lower, j.upper),
            self.node(i.upper, j.upper),
        ];
        let [[i0, i1], [j0, j1]] = match self.compat {
            Compat::Exact => [i.weights(), j.weights()],
            Compat::Spyral11 => peer_weights(i, j),
        };
        let weights = [i0 * j0, i1 * j0, i0 * j1, i1 * j1];
        std::array::from_fn(|n| {
            corners.iter().zip(weights).map(|(corner, weight)| corner[n] * weight).sum()
        })
    }

    /// The value at a node. Only the peer asks for one beyond the last: it then reads on in
    /// memory, into the next row, or behind the table, where its reference grid shows zeros.
    fn node(&self, first: usize, second: usize) -> [f64; N] {
        self.values.get(first * self.axes[1].count + second).copied().unwrap_or([0.0; N])
    }
}

/// In a cell beyond the last node the peer swaps the weights along the other axis; beyond the last
/// node of the second axis alone it also turns their sign around.
fn peer_weights(i: Cell, j: Cell) -> [[f64; 2]; 2] {
    let swapped = |cell: Cell| [cell.part, 1.0 - cell.part];
    match (i.is_last(), j.is_last()) {
        (false, false) => [i.weights(), j.weights()],
        (true, true) => [[1.0, 0.0], [1.0, 0.0]],
        (true, false) => [[1.0, 0.0], swapped(j)],
        (false, true) => [swapped(i), [-1.0, 0.0]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(compat: Compat) -> Grid<1> {
        // The plane 1 + 2 x + 5 y on nodes x = 0, 1, 2 and y = 0, 10.
        let values = [[0.0, 0.0], [0.0, 10.0], [1.0, 0.0], [1.0, 10.0], [2.0, 0.0], [2.0, 10.0]];
        let values = values.map(|[x, y]: [f64; 2]| [1.0 + 2.0 * x + 5.0 * y]).to_vec();
        let axes = [Axis::new([0.0, 2.0], 3, compat), Axis::new([0.0, 10.0], 2, compat)];
        Grid::new(axes, values, compat)
    }

    #[test]
    fn a_plane_is_met_everywhere() {
        let grid = grid(Compat::Exact);
        for [x, y] in [[0.0, 0.0], [0.5, 2.5], [1.0, 10.0], [1.75, 9.0], [2.0, 10.0]] {
            let [found] = grid.at(x, y);
            assert!((found - (1.0 + 2.0 * x + 5.0 * y)).abs() < 1e-12, "({x}, {y}): {found}");
        }
        for [x, y] in [[-0.1, 5.0], [2.1, 5.0], [1.0, -1.0], [1.0, 11.0], [f64::NAN, 1.0]] {
            assert!(grid.at(x, y)[0].is_nan(), "({x}, {y})");
        }
    }

    #[test]
    fn the_peer_is_followed_into_its_last_cells() {
        // By hand from its formulas, with nodes that it takes to be at 0, 2/3, 4/3 and at 0, 5.
        let grid = grid(Compat::Spyral11);
        let check = |x: f64, y: f64, expected: f64| {
            let [found] = grid.at(x, y);
            assert!((found - expected).abs() < 1e-12, "({x}, {y}): {found}");
        };
        check(1.0, 2.5, 29.0);
        // Beyond the last x: 5 at weight 0.2 and 55 at 0.8, the wrong way around.
        check(1.5, 1.0, 5.0 * 0.2 + 55.0 * 0.8);
        // Beyond the last y: swapped and negative.
        check(0.5, 7.0, -(51.0 * 0.75 + 53.0 * 0.25));
        check(1.5, 7.0, 55.0);
        // At the very ends it reads beyond its table.
        check(2.0, 2.5, 0.0);
        check(0.0, 10.0, 3.0);
    }
}
