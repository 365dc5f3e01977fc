//! Estimates of made-up helices, of which everything is known, and of clusters that have none.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::kernels::attpc::cluster::Direction;
use crate::kernels::attpc::estimate::{Estimate, Estimator, Params, Rejection};
use crate::kernels::attpc::pointcloud::Compat;

/// A track without energy loss.
#[derive(Clone, Copy, Debug)]
struct Helix {
    /// Distance of the vertex from the beam axis and its z, mm.
    vertex: [f64; 2],
    /// Where the centre lies, seen from the axis, rad.
    towards: f64,
    radius: f64,
    polar: f64,
    /// Length of the path in the pad plane that is seen, mm.
    seen: f64,
}

const HELIX: Helix =
    Helix { vertex: [2.0, 300.0], towards: 0.7, radius: 120.0, polar: 1.1, seen: 340.0 };

impl Helix {
    fn direction(&self) -> Direction {
        if self.polar < FRAC_PI_2 { Direction::Forward } else { Direction::Backward }
    }

    /// Points every 2 mm of the path in the pad plane, sorted by z, each with 10 units of charge.
    fn points(&self) -> Vec<[f64; 5]> {
        let centre = self.radius + self.vertex[0];
        let start = self.towards + PI;
        let point = |at: usize| {
            let arc = 2.0 * (at as f64 + 1.0);
            let angle = start + arc / self.radius;
            let (sin, cos) = self.towards.sin_cos();
            let x = centre * cos + self.radius * angle.cos();
            let y = centre * sin + self.radius * angle.sin();
            [x, y, self.vertex[1] + arc / self.polar.tan(), 10.0, 1.0]
        };
        let mut points: Vec<_> = (0..(self.seen / 2.0) as usize).map(point).collect();
        points.sort_by(|a, b| a[2].total_cmp(&b[2]));
        points
    }

    fn estimate(&self, compat: Compat) -> Estimate {
        estimate(&self.points(), self.direction(), compat).unwrap()
    }
}

fn params(compat: Compat) -> Params {
    // Little smoothing, because these points have no noise.
    Params { smoothing_factor: 1e-6, compat, ..Params::default() }
}

fn estimate(
    points: &[[f64; 5]],
    direction: Direction,
    compat: Compat,
) -> Result<Estimate, Rejection> {
    Estimator::new(params(compat)).estimate(points, direction)
}

#[test]
fn an_exact_estimate_gives_the_helix_back() {
    for polar in [0.5, 1.1, 1.4, 1.8, 2.4] {
        let helix = Helix { polar, ..HELIX };
        let found = helix.estimate(Compat::Exact);
        let (sin, cos) = helix.towards.sin_cos();
        // The vertex is on the line from the axis to the centre, on the centre's far side.
        let near = |a: f64, b: f64, tolerance: f64| {
            assert!((a - b).abs() < tolerance, "{a} {b} of {found:?}");
        };
        near(found.vertex[0], 2.0 * cos, 1e-3);
        near(found.vertex[1], 2.0 * sin, 1e-3);
        near(found.vertex[2], 300.0, 0.02);
        near(found.center[0], 122.0 * cos, 1e-3);
        near(found.center[1], 122.0 * sin, 1e-3);
        near(found.polar, polar, 1e-4);
        near(found.azimuthal, (helix.towards + PI + FRAC_PI_2).rem_euclid(TAU), 1e-4);
        near(found.brho, 2.85 * 0.120 / polar.sin(), 1e-4);
        assert_eq!(found.center[2], found.vertex[2]);
        assert_eq!(found.direction, helix.direction());
    }
}

#[test]
fn a_chord_in_place_of_the_arc_makes_a_helix_too_flat() {
    let found = HELIX.estimate(Compat::Spyral11);
    assert!((0.02..0.05).contains(&(HELIX.polar - found.polar)), "{found:?}");
    assert!((1.0..3.0).contains(&(300.0 - found.vertex[2])), "{found:?}");
}

