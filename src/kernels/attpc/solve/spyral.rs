//! The fit as Spyral 1.1 does it: distances to the nearest sample of the track, differences for
//! derivatives, bounds by way of a sine.
//!
//! A difference moves a parameter by little, and so do most steps of a fit, so that nearly always the
//! nearest samples stay the same. Where the second nearest one is farther off than the track moves,
//! that is certain, and the search is left out.

use crate::kernels::attpc::mesh::{Cell, TrackGrid};
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
/// The same for least squares, as a part of the value: the root of the 1e-10 that lmfit hands to
/// MINPACK.
const RELATIVE_DIFFERENCE: f64 = 1e-5;
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
        let part = 2.0 * (self.value - self.low) / (self.high - self.low) - 1.0;
        let inner = part.clamp(-1.0, 1.0).asin();
        // Rounding of a start in the middle; lmfit takes it for zero too, because a step for
        // differences that is a part of it would be nothing.
        if inner.abs() < 1e-15 { 0.0 } else { inner }
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
    /// The track of the last search, and the same before it was placed.
    track: Track,
    blend: Blend,
    /// The track of the search before.
    before: Track,
    moved: Track,
    moved_blend: Blend,
    /// Boxes around the track of the last search; none while nobody asked for them.
    boxes: Boxes,
    moved_boxes: Boxes,
    nearest: Vec<Kept>,
}

/// A track from the mesh that was not placed yet, and the cell it was blended from.
#[derive(Default)]
struct Blend {
    cell: Option<Cell>,
    track: Track,
}

impl Blend {
    fn fill(&mut self, grid: &TrackGrid<'_>, cell: &Cell, cells: &mut CellCache) {
        if self.cell.as_ref() == Some(cell) {
            return;
        }
        let open = cells.open(grid, cell);
        open.blend(0, &cell.weights, &mut self.track.x);
        open.blend(1, &cell.weights, &mut self.track.y);
        open.blend(2, &cell.weights, &mut self.track.z);
        self.cell = Some(*cell);
    }
}

/// The nearest sample to a point, kept from one track to the next.
#[derive(Clone, Copy, Debug)]
struct Kept {
    sample: usize,
    /// No other sample is nearer than the nearest one and this.
    lead: f64,
}

impl Kept {
    const NONE: Kept = Kept { sample: 0, lead: f64::NEG_INFINITY };
}

impl From<Nearest> for Kept {
    fn from(nearest: Nearest) -> Kept {
        Kept { sample: nearest.sample, lead: nearest.lead() }
    }
}

impl Workspace {
    /// The damaged node of the mesh that was met since the last call, if any.
    pub fn take_damaged(&mut self) -> Option<usize> {
        self.cells.damaged.take()
    }
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
    source: Source<'p>,
    /// The last point that was searched.
    searched: Vec<f64>,
    /// Distances at the last point, and at points moved from it by one parameter each.
    distances: Vec<f64>,
    moved: Vec<Vec<f64>>,
}

/// Who computes distances.
enum Source<'p> {
    /// This thread.
    Own(&'p mut Workspace),
    /// Somebody who takes all that are wanted at once and gives them one after the other.
    Asked(&'p mut dyn FnMut(Vec<PlacedTrack>) -> Vec<f64>),
}

/// A track whose distances from the points are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedTrack {
    pub cell: Cell,
    pub azimuthal: f64,
    /// Metres.
    pub vertex: [f64; 3],
}

/// Fits a track; the guess lies on the mesh, and there are more points than parameters.
pub fn fit(
    grid: &TrackGrid<'_>,
    particle: &TrackParticle,
    track: (&SolveParams, &Guess, &TrackPoints),
    work: &mut Workspace,
) -> Fit {
    work.nearest.clear();
    fit_from(grid, particle, track, Source::Own(work))
}

/// The same fit with distances from elsewhere: `ask` gets tracks and gives the distances of all
/// points from the first, then those from the second, and so on.
pub fn fit_asking<'p>(
    grid: &'p TrackGrid<'p>,
    particle: &'p TrackParticle,
    track: (&SolveParams, &Guess, &'p TrackPoints),
    ask: &'p mut dyn FnMut(Vec<PlacedTrack>) -> Vec<f64>,
) -> Fit {
    fit_from(grid, particle, track, Source::Asked(ask))
}

