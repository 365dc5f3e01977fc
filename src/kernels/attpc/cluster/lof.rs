//! Local outlier factor (M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, SIGMOD 2000, 93): how
//! much thinner the surroundings of a point are than those of its neighbours.

use std::ops::Range;

use crate::kernels::attpc::cluster::neighbors::{Near, Sorted, Window};

/// Points above this factor are outliers.
const LIMIT: f64 = 1.5;
/// Keeps the density of points in one place finite; scikit-learn's value.
const LEAST_REACH: f64 = 1e-10;
/// Most neighbours of all points together that are kept, which takes 3 MiB.
const MOST_KEPT: usize = 1 << 18;
/// Fewest neighbours that are asked for.
const FEWEST_NEIGHBORS: usize = 2;

/// Tells for every point whether it is an outlier; `scale` times the points is how many neighbours
/// are looked at. Fewer than two points have no outliers.
pub(super) fn outliers(points: &[[f64; 3]], scale: f64) -> Vec<bool> {
    let count = points.len();
    if count < 2 {
        return vec![false; count];
    }
    let wanted = (scale * count as f64) as usize;
    let k = wanted.max(FEWEST_NEIGHBORS).min(count - 1);
    let sorted = Sorted::new(points);
    let factors = sorted.unsorted(&factors(&sorted, k));
    factors.into_iter().map(|factor| factor > LIMIT).collect()
}

/// Factors of all points, in sorted order.
fn factors(points: &Sorted, k: usize) -> Vec<f64> {
    if points.len() * k <= MOST_KEPT {
        let neighbors = Neighbors::find(points, k);
        factors_with(k, &neighbors.kth, |at, values, term| neighbors.sum(at, values, term))
    } else {
        let kth_squared = points.kth_squared(k);
        let kth: Vec<f64> = kth_squared.iter().map(|squared| squared.sqrt()).collect();
        let mut neighborhood = Neighborhood::new(points, &kth_squared, k);
        factors_with(k, &kth, |at, values, term| neighborhood.sum(at, kth[at], values, term))
    }
}

/// A term of a sum over neighbours.
#[derive(Clone, Copy)]
enum Term {
    /// The larger of the distance and the neighbour's value, which is its own reach.
    Reach,
    /// The neighbour's value.
    Value,
}

/// The factors, given the reach of each point and a sum over the neighbours of one.
fn factors_with(
    k: usize,
    kth: &[f64],
    mut sum: impl FnMut(usize, &[f64], Term) -> f64,
) -> Vec<f64> {
    let mut density = Vec::with_capacity(kth.len());
    for at in 0..kth.len() {
        density.push(1.0 / (sum(at, kth, Term::Reach) / k as f64 + LEAST_REACH));
    }
    let factor = |at: usize| sum(at, &density, Term::Value) / k as f64 / density[at];
    (0..kth.len()).map(factor).collect()
}

/// The `k` neighbours of every point, for clusters that are small enough to keep them.
struct Neighbors {
    k: usize,
    /// Distance to the farthest neighbour.
    kth: Vec<f64>,
    places: Vec<u32>,
    distances: Vec<f64>,
}

impl Neighbors {
    fn find(points: &Sorted, k: usize) -> Neighbors {
        let mut kth = Vec::with_capacity(points.len());
        // One more, because a candidate is written before it is known to be none.
        let mut places = vec![0; points.len() * k + 1];
        let mut distances = vec![0.0; points.len() * k + 1];
        points.visit(k, |limit, near| {
            let (here, own) = (kth.len(), kth.len() * k);
            let mut next = own;
            for (place, squared) in near.places.iter().zip(&near.squared) {
                places[next] = *place;
                distances[next] = *squared;
                next += usize::from(*squared < limit) & usize::from(*place as usize != here);
            }
            let equal = farthest(points, near, limit, here);
            for (at, place) in (next..own + k).zip(equal) {
                places[at] = place;
                distances[at] = limit;
            }
            kth.push(limit.sqrt());
        });
        distances.iter_mut().for_each(|squared| *squared = squared.sqrt());
        Neighbors { k, kth, places, distances }
    }