#[test]
fn charge_is_summed_as_far_as_the_small_pads_reach() {
    let points = HELIX.points();
    let inside = points.iter().position(|p| p[0].hypot(p[1]) > 152.0).unwrap();
    let found = HELIX.estimate(Compat::Exact);
    assert!((found.de - 10.0 * inside as f64).abs() < 1e-9, "{found:?}");
    // The path ends at the first point outside.
    let length = 2.0 * inside as f64 / HELIX.polar.sin();
    assert!((found.arclength / length - 1.0).abs() < 1e-4, "{found:?} {length}");
    assert_eq!(found.de_dx, found.de / found.arclength);

    // A narrow helix ends where it is farthest from its vertex.
    let narrow = Helix { radius: 30.0, ..HELIX };
    let found = narrow.estimate(Compat::Exact);
    let half_turn = (30.0 * PI / 2.0).round();
    assert!((found.de - 10.0 * half_turn).abs() < 1e-9, "{found:?}");
}

#[test]
fn the_peers_vertex_is_one_of_its_points_on_the_circle() {
    let [exact, peer] = [Compat::Exact, Compat::Spyral11].map(|c| HELIX.estimate(c));
    let off = (exact.vertex[0] - peer.vertex[0]).hypot(exact.vertex[1] - peer.vertex[1]);
    assert!(off > 0.0 && off < PI * HELIX.radius / 1e5, "{off}");
    let angle = (peer.vertex[1] - peer.center[1]).atan2(peer.vertex[0] - peer.center[0]);
    let step = (angle + TAU) / (TAU / 99_999.0);
    assert!((step - step.round()).abs() < 1e-5, "{step}");
}

/// Asserts why a cluster is rejected, in both modes.
fn rejected(points: &[[f64; 5]], direction: Direction, expected: Rejection) {
    for compat in [Compat::Exact, Compat::Spyral11] {
        assert_eq!(estimate(points, direction, compat), Err(expected), "{compat:?}");
    }
}

#[test]
fn every_reason_to_reject_is_told() {
    let points = HELIX.points();
    rejected(&points[..29], Direction::Forward, Rejection::TooFewPoints);
    rejected(&points, Direction::None, Rejection::NoDirection);
    rejected(&points, Direction::Backward, Rejection::WrongWay);
    rejected(&[], Direction::Forward, Rejection::TooFewPoints);

    let apart = Helix { vertex: [26.0, 300.0], ..HELIX }.points();
    rejected(&apart, Direction::Forward, Rejection::OutsideBeamRegion);

    let outside: Vec<[f64; 5]> =
        points.iter().copied().filter(|p| p[0].hypot(p[1]) > 160.0).collect();
    rejected(&outside, Direction::Forward, Rejection::NoCharge);
}

#[test]
fn clusters_without_a_spline_are_rejected() {
    let whole = HELIX.points();
    let changed = |column: usize, value: f64| {
        let mut points = whole.clone();
        points[7][column] = value;
        points
    };
    let repeated = changed(2, whole[6][2]);
    rejected(&repeated, Direction::Forward, Rejection::NoSpline);
    for value in [f64::NAN, f64::INFINITY] {
        for column in 0..4 {
            rejected(&changed(column, value), Direction::Forward, Rejection::NoSpline);
        }
    }
    let mut all = whole.clone();
    all.iter_mut().for_each(|point| *point = [f64::NAN; 5]);
    rejected(&all, Direction::Forward, Rejection::NoSpline);
    let few = Params { min_total_trajectory_points: 1, ..params(Compat::Exact) };
    let found = Estimator::new(few).estimate(&whole[..4], Direction::Forward);
    assert_eq!(found, Err(Rejection::NoSpline));
}

#[test]
fn a_straight_track_is_rejected() {
    for (x, y) in [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8), (-0.1, 0.7), (0.0, 0.0)] {
        let way = (0..60).map(|i| f64::from(i) * 2.0);
        let points: Vec<[f64; 5]> =
            way.map(|s| [1.0 + x * s, 3.0 + y * s, 10.0 + s, 5.0, 1.0]).collect();
        rejected(&points, Direction::Forward, Rejection::NoCircle);
    }
}

#[test]
fn extreme_numbers_never_make_an_estimate_that_is_undefined() {
    for scale in [1e-160, 1e-5, 1e5, 1e80, 1e160] {
        let mut points = HELIX.points();
        for point in &mut points {
            point[..4].iter_mut().for_each(|number| *number *= scale);
        }
        let wide = Params { beam_region_radius_mm: f64::MAX, ..params(Compat::Exact) };
        for params in [wide, Params { compat: Compat::Spyral11, ..wide }] {
            if let Ok(found) = Estimator::new(params).estimate(&points, Direction::Forward) {
                assert!(found.brho.is_finite() && found.de_dx.is_finite(), "{scale} {found:?}");
            }
        }
    }
}
