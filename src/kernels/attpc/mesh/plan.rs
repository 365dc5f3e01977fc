//! Nodes and times of a mesh, and its slabs in batches.

use rayon::prelude::*;

use crate::kernels::attpc::mesh::grid::Axis;
use crate::kernels::attpc::mesh::track::Tracker;

/// First time at which tracks are recorded, in s.
const FIRST_TIME_S: f64 = 1e-11;

/// The nodes of a mesh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshPlan {
    /// Kinetic energies in MeV.
    pub ke: Axis,
    /// Polar angles in radians.
    pub polar: Axis,
}

impl MeshPlan {
    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.ke.bins * self.polar.bins
    }

    /// Energy and angle of a node; the energy is the faster index.
    pub fn node(&self, node: usize) -> (f64, f64) {
        (self.ke.value(node % self.ke.bins), self.polar.value(node / self.ke.bins))
    }

    /// The longest time in s that a track of these nodes takes.
    pub fn longest_time(&self, tracker: &Tracker, nodes: std::ops::Range<usize>) -> f64 {
        let time = |node| {
            let (ke, polar) = self.node(node);
            tracker.end_time(ke, polar)
        };
        nodes.into_par_iter().map(time).reduce(|| 0.0, f64::max)
    }

    /// The slabs of these nodes, one after the other: x of all times, then y, then z.
    pub fn slabs(
        &self,
        tracker: &Tracker,
        times: &[f64],
        nodes: std::ops::Range<usize>,
    ) -> Vec<f64> {
        let first = nodes.start;
        let mut slabs = vec![0.0; nodes.len() * 3 * times.len()];
        slabs.par_chunks_exact_mut(3 * times.len()).enumerate().for_each(|(at, slab)| {
            tracker.positions(self.node(first + at), times, slab);
        });
        slabs
    }
}

/// The common times of all tracks, in s: a geometric series that ends at `longest`.
pub fn time_steps(longest: f64, count: usize) -> Vec<f64> {
    let [first, last] = [FIRST_TIME_S, longest].map(f64::log10);
    let time = |at: usize| match at {
        0 => FIRST_TIME_S,
        _ if at + 1 == count => longest,
        _ => 10f64.powf(first + (last - first) * at as f64 / (count - 1) as f64),
    };
    (0..count).map(time).collect()
}
