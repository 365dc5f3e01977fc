//! The table of kernels: one line each.

use crate::model::step::KernelInfo;
use crate::model::value::Value;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::{cluster, estimate, figure, harmonize, pointcloud, report, solve};
use crate::steps::attpc::{drift_map, mesh, select, stopping_power};
use crate::steps::{Job, StepError, StepSummary};

/// A kernel as the table holds it.
pub(super) struct Step {
    /// What the kernel says of itself.
    pub info: fn() -> KernelInfo,
    /// Reads the inputs, calls the kernel, writes the outputs.
    pub run: fn(&Job<'_>) -> Result<StepSummary, StepError>,
}

pub(super) const TABLE: &[Step] = &[
    #[cfg(feature = "hdf5")]
    Step { info: cluster::info, run: cluster::run },
    Step { info: drift_map::info, run: drift_map::run },
    #[cfg(feature = "hdf5")]
    Step { info: estimate::info, run: estimate::run },
    #[cfg(feature = "hdf5")]
    Step { info: figure::event_info, run: figure::run_event },
    #[cfg(feature = "hdf5")]
    Step { info: figure::kinematics::info, run: figure::kinematics::run },
    #[cfg(feature = "hdf5")]
    Step { info: figure::pid::info, run: figure::pid::run },
    #[cfg(feature = "hdf5")]
    Step { info: figure::rates::info, run: figure::rates::run },
    #[cfg(feature = "hdf5")]
    Step { info: figure::run_info, run: figure::run_run },
    #[cfg(feature = "hdf5")]
    Step { info: figure::tracks::info, run: figure::tracks::run },
    #[cfg(feature = "hdf5")]
    Step { info: harmonize::info, run: harmonize::run },
    Step { info: mesh::info, run: mesh::run },
    #[cfg(feature = "hdf5")]
    Step { info: pointcloud::info, run: pointcloud::run },
    #[cfg(feature = "hdf5")]
    Step { info: report::info, run: report::run },
    Step { info: select::info, run: select::run },
    #[cfg(feature = "hdf5")]
    Step { info: solve::info, run: solve::run },
    Step { info: stopping_power::info, run: stopping_power::run },
];

/// Kernels that a program built without the feature `hdf5` lacks.
pub(super) const NEEDS_HDF5: &[&str] = &[
    "attpc.cluster",
    "attpc.estimate",
    "attpc.figure.event",
    "attpc.figure.kinematics",
    "attpc.figure.pid",
    "attpc.figure.rates",
    "attpc.figure.run",
    "attpc.figure.tracks",
    "attpc.harmonize",
    "attpc.pointcloud",
    "attpc.report",
    "attpc.solve",
];

/// True when a kernel has a version for a GPU, with these parameters.
pub fn has_gpu_version(kernel: &str, params: &Value) -> bool {
    match kernel {
        "attpc.pointcloud" => true,
        "attpc.solve" => params.at("compat") == Some(&Value::Text("spyral-1.1".to_owned())),
        _ => false,
    }
}