    fn sum(&self, at: usize, values: &[f64], term: Term) -> f64 {
        let own = at * self.k..(at + 1) * self.k;
        let values = self.places[own.clone()].iter().map(|place| values[*place as usize]);
        match term {
            Term::Value => values.sum(),
            Term::Reach => {
                let pairs = values.zip(&self.distances[own]);
                pairs
                    .map(|(reach, distance)| if *distance > reach { *distance } else { reach })
                    .sum()
            }
        }
    }
}

/// Places of the other points that are exactly as far away as the farthest neighbour, in the order of
/// the input: as many of the first ones as are needed are neighbours.
fn farthest(points: &Sorted, near: &Near, limit: f64, here: usize) -> Vec<u32> {
    let all = near.places.iter().zip(&near.squared);
    let equal = |(place, squared): &(&u32, &f64)| **squared == limit && **place as usize != here;
    let mut places: Vec<u32> = all.filter(equal).map(|(place, _)| *place).collect();
    places.sort_by_key(|place| points.place(*place as usize));
    places
}

/// The same sums for large clusters, whose neighbours are found anew each time because keeping them
/// takes memory that grows with the square of the points.
struct Neighborhood<'p> {
    points: &'p Sorted,
    kth_squared: &'p [f64],
    k: usize,
    window: Window,
    squared: Vec<f64>,
}

impl<'p> Neighborhood<'p> {
    fn new(points: &'p Sorted, kth_squared: &'p [f64], k: usize) -> Neighborhood<'p> {
        Neighborhood { points, kth_squared, k, window: points.window(), squared: Vec::new() }
    }

    fn sum(&mut self, at: usize, radius: f64, values: &[f64], term: Term) -> f64 {
        match term {
            Term::Value => self.sum_of(at, radius, values, |_, value| value),
            Term::Reach => self.sum_of(at, radius, values, |squared, reach| {
                let distance = squared.sqrt();
                if distance > reach { distance } else { reach }
            }),
        }
    }

    /// The sum of `term(squared distance, value)` over the neighbours of a point.
    fn sum_of(
        &mut self,
        at: usize,
        radius: f64,
        values: &[f64],
        term: impl Fn(f64, f64) -> f64 + Copy,
    ) -> f64 {
        // A root may round down, so the window is a hair wider than the radius.
        let window = self.window.about(self.points, at, radius * (1.0 + 1e-12));
        self.points.squared(at, window.clone(), &mut self.squared);
        // The point itself is none of its neighbours; no distance is infinite.
        self.squared[at - window.start] = f64::INFINITY;
        let limit = self.kth_squared[at];
        let values = &values[window.clone()];
        let (sum, found) = sum_within(&self.squared, values, limit, term);
        if found == self.k {
            return sum;
        }
        let surplus = self.farthest(window, limit).skip(self.k.saturating_sub(self.nearer(limit)));
        surplus.fold(sum, |sum, place| sum - term(limit, values[place]))
    }

    /// How many neighbours are nearer than the farthest.
    fn nearer(&self, limit: f64) -> usize {
        self.squared.iter().filter(|squared| **squared < limit).count()
    }

    /// Places in the window of all points as far away as the farthest neighbour, in the order of
    /// the input: the first of them are the neighbours.
    fn farthest(&self, window: Range<usize>, limit: f64) -> impl Iterator<Item = usize> + use<> {
        let equal = |place: &usize| self.squared[*place] == limit;
        let mut places: Vec<usize> = (0..self.squared.len()).filter(equal).collect();
        places.sort_by_key(|place| self.points.place(window.start + place));
        places.into_iter()
    }
}

