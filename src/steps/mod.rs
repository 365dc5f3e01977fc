//! Room card
//! - job: Joins data and kernels: checks and runs one native step.
//! - takes: a step document
//! - gives: the step's output files, its progress and its warnings
//! - imports: model, data, kernels
//! - touches: files, threads
//! - never: knows the build, prints, reads a clock
//!
//! A kernel is one file below `attpc/` (or its technique's directory) and one line in [`TABLE`].
//! The child process behind `attpc kernel run` calls [`run`]; the recipe room is handed
//! [`catalog`], so that a rule is checked before anything runs.

mod job;
mod leavings;
mod table;

pub mod attpc;

pub use job::{Job, StepError, StepSummary};

use crate::kernels::gpu::{self, GpuError};
use crate::model::step::{DeviceChoice, KernelInfo, Progress, StepSpec};
use crate::model::text::near_misses;
use leavings::Leavings;
pub use table::has_gpu_version;
use table::{NEEDS_HDF5, TABLE};

/// All kernels of this program, in the order of their names.
pub fn catalog() -> Vec<KernelInfo> {
    let mut kernels: Vec<KernelInfo> = TABLE.iter().map(|step| (step.info)()).collect();
    kernels.sort_by_key(|kernel| kernel.name);
    kernels
}

/// The Cargo feature that would bring a kernel which this program was built without.
pub fn missing_feature(kernel: &str) -> Option<&'static str> {
    let known = TABLE.iter().any(|step| (step.info)().name == kernel);
    (!known && NEEDS_HDF5.contains(&kernel)).then_some("hdf5")
}

/// How many GPUs this process may use, at least one.
///
/// # Errors
/// Why there is none.
pub fn gpus() -> Result<u32, GpuError> {
    Ok(gpu::probe()?.len() as u32)
}

/// Runs a step on the processor: checks its parameters and ports, then hands them to its kernel.
///
/// `progress` is called often (about once per event) from the calling thread; whoever writes the
/// reports down thins them out.
///
/// # Errors
/// Everything that keeps the outputs from being complete; output files that were begun are then
/// removed, and a directory of outputs holds a part of them.
pub fn run(spec: &StepSpec, progress: &dyn Fn(Progress)) -> Result<StepSummary, StepError> {
    run_on(DeviceChoice::Cpu, spec, progress)
}

/// Runs a step where it is told to.
///
/// # Errors
/// As [`run`], and a GPU that is asked for and not there.
pub fn run_on(
    device: DeviceChoice,
    spec: &StepSpec,
    progress: &dyn Fn(Progress),
) -> Result<StepSummary, StepError> {
    let step = TABLE.iter().find(|step| (step.info)().name == spec.kernel).ok_or_else(|| {
        let kernel = spec.kernel.clone();
        match missing_feature(&kernel) {
            Some(feature) => StepError::MissingFeature { kernel, feature },
            None => {
                let names = TABLE.iter().map(|step| (step.info)().name);
                let near = near_misses(&kernel, names);
                StepError::UnknownKernel { kernel, near }
            }
        }
    })?;
    let info = (step.info)();
    if device == DeviceChoice::Cuda && !has_gpu_version(info.name, &spec.params) {
        return Err(StepError::NoGpuVersion { kernel: info.name });
    }
    let job = Job::prepare(&info, spec, progress)?.on(device);
    let leavings = Leavings::before(spec);
    (step.run)(&job).inspect_err(|_| leavings.remove())
}
