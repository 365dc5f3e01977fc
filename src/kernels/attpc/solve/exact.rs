//! The exact fit: the smooth objective of [`objective`], minimised with its derivatives by either
//! method, with standard deviations from its second derivatives.
//!
//! [`objective`]: crate::kernels::attpc::solve::objective

use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::solve::centre::Centre;
use crate::kernels::attpc::solve::lbfgs;
use crate::kernels::attpc::solve::normal::{COUNT, Matrix, held, inverse, solved};
use crate::kernels::attpc::solve::objective::{Quadratic, Task, Values, VertexFrame, Workspace};
use crate::kernels::attpc::solve::params::{
    Fit, FitMethod, Guess, Measured, SolveParams, is_at_edge,
};

/// How far the rigidity (T m) and the vertex (m) may move from the estimate.
const BRHO_REACH: f64 = 2.0;
const VERTEX_REACH: f64 = 0.2;
/// Most iterations of Levenberg-Marquardt; a few dozen are common.
const ITERATIONS: usize = 200;
/// Decrease of the objective that ends a fit, where 1 is that of one standard deviation.
const DECREASE: f64 = 1e-4;
/// Largest slope that ends a quasi-Newton fit, in objective per standard deviation. Small, because
/// that is the deviation with all else held, which along the valley is a small part of the whole.
const GRADIENT: f64 = 1e-4;
/// First damping, its changes, and the damping at which no step helps.
const DAMPING: f64 = 1e-4;
const DAMPING_DOWN: f64 = 0.1;
const DAMPING_UP: f64 = 7.0;
const DAMPING_MIN: f64 = 1e-10;
const DAMPING_MAX: f64 = 1e6;
/// How far a step may be stretched.
const STRETCH_MAX: f64 = 4.0;
/// What stands for a standard deviation that is not known, as in the peer's tables.
const UNKNOWN_SIGMA: f64 = 1e6;

/// Where parameters may go.
#[derive(Clone, Copy, Debug)]
struct Limits {
    low: Values,
    high: Values,
    is_free: [bool; COUNT],
    /// Largest radius of a vertex given by x and y.
    radius: Option<f64>,
}

impl Limits {
    fn new(task: &Task<'_>, (params, guess): (&SolveParams, &Guess)) -> Limits {
        let TrackGrid { ke, polar, .. } = *task.grid;
        let right_angle = std::f64::consts::FRAC_PI_2;
        let is_backward = guess.polar > right_angle;
        let (low, high) = if is_backward {
            (polar.low.max(right_angle), polar.high)
        } else {
            (polar.low, polar.high.min(right_angle))
        };
        let brho = [task.particle.brho(ke.low), task.particle.brho(ke.high)];
        let z = guess.vertex[2];
        let is_polar = task.frame() == VertexFrame::Polar;
        let radius = params.beam_region_radius;
        let any = f64::INFINITY;
        let reach = if is_polar { radius } else { any };
        Limits {
            low: [
                brho[0].max(guess.brho - BRHO_REACH),
                low,
                if is_polar { 0.0 } else { -any },
                -any,
                -any,
                (z - VERTEX_REACH).max(0.0).min(params.detector_length),
            ],
            high: [
                brho[1].min(guess.brho + BRHO_REACH),
                high,
                reach,
                any,
                any,
                (z + VERTEX_REACH).min(params.detector_length).max(0.0),
            ],
            is_free: [
                true,
                true,
                params.fit_vertex_rho,
                params.fit_vertex_phi,
                params.fit_azimuthal,
                true,
            ],
            radius: (!is_polar).then_some(radius),
        }
    }

    fn kept(&self, mut values: Values) -> Values {
        for (value, (low, high)) in values.iter_mut().zip(self.low.iter().zip(&self.high)) {
            *value = value.max(*low).min(*high);
        }
        if let Some(radius) = self.radius {
            let found = values[2].hypot(values[3]);
            if found > radius {
                values[2] *= radius / found;
                values[3] *= radius / found;
            }
        }
        values
    }

    /// Parameters that may move: free ones that do not push against a limit.
    fn moving(&self, values: &Values, gradient: &Values) -> [bool; COUNT] {
        std::array::from_fn(|k| {
            let pushes_down = values[k] <= self.low[k] && gradient[k] > 0.0;
            let pushes_up = values[k] >= self.high[k] && gradient[k] < 0.0;
            self.is_free[k] && !pushes_down && !pushes_up
        })
    }
}

