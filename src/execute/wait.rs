//! Collects an ended child together with what it used.
//!
//! This is the room's only unsafe code: `wait4` is the one call that gives status and usage of a
//! child in one, and no safe wrapper offers it.

#![expect(unsafe_code, reason = "wait4 and getrusage have no safe wrapper")]

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

/// An ended child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waited {
    pub(super) exit: Exit,
    /// Processor time of the child and of everything it waited for.
    pub(super) cpu: Duration,
    /// Bytes: the largest resident set of the child or of anything it waited for, but at least
    /// ours, see [`own_peak_memory`].
    pub(super) peak_memory: u64,
}

/// The two ways to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Status(i32),
    Signal(i32),
}

/// Collects a child that has ended or ends soon; blocks until it has.
pub(super) fn collect(pid: i32) -> io::Result<Waited> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are valid for writes for the whole call, and a zeroed `rusage`,
        // being made of integers only, is valid even where the kernel writes nothing.
        let found = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
        if found == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: see above.
    let usage = unsafe { usage.assume_init() };
    let exit = if libc::WIFEXITED(status) {
        Exit::Status(libc::WEXITSTATUS(status))
    } else {
        Exit::Signal(libc::WTERMSIG(status))
    };
    let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
    Ok(Waited { exit, cpu, peak_memory: kibibytes(usage.ru_maxrss) })
}

/// Our own largest resident set so far, in bytes. The kernel counts it as the child's own between
/// its creation and the start of its program, so a child's peak says something only beyond this.
pub(super) fn own_peak_memory() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for writes, and zeroed integers are valid if nothing is written.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    kibibytes(usage.ru_maxrss)
}

fn kibibytes(count: libc::c_long) -> u64 {
    u64::try_from(count).unwrap_or(0) * 1024
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
