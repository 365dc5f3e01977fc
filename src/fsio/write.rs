//! Writing whole files so that a reader, a crash or a full disk finds the old one or the new one.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Mode, OFlags, fsync, mkdirat, openat, renameat, statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use crate::fsio::error::FsError;
use crate::fsio::scan::Scan;
use crate::fsio::tree::{DIRECTORY, READ, Tree, or_here};
use crate::model::stamp::Kind;

/// Files below a directory artifact from which on one `syncfs` is cheaper than a sync of each.
const SYNC_ONE_BY_ONE: usize = 64;

/// Names that are tried for a temporary file before the directory is called unusable: they are
/// taken only by what killed processes left, or by other threads.
const TEMPORARY_NAMES: u32 = 10_000;

/// How names of temporary files and directories begin; listings leave them out.
pub const TEMPORARY_PREFIX: &str = ".attpc-tmp-";

impl Tree {
    /// Replaces a file as a whole and makes it survive a power cut. Its directory must exist.
    pub fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), FsError> {
        self.replace_with(path, bytes, true)?;
        self.sync_directory(parent(path))
    }

    /// Replaces a file as a whole without waiting for the disk: after a power cut it may be the
    /// old one, the new one or empty. For caches that carry their own checksum.
    pub fn write_cache(&self, path: &str, bytes: &[u8]) -> Result<(), FsError> {
        self.replace_with(path, bytes, false)
    }

    fn replace_with(&self, path: &str, bytes: &[u8], durable: bool) -> Result<(), FsError> {
        let (temporary, file) = self.temporary_file(path)?;
        let mut file = File::from(file);
        let written = file.write_all(bytes).and_then(|()| match durable {
            true => file.sync_all(),
            false => Ok(()),
        });
        let done = written.and_then(|()| Ok(renameat(self, &temporary, self, path)?));
        done.map_err(|error| {
            // The error is the news; what it left is in nobody's way.
            let _ = unlinkat(self, &temporary, AtFlags::empty());
            FsError::io::<std::io::Error>("write", path)(error)
        })
    }

    /// Creates an empty file under an unused name beside `path`.
    pub(in crate::fsio) fn temporary_file(&self, path: &str) -> Result<(String, OwnedFd), FsError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        self.with_temporary_name(path, |name| openat(self, name, flags, Mode::from(0o666)))
    }

    /// Tries names beside `path` until `make` finds one unused.
    pub(in crate::fsio) fn with_temporary_name<T>(
        &self,
        path: &str,
        make: impl Fn(&str) -> rustix::io::Result<T>,
    ) -> Result<(String, T), FsError> {
        let process = std::process::id();
        let directory = parent(path);
        let slash = if directory.is_empty() || directory.ends_with('/') { "" } else { "/" };
        for number in 0..TEMPORARY_NAMES {
            let name = format!("{directory}{slash}{TEMPORARY_PREFIX}{process}-{number}");
            match make(&name) {
                Err(Errno::EXIST | Errno::NOTEMPTY) => {}
                Err(error) => return Err(FsError::io("write", path)(error)),
                Ok(made) => return Ok((name, made)),
            }
        }
        Err(FsError::io("find a temporary name beside", path)(Errno::EXIST))
    }

    /// Creates a directory and what is missing above it.
    pub fn create_dir_all(&self, path: &str) -> Result<(), FsError> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok(());
        }
        match mkdirat(self, path, Mode::from(0o777)) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) if matches!(self.kind(path), Ok(Kind::Directory)) => Ok(()),
            Err(Errno::NOENT) if !parent(path).is_empty() => {
                self.create_dir_all(parent(path))?;
                match mkdirat(self, path, Mode::from(0o777)) {
                    // Another thread may have made it in between.
                    Ok(()) | Err(Errno::EXIST) => Ok(()),
                    Err(error) => Err(FsError::io("create directory", path)(error)),
                }
            }
            Err(error) => Err(FsError::io("create directory", path)(error)),
        }
    }

    /// Waits until a file, or everything in a directory, is on the disk. Links below a directory
    /// are not followed. The entry in the parent
    /// directory is not included: see [`Tree::sync_directory`].
    pub fn make_durable(&self, path: &str) -> Result<(), FsError> {
        let failed = |error: Errno| FsError::io("sync", path)(error);
        let file = openat(self, or_here(path), READ, Mode::empty()).map_err(failed)?;
        if self.kind(path).map_err(FsError::io::<std::io::Error>("look at", path))?
            != Kind::Directory
        {
            return fsync(&file).map_err(failed);
        }
        let below = Scan::without_following(file.as_fd()).map_err(failed)?;
        if below.files.len() > SYNC_ONE_BY_ONE {
            return syncfs(&file).map_err(failed);
        }
        for found in below.files.iter().chain(&below.directories) {
            let inner = openat(&file, &found.path, READ | OFlags::NOFOLLOW, Mode::empty());
            inner.and_then(fsync).map_err(failed)?;
        }
        fsync(&file).map_err(failed)
    }

    /// Waits until the entries of a directory (names that came, went or were renamed) are on disk.
    pub fn sync_directory(&self, path: &str) -> Result<(), FsError> {
        let directory = openat(self, or_here(path), DIRECTORY, Mode::empty());
        directory.and_then(fsync).map_err(FsError::io("sync directory", path))
    }

    /// Waits until everything written to the project's file system is on the disk: one call for a
    /// group of many small files, where a sync of each would cost a disk round trip each.
    pub fn sync_file_system(&self) -> Result<(), FsError> {
        syncfs(self).map_err(FsError::io("sync the file system of", self.root().to_string_lossy()))
    }

    /// True when two places lie on the same file system, so that a rename between them works.
    pub fn same_file_system(&self, one: &str, other: &str) -> bool {
        let device = |path| statat(self, or_here(path), AtFlags::empty()).ok().map(|s| s.st_dev);
        device(one).is_some_and(|found| device(other) == Some(found))
    }
}

