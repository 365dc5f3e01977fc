//! Tells whether a point lies inside of a polygon: the gate that a user draws around a particle.
//!
//! Inside means strictly inside; points on the border are out, as in Spyral. Where a polygon
//! crosses itself, a point is inside when a ray from it meets the border an odd number of times.
//! Both answers are exact for the numbers given: which side of an edge a point is on is decided
//! without rounding, so a point on the border is never in by chance.
//!
//! ```
//! use attpc::kernels::attpc::gate::Gate;
//!
//! let gate = Gate::new(&[[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 0.0]]).unwrap();
//! assert!(gate.contains([1.5, 0.5]));
//! assert!(!gate.contains([1.0, 0.5]), "the point is on the border");
//! ```

use std::cmp::Ordering;

/// Why vertices do not make a gate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GateError {
    #[error("vertex {index} is ({x}, {y}), expected finite numbers")]
    NotFinite { index: usize, x: f64, y: f64 },
    #[error(
        "the polygon is not closed: it starts at ({}, {}) and ends at ({}, {})",
        first[0], first[1], last[0], last[1]
    )]
    Open { first: [f64; 2], last: [f64; 2] },
    #[error("the polygon has {distinct} distinct vertices, expected at least 3")]
    TooFewVertices { distinct: usize },
    #[error("the polygon has no area, all its vertices lie on one line")]
    NoArea,
}

/// A closed polygon.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The border in order; the last vertex is the first again, and no two neighbours are equal.
    ring: Vec<[f64; 2]>,
    low: [f64; 2],
    high: [f64; 2],
}

impl Gate {
    /// Makes a gate of vertices in their order, of which the last repeats the first.
    ///
    /// # Errors
    /// When the vertices are not finite, not closed, or enclose nothing.
    pub fn new(vertices: &[[f64; 2]]) -> Result<Gate, GateError> {
        if let Some(index) = vertices.iter().position(|v| !v.iter().all(|c| c.is_finite())) {
            let [x, y] = vertices[index];
            return Err(GateError::NotFinite { index, x, y });
        }
        let mut distinct = vertices.to_vec();
        distinct.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        distinct.dedup();
        let (Some(first), Some(last)) = (vertices.first(), vertices.last()) else {
            return Err(GateError::TooFewVertices { distinct: 0 });
        };
        if distinct.len() < 3 {
            return Err(GateError::TooFewVertices { distinct: distinct.len() });
        }
        if first != last {
            return Err(GateError::Open { first: *first, last: *last });
        }
        let mut ring = vertices.to_vec();
        ring.dedup();
        if ring[2..].iter().all(|v| side(ring[0], ring[1], *v) == Ordering::Equal) {
            return Err(GateError::NoArea);
        }
        let extreme = |axis: usize, pick: fn(f64, f64) -> f64| {
            ring.iter().map(|v| v[axis]).fold(ring[0][axis], pick)
        };
        let low = [extreme(0, f64::min), extreme(1, f64::min)];
        let high = [extreme(0, f64::max), extreme(1, f64::max)];
        Ok(Gate { ring, low, high })
    }

    /// True for a point strictly inside; false on the border, outside, and for NaN.
    pub fn contains(&self, point: [f64; 2]) -> bool {
        let [x, y] = point;
        // Written so that NaN fails: most points are far away, and this keeps them cheap.
        let near = x > self.low[0] && x < self.high[0] && y > self.low[1] && y < self.high[1];
        if !near {
            return false;
        }
        let mut inside = false;
        for edge in self.ring.windows(2) {
            let [a, b] = [edge[0], edge[1]];
            if is_between(a, b, point) && side(a, b, point) == Ordering::Equal {
                return false;
            }
            // The lower end counts and the upper one does not, so that a ray through a vertex
            // meets the border once there, or not at all.
            if (a[1] <= y) != (b[1] <= y) {
                let left_of_upward =
                    if a[1] < b[1] { side(a, b, point) } else { side(b, a, point) };
                inside ^= left_of_upward == Ordering::Greater;
            }
        }
        inside
    }

    /// The first two edges, counted from 0, that meet anywhere but at a vertex they share.
    pub fn crossing(&self) -> Option<[usize; 2]> {
        let edges = self.ring.len() - 1;
        (0..edges).find_map(|one| {
            (one + 1..edges).find(|other| self.edges_cross(one, *other)).map(|other| [one, other])
        })
    }

