//! Room card
//! - job: Native science: parameters, the CPU versions that define each kernel, GPU versions of some.
//! - takes: arrays and parameters
//! - gives: arrays
//! - imports: model
//! - touches: realfft, threads (side by side questions to a GPU), cudarc, unsafe (both in gpu only)
//! - never: sees a path, reads a file or a clock, prints

pub mod attpc;
pub mod figure;
pub mod report;
pub mod gpu;
