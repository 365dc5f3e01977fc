//! How well triplets continue each other.

use crate::kernels::attpc::cluster::tripclust::triplets::Triplet;

/// The distance that no directions exceed by themselves; those at a right angle would be infinitely
/// far from each other, and infinities have no mean.
pub(super) const FARTHEST: f64 = 1e8;

/// Where triplets are and where they point, one array for each coordinate. The place of a triplet
/// is the mean of its points, its direction that of its longer arm.
pub(super) struct Tangents {
    pub places: [Vec<f64>; 3],
    pub directions: [Vec<f64>; 3],
    /// Millimetres beside each other that count as much as an angle of 45 degrees.
    pub scale: f64,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Tangent {
    pub place: [f64; 3],
    pub direction: [f64; 3],
}

impl Tangents {
    pub fn new(points: &[[f64; 3]], triplets: &[Triplet], scale: f64) -> Tangents {
        let empty = || [(); 3].map(|()| Vec::with_capacity(triplets.len()));
        let mut result = Tangents { places: empty(), directions: empty(), scale };
        for triplet in triplets {
            let [far, middle, near] = triplet.points().map(|point| points[point]);
            let arm = [middle[0] - far[0], middle[1] - far[1], middle[2] - far[2]];
            let length = (arm[0] * arm[0] + arm[1] * arm[1] + arm[2] * arm[2]).sqrt();
            for axis in 0..3 {
                result.places[axis].push((far[axis] + middle[axis] + near[axis]) / 3.0);
                result.directions[axis].push(arm[axis] / length);
            }
        }
        result
    }

    pub fn len(&self) -> usize {
        self.places[0].len()
    }

    pub fn get(&self, at: usize) -> Tangent {
        let [x, y, z] = &self.places;
        let [u, v, w] = &self.directions;
        Tangent { place: [x[at], y[at], z[at]], direction: [u[at], v[at], w[at]] }
    }
}

impl Tangent {
    /// The larger of the distances from the one's place to the other's line, in units of `scale`,
    /// plus the tangent of the angle between the lines.
    pub fn distance(&self, other: &Tangent, scale: f64) -> f64 {
        let beside = self.beside_squared(other.place).max(other.beside_squared(self.place));
        let [a, b] = [self.direction, other.direction];
        let cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]).abs().min(1.0);
        let tangent = ((1.0 - cosine * cosine).sqrt() / cosine).min(FARTHEST);
        beside.max(0.0).sqrt() / scale + tangent
    }

    /// Squared distance of a place from the line; rounding may make it less than nothing.
    fn beside_squared(&self, place: [f64; 3]) -> f64 {
        let [here, way] = [self.place, self.direction];
        let step = [place[0] - here[0], place[1] - here[1], place[2] - here[2]];
        let along = step[0] * way[0] + step[1] * way[1] + step[2] * way[2];
        step[0] * step[0] + step[1] * step[1] + step[2] * step[2] - along * along
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tangent(place: [f64; 3], angle: f64) -> Tangent {
        Tangent { place, direction: [angle.cos(), angle.sin(), 0.0] }
    }

    #[test]
    fn distances_are_those_that_the_peers_module_shows() {
        // The step at which its tree joins two triplets, found by bisection of its threshold.
        let here = tangent([1.0, 0.0, 0.0], 0.0);
        for (place, angle, scale, expected) in [
            ([1.0, 5.0, 0.0], 0.0, 1.0, 5.0),
            ([1.0, 5.0, 0.0], 0.0, 2.0, 2.5),
            ([11.0, 0.0, 0.0], 0.0, 1.0, 0.0),
            ([1.0, 5.0, 3.0], 0.0, 1.0, 5.830_951_894_845_302),
            ([1.0, 0.0, 50.0], 0.3, 1.0, 50.309_336_249_609_63),
            ([11.0, 0.0, 0.0], 0.3, 1.0, 3.264_538_316_223_016_6),
            ([11.0, 5.0, 0.0], 0.3, 2.0, 2.809_336_249_609_623),
            ([11.0, 5.0, 0.0], -0.3, 1.0, 8.041_220_761_851_047),
            ([11.0, 5.0, 7.0], 2.5, 1.0, 12.945_746_893_617_002),
            ([11.0, 5.0, 7.0], 1.5, 1.0, 25.999_685_292_150_61),
        ] {
            let other = tangent(place, angle);
            for distance in [here.distance(&other, scale), other.distance(&here, scale)] {
                assert!((distance - expected).abs() < 1e-6, "{distance} {expected}");
            }
        }
        let across = here.distance(&tangent([1.0, 0.0, 0.0], std::f64::consts::FRAC_PI_2), 1.0);
        assert!(across > 1e7 && across.is_finite());
    }

    #[test]
    fn the_longer_arm_gives_the_direction() {
        let points = [[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [13.0, 3.0, 0.0]];
        let triplets = [Triplet { middle: 1, far: 0, near: 2 }];
        let tangents = Tangents::new(&points, &triplets, 1.0);
        let only = tangents.get(0);
        assert_eq!(only.place, [23.0 / 3.0, 1.0, 0.0]);
        assert_eq!(only.direction, [1.0, 0.0, 0.0]);
    }
}
