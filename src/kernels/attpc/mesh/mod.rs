//! The mesh of tracks that the solver interpolates in.

mod grid;

pub use grid::{Axis, Cell, GridError, TrackGrid, slabs_of_c_order};
