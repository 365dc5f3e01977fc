//! What stands in for a device in a program built without the feature `cuda`: types of which there
//! is no value, so that whatever needs one compiles and is never reached.

use std::marker::PhantomData;

use crate::kernels::gpu::launch::{Argument, Grid};
use crate::kernels::gpu::{DeviceInfo, GpuError};

/// A device; there is none.
#[derive(Debug)]
pub enum Device {}

/// An array in a device's memory.
#[derive(Debug)]
pub(super) struct Buffer<T>(Device, PhantomData<T>);

/// A kernel as a device runs it.
#[derive(Debug)]
pub(super) struct Function(Device);

/// The devices of this machine.
///
/// # Errors
/// Always [`GpuError::NotBuilt`].
pub fn probe() -> Result<Vec<DeviceInfo>, GpuError> {
    Err(GpuError::NotBuilt)
}

impl Device {
    /// Opens the first device.
    ///
    /// # Errors
    /// Always [`GpuError::NotBuilt`].
    pub fn open() -> Result<Device, GpuError> {
        Err(GpuError::NotBuilt)
    }

    /// What the driver says of the device.
    pub fn info(&self) -> &DeviceInfo {
        match *self {}
    }

    pub(super) fn load(&self, _ptx: &str, _name: &str) -> Result<Function, GpuError> {
        match *self {}
    }

    pub(super) fn upload<T>(&self, _: &'static str, _: &[T]) -> Result<Buffer<T>, GpuError> {
        match *self {}
    }

    pub(super) fn zeros<T>(&self, _: &'static str, _: usize) -> Result<Buffer<T>, GpuError> {
        match *self {}
    }

    pub(super) fn download<T>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, GpuError> {
        match buffer.0 {}
    }

    /// Starts a kernel.
    ///
    /// # Safety
    /// As where there are devices.
    #[expect(unsafe_code, reason = "the twin of a function that is unsafe")]
    pub(super) unsafe fn launch(
        &self,
        function: &Function,
        _grid: Grid,
        _arguments: &[Argument<'_>],
    ) -> Result<(), GpuError> {
        match function.0 {}
    }
}
