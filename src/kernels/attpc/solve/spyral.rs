//! The fit as Spyral 1.1 does it: distances to the nearest sample of the track, differences for
//! derivatives, bounds by way of a sine.
//!
//! A difference moves every parameter by about 1e-8, so that nearly always the nearest samples stay
//! the same. Where the second nearest one is farther off than the track moves, that is certain, and
//! the search is left out.

use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::solve::cells::CellCache;
use crate::kernels::attpc::solve::lbfgs;
use crate::kernels::attpc::solve::lmdif::{self, Residuals};
use crate::kernels::attpc::solve::nearest::{Boxes, Nearest, Track};
use crate::kernels::attpc::solve::params::{
    Fit, FitMethod, Guess, Measured, SolveParams, TrackParticle, TrackPoints, is_at_edge,
};

/// Half the height of a big pad and its height over the root of 3, as errors of x and y in metres.
const PAD_ERRORS: [f64; 2] = [0.005, 0.005_773_502_691_896_258];
/// What stands for a standard deviation that is not known.
const UNKNOWN_SIGMA: f64 = 1e6;
/// Step of the differences for the quasi-Newton method.
const DIFFERENCE: f64 = 1e-8;
/// How far the rigidity (T m) and the vertex (m) may move from the estimate.
const BRHO_REACH: f64 = 2.0;
const VERTEX_REACH: f64 = 0.2;
/// Number of parameters: brho, polar, vertex rho, vertex phi, azimuthal, vertex z.
const COUNT: usize = 6;

type Covariance = [[f64; COUNT]; COUNT];

/// A parameter between its bounds.
#[derive(Clone, Copy, Debug)]
struct Bounded {
    low: f64,
    high: f64,
    value: f64,
    is_free: bool,
}

impl Bounded {
    fn new(value: f64, low: f64, high: f64, is_free: bool) -> Bounded {
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        Bounded { low, high, value: value.max(low).min(high), is_free }
    }

    fn inner(&self) -> f64 {
        (2.0 * (self.value - self.low) / (self.high - self.low) - 1.0).clamp(-1.0, 1.0).asin()
    }

    fn outer(&self, inner: f64) -> f64 {
        self.low + (inner.sin() + 1.0) * (self.high - self.low) / 2.0
    }

    fn slope(&self, inner: f64) -> f64 {
        inner.cos() * (self.high - self.low) / 2.0
    }
}

/// Parameters of a fit and their bounds as the peer sets them.
fn bounded(
    grid: &TrackGrid<'_>,
    particle: &TrackParticle,
    (params, guess): (&SolveParams, &Guess),
) -> [Bounded; COUNT] {
    let [x, y, z] = guess.vertex;
    let around = |value: f64, reach: f64, low: f64, high: f64, is_free| {
        Bounded::new(value, (value - reach).max(low), (value + reach).min(high), is_free)
    };
    let right_angle = std::f64::consts::FRAC_PI_2;
    let is_backward = guess.polar > right_angle;
    let low = if is_backward { grid.polar.low.max(right_angle) } else { grid.polar.low };
    let high = if is_backward { grid.polar.high } else { grid.polar.high.min(right_angle) };
    let turn = std::f64::consts::TAU;
    [
        around(
            guess.brho,
            BRHO_REACH,
            particle.brho(grid.ke.low),
            particle.brho(grid.ke.high),
            true,
        ),
        Bounded::new(guess.polar, low, high, true),
        Bounded::new(x.hypot(y), 0.0, params.beam_region_radius, params.fit_vertex_rho),
        Bounded::new(y.atan2(x).rem_euclid(turn), 0.0, turn, params.fit_vertex_phi),
        Bounded::new(guess.azimuthal, 0.0, turn, params.fit_azimuthal),
        around(z, VERTEX_REACH, 0.0, params.detector_length, true),
    ]
}

/// Buffers that fits of one mesh share, one after the other.
#[derive(Default)]
pub struct Workspace {
    cells: CellCache,
    track: Track,
    moved: Track,
    boxes: Boxes,
    moved_boxes: Boxes,
    nearest: Vec<Nearest>,
}

/// One fit.
struct Problem<'p> {
    grid: &'p TrackGrid<'p>,
    particle: &'p TrackParticle,
    points: &'p TrackPoints,
    /// What distances are multiplied with.
    weights: Vec<f64>,
    bounded: [Bounded; COUNT],
    free: Vec<usize>,
    work: &'p mut Workspace,
    /// The last point that was searched, distances there and at a point moved from it.
    searched: Vec<f64>,
    distances: Vec<f64>,
    column: Vec<f64>,
}

