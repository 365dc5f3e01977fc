//! The table of kernels: one line each.

use crate::model::step::KernelInfo;
use crate::steps::{Job, StepError, StepSummary};

/// A kernel as the table holds it.
pub(super) struct Step {
    /// What the kernel says of itself.
    pub info: fn() -> KernelInfo,
    /// Reads the inputs, calls the kernel, writes the outputs.
    pub run: fn(&Job<'_>) -> Result<StepSummary, StepError>,
}

#[cfg(feature = "hdf5")]
pub(super) const TABLE: &[Step] = &[];

#[cfg(not(feature = "hdf5"))]
pub(super) const TABLE: &[Step] = &[];

/// Kernels that a program built without the feature `hdf5` lacks.
pub(super) const NEEDS_HDF5: &[&str] = &["attpc.pointcloud"];
