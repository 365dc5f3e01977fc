//! Corrects points for the distortion of the drift field.
//!
//! A simulation of electrons (Garfield++, through the group's electron_correction tool) says where
//! and when an electron that starts at a depth and a radius arrives at the pad plane. A
//! [`DriftMap`] turns that around into shifts on a grid over the radius and z that are measured;
//! [`DriftCorrection`] applies them to points.
//!
//! In the frame of a point's own direction, its electrons started at radius + shift 0 outward and
//! shift 1 across. Shift 2 is how much later they arrived than electrons from the axis, as a drift
//! length. `docs/kernels/attpc.drift_map.md` lists what Spyral 1.1 does otherwise; the compatible
//! mode repeats it.

mod contour;
mod electrons;
mod grid;
mod inverse;
mod peer;

pub use electrons::{DriftTime, Electron, ElectronError, ElectronTable};

use crate::kernels::attpc::pointcloud::Compat;
use grid::{Axis, Grid};

/// Radii of the map in mm, 1 mm apart.
const RHO: [f64; 2] = [0.0, 275.0];
/// z of the map in mm, 1 mm apart.
const Z: [f64; 2] = [0.0, 1000.0];
/// Shape of the map: radii, z values, shifts.
pub const SHAPE: [usize; 3] = [276, 1001, 3];

/// Shifts over measured radius and z, as the asset of that name holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftMap {
    /// `values[rho * 1001 + z]`, in mm.
    values: Vec<[f64; 3]>,
}

impl DriftMap {
    /// Turns a simulation around.
    ///
    /// # Errors
    /// In the exact mode, when too few electrons reach the pad plane.
    pub fn new(
        electrons: &ElectronTable,
        drift: &DriftTime,
        compat: Compat,
    ) -> Result<DriftMap, ElectronError> {
        let values = match compat {
            Compat::Exact => inverse::map(electrons, drift)?,
            Compat::Spyral11 => peer::map(electrons, drift),
        };
        Ok(DriftMap { values })
    }

    /// A map of values in C order; `None` unless there are as many as [`SHAPE`] says.
    pub fn from_values(values: &[f64]) -> Option<DriftMap> {
        let (nodes, rest) = values.as_chunks::<3>();
        let whole = rest.is_empty() && nodes.len() == SHAPE[0] * SHAPE[1];
        whole.then(|| DriftMap { values: nodes.to_vec() })
    }

    /// All values in C order.
    pub fn values(&self) -> &[f64] {
        self.values.as_flattened()
    }

    /// The shifts at a node.
    pub fn node(&self, rho: usize, z: usize) -> [f64; 3] {
        self.values[rho * SHAPE[1] + z]
    }
}

/// Moves points by what a map says.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftCorrection {
    grid: Grid<3>,
    compat: Compat,
}

impl DriftCorrection {
    /// Prepares a map for use.
    pub fn new(map: DriftMap, compat: Compat) -> DriftCorrection {
        let axes = [Axis::new(RHO, SHAPE[0], compat), Axis::new(Z, SHAPE[1], compat)];
        DriftCorrection { grid: Grid::new(axes, map.values, compat), compat }
    }

    /// The shifts at a measured radius and z in mm; NaN outside of the map.
    pub fn shifts(&self, rho_mm: f64, z_mm: f64) -> [f64; 3] {
        self.grid.at(rho_mm, z_mm)
    }

    /// Where the electrons of a point, in mm, came from; NaN outside of the map.
    pub fn correct(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let (rho, phi) = (x.hypot(y), y.atan2(x));
        let [radial, across, delay] = self.shifts(rho, z);
        let rho_corrected = (rho + radial).hypot(across);
        let phi_corrected = phi + across.atan2(rho + radial);
        let z_corrected = match self.compat {
            // z falls with time, so what came late started nearer to the pads than it seems.
            Compat::Exact => z + delay,
            Compat::Spyral11 => z - delay.clamp(0.0, 1000.0),
        };
        [rho_corrected * phi_corrected.cos(), rho_corrected * phi_corrected.sin(), z_corrected]
    }
}
