//! Room card
//! - job: The only event loop: asks the pure rooms, does the calls they want, turns results into events.
//! - takes: a `Project`, a `Request` and a function that evaluates the recipe
//! - gives: `BuildEvent`s and a summary; surveys for readers that run nothing
//! - imports: model, graph, fingerprint, plan, schedule, execute, fsio, store
//! - touches: files, threads, clock, postcard
//! - never: words a message for people; knows a kernel's science

mod build;
mod clean;
mod commit;
mod depfile;
mod error;
mod facts;
mod inspect;
mod limits;
mod load;
mod lock;
mod outcome;
mod prepare;
mod project;
mod recover;
mod render;
mod running;
mod snapshot;
mod sources;
mod store_records;
mod survey;

pub use build::{Interrupt, Mailbox, Observer, Order, build};
pub use clean::{Cleaned, clean};
pub use error::{EngineError, MissingSource};
pub use inspect::{Inspection, graph, history, inspect};
pub use load::{Evaluated, Loaded, Question};
pub use lock::{describe, holder as lock_holder};
pub use project::{GpuUse, Project, Request, Settings};
pub use recover::rebuild;
pub use survey::{Judged, Records, Survey};
