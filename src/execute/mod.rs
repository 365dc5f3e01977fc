//! Room card
//! - job: Runs prepared jobs as processes of this machine and tells how each ended.
//! - takes: jobs (words, environment, directory, log, limits), requests to stop
//! - gives: how each job ended, with time, processor time and memory; what the machine has
//! - imports: model, fsio
//! - touches: processes, threads, files, clock, unsafe (in `wait` only), rustix, libc
//! - never: knows graphs, keys or records; decides what runs; prints
//!
//! Every job is the leader of its own process group, and the group is the unit of everything: it is
//! signalled as a whole, and when its leader ends the rest is killed, so nothing keeps writing to
//! outputs that are being checked. We are no child subreaper: that setting is global to a process,
//! would make strangers our children, and is of no use once we are killed ourselves. What a killed
//! build left running is ended by the next one instead (see [`orphans`]).

pub mod limits;
pub mod local;
pub mod machine;
pub mod orphans;
mod procfs;
mod signals;
mod wait;
