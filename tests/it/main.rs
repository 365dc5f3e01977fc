//! Whole runs of the program, one module for each subject.

#[cfg(feature = "hdf5")]
mod attpc_example;
mod attpc_spyral;
mod build;
mod crash;
mod frame;
mod oracle;
mod partial;
mod space;
