//! The only door to a GPU: finds devices, loads kernels, moves arrays, launches.
//!
//! Three layers: `cudarc` is the raw one; `device` checks every call and gives typed buffers;
//! `traces` and `objective` are safe functions on arrays. The rest of the program sees the last one
//! only, and this directory is the only one with `unsafe`. Kernels are the `.cu` files beside;
//! `scripts/ptx` compiles them to the `.ptx` texts that the program embeds, and whatever driver
//! there is translates those. No toolkit is needed to build, no driver to run.
//!
//! The same sources compile as C, which is how the tests run them without a device; see
//! `docs/kernels/gpu.md`.

#[cfg(not(feature = "cuda"))]
mod absent;
#[cfg(feature = "cuda")]
mod device;
mod error;
#[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "read by devices only"))]
mod launch;
pub mod lockstep;
pub mod objective;
#[cfg(test)]
mod tests;
pub mod traces;

#[cfg(not(feature = "cuda"))]
use absent::{Buffer, Function};
#[cfg(not(feature = "cuda"))]
pub use absent::{Device, probe};
#[cfg(feature = "cuda")]
use device::{Buffer, Function};
#[cfg(feature = "cuda")]
pub use device::{Device, probe};
pub use error::GpuError;

/// A device as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Number of the device among those that this process may use.
    pub ordinal: usize,
    pub name: String,
    pub memory_bytes: u64,
    /// Compute capability, major and minor.
    pub compute: [i32; 2],
    /// CUDA version of the driver, major and minor.
    pub driver: [i32; 2],
}

impl std::fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor] = self.driver;
        let memory = self.memory_bytes as f64 / f64::from(1u32 << 30);
        write!(f, "{} ({memory:.0} GiB, CUDA {major}.{minor})", self.name)
    }
}