    fn edges_cross(&self, one: usize, other: usize) -> bool {
        let [a, b] = [self.ring[one], self.ring[one + 1]];
        let [c, d] = [self.ring[other], self.ring[other + 1]];
        if one + 1 == other {
            return is_between(a, b, d) && side(a, b, d) == Ordering::Equal
                || is_between(c, d, a) && side(c, d, a) == Ordering::Equal;
        }
        if other + 2 == self.ring.len() && one == 0 {
            return is_between(c, d, b) && side(c, d, b) == Ordering::Equal
                || is_between(a, b, c) && side(a, b, c) == Ordering::Equal;
        }
        let sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
        if sides.contains(&Ordering::Equal) {
            let touches = |(p, q, r, which): ([f64; 2], [f64; 2], [f64; 2], usize)| {
                sides[which] == Ordering::Equal && is_between(p, q, r)
            };
            return [(a, b, c, 0), (a, b, d, 1), (c, d, a, 2), (c, d, b, 3)]
                .into_iter()
                .any(touches);
        }
        sides[0] != sides[1] && sides[2] != sides[3]
    }
}

/// True when a point lies in the box that two points span, borders included.
fn is_between(a: [f64; 2], b: [f64; 2], point: [f64; 2]) -> bool {
    (0..2).all(|axis| {
        let (low, high) = (a[axis].min(b[axis]), a[axis].max(b[axis]));
        (low..=high).contains(&point[axis])
    })
}

/// Where a point is when one looks from `a` to `b`: `Greater` on the left, `Equal` on the line.
fn side(a: [f64; 2], b: [f64; 2], point: [f64; 2]) -> Ordering {
    let left = (a[0] - point[0]) * (b[1] - point[1]);
    let right = (a[1] - point[1]) * (b[0] - point[0]);
    let area = left - right;
    // Bound of the rounding error of the line above: J. R. Shewchuk, Discrete Comput. Geom. 18
    // (1997) 305.
    let bound = (3.0 + 16.0 * HALF_ULP) * HALF_ULP * (left.abs() + right.abs());
    if area.abs() > bound { sign(area) } else { exact_side(a, b, point) }
}

/// Half the distance from 1 to the next number.
const HALF_ULP: f64 = f64::EPSILON / 2.0;

