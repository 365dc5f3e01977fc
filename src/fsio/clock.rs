//! The file system's own clock, and the rule for stamps that are too young to be trusted.
//!
//! Two writes within one tick of the clock leave the same stamp. So a stamp vouches for a content
//! only when the content was read at least a tick after the stamp's times: from then on any write
//! gets another time. Which clock counts is the file system's, because a file server's may be
//! ahead of or behind the host's.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, fstat, fstatfs, futimens};

use crate::fsio::error::FsError;
use crate::fsio::tree::stamp_of;
use crate::model::stamp::{Kind, Stamp};

/// How young is too young on a file system we know nothing about: some stamp whole seconds, and
/// the oldest even seconds only.
pub const UNKNOWN_WINDOW_NS: i64 = 2_000_000_000;

/// How young is too young on local Linux file systems with nanosecond stamps. These take the time
/// of the last timer tick, which comes at least every 10 ms (at 100 Hz, the slowest a kernel is
/// built for); twice that leaves a whole tick between the stamp and the reading.
pub const LOCAL_WINDOW_NS: i64 = 20_000_000;

/// Magic numbers, from statfs(2), of local file systems known to stamp in nanoseconds: ext2 to
/// ext4 (small inodes of ext2 and ext3 stamp whole seconds and are told apart by the probe), XFS,
/// Btrfs, tmpfs, F2FS.
const LOCAL: [u64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0xF2F5_2010];

/// A probe file through which the file system tells its time.
#[derive(Debug)]
pub struct FsClock {
    probe: File,
    path: String,
    device: u64,
    window_ns: i64,
    now_ns: AtomicI64,
}

impl FsClock {
    /// Creates the probe file `clock` in a directory and reads the time from it.
    pub fn probe(directory: impl AsRef<Path>) -> Result<FsClock, FsError> {
        let path = directory.as_ref().join("clock");
        let name = path.to_string_lossy().into_owned();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let probe = file.map_err(FsError::io("create", name.as_str()))?;
        let system = fstatfs(&probe).map_err(FsError::io("look at", name.as_str()))?;
        let mut clock = FsClock {
            probe,
            path: name,
            device: 0,
            window_ns: UNKNOWN_WINDOW_NS,
            now_ns: AtomicI64::new(0),
        };
        let stamp = clock.touch()?;
        clock.device = stamp.device;
        #[allow(clippy::unnecessary_cast, reason = "the magic number's type varies by platform")]
        let known = LOCAL.contains(&(system.f_type as u64));
        if known && !is_whole_milliseconds(stamp.mtime_ns) {
            clock.window_ns = LOCAL_WINDOW_NS;
        }
        Ok(clock)
    }

    /// Reads the time again. What was hashed before this call is judged by the new time.
    pub fn refresh(&self) -> Result<i64, FsError> {
        self.touch().map(|stamp| stamp.mtime_ns)
    }

    fn touch(&self) -> Result<Stamp, FsError> {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        let touched = futimens(&self.probe, &times).and_then(|()| fstat(&self.probe));
        let stamp = stamp_of(&touched.map_err(FsError::io("touch", self.path.as_str()))?);
        self.now_ns.store(stamp.mtime_ns, Ordering::Relaxed);
        Ok(stamp)
    }

    /// The file system's time at the last [`FsClock::refresh`], in nanoseconds since the epoch.
    pub fn now_ns(&self) -> i64 {
        self.now_ns.load(Ordering::Relaxed)
    }

    /// True when a later write could leave this very stamp: one of its times is too close to the
    /// time of the last refresh, or beyond it. To be asked with a time read after the content was.
    pub fn is_racy(&self, stamp: &Stamp) -> bool {
        self.is_young(stamp, stamp.mtime_ns.max(stamp.ctime_ns))
    }

    /// [`FsClock::is_racy`] for an artifact whose content was read before we ourselves renamed it
    /// into place, which moved its ctime. Only the mtime is asked: a write in the same tick would
    /// have moved that too, and a program that writes and at once sets the time back, within a
    /// tick of our rename, is not what we guard against at the price of reading every output twice.
    pub fn is_racy_after_rename(&self, stamp: &Stamp) -> bool {
        self.is_young(stamp, stamp.mtime_ns)
    }

    fn is_young(&self, stamp: &Stamp, time_ns: i64) -> bool {
        let window = if stamp.device == self.device { self.window_ns } else { UNKNOWN_WINDOW_NS };
        stamp.kind != Kind::Missing && self.now_ns().saturating_sub(time_ns) < window
    }
}

/// A file system that stamps in whole milliseconds or coarser gives itself away here, but for one
/// chance in a million, which costs nothing but a second look at some files.
fn is_whole_milliseconds(time_ns: i64) -> bool {
    time_ns % 1_000_000 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(clock: &FsClock, mtime_ns: i64, ctime_ns: i64) -> Stamp {
        Stamp { kind: Kind::File, mtime_ns, ctime_ns, device: clock.device, ..Stamp::MISSING }
    }

    #[test]
    fn the_clock_runs_and_judges_young_stamps() {
        let space = tempfile::tempdir().unwrap();
        let clock = FsClock::probe(space.path()).unwrap();
        let before = clock.now_ns();
        assert!(clock.refresh().unwrap() >= before && clock.now_ns() >= before);
        let (now, window) = (clock.now_ns(), clock.window_ns);
        assert!(!clock.is_racy(&stamp(&clock, now - window, now - window)));
        assert!(clock.is_racy(&stamp(&clock, now - window + 1, 0)));
        assert!(clock.is_racy(&stamp(&clock, 0, now)));
        assert!(!clock.is_racy_after_rename(&stamp(&clock, 0, now)));
        assert!(clock.is_racy_after_rename(&stamp(&clock, now, now)));
        assert!(clock.is_racy(&stamp(&clock, now + 3_600_000_000_000, 0)), "from the future");
        assert!(!clock.is_racy(&Stamp::MISSING));
    }

    #[test]
    fn another_file_system_gets_the_wide_window() {
        let space = tempfile::tempdir().unwrap();
        let clock = FsClock::probe(space.path()).unwrap();
        let time = clock.now_ns() - LOCAL_WINDOW_NS - 1;
        let elsewhere = Stamp { device: clock.device + 1, ..stamp(&clock, time, time) };
        assert!(clock.is_racy(&elsewhere));
    }

    #[test]
    fn a_file_just_written_is_racy() {
        let space = tempfile::tempdir().unwrap();
        let clock = FsClock::probe(space.path()).unwrap();
        let path = space.path().join("f");
        std::fs::write(&path, "x").unwrap();
        let tree = crate::fsio::tree::Tree::open(space.path()).unwrap();
        clock.refresh().unwrap();
        let stamp = tree.stamp("f").unwrap();
        let age_ns = clock.now_ns() - stamp.mtime_ns;
        assert_eq!(clock.is_racy(&stamp), age_ns < clock.window_ns);
    }
}
