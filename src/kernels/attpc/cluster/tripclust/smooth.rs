//! The length that a cloud gives by itself, and its smoothing.

use crate::kernels::attpc::cluster::neighbors::Sorted;

/// First quartile of the distances from each point to the nearest other one. At least two points.
pub(super) fn own_length(points: &[[f64; 3]]) -> f64 {
    let mut nearest = Sorted::new(points).kth_squared(1);
    let place = nearest.len() / 4;
    nearest.select_nth_unstable_by(place, f64::total_cmp).1.sqrt()
}

/// Every point moved to the mean of those that are not farther than a radius, itself among them.
/// Points with the same neighbours get the very same place.
pub(super) fn smoothed(points: &[[f64; 3]], radius: f64) -> Vec<[f64; 3]> {
    let sorted = Sorted::new(points);
    let mut window = sorted.window();
    let mut squared = Vec::new();
    let mut result = vec![[0.0; 3]; points.len()];
    for at in 0..sorted.len() {
        let range = window.about(&sorted, at, radius);
        sorted.squared(at, range.clone(), &mut squared);
        let mut sum = [0.0; 3];
        let mut count = 0.0;
        for (other, squared) in range.zip(&squared) {
            if *squared <= radius * radius {
                let point = points[sorted.place(other)];
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
                count += 1.0;
            }
        }
        result[sorted.place(at)] = sum.map(|sum| sum / count);
    }
    result
}

/// For each point the first one that is in its very place. Smoothing makes many of them, and which
/// one of such a heap a triplet names is an accident.
pub(super) fn first_in_place(points: &[[f64; 3]]) -> Vec<u32> {
    let key = |at: &u32| points[*at as usize].map(f64::to_bits);
    let mut order: Vec<u32> = (0..points.len() as u32).collect();
    order.sort_by_key(key);
    let mut first: Vec<u32> = (0..points.len() as u32).collect();
    for pair in order.windows(2) {
        if key(&pair[0]) == key(&pair[1]) {
            first[pair[1] as usize] = first[pair[0] as usize];
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_length_is_the_first_quartile_of_nearest_distances() {
        let on_line = |at: &[f64]| at.iter().map(|x| [*x, 1.0, 2.0]).collect::<Vec<_>>();
        // Nearest distances 1, 1, 3, 3, 5, 5, 7, 7.
        let pairs = on_line(&[0.0, 1.0, 100.0, 103.0, 200.0, 205.0, 300.0, 307.0]);
        assert_eq!(own_length(&pairs), 3.0);
        assert_eq!(own_length(&pairs[..2]), 1.0);
        assert_eq!(own_length(&[[4.0, 5.0, 6.0]; 9]), 0.0);
    }

    #[test]
    fn a_point_moves_to_the_mean_of_its_neighbours() {
        let points = [[0.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 6.0], [50.0, 0.0, 7.0]];
        let result = smoothed(&points, 6.0);
        assert_eq!(result[0], [0.0, 1.0, 2.0]);
        assert_eq!(result[1], [0.0, 1.5, 0.0]);
        assert_eq!(result[2], [0.0, 0.0, 3.0]);
        assert_eq!(result[3], points[3]);
        assert_eq!(smoothed(&points, 0.0), points);
    }

    #[test]
    fn points_in_one_place_are_known_by_the_first_of_them() {
        let [a, b] = [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]];
        assert_eq!(first_in_place(&[b, a, b, a, a]), [0, 1, 0, 1, 1]);
    }
}
