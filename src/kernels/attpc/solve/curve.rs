//! Tracks of the mesh as curves: samples thinned where the track hardly turns and joined by arcs
//! where it turns far.
//!
//! The mesh samples tracks at times that grow by a constant factor, so that half of all samples lie
//! within the first centimetres and late ones may be more than a radian of the spiral apart; a
//! straight line between those misses the track by millimetres. But a charge in a magnetic field
//! turns at its cyclotron frequency however it is slowed down, so the angle between two samples
//! is known from their times, and an arc of that angle joins them.

use crate::kernels::attpc::mesh::{Cell, TrackGrid};
use crate::kernels::attpc::solve::params::TrackParticle;

/// Speed of light in m/s.
const LIGHT: f64 = 299_792_458.0;
/// Distance from the vertex in metres to which a track is straight enough to read off times.
const STRAIGHT: f64 = 0.003;
/// Largest angle between points of the curve in radians: a line between them misses the arc by less
/// than a part in 800 of the radius, and what is left once its bulge is added is nothing.
const TURN: f64 = 0.1;
/// Largest angle between samples that an arc is drawn for; beyond, its shape is not known.
const TURN_MOST: f64 = 3.5;
/// How well two estimates of the mesh's times must agree.
const CLOCK_TOLERANCE: f64 = 0.01;

/// A point of the curve: `from` plus the way to `to`, scaled and turned.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Joint {
    from: usize,
    to: usize,
    /// Share of the way along the line, and to its left.
    along: f64,
    aside: f64,
    /// Share of the way in z.
    up: f64,
    /// Angle by which the track turns from the point before to this one.
    turn: f64,
}

/// When the samples of a mesh were taken, as turns of a slow particle.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// Angle that a particle at rest energy would have turned by, at every sample.
    turns: Vec<f64>,
    particle: TrackParticle,
    /// Magnetic field in tesla, positive when tracks turn to the left.
    field: Option<f64>,
}

impl Clock {
    /// The clock of a mesh whose times grow by a constant factor; `times` are the first and the
    /// last in seconds, where they are known, `bfield` is in tesla. Times that are not known are
    /// read off the fastest tracks; `None` when those do not grow by a constant factor.
    pub fn of(
        grid: &TrackGrid<'_>,
        particle: &TrackParticle,
        (bfield, times): (f64, Option<[f64; 2]>),
    ) -> Option<Clock> {
        let [x, y, z] = grid.node(grid.ke.bins - 1, grid.polar.bins / 2);
        let far = |at: usize| {
            let [x, y, z] = [x[at], y[at], z[at]].map(f64::from);
            (x * x + y * y + z * z).sqrt()
        };
        let straight = (0..grid.steps).find(|at| far(*at) > STRAIGHT)?;
        let [first, last] = match times {
            Some(times) => times,
            None => {
                let gamma = grid.ke.high / particle.mass_mev + 1.0;
                let speed = LIGHT * (1.0 - 1.0 / (gamma * gamma)).sqrt();
                let half = straight / 2;
                let growth = |at: usize| (far(at) / far(0)).ln() / at as f64;
                let factor = growth(straight);
                let is_constant = (factor / growth(half.max(1)) - 1.0).abs() < CLOCK_TOLERANCE;
                if half == 0 || !is_constant {
                    return None;
                }
                let first = far(0) / speed;
                [first, first * (factor * (grid.steps - 1) as f64).exp()]
            }
        };
        let factor = (last / first).ln() / (grid.steps - 1) as f64;
        let frequency = particle.momentum_of_one() * bfield.abs() / particle.mass_mev * LIGHT;
        let sign = if y[straight] < 0.0 { -1.0 } else { 1.0 };
        let time = |at: usize| first * (factor * at as f64).exp();
        let turns = (0..grid.steps).map(|at| sign * frequency * time(at)).collect();
        let field = (bfield != 0.0).then_some(sign * bfield.abs());
        Some(Clock { turns, particle: *particle, field })
    }

    /// A clock that tells nothing: all samples are joined by lines.
    pub fn stopped(grid: &TrackGrid<'_>, particle: &TrackParticle) -> Clock {
        Clock { turns: vec![0.0; grid.steps], particle: *particle, field: None }
    }

