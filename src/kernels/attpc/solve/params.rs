//! What a fit depends on, and what it gives.

use crate::kernels::attpc::mesh::Axis;
use crate::kernels::attpc::pointcloud::Compat;

/// Momentum in MeV/c of a charge number of one at one tesla metre.
pub const MEV_PER_TESLA_METRE: f64 = 299.792_458;

/// How the best track is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitMethod {
    /// Quasi-Newton with limited memory.
    Lbfgsb,
    /// Levenberg-Marquardt.
    LeastSquares,
}

/// Parameters of the solver, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolveParams {
    pub detector_length: f64,
    pub beam_region_radius: f64,
    /// Drift length in one time bucket.
    pub time_bucket_length: f64,
    pub fit_vertex_rho: bool,
    pub fit_vertex_phi: bool,
    pub fit_azimuthal: bool,
    pub method: FitMethod,
    pub compat: Compat,
}

/// The particle whose tracks the mesh holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackParticle {
    pub charge_number: f64,
    pub mass_mev: f64,
}

impl TrackParticle {
    /// Kinetic energy in MeV at a magnetic rigidity in T m.
    pub fn ke(&self, brho: f64) -> f64 {
        self.energy(brho) - self.mass_mev
    }

    /// Magnetic rigidity in T m at a kinetic energy in MeV.
    pub fn brho(&self, ke: f64) -> f64 {
        (ke * (ke + 2.0 * self.mass_mev)).sqrt() / self.momentum_of_one()
    }

    /// Derivative of the kinetic energy by the rigidity.
    pub fn ke_slope(&self, brho: f64) -> f64 {
        self.momentum_of_one().powi(2) * brho / self.energy(brho)
    }

    fn energy(&self, brho: f64) -> f64 {
        (self.momentum_of_one() * brho).hypot(self.mass_mev)
    }

    /// Momentum in MeV/c at one tesla metre.
    pub fn momentum_of_one(&self) -> f64 {
        MEV_PER_TESLA_METRE * self.charge_number
    }
}

/// The points of a cluster in metres.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackPoints {
    pub xyz: Vec<[f64; 3]>,
    /// Integral of the charge.
    pub charge: Vec<f64>,
    /// Size of the pad: 1.0 big, 0.5 small.
    pub scale: Vec<f64>,
}

impl TrackPoints {
    /// Points of rows x, y, z (mm), charge, scale, as cluster files keep them.
    pub fn of_rows(rows: &[[f64; 5]]) -> TrackPoints {
        TrackPoints {
            xyz: rows.iter().map(|[x, y, z, ..]| [x * 0.001, y * 0.001, z * 0.001]).collect(),
            charge: rows.iter().map(|row| row[3]).collect(),
            scale: rows.iter().map(|row| row[4]).collect(),
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.xyz.len()
    }

    /// True when there are no points.
    pub fn is_empty(&self) -> bool {
        self.xyz.is_empty()
    }

    /// True when every number can be computed with.
    pub fn is_finite(&self) -> bool {
        let rest = self.charge.iter().chain(&self.scale);
        self.xyz.iter().flatten().chain(rest).all(|number| number.is_finite())
            && self.scale.iter().all(|scale| *scale > 0.0)
    }
}

/// Where a fit starts: what the estimate says, in metres and radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    pub brho: f64,
    pub polar: f64,
    pub azimuthal: f64,
    pub vertex: [f64; 3],
}

/// A value and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub value: f64,
    pub sigma: f64,
}

/// The track that fits best, in metres, T m, MeV and radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub vertex: [Measured; 3],
    pub brho: Measured,
    pub ke: Measured,
    pub polar: Measured,
    pub azimuthal: Measured,
    pub redchisq: f64,
    /// True when the fit ended at an end of the mesh, so that its energy or angle is a bound only.
    pub at_edge: bool,
}

/// True when a value is as good as at an end of an axis.
pub fn is_at_edge(axis: Axis, value: f64) -> bool {
    let near = EDGE * (axis.high - axis.low);
    value < axis.low + near || value > axis.high - near
}

/// Share of an axis that counts as its end.
const EDGE: f64 = 1e-6;

/// Why a track was not fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    EnergyBelowMesh,
    EnergyAboveMesh,
    AngleBelowMesh,
    AngleAboveMesh,
    /// Fewer points than free parameters, or none to spare.
    TooFewPoints,
    /// A point, a charge or a pad size that is no number, or a size that is not positive.
    BadPoint,
    /// An estimate that is no number.
    BadGuess,
}

impl Refusal {
    /// The word that stands in tables of what was rejected.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::EnergyBelowMesh => "energy_below_mesh",
            Refusal::EnergyAboveMesh => "energy_above_mesh",
            Refusal::AngleBelowMesh => "angle_below_mesh",
            Refusal::AngleAboveMesh => "angle_above_mesh",
            Refusal::TooFewPoints => "too_few_points",
            Refusal::BadPoint => "bad_point",
            Refusal::BadGuess => "bad_guess",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_and_rigidity_turn_into_each_other() {
        let deuteron = TrackParticle { charge_number: 1.0, mass_mev: 1_875.612_931 };
        for ke in [0.01, 1.0, 45.0] {
            let brho = deuteron.brho(ke);
            assert!((deuteron.ke(brho) - ke).abs() < 1e-9);
            let slope = (deuteron.ke(brho + 1e-6) - deuteron.ke(brho - 1e-6)) / 2e-6;
            assert!((deuteron.ke_slope(brho) / slope - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_point_that_is_no_number_and_a_pad_without_size_are_found() {
        let good = [[1.0, 2.0, 3.0, 100.0, 0.5]; 3];
        assert!(TrackPoints::of_rows(&good).is_finite());
        for (column, value) in [(0, f64::NAN), (2, f64::INFINITY), (3, f64::NAN), (4, 0.0)] {
            let mut bad = good;
            bad[1][column] = value;
            assert!(!TrackPoints::of_rows(&bad).is_finite());
        }
    }
}
