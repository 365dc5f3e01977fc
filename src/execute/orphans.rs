//! Ends what a killed build left running.
//!
//! A build that is killed cannot stop its children: they run on and write. The next build knows
//! each from the journal and ends it here, after making sure that it is still the same process,
//! because process numbers are used again.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::execute::limits;
use crate::execute::procfs;
use crate::fsio::process::boot_id;

/// A job as an earlier build started it.
#[derive(Clone, Copy, Debug)]
pub struct Orphan<'a> {
    pub pid: u32,
    /// As [`crate::execute::local::Started`] gave it.
    pub process_start: u64,
    /// As [`boot_id`] gave it then.
    pub boot_id: &'a str,
    /// The absolute path of its log.
    pub log: &'a Path,
}

/// What became of an orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it ran any more.
    Gone,
    /// It ran and was ended.
    Ended,
    /// These processes of its group still run: the kernel does not let go of them, or it is not
    /// certain that they belong to the job, so they were left alone.
    Remains(Vec<u32>),
}

/// Ends the process group of a job that outlived its build, and waits until it is gone, for at
/// most [`limits::VANISH`].
pub fn end(orphan: &Orphan) -> Fate {
    let Some(group) = i32::try_from(orphan.pid).ok().and_then(Pid::from_raw) else {
        return Fate::Gone;
    };
    if orphan.boot_id != boot_id() {
        return Fate::Gone;
    }
    match owner(orphan, group) {
        Owner::Nobody => Fate::Gone,
        Owner::Unknown(pids) => Fate::Remains(pids),
        Owner::Job => {
            // A failure means that the group ended by itself a moment ago.
            let _ = kill_process_group(group, Signal::KILL);
            wait_until_gone(group)
        }
    }
}

enum Owner {
    Nobody,
    Job,
    Unknown(Vec<u32>),
}

/// Whose the group is now. The number of a group is not given out again while the group has
/// members, so it is enough to be sure of one of them.
fn owner(orphan: &Orphan, group: Pid) -> Owner {
    let group = group.as_raw_pid();
    let members = procfs::living_members(group);
    match procfs::stat(group) {
        Some(leader) if leader.start != orphan.process_start => Owner::Nobody,
        _ if members.is_empty() => Owner::Nobody,
        Some(_) => Owner::Job,
        None if members.iter().any(|member| procfs::holds(member.pid, orphan.log)) => Owner::Job,
        None => Owner::Unknown(members.iter().map(|member| member.pid as u32).collect()),
    }
}

fn wait_until_gone(group: Pid) -> Fate {
    let deadline = Instant::now() + limits::VANISH;
    loop {
        let members = procfs::living_members(group.as_raw_pid());
        if members.is_empty() {
            return Fate::Ended;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Fate::Remains(members.iter().map(|member| member.pid as u32).collect());
        }
        if let Some(member) = Pid::from_raw(members[0].pid) {
            wait_for(member, left);
        }
    }
}

/// Blocks until a process has ended, or the time is over.
fn wait_for(pid: Pid, longest: Duration) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let timeout = Timespec::try_from(longest).expect("the longest wait is a few seconds");
    // An interrupted wait only makes the caller look again.
    let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout));
}
