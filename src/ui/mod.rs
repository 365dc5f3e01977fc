//! Room card
//! - job: Turns build events and answers into what a person or a program reads: lines, tables, graphs.
//! - takes: `BuildEvent`s with the time since the build began; small view values
//! - gives: lines of labelled text, written to the sink it was handed
//! - imports: model
//! - touches: nothing
//! - never: reads a clock, a file or the environment; decides what runs; opens an output itself

pub mod explain;
pub mod graphs;
pub mod history;
pub mod json;
pub mod line;
pub mod live;
pub mod plain;
#[cfg(test)]
mod sample;
pub mod sink;
pub mod state;
pub mod tables;
pub mod view;
pub mod words;
