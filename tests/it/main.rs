//! Whole runs of the program, one module for each subject.

mod attpc_example;
mod build;
mod crash;
mod frame;
mod space;
