//! The table of kernels: one line each.

use crate::model::step::KernelInfo;
use crate::model::value::Value;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::{figure, harmonize, pointcloud, solve};
use crate::steps::attpc::{mesh, stopping_power};
use crate::steps::{Job, StepError, StepSummary};

/// A kernel as the table holds it.
pub(super) struct Step {
    /// What the kernel says of itself.
    pub info: fn() -> KernelInfo,
    /// Reads the inputs, calls the kernel, writes the outputs.
    pub run: fn(&Job<'_>) -> Result<StepSummary, StepError>,
}

#[cfg(feature = "hdf5")]
pub(super) const TABLE: &[Step] = &[
    Step { info: figure::event_info, run: figure::run_event },
    Step { info: figure::run_info, run: figure::run_run },
    Step { info: harmonize::info, run: harmonize::run },
    Step { info: mesh::info, run: mesh::run },
    Step { info: pointcloud::info, run: pointcloud::run },
    Step { info: solve::info, run: solve::run },
    Step { info: stopping_power::info, run: stopping_power::run },
];

#[cfg(not(feature = "hdf5"))]
pub(super) const TABLE: &[Step] = &[
    Step { info: mesh::info, run: mesh::run },
    Step { info: stopping_power::info, run: stopping_power::run },
];

/// Kernels that a program built without the feature `hdf5` lacks.
pub(super) const NEEDS_HDF5: &[&str] =
    &["attpc.figure.event", "attpc.figure.run", "attpc.harmonize", "attpc.pointcloud"];

/// True when a kernel has a version for a GPU, with these parameters.
pub fn has_gpu_version(kernel: &str, params: &Value) -> bool {
    match kernel {
        "attpc.pointcloud" => true,
        "attpc.solve" => params.at("compat") == Some(&Value::Text("spyral-1.1".to_owned())),
        _ => false,
    }
}