/// The directory part of a path; empty for a bare name.
pub fn parent(path: &str) -> &str {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    path.rfind('/').map_or("", |at| &path[..at.max(1)])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project() -> (tempfile::TempDir, Tree) {
        let space = tempfile::tempdir().unwrap();
        let tree = Tree::open(space.path()).unwrap();
        (space, tree)
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let (space, tree) = project();
        tree.create_dir_all("a/b/").unwrap();
        tree.create_dir_all("a/b").unwrap();
        tree.write_atomic("a/b/file", b"a long first text").unwrap();
        tree.write_atomic("a/b/file", b"short").unwrap();
        tree.write_cache("top", b"x").unwrap();
        assert_eq!(tree.read("a/b/file").unwrap(), b"short");
        assert_eq!(tree.names("a/b").unwrap(), ["file"]);
        assert_eq!(tree.names("").unwrap(), ["a", "top"]);
        let absolute = space.path().join("top").to_string_lossy().into_owned();
        tree.write_atomic(&absolute, b"y").unwrap();
        assert_eq!(tree.read("top").unwrap(), b"y");
    }

    #[test]
    fn a_write_that_fails_names_the_file_and_leaves_the_old() {
        let (space, tree) = project();
        let error = tree.write_atomic("absent/file", b"x").unwrap_err();
        assert_eq!(error.to_string(), "could not write `absent/file`");
        assert_eq!(error.kind(), Some(std::io::ErrorKind::NotFound));
        fs::create_dir(space.path().join("d")).unwrap();
        fs::write(space.path().join("d/inside"), "x").unwrap();
        assert!(tree.write_atomic("d", b"x").is_err());
        assert_eq!(tree.names("").unwrap(), ["d"], "the temporary file is gone");
        let error = tree.create_dir_all("d/inside/below").unwrap_err();
        assert_eq!(error.to_string(), "could not create directory `d/inside/below`");
    }

    #[test]
    fn temporary_names_left_by_others_are_stepped_over() {
        let (space, tree) = project();
        let taken = format!("{TEMPORARY_PREFIX}{}-0", std::process::id());
        fs::write(space.path().join(&taken), "left by a killed process").unwrap();
        tree.write_atomic("file", b"x").unwrap();
        assert_eq!(tree.names("").unwrap(), [taken, "file".to_owned()]);
    }

    #[test]
    fn files_and_directories_are_made_durable() {
        let (space, tree) = project();
        fs::create_dir_all(space.path().join("few/sub")).unwrap();
        fs::write(space.path().join("few/sub/a"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", space.path().join("few/link")).unwrap();
        tree.make_durable("few").unwrap();
        tree.make_durable("few/sub/a").unwrap();
        fs::create_dir(space.path().join("many")).unwrap();
        for number in 0..=SYNC_ONE_BY_ONE {
            fs::write(space.path().join("many").join(number.to_string()), "x").unwrap();
        }
        tree.make_durable("many/").unwrap();
        tree.sync_directory("").unwrap();
        tree.sync_file_system().unwrap();
        let error = tree.make_durable("absent").unwrap_err();
        assert_eq!(error.to_string(), "could not sync `absent`");
        assert!(tree.same_file_system("", "few") && !tree.same_file_system("", "/proc"));
    }

    #[test]
    fn the_parent_of_a_path_is_its_directory() {
        for (path, expected) in
            [("a", ""), ("a/b", "a"), ("a/b/", "a"), ("/a", "/"), ("/", "/"), ("a//b", "a/")]
        {
            assert_eq!(parent(path), expected, "{path}");
        }
    }
}