/// Fits a track; the guess lies on the mesh.
pub fn fit(task: &Task<'_>, (params, guess): (&SolveParams, &Guess), work: &mut Workspace) -> Fit {
    let limits = Limits::new(task, (params, guess));
    let [x, y, z] = guess.vertex;
    let [a, b] = match task.frame() {
        VertexFrame::Cartesian => [x, y],
        VertexFrame::Polar => [x.hypot(y), y.atan2(x)],
    };
    let start = limits.kept([guess.brho, guess.polar, a, b, guess.azimuthal, z]);
    work.feet.clear();
    let walk = Walk { task, limits: &limits, centre: task.centre(params) };
    let (values, found) = match params.method {
        FitMethod::LeastSquares => walk.levenberg_marquardt(start, work),
        FitMethod::Lbfgsb => walk.quasi_newton(start, work),
    };
    summary(task, &limits, (&values, &found))
}

/// What both methods walk on.
struct Walk<'w, 't> {
    task: &'w Task<'t>,
    limits: &'w Limits,
    centre: Centre,
}

impl Walk<'_, '_> {
    fn levenberg_marquardt(&self, start: Values, work: &mut Workspace) -> (Values, Quadratic) {
        let (mut values, mut here) = (start, self.task.evaluate(&start, work));
        let spare = spare(self.task, self.limits);
        let (mut damping, mut stretch) = (DAMPING, 1.0);
        for _ in 0..ITERATIONS {
            let Some((step, promised)) = self.damped_step(&values, &here, damping) else {
                break;
            };
            let inner = self.centre.inner(&values);
            let moved = std::array::from_fn(|k| inner[k] + stretch * step[k]);
            let next = self.limits.kept(self.centre.outer(&moved));
            let there = self.task.evaluate(&next, work);
            let (gain, flat) = (here.value - there.value, DECREASE * here.value / spare);
            if gain > 0.0 {
                (values, here) = (next, there);
                damping = (damping * DAMPING_DOWN).max(DAMPING_MIN);
                stretch = stretched(stretch, gain / promised);
            } else if stretch > 1.0 {
                stretch = 1.0;
            } else {
                damping *= DAMPING_UP;
            }
            // A step that promised much and gained nothing was too long, not at the bottom.
            let is_bottom = gain.abs() <= flat && (promised <= flat || gain <= 0.0);
            if is_bottom || damping > DAMPING_MAX {
                break;
            }
        }
        (values, here)
    }

    /// The step and the decrease that it promises.
    fn damped_step(
        &self,
        values: &Values,
        here: &Quadratic,
        damping: f64,
    ) -> Option<(Values, f64)> {
        let moving = self.limits.moving(values, &here.gradient);
        let hessian = held(&self.centre.hessian(values, &here.hessian), moving);
        let gradient = self.centre.gradient(values, &here.gradient);
        let mut matrix = hessian;
        (0..COUNT).for_each(|k| matrix[k][k] *= 1.0 + damping);
        let right = std::array::from_fn(|k| if moving[k] { -gradient[k] } else { 0.0 });
        let step = solved(&matrix, right)?;
        let bent = |k: usize| (0..COUNT).map(|j| hessian[k][j] * step[j]).sum::<f64>();
        let promised = (0..COUNT).map(|k| step[k] * (2.0 * right[k] - bent(k))).sum();
        Some((step, promised))
    }

