//! The compatible fit of many tracks side by side, their distances computed together: how a GPU is
//! kept busy. Every fit is the optimiser of the processor's version, one question at a time.

use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::solve::params::{Fit, Guess, SolveParams, TrackParticle, TrackPoints};
use crate::kernels::attpc::solve::spyral::{PlacedTrack, fit_asking};
use crate::kernels::gpu::GpuError;
use crate::kernels::gpu::lockstep::{self, Asker, Load};
use crate::kernels::gpu::objective::{
    MeshShape, Placement, TrackDistances, TrackSet, Wanted, WeightedPoint,
};

/// Fits side by side: with seven tracks each these are enough blocks for the largest devices.
const SIDE_BY_SIDE: usize = 512;

/// A track to fit.
#[derive(Clone, Debug)]
pub struct Start {
    pub guess: Guess,
    pub points: TrackPoints,
}

/// Copies a mesh to a device.
///
/// # Errors
/// No memory for it, or more time steps than the kernel takes.
pub fn distances_on(
    device: crate::kernels::gpu::Device,
    grid: &TrackGrid<'_>,
) -> Result<TrackDistances, GpuError> {
    TrackDistances::new(device, shape(grid), grid.slabs())
}

/// The shape of a mesh as the device knows it.
pub fn shape(grid: &TrackGrid<'_>) -> MeshShape {
    MeshShape { steps: grid.steps, ke_bins: grid.ke.bins, polar_bins: grid.polar.bins }
}

/// Fits tracks on a device that holds the mesh; results in the order of the tracks.
///
/// # Errors
/// The device fails.
pub fn fit_on(
    device: &mut TrackDistances,
    (grid, particle): (&TrackGrid<'_>, &TrackParticle),
    params: &SolveParams,
    starts: &[Start],
) -> Result<Vec<Fit>, GpuError> {
    device.load(tracks(starts)?)?;
    fit_many((grid, particle), params, starts, |placements| {
        device.evaluate(placements, Wanted::Distances)
    })
}

/// The points of tracks, each with the weight 1: weights are the optimiser's matter.
pub fn tracks(starts: &[Start]) -> Result<TrackSet, GpuError> {
    let points = |start: &Start| -> Vec<WeightedPoint> {
        start.points.xyz.iter().map(|at| WeightedPoint { at: *at, weight: 1.0 }).collect()
    };
    let points: Vec<_> = starts.iter().map(points).collect();
    TrackSet::new(points.iter().map(Vec::as_slice))
}

/// Fits tracks; `evaluate` gives the distances of all points of each placement.
///
/// # Errors
/// Those of `evaluate`.
pub fn fit_many<E>(
    (grid, particle): (&TrackGrid<'_>, &TrackParticle),
    params: &SolveParams,
    starts: &[Start],
    mut evaluate: impl FnMut(&[Placement]) -> Result<Vec<f64>, E>,
) -> Result<Vec<Fit>, E> {
    let load = Load { jobs: starts.len(), side_by_side: SIDE_BY_SIDE };
    let job = |at: usize, asker: &Asker<Vec<Placement>, Vec<f64>>| {
        let Start { guess, points } = &starts[at];
        let mut stopped = None;
        let fit = fit_asking(grid, particle, (params, guess, points), &mut |wanted| {
            let length = wanted.len() * points.len();
            let placements = wanted.iter().map(|track| placement(at, track)).collect();
            asker.ask(placements).unwrap_or_else(|end| {
                // Nothing that is no number goes on, so the optimiser ends soon.
                stopped = Some(end);
                vec![f64::NAN; length]
            })
        });
        stopped.map_or(Ok(fit), Err)
    };
    lockstep::run(load, job, |questions| {
        let placements = questions.concat();
        let distances = evaluate(&placements)?;
        let mut rest = &distances[..];
        let answer = |question: &Vec<Placement>| {
            let length = question.iter().map(|p| starts[p.track].points.len()).sum();
            let (own, after) = rest.split_at(length);
            rest = after;
            own.to_vec()
        };
        Ok(questions.iter().map(answer).collect())
    })
}

fn placement(track: usize, placed: &PlacedTrack) -> Placement {
    let (sin, cos) = placed.azimuthal.sin_cos();
    Placement {
        track,
        nodes: placed.cell.nodes,
        shares: placed.cell.weights,
        turn: [cos, sin],
        vertex: placed.vertex,
    }
}