/// Fits a track; the guess lies on the mesh, and there are more points than parameters.
pub fn fit(
    grid: &TrackGrid<'_>,
    particle: &TrackParticle,
    (params, guess, points): (&SolveParams, &Guess, &TrackPoints),
    work: &mut Workspace,
) -> Fit {
    let bounded = bounded(grid, particle, (params, guess));
    let free: Vec<usize> = (0..COUNT).filter(|k| bounded[*k].is_free).collect();
    let start: Vec<f64> = free.iter().map(|k| bounded[*k].inner()).collect();
    let weights = weights(params, points);
    work.nearest.clear();
    let [searched, distances, column] = [const { Vec::new() }; 3];
    let mut problem = Problem {
        grid,
        particle,
        points,
        weights,
        bounded,
        free,
        work,
        searched,
        distances,
        column,
    };
    match params.method {
        FitMethod::Lbfgsb => problem.lbfgsb(&start),
        FitMethod::LeastSquares => problem.least_squares(&start),
    }
}

fn weights(params: &SolveParams, points: &TrackPoints) -> Vec<f64> {
    let along = 0.5 * params.time_bucket_length;
    let across = PAD_ERRORS.map(|error| error * error).iter().sum::<f64>();
    let variance = points.scale.iter().map(|scale| scale * scale * across + along * along);
    match params.method {
        FitMethod::Lbfgsb => variance.map(|variance| 1.0 / variance).collect(),
        FitMethod::LeastSquares => variance.map(|variance| 1.0 / variance.sqrt()).collect(),
    }
}

impl Problem<'_> {
    fn lbfgsb(&mut self, start: &[f64]) -> Fit {
        let n = start.len();
        let sum: f64 = self.weights.iter().sum();
        let most = 2 * 2000 * (n + 1);
        let stop =
            lbfgs::Stop { decrease: 2.220_446_049_250_313e-9, gradient: 1e-5, evaluations: most };
        let found = lbfgs::minimize(start, stop, |x, gradient| {
            self.search(x);
            let value = dot(&self.distances, &self.weights) / sum;
            for k in 0..n {
                let step = (x[k] + DIFFERENCE) - x[k];
                self.moved(x, k, step);
                gradient[k] = (dot(&self.column, &self.weights) / sum - value) / step;
            }
            value
        });
        self.fit_at(&found.x, found.value * found.value, None)
    }

    fn least_squares(&mut self, start: &[f64]) -> Fit {
        let n = start.len();
        let evaluations = 2 * 2000 * (n + 1);
        let stop = lmdif::Stop { ftol: 1.5e-8, xtol: 1.5e-8, evaluations };
        let found = lmdif::minimize(start, stop, self);
        let spare = (self.points.len() - n) as f64;
        let redchisq = dot(&found.residuals, &found.residuals) / spare;
        let covariance =
            found.covariance.map(|covariance| self.outer(covariance, &found.x, redchisq));
        let covariance = covariance.filter(|c| self.free.iter().all(|k| c[*k][*k] > 0.0));
        self.fit_at(&found.x, redchisq, covariance.as_ref())
    }

    /// The covariance of all parameters from that of the free ones in their sine space.
    fn outer(&self, inner: Vec<Vec<f64>>, x: &[f64], scale: f64) -> Covariance {
        let slopes: Vec<f64> =
            self.free.iter().zip(x).map(|(k, x)| self.bounded[*k].slope(*x)).collect();
        let mut outer = [[0.0; COUNT]; COUNT];
        for (i, a) in self.free.iter().enumerate() {
            for (j, b) in self.free.iter().enumerate() {
                outer[*a][*b] = inner[i][j] * slopes[i] * slopes[j] * scale;
            }
        }
        outer
    }

    fn values(&self, x: &[f64]) -> [f64; COUNT] {
        let mut values = self.bounded.map(|parameter| parameter.value);
        self.free.iter().zip(x).for_each(|(k, x)| values[*k] = self.bounded[*k].outer(*x));
        values
    }

    fn fit_at(&self, x: &[f64], redchisq: f64, covariance: Option<&Covariance>) -> Fit {
        let values = self.values(x);
        let [brho, polar, rho, phi, azimuthal, z] = values;
        let (sin, cos) = phi.sin_cos();
        let measured = |value, [(a, da), (b, db)]: [(usize, f64); 2]| {
            let sigma = covariance.map_or(UNKNOWN_SIGMA, |c| {
                let square = c[a][a] * da * da + 2.0 * c[a][b] * da * db + c[b][b] * db * db;
                square.max(0.0).sqrt()
            });
            Measured { value, sigma }
        };
        let own = |value, k: usize, slope: f64| measured(value, [(k, slope), (k, 0.0)]);
        let ke = self.particle.ke(brho);
        Fit {
            vertex: [
                measured(rho * cos, [(2, cos), (3, -rho * sin)]),
                measured(rho * sin, [(2, sin), (3, rho * cos)]),
                own(z, 5, 1.0),
            ],
            brho: own(brho, 0, 1.0),
            ke: own(ke, 0, self.particle.ke_slope(brho)),
            polar: own(polar, 1, 1.0),
            azimuthal: own(azimuthal, 4, 1.0),
            redchisq,
            at_edge: is_at_edge(self.grid.ke, ke) || is_at_edge(self.grid.polar, polar),
        }
    }

    /// Distances of all points from the nearest samples of the track with these parameters.
    fn search(&mut self, x: &[f64]) {
        if self.searched == x {
            return;
        }
        self.searched = x.to_vec();
        let values = self.values(x);
        let work = &mut *self.work;
        make_track(self.grid, self.particle, (&values, &mut work.cells), &mut work.track);
        work.boxes.fill(&work.track);
        work.nearest.resize(self.points.len(), Nearest::NONE);
        self.distances.clear();
        for (point, nearest) in self.points.xyz.iter().zip(&mut work.nearest) {
            *nearest = work.boxes.nearest(&work.track, *point, nearest.sample);
            self.distances.push(nearest.square.sqrt());
        }
    }

    /// Distances after a small move of one parameter from where the last search was.
    fn moved(&mut self, x: &[f64], k: usize, step: f64) {
        let mut x = x.to_vec();
        x[k] += step;
        let values = self.values(&x);
        let work = &mut *self.work;
        make_track(self.grid, self.particle, (&values, &mut work.cells), &mut work.moved);
        let reach = work.track.largest_move(&work.moved);
        work.moved_boxes.clear();
        self.column.clear();
        for (point, nearest) in self.points.xyz.iter().zip(&work.nearest) {
            let square = if nearest.holds_within(reach) {
                work.moved.square(nearest.sample, *point)
            } else {
                if work.moved_boxes.is_empty() {
                    work.moved_boxes.fill(&work.moved);
                }
                work.moved_boxes.nearest(&work.moved, *point, nearest.sample).square
            };
            self.column.push(square.sqrt());
        }
    }
}

