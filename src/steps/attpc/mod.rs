//! Steps of the AT-TPC chain.

#[cfg(feature = "hdf5")]
pub mod cluster;
#[cfg(test)]
#[cfg(feature = "hdf5")]
mod chain;
#[cfg(test)]
#[cfg(feature = "hdf5")]
pub mod compare;
pub mod drift_map;
#[cfg(feature = "hdf5")]
pub mod estimate;
#[cfg(feature = "hdf5")]
pub mod figure;
#[cfg(feature = "hdf5")]
pub mod harmonize;
pub mod mesh;
mod params;
#[cfg(feature = "hdf5")]
pub mod pointcloud;
#[cfg(feature = "hdf5")]
pub mod report;
#[cfg(feature = "hdf5")]
mod run_counts;
pub mod select;
#[cfg(feature = "hdf5")]
pub mod solve;
pub mod stopping_power;
#[cfg(feature = "hdf5")]
mod window;
