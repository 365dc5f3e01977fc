//! Stopping power and range of ions in gases, built in or from a table.
//!
//! The built-in model is in `model.rs`, its numbers and their sources in `coefficients.rs`;
//! `docs/kernels/attpc.stopping_power.md` says how good it is.

mod coefficients;
mod model;
mod table;

pub use table::{Stopping, StoppingRow, TableError, model_rows};
