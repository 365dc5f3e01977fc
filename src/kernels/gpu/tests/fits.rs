//! Fits with distances from the emulation against fits on the processor.

use std::convert::Infallible;

use crate::kernels::attpc::mesh::{Axis, TrackGrid};
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::solve::batch::{Start, fit_many, tracks};
use crate::kernels::attpc::solve::params::{
    Fit, FitMethod, Guess, SolveParams, TrackParticle, TrackPoints,
};
use crate::kernels::attpc::solve::spyral::{Workspace, fit};
use crate::kernels::gpu::tests::objective::{SHAPE, measured, mesh, truth};
use crate::kernels::gpu::tests::{Emulator, Order};

const DEUTERON: TrackParticle = TrackParticle { charge_number: 1.0, mass_mev: 1_875.612_93 };

/// Energies of 1 to 6 MeV and angles from 0.3 radians in steps of 0.05: the made-up mesh.
const AXES: [Axis; 2] = [
    Axis { low: 1.0, high: 6.0, bins: SHAPE.ke_bins },
    Axis { low: 0.3, high: 0.65, bins: SHAPE.polar_bins },
];

pub(super) fn params(method: FitMethod) -> SolveParams {
    SolveParams {
        detector_length: 1.0,
        beam_region_radius: 0.025,
        time_bucket_length: 0.0022,
        fit_vertex_rho: true,
        fit_vertex_phi: true,
        fit_azimuthal: true,
        method,
        compat: Compat::Spyral11,
    }
}

pub(super) fn starts(mesh: &[f32], count: usize) -> Vec<Start> {
    let of = |(track, points): (usize, Vec<_>)| {
        let [ke, polar, azimuthal, x, y, z] = truth(track);
        let xyz: Vec<[f64; 3]> =
            points.iter().map(|p: &crate::kernels::gpu::objective::WeightedPoint| p.at).collect();
        let (charge, scale) = (vec![100.0; xyz.len()], vec![0.5; xyz.len()]);
        let guess = Guess {
            brho: DEUTERON.brho(1.0 + ke) * 1.02,
            polar: 0.3 + 0.05 * polar + 0.01,
            azimuthal: (azimuthal + 0.02).rem_euclid(std::f64::consts::TAU),
            vertex: [x + 0.002, y, z - 0.004],
        };
        Start { guess, points: TrackPoints { xyz, charge, scale } }
    };
    let all = measured(SHAPE, mesh, count).into_iter().enumerate();
    all.filter(|(_, points)| !points.is_empty()).map(of).collect()
}

pub(super) fn on_cpu(mesh: &[f32], params: &SolveParams, starts: &[Start]) -> Vec<Fit> {
    let grid = TrackGrid::new(AXES, SHAPE.steps, mesh).unwrap();
    let mut work = Workspace::default();
    let one = |s: &Start| fit(&grid, &DEUTERON, (params, &s.guess, &s.points), &mut work);
    starts.iter().map(one).collect()
}

#[cfg(feature = "cuda")]
pub(super) fn on_device(
    device: crate::kernels::gpu::Device,
    mesh: &[f32],
    params: &SolveParams,
    starts: &[Start],
) -> Vec<Fit> {
    use crate::kernels::attpc::solve::batch::{distances_on, fit_on};

    let grid = TrackGrid::new(AXES, SHAPE.steps, mesh).unwrap();
    let mut distances = distances_on(device, &grid).unwrap();
    fit_on(&mut distances, (&grid, &DEUTERON), params, starts).unwrap()
}

/// Medians over the fits: the share by which energies differ, by how much angles differ, and the
/// ratio of what was minimised.
pub(super) fn compare(found: &[Fit], expected: &[Fit]) -> [f64; 3] {
    let median = |difference: &dyn Fn(&Fit, &Fit) -> f64| {
        let pairs = found.iter().zip(expected);
        let mut all: Vec<f64> = pairs.map(|(a, b)| difference(a, b)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    [
        median(&|a, b| (a.ke.value / b.ke.value - 1.0).abs()),
        median(&|a, b| (a.polar.value - b.polar.value).abs()),
        median(&|a, b| a.redchisq / b.redchisq),
    ]
}

#[test]
fn fits_with_distances_in_batches_are_those_of_the_processor() {
    let mesh = mesh(SHAPE);
    let starts = starts(&mesh, 40);
    let grid = TrackGrid::new(AXES, SHAPE.steps, &mesh).unwrap();
    let emulator = Emulator::new(Order::Forward);
    for method in [FitMethod::Lbfgsb, FitMethod::LeastSquares] {
        let params = params(method);
        let set = tracks(&starts).unwrap();
        let (mut launches, mut placements) = (0, 0);
        let found = fit_many((&grid, &DEUTERON), &params, &starts, |wanted| {
            launches += 1;
            placements += wanted.len();
            Ok::<_, Infallible>(emulator.distances((SHAPE.steps, &mesh), &set, wanted).1)
        });
        let Ok(found) = found;
        let expected = on_cpu(&mesh, &params, &starts);
        let [ke, polar, ratio] = compare(&found, &expected);
        println!(
            "{method:?}: {} fits, {launches} launches of {} tracks on average; medians: energies \
             differ by {ke:.1e}, angles by {polar:.1e} rad, minima by a factor of {ratio:.4}",
            found.len(),
            placements / launches
        );
        // The quasi-Newton method takes differences of a function with kinks: where it stops hangs
        // on the last bit, on the processor as well.
        let [most, near] = match method {
            FitMethod::Lbfgsb => [2e-2, 0.2],
            FitMethod::LeastSquares => [1e-4, 1e-3],
        };
        assert!(ke < most && polar < most && (ratio - 1.0).abs() < near, "{ke} {polar} {ratio}");
    }
}
