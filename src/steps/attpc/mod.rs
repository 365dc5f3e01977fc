//! Steps of the AT-TPC chain.

#[cfg(feature = "hdf5")]
pub mod figure;
#[cfg(feature = "hdf5")]
pub mod harmonize;
pub mod mesh;
#[cfg(feature = "hdf5")]
pub mod pointcloud;
#[cfg(feature = "hdf5")]
pub mod solve;
pub mod stopping_power;
