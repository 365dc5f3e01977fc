//! Single linkage: the edges of the minimum spanning tree are the merges.
//!
//! Prim's algorithm: time grows with the square of the triplets, memory with their number. The tree
//! is found in single precision, relative to the middle of the cloud, and its edges are then told in
//! double; so an edge may be another one that is longer by a millionth of the cloud's extent.

use crate::kernels::attpc::cluster::tripclust::cut::Merge;
use crate::kernels::attpc::cluster::tripclust::metric::{FARTHEST, Tangents};

/// Triplets that are looked at together, so that the processor works on them side by side.
const LANES: usize = 8;

/// The merges, in no order.
pub(super) fn merges(tangents: &Tangents) -> Vec<Merge> {
    let Some(count) = tangents.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut outside = Outside::new(tangents);
    let mut here = outside.take(0);
    let mut merges = Vec::with_capacity(count);
    for _ in 0..count {
        outside.reach(here.number, &here.place, &here.direction);
        here = outside.take(lowest(outside.distances()));
        let [a, b] = [here.from, here.number].map(|number| tangents.get(number as usize));
        let height = a.distance(&b, tangents.scale);
        merges.push(Merge { a: here.from, b: here.number, height });
    }
    merges
}

/// The triplets that are not in the tree yet, with the best edge to each; filled up to whole lanes
/// with such that were taken.
struct Outside {
    /// In units of the distance that counts as much as an angle of 45 degrees.
    places: [Vec<f32>; 3],
    directions: [Vec<f32>; 3],
    /// Length of the best edge; infinite once the triplet was taken.
    distance: Vec<f32>,
    /// The tree's end of that edge.
    from: Vec<u32>,
    number: Vec<u32>,
    count: usize,
}

/// A triplet that was taken into the tree, and from which other one.
struct Taken {
    number: u32,
    from: u32,
    place: [f32; 3],
    direction: [f32; 3],
}

impl Outside {
    fn new(tangents: &Tangents) -> Outside {
        let count = tangents.len();
        let padded = count.next_multiple_of(LANES);
        let fill = |values: &mut dyn Iterator<Item = f64>| {
            let mut column: Vec<f32> = values.map(|value| value as f32).collect();
            column.resize(padded, 0.0);
            column
        };
        let place = |axis: usize| {
            let column = &tangents.places[axis];
            let low = column.iter().copied().fold(f64::INFINITY, f64::min);
            let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let middle = 0.5 * (low + high);
            fill(&mut column.iter().map(|value| (value - middle) / tangents.scale))
        };
        let direction = |axis: usize| fill(&mut tangents.directions[axis].iter().copied());
        Outside {
            places: [0, 1, 2].map(place),
            directions: [0, 1, 2].map(direction),
            distance: vec![f32::INFINITY; padded],
            from: vec![0; padded],
            number: (0..padded as u32).collect(),
            count,
        }
    }

    /// Lengths of the best edges, in whole lanes.
    fn distances(&self) -> &[f32] {
        &self.distance[..self.count.next_multiple_of(LANES)]
    }

    /// Offers an edge from a new triplet of the tree to every one outside.
    fn reach(&mut self, number: u32, place: &[f32; 3], direction: &[f32; 3]) {
        let padded = self.count.next_multiple_of(LANES);
        let [x, y, z] = [0, 1, 2].map(|axis| self.places[axis].chunks_exact(LANES));
        let [u, v, w] = [0, 1, 2].map(|axis| self.directions[axis].chunks_exact(LANES));
        let columns = x.zip(y).zip(z).zip(u.zip(v).zip(w));
        let distance = self.distance[..padded].chunks_exact_mut(LANES);
        let best = distance.zip(self.from.chunks_exact_mut(LANES));
        for ((distance, from), (((x, y), z), ((u, v), w))) in best.zip(columns) {
            let mut offers = [0.0; LANES];
            for lane in 0..LANES {
                let step = [x[lane] - place[0], y[lane] - place[1], z[lane] - place[2]];
                offers[lane] = length(step, *direction, [u[lane], v[lane], w[lane]]);
            }
            let mut nearer = [0_u32; LANES];
            for lane in 0..LANES {
                nearer[lane] = u32::from(offers[lane] < distance[lane]);
            }
            if nearer.iter().sum::<u32>() > 0 {
                for lane in 0..LANES {
                    from[lane] = if nearer[lane] > 0 { number } else { from[lane] };
                    distance[lane] = distance[lane].min(offers[lane]);
                }
            }
        }
        // What was taken stays so.
        self.distance[self.count..padded].fill(f32::INFINITY);
    }

