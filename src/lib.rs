//! `attpc`: make for experiments.
//!
//! The map of the rooms, in the order in which data flows through them. Each room's `mod.rs`
//! opens with its card: job, what it takes and gives, what it may import and touch. `tests/tidy.rs`
//! holds the cards; `ARCHITECTURE.md` tells the story.

pub mod model;
pub mod recipe;
pub mod graph;
pub mod fingerprint;
pub mod store;
pub mod plan;
pub mod schedule;
pub mod execute;
pub mod fsio;
pub mod engine;
pub mod data;
pub mod kernels;
pub mod steps;
pub mod ui;
pub mod cli;
