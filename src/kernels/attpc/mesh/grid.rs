//! A mesh of tracks in memory, and the bilinear rule between its nodes.
//!
//! A node is a start energy and a polar angle. Its slab holds x of all time steps, then y, then z,
//! in metres from the vertex, so that a search along a track runs through neighbouring memory. Slabs
//! follow each other with the energy as the faster index, which is the file's order.

use crate::kernels::attpc::pointcloud::Compat;

/// A regular axis of nodes from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub bins: usize,
}

/// Where a value lies on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    lower: usize,
    upper: usize,
    /// Weight of the upper node.
    weight: f64,
}

impl Axis {
    /// The value of a node.
    pub fn value(&self, node: usize) -> f64 {
        if node + 1 == self.bins {
            return self.high;
        }
        self.low + (self.high - self.low) * node as f64 / (self.bins.max(2) - 1) as f64
    }

    /// True for a value between the ends, which are included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Spyral 1.1 spaces its nodes by range / bins although it made them with range / (bins - 1).
    fn place(&self, value: f64, compat: Compat) -> Option<Place> {
        if !self.contains(value) {
            return None;
        }
        let last = self.bins - 1;
        let (intervals, last_lower) = match compat {
            Compat::Exact => (last.max(1), last.saturating_sub(1)),
            Compat::Spyral11 => (self.bins, last),
        };
        let steps = match self.high > self.low {
            true => (value - self.low) / (self.high - self.low) * intervals as f64,
            false => 0.0,
        };
        let lower = (steps.floor() as usize).min(last_lower);
        Some(Place { lower, upper: (lower + 1).min(last), weight: steps - lower as f64 })
    }
}

/// The four nodes around a point and their weights, which sum to 1 in the exact mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub nodes: [usize; 4],
    pub weights: [f64; 4],
}

/// What is wrong with the parts of a grid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("a mesh of {ke} energies, {polar} angles and {steps} time steps has {found} numbers")]
pub struct GridError {
    pub ke: usize,
    pub polar: usize,
    pub steps: usize,
    pub found: usize,
}

/// Tracks of one particle in one gas and field.
#[derive(Clone, Copy, Debug)]
pub struct TrackGrid<'a> {
    /// Kinetic energies at the vertex in MeV.
    pub ke: Axis,
    /// Polar angles at the vertex in radians.
    pub polar: Axis,
    /// Number of time steps of each track.
    pub steps: usize,
    nodes: &'a [f32],
}

impl<'a> TrackGrid<'a> {
    /// Puts axes and numbers together: `nodes[polar][ke][component][step]`.
    pub fn new(
        [ke, polar]: [Axis; 2],
        steps: usize,
        nodes: &'a [f32],
    ) -> Result<TrackGrid<'a>, GridError> {
        if ke.bins * polar.bins * steps * 3 != nodes.len() || nodes.is_empty() {
            let found = nodes.len();
            return Err(GridError { ke: ke.bins, polar: polar.bins, steps, found });
        }
        Ok(TrackGrid { ke, polar, steps, nodes })
    }

    /// All numbers: the slabs of the nodes one after the other.
    pub fn slabs(&self) -> &'a [f32] {
        self.nodes
    }

    /// Number of the node with these indices.
    pub fn index(&self, ke: usize, polar: usize) -> usize {
        ke + self.ke.bins * polar
    }

    /// x, y and z of all time steps of the node with this number, in metres.
    pub fn track(&self, node: usize) -> [&'a [f32]; 3] {
        let length = 3 * self.steps;
        let slab = &self.nodes[node * length..(node + 1) * length];
        let (x, rest) = slab.split_at(self.steps);
        let (y, z) = rest.split_at(self.steps);
        [x, y, z]
    }

    /// x, y and z of all time steps of the node with these indices, in metres.
    pub fn node(&self, ke: usize, polar: usize) -> [&'a [f32]; 3] {
        self.track(self.index(ke, polar))
    }

    /// True when a node's track holds something that is not finite.
    pub fn is_damaged(&self, node: usize) -> bool {
        // No early end within a row, so that several numbers are looked at at once.
        let is_sound = |row: &[f32]| row.iter().fold(true, |all, number| all & number.is_finite());
        !self.track(node).into_iter().all(is_sound)
    }

    /// Kinetic energy in MeV and polar angle in radians of the node with this number.
    pub fn start(&self, node: usize) -> [f64; 2] {
        [self.ke.value(node % self.ke.bins), self.polar.value(node / self.ke.bins)]
    }

    /// The nodes around a kinetic energy (MeV) and polar angle (radians); `None` outside the mesh.
    ///
    /// In its last interval of an axis Spyral 1.1 has no upper node left. There it takes the
    /// weights of the other axis the wrong way round, and with the wrong sign where it is the
    /// energy that ends; the compatible mode repeats that.
    pub fn locate(&self, ke: f64, polar: f64, compat: Compat) -> Option<Cell> {
        let k = self.ke.place(ke, compat)?;
        let p = self.polar.place(polar, compat)?;
        let nodes = [
            self.index(k.lower, p.lower),
            self.index(k.lower, p.upper),
            self.index(k.upper, p.lower),
            self.index(k.upper, p.upper),
        ];
        let (u, v) = (k.weight, p.weight);
        let weights = match (compat, k.lower == k.upper, p.lower == p.upper) {
            (Compat::Spyral11, true, true) => [1.0, 0.0, 0.0, 0.0],
            (Compat::Spyral11, false, true) => [u, 0.0, 1.0 - u, 0.0],
            (Compat::Spyral11, true, false) => [-v, v - 1.0, 0.0, 0.0],
            _ => [(1.0 - u) * (1.0 - v), (1.0 - u) * v, u * (1.0 - v), u * v],
        };
        Some(Cell { nodes, weights })
    }

    /// The track between the nodes of a cell: `out` gets x, y and z of all time steps.
    ///
    /// # Panics
    /// When a slice of `out` is not as long as a track.
    pub fn interpolate(&self, cell: &Cell, out: [&mut [f32]; 3]) {
        let tracks = cell.nodes.map(|node| self.track(node));
        let [a, b, c, d] = cell.weights.map(|weight| weight as f32);
        for (component, out) in out.into_iter().enumerate() {
            let [q, r, s, t] = tracks.map(|track| &track[component][..out.len()]);
            assert_eq!(out.len(), self.steps, "a track has all time steps");
            for at in 0..out.len() {
                out[at] = a * q[at] + b * r[at] + c * s[at] + d * t[at];
            }
        }
    }
}

