//! One running job: its limits, what was done to end it, and what comes of it.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::execute::limits;
use crate::execute::local::{Ended, How, PreparedJob, Stop};
use crate::execute::procfs::{self, Stat};
use crate::execute::signals;
use crate::execute::wait::{self, Exit};

/// A job whose leader has not been collected. As long as that is so, the number of its process
/// group cannot belong to anybody else, which makes it safe to signal.
pub(super) struct Running {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    started: Instant,
    log: PathBuf,
    memory: Option<u64>,
    time: Option<Duration>,
    grace: Duration,
    ending: Option<Ending>,
    next_look: Instant,
    /// The largest resident set of the leader that was seen.
    peak_memory: u64,
}

/// A job that was told to end.
struct Ending {
    how: How,
    /// What follows if it does not.
    next: Option<(Instant, Signal)>,
}

impl Running {
    pub(super) fn new(job: &PreparedJob, (pid, pidfd): (Pid, OwnedFd), now: Instant) -> Self {
        Running {
            pid,
            pidfd,
            started: now,
            log: job.log.clone(),
            memory: job.memory,
            time: job.time,
            grace: job.grace,
            ending: None,
            next_look: now + limits::LOOK_INTERVAL,
            peak_memory: 0,
        }
    }

    /// When this job next needs attention, measuring of memory aside.
    pub(super) fn due(&self) -> Instant {
        let ends = match &self.ending {
            Some(ending) => ending.next.map(|(at, _)| at),
            None => self.time.map(|limit| self.started + limit),
        };
        ends.map_or(self.next_look, |at| at.min(self.next_look))
    }

    /// True when memory has to be measured for it.
    pub(super) fn has_memory_limit(&self) -> bool {
        self.memory.is_some() && self.ending.is_none()
    }

    /// Ends the job because somebody asked.
    pub(super) fn stop(&mut self, how: Stop, now: Instant) {
        match (how, &mut self.ending) {
            (Stop::Gently, None) => {
                self.signal(Signal::INT);
                let next = Some((now + self.grace, Signal::TERM));
                self.ending = Some(Ending { how: How::Stopped, next });
            }
            (Stop::Gently, Some(_)) => {}
            (Stop::AtOnce, None) => self.kill(How::Stopped),
            (Stop::AtOnce, Some(ending)) => {
                ending.next = None;
                self.signal(Signal::KILL);
            }
        }
    }

    /// Does what is due: the next step of an end, limits of time and log.
    pub(super) fn look(&mut self, now: Instant) {
        match (&self.ending, self.time) {
            (Some(Ending { how, next: Some((at, signal)) }), _) if *at <= now => {
                let next =
                    (*signal == Signal::TERM).then_some((now + limits::TERM_GRACE, Signal::KILL));
                let (signal, how) = (*signal, how.clone());
                self.ending = Some(Ending { how, next });
                self.signal(signal);
            }
            (None, Some(limit)) if self.started + limit <= now => {
                self.signal(Signal::TERM);
                let next = Some((now + self.grace, Signal::KILL));
                self.ending = Some(Ending { how: How::TimedOut { limit }, next });
            }
            _ => {}
        }
        if self.next_look <= now {
            self.next_look = now + limits::LOOK_INTERVAL;
            let peak = procfs::peak_memory(self.pid.as_raw_pid()).unwrap_or(0);
            self.peak_memory = self.peak_memory.max(peak);
            let log = self.log.metadata().map_or(0, |facts| facts.len());
            if log > limits::LOG_BYTES && self.ending.is_none() {
                self.kill(How::LogLimit { limit: limits::LOG_BYTES });
            }
        }
    }

    /// Ends the job if its processes use more memory than they may.
    pub(super) fn check_memory(&mut self, processes: &[Stat]) {
        let Some(limit) = self.memory.filter(|_| self.ending.is_none()) else { return };
        let family = procfs::family(processes, self.pid.as_raw_pid());
        let resident: u64 = family.iter().map(|process| process.resident).sum();
        if resident <= limit {
            return;
        }
        // Forked workers share pages, each of which was counted several times so far. The exact
        // count is slow, so it is taken only now.
        let used = (family.iter())
            .map(|process| procfs::proportional_memory(process.pid).unwrap_or(process.resident))
            .sum();
        if used > limit {
            self.kill(How::OutOfMemory { limit: Some(limit), used });
        }
    }

    fn kill(&mut self, how: How) {
        self.ending = Some(Ending { how, next: None });
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // A failure means that nothing is left to be signalled.
        let _ = kill_process_group(self.pid, signal);
        if signal == Signal::TERM {
            // A job that was halted could not act on it otherwise.
            let _ = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// Collects the leader, which has ended, after killing what is left of its group: one signal
    /// reaches all members, also those that are being forked. The kernel counts at most
    /// `memory_kills` processes killed for want of memory so far.
    pub(super) fn collect(self, id: u32, memory_kills: &mut u64) -> Collected {
        self.signal(Signal::KILL);
        let waited = wait::collect(self.pid.as_raw_pid());
        let wall = self.started.elapsed();
        let mut ended = Ended {
            id,
            how: How::Lost,
            wall,
            cpu: Duration::ZERO,
            peak_memory: self.peak_memory,
            survivors: Vec::new(),
        };
        if let Ok(waited) = waited {
            ended.cpu = waited.cpu;
            // Up to our own peak the kernel's number may be ours.
            if waited.peak_memory > wait::own_peak_memory() {
                ended.peak_memory = ended.peak_memory.max(waited.peak_memory);
            }
            ended.how = match (self.ending, waited.exit) {
                (Some(ending), _) => ending.how,
                (None, Exit::Status(status)) => How::Exited(status),
                (None, Exit::Signal(signal)) if killed_by_kernel(signal, memory_kills) => {
                    How::OutOfMemory { limit: None, used: ended.peak_memory }
                }
                (None, Exit::Signal(signal)) => {
                    How::Signalled { signal, name: signals::name(signal) }
                }
            };
        }
        let group_is_gone = test_kill_process_group(self.pid).is_err();
        Collected { ended, group: self.pid, group_is_gone }
    }
}

/// True when the kernel has killed somebody for want of memory since the last time, and this
/// looks like it.
fn killed_by_kernel(signal: i32, memory_kills: &mut u64) -> bool {
    if signal != libc::SIGKILL {
        return false;
    }
    let kills = procfs::kernel_memory_kills().unwrap_or(0);
    kills > std::mem::replace(memory_kills, kills)
}

/// A job whose leader is collected. Others of its group were killed and may need a moment to go.
pub(super) struct Collected {
    pub(super) ended: Ended,
    pub(super) group: Pid,
    pub(super) group_is_gone: bool,
}
