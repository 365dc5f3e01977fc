//! Room card
//! - job: Native science: parameters and the CPU versions that define each kernel.
//! - takes: arrays and parameters
//! - gives: arrays
//! - imports: model
//! - touches: realfft
//! - never: sees a path, reads a file or a clock, prints

pub mod attpc;
pub mod figure;
pub mod report;
