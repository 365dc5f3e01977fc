//! Room card
//! - job: Formats of the field to typed arrays with units, and back.
//! - takes: paths of files
//! - gives: runs, events, tables; files written with the same bytes for the same content
//! - imports: nothing
//! - touches: hdf5, parquet, libdeflater, memmap2, unsafe (one memory map, in map.rs), files
//! - never: computes science, prints, reads a clock

#[cfg(feature = "hdf5")]
pub mod cloud_reader;
#[cfg(feature = "hdf5")]
pub mod cloud_writer;
#[cfg(feature = "hdf5")]
pub mod cluster_reader;
#[cfg(feature = "hdf5")]
pub mod cluster_writer;
pub mod error;
#[cfg(feature = "hdf5")]
pub mod harmonic_writer;
#[cfg(feature = "hdf5")]
pub mod hdf;
pub mod map;
pub mod mesh_info;
pub mod npy;
pub mod parquet;
#[cfg(feature = "hdf5")]
pub mod raw;
pub mod stopping_table;
pub mod table;
