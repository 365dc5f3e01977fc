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
mod table;

pub mod attpc;

pub use job::{Job, StepError, StepSummary};

use crate::model::step::{KernelInfo, Progress, StepSpec};
use crate::model::text::near_misses;
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

/// Runs a step: checks its parameters and ports, then hands them to its kernel.
///
/// `progress` is called often (about once per event) from the calling thread; whoever writes the
/// reports down thins them out.
///
/// # Errors
/// Everything that keeps the outputs from being complete; outputs may then exist half-written,
/// because whoever starts a step gives it a private directory.
pub fn run(spec: &StepSpec, progress: &dyn Fn(Progress)) -> Result<StepSummary, StepError> {
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
    let job = Job::prepare(&(step.info)(), spec, progress)?;
    (step.run)(&job)
}
