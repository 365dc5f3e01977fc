//! How well a track fits a cluster, with derivatives: the objective of the exact fit.
//!
//! A plain function of curves, points and six parameters. Points are brought into the frame of the
//! track, where the mesh's curves lie ready; each has a foot on the curve, and only what stands off
//! the curve counts, because a place along it says nothing. Derivatives follow from the curves of
//! the cell's nodes, since at the foot the distance does not change with the place along the curve.

use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::solve::centre::Centre;
use crate::kernels::attpc::solve::curve::{Clock, CurveCache, CurveCell};
use crate::kernels::attpc::solve::normal::{COUNT, Matrix};
use crate::kernels::attpc::solve::params::{SolveParams, TrackParticle, TrackPoints};
use crate::kernels::attpc::solve::segments::{Curve, Foot, dot, on_arc};

/// Standard deviation across a big pad in metres: that of its area, with charge that spreads.
const ACROSS: f64 = 0.004;
/// Neighbours on either side to whose charge that of a point is compared.
const NEIGHBOURS: usize = 10;
/// Least and largest charge relative to the neighbours' that counts.
const CHARGE_RANGE: [f64; 2] = [0.1, 4.0];
/// Distance in standard deviations from which points count less (P. J. Huber, Ann. Math. Statist.
/// 35 (1964) 73).
const HUBER: f64 = 3.0;
/// The radius of the beam region is so many standard deviations of the beam.
const BEAM_DEVIATIONS: f64 = 3.0;

/// How the vertex is parametrised by two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VertexFrame {
    /// x and y.
    Cartesian,
    /// Radius and angle, of which at least one is held.
    Polar,
}

/// brho, polar, two of the vertex, azimuthal, vertex z.
pub type Values = [f64; COUNT];

/// Everything about a cluster that does not change during a fit.
pub struct Task<'t> {
    pub grid: &'t TrackGrid<'t>,
    pub clock: &'t Clock,
    pub particle: &'t TrackParticle,
    pub points: &'t TrackPoints,
    /// Weights of x and y, and of z, for each point.
    weights: Vec<[f64; 2]>,
    frame: VertexFrame,
    /// Standard deviation of the beam in metres.
    beam: f64,
}

/// Buffers that fits share, one after the other.
#[derive(Default)]
pub struct Workspace {
    cells: CurveCache,
    curve: Curve,
    /// Where the points' feet were found the last time.
    pub feet: Vec<Foot>,
}

impl Workspace {
    /// The damaged node of the mesh that was met since the last call, if any.
    pub fn take_damaged(&mut self) -> Option<usize> {
        self.cells.damaged.take()
    }
}

/// The objective near a point: half of its gradient and of its second derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quadratic {
    pub value: f64,
    pub gradient: Values,
    pub hessian: Matrix,
}

