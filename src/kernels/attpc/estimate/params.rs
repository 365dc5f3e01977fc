//! Parameters of the estimate, named as Spyral's configuration names them, and its closed lists.

use crate::kernels::attpc::pointcloud::Compat;

/// Everything that the estimate of a cluster depends on, beside the cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// Magnetic field along z in T.
    pub magnetic_field_t: f64,
    /// Farthest that a vertex may be from the beam axis, in mm.
    pub beam_region_radius_mm: f64,
    /// Fewest points of a cluster that is worth an estimate.
    pub min_total_trajectory_points: usize,
    /// Weight of the splines' smoothness, see [`Smoother`](crate::kernels::attpc::spline::Smoother).
    pub smoothing_factor: f64,
    /// Radius of the region of small pads, in which charge is summed, in mm.
    pub small_pad_radius_mm: f64,
    pub compat: Compat,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            magnetic_field_t: 2.85,
            beam_region_radius_mm: 25.0,
            min_total_trajectory_points: 30,
            smoothing_factor: 100.0,
            small_pad_radius_mm: 152.0,
            compat: Compat::Exact,
        }
    }
}

/// Why a cluster has no estimate, in the order in which a cluster is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// Fewer points than `min_total_trajectory_points`.
    TooFewPoints,
    /// Fewer than five points, a z that repeats, or a number that is none.
    NoSpline,
    /// The cluster has no direction.
    NoDirection,
    /// The first arc defines no circle.
    NoCircle,
    /// The vertex is too far from the beam axis.
    OutsideBeamRegion,
    /// The distance from the vertex does not change with z, or the line through it is undefined.
    NoSlope,
    /// The distance from the vertex shrinks along the way that the direction says.
    WrongWay,
    /// No charge on small pads after the first point.
    NoCharge,
}

impl Rejection {
    /// All of them, by code.
    pub const ALL: [Rejection; 8] = [
        Rejection::TooFewPoints,
        Rejection::NoSpline,
        Rejection::NoDirection,
        Rejection::NoCircle,
        Rejection::OutsideBeamRegion,
        Rejection::NoSlope,
        Rejection::WrongWay,
        Rejection::NoCharge,
    ];

    /// The number that tables store, from 1.
    pub fn code(self) -> i64 {
        self as i64 + 1
    }

    /// The rejection with a number as tables store it.
    pub fn from_code(code: i64) -> Option<Rejection> {
        Rejection::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// A short name for counts.
    pub fn name(self) -> &'static str {
        match self {
            Rejection::TooFewPoints => "too_few_points",
            Rejection::NoSpline => "no_spline",
            Rejection::NoDirection => "no_direction",
            Rejection::NoCircle => "no_circle",
            Rejection::NoSlope => "no_slope",
            Rejection::OutsideBeamRegion => "outside_beam_region",
            Rejection::WrongWay => "wrong_way",
            Rejection::NoCharge => "no_charge",
        }
    }

    /// What is wrong with the cluster, to follow "12 clusters".
    pub fn words(self) -> &'static str {
        match self {
            Rejection::TooFewPoints => "with too few points",
            Rejection::NoSpline => "whose z repeats or is undefined",
            Rejection::NoDirection => "without a direction",
            Rejection::NoCircle => "whose first arc is no circle",
            Rejection::NoSlope => "that do not leave their vertex along z",
            Rejection::OutsideBeamRegion => "from outside of the beam region",
            Rejection::WrongWay => "that run against their direction",
            Rejection::NoCharge => "without charge on small pads",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back() {
        for reason in Rejection::ALL {
            assert_eq!(Rejection::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Rejection::from_code(0), None);
        assert_eq!(Rejection::TooFewPoints.code(), 1);
        assert_eq!(Rejection::NoCharge.code(), 8);
    }
}
