//! Whole runs of the program, one module for each subject.

mod frame;
mod space;
