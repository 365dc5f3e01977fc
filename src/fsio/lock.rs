//! One build at a time: an advisory lock that dies with its holder, and a note who holds it.
//!
//! The kernel drops the lock when the process ends, however it ends, so a lock never has to be
//! removed by hand. The note is for people: whether the lock is held is asked of the kernel only.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, fstat, stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::fsio::error::FsError;
use crate::fsio::process;

/// The note of a holder is at most this long; a longer one is not ours.
const OWNER_BYTES_MAX: u64 = 64 << 10;

/// How often a lock file that was replaced between opening and locking is opened again.
const ATTEMPTS: usize = 10;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub host: String,
    pub boot_id: String,
    pub pid: u32,
    /// Clock ticks since boot: see [`process::start_time`].
    pub process_start: u64,
    pub user: String,
    /// The command line, for people.
    pub command: String,
    /// Milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// Whether a holder still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    Alive,
    Dead,
    /// It runs on another host, where we cannot look.
    Unknown,
}

impl Owner {
    /// This process as an owner.
    pub fn this_process(user: String, command: String, since_ms: u64) -> Owner {
        let pid = std::process::id();
        Owner {
            host: process::host(),
            boot_id: process::boot_id(),
            pid,
            process_start: process::start_time(pid).unwrap_or(0),
            user,
            command,
            since_ms,
        }
    }

    /// Whether the owner still runs, as far as can be told from here.
    pub fn liveness(&self) -> Liveness {
        match process::is_alive(self.pid, self.process_start, &self.boot_id) {
            true => Liveness::Alive,
            false if self.host == process::host() => Liveness::Dead,
            false => Liveness::Unknown,
        }
    }
}

/// The project's lock, held until this value is dropped or the process ends.
#[derive(Debug)]
pub struct ProjectLock {
    file: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum LockAttempt {
    Held(ProjectLock),
    /// Another process holds it; who, when its note can be read.
    Busy(Option<Owner>),
}

impl ProjectLock {
    /// Asks for the lock without waiting, and leaves a note on success.
    pub fn acquire(path: impl AsRef<Path>, owner: &Owner) -> Result<LockAttempt, FsError> {
        let path = path.as_ref();
        let name = || path.to_string_lossy().into_owned();
        for _ in 0..ATTEMPTS {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(path);
            let file = file.map_err(FsError::io("open the lock", name()))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if stands_at(&file, path) => {
                    let mut lock = ProjectLock { file };
                    let noted = lock.note(owner);
                    noted.map_err(FsError::io("write the lock", name()))?;
                    return Ok(LockAttempt::Held(lock));
                }
                // Somebody removed or replaced the file meanwhile: the lock must be on the one that
                // others will find.
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(LockAttempt::Busy(read_owner(file))),
                Err(error) => {
                    return Err(FsError::NoLocks { path: name(), source: error.into() });
                }
            }
        }
        Ok(LockAttempt::Busy(None))
    }

    fn note(&mut self, owner: &Owner) -> std::io::Result<()> {
        let text = serde_json::to_vec(owner).map_err(std::io::Error::from)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // An empty note says that nobody holds the lock; were it to stay, the lock would be free
        // all the same, because closing the file frees it.
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock, without asking for it, so that a reader never stands in a build's way.
/// `None` when nobody does, or when the holder died.
pub fn holder(path: impl AsRef<Path>) -> Option<Owner> {
    let owner = read_owner(File::open(PathBuf::from(path.as_ref())).ok()?)?;
    (owner.liveness() != Liveness::Dead).then_some(owner)
}

fn stands_at(file: &File, path: &Path) -> bool {
    match (fstat(file), stat(path)) {
        (Ok(ours), Ok(theirs)) => (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino),
        _ => false,
    }
}

fn read_owner(file: File) -> Option<Owner> {
    let mut text = Vec::new();
    file.take(OWNER_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner::this_process("ada".to_owned(), "attpc build".to_owned(), 17)
    }

    #[test]
    fn a_second_holder_learns_who_the_first_is() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("lock");
        assert_eq!(holder(&path), None);
        let LockAttempt::Held(lock) = ProjectLock::acquire(&path, &owner()).unwrap() else {
            panic!("a free lock is busy");
        };
        match ProjectLock::acquire(&path, &owner()).unwrap() {
            LockAttempt::Busy(found) => assert_eq!(found, Some(owner())),
            LockAttempt::Held(_) => panic!("two hold one lock"),
        }
        assert_eq!(holder(&path), Some(owner()));
        assert_eq!(owner().liveness(), Liveness::Alive);
        drop(lock);
        assert_eq!(holder(&path), None);
        assert!(matches!(ProjectLock::acquire(&path, &owner()), Ok(LockAttempt::Held(_))));
    }

    #[test]
    fn the_note_of_a_dead_holder_stops_nobody() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("lock");
        let dead = Owner { process_start: owner().process_start + 1, ..owner() };
        assert_eq!(dead.liveness(), Liveness::Dead);
        let far = Owner { host: "elsewhere".to_owned(), boot_id: "b".to_owned(), ..owner() };
        assert_eq!(far.liveness(), Liveness::Unknown);
        std::fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        assert_eq!(holder(&path), None);
        assert!(matches!(ProjectLock::acquire(&path, &owner()), Ok(LockAttempt::Held(_))));
    }

    #[test]
    fn a_lock_file_removed_by_hand_is_made_again() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("lock");
        std::fs::write(&path, "no note of ours").unwrap();
        assert!(matches!(ProjectLock::acquire(&path, &owner()), Ok(LockAttempt::Held(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(ProjectLock::acquire(&path, &owner()), Ok(LockAttempt::Held(_))));
    }
}
