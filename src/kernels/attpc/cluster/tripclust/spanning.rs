//! Single linkage: the edges of the minimum spanning tree are the merges.
//!
//! Prim's algorithm: time grows with the square of the triplets, memory with their number.

use crate::kernels::attpc::cluster::tripclust::cut::Merge;
use crate::kernels::attpc::cluster::tripclust::metric::{Tangent, Tangents};

/// Triplets that are looked at together, so that the processor works on them side by side.
const LANES: usize = 8;

/// The merges, in no order.
pub(super) fn merges(tangents: &Tangents) -> Vec<Merge> {
    let Some(count) = tangents.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut outside = Outside::new(tangents);
    let mut here = (0, tangents.get(0));
    let mut merges = Vec::with_capacity(count);
    for _ in 0..count {
        outside.reach(here.0, &here.1);
        let (merge, tangent) = outside.take_nearest();
        here = (merge.b, tangent);
        merges.push(merge);
    }
    merges
}

/// The triplets that are not in the tree yet, with the best edge to each; filled up to whole lanes
/// with entries that nothing reaches.
struct Outside {
    places: [Vec<f64>; 3],
    directions: [Vec<f64>; 3],
    scale: f64,
    distance: Vec<f64>,
    /// Square of the largest distance beside a line that can still make `distance` smaller.
    beside: Vec<f64>,
    /// The tree's end of the best edge.
    from: Vec<u32>,
    number: Vec<u32>,
    count: usize,
}

impl Outside {
    /// All but the first.
    fn new(tangents: &Tangents) -> Outside {
        let count = tangents.len() - 1;
        let padded = count.next_multiple_of(LANES);
        let rest = |column: &Vec<f64>| {
            let mut column = column[1..].to_vec();
            column.resize(padded, 0.0);
            column
        };
        let mut beside = vec![f64::INFINITY; count];
        beside.resize(padded, f64::NEG_INFINITY);
        Outside {
            places: [0, 1, 2].map(|axis| rest(&tangents.places[axis])),
            directions: [0, 1, 2].map(|axis| rest(&tangents.directions[axis])),
            scale: tangents.scale,
            distance: vec![f64::INFINITY; padded],
            beside,
            from: vec![0; padded],
            number: (1..=padded as u32).collect(),
            count,
        }
    }

    /// Offers an edge from a new triplet of the tree to every one outside. Most are rejected by how
    /// far they lie beside its line, which needs neither a root nor a division.
    fn reach(&mut self, number: u32, here: &Tangent) {
        let [x, y, z] = &self.places;
        let columns = x
            .chunks_exact(LANES)
            .zip(y.chunks_exact(LANES))
            .zip(z.chunks_exact(LANES))
            .zip(self.beside.chunks_exact(LANES));
        let mut offers = Vec::new();
        for (chunk, (((x, y), z), beside)) in columns.enumerate() {
            if chunk * LANES >= self.count {
                break;
            }
            let mut margin = [0.0; LANES];
            for lane in 0..LANES {
                margin[lane] = beside[lane] - here.beside_squared([x[lane], y[lane], z[lane]]);
            }
            if margin.iter().any(|margin| *margin > 0.0) {
                let near = (0..LANES).filter(|lane| margin[*lane] > 0.0);
                offers.extend(near.map(|lane| chunk * LANES + lane));
            }
        }
        for at in offers {
            let distance = here.distance(&self.tangent(at), self.scale);
            if distance < self.distance[at] {
                self.distance[at] = distance;
                self.beside[at] = (distance * self.scale) * (distance * self.scale);
                self.from[at] = number;
            }
        }
    }

    fn tangent(&self, at: usize) -> Tangent {
        let [x, y, z] = &self.places;
        let [u, v, w] = &self.directions;
        Tangent { place: [x[at], y[at], z[at]], direction: [u[at], v[at], w[at]] }
    }

    /// Takes the nearest triplet out; the last one moves to its place.
    fn take_nearest(&mut self) -> (Merge, Tangent) {
        let nearest = lowest(&self.distance[..self.count.next_multiple_of(LANES)]);
        let tangent = self.tangent(nearest);
        let merge = Merge {
            a: self.from[nearest],
            b: self.number[nearest],
            height: self.distance[nearest],
        };
        let last = self.count - 1;
        for column in self.places.iter_mut().chain(&mut self.directions) {
            column.swap(nearest, last);
        }
        self.distance.swap(nearest, last);
        self.distance[last] = f64::INFINITY;
        self.beside.swap(nearest, last);
        self.beside[last] = f64::NEG_INFINITY;
        self.from.swap(nearest, last);
        self.number.swap(nearest, last);
        self.count = last;
        (merge, tangent)
    }
}

/// Place of the lowest value, the first of equals; the values come in whole lanes.
fn lowest(values: &[f64]) -> usize {
    let mut low = [f64::INFINITY; LANES];
    for chunk in values.chunks_exact(LANES) {
        for lane in 0..LANES {
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
        }
    }
    let low = low.into_iter().fold(f64::INFINITY, f64::min);
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
        for count in [3, 40, 160] {
            let points = smooth::smoothed(&sample::tracks(count as u64, count), 20.0);
            let found = triplets::find(&points, &params());
            let tangents = Tangents::new(&points, &found, 3.0);
            let mut heights: Vec<f64> =
                merges(&tangents).iter().map(|merge| merge.height).collect();
            heights.sort_by(f64::total_cmp);
            assert_eq!(heights, kruskal(&tangents));
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
