//! The estimate of one cluster, step by step.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::kernels::attpc::circle::{self, Circle};
use crate::kernels::attpc::cluster::Direction;
use crate::kernels::attpc::estimate::{Params, Rejection};
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::spline::{Smoother, Spline};

/// Columns of a cluster: x, y, z (mm), charge, pad scale.
const COLUMNS: usize = 5;
/// Points of the polyline whose length is the arc's.
const LENGTH_POINTS: usize = 1000;
/// Points that the peer puts on a circle, both ends at the same place.
const PEER_CIRCLE_POINTS: f64 = 100_000.0;
/// Fewest rows of the line through the beginning of a track.
const FEWEST_LINE_ROWS: usize = 10;

/// What the geometry of a cluster says about its particle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Where the particle came from, mm.
    pub vertex: [f64; 3],
    /// Centre of its first turn; its z is the vertex's, mm.
    pub center: [f64; 3],
    /// Angle to the beam axis, rad.
    pub polar: f64,
    /// Direction of flight at the vertex in the pad plane, from 0 to 2 pi, rad.
    pub azimuthal: f64,
    /// Magnetic rigidity, T m.
    pub brho: f64,
    /// Charge per length of path, arbitrary units per mm.
    pub de_dx: f64,
    /// Charge of the first arc as far as it lies on small pads, arbitrary units.
    pub de: f64,
    /// Length of the path on which that charge was left, mm.
    pub arclength: f64,
    pub direction: Direction,
}

impl Estimate {
    fn is_finite(&self) -> bool {
        let angles = [self.polar, self.azimuthal, self.brho, self.de_dx, self.arclength];
        self.vertex.iter().chain(&self.center).chain(&angles).all(|number| number.is_finite())
    }
}

/// Estimates clusters with one set of parameters.
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    params: Params,
}

impl Estimator {
    /// An estimator with these parameters.
    pub fn new(params: Params) -> Estimator {
        Estimator { params }
    }

    /// Estimates a cluster: rows of x, y, z (mm), charge and pad scale, sorted by z.
    ///
    /// # Errors
    /// The first reason that speaks against the cluster.
    pub fn estimate(
        &self,
        points: &[[f64; COLUMNS]],
        direction: Direction,
    ) -> Result<Estimate, Rejection> {
        if points.len() < self.params.min_total_trajectory_points {
            return Err(Rejection::TooFewPoints);
        }
        let track = Track::smooth(points, direction, self.params.smoothing_factor)?;
        if direction == Direction::None {
            return Err(Rejection::NoDirection);
        }
        let circle = track.first_circle().ok_or(Rejection::NoCircle)?;
        let [x, y] = self.vertex_xy(&circle);
        if length(x, y) > self.params.beam_region_radius_mm {
            return Err(Rejection::OutsideBeamRegion);
        }
        let distances: Vec<f64> = track.distances([x, y]).collect();
        let farthest = first_largest(distances.iter().copied());
        let line = self.line(&track, &distances, (farthest, circle.radius));
        let (slope, z) = line.ok_or(Rejection::NoSlope)?;
        let polar = polar(slope, direction)?;
        let path = self.charge(&track, farthest).ok_or(Rejection::NoCharge)?;
        let radius_m = circle.radius * 0.001;
        let estimate = Estimate {
            vertex: [x, y, z],
            center: [circle.x, circle.y, z],
            polar,
            azimuthal: azimuthal([x, y], &circle),
            brho: self.params.magnetic_field_t * radius_m / polar.sin().abs(),
            de_dx: path.charge / path.length,
            de: path.charge,
            arclength: path.length,
            direction,
        };
        if estimate.is_finite() { Ok(estimate) } else { Err(Rejection::NoSlope) }
    }

    /// The point of the circle that is nearest to the beam axis.
    fn vertex_xy(&self, circle: &Circle) -> [f64; 2] {
        match self.params.compat {
            Compat::Exact => circle.nearest_to_origin(),
            Compat::Spyral11 => {
                // The peer takes the best of many points on the circle, at equal angles.
                let step = TAU / (PEER_CIRCLE_POINTS - 1.0);
                let angle = (-circle.y).atan2(-circle.x).rem_euclid(TAU);
                let angle = (angle / step).round() * step;
                [circle.x + angle.cos() * circle.radius, circle.y + angle.sin() * circle.radius]
            }
        }
    }

    /// Slope of the way in the pad plane against z at the beginning of a track, and the z where
    /// that way is zero. None when there is no such z.
    fn line(
        &self,
        track: &Track,
        distances: &[f64],
        (farthest, radius): (usize, f64),
    ) -> Option<(f64, f64)> {
        let rows = FEWEST_LINE_ROWS.max(farthest / 2);
        let (slope, intercept) = match self.params.compat {
            Compat::Spyral11 => {
                let rows = rows.min(distances.len());
                fit_line(&track.z[..rows], &distances[..rows])
            }
            Compat::Exact => {
                // Not the chord but the arc over it grows in proportion to z, and beyond the
                // farthest row the chord shrinks again. Where that row is the first, the track
                // runs against its direction, which the line is to tell.
                let rows = if farthest > 0 { rows.min(farthest + 1) } else { rows };
                let diameter = 2.0 * radius;
                let arc = |chord: &f64| diameter * (chord / diameter).min(1.0).asin();
                let arcs: Vec<f64> = distances[..rows].iter().map(arc).collect();
                fit_line(&track.z[..rows], &arcs)
            }
        };
        (slope != 0.0 && slope.is_finite()).then(|| (slope, -intercept / slope))
    }

