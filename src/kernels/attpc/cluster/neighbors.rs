//! Distances to nearest neighbours, without a matrix of all distances.
//!
//! Points are sorted along the axis of their largest extent; those within some distance of a point
//! then lie in a window about it. The window of each point follows from what is known of the points
//! just before it, because a ball that holds enough neighbours of one holds enough of the next.

use std::ops::Range;

/// Points before a point whose answers are asked for a bound. More of them give tighter windows
/// where tracks run side by side, at the price of as many distances.
const BOUND_POINTS: usize = 8;
/// Widens bounds against rounding; far above it, far below any distance between pads.
const ROUNDING: f64 = 1.0 + 1e-9;

/// Points sorted along one axis, one array for each coordinate.
pub(super) struct Sorted {
    xyz: [Vec<f64>; 3],
    axis: usize,
    /// Place of each sorted point in the input.
    order: Vec<u32>,
}

impl Sorted {
    /// Sorts points; equal ones keep their order.
    pub fn new(points: &[[f64; 3]]) -> Sorted {
        let axis = longest_axis(points);
        let mut order: Vec<u32> = (0..points.len() as u32).collect();
        if !points.is_sorted_by(|a, b| a[axis] <= b[axis]) {
            order.sort_by(|a, b| points[*a as usize][axis].total_cmp(&points[*b as usize][axis]));
        }
        let column = |at: usize| order.iter().map(|place| points[*place as usize][at]).collect();
        Sorted { xyz: [column(0), column(1), column(2)], axis, order }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Place of a sorted point in the input.
    pub fn place(&self, at: usize) -> usize {
        self.order[at] as usize
    }

    /// Values of sorted points in the order of the input.
    pub fn unsorted(&self, values: &[f64]) -> Vec<f64> {
        let mut result = vec![0.0; values.len()];
        for (value, place) in values.iter().zip(&self.order) {
            result[*place as usize] = *value;
        }
        result
    }

    /// Squared distances between a point and those of a window.
    pub fn squared(&self, at: usize, window: Range<usize>, result: &mut Vec<f64>) {
        let [x, y, z] = &self.xyz;
        let (here_x, here_y, here_z) = (x[at], y[at], z[at]);
        let [x, y, z] = [&x[window.clone()], &y[window.clone()], &z[window]];
        result.resize(x.len(), 0.0);
        for (((value, x), y), z) in result.iter_mut().zip(x).zip(y).zip(z) {
            let (dx, dy, dz) = (x - here_x, y - here_y, z - here_z);
            *value = dx * dx + dy * dy + dz * dz;
        }
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let [x, y, z] = &self.xyz;
        let (dx, dy, dz) = (x[a] - x[b], y[a] - y[b], z[a] - z[b]);
        (dx * dx + dy * dy + dz * dz).sqrt()
    }

    /// A window about the first point, for the others to be moved to.
    pub fn window(&self) -> Window {
        Window { first: 0, end: 0 }
    }

    /// For every point the squared distance to the `k`-th nearest of the others, in sorted order.
    ///
    /// # Panics
    /// When there are not more than `k` points.
    pub fn kth_squared(&self, k: usize) -> Vec<f64> {
        let mut kth = Vec::with_capacity(self.len());
        self.visit(k, |squared, _| kth.push(squared));
        kth
    }

    /// Visits every point in sorted order, with the squared distance to the `k`-th nearest of the
    /// others and all points that may be as near, itself among them.
    ///
    /// # Panics
    /// When there are not more than `k` points.
    pub fn visit(&self, k: usize, mut see: impl FnMut(f64, &Near)) {
        assert!(k < self.len(), "a point has one neighbour less than there are points");
        let mut roots: Vec<f64> = Vec::with_capacity(self.len());
        let mut window = self.window();
        let (mut all, mut near, mut ranked) = (Vec::new(), Near::default(), Vec::new());
        for at in 0..self.len() {
            let before = at.saturating_sub(BOUND_POINTS)..at;
            let bounds = before.map(|other| roots[other] + self.distance(other, at));
            let bound = bounds.fold(f64::INFINITY, f64::min) * ROUNDING;
            let range = window.about(self, at, bound);
            self.squared(at, range.clone(), &mut all);
            near.take_within(&all, range.start, bound * bound);
            // The point itself is among them, as one of the nearest.
            let kth = ranked_value(&near.squared, k, &mut ranked);
            roots.push(kth.sqrt());
            see(kth, &near);
        }
    }
}

/// Points near another, with their squared distances from it.
#[derive(Default)]
pub(super) struct Near {
    /// Places among the sorted points, ascending.
    pub places: Vec<u32>,
    pub squared: Vec<f64>,
}

impl Near {
    /// Takes those points of a window that are not farther than a bound, without a branch that the
    /// processor could only guess.
    fn take_within(&mut self, squared: &[f64], start: usize, bound: f64) {
        self.places.resize(squared.len(), 0);
        self.squared.resize(squared.len(), 0.0);
        let mut kept = 0;
        for (at, value) in squared.iter().enumerate() {
            self.squared[kept] = *value;
            self.places[kept] = (start + at) as u32;
            kept += usize::from(*value <= bound);
        }
        self.places.truncate(kept);
        self.squared.truncate(kept);
    }
}

/// A window of sorted points that follows a moving point.
pub(super) struct Window {
    first: usize,
    end: usize,
}

impl Window {
    /// The points that along the axis lie not farther than `distance` from the one at `at`.
    pub fn about(&mut self, points: &Sorted, at: usize, distance: f64) -> Range<usize> {
        let along = &points.xyz[points.axis];
        let here = along[at];
        self.first = self.first.min(at);
        self.end = self.end.max(at + 1);
        while here - along[self.first] > distance {
            self.first += 1;
        }
        while self.first > 0 && here - along[self.first - 1] <= distance {
            self.first -= 1;
        }
        while along[self.end - 1] - here > distance {
            self.end -= 1;
        }
        while self.end < along.len() && along[self.end] - here <= distance {
            self.end += 1;
        }
        self.first..self.end
    }
}

/// Ranks up to this are found by keeping the smallest values sorted.
const LOW_RANKS: usize = 8;

/// The value of a rank, counted from 0.
fn ranked_value(values: &[f64], rank: usize, scratch: &mut Vec<f64>) -> f64 {
    if rank >= LOW_RANKS {
        scratch.clear();
        scratch.extend_from_slice(values);
        return *scratch.select_nth_unstable_by(rank, f64::total_cmp).1;
    }
    let mut low = [f64::INFINITY; LOW_RANKS];
    for value in values {
        if *value < low[rank] {
            let mut at = rank;
            while at > 0 && low[at - 1] > *value {
                low[at] = low[at - 1];
                at -= 1;
            }
            low[at] = *value;
        }
    }
    low[rank]
}

fn longest_axis(points: &[[f64; 3]]) -> usize {
    let mut lowest = [f64::INFINITY; 3];
    let mut highest = [f64::NEG_INFINITY; 3];
    for point in points {
        for axis in 0..3 {
            lowest[axis] = lowest[axis].min(point[axis]);
            highest[axis] = highest[axis].max(point[axis]);
        }
    }
    // Clouds come sorted along z, so z is tried first and stays where it is as long as any.
    [2, 0, 1].into_iter().fold(2, |best, axis| {
        let [longest, extent] = [best, axis].map(|axis| highest[axis] - lowest[axis]);
        if extent > longest { axis } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::sample;

    fn brute(points: &[[f64; 3]], k: usize) -> Vec<f64> {
        let squared = |a: &[f64; 3], b: &[f64; 3]| {
            let [dx, dy, dz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
            dx * dx + dy * dy + dz * dz
        };
        let kth = |point: &[f64; 3]| {
            let mut all: Vec<f64> = points.iter().map(|other| squared(point, other)).collect();
            all.sort_by(f64::total_cmp);
            all[k]
        };
        points.iter().map(kth).collect()
    }

    #[test]
    fn neighbours_are_those_of_a_search_through_all_points() {
        let flat: Vec<[f64; 3]> =
            sample::tracks(3, 200).iter().map(|p| [p[2], p[0], p[1] / 50.0]).collect();
        let grid: Vec<[f64; 3]> =
            (0..216).map(|i| [i % 6, i / 6 % 6, i / 36].map(f64::from)).collect();
        for points in [sample::tracks(1, 300), flat, grid, vec![[1.0, 2.0, 3.0]; 20]] {
            let sorted = Sorted::new(&points);
            for k in [0, 1, 2, 7, 19] {
                assert_eq!(sorted.unsorted(&sorted.kth_squared(k)), brute(&points, k), "{k}");
            }
        }
    }

    #[test]
    fn a_window_holds_every_point_that_is_near() {
        let points = sample::tracks(2, 150);
        let sorted = Sorted::new(&points);
        let mut window = sorted.window();
        for at in (0..sorted.len()).chain((0..sorted.len()).rev()) {
            for distance in [0.0, 30.0, 5.0, f64::INFINITY] {
                let range = window.about(&sorted, at, distance);
                let near = |other: &usize| sorted.distance(at, *other) <= distance;
                assert!((0..sorted.len()).filter(near).all(|other| range.contains(&other)));
            }
        }
    }
}
