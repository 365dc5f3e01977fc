//! Kernels of the Active Target Time Projection Chamber.
//!
//! TB is a time bucket, one sample of the GET electronics. z = 0 is the window where the beam
//! enters, z = L the micromegas.

pub mod circle;
pub mod drift;
pub mod figure;
pub mod gas;
pub mod harmonize;
pub mod mesh;
pub mod particle;
pub mod pointcloud;
pub mod solve;
pub mod spline;
pub mod stopping;
