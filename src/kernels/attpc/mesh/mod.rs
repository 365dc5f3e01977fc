//! The mesh of tracks that the solver interpolates in, and how it is made.
//!
//! [`Tracker`] follows one particle through gas and fields, [`MeshPlan`] says which nodes there are
//! and at which times their tracks are recorded, [`TrackGrid`] is the finished mesh in memory.

mod drag;
mod grid;
mod plan;
mod track;

pub use grid::{Axis, Cell, GridError, TrackGrid, slabs_of_c_order};
pub use plan::{MeshPlan, time_steps};
pub use track::{Fields, RANGE_LIMIT_M, RHO_LIMIT_M, TIME_LIMIT_S, Tracker, Z_LIMIT_M};
