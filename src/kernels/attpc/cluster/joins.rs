//! Puts clusters together that are parts of one track.
//!
//! One pair is joined at a time, the first that fits in a fixed order; then all pairs are looked at
//! again, because the joined cluster has another circle.

use crate::kernels::attpc::circle::{self, Circle};
use crate::kernels::attpc::cluster::cpu::Group;
use crate::kernels::attpc::cluster::params::Join;

/// Points at an end of a cluster that say where it is.
const END_POINTS: usize = 3;
/// Circles smaller than this are no tracks, in mm.
const LEAST_RADIUS_MM: f64 = 10.0;

/// Joins groups of points of a cloud; the result is in the order in which clusters are written.
pub(super) fn join(points: &[[f64; 3]], groups: Vec<Group>, rule: Join) -> Vec<Group> {
    let mut shaped: Vec<Shaped> =
        groups.into_iter().map(|group| Shaped::new(points, group)).collect();
    while shaped.len() > 1 {
        if let Join::Continuity { .. } = rule {
            shaped.sort_by(|a, b| a.shape.z[0].total_cmp(&b.shape.z[0]));
        }
        let count = shaped.len();
        let mut pairs = (0..count * count).map(|pair| (pair / count, pair % count));
        let Some((kept, joined)) =
            pairs.find(|(a, b)| a != b && fit(&shaped[*a], &shaped[*b], rule))
        else {
            break;
        };
        let group = merged(points, &shaped[kept].group, &shaped[joined].group);
        shaped[kept] = Shaped::new(points, group);
        shaped.remove(joined);
    }
    shaped.into_iter().map(|shaped| shaped.group).collect()
}

fn fit(a: &Shaped, b: &Shaped, rule: Join) -> bool {
    a.group.direction == b.group.direction
        && match rule {
            Join::Continuity { radius_fraction, z_fraction } => {
                a.shape.goes_on_in(&b.shape, radius_fraction, z_fraction)
            }
            Join::Overlap { min_size, ratio } => {
                let large = |shaped: &Shaped| {
                    shaped.group.members.len() >= min_size
                        && shaped.shape.circle.radius >= LEAST_RADIUS_MM
                };
                large(a) && large(b) && overlaps(&a.shape.circle, &b.shape.circle, ratio)
            }
        }
}

/// All points of both, sorted by z; the first one's label.
fn merged(points: &[[f64; 3]], kept: &Group, joined: &Group) -> Group {
    let mut members = [kept.members.as_slice(), joined.members.as_slice()].concat();
    members.sort_by(|a, b| points[*a as usize][2].total_cmp(&points[*b as usize][2]));
    Group { label: kept.label, direction: kept.direction, members, clean: false }
}

struct Shaped {
    group: Group,
    shape: Shape,
}

impl Shaped {
    fn new(points: &[[f64; 3]], group: Group) -> Shaped {
        let member = |place: &u32| points[*place as usize];
        let shape = Shape::new(&group.members.iter().map(member).collect::<Vec<_>>());
        Shaped { group, shape }
    }
}

/// What decides whether a cluster is joined.
#[derive(Clone, Copy, Debug)]
struct Shape {
    circle: Circle,
    /// Smallest and largest z.
    z: [f64; 2],
    /// Distance from the circle's centre, and z, of the ends with low and high z.
    low_end: [f64; 2],
    high_end: [f64; 2],
}

impl Shape {
    /// The shape of points in order of z, of which there must be one.
    fn new(points: &[[f64; 3]]) -> Shape {
        let column = |axis: usize| points.iter().map(|point| point[axis]).collect::<Vec<_>>();
        let circle = circle::fit(&column(0), &column(1));
        let last = points.len() - 1;
        let end = |points: &[[f64; 3]]| {
            let x = median(points.iter().map(|point| point[0] - circle.x));
            let y = median(points.iter().map(|point| point[1] - circle.y));
            [(x * x + y * y).sqrt(), median(points.iter().map(|point| point[2]))]
        };
        Shape {
            circle,
            z: [points[0][2], points[last][2]],
            low_end: end(&points[..points.len().min(END_POINTS)]),
            high_end: end(&points[points.len().saturating_sub(END_POINTS)..]),
        }
    }

    /// True when `other` begins about where this one ends. Undefined circles fit nothing.
    fn goes_on_in(&self, other: &Shape, radius_fraction: f64, z_fraction: f64) -> bool {
        let [radius, z] = [0, 1].map(|at| (self.high_end[at] - other.low_end[at]).abs());
        let extent = self.z[1].max(other.z[1]) - self.z[0].min(other.z[0]);
        radius < (self.circle.radius + other.circle.radius) / 2.0 * radius_fraction
            && z < extent * z_fraction
    }
}

/// The middle value of up to three, the mean of two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// True when two circles have more than a part of the smaller one's area in common.
fn overlaps(a: &Circle, b: &Circle, ratio: f64) -> bool {
    let smaller = a.radius.min(b.radius);
    common_area(a, b) > ratio * std::f64::consts::PI * smaller * smaller
}

