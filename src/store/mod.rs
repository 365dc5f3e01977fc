//! Room card
//! - job: Keeps what happened: a journal that is the truth, and an index that finds things in it.
//! - takes: journal entries, sightings of files
//! - gives: records by target and by key, failures, durations, unfinished attempts, histories
//! - imports: model, fsio
//! - touches: sled, postcard, blake3
//! - never: judges whether a record is fresh; touches an artifact

pub mod blob;
mod checkpoint;
pub mod doctor;
pub mod entry;
pub mod error;
mod facts;
mod format;
mod frame;
pub mod history;
mod index;
mod journal;
pub mod ledger;
pub mod report;
mod sled_index;
#[cfg(test)]
mod tests;
