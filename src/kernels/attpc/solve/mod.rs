//! The solver: fits the track of a particle from the mesh to the points of a cluster.
//!
//! Two behaviours. [`spyral`] repeats what Spyral 1.1 does; [`exact`] fits curves instead of samples,
//! weighs points by what they say, and gives standard deviations for both methods. Lengths are in
//! metres, as in the mesh and in the peer's tables; clusters and estimates come in mm.

pub mod batch;
pub mod cells;
pub mod centre;
pub mod curve;
pub mod exact;
pub mod lbfgs;
pub mod line_search;
pub mod lmdif;
pub mod nearest;
pub mod normal;
pub mod objective;
pub mod params;
pub mod qr;
pub mod segments;
pub mod spyral;

pub use params::{
    Fit, FitMethod, Guess, Measured, Refusal, SolveParams, TrackParticle, TrackPoints,
};

use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::gpu::objective::TrackDistances;
use crate::kernels::gpu::{Device, GpuError};
use curve::Clock;
use objective::Task;

/// Fits tracks of one particle with one mesh.
pub struct Solver<'m> {
    grid: TrackGrid<'m>,
    clock: Clock,
    is_clock_known: bool,
    particle: TrackParticle,
    params: SolveParams,
}

/// Buffers for one fit after the other, one set for each thread.
#[derive(Default)]
pub struct Workspace {
    spyral: spyral::Workspace,
    exact: objective::Workspace,
}

/// Where a node lies whose track holds something that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DamagedNode {
    pub ke_mev: f64,
    pub polar_degrees: f64,
}

/// Field and times of a mesh, as its description gives them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshFacts {
    /// T
    pub bfield: f64,
    /// First and last time in seconds; `None` where the description does not say.
    pub times_s: Option<[f64; 2]>,
}

impl<'m> Solver<'m> {
    /// Joins a mesh with parameters; `None` for a mesh of one energy or angle or of few samples.
    pub fn new(
        grid: TrackGrid<'m>,
        particle: TrackParticle,
        (params, facts): (SolveParams, MeshFacts),
    ) -> Option<Solver<'m>> {
        if grid.ke.bins < 2 || grid.polar.bins < 2 || grid.steps < 2 {
            return None;
        }
        let clock = Clock::of(&grid, &particle, (facts.bfield, facts.times_s));
        let is_clock_known = clock.is_some();
        let clock = clock.unwrap_or_else(|| Clock::stopped(&grid, &particle));
        Some(Solver { grid, clock, is_clock_known, particle, params })
    }

    /// The first node of all whose track holds something that is not finite.
    pub fn damaged_node(&self) -> Option<DamagedNode> {
        let count = self.grid.ke.bins * self.grid.polar.bins;
        (0..count).find(|node| self.grid.is_damaged(*node)).map(|node| self.damaged(node))
    }

    fn damaged(&self, node: usize) -> DamagedNode {
        let [ke_mev, polar] = self.grid.start(node);
        DamagedNode { ke_mev, polar_degrees: polar.to_degrees() }
    }

    /// False when the mesh's times are not known, so that samples are joined by straight lines.
    pub fn is_clock_known(&self) -> bool {
        self.is_clock_known
    }

    /// Fits one cluster, starting from its estimate; the outer error is the mesh's fault.
    ///
    /// # Errors
    /// A node of the mesh that the fit needs is damaged.
    pub fn fit(
        &self,
        points: &TrackPoints,
        guess: &Guess,
        work: &mut Workspace,
    ) -> Result<Result<Fit, Refusal>, DamagedNode> {
        if let Err(refusal) = self.check(points, guess) {
            return Ok(Err(refusal));
        }
        let (grid, particle) = (&self.grid, &self.particle);
        let fit = match self.params.compat {
            Compat::Spyral11 => {
                spyral::fit(grid, particle, (&self.params, guess, points), &mut work.spyral)
            }
            Compat::Exact => {
                let task = Task::new((grid, &self.clock), particle, (&self.params, points));
                exact::fit(&task, (&self.params, guess), &mut work.exact)
            }
        };
        let damaged = work.spyral.take_damaged().or(work.exact.take_damaged());
        damaged.map_or(Ok(Ok(fit)), |node| Err(self.damaged(node)))
    }

    /// Copies the mesh to a device, for [`Solver::fit_on`].
    ///
    /// # Errors
    /// No memory for it, or more time steps than the kernel takes.
    pub fn distances_on(&self, device: Device) -> Result<TrackDistances, GpuError> {
        batch::distances_on(device, &self.grid)
    }

    /// Fits many clusters in the compatible way, with distances from a device; starts and results
    /// are in the same order.
    ///
    /// # Errors
    /// The device fails.
    pub fn fit_on(
        &self,
        device: &mut TrackDistances,
        starts: Vec<batch::Start>,
    ) -> Result<Vec<Result<Fit, Refusal>>, GpuError> {
        let checks: Vec<Result<(), Refusal>> =
            starts.iter().map(|start| self.check(&start.points, &start.guess)).collect();
        let good = starts.into_iter().zip(&checks).filter(|(_, check)| check.is_ok());
        let good: Vec<batch::Start> = good.map(|(start, _)| start).collect();
        let fits = batch::fit_on(device, (&self.grid, &self.particle), &self.params, &good)?;
        let mut fits = fits.into_iter();
        let mut next = || fits.next().expect("each good start has its fit");
        Ok(checks.into_iter().map(|check| check.map(|()| next())).collect())
    }

    fn check(&self, points: &TrackPoints, guess: &Guess) -> Result<(), Refusal> {
        let start = [guess.brho, guess.polar, guess.azimuthal];
        if !start.iter().chain(&guess.vertex).all(|number| number.is_finite()) {
            return Err(Refusal::BadGuess);
        }
        let ke = self.particle.ke(guess.brho);
        if ke < self.grid.ke.low {
            return Err(Refusal::EnergyBelowMesh);
        }
        if ke > self.grid.ke.high {
            return Err(Refusal::EnergyAboveMesh);
        }
        if guess.polar < self.grid.polar.low {
            return Err(Refusal::AngleBelowMesh);
        }
        if guess.polar > self.grid.polar.high {
            return Err(Refusal::AngleAboveMesh);
        }
        if !points.is_finite() {
            return Err(Refusal::BadPoint);
        }
        if points.len() <= normal::COUNT {
            return Err(Refusal::TooFewPoints);
        }
        Ok(())
    }
}
