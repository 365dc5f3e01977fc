//! Why a GPU did not do its work.

/// Why a GPU did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    #[error("this program was built without GPU support")]
    NotBuilt,
    #[error("no NVIDIA driver found on this machine")]
    NoDriver,
    #[error("the NVIDIA driver finds no device")]
    NoDevice,
    #[error("the NVIDIA driver offers CUDA `{}.{}`, at least `12.0` is needed", found[0], found[1])]
    OldDriver { found: [i32; 2] },
    #[error("`{name}` has compute capability `{}.{}`, at least `7.0` is needed", found[0], found[1])]
    OldDevice { name: String, found: [i32; 2] },
    #[error("{what} needs `{wanted}` bytes of GPU memory, `{free}` are free")]
    OutOfMemory { what: &'static str, wanted: u64, free: u64 },
    #[error("tracks of `{steps}` time steps exceed the GPU kernel's `{most}`")]
    ManySteps { steps: usize, most: usize },
    #[error("a cluster of `{points}` points exceeds one GPU launch")]
    ManyPoints { points: usize },
    #[error("{doing} failed on the GPU: {cause}")]
    Call { doing: &'static str, cause: String },
}

impl GpuError {
    /// What to do instead.
    pub fn hint(&self) -> &'static str {
        match self {
            GpuError::NotBuilt => {
                "`--device cpu` works; for a GPU build with `cargo build --release --features cuda`"
            }
            GpuError::NoDriver | GpuError::NoDevice => {
                "`--device cpu` works; `nvidia-smi` shows what the machine has"
            }
            GpuError::OldDriver { .. } => "`--device cpu` works; else update the NVIDIA driver",
            GpuError::OutOfMemory { .. } => {
                "`--device cpu` works; else wait until other programs leave the GPU"
            }
            _ => "`--device cpu` works",
        }
    }
}