impl<'t> Task<'t> {
    /// Weighs the points of a cluster.
    pub fn new(
        (grid, clock): (&'t TrackGrid<'t>, &'t Clock),
        particle: &'t TrackParticle,
        (params, points): (&SolveParams, &'t TrackPoints),
    ) -> Task<'t> {
        let is_cartesian = params.fit_vertex_rho && params.fit_vertex_phi;
        let along = 1.0 / params.time_bucket_length;
        let shares = charge_shares(&points.charge);
        let weights = points.scale.iter().zip(shares).map(|(scale, share)| {
            let root = share.sqrt();
            [root / (ACROSS * scale), root * along]
        });
        Task {
            grid,
            clock,
            particle,
            points,
            weights: weights.collect(),
            frame: if is_cartesian { VertexFrame::Cartesian } else { VertexFrame::Polar },
            beam: params.beam_region_radius / BEAM_DEVIATIONS,
        }
    }

    /// How the two numbers of the vertex are meant.
    pub fn frame(&self) -> VertexFrame {
        self.frame
    }

    /// Standard deviation of the beam in metres.
    pub fn beam(&self) -> f64 {
        self.beam
    }

    /// The parameters in which a fit had better walk.
    pub fn centre(&self, params: &SolveParams) -> Centre {
        let field = self
            .clock
            .field()
            .filter(|_| self.frame == VertexFrame::Cartesian && params.fit_azimuthal);
        Centre { field }
    }

    /// x and y of the vertex, and their derivatives by the two numbers.
    pub fn vertex(&self, [a, b]: [f64; 2]) -> ([f64; 2], [[f64; 2]; 2]) {
        match self.frame {
            VertexFrame::Cartesian => ([a, b], [[1.0, 0.0], [0.0, 1.0]]),
            VertexFrame::Polar => {
                let (sin, cos) = b.sin_cos();
                ([a * cos, a * sin], [[cos, sin], [-a * sin, a * cos]])
            }
        }
    }

    /// The objective at values that lie on the mesh.
    pub fn evaluate(&self, values: &Values, work: &mut Workspace) -> Quadratic {
        let [brho, polar, a, b, azimuthal, z] = *values;
        let ke = self.particle.ke(brho).max(self.grid.ke.low).min(self.grid.ke.high);
        let cell = self.grid.locate(ke, polar, Compat::Exact).expect("the values lie on the mesh");
        let open = work.cells.open(self.grid, self.clock, &cell);
        blend(open, &cell.weights, &mut work.curve);
        let slopes = Slopes::new(self.grid, &cell.weights, self.particle.ke_slope(brho));
        let (vertex, by) = self.vertex([a, b]);
        let frame = Frame::new(azimuthal, [vertex[0], vertex[1], z], by);
        let mut sum = Quadratic::ZERO;
        work.feet.resize(self.points.len(), Foot::NONE);
        for ((point, weights), foot) in
            self.points.xyz.iter().zip(&self.weights).zip(&mut work.feet)
        {
            let point = frame.of(*point);
            *foot = work.curve.foot(point, *weights, foot.line);
            let bulge = open.bulges[foot.line];
            let tangent = work.curve.refine(foot, (point, *weights), bulge);
            let mut columns = frame.columns(point);
            [columns[0], columns[1]] = slopes.at(open, foot);
            let [across, along] = *weights;
            let columns = columns.map(|[x, y, z]| [x * across, y * across, z * along]);
            sum.add(foot, columns, tangent);
        }
        sum.add_beam(vertex, by, self.beam);
        sum
    }
}

/// Charge of each point relative to the geometric mean of its neighbours, within limits.
///
/// A pad with little charge was touched in a corner or by what spread there, so its centre says
/// little about the track.
fn charge_shares(charge: &[f64]) -> Vec<f64> {
    let mean = charge.iter().sum::<f64>() / charge.len().max(1) as f64;
    let floor = (mean * 1e-3).max(f64::MIN_POSITIVE);
    let logs: Vec<f64> = charge.iter().map(|charge| charge.max(floor).ln()).collect();
    let mut sums = vec![0.0];
    sums.extend(logs.iter().scan(0.0, |sum, log| {
        *sum += log;
        Some(*sum)
    }));
    let share = |at: usize| {
        let range = at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(logs.len());
        let mean = (sums[range.end] - sums[range.start]) / range.len() as f64;
        (logs[at] - mean).exp().clamp(CHARGE_RANGE[0], CHARGE_RANGE[1])
    };
    (0..logs.len()).map(share).collect()
}

/// The curve between the nodes of a cell.
fn blend(cell: &CurveCell, weights: &[f64; 4], curve: &mut Curve) {
    curve.points.clear();
    let mixed = |nodes: &[f64; 4]| mix(nodes, weights);
    curve.points.extend(cell.points.iter().map(|[x, y, z]| [mixed(x), mixed(y), mixed(z)]));
    curve.close();
}

fn mix([a, b, c, d]: &[f64; 4], [wa, wb, wc, wd]: &[f64; 4]) -> f64 {
    (a * wa + b * wb) + (c * wc + d * wd)
}

/// Derivatives of the nodes' weights by rigidity and by angle.
struct Slopes([[f64; 4]; 2]);

impl Slopes {
    fn new(grid: &TrackGrid<'_>, weights: &[f64; 4], ke_slope: f64) -> Slopes {
        // Nodes are ordered (0, 0), (0, 1), (1, 0), (1, 1) in energy and angle.
        let (u, v) = (weights[2] + weights[3], weights[1] + weights[3]);
        let spacing = |low: f64, high: f64, bins: usize| (high - low) / (bins - 1) as f64;
        let by_ke = ke_slope / spacing(grid.ke.low, grid.ke.high, grid.ke.bins);
        let by_polar = 1.0 / spacing(grid.polar.low, grid.polar.high, grid.polar.bins);
        Slopes([
            [-(1.0 - v), -v, 1.0 - v, v].map(|slope| slope * by_ke),
            [-(1.0 - u), 1.0 - u, -u, u].map(|slope| slope * by_polar),
        ])
    }

