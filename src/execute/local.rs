//! Processes of this machine.
//!
//! The caller's thread starts processes; one further thread, the reaper, waits for all of them at
//! once, enforces limits and reports ends. There is no thread per job, and an idle reaper sleeps.

mod reaper;
mod running;
mod spawn;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

pub use self::spawn::StartError;

use self::reaper::Shared;
use self::running::Running;
use crate::execute::procfs;
use crate::model::event::FailureKind;
use crate::model::text;

/// Everything needed to start a process, and the limits it is held to.
#[derive(Clone, Debug)]
pub struct PreparedJob {
    /// Chosen by the caller, unique among the jobs that run.
    pub id: u32,
    /// Program and words. A program without a slash is looked for on the PATH in `env`, one with
    /// a slash from `directory`.
    pub argv: Vec<OsString>,
    /// The whole environment; nothing of ours is added.
    pub env: Vec<(OsString, OsString)>,
    /// Absolute directory in which the program starts.
    pub directory: PathBuf,
    /// Absolute path of the file to which standard output and error are appended, in the order in
    /// which they arrive; made if missing.
    pub log: PathBuf,
    /// Bytes of memory that the job's processes may use together.
    pub memory: Option<u64>,
    /// Wall time after which the job is ended.
    pub time: Option<Duration>,
    /// How long the job may take to end itself when asked to.
    pub grace: Duration,
}

/// A process that runs, as it is to be remembered in case we are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Also the number of its process group.
    pub pid: u32,
    /// Clock ticks after boot, which tells it from a later process with the same number.
    pub process_start: u64,
}

/// How a job is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT, after the job's grace SIGTERM, after a little longer SIGKILL.
    Gently,
    /// SIGKILL.
    AtOnce,
}

/// A job that is over. Nothing of its process group runs any more, except `survivors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub id: u32,
    pub how: How,
    pub wall: Duration,
    /// Processor time of the process and all children it waited for.
    pub cpu: Duration,
    /// Largest resident set of a single process in bytes; zero when unknown, which it is for a
    /// short job that uses less than we do.
    pub peak_memory: u64,
    /// Processes of the group that the kernel did not let go of even when killed; nearly always
    /// empty. They may still write.
    pub survivors: Vec<u32>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    Exited(i32),
    /// By a signal that did not come from us.
    Signalled {
        signal: i32,
        name: String,
    },
    TimedOut {
        limit: Duration,
    },
    /// Over its limit, or chosen by the kernel when the machine ran out (`limit` is `None`).
    OutOfMemory {
        limit: Option<u64>,
        used: u64,
    },
    LogLimit {
        limit: u64,
    },
    /// Because it was asked for; whatever it exited with, it is not to be trusted.
    Stopped,
    /// Somebody else collected the process, so nobody knows.
    Lost,
}

impl How {
    /// The class of failure; `None` for exit status zero.
    pub fn failure(&self) -> Option<FailureKind> {
        match self {
            How::Exited(0) => None,
            How::Exited(_) | How::Signalled { .. } => Some(FailureKind::Exit),
            How::TimedOut { .. } => Some(FailureKind::TimedOut),
            How::OutOfMemory { .. } => Some(FailureKind::OutOfMemory),
            How::LogLimit { .. } => Some(FailureKind::LogLimit),
            How::Stopped => Some(FailureKind::Cancelled),
            How::Lost => Some(FailureKind::Environment),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Exited(status) => write!(f, "exit status {status}"),
            How::Signalled { name, .. } => write!(f, "killed by {name}"),
            How::TimedOut { limit } => {
                write!(f, "ended after its time limit of {}", text::duration(limit.as_secs_f64()))
            }
            How::OutOfMemory { limit: Some(limit), used } => write!(
                f,
                "ended because it used {} of memory, its limit is {}",
                text::bytes(*used),
                text::bytes(*limit)
            ),
            How::OutOfMemory { limit: None, .. } => {
                write!(f, "killed by the kernel because the machine ran out of memory")
            }
            How::LogLimit { limit } => {
                write!(f, "ended because its log grew over {}", text::bytes(*limit))
            }
            How::Stopped => write!(f, "stopped"),
            How::Lost => write!(f, "ended, but its status was lost"),
        }
    }
}

/// Runs jobs on this machine. Dropping it kills what still runs and waits for it.
pub struct Local {
    shared: Arc<Shared>,
    /// Standard input of every job, opened once.
    null: File,
    reaper: Option<JoinHandle<()>>,
}

impl Local {
    /// An executor that calls `report`, on a thread of its own, once for every started job.
    ///
    /// # Errors
    /// When the system gives no further descriptors or threads.
    pub fn new(report: impl Fn(Ended) + Send + 'static) -> io::Result<Local> {
        let null = File::open("/dev/null")?;
        let shared = Arc::new(Shared::new()?);
        let reaper = std::thread::Builder::new().name("reaper".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || reaper::run(&shared, &report)
        })?;
        Ok(Local { shared, null, reaper: Some(reaper) })
    }

    /// Starts a job. Its end is reported, even if that is before this returns.
    ///
    /// # Errors
    /// [`StartError`] when no process came to be; then nothing is reported.
    pub fn start(&self, job: &PreparedJob) -> Result<Started, StartError> {
        let mut child = spawn::spawn(job, &self.null)?;
        let pid = Pid::from_child(&child);
        let registered = pidfd_open(pid, PidfdFlags::empty()).and_then(|pidfd: OwnedFd| {
            // The child is not collected before it is registered, so it can still be looked at.
            let start = procfs::stat(pid.as_raw_pid()).map_or(0, |stat| stat.start);
            self.shared.add(job.id, Running::new(job, (pid, pidfd), Instant::now()))?;
            Ok(Started { pid: child.id(), process_start: start })
        });
        registered.map_err(|source| {
            // A process nobody waits for must not go on; it is ours, so both calls succeed.
            let _ = child.kill().and_then(|()| child.wait());
            spawn::error(job, source.into())
        })
    }

    /// Asks for a job's end; it is reported like any other. False when the job does not run.
    pub fn stop(&self, id: u32, how: Stop) -> bool {
        self.shared.stop(Some(id), how) > 0
    }

    /// Asks for the end of every job that runs and says how many there are.
    pub fn stop_all(&self, how: Stop) -> usize {
        self.shared.stop(None, how)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(reaper) = self.reaper.take() {
            // A reaper that panicked has said so; there is nothing left to wait for.
            let _ = reaper.join();
        }
    }
}
