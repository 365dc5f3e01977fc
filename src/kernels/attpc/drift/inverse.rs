//! Turns the simulation around: from where electrons arrive to where they started.
//!
//! Each depth is turned around by itself, over the radius; then the depths are joined over z. Only
//! the half with positive radii is used, because the simulated field has an axis.

use crate::kernels::attpc::drift::SHAPE;
use crate::kernels::attpc::drift::electrons::{
    DEPTH, DEPTHS, DriftTime, Electron, ElectronError, ElectronTable, MM_PER_CM, ON_AXIS, arrives,
    mm_per_ns,
};

/// Fewest electrons from the axis outward that make a depth useful: half of them.
const FEWEST: usize = 14;

/// What happens to electrons of one depth, by the radius at which they arrive.
struct Depth {
    /// z in mm at which these electrons start.
    z: f64,
    arrivals: Vec<Arrival>,
}

/// An electron as the detector sees it.
#[derive(Clone, Copy)]
struct Arrival {
    /// Radius in mm at which it arrives.
    rho: f64,
    /// Shift outward and across to where it started, and delay, in mm.
    shifts: [f64; 3],
}

/// The map's values.
pub(super) fn map(
    electrons: &ElectronTable,
    drift: &DriftTime,
) -> Result<Vec<[f64; 3]>, ElectronError> {
    let plane = electrons.plane_cm();
    let per_ns = mm_per_ns(drift);
    let mut depths: Vec<Depth> = Vec::with_capacity(DEPTHS);
    for block in electrons.blocks() {
        let outward = &block[ON_AXIS..];
        // From the axis to the first that is lost: what starts beyond a lost electron and still
        // arrives has come another way.
        let arriving = outward.iter().take_while(|electron| arrives(electron, plane));
        let arrivals: Vec<Arrival> =
            arriving.map(|electron| arrival(electron, outward[0][5], per_ns)).collect();
        if arrivals.len() >= FEWEST {
            let part = (block[0][0] * MM_PER_CM - DEPTH[0]) / (DEPTH[1] - DEPTH[0]);
            depths.push(Depth { z: drift.length_mm * (1.0 - part), arrivals });
        }
    }
    if depths.len() < 2 {
        return Err(ElectronError::Lost { found: depths.len() });
    }
    let mut values = Vec::with_capacity(SHAPE[0] * SHAPE[1]);
    let mut line = Vec::with_capacity(depths.len());
    for rho in 0..SHAPE[0] {
        line.clear();
        line.extend(depths.iter().map(|depth| {
            let shifts = depth.shifts_at(rho as f64);
            // Electrons that are late seem to have started farther away.
            (depth.z - shifts[2], shifts)
        }));
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.extend((0..SHAPE[1]).map(|z| between(&line, z as f64)));
    }
    Ok(values)
}

/// What the detector sees of an electron, and from there to where it started.
fn arrival(electron: &Electron, time_on_axis: f64, per_ns: f64) -> Arrival {
    let [_, start, _, outward, across, time] = *electron;
    let (start, outward, across) = (start * MM_PER_CM, outward * MM_PER_CM, across * MM_PER_CM);
    let rho = outward.hypot(across);
    // The detector knows the direction in which the electron arrived, not that in which it
    // started, so the way back is written in the frame of the former.
    let (cos, sin) = if rho > 0.0 { (outward / rho, across / rho) } else { (1.0, 0.0) };
    Arrival { rho, shifts: [start * cos - rho, start * sin, (time - time_on_axis) * per_ns] }
}

impl Depth {
    /// Shifts of electrons that arrive at a radius. Beyond the outermost electron its own shifts
    /// are held.
    fn shifts_at(&self, rho: f64) -> [f64; 3] {
        let pair = self.arrivals.windows(2).find(|pair| pair[1].rho >= rho);
        match pair {
            Some(pair) => {
                let part = ((rho - pair[0].rho) / (pair[1].rho - pair[0].rho)).max(0.0);
                mixed(pair[0].shifts, pair[1].shifts, part)
            }
            None => self.arrivals[self.arrivals.len() - 1].shifts,
        }
    }
}

/// Linear interpolation over points in rising order; ends are held.
fn between(line: &[(f64, [f64; 3])], at: f64) -> [f64; 3] {
    let after = line.partition_point(|(z, _)| *z <= at);
    match (line.get(after.wrapping_sub(1)), line.get(after)) {
        (Some((low, a)), Some((high, b))) => mixed(*a, *b, (at - low) / (high - low)),
        (Some((_, end)), None) | (None, Some((_, end))) => *end,
        (None, None) => [f64::NAN; 3],
    }
}

fn mixed(a: [f64; 3], b: [f64; 3], part: f64) -> [f64; 3] {
    std::array::from_fn(|n| a[n] + part * (b[n] - a[n]))
}