/// The same from sums that keep every bit, for the rare point that is nearly on the line.
fn exact_side(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> Ordering {
    let products = [(a[0], b[1]), (b[0], c[1]), (c[0], a[1])];
    let negative = [(a[1], b[0]), (b[1], c[0]), (c[1], a[0])].map(|(x, y)| (-x, y));
    let mut sum: Vec<f64> = Vec::with_capacity(12);
    for (x, y) in products.into_iter().chain(negative) {
        let product = x * y;
        // What the product lost to rounding is a number too, and the next line holds it.
        add_exactly(&mut sum, x.mul_add(y, -product));
        add_exactly(&mut sum, product);
    }
    // Parts do not overlap, so the largest one that is not zero has the sign of the sum.
    sum.iter().rev().find(|part| **part != 0.0).map_or(Ordering::Equal, |part| sign(*part))
}

/// Adds to a sum of parts that rise in size and do not overlap.
fn add_exactly(sum: &mut Vec<f64>, term: f64) {
    let mut carry = term;
    for part in sum.iter_mut() {
        let total = carry + *part;
        let virtual_part = total - carry;
        *part = (carry - (total - virtual_part)) + (*part - virtual_part);
        carry = total;
    }
    sum.push(carry);
}

fn sign(number: f64) -> Ordering {
    number.partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(vertices: &[[f64; 2]]) -> Gate {
        Gate::new(vertices).unwrap()
    }

    fn square() -> Gate {
        gate(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]])
    }

    #[test]
    fn the_border_is_out() {
        let square = square();
        assert!(square.contains([2.0, 2.0]));
        for outside in
            [[0.0, 2.0], [4.0, 2.0], [2.0, 0.0], [2.0, 4.0], [0.0, 0.0], [4.0, 4.0], [5.0, 2.0]]
        {
            assert!(!square.contains(outside), "{outside:?}");
        }
        assert!(!square.contains([f64::NAN, 2.0]) && !square.contains([2.0, f64::INFINITY]));
    }

    #[test]
    fn rays_through_vertices_count_once() {
        // Vertices at the height of the point, as peaks, as valleys and in passing.
        let comb = gate(&[
            [0.0, 0.0],
            [6.0, 0.0],
            [6.0, 2.0],
            [5.0, 1.0],
            [4.0, 2.0],
            [3.0, 1.0],
            [2.0, 2.0],
            [0.0, 1.0],
            [0.0, 0.0],
        ]);
        for x in [0.5, 1.5, 2.5, 3.5, 4.5, 5.5] {
            assert!(comb.contains([x, 1.0]) && !comb.contains([x, 2.0]), "{x}");
        }
        assert!(!comb.contains([3.0, 1.0]) && !comb.contains([5.0, 1.5]));
    }

    #[test]
    fn direction_and_start_of_the_border_do_not_matter() {
        let vertices = [[0.1, 0.2], [3.0, 0.4], [2.5, 2.2], [1.1, 0.9], [0.3, 2.7]];
        let points: Vec<[f64; 2]> =
            (0..900).map(|n| [f64::from(n % 30) * 0.11, f64::from(n / 30) * 0.1]).collect();
        let answers = |start: usize, reverse: bool| -> Vec<bool> {
            let mut ring: Vec<_> = (0..=5).map(|n| vertices[(start + n) % 5]).collect();
            if reverse {
                ring.reverse();
            }
            let gate = gate(&ring);
            points.iter().map(|point| gate.contains(*point)).collect()
        };
        let reference = answers(0, false);
        assert!(reference.iter().filter(|inside| **inside).count() > 100);
        for start in 0..5 {
            assert_eq!(answers(start, false), reference);
            assert_eq!(answers(start, true), reference);
        }
    }

    #[test]
    fn points_beside_an_edge_by_one_bit_are_told_apart() {
        let triangle = gate(&[[0.0, 0.0], [12.0, 12.0], [0.0, 12.0], [0.0, 0.0]]);
        for n in 1..1000 {
            let at = 0.5 + f64::from(n) * 0.011;
            assert!(!triangle.contains([at, at]), "{at} is on the border");
            assert!(triangle.contains([at, at.next_up()]), "{at} is inside by one bit");
            assert!(!triangle.contains([at, at.next_down()]), "{at} is outside by one bit");
        }
    }

    #[test]
    fn sides_are_those_of_whole_number_arithmetic() {
        // The lattice around (12, 12) and (24, 24), in steps of the last bit: products of doubles
        // round here, those of whole numbers do not.
        let bit = 2f64.powi(-51);
        for i in 0..64_i128 {
            for j in 0..64_i128 {
                let point = [0.5 + i as f64 * bit, 0.5 + j as f64 * bit];
                let expected = j.cmp(&i);
                assert_eq!(side([12.0, 12.0], [24.0, 24.0], point), expected, "{i} {j}");
            }
        }
    }

    #[test]
    fn vertices_that_make_no_gate_are_refused() {
        let refused = |vertices: &[[f64; 2]]| Gate::new(vertices).unwrap_err().to_string();
        assert_eq!(refused(&[]), "the polygon has 0 distinct vertices, expected at least 3");
        assert_eq!(
            refused(&[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]),
            "the polygon has 2 distinct vertices, expected at least 3"
        );
        assert_eq!(
            refused(&[[0.0, 0.5], [1.0, 0.0], [1.0, 1.0]]),
            "the polygon is not closed: it starts at (0, 0.5) and ends at (1, 1)"
        );
        assert_eq!(
            refused(&[[0.0, 0.0], [1.0, f64::NAN], [1.0, 1.0], [0.0, 0.0]]),
            "vertex 1 is (1, NaN), expected finite numbers"
        );
        assert_eq!(
            refused(&[[0.0, 0.0], [1.0, 1.0], [3.0, 3.0], [0.0, 0.0]]),
            "the polygon has no area, all its vertices lie on one line"
        );
    }

    #[test]
    fn crossings_are_found_and_touching_neighbours_are_none() {
        assert_eq!(square().crossing(), None);
        let bow = gate(&[[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]);
        assert_eq!(bow.crossing(), Some([0, 2]));
        assert!(bow.contains([0.5, 1.0]) && bow.contains([1.5, 1.0]));
        assert!(!bow.contains([1.0, 0.5]) && !bow.contains([1.0, 1.5]));
        let spike = gate(&[[0.0, 0.0], [4.0, 0.0], [2.0, 0.0], [2.0, 3.0], [0.0, 0.0]]);
        assert_eq!(spike.crossing(), Some([0, 1]));
        let back = gate(&[[0.0, 0.0], [2.0, 0.0], [2.0, 3.0], [4.0, 0.0], [0.0, 0.0]]);
        assert_eq!(back.crossing(), Some([0, 3]));
        let touch = gate(&[[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]);
        assert_eq!(touch.crossing(), Some([0, 2]));
        let twice = gate(&[[0.0, 0.0], [0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]]);
        assert_eq!(twice.crossing(), None);
    }
}
