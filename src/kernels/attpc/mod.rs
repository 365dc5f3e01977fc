//! The AT-TPC chain: traces to point clouds, and pictures of them.

pub mod figure;
pub mod harmonize;
