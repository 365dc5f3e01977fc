//! HDBSCAN (R. J. G. B. Campello, D. Moulavi, J. Sander, PAKDD 2013, LNCS 7819, 160) with the rules
//! of scikit-learn's implementation, whose results the peer relies on.
//!
//! Equal weights are common because core distances repeat, so the rules for them are part of the
//! method: Prim starts at the first point, a candidate replaces another only when strictly nearer,
//! and edges of equal weight keep the order in which they were found.

use crate::kernels::attpc::cluster::neighbors::Sorted;
use crate::kernels::attpc::cluster::params::HdbscanParams;
use crate::kernels::attpc::cluster::tree;

/// z counts less than x and y, so that clusters break along the drift not sooner than across it.
pub(super) const Z_SCALE: f64 = 584.0 / 1000.0;

/// An edge of the minimum spanning tree of mutual reachability distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    /// The end that was in the tree first.
    pub from: u32,
    pub to: u32,
    pub weight: f64,
}

/// Labels of points: clusters count from 0, -1 is noise.
pub(super) fn labels(points: &[[f64; 3]], params: &HdbscanParams) -> Vec<i64> {
    if points.len() < 2 || points.len() < params.min_points {
        return vec![-1; points.len()];
    }
    let scaled: Vec<[f64; 3]> = points.iter().map(|[x, y, z]| [*x, *y, z * Z_SCALE]).collect();
    let core = core_squares(&scaled, params.min_points);
    let mut edges = spanning_tree(&scaled, &core);
    edges.sort_by(|a, b| a.weight.total_cmp(&b.weight));
    let min_cluster_size = params.min_cluster_size(points.len());
    tree::labels(&edges, min_cluster_size, params.cluster_selection_epsilon)
}

/// Squared distances to the `min_points`-th nearest point, where the point itself is the first.
fn core_squares(points: &[[f64; 3]], min_points: usize) -> Vec<f64> {
    let sorted = Sorted::new(points);
    sorted.unsorted(&sorted.kth_squared(min_points - 1))
}

/// Prim's algorithm over the complete graph: time grows with the square of the points, memory with
/// their number.
fn spanning_tree(points: &[[f64; 3]], core: &[f64]) -> Vec<Edge> {
    let mut outside = Outside::new(points, core);
    let mut here = 0;
    let mut edges = Vec::with_capacity(points.len() - 1);
    for _ in 1..points.len() {
        outside.reach(here as u32, points[here], core[here]);
        let edge = outside.take_nearest();
        here = edge.to as usize;
        edges.push(edge);
    }
    edges
}

/// Points that are looked at together, so that the processor works on them side by side.
const LANES: usize = 8;

/// The points that are not in the tree yet, in their order, with the best edge to each; filled up
/// to whole lanes with entries that look like points already taken.
///
/// Weights are kept as squares, because few offers are good enough to be worth a root. The root of
/// the largest square is the largest of the roots, so no weight differs for it; but two squares may
/// have one root, and that is why roots decide.
struct Outside {
    xyz: [Vec<f64>; 3],
    /// Squared core distance; infinite once the point was taken.
    core: Vec<f64>,
    /// Squared weight of the best edge; infinite once the point was taken.
    weight: Vec<f64>,
    /// The tree's end of that edge.
    from: Vec<u32>,
    number: Vec<u32>,
    taken: usize,
}

impl Outside {
    fn new(points: &[[f64; 3]], core: &[f64]) -> Outside {
        let column = |axis: usize| points[1..].iter().map(|point| point[axis]).collect();
        let mut outside = Outside {
            xyz: [column(0), column(1), column(2)],
            core: core[1..].to_vec(),
            weight: vec![f64::INFINITY; points.len() - 1],
            from: vec![0; points.len() - 1],
            number: (1..points.len() as u32).collect(),
            taken: 0,
        };
        outside.resize(points.len() - 1);
        outside
    }

    /// Offers every point an edge to the newest point of the tree.
    fn reach(&mut self, newest: u32, [x, y, z]: [f64; 3], core: f64) {
        let [xs, ys, zs] = self.xyz.each_ref().map(|axis| axis.as_chunks::<LANES>().0);
        let places = xs.iter().zip(ys).zip(zs);
        let cores = self.core.as_chunks::<LANES>().0;
        let weights = self.weight.as_chunks_mut::<LANES>().0;
        let from = self.from.as_chunks_mut::<LANES>().0;
        let best = weights.iter_mut().zip(from);
        for ((((xs, ys), zs), cores), (weights, from)) in places.zip(cores).zip(best) {
            let mut offers = [0.0; LANES];
            let mut nearer = false;
            for lane in 0..LANES {
                let (dx, dy, dz) = (x - xs[lane], y - ys[lane], z - zs[lane]);
                let squared = dx * dx + dy * dy + dz * dz;
                let larger = if core > cores[lane] { core } else { cores[lane] };
                offers[lane] = if squared > larger { squared } else { larger };
                nearer |= offers[lane] < weights[lane];
            }
            if nearer {
                for lane in 0..LANES {
                    let (offer, weight) = (offers[lane], weights[lane]);
                    if offer < weight && offer.sqrt() < weight.sqrt() {
                        weights[lane] = offer;
                        from[lane] = newest;
                    }
                }
            }
        }
    }

