//! The checked layer: a device with typed buffers, every driver call with a typed error.
//!
//! cudarc panics where the driver library or one of its functions is missing. Therefore the
//! library is looked for first, then the driver's version is asked with the one call that every
//! version has, and only then comes anything else.

use std::sync::Arc;

use cudarc::driver::{
    CudaContext, CudaStream, DeviceRepr, DriverError, LaunchConfig, PushKernelArg, ValidAsZeroBits,
    sys,
};
use cudarc::nvrtc::Ptx;

use crate::kernels::gpu::launch::{Argument, Grid};
use crate::kernels::gpu::{DeviceInfo, GpuError};

/// An array in the device's memory.
pub(super) type Buffer<T> = cudarc::driver::CudaSlice<T>;
/// A kernel as the device runs it.
pub(super) type Function = cudarc::driver::CudaFunction;

/// Oldest driver whose functions and PTX version the program relies on.
const LEAST_DRIVER: i32 = 12_000;
/// Oldest device that the kernels are compiled for.
const LEAST_COMPUTE: [i32; 2] = [7, 0];

/// A null pointer in the width of device pointers.
const NULL: u64 = 0;

/// An open device with one stream of work.
#[derive(Debug)]
pub struct Device {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    info: DeviceInfo,
}

/// The devices of this machine that this process may use.
///
/// # Errors
/// No driver, one that is too old, or no device.
pub fn probe() -> Result<Vec<DeviceInfo>, GpuError> {
    let driver = driver_version()?;
    let count = CudaContext::device_count().map_err(starting)?;
    let infos = (0..usize::try_from(count).unwrap_or(0))
        .map(|ordinal| {
            let context = CudaContext::new(ordinal).map_err(starting)?;
            describe(&context, driver).map_err(starting)
        })
        .collect::<Result<Vec<_>, _>>()?;
    if infos.is_empty() { Err(GpuError::NoDevice) } else { Ok(infos) }
}

/// The CUDA version of the driver, major and minor, checked.
#[expect(unsafe_code, reason = "the driver library is loaded and asked for its version")]
fn driver_version() -> Result<[i32; 2], GpuError> {
    // SAFETY: loading the vendor's library runs its start code and nothing else of ours.
    if !unsafe { sys::is_culib_present() } {
        return Err(GpuError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: the call writes one integer, and the library was found above. It may be called
    // before the driver is initialised.
    let status = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    status.result().map_err(starting)?;
    let found = [version / 1000, version % 1000 / 10];
    if version < LEAST_DRIVER { Err(GpuError::OldDriver { found }) } else { Ok(found) }
}

fn describe(context: &CudaContext, driver: [i32; 2]) -> Result<DeviceInfo, DriverError> {
    let (major, minor) = context.compute_capability()?;
    Ok(DeviceInfo {
        ordinal: context.ordinal(),
        name: context.name()?,
        memory_bytes: context.total_mem()? as u64,
        compute: [major, minor],
        driver,
    })
}

/// The error of a call that makes first contact.
fn starting(error: DriverError) -> GpuError {
    match error.0 {
        sys::CUresult::CUDA_ERROR_NO_DEVICE => GpuError::NoDevice,
        // The toolkit's stand-in for the driver, which build machines have.
        sys::CUresult::CUDA_ERROR_STUB_LIBRARY => GpuError::NoDriver,
        _ => call("starting")(error),
    }
}

/// Words for a failed driver call.
fn call(doing: &'static str) -> impl Fn(DriverError) -> GpuError {
    move |error| {
        let words = error.error_string().ok().and_then(|text| text.to_str().ok());
        let cause = match words {
            Some(words) => words.to_owned(),
            None => format!("error {}", error.0 as u32),
        };
        GpuError::Call { doing, cause }
    }
}

impl Device {
    /// Opens the first device that this process may use; `CUDA_VISIBLE_DEVICES` chooses.
    ///
    /// # Errors
    /// No driver or device, or one that is too old for the kernels.
    #[expect(unsafe_code, reason = "one stream needs no events between its buffers")]
    pub fn open() -> Result<Device, GpuError> {
        let driver = driver_version()?;
        let context = CudaContext::new(0).map_err(starting)?;
        let info = describe(&context, driver).map_err(starting)?;
        if info.compute < LEAST_COMPUTE {
            return Err(GpuError::OldDevice { name: info.name, found: info.compute });
        }
        // SAFETY: events order work between streams; a device has one, so its work is in order.
        unsafe { context.disable_event_tracking() };
        let stream = context.default_stream();
        Ok(Device { context, stream, info })
    }

    /// What the driver says of the device.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Translates a kernel for this device.
    pub(super) fn load(&self, ptx: &str, name: &str) -> Result<Function, GpuError> {
        let doing = call("loading a kernel");
        let module = self.context.load_module(Ptx::from_src(ptx)).map_err(&doing)?;
        module.load_function(name).map_err(&doing)
    }

    /// A buffer with a copy of `values`.
    pub(super) fn upload<T: DeviceRepr>(
        &self,
        what: &'static str,
        values: &[T],
    ) -> Result<Buffer<T>, GpuError> {
        self.stream
            .clone_htod(values)
            .map_err(|error| self.memory(what, size_of_val(values), error))
    }

    /// A buffer of zeros.
    pub(super) fn zeros<T: DeviceRepr + ValidAsZeroBits>(
        &self,
        what: &'static str,
        length: usize,
    ) -> Result<Buffer<T>, GpuError> {
        let bytes = length * size_of::<T>();
        self.stream.alloc_zeros(length).map_err(|error| self.memory(what, bytes, error))
    }

    /// The content of a buffer, after all work before is done.
    pub(super) fn download<T: DeviceRepr>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, GpuError> {
        let values = self.stream.clone_dtoh(buffer).map_err(call("reading results"))?;
        self.stream.synchronize().map_err(call("running a kernel"))?;
        Ok(values)
    }

    /// Starts a kernel; what comes after on this device waits for its end.
    ///
    /// # Safety
    /// Number, order and types of the arguments are those of the kernel's source, and with them
    /// every block stays inside the buffers.
    #[expect(unsafe_code, reason = "a kernel is launched")]
    pub(super) unsafe fn launch(
        &self,
        function: &Function,
        grid: Grid,
        arguments: &[Argument<'_>],
    ) -> Result<(), GpuError> {
        let mut launch = self.stream.launch_builder(function);
        for argument in arguments {
            match argument {
                Argument::Int(value) => launch.arg(value),
                Argument::Real(value) => launch.arg(value),
                Argument::Shorts(buffer) => launch.arg(*buffer),
                Argument::Ints(buffer) => launch.arg(*buffer),
                Argument::Floats(buffer) => launch.arg(*buffer),
                Argument::Reals(buffer) => launch.arg(*buffer),
                Argument::Null => launch.arg(&NULL),
            };
        }
        let config = LaunchConfig {
            grid_dim: (grid.blocks, 1, 1),
            block_dim: (grid.threads, 1, 1),
            shared_mem_bytes: grid.shared_bytes,
        };
        // SAFETY: the caller vouches for the arguments; event tracking is off and there is one
        // stream, so that a buffer is neither freed nor read before the kernel's end.
        unsafe { launch.launch(config) }.map(drop).map_err(call("starting a kernel"))
    }

    fn memory(&self, what: &'static str, bytes: usize, error: DriverError) -> GpuError {
        if error.0 != sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            return call("copying to the GPU")(error);
        }
        let free = self.context.mem_get_info().map_or(0, |(free, _)| free as u64);
        GpuError::OutOfMemory { what, wanted: bytes as u64, free }
    }
}
