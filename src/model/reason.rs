//! Why an action must run: a closed list, with old and new values.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::span::Span;

/// One reason for an action to be stale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// No record of these outputs exists.
    NeverBuilt,
    InputChanged {
        name: String,
        old: Digest,
        new: Digest,
        /// Label of the action that makes the input, where one does.
        made_by: Option<String>,
    },
    InputAdded {
        name: String,
    },
    InputRemoved {
        name: String,
    },
    /// A file the command itself reported reading is gone or has changed.
    DiscoveredInputChanged {
        name: String,
        old: Digest,
        new: Option<Digest>,
    },
    ParameterChanged {
        /// Dotted name, such as `get.peak_threshold`.
        name: String,
        /// As JSON; `None` when the parameter is new.
        old: Option<String>,
        /// As JSON; `None` when the parameter is gone.
        new: Option<String>,
        /// Where the new value is written.
        at: Option<Span>,
    },
    CommandChanged {
        old: String,
        new: String,
    },
    KernelVersionChanged {
        kernel: String,
        old: String,
        new: String,
    },
    EnvironmentChanged {
        name: String,
        old: Option<String>,
        new: Option<String>,
    },
    /// The set of declared outputs is another one.
    OutputsChanged {
        old: String,
        new: String,
    },
    OutputMissing {
        name: String,
    },
    /// Somebody wrote to an output after it was made.
    OutputModified {
        name: String,
    },
    PreviousAttemptFailed {
        status: String,
    },
    Forced,
    /// An action upstream is stale: this one may turn out fresh by early cutoff.
    UpstreamStale {
        name: String,
        made_by: String,
    },
}

/// What is known of an action before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    Fresh,
    /// The outputs can be put back without running.
    Restorable,
    Stale,
    /// Upstream runs first; then it will be known.
    Pending,
}

/// A verdict with its reasons; none for a fresh action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub kind: VerdictKind,
    pub reasons: Vec<Reason>,
}