/// Sum and number of the terms within a limit, in lanes that the processor can add side by side.
fn sum_within(
    squared: &[f64],
    values: &[f64],
    limit: f64,
    term: impl Fn(f64, f64) -> f64 + Copy,
) -> (f64, usize) {
    const LANES: usize = 4;
    let mut sums = [0.0; LANES];
    let mut counts = [0.0; LANES];
    let mut add = |lane: usize, squared: f64, value: f64| {
        let inside = squared <= limit;
        let term = term(squared, value);
        sums[lane] += if inside { term } else { 0.0 };
        counts[lane] += if inside { 1.0 } else { 0.0 };
    };
    let (squared_chunks, squared_rest) = squared.as_chunks::<LANES>();
    let (value_chunks, value_rest) = values.as_chunks::<LANES>();
    for (squared, values) in squared_chunks.iter().zip(value_chunks) {
        for lane in 0..LANES {
            add(lane, squared[lane], values[lane]);
        }
    }
    for (lane, (squared, value)) in squared_rest.iter().zip(value_rest).enumerate() {
        add(lane, *squared, *value);
    }
    let total = |lanes: [f64; LANES]| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    (total(sums), total(counts) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::sample;

    /// The definition, with all distances.
    fn plain(points: &[[f64; 3]], k: usize) -> Vec<f64> {
        let squared = |a: usize, b: usize| {
            let [dx, dy, dz] = [0, 1, 2].map(|axis| points[b][axis] - points[a][axis]);
            dx * dx + dy * dy + dz * dz
        };
        let neighbors: Vec<Vec<(f64, usize)>> = (0..points.len())
            .map(|at| {
                let others = (0..points.len()).filter(|other| *other != at);
                let mut all: Vec<(f64, usize)> =
                    others.map(|other| (squared(at, other), other)).collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                all.truncate(k);
                all
            })
            .collect();
        let kth = |at: usize| neighbors[at][k - 1].0.sqrt();
        let density = |at: usize| {
            let reach =
                neighbors[at].iter().map(|(squared, other)| squared.sqrt().max(kth(*other)));
            1.0 / (reach.sum::<f64>() / k as f64 + LEAST_REACH)
        };
        let factor = |at: usize| {
            let sum: f64 = neighbors[at].iter().map(|(_, other)| density(*other)).sum();
            sum / k as f64 / density(at)
        };
        (0..points.len()).map(factor).collect()
    }

    #[test]
    fn factors_are_those_of_the_definition_ties_included() {
        let grid: Vec<[f64; 3]> =
            (0..100).map(|i| [i % 10, i / 10, i % 3].map(f64::from)).collect();
        for points in [sample::tracks(7, 140), grid, vec![[1.0; 3]; 9], vec![[0.0; 3], [1.0; 3]]] {
            for k in [1, 2, 5, 8].into_iter().filter(|k| *k < points.len()) {
                let sorted = Sorted::new(&points);
                let kept = sorted.unsorted(&factors(&sorted, k));
                let squared = sorted.kth_squared(k);
                let kth: Vec<f64> = squared.iter().map(|squared| squared.sqrt()).collect();
                let mut anew = Neighborhood::new(&sorted, &squared, k);
                let anew =
                    factors_with(k, &kth, |at, values, term| anew.sum(at, kth[at], values, term));
                for found in [kept, sorted.unsorted(&anew)] {
                    for (found, expected) in found.iter().zip(plain(&points, k)) {
                        let near = (found - expected).abs() < 1e-9 * expected;
                        assert!(near, "{k} {found} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_point_far_from_a_track_is_an_outlier() {
        let mut points: Vec<[f64; 3]> =
            (0..40).map(|i| [2.0 * f64::from(i), f64::from(i), f64::from(i) / 3.0]).collect();
        points.push([10.0, 60.0, 14.0]);
        let found = outliers(&points, 0.1);
        assert!(found[40] && !found[..40].contains(&true));
        assert_eq!(outliers(&points[..1], 0.1), [false]);
        assert_eq!(outliers(&points[..2], 0.1), [false; 2]);
    }
}
