//! Complete and average linkage, by chains of nearest neighbours (F. Murtagh, Computer Journal 26
//! (1983) 354): time and memory grow with the square of the triplets.

use crate::kernels::attpc::cluster::tripclust::cut::Merge;
use crate::kernels::attpc::cluster::tripclust::metric::Tangents;

/// Distance of a cluster to the union of two others, from its distances to both and their sizes.
pub(super) type Update = fn([f32; 2], [f32; 2]) -> f32;

/// The largest distance of any two members.
pub(super) fn complete(distances: [f32; 2], _: [f32; 2]) -> f32 {
    distances[0].max(distances[1])
}

/// The mean distance of members.
pub(super) fn average(distances: [f32; 2], sizes: [f32; 2]) -> f32 {
    (distances[0] * sizes[0] + distances[1] * sizes[1]) / (sizes[0] + sizes[1])
}

/// The merges, so that none comes before those of its parts and none is lower than they are.
pub(super) fn merges(tangents: &Tangents, update: Update) -> Vec<Merge> {
    let count = tangents.len();
    let mut clusters = Clusters::new(tangents);
    let mut merges = Vec::with_capacity(count.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    while merges.len() + 1 < count {
        let top = chain.last().copied().unwrap_or(clusters.alive[0]);
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let (nearest, distance) = clusters.nearest(top, before);
        if chain.is_empty() {
            chain.push(top);
        }
        if Some(nearest) == before {
            chain.truncate(chain.len() - 2);
            merges.push(clusters.merge(nearest, top, distance, update));
        } else {
            chain.push(nearest);
        }
    }
    merges
}

/// Distances of clusters, each known by one of its triplets.
struct Clusters {
    /// Those of each pair of triplets, a row for the larger number.
    distances: Vec<f32>,
    sizes: Vec<f32>,
    heights: Vec<f32>,
    alive: Vec<usize>,
}

fn place(a: usize, b: usize) -> usize {
    let (low, high) = (a.min(b), a.max(b));
    high * (high - 1) / 2 + low
}

impl Clusters {
    fn new(tangents: &Tangents) -> Clusters {
        let count = tangents.len();
        let mut distances = Vec::with_capacity(count * count.saturating_sub(1) / 2);
        for high in 1..count {
            let here = tangents.get(high);
            let row = (0..high).map(|low| here.distance(&tangents.get(low), tangents.scale) as f32);
            distances.extend(row);
        }
        let alive = (0..count).collect();
        Clusters { distances, sizes: vec![1.0; count], heights: vec![0.0; count], alive }
    }

    /// The nearest other cluster: the preferred one where it is as near as any, else the first.
    fn nearest(&self, here: usize, preferred: Option<usize>) -> (usize, f32) {
        let mut best = preferred.map(|other| (other, self.distances[place(here, other)]));
        for other in self.alive.iter().filter(|other| **other != here) {
            let distance = self.distances[place(here, *other)];
            if best.is_none_or(|(_, lowest)| distance < lowest) {
                best = Some((*other, distance));
            }
        }
        best.expect("there is another cluster while merges are missing")
    }

    /// Merges `b` into `a`.
    fn merge(&mut self, a: usize, b: usize, distance: f32, update: Update) -> Merge {
        self.alive.retain(|other| *other != b);
        let sizes = [self.sizes[a], self.sizes[b]];
        for other in self.alive.iter().filter(|other| **other != a) {
            let [to_a, to_b] = [place(a, *other), place(b, *other)];
            let both = [self.distances[to_a], self.distances[to_b]];
            self.distances[to_a] = update(both, sizes);
        }
        // Means may be lower than their parts by rounding.
        let height = distance.max(self.heights[a]).max(self.heights[b]);
        self.sizes[a] = sizes[0] + sizes[1];
        self.heights[a] = height;
        Merge { a: a as u32, b: b as u32, height: f64::from(height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Triplets that lie beside each other at these places, so that distances are differences.
    fn beside(places: &[f64]) -> Tangents {
        let count = places.len();
        Tangents {
            places: [vec![0.0; count], places.to_vec(), vec![0.0; count]],
            directions: [vec![1.0; count], vec![0.0; count], vec![0.0; count]],
            scale: 1.0,
        }
    }

    fn heights(places: &[f64], update: Update) -> Vec<f64> {
        let mut heights: Vec<f64> =
            merges(&beside(places), update).iter().map(|merge| merge.height).collect();
        heights.sort_by(f64::total_cmp);
        heights
    }

    #[test]
    fn heights_are_largest_and_mean_distances() {
        let places = [7.0, 0.0, 1.0, 20.0, 5.0];
        assert_eq!(heights(&places, complete), [1.0, 2.0, 7.0, 20.0]);
        let mean = (5.0 + 7.0 + 4.0 + 6.0) / 4.0;
        let last = (20.0 + 19.0 + 15.0 + 13.0) / 4.0;
        assert_eq!(heights(&places, average), [1.0, 2.0, mean, last]);
        assert!(heights(&[3.0], complete).is_empty());
        assert!(heights(&[], average).is_empty());
    }
}
