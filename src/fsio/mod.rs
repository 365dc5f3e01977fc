//! Room card
//! - job: The engine's only door to files: stat, digest, list, write atomically, publish, lock.
//! - takes: project-relative or absolute paths, patterns
//! - gives: stamps, digests, listings, locks, facts about processes
//! - imports: model
//! - touches: files, threads, rustix, blake3, rayon
//! - never: decides what is stale; knows a rule, a key or a record

pub mod clock;
pub mod error;
pub mod hash;
pub mod listing;
pub mod lock;
pub mod logfile;
pub mod process;
pub mod publish;
pub mod scan;
pub mod tree;
pub mod write;
