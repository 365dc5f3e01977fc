//! What happens during a build, as told to every view: live, plain, JSON, journal, dashboard.

use serde::{Deserialize, Serialize};

use crate::model::reason::{Reason, VerdictKind};
use crate::model::record::Cost;
use crate::model::span::Span;
use crate::model::step::Progress;

/// Version of the event stream; goes up when a field changes its meaning or goes away.
pub const EVENT_STREAM_VERSION: u32 = 1;

/// One event of a build. The JSON form is documented in `docs/formats/events.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum BuildEvent {
    BuildStarted {
        stream: u32,
        build: u64,
        attpc: String,
        /// Milliseconds since the Unix epoch.
        time_ms: u64,
        /// What was asked for, as typed.
        targets: Vec<String>,
        dry_run: bool,
    },
    /// Another build holds the lock; this one waits.
    Waiting {
        holder: String,
        seconds: u64,
    },
    /// The graph stands. `cached` says that no script was evaluated.
    Evaluated {
        rules: usize,
        actions: usize,
        cached: bool,
        wall_ms: u64,
    },
    /// Input contents are being read.
    Hashing {
        files_done: usize,
        files: usize,
        bytes_done: u64,
        bytes: u64,
    },
    /// The first verdicts: what is certain before anything runs.
    Planned {
        fresh: usize,
        restorable: usize,
        stale: usize,
        pending: usize,
        seconds_left: Option<f64>,
    },
    ActionPlanned {
        action: ActionRef,
        verdict: VerdictKind,
        reasons: Vec<Reason>,
    },
    ActionStarted {
        action: ActionRef,
        attempt: u64,
        executor: String,
        reasons: Vec<Reason>,
        expected_s: Option<f64>,
        time_ms: u64,
    },
    ActionProgress {
        action: ActionRef,
        progress: Progress,
    },
    /// Its process is over; its outputs are being checked and made durable.
    ActionEnded {
        action: ActionRef,
        attempt: u64,
        time_ms: u64,
    },
    /// Judged fresh after its upstream ran: early cutoff.
    ActionCutOff {
        action: ActionRef,
    },
    ActionFinished {
        action: ActionRef,
        attempt: u64,
        cost: Cost,
        outputs: Vec<String>,
        time_ms: u64,
    },
    ActionFailed {
        action: ActionRef,
        attempt: u64,
        failure: Failure,
        will_retry: bool,
        time_ms: u64,
    },
    /// Not run because something it needs failed or the build was stopped.
    ActionSkipped {
        action: ActionRef,
        because: String,
    },
    Warning {
        message: String,
        span: Option<Span>,
    },
    /// A stop was asked for; running actions are being ended.
    Stopping {
        signal: String,
        running: usize,
    },
    BuildFinished(BuildSummary),
}

/// An action as views name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionRef {
    /// Number within this build's graph.
    pub id: u32,
    pub rule: String,
    /// `rule` or `rule@item`, unique within a graph.
    pub label: String,
}

/// Why an attempt did not succeed, with everything a person needs to act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// One line in words: `exit status 3`, `killed by SIGSEGV`, `output ... was not written`.
    pub status: String,
    /// Copy-paste ready command, with the directory it ran in.
    pub command: String,
    pub directory: String,
    /// Last lines of its output.
    pub log_tail: Vec<String>,
    /// Where the whole log lies, relative to the project directory.
    pub log: Option<String>,
}

/// The class of a failure, on which retries depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The program ended with another status than zero, or by a signal of its own.
    Exit,
    /// It ended well but did not write what it declared, or wrote something unusable.
    Outputs,
    /// An input changed while the action read it.
    InputChanged,
    TimedOut,
    OutOfMemory,
    /// The log grew over its limit.
    LogLimit,
    /// It could not be started: program not found, no permission.
    Start,
    /// The machine, not the program: node lost, disk full.
    Environment,
    Cancelled,
}

/// The last event of a build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildSummary {
    pub build: u64,
    pub executed: usize,
    pub restored: usize,
    pub fresh: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Executed actions whose outputs turned out as they were before.
    pub unchanged: usize,
    pub interrupted: bool,
    pub wall_ms: u64,
    pub cpu_ms: u64,
    /// Labels and milliseconds of the slowest actions, slowest first.
    pub slowest: Vec<(String, u64)>,
    /// Labels of the failed actions.
    pub failures: Vec<String>,
    pub exit_code: i32,
}
