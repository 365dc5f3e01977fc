//! What keeps a build from starting or from going on.

use std::io;

use crate::fsio::error::FsError;
use crate::graph::TargetError;
use crate::model::diagnostic::Diagnostics;
use crate::schedule::capacity::AdmitError;
use crate::store::error::StoreError;

/// Trouble of a build as a whole; what goes wrong with one action is a `Failure` instead.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the recipe has errors")]
    Recipe(#[from] Diagnostics),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{} of this build {} missing", crate::model::text::count(*.total, "source file"), if *.total == 1 { "is" } else { "are" })]
    MissingSources { total: usize, shown: Vec<MissingSource> },
    #[error("rule `{rule}` {source}")]
    Admission { rule: String, source: AdmitError },
    #[error("rule `{rule}` wants the executor `{name}`, which is not set up")]
    UnknownExecutor { rule: String, name: String },
    #[error("another build holds the lock: {holder}")]
    Locked { holder: String },
    #[error("could not look at `{path}`")]
    Stat { path: String, source: io::Error },
    #[error(transparent)]
    File(#[from] FsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("could not set up the local executor")]
    Executor(#[source] io::Error),
    #[error("`{{{name}}}` means nothing in this rule's command")]
    Placeholder { name: String },
}

/// A source file that is not there, with who needs it and what lies nearby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSource {
    pub path: String,
    pub needed_by: String,
    pub near: Vec<String>,
}