    /// Takes a triplet out; the last one moves to its place.
    fn take(&mut self, at: usize) -> Taken {
        let of = |columns: &[Vec<f32>; 3]| [columns[0][at], columns[1][at], columns[2][at]];
        let taken = Taken {
            number: self.number[at],
            from: self.from[at],
            place: of(&self.places),
            direction: of(&self.directions),
        };
        let last = self.count - 1;
        for column in self.places.iter_mut().chain(&mut self.directions) {
            column.swap(at, last);
        }
        self.distance.swap(at, last);
        self.distance[last] = f32::INFINITY;
        self.from.swap(at, last);
        self.number.swap(at, last);
        self.count = last;
        taken
    }
}

/// Distance of two triplets from the step between their places. Vector products keep their precision
/// where lines are nearly one, as most that matter are.
#[inline]
fn length(step: [f32; 3], a: [f32; 3], b: [f32; 3]) -> f32 {
    let [to_a, to_b] = [cross_squared(step, a), cross_squared(step, b)];
    let beside = if to_a > to_b { to_a } else { to_b };
    let cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let tangent = (cross_squared(a, b) / (cosine * cosine)).sqrt();
    let tangent = if tangent < FARTHEST as f32 { tangent } else { FARTHEST as f32 };
    beside.sqrt() + tangent
}

/// Square of the length of a vector product.
#[inline]
fn cross_squared(a: [f32; 3], b: [f32; 3]) -> f32 {
    let x = a[1] * b[2] - a[2] * b[1];
    let y = a[2] * b[0] - a[0] * b[2];
    let z = a[0] * b[1] - a[1] * b[0];
    x * x + y * y + z * z
}

/// Place of the lowest value, the first of equals; the values come in whole lanes.
fn lowest(values: &[f32]) -> usize {
    let mut low = [f32::INFINITY; LANES];
    for chunk in values.chunks_exact(LANES) {
        for lane in 0..LANES {
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
        }
    }
    let low = low.into_iter().fold(f32::INFINITY, f32::min);
    values.iter().position(|value| *value == low).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::sample;
    use crate::kernels::attpc::cluster::tripclust::tests::params;
    use crate::kernels::attpc::cluster::tripclust::{smooth, triplets};

    #[test]
    fn the_tree_is_that_of_a_search_through_all_edges() {
        for (count, scale) in [(3, 3.0), (40, 3.0), (160, 3.0), (150, 1e-3), (150, 1e3)] {
            let points = smooth::smoothed(&sample::tracks(count as u64, count), 20.0);
            let found = triplets::find(&points, &params());
            let tangents = Tangents::new(&points, &found, scale);
            let mut heights: Vec<f64> =
                merges(&tangents).iter().map(|merge| merge.height).collect();
            heights.sort_by(f64::total_cmp);
            let expected = kruskal(&tangents);
            assert_eq!(heights.len(), expected.len());
            for (height, expected) in heights.iter().zip(&expected) {
                let off = (height - expected).abs();
                assert!(off < 1e-3 / scale + 1e-4 * expected, "{height} {expected} {scale}");
            }
        }
    }

    fn kruskal(tangents: &Tangents) -> Vec<f64> {
        let count = tangents.len();
        let mut edges: Vec<(f64, usize, usize)> = Vec::new();
        for a in 0..count {
            for b in a + 1..count {
                edges.push((tangents.get(a).distance(&tangents.get(b), tangents.scale), a, b));
            }
        }
        edges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut tree: Vec<usize> = (0..count).collect();
        let mut heights = Vec::new();
        for (height, a, b) in edges {
            let [a, b] = [tree[a], tree[b]];
            if a != b {
                tree.iter_mut().filter(|root| **root == b).for_each(|root| *root = a);
                heights.push(height);
            }
        }
        heights
    }
}