/// Area of a lens (E. W. Weisstein, "Circle-Circle Intersection", MathWorld).
fn common_area(a: &Circle, b: &Circle) -> f64 {
    let (r, s) = (a.radius, b.radius);
    let d = (a.x - b.x).hypot(a.y - b.y);
    if d >= r + s {
        return 0.0;
    }
    if d <= (r - s).abs() {
        return std::f64::consts::PI * r.min(s).powi(2);
    }
    let part = |own: f64, other: f64| {
        let cosine = (d * d + own * own - other * other) / (2.0 * d * own);
        own * own * cosine.clamp(-1.0, 1.0).acos()
    };
    let kite = (-d + r + s) * (d + r - s) * (d - r + s) * (d + r + s);
    part(r, s) + part(s, r) - 0.5 * kite.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::direction::Direction;

    /// Parts of helices: (radius, first and last step of 200, label, direction).
    fn parts(specs: &[(f64, [usize; 2], i64, Direction)]) -> (Vec<[f64; 3]>, Vec<Group>) {
        let mut points = Vec::new();
        let mut owner = Vec::new();
        for (at, (radius, [first, last], _, _)) in specs.iter().enumerate() {
            for step in *first..*last {
                let angle = step as f64 * 0.02;
                points.push([radius * angle.cos(), radius * angle.sin(), step as f64 * 2.5]);
                owner.push(at);
            }
        }
        let group = |at: usize| Group {
            label: specs[at].2,
            direction: specs[at].3,
            members: (0..points.len()).filter(|i| owner[*i] == at).map(|i| i as u32).collect(),
            clean: true,
        };
        let groups = (0..specs.len()).map(group).collect();
        (points, groups)
    }

    fn joined(specs: &[(f64, [usize; 2], i64, Direction)], rule: Join) -> Vec<(i64, usize)> {
        let (points, groups) = parts(specs);
        let joined = join(&points, groups, rule);
        for group in &joined {
            let z: Vec<f64> = group.members.iter().map(|at| points[*at as usize][2]).collect();
            assert!(z.is_sorted());
        }
        joined.iter().map(|group| (group.label, group.members.len())).collect()
    }

    const CONTINUITY: Join = Join::Continuity { radius_fraction: 0.3, z_fraction: 0.2 };
    const OVERLAP: Join = Join::Overlap { min_size: 15, ratio: 0.25 };
    use Direction::{Backward, Forward};

    #[test]
    fn parts_of_a_track_become_one_under_the_label_of_the_lowest() {
        let parts = [
            (90.0, [80, 120], 0, Forward),
            (90.0, [0, 75], 3, Forward),
            (90.0, [125, 200], 1, Forward),
        ];
        assert_eq!(joined(&parts, CONTINUITY), [(3, 190)]);
    }

    #[test]
    fn what_does_not_go_on_stays_apart_in_order_of_z() {
        let far = [(90.0, [150, 200], 0, Forward), (90.0, [0, 60], 1, Forward)];
        assert_eq!(joined(&far, CONTINUITY), [(1, 60), (0, 50)]);
        let turned = [(90.0, [100, 200], 0, Forward), (90.0, [0, 95], 1, Backward)];
        assert_eq!(joined(&turned, CONTINUITY), [(1, 95), (0, 100)]);
        let wider = [(190.0, [100, 200], 0, Forward), (70.0, [0, 95], 1, Forward)];
        assert_eq!(joined(&wider, CONTINUITY), [(1, 95), (0, 100)]);
    }

    #[test]
    fn circles_that_cover_each_other_join_under_the_lower_label() {
        let parts = [(90.0, [150, 200], 0, Forward), (85.0, [0, 60], 1, Forward)];
        assert_eq!(joined(&parts, OVERLAP), [(0, 110)]);
        let small = [(90.0, [150, 200], 0, Forward), (85.0, [0, 14], 1, Forward)];
        assert_eq!(joined(&small, OVERLAP), [(0, 50), (1, 14)]);
        let turned = [(90.0, [150, 200], 0, Forward), (85.0, [0, 60], 1, Backward)];
        assert_eq!(joined(&turned, OVERLAP), [(0, 50), (1, 60)]);
        let tiny = [(90.0, [150, 200], 0, Forward), (9.0, [0, 60], 1, Forward)];
        assert_eq!(joined(&tiny, OVERLAP), [(0, 50), (1, 60)]);
    }

    #[test]
    fn common_areas_are_those_of_geometry() {
        let circle = |x: f64, radius: f64| Circle { x, y: 0.0, radius };
        let area = |a, b| common_area(&a, &b);
        assert_eq!(area(circle(0.0, 10.0), circle(25.0, 10.0)), 0.0);
        assert_eq!(area(circle(0.0, 10.0), circle(20.0, 10.0)), 0.0);
        let whole = std::f64::consts::PI * 9.0;
        assert!((area(circle(0.0, 10.0), circle(2.0, 3.0)) - whole).abs() < 1e-12);
        assert!((area(circle(1.0, 3.0), circle(1.0, 3.0)) - whole).abs() < 1e-12);
        // Two unit circles through each other's centres.
        let lens = 2.0 * std::f64::consts::PI / 3.0 - 0.75_f64.sqrt();
        assert!((area(circle(0.0, 1.0), circle(1.0, 1.0)) - lens).abs() < 1e-12);
        assert!(area(circle(f64::NAN, 1.0), circle(1.0, 1.0)).is_nan());
    }
}