    /// Takes the point with the lightest edge, of equal ones the first.
    fn take_nearest(&mut self) -> Edge {
        let square = lowest(&self.weight);
        let weight = square.sqrt();
        let near = square * (1.0 + 4.0 * f64::EPSILON);
        let lightest = |found: &f64| *found <= near && found.sqrt() == weight;
        let at = self.weight.iter().position(lightest);
        let at = at.expect("weights are finite until a point is taken");
        let edge = Edge { from: self.from[at], to: self.number[at], weight };
        // No square is below an infinite weight, and an infinite core lets none be offered.
        self.weight[at] = f64::INFINITY;
        self.core[at] = f64::INFINITY;
        self.taken += 1;
        if self.taken * 16 > self.weight.len() {
            self.forget_taken();
        }
        edge
    }

    /// Drops points that were taken, now and then, so that later rounds are shorter.
    fn forget_taken(&mut self) {
        let mut kept = 0;
        for at in 0..self.core.len() {
            for axis in &mut self.xyz {
                axis[kept] = axis[at];
            }
            self.core[kept] = self.core[at];
            self.weight[kept] = self.weight[at];
            self.from[kept] = self.from[at];
            self.number[kept] = self.number[at];
            kept += usize::from(self.core[at] < f64::INFINITY);
        }
        self.resize(kept);
        self.taken = 0;
    }

    /// Keeps the first points and fills up to whole lanes.
    fn resize(&mut self, points: usize) {
        let whole = points.next_multiple_of(LANES);
        for axis in &mut self.xyz {
            axis.truncate(points);
            axis.resize(whole, 0.0);
        }
        for squares in [&mut self.core, &mut self.weight] {
            squares.truncate(points);
            squares.resize(whole, f64::INFINITY);
        }
        self.from.resize(whole, 0);
        self.number.resize(whole, 0);
    }
}

/// The smallest value, in lanes that the processor can compare side by side.
fn lowest(values: &[f64]) -> f64 {
    let mut lanes = [f64::INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if value < lane { *value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f64::INFINITY, |low, value| low.min(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::sample;

    /// Prim as it is written in textbooks.
    fn plain_tree(points: &[[f64; 3]], core: &[f64]) -> Vec<Edge> {
        let mut best = vec![(f64::INFINITY, 0); points.len()];
        let mut inside = vec![false; points.len()];
        let (mut here, mut edges) = (0, Vec::new());
        for _ in 1..points.len() {
            inside[here] = true;
            for to in 0..points.len() {
                let [dx, dy, dz] = [0, 1, 2].map(|axis| points[here][axis] - points[to][axis]);
                let distance = (dx * dx + dy * dy + dz * dz).sqrt();
                let weight = distance.max(core[here].sqrt()).max(core[to].sqrt());
                if weight < best[to].0 {
                    best[to] = (weight, here);
                }
            }
            let left = (0..points.len()).filter(|at| !inside[*at]);
            let to = left.reduce(|a, b| if best[b].0 < best[a].0 { b } else { a }).unwrap();
            edges.push(Edge { from: best[to].1 as u32, to: to as u32, weight: best[to].0 });
            here = to;
        }
        edges
    }

    #[test]
    fn the_tree_is_that_of_the_plain_algorithm_ties_included() {
        let grid: Vec<[f64; 3]> =
            (0..125).map(|i| [i % 5, i / 5 % 5, i / 25].map(f64::from)).collect();
        for points in [sample::tracks(5, 120), grid, vec![[0.0; 3]; 40], vec![[1.0; 3]; 2]] {
            let core = core_squares(&points, 2);
            assert_eq!(spanning_tree(&points, &core), plain_tree(&points, &core));
        }
    }

    #[test]
    fn weights_whose_squares_differ_are_equal_when_their_roots_are() {
        // 1 + 2 ulp and 1 + 3 ulp have one root; the first of them is taken although it is larger.
        let [far, near] = [3.0, 2.0].map(|ulps: f64| (1.0 + ulps * f64::EPSILON).sqrt());
        assert_eq!((1.0 + 3.0 * f64::EPSILON).sqrt(), (1.0 + 2.0 * f64::EPSILON).sqrt());
        let points = [[0.0; 3], [far, 1e-8, 0.0], [0.0, near, 0.0], [-1.0, 0.0, 2.1e-8]];
        for core in [[0.0; 4], [1.0 + 3.0 * f64::EPSILON; 4]] {
            assert_eq!(spanning_tree(&points, &core), plain_tree(&points, &core));
        }
    }

    #[test]
    fn the_point_itself_counts_for_its_core_distance() {
        let points = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 0.0, 0.0]];
        assert_eq!(core_squares(&points, 1), [0.0, 0.0, 0.0]);
        assert_eq!(core_squares(&points, 2), [1.0, 1.0, 4.0]);
        assert_eq!(core_squares(&points, 3), [9.0, 4.0, 9.0]);
    }
}
