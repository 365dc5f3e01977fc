//! Steps of the AT-TPC chain.

pub mod drift_map;
#[cfg(feature = "hdf5")]
pub mod figure;
#[cfg(feature = "hdf5")]
pub mod harmonize;
#[cfg(feature = "hdf5")]
pub mod pointcloud;
pub mod select;