fn fit_from<'p>(
    grid: &'p TrackGrid<'p>,
    particle: &'p TrackParticle,
    (params, guess, points): (&SolveParams, &Guess, &'p TrackPoints),
    source: Source<'p>,
) -> Fit {
    let bounded = bounded(grid, particle, (params, guess));
    let free: Vec<usize> = (0..COUNT).filter(|k| bounded[*k].is_free).collect();
    let start: Vec<f64> = free.iter().map(|k| bounded[*k].inner()).collect();
    let weights = weights(params, points);
    let (searched, distances, moved) = (Vec::new(), Vec::new(), Vec::new());
    let mut problem = Problem {
        grid,
        particle,
        points,
        weights,
        bounded,
        free,
        source,
        searched,
        distances,
        moved,
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
            let steps: Vec<f64> = x.iter().map(|x| (x + DIFFERENCE) - x).collect();
            self.look(x, &steps);
            let value = dot(&self.distances, &self.weights) / sum;
            for (gradient, (moved, step)) in gradient.iter_mut().zip(self.moved.iter().zip(&steps))
            {
                *gradient = (dot(moved, &self.weights) / sum - value) / step;
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

    /// Computes distances at a point, and at points that are moved from it by `steps`, each along
    /// its own parameter.
    fn look(&mut self, x: &[f64], steps: &[f64]) {
        let moved = steps.iter().enumerate().map(|(k, step)| {
            let mut x = x.to_vec();
            x[k] += step;
            self.values(&x)
        });
        let values: Vec<[f64; COUNT]> = std::iter::once(self.values(x)).chain(moved).collect();
        let place = |values| placed(self.grid, self.particle, values);
        let tracks: Vec<PlacedTrack> = values.iter().map(place).collect();
        self.moved.resize(steps.len(), Vec::new());
        match &mut self.source {
            Source::Own(work) => {
                // An optimiser asks for the slope where it has just asked for the value.
                if self.searched != x {
                    work.search(self.grid, &tracks[0], self.points, &mut self.distances);
                    self.searched = x.to_vec();
                }
                for (track, column) in tracks[1..].iter().zip(&mut self.moved) {
                    work.moved(self.grid, track, self.points, column);
                }
            }
            Source::Asked(ask) => {
                let answer = ask(tracks);
                let mut columns = answer.chunks_exact(self.points.len().max(1));
                for column in std::iter::once(&mut self.distances).chain(&mut self.moved) {
                    column.clear();
                    column.extend(columns.next().expect("each track has its distances"));
                }
            }
        }
    }
}

impl Workspace {
    /// Distances of all points from the nearest samples of a track.
    fn search(
        &mut self,
        grid: &TrackGrid<'_>,
        placed: &PlacedTrack,
        points: &TrackPoints,
        out: &mut Vec<f64>,
    ) {
        std::mem::swap(&mut self.track, &mut self.before);
        self.blend.fill(grid, &placed.cell, &mut self.cells);
        self.track.place(&self.blend.track, placed.azimuthal, placed.vertex);
        self.boxes.clear();
        self.nearest.resize(points.len(), Kept::NONE);
        let lost = 2.0 * beyond(self.before.largest_move(&self.track));
        out.clear();
        for (point, kept) in points.xyz.iter().zip(&mut self.nearest) {
            kept.lead -= lost;
            if kept.lead > 0.0 {
                out.push(self.track.square(kept.sample, *point));
                continue;
            }
            if self.boxes.is_empty() {
                self.boxes.fill(&self.track);
            }
            let found = self.boxes.nearest(&self.track, *point, kept.sample);
            *kept = found.into();
            out.push(found.square);
        }
        out.iter_mut().for_each(|square| *square = square.sqrt());
    }

    /// Distances from a track that is a little off that of the last search.
    fn moved(
        &mut self,
        grid: &TrackGrid<'_>,
        placed: &PlacedTrack,
        points: &TrackPoints,
        out: &mut Vec<f64>,
    ) {
        // Only the energy and the polar angle change the track itself.
        let is_same = self.blend.cell.as_ref() == Some(&placed.cell);
        if !is_same {
            self.moved_blend.fill(grid, &placed.cell, &mut self.cells);
        }
        let blend = if is_same { &self.blend } else { &self.moved_blend };
        self.moved.place(&blend.track, placed.azimuthal, placed.vertex);
        let reach = self.track.largest_move(&self.moved);
        out.clear();
        if reach.is_infinite() {
            self.moved_boxes.fill(&self.moved);
            out.extend(points.xyz.iter().zip(&self.nearest).map(|(point, kept)| {
                self.moved_boxes.nearest(&self.moved, *point, kept.sample).square
            }));
        } else {
            self.slightly_moved(beyond(reach), points, out);
        }
        out.iter_mut().for_each(|square| *square = square.sqrt());
    }

    /// Squared distances from the moved track, no sample of which moved by more than `reach`.
    fn slightly_moved(&mut self, reach: f64, points: &TrackPoints, out: &mut Vec<f64>) {
        for (point, kept) in points.xyz.iter().zip(&self.nearest) {
            if kept.lead > 2.0 * reach {
                out.push(self.moved.square(kept.sample, *point));
                continue;
            }
            if self.boxes.is_empty() {
                self.boxes.fill(&self.track);
            }
            let found = self.boxes.nearest_of_moved(&self.moved, *point, kept.sample, reach);
            out.push(found.square);
        }
    }
}

/// A little more than a distance, for what rounding may have taken from it.
fn beyond(distance: f64) -> f64 {
    distance * (1.0 + 1e-9) + 1e-12
}

impl Residuals for Problem<'_> {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) {
        self.look(x, &[]);
        out.clear();
        out.extend(self.distances.iter().zip(&self.weights).map(|(d, w)| d * w));
    }

    fn jacobian(&mut self, x: &[f64], residuals: &[f64], columns: &mut [Vec<f64>]) {
        let step = |x: &f64| RELATIVE_DIFFERENCE * if *x == 0.0 { 1.0 } else { x.abs() };
        let steps: Vec<f64> = x.iter().map(step).collect();
        // The last step may have been refused, so what is nearest is looked up again.
        self.look(x, &steps);
        for (column, (moved, step)) in columns.iter_mut().zip(self.moved.iter().zip(&steps)) {
            let moved = moved.iter().zip(&self.weights).map(|(d, w)| d * w);
            column.clear();
            column.extend(moved.zip(residuals).map(|(new, old)| (new - old) / step));
        }
    }
}

/// Where the track of these parameters lies.
fn placed(grid: &TrackGrid<'_>, particle: &TrackParticle, values: &[f64; COUNT]) -> PlacedTrack {
    let [brho, polar, rho, phi, azimuthal, z] = *values;
    // The bounds were computed from the ends of the mesh, which rounding may overstep.
    let ke = particle.ke(brho).max(grid.ke.low).min(grid.ke.high);
    let polar = polar.max(grid.polar.low).min(grid.polar.high);
    let cell = grid.locate(ke, polar, Compat::Spyral11).expect("the values lie on the mesh");
    PlacedTrack { cell, azimuthal, vertex: [rho * phi.cos(), rho * phi.sin(), z] }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
