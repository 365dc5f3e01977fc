//! Kernels of the Active Target Time Projection Chamber.
//!
//! TB is a time bucket, one sample of the GET electronics. z = 0 is the window where the beam
//! enters, z = L the micromegas.

pub mod circle;
pub mod cluster;
pub mod drift;
pub mod estimate;
pub mod figure;
pub mod gas;
pub mod gate;
pub mod harmonize;
pub mod mesh;
pub mod particle;
pub mod pointcloud;
pub mod reaction;
pub mod report;
pub mod solve;
pub mod spline;
pub mod stopping;