    /// The magnetic field in tesla, positive when tracks turn to the left; `None` when tracks are
    /// straight or the clock does not go.
    pub fn field(&self) -> Option<f64> {
        self.field
    }

    /// The points of curves near an energy, by the samples that they come from.
    fn joints(&self, ke: f64) -> Vec<Joint> {
        let gamma = ke / self.particle.mass_mev + 1.0;
        let turn = |at: usize| self.turns[at] / gamma;
        let is_stopped = self.turns.iter().all(|turn| *turn == 0.0);
        let (mut joints, mut last) = (Vec::new(), 0);
        joints.push(Joint { from: 0, to: 0, along: 0.0, aside: 0.0, up: 0.0, turn: turn(0) });
        for at in 1..self.turns.len() {
            let is_end = at + 1 == self.turns.len();
            let reaches = |to: usize| (turn(to) - turn(last)).abs() > TURN;
            if is_stopped || is_end || reaches(at + 1) {
                join(&mut joints, (last, at), turn(at) - turn(last));
                last = at;
            }
        }
        joints
    }
}

/// Joins two samples by an arc.
fn join(joints: &mut Vec<Joint>, (from, to): (usize, usize), angle: f64) {
    let is_arc = angle.abs() < TURN_MOST;
    let parts = if is_arc { (angle.abs() / TURN).ceil().max(1.0) as usize } else { 1 };
    let turn = if is_arc { angle / parts as f64 } else { 0.0 };
    for part in 1..parts {
        let up = part as f64 / parts as f64;
        let length = (0.5 * angle * up).sin() / (0.5 * angle).sin();
        let (sin, cos) = (0.5 * angle * (up - 1.0)).sin_cos();
        joints.push(Joint { from, to, along: length * cos, aside: length * sin, up, turn });
    }
    joints.push(Joint { from, to, along: 1.0, aside: 0.0, up: 1.0, turn });
}

/// The curves of the four nodes of a cell.
#[derive(Default)]
pub struct CurveCell {
    nodes: [usize; 4],
    /// Points of each curve, the repeated end of the tracks left out.
    pub len: usize,
    /// x, y and z of the points, four nodes each.
    pub points: Vec<[[f64; 4]; 3]>,
    /// How far the arc after each point bulges, see [`bulge`](crate::kernels::attpc::solve::segments).
    pub bulges: Vec<f64>,
    /// A node that holds something that is not finite.
    damaged: Option<usize>,
}

/// Curves of the cells that a fit has met lately.
#[derive(Default)]
pub struct CurveCache {
    cells: Vec<CurveCell>,
    next: usize,
    /// The first damaged node that was met since this was last set to `None`.
    pub damaged: Option<usize>,
}

/// Cells that are kept: a fit near a corner moves among four.
const CELLS: usize = 4;

impl CurveCache {
    /// The curves of a cell.
    pub fn open(&mut self, grid: &TrackGrid<'_>, clock: &Clock, cell: &Cell) -> &CurveCell {
        let found = self.cells.iter().position(|open| open.nodes == cell.nodes);
        let at = found.unwrap_or_else(|| {
            let at = self.next % CELLS;
            self.next += 1;
            if self.cells.len() < CELLS {
                self.cells.push(CurveCell::default());
            }
            self.cells[at].fill(grid, clock, cell.nodes);
            at
        });
        self.damaged = self.damaged.or(self.cells[at].damaged);
        &self.cells[at]
    }
}

impl CurveCell {
    /// A short line in place of damaged tracks, so that the fit, which is thrown away, ends.
    fn stand_in(&mut self) {
        self.points.clear();
        self.points.extend([[[0.0; 4]; 3], [[0.0; 4], [0.0; 4], [STRAIGHT; 4]]]);
        self.bulges.clear();
        self.bulges.push(0.0);
        self.len = self.points.len();
    }