/// Brings numbers in C order of (step, component, ke, polar), as Spyral writes them, into slabs.
///
/// # Panics
/// When there are fewer numbers than the shape says.
pub fn slabs_of_c_order<T: Copy + Into<f64>>(shape: [usize; 4], numbers: &[T]) -> Vec<f32> {
    let [steps, components, ke_bins, polar_bins] = shape;
    let node_count = ke_bins * polar_bins;
    let mut slabs = vec![0.0; steps * components * node_count];
    for (row, numbers) in numbers.chunks_exact(node_count.max(1)).enumerate() {
        let (step, component) = (row / components, row % components);
        for (at, number) in numbers.iter().enumerate() {
            let (ke, polar) = (at / polar_bins, at % polar_bins);
            let slab = ke + ke_bins * polar;
            slabs[(slab * components + component) * steps + step] = (*number).into() as f32;
        }
    }
    slabs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x of step s at energy k and angle p is 100 s + 10 k + p; y and z are its multiples.
    fn numbers() -> ([Axis; 2], Vec<f32>) {
        let axes = [Axis { low: 1.0, high: 3.0, bins: 3 }, Axis { low: 0.5, high: 1.0, bins: 2 }];
        let mut numbers = Vec::new();
        for polar in 0..2 {
            for ke in 0..3 {
                for component in 1..4 {
                    numbers
                        .extend((0..4).map(|s| (component * (100 * s + 10 * ke + polar)) as f32));
                }
            }
        }
        (axes, numbers)
    }

    fn at(ke: f64, polar: f64, compat: Compat) -> Option<[f32; 3]> {
        let (axes, numbers) = numbers();
        let grid = TrackGrid::new(axes, 4, &numbers).unwrap();
        let cell = grid.locate(ke, polar, compat)?;
        let mut track = [[0.0; 4]; 3];
        grid.interpolate(&cell, track.each_mut().map(|part| part.as_mut_slice()));
        Some(track.map(|part| part[1]))
    }

    #[test]
    fn nodes_are_met_exactly_and_lie_linear_between() {
        let exact = |ke, polar| at(ke, polar, Compat::Exact);
        assert_eq!(exact(1.0, 0.5), Some([100.0, 200.0, 300.0]));
        assert_eq!(exact(3.0, 1.0), Some([121.0, 242.0, 363.0]));
        assert_eq!(exact(2.5, 0.75), Some([115.5, 231.0, 346.5]));
        assert_eq!(exact(3.001, 0.75), None);
        assert_eq!(exact(2.0, 0.499), None);
        assert_eq!(exact(f64::NAN, 0.6), None);
    }

    #[test]
    fn the_compatible_rule_spaces_nodes_too_narrowly() {
        let peer = |ke, polar| at(ke, polar, Compat::Spyral11).map(|track| track[0]);
        // The spacing is 2/3 instead of 1 MeV, and 0.25 instead of 0.5.
        assert_eq!(peer(1.0 + 1.0 / 3.0, 0.5), Some(105.0));
        assert_eq!(peer(1.0 + 2.0 / 3.0, 0.625), Some(110.5));
        // The last intervals: weights the wrong way round, and the sign.
        assert_eq!(peer(1.0 + 1.0 / 6.0, 0.9), Some(100.0 + 1.0 + 7.5));
        assert_eq!(peer(2.9, 0.55), Some(-(120.0 + 0.8)));
        assert_eq!(peer(2.9, 0.9), Some(121.0));
    }

    #[test]
    fn a_mesh_in_c_order_becomes_slabs() {
        let (axes, expected) = numbers();
        let mut c_order = Vec::new();
        for step in 0..4 {
            for component in 1..4 {
                for ke in 0..3 {
                    c_order
                        .extend((0..2).map(|p| f64::from(component * (100 * step + 10 * ke + p))));
                }
            }
        }
        assert_eq!(slabs_of_c_order([4, 3, 3, 2], &c_order), expected);
        let grid = TrackGrid::new(axes, 4, &expected).unwrap();
        assert_eq!(grid.node(2, 1)[1], [42.0, 242.0, 442.0, 642.0]);
        assert!(TrackGrid::new(axes, 5, &expected).is_err());
    }
}
