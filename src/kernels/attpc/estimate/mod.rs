//! Kinematics of a cluster from its geometry: where the particle came from, under which angle, how
//! rigid it was, and how much charge it left on its way.
//!
//! The method is that of Spyral 1.1 (attpc_spyral, phase `EstimationPhase`);
//! `docs/kernels/attpc.estimate.md` lists where this kernel differs. A cluster goes in as its
//! points sorted by z and its direction, and leaves as an estimate or as the reason why there is
//! none. The result depends on nothing but the cluster and the parameters.
//!
//! ```
//! use attpc::kernels::attpc::cluster::Direction;
//! use attpc::kernels::attpc::estimate::{Estimator, Params};
//!
//! // A track from (0, 0, 100) of radius 100 mm that climbs 0.4 mm per mm of its arc.
//! let points: Vec<[f64; 5]> = (1..150)
//!     .map(|i| {
//!         let arc = f64::from(i);
//!         let turn = arc / 100.0;
//!         [100.0 * turn.sin(), 100.0 * (1.0 - turn.cos()), 100.0 + 0.4 * arc, 500.0, 1.0]
//!     })
//!     .collect();
//! let estimate = Estimator::new(Params::default()).estimate(&points, Direction::Forward).unwrap();
//! assert!((estimate.vertex[2] - 100.0).abs() < 0.1);
//! assert!((estimate.polar.tan() - 1.0 / 0.4).abs() < 0.01);
//! assert!((estimate.brho - 2.85 * 0.1 / estimate.polar.sin()).abs() < 1e-3);
//! ```

mod cpu;
mod params;
#[cfg(test)]
mod tests;

pub use cpu::{Estimate, Estimator};
pub use params::{Params, Rejection};