    fn fill(&mut self, grid: &TrackGrid<'_>, clock: &Clock, nodes: [usize; 4]) {
        self.nodes = nodes;
        self.damaged = nodes.into_iter().find(|node| grid.is_damaged(*node));
        if self.damaged.is_some() {
            return self.stand_in();
        }
        let ke = grid.ke.value(nodes[0] % grid.ke.bins);
        let tracks = nodes.map(|node| grid.track(node));
        let joints = clock.joints(ke);
        self.points.clear();
        // Every track begins at the origin, before its first sample.
        self.points.push([[0.0; 4]; 3]);
        self.points.extend(joints.iter().map(|joint| {
            let mut point = [[0.0; 4]; 3];
            for (node, track) in tracks.iter().enumerate() {
                let moved = joint.of(track);
                (0..3).for_each(|axis| point[axis][node] = moved[axis]);
            }
            point
        }));
        let last = self.points[self.points.len() - 1];
        let used = self.points.iter().rposition(|point| *point != last).map_or(0, |at| at + 1);
        // Tracks that stop where they begin are points, but there has to be a line to search.
        let used = used.max(1);
        self.points.truncate(used + 1);
        self.bulges.clear();
        self.bulges.extend(joints[..used].iter().map(|joint| (0.25 * joint.turn).tan()));
        self.len = self.points.len();
    }
}

impl Joint {
    fn of(&self, [x, y, z]: &[&[f32]; 3]) -> [f64; 3] {
        let ends = |row: &[f32]| [f64::from(row[self.from]), f64::from(row[self.to])];
        let ([x, x1], [y, y1], [z, z1]) = (ends(x), ends(y), ends(z));
        let (dx, dy) = (x1 - x, y1 - y);
        [
            x + dx * self.along - dy * self.aside,
            y + dy * self.along + dx * self.aside,
            z + (z1 - z) * self.up,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::mesh::Axis;

    const PROTON: TrackParticle = TrackParticle { charge_number: 1.0, mass_mev: 938.272_076 };
    const FIELD: f64 = 2.85;

    /// Helices without energy loss, sampled so sparsely that late samples are a radian apart.
    fn helices() -> ([Axis; 2], Vec<f32>) {
        let ke = Axis { low: 2.0, high: 4.0, bins: 3 };
        let polar = Axis { low: 1.0, high: 1.2, bins: 2 };
        let mut numbers = Vec::new();
        for p in 0..2 {
            for k in 0..3 {
                let track: Vec<[f64; 3]> = (0..100)
                    .map(|i| helix(ke.value(k), polar.value(p), 1e-11 * 1.1_f64.powi(i)))
                    .collect();
                for axis in 0..3 {
                    numbers.extend(track.iter().map(|point| point[axis] as f32));
                }
            }
        }
        ([ke, polar], numbers)
    }

    fn helix(ke: f64, polar: f64, time: f64) -> [f64; 3] {
        let gamma = ke / PROTON.mass_mev + 1.0;
        let speed = LIGHT * (1.0 - 1.0 / (gamma * gamma)).sqrt();
        let radius = PROTON.brho(ke) * polar.sin() / FIELD;
        let angle = speed * polar.sin() / radius * time;
        [radius * angle.sin(), radius * (1.0 - angle.cos()), speed * polar.cos() * time]
    }

    #[test]
    fn arcs_between_sparse_samples_lie_on_the_helix() {
        let (axes, numbers) = helices();
        let grid = TrackGrid::new(axes, 100, &numbers).unwrap();
        let clock = Clock::of(&grid, &PROTON, (FIELD, None)).unwrap();
        let mut cell = CurveCell::default();
        cell.fill(&grid, &clock, [grid.index(1, 1); 4]);
        let (ke, polar) = (3.0, 1.2);
        let radius = PROTON.brho(ke) * f64::sin(polar) / FIELD;
        let worst =
            cell.points.iter().map(|[x, y, _]| ((x[0] - 0.0).hypot(y[0] - radius) - radius).abs());
        let worst = worst.fold(0.0, f64::max);
        assert!(worst < 2e-5, "{worst}");
        let steps = cell.points.windows(2).map(|pair| {
            let [a, b] = [pair[0], pair[1]];
            (b[0][0] - a[0][0]).hypot(b[1][0] - a[1][0]) / radius
        });
        assert!(steps.fold(0.0, f64::max) < 1.1 * TURN);
    }

    #[test]
    fn a_mesh_with_other_times_has_no_clock() {
        let (axes, numbers) = helices();
        let even: Vec<f32> = (0..numbers.len()).map(|i| 1e-4 * (i % 100) as f32).collect();
        let grid = TrackGrid::new(axes, 100, &even).unwrap();
        assert_eq!(Clock::of(&grid, &PROTON, (FIELD, None)), None);
    }
}