    /// L-BFGS in parameters that are scaled by the second derivatives at the start.
    ///
    /// Beyond a limit the objective goes on as at the limit, plus the square of the way beyond.
    fn quasi_newton(&self, start: Values, work: &mut Workspace) -> (Values, Quadratic) {
        let Walk { task, limits, centre } = *self;
        let first = task.evaluate(&start, work);
        let hessian = centre.hessian(&start, &first.hessian);
        let scale: Values =
            std::array::from_fn(
                |k| {
                    if hessian[k][k] > 0.0 { 1.0 / hessian[k][k].sqrt() } else { 1.0 }
                },
            );
        let free: Vec<usize> = (0..COUNT).filter(|k| limits.is_free[*k]).collect();
        let origin = centre.inner(&start);
        let outer = |x: &[f64]| {
            let mut inner = origin;
            free.iter().zip(x).for_each(|(k, x)| inner[*k] += x * scale[*k]);
            centre.outer(&inner)
        };
        let evaluations = 10 * ITERATIONS;
        // One iteration of many may gain little, so that this one asks for more than the other.
        let decrease = 0.01 * DECREASE / spare(task, limits);
        let stop = lbfgs::Stop { decrease, gradient: GRADIENT, evaluations };
        let found = lbfgs::minimize(&vec![0.0; free.len()], stop, |x, gradient| {
            let wanted = outer(x);
            let kept = limits.kept(wanted);
            let here = task.evaluate(&kept, work);
            let mut value = here.value;
            let mut slope = here.gradient;
            for k in 0..COUNT {
                let length = if k == 2 || k == 3 { task.beam() } else { scale[k] };
                let beyond = (wanted[k] - kept[k]) / length;
                value += beyond * beyond;
                if beyond != 0.0 && (limits.radius.is_none() || (k != 2 && k != 3)) {
                    slope[k] = beyond / length;
                }
            }
            let found = wanted[2].hypot(wanted[3]);
            if let Some(radius) = limits.radius.filter(|radius| found > *radius) {
                // Along the circle the objective still changes; across it only the penalty does.
                let out = [wanted[2] / found, wanted[3] / found];
                let across = slope[2] * out[0] + slope[3] * out[1];
                let push = (found - radius) / (task.beam() * task.beam());
                for (k, out) in [(2, out[0]), (3, out[1])] {
                    slope[k] = (slope[k] - across * out) * radius / found + push * out;
                }
            }
            let slope = centre.gradient(&wanted, &slope);
            let parts = free.iter().zip(gradient);
            parts.for_each(|(k, gradient)| *gradient = 2.0 * slope[*k] * scale[*k]);
            value
        });
        let values = limits.kept(outer(&found.x));
        (values, task.evaluate(&values, work))
    }
}

/// How much longer than promised the next step had better be.
///
/// The second derivatives leave out how the foot moves on a bent track, so that they are too large
/// along the valley. From a gain g times the promised one after a step stretched by s follows their
/// true share c by g = 2 s - c s s, and 1 / c is the best stretch.
fn stretched(stretch: f64, gain: f64) -> f64 {
    let share = (2.0 * stretch - gain) / (stretch * stretch);
    if share > 0.0 { (1.0 / share).clamp(1.0, STRETCH_MAX) } else { STRETCH_MAX }
}

/// Numbers that are measured beyond those that are wanted: every point measures twice, because its
/// place along the track says nothing.
fn spare(task: &Task<'_>, limits: &Limits) -> f64 {
    let free = limits.is_free.iter().filter(|free| **free).count();
    (2 * task.points.len()).saturating_sub(free).max(1) as f64
}

/// Values and standard deviations at the end of a fit.
fn summary(task: &Task<'_>, limits: &Limits, (values, found): (&Values, &Quadratic)) -> Fit {
    let [brho, polar, a, b, azimuthal, z] = *values;
    let redchisq = found.value / spare(task, limits);
    let moving = limits.moving(values, &found.gradient);
    let covariance = inverse(&held(&found.hessian, moving))
        .map(|matrix| held_scaled(&matrix, limits.is_free, redchisq));
    let sigma = |slopes: Values| {
        covariance.as_ref().map_or(UNKNOWN_SIGMA, |matrix| {
            let product = |i: usize| (0..COUNT).map(move |j| slopes[i] * matrix[i][j] * slopes[j]);
            (0..COUNT).flat_map(product).sum::<f64>().max(0.0).sqrt()
        })
    };
    let unit = |k: usize, slope: f64| {
        let mut slopes = [0.0; COUNT];
        slopes[k] = slope;
        slopes
    };
    let measured = |value, slopes| Measured { value, sigma: sigma(slopes) };
    let (vertex, by) = task.vertex([a, b]);
    let of_vertex = |axis: usize| [0.0, 0.0, by[0][axis], by[1][axis], 0.0, 0.0];
    let ke = task.particle.ke(brho);
    Fit {
        vertex: [
            measured(vertex[0], of_vertex(0)),
            measured(vertex[1], of_vertex(1)),
            measured(z, unit(5, 1.0)),
        ],
        brho: measured(brho, unit(0, 1.0)),
        ke: measured(ke, unit(0, task.particle.ke_slope(brho))),
        polar: measured(polar, unit(1, 1.0)),
        azimuthal: measured(azimuthal.rem_euclid(std::f64::consts::TAU), unit(4, 1.0)),
        redchisq,
        at_edge: is_at_edge(task.grid.ke, ke) || is_at_edge(task.grid.polar, polar),
    }
}

fn held_scaled(matrix: &Matrix, is_free: [bool; COUNT], scale: f64) -> Matrix {
    let mut out = *matrix;
    for i in 0..COUNT {
        for j in 0..COUNT {
            out[i][j] = if is_free[i] && is_free[j] { out[i][j] * scale } else { 0.0 };
        }
    }
    out
}