    /// Sums the charge of the arc from the first row to the farthest as far as it lies on small
    /// pads. None when there is nothing beyond the first row.
    fn charge(&self, track: &Track, farthest: usize) -> Option<Path> {
        let inside =
            |row: usize| length(track.x[row], track.y[row]) <= self.params.small_pad_radius_mm;
        let outside = (1..=farthest).find(|&row| !inside(row));
        let (summed, last) = match outside {
            Some(row) => (row, row),
            None => (farthest + 1, farthest),
        };
        let charge = track.charge[..summed].iter().sum::<f64>();
        if charge == track.charge[0] {
            return None;
        }
        Some(Path { charge, length: track.path_length(track.z[0], track.z[last]) })
    }
}

/// The part of a track on which charge was summed.
struct Path {
    charge: f64,
    length: f64,
}

/// A smoothed cluster in the order of flight.
struct Track {
    smoother: Smoother,
    x_spline: Spline,
    y_spline: Spline,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    charge: Vec<f64>,
}

impl Track {
    fn smooth(
        points: &[[f64; COLUMNS]],
        direction: Direction,
        lambda: f64,
    ) -> Result<Track, Rejection> {
        let column = |at: usize| points.iter().map(|row| row[at]).collect::<Vec<f64>>();
        if points.iter().any(|row| row[..4].iter().any(|number| !number.is_finite())) {
            return Err(Rejection::NoSpline);
        }
        let mut z = column(2);
        let smoother = Smoother::new(&z, lambda).map_err(|_| Rejection::NoSpline)?;
        let x_spline = smoother.fit(&column(0));
        let y_spline = smoother.fit(&column(1));
        let mut charge = smoother.fit(&column(3)).values;
        let mut x = x_spline.values.clone();
        let mut y = y_spline.values.clone();
        if direction == Direction::Backward {
            for values in [&mut x, &mut y, &mut z, &mut charge] {
                values.reverse();
            }
        }
        Ok(Track { smoother, x_spline, y_spline, x, y, z, charge })
    }

    /// Distances in the pad plane of all rows from a point.
    fn distances(&self, [x, y]: [f64; 2]) -> impl Iterator<Item = f64> {
        self.x.iter().zip(&self.y).map(move |(to_x, to_y)| length(to_x - x, to_y - y))
    }

    /// The circle through the rows before the one that is farthest from the first.
    fn first_circle(&self) -> Option<Circle> {
        let from_first = self.distances([self.x[0], self.y[0]]).skip(1);
        let rows = first_largest(from_first) + 1;
        let circle = circle::fit(&self.x[..rows], &self.y[..rows]);
        circle.is_defined().then_some(circle)
    }

    /// Length of the smoothed path between two z.
    fn path_length(&self, first: f64, last: f64) -> f64 {
        let step = (last - first) / (LENGTH_POINTS - 1) as f64;
        let mut interval = self.smoother.interval(first);
        let knots = self.smoother.x();
        let mut sum = 0.0;
        let mut before = None;
        for at in 0..LENGTH_POINTS {
            let z = if at + 1 == LENGTH_POINTS { last } else { first + at as f64 * step };
            while interval + 2 < knots.len() && z >= knots[interval + 1] {
                interval += 1;
            }
            while interval > 0 && z < knots[interval] {
                interval -= 1;
            }
            let x = self.smoother.value(&self.x_spline, interval, z);
            let y = self.smoother.value(&self.y_spline, interval, z);
            if let Some([x_before, y_before, z_before]) = before.replace([x, y, z]) {
                let [dx, dy, dz]: [f64; 3] = [x - x_before, y - y_before, z - z_before];
                sum += (dx * dx + dy * dy + dz * dz).sqrt();
            }
        }
        sum
    }
}

/// Length of a vector in the pad plane. Without `hypot`, which is slower and rounds differently
/// from the peer's sum of squares where two rows are equally far.
fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// The place of the largest value, the first of equals.
fn first_largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, value) in values.enumerate() {
        if value > best.1 {
            best = (at, value);
        }
    }
    best.0
}

/// Slope and intercept of the least-squares line of y on x; NaN for fewer than two points.
fn fit_line(x: &[f64], y: &[f64]) -> (f64, f64) {
    let number = x.len() as f64;
    let mean_x = x.iter().sum::<f64>() / number;
    let mean_y = y.iter().sum::<f64>() / number;
    let [mut xx, mut xy] = [0.0; 2];
    for (x, y) in x.iter().zip(y) {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    let slope = xy / xx;
    (slope, mean_y - slope * mean_x)
}

/// The polar angle, from 0 to pi.
fn polar(slope: f64, direction: Direction) -> Result<f64, Rejection> {
    let angle = slope.atan();
    match direction {
        Direction::Forward if angle > 0.0 => Ok(angle),
        Direction::Backward if angle < 0.0 => Ok(angle + PI),
        _ => Err(Rejection::WrongWay),
    }
}

/// The direction of flight at the vertex: a quarter of a turn ahead of the radius that leads there,
/// because positive particles turn from x to y in a field that points to smaller z.
fn azimuthal(vertex: [f64; 2], circle: &Circle) -> f64 {
    let radius = (vertex[1] - circle.y).atan2(vertex[0] - circle.x);
    let radius = if radius < 0.0 { radius + TAU } else { radius };
    let angle = radius + FRAC_PI_2;
    if angle > TAU { angle - TAU } else { angle }
}