impl Residuals for Problem<'_> {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) {
        self.search(x);
        out.clear();
        out.extend(self.distances.iter().zip(&self.weights).map(|(d, w)| d * w));
    }

    fn jacobian(&mut self, x: &[f64], residuals: &[f64], columns: &mut [Vec<f64>]) {
        // The last step may have been refused, so what is nearest is looked up again.
        self.search(x);
        for (k, column) in columns.iter_mut().enumerate() {
            let step = f64::EPSILON.sqrt() * x[k].abs();
            let step = if step == 0.0 { f64::EPSILON.sqrt() } else { step };
            self.moved(x, k, step);
            let moved = self.column.iter().zip(&self.weights).map(|(d, w)| d * w);
            column.clear();
            column.extend(moved.zip(residuals).map(|(new, old)| (new - old) / step));
        }
    }
}

/// The track with these parameters, samples at its repeated end left out.
fn make_track(
    grid: &TrackGrid<'_>,
    particle: &TrackParticle,
    (values, cells): (&[f64; COUNT], &mut CellCache),
    track: &mut Track,
) {
    let [brho, polar, rho, phi, azimuthal, z] = *values;
    // The bounds were computed from the ends of the mesh, which rounding may overstep.
    let ke = particle.ke(brho).max(grid.ke.low).min(grid.ke.high);
    let polar = polar.max(grid.polar.low).min(grid.polar.high);
    let cell = grid.locate(ke, polar, Compat::Spyral11).expect("the values lie on the mesh");
    let open = cells.open(grid, &cell);
    open.blend(0, &cell.weights, &mut track.x);
    open.blend(1, &cell.weights, &mut track.y);
    open.blend(2, &cell.weights, &mut track.z);
    track.place(azimuthal, [rho * phi.cos(), rho * phi.sin(), z]);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