    /// How the way from a foot to its point changes with rigidity and angle.
    fn at(&self, cell: &CurveCell, foot: &Foot) -> [[f64; 3]; 2] {
        let bulge = cell.bulges[foot.line];
        let (from, to) = (&cell.points[foot.line], &cell.points[foot.line + 1]);
        self.0.map(|slopes| {
            let ends = [from, to].map(|point| point.map(|nodes| mix(&nodes, &slopes)));
            on_arc(foot.share, bulge, ends).map(|place| -place)
        })
    }
}

/// The frame of a track that starts at a vertex in an azimuthal direction.
struct Frame {
    sin: f64,
    cos: f64,
    vertex: [f64; 3],
    /// How a point in this frame moves with the two numbers of the vertex.
    by_vertex: [[f64; 3]; 2],
}

impl Frame {
    fn new(azimuthal: f64, vertex: [f64; 3], by: [[f64; 2]; 2]) -> Frame {
        let (sin, cos) = azimuthal.sin_cos();
        let by_vertex = by.map(|[x, y]| [-(x * cos + y * sin), x * sin - y * cos, 0.0]);
        Frame { sin, cos, vertex, by_vertex }
    }

    fn of(&self, point: [f64; 3]) -> [f64; 3] {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - self.vertex[axis]);
        [x * self.cos + y * self.sin, y * self.cos - x * self.sin, z]
    }

    /// How a point in this frame moves with the six parameters, the first two left out.
    fn columns(&self, [x, y, _]: [f64; 3]) -> [[f64; 3]; COUNT] {
        let [a, b] = self.by_vertex;
        [[0.0; 3], [0.0; 3], a, b, [y, -x, 0.0], [0.0, 0.0, -1.0]]
    }
}

impl Quadratic {
    const ZERO: Quadratic =
        Quadratic { value: 0.0, gradient: [0.0; COUNT], hessian: [[0.0; COUNT]; COUNT] };

    /// Adds a point whose offset changes by `columns`, of which only what stands off the curve
    /// counts.
    fn add(&mut self, foot: &Foot, columns: [[f64; 3]; COUNT], tangent: [f64; 3]) {
        let length = foot.square.sqrt();
        let (value, weight) = if length <= HUBER {
            (foot.square, 1.0)
        } else {
            (HUBER * (2.0 * length - HUBER), HUBER / length)
        };
        self.value += value;
        let across = columns.map(|column| {
            let along = dot(column, tangent);
            [0, 1, 2].map(|axis| column[axis] - along * tangent[axis])
        });
        for i in 0..COUNT {
            self.gradient[i] += weight * dot(across[i], foot.offset);
            for j in 0..=i {
                self.hessian[i][j] += weight * dot(across[i], across[j]);
            }
        }
    }

    /// Adds what is known of the beam, and completes the matrix.
    fn add_beam(&mut self, vertex: [f64; 2], by: [[f64; 2]; 2], beam: f64) {
        let weight = 1.0 / (beam * beam);
        self.value += weight * (vertex[0] * vertex[0] + vertex[1] * vertex[1]);
        for i in 0..2 {
            let product = |other: [f64; 2]| weight * (by[i][0] * other[0] + by[i][1] * other[1]);
            self.gradient[2 + i] += product(vertex);
            (0..=i).for_each(|j| self.hessian[2 + i][2 + j] += product(by[j]));
        }
        for i in 0..COUNT {
            for j in 0..i {
                self.hessian[j][i] = self.hessian[i][j];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_charge_among_large_ones_counts_less() {
        let mut charge = vec![100.0; 30];
        charge[7] = 20.0;
        charge[20] = 0.0;
        let shares = charge_shares(&charge);
        assert!((shares[0] - 1.0).abs() < 0.2 && shares[7] < 0.35);
        assert_eq!(shares[20], CHARGE_RANGE[0]);
        assert_eq!(charge_shares(&[5.0]), [1.0]);
    }
}
