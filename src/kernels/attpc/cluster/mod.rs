//! Clusters of point clouds: the tracks of an event, each with its direction along the beam axis.
//!
//! The method is that of Spyral 1.1 (attpc_spyral, phase `ClusterPhase`): clustering by
//! density or by triplets, outliers out, directions, joins, outliers out again. `docs/kernels/attpc.cluster.md` lists where
//! this kernel differs. A cloud goes in as its rows and leaves as clusters; the result depends on
//! nothing but the cloud and the parameters, so that events can be split in any way.
//!
//! ```
//! use attpc::kernels::attpc::cluster::{ClusterKernel, HdbscanParams, Method, Params};
//! use attpc::kernels::attpc::pointcloud::Compat;
//!
//! // Two straight tracks, one above the other.
//! let point = |at: usize| {
//!     let (step, side) = ((at / 2) as f64, (at % 2) as f64);
//!     [2.0 * step, 120.0 * side, 3.0 * step, 80.0, 400.0, 0.0, 0.0, 0.5]
//! };
//! let cloud: Vec<_> = (0..160).map(point).collect();
//! let kernel = ClusterKernel::new(Params {
//!     min_cloud_size: 50,
//!     method: Method::Hdbscan(HdbscanParams {
//!         min_points: 3,
//!         min_size_scale_factor: 0.05,
//!         min_size_lower_cutoff: 10,
//!         cluster_selection_epsilon: 10.0,
//!     }),
//!     join: None,
//!     direction_threshold: 0.5,
//!     outlier_scale_factor: 0.05,
//!     compat: Compat::Exact,
//! });
//! let found = kernel.cluster(&cloud).unwrap();
//! assert_eq!(found.clusters.len(), 2);
//! assert_eq!(found.clusters[0].points.len(), 80);
//! ```

mod cpu;
mod direction;
mod hdbscan;
mod joins;
mod lof;
mod neighbors;
mod params;
#[cfg(test)]
mod sample;
mod tree;
mod tripclust;

pub use cpu::{Cluster, ClusterCounts, ClusterKernel, ClusterPoint, Clusters};
pub use cpu::{Group, SortedCloud, Unsorted};
pub use direction::Direction;
pub use params::{HdbscanParams, Join, Link, Method, Params, TripclustParams};
