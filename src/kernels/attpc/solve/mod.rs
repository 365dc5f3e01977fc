//! The solver: fits the track of a particle from the mesh to the points of a cluster.

pub mod batch;
pub mod cells;
pub mod lbfgs;
pub mod line_search;
pub mod lmdif;
pub mod nearest;
pub mod params;
pub mod qr;
pub mod spyral;
