//! The arguments of a kernel launch.

use crate::kernels::gpu::Buffer;

/// Blocks, threads of each, and bytes of fast memory that each asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub blocks: u32,
    pub threads: u32,
    pub shared_bytes: u32,
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument<'b> {
    Int(i32),
    Real(f64),
    Shorts(&'b Buffer<i16>),
    Ints(&'b Buffer<i32>),
    Floats(&'b Buffer<f32>),
    Reals(&'b Buffer<f64>),
    Null,
}
