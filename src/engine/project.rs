//! Where a project lies, and what a build is asked to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::value::Value;

/// The directories and files of one project. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Project {
    /// The directory that holds the recipe; all project-relative paths start here.
    pub root: PathBuf,
    /// The state directory, `.attpc` unless the settings say otherwise.
    pub state: PathBuf,
}

impl Project {
    /// A project whose state lies beside its recipe.
    pub fn at(root: PathBuf) -> Project {
        let state = root.join(".attpc");
        Project { root, state }
    }

    /// The lock that a build holds.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Private directories of running and recently failed attempts.
    pub fn work(&self) -> PathBuf {
        self.state.join("work")
    }

    /// Where an attempt's log ends up, fanned out because directories with a million entries
    /// break sites.
    pub fn log(&self, attempt: u64) -> PathBuf {
        self.state.join(log_name(attempt))
    }

    /// The compiled graph of the last evaluation.
    pub fn graph_cache(&self) -> PathBuf {
        self.state.join("graph")
    }

    /// What the last build knew of every artifact.
    pub fn snapshot(&self) -> PathBuf {
        self.state.join("snapshot")
    }

    /// A path as messages show it: relative to the project where it lies inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// A path that a user typed in `directory`, as the graph names it.
    pub fn in_project(&self, directory: &Path, typed: &str) -> String {
        let full = std::path::absolute(directory.join(typed)).unwrap_or_else(|_| typed.into());
        self.shown(&full)
    }
}

/// The name of an attempt's log within the state directory.
pub(super) fn log_name(attempt: u64) -> String {
    format!("logs/{:03}/{attempt:06}.log", attempt / 1000)
}

/// Settings of the machine and site; they never change a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Cores that builds may use; `None` for all of the machine.
    pub cores: Option<u32>,
    /// Bytes of memory that builds may use; `None` for all of the machine.
    pub memory: Option<u64>,
    /// Sizes of named pools.
    pub pools: BTreeMap<String, u32>,
    /// How long a command may take to end after an interrupt before it is killed.
    pub grace: Option<Duration>,
    /// Go on after a failure with what does not depend on it, as if asked to each time.
    pub keep_going: bool,
}

/// Native steps on this machine's GPUs.
#[derive(Clone, Copy, Debug)]
pub struct GpuUse {
    /// True for a kernel that has a version for a GPU, with these parameters.
    pub has_version: fn(&str, &Value) -> bool,
    /// How many GPUs there are; at least one.
    pub devices: u32,
}

/// What one build is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Targets as typed; none means the recipe's default targets.
    pub targets: Vec<String>,
    /// Where relative paths among the targets start.
    pub directory: PathBuf,
    /// Cores to use; overrides the settings.
    pub jobs: Option<u32>,
    /// Go on with what does not depend on a failure.
    pub keep_going: bool,
    /// Run the targets even when they are fresh.
    pub force: bool,
    /// Leave at once when another build holds the lock, instead of waiting.
    pub no_wait: bool,
    /// Which native steps compute on a GPU; none where this is absent.
    pub gpus: Option<GpuUse>,
    /// Who asks, for the lock's owner record.
    pub user: String,
    /// The command line, for the lock's owner record.
    pub command_line: String,
}
