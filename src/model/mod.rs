//! Room card
//! - job: The nouns every room shares: digests, values, patterns, declarations, events. Values only.
//! - takes: nothing
//! - gives: plain types with their canonical encodings and text forms
//! - imports: nothing
//! - touches: blake3
//! - never: reads a file, a clock or the environment; prints

pub mod declare;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod pattern;
pub mod reason;
pub mod record;
pub mod resources;
pub mod schema;
pub mod sources;
pub mod span;
pub mod stamp;
pub mod step;
pub mod template;
pub mod text;
pub mod value;
