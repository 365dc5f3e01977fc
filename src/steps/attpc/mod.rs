//! Steps of the AT-TPC chain.

#[cfg(feature = "hdf5")]
pub mod cluster;
#[cfg(all(test, feature = "hdf5"))]
pub mod compare;
#[cfg(feature = "hdf5")]
pub mod estimate;
#[cfg(feature = "hdf5")]
pub mod figure;
#[cfg(feature = "hdf5")]
pub mod harmonize;
#[cfg(feature = "hdf5")]
pub mod pointcloud;
