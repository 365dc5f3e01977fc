//! The map as Spyral 1.1 makes it.

use crate::kernels::attpc::drift::SHAPE;
use crate::kernels::attpc::drift::contour::first_line;
use crate::kernels::attpc::drift::electrons::{
    DEPTH, DEPTHS, DriftTime, ElectronTable, MM_PER_CM, ON_AXIS, RADII, RADIUS, mm_per_ns,
};
use crate::kernels::attpc::drift::grid::{Axis, Grid};
use crate::kernels::attpc::pointcloud::Compat;

/// The map's values.
pub(super) fn map(electrons: &ElectronTable, drift: &DriftTime) -> Vec<[f64; 3]> {
    let per_ns = mm_per_ns(drift);
    let shifts = electrons.blocks().flat_map(|block| {
        let zero = block[ON_AXIS][5];
        block.iter().map(move |row| [row[4] * MM_PER_CM, (row[5] - zero) * per_ns])
    });
    let compat = Compat::Spyral11;
    let axes = [Axis::new(DEPTH, DEPTHS, compat), Axis::new(RADIUS, RADII, compat)];
    let shifts = Grid::new(axes, shifts.collect(), compat);
    let radii: Vec<f64> =
        electrons.blocks().flatten().map(|electron| electron[3] * MM_PER_CM).collect();
    let mut values = Vec::with_capacity(SHAPE[0] * SHAPE[1]);
    for rho in 0..SHAPE[0] {
        let line = initial_radii(&radii, rho as f64);
        values.extend((0..SHAPE[1]).map(|z| {
            let z = z as f64;
            // The peer looks the contour up at z, but depth counts from the other end; and it
            // looks the other shifts up with the radial shift in place of the radius.
            let radial = interpolated(&line, z) - rho as f64;
            let depth = (1.0 - z * 0.001) * 970.0 + 30.0;
            let [across, delay] = shifts.at(depth, radial);
            [radial, across, delay]
        }));
    }
    values
}

/// Initial radius over initial depth, in mm, of electrons that arrive at a radius.
fn initial_radii(radii: &[f64], rho: f64) -> Vec<[f64; 2]> {
    let mm = |[low, high]: [f64; 2], count: usize, steps: f64| {
        low + steps * (high - low) / (count - 1) as f64
    };
    let mut line: Vec<[f64; 2]> = first_line(radii, RADII, rho)
        .into_iter()
        .map(|[depth, radius]| [mm(DEPTH, DEPTHS, depth), mm(RADIUS, RADII, radius)])
        .collect();
    line.sort_by(|a, b| a[0].total_cmp(&b[0]));
    line
}

/// Linear interpolation; ends are held, and no line at all counts as zero.
fn interpolated(line: &[[f64; 2]], at: f64) -> f64 {
    let after = line.partition_point(|point| point[0] <= at);
    match (line.get(after.wrapping_sub(1)), line.get(after)) {
        (Some(a), Some(b)) => a[1] + (at - a[0]) / (b[0] - a[0]) * (b[1] - a[1]),
        (Some(end), None) | (None, Some(end)) => end[1],
        (None, None) => 0.0,
    }
}
