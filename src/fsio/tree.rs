//! The project directory: stats and reads by project-relative path.
//!
//! A [`Tree`] holds the directory open, so that every call starts there without building a path:
//! a stat is one system call and no allocation. Absolute paths work everywhere and ignore it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstatvfs, openat, statat};
use rustix::io::Errno;

use crate::fsio::scan;
use crate::fsio::write::parent;
use crate::model::stamp::{Kind, Stamp};

/// An open project directory.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    directory: OwnedFd,
}

impl Tree {
    /// Opens the directory from which all relative paths start.
    pub fn open(root: impl AsRef<Path>) -> io::Result<Tree> {
        let root = std::path::absolute(root.as_ref())?;
        let directory = openat(CWD, &root, DIRECTORY, Mode::empty())?;
        Ok(Tree { root, directory })
    }

    /// Creates the directory, and those above it, where there is none, and opens it.
    pub fn create(root: impl AsRef<Path>) -> io::Result<Tree> {
        std::fs::create_dir_all(root.as_ref())?;
        Tree::open(root)
    }

    /// The absolute path of the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What stands at a path, links followed. Nothing there is [`Stamp::MISSING`], not an error; a
    /// directory is stamped with everything below it and with what the links there lead to.
    pub fn stamp(&self, path: &str) -> io::Result<Stamp> {
        let stamp = self.entry_stamp(path)?;
        if stamp.kind != Kind::Directory {
            return Ok(stamp);
        }
        match openat(self, or_here(path), DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(scan::Scan::of(directory.as_fd())?.stamp(stamp.device)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Stamp::MISSING),
            Err(error) => Err(error.into()),
        }
    }

    /// The stamp of the thing itself, links followed: for a directory, of the directory and not of
    /// what is below. It changes when an entry of the directory comes, goes or is renamed.
    pub fn entry_stamp(&self, path: &str) -> io::Result<Stamp> {
        match statat(self, or_here(path), AtFlags::empty()) {
            Ok(stat) => Ok(stamp_of(&stat)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Stamp::MISSING),
            Err(error) => Err(error.into()),
        }
    }

    /// The kind of thing that stands at a path, links followed.
    pub fn kind(&self, path: &str) -> io::Result<Kind> {
        self.entry_stamp(path).map(|stamp| stamp.kind)
    }

    /// Bytes that an unprivileged program may still write to the file system on which a path lies.
    /// Where nothing stands at the path yet, the nearest directory above it is asked.
    pub fn free_bytes(&self, path: &str) -> io::Result<u64> {
        let mut path = path;
        loop {
            match openat(self, or_here(path), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
                Err(Errno::NOENT | Errno::NOTDIR) if !path.is_empty() && path != "/" => {
                    path = parent(path);
                }
                place => {
                    let system = fstatvfs(place?)?;
                    return Ok(system.f_bavail.saturating_mul(system.f_frsize));
                }
            }
        }
    }

    /// The bytes of a small file, such as a recipe or a parameter file.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut file = File::from(openat(self, path, READ, Mode::empty())?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The last bytes of a file, at most so many.
    pub fn read_tail(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut file = File::from(openat(self, path, READ, Mode::empty())?);
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Names of a directory's entries in byte order; empty when there is no such directory. Names
    /// that are not UTF-8 are left out.
    pub fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let directory = match openat(self, or_here(path), DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let names = scan::names(directory.as_fd())?;
        Ok(names.into_iter().filter_map(|(name, _)| String::from_utf8(name).ok()).collect())
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// How directories are opened.
pub(in crate::fsio) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How files are opened for reading. Non-blocking, because opening a fifo would wait for a writer.
pub(in crate::fsio) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// The empty path means the project directory itself, which the kernel calls `.`.
pub(in crate::fsio) fn or_here(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// The stamp of one stat record.
pub(in crate::fsio) fn stamp_of(stat: &Stat) -> Stamp {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    };
    Stamp {
        kind,
        executable: kind == Kind::File && stat.st_mode & 0o100 != 0,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        inode: stat.st_ino,
        device: stat.st_dev,
    }
}

fn nanoseconds(seconds: i64, nanoseconds: impl TryInto<i64>) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Tree) {
        let space = tempfile::tempdir().unwrap();
        let tree = Tree::open(space.path()).unwrap();
        (space, tree)
    }

    #[test]
    fn nothing_and_a_file_in_the_way_are_missing() {
        let (space, tree) = project();
        std::fs::write(space.path().join("file"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", space.path().join("dangling")).unwrap();
        for path in ["absent", "absent/below", "file/below", "dangling"] {
            assert_eq!(tree.stamp(path).unwrap(), Stamp::MISSING, "{path}");
        }
        assert_eq!(tree.kind("").unwrap(), Kind::Directory);
        assert_eq!(tree.kind("file").unwrap(), Kind::File);
        assert_eq!(tree.kind("/dev/null").unwrap(), Kind::Other);
    }

    #[test]
    fn free_space_is_that_of_the_nearest_directory() {
        let (space, tree) = project();
        std::fs::write(space.path().join("file"), "x").unwrap();
        // Other programs write meanwhile, so only an order of magnitude can be compared.
        let here = tree.free_bytes("").unwrap();
        assert!(here > 0);
        for path in ["file", "absent", "absent/below/", "file/below"] {
            let free = tree.free_bytes(path).unwrap();
            assert!(free > here / 2 && free / 2 < here, "{path}: {free} beside {here}");
        }
        // A file system that takes no data: its free space is none, and it is asked, not ours.
        assert_eq!(tree.free_bytes("/proc/absent").unwrap(), 0);
    }

    #[test]
    fn links_are_followed_and_the_executable_bit_is_seen() {
        use std::os::unix::fs::PermissionsExt;
        let (space, tree) = project();
        std::fs::write(space.path().join("tool"), "x").unwrap();
        std::os::unix::fs::symlink("tool", space.path().join("link")).unwrap();
        assert_eq!(tree.stamp("link").unwrap(), tree.stamp("tool").unwrap());
        assert!(!tree.stamp("tool").unwrap().executable);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(space.path().join("tool"), mode).unwrap();
        assert!(tree.stamp("tool").unwrap().executable);
    }

    #[test]
    fn a_directory_stamp_sees_every_change_below() {
        let (space, tree) = project();
        std::fs::create_dir_all(space.path().join("d/sub")).unwrap();
        std::fs::write(space.path().join("d/sub/a"), "one").unwrap();
        let first = tree.stamp("d").unwrap();
        assert_eq!((first.kind, first.size), (Kind::Directory, 3));
        assert_eq!(tree.stamp("d/").unwrap(), first);
        std::fs::write(space.path().join("d/sub/a"), "two").unwrap();
        let second = tree.stamp("d").unwrap();
        assert_ne!(second, first);
        std::fs::create_dir(space.path().join("d/empty")).unwrap();
        assert_ne!(tree.stamp("d").unwrap(), second);
    }
}
