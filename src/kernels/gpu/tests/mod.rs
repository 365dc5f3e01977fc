//! The GPU kernels without a GPU: their sources compiled as C and run against the CPU versions.

#[cfg(feature = "cuda")]
mod device;
mod emulator;
mod fits;
mod objective;
mod traces;

use std::path::PathBuf;

use emulator::{Emulator, Order};

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// FNV-1a, 64 bits, as `scripts/ptx` has it.
fn digest(parts: [&str; 2]) -> u64 {
    let bytes = parts.into_iter().flat_map(str::bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_embedded_kernels_are_compiled_from_their_sources() {
    let header = include_str!("../block.h");
    for (name, source, ptx) in [
        ("traces", include_str!("../traces.cu"), include_str!("../traces.ptx")),
        ("objective", include_str!("../objective.cu"), include_str!("../objective.ptx")),
    ] {
        let first =
            format!("// FNV-1a of block.h and the source: {:016x}", digest([header, source]));
        assert_eq!(ptx.lines().next(), Some(&*first), "run `scripts/ptx`: {name}.cu changed");
        assert!(ptx.contains(".target sm_70"), "{name}.ptx is for Volta and later");
        assert!(!ptx.contains("fma."), "{name}.ptx must round as the CPU does");
    }
}
