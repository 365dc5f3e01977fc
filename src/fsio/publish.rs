//! Moving finished artifacts into place, and removing old ones.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, fchmod, fstat, fsync, mkdirat, openat,
    readlinkat, renameat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::{self, Errno};

use crate::fsio::error::FsError;
use crate::fsio::scan::names;
use crate::fsio::tree::{DIRECTORY, READ, Tree};
use crate::fsio::write::parent;

impl Tree {
    /// Moves a file or directory into place in one step, whatever stood there before, and creates
    /// the directories above it. Across file systems it is copied beside the target first, so that
    /// the last step is a rename all the same.
    ///
    /// The new name survives a power cut once [`Tree::sync_directory`] of its parent returned.
    pub fn publish(&self, from: &str, to: &str) -> Result<(), FsError> {
        let (from, to) = (strip(from), strip(to));
        self.refuse_root(to)?;
        let moved = match self.rename_over(from, to) {
            Err(Errno::NOENT) if !parent(to).is_empty() => {
                self.create_dir_all(parent(to))?;
                self.rename_over(from, to)
            }
            moved => moved,
        };
        match moved {
            Err(Errno::XDEV) => self.publish_copy(from, to),
            moved => moved.map_err(FsError::io("move into place", to)),
        }
    }

    /// Renames, and where a directory stands in the way swaps first and removes the old one then,
    /// because a rename replaces files and empty directories only.
    fn rename_over(&self, from: &str, to: &str) -> io::Result<()> {
        match renameat(self, from, self, to) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ISDIR | Errno::NOTDIR) => {}
            moved => return moved,
        }
        match renameat_with(self, from, self, to, RenameFlags::EXCHANGE) {
            Ok(()) => return remove_at(self.as_fd(), from.as_bytes()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
        let aside = self.with_temporary_name(to, |aside| renameat(self, to, self, aside));
        let (aside, ()) = aside.map_err(|_| Errno::EXIST)?;
        if let Err(error) = renameat(self, from, self, to) {
            renameat(self, &aside, self, to)?;
            return Err(error);
        }
        remove_at(self.as_fd(), aside.as_bytes())
    }

    fn publish_copy(&self, from: &str, to: &str) -> Result<(), FsError> {
        let stat = statat(self, from, AtFlags::SYMLINK_NOFOLLOW);
        let kind = stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        let copied = self.with_temporary_name(to, |temporary| {
            let source = Place { directory: self.as_fd(), name: from.as_bytes() };
            let target = Place { directory: self.as_fd(), name: temporary.as_bytes() };
            copy(source, target, kind?)
        });
        let (temporary, ()) = copied?;
        if let Err(error) = self.rename_over(&temporary, to) {
            // The error is the news; what it left is in nobody's way.
            let _ = remove_at(self.as_fd(), temporary.as_bytes());
            return Err(FsError::io("move into place", to)(error));
        }
        self.remove(from)
    }

    /// Removes a file, a link or a directory with everything below. Links are removed, never
    /// followed. Nothing there is fine.
    pub fn remove(&self, path: &str) -> Result<(), FsError> {
        let path = strip(path);
        self.refuse_root(path)?;
        match remove_at(self.as_fd(), path.as_bytes()) {
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            removed => removed.map_err(FsError::io("remove", path)),
        }
    }

    /// Removes a directory when nothing is in it; true when it is gone.
    pub fn remove_empty_directory(&self, path: &str) -> Result<bool, FsError> {
        self.refuse_root(strip(path))?;
        match unlinkat(self, strip(path), AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(FsError::io("remove", path)(error)),
        }
    }

    /// A recipe that names the project itself, or all of the disk, as an output has a mistake in
    /// it, and this is the last place that can keep it from costing the user everything.
    fn refuse_root(&self, path: &str) -> Result<(), FsError> {
        let nameless = matches!(path.rsplit('/').next(), None | Some("" | "." | ".."));
        let above = path.starts_with('/') && self.root().starts_with(path);
        match nameless || above {
            true => Err(FsError::NotBelowProject { path: path.to_owned() }),
            false => Ok(()),
        }
    }
}

/// A path without slashes at its end, which rename and unlink refuse for files.
fn strip(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// Removes whatever stands at a name. A directory that forbids writing to its owner is opened up
/// first, because programs exist that leave such behind.
fn remove_at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        done => return done,
    }
    let below = openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    if fstat(&below)?.st_mode & 0o700 != 0o700 {
        fchmod(&below, Mode::from(0o700))?;
    }
    for (entry, _) in names(below.as_fd())? {
        remove_at(below.as_fd(), &entry)?;
    }
    unlinkat(directory, name, AtFlags::REMOVEDIR)
}

/// A name in an open directory.
#[derive(Clone, Copy)]
struct Place<'a> {
    directory: BorrowedFd<'a>,
    name: &'a [u8],
}

/// Copies a file, link or directory to a name that must be unused, and waits for the disk.
fn copy(from: Place<'_>, to: Place<'_>, kind: FileType) -> io::Result<()> {
    match kind {
        FileType::Directory => copy_directory(from, to),
        FileType::Symlink => {
            let text = readlinkat(from.directory, from.name, Vec::new())?;
            symlinkat(text, to.directory, to.name)
        }
        _ => copy_file(from, to),
    }
}

fn copy_directory(from: Place<'_>, to: Place<'_>) -> io::Result<()> {
    let flags = DIRECTORY | OFlags::NOFOLLOW;
    let source = openat(from.directory, from.name, flags, Mode::empty())?;
    mkdirat(to.directory, to.name, Mode::from(0o777))?;
    let target = openat(to.directory, to.name, flags, Mode::empty())?;
    for (name, _) in names(source.as_fd())? {
        let stat = statat(&source, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        let below = Place { directory: source.as_fd(), name: &name };
        let beside = Place { directory: target.as_fd(), name: &name };
        copy(below, beside, FileType::from_raw_mode(stat.st_mode))?;
    }
    fsync(&target)
}

fn copy_file(from: Place<'_>, to: Place<'_>) -> io::Result<()> {
    let source = openat(from.directory, from.name, READ | OFlags::NOFOLLOW, Mode::empty())?;
    let mode = Mode::from(fstat(&source)?.st_mode & 0o777);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let target = openat(to.directory, to.name, flags, mode)?;
    let (mut source, mut target) = (File::from(source), File::from(target));
    // The standard copy uses reflinks or copies inside the kernel where the file systems can.
    let copied = std::io::copy(&mut source, &mut target);
    copied.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    fsync(&target)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn project() -> (tempfile::TempDir, Tree) {
        let space = tempfile::tempdir().unwrap();
        let tree = Tree::open(space.path()).unwrap();
        (space, tree)
    }

    fn make_stack(at: &Path, text: &str) {
        fs::create_dir_all(at.join("sub")).unwrap();
        fs::write(at.join("sub/a"), text).unwrap();
        std::os::unix::fs::symlink("sub/a", at.join("link")).unwrap();
    }

    fn only_entries(at: &Path) -> Vec<String> {
        let entries = fs::read_dir(at).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_and_directories_replace_each_other() {
        let (space, tree) = project();
        let at = |path: &str| space.path().join(path);
        make_stack(&at("new1"), "one");
        tree.publish("new1", "out/deep/stack/").unwrap();
        assert_eq!(fs::read_to_string(at("out/deep/stack/link")).unwrap(), "one");
        make_stack(&at("new2"), "two");
        fs::write(at("out/deep/stack/extra"), "of the old one").unwrap();
        tree.publish("new2", "out/deep/stack").unwrap();
        assert_eq!(only_entries(&at("out/deep/stack")), ["link", "sub"]);
        assert_eq!(fs::read_to_string(at("out/deep/stack/link")).unwrap(), "two");
        fs::write(at("file"), "three").unwrap();
        tree.publish("file", "out/deep/stack").unwrap();
        assert_eq!(fs::read_to_string(at("out/deep/stack")).unwrap(), "three");
        make_stack(&at("new3"), "four");
        tree.publish("new3", "out/deep/stack").unwrap();
        assert_eq!(fs::read_to_string(at("out/deep/stack/sub/a")).unwrap(), "four");
        assert_eq!(only_entries(&at("out/deep")), ["stack"]);
        assert_eq!(only_entries(space.path()), ["out"]);
    }

    #[test]
    fn a_copy_between_file_systems_keeps_bits_and_links() {
        let other = Path::new("/dev/shm");
        let (space, tree) = project();
        let Ok(away) = tempfile::tempdir_in(other) else {
            // No second file system here: the copy is tested by itself below.
            return;
        };
        use std::os::unix::fs::PermissionsExt;
        make_stack(&away.path().join("stack"), "far");
        let tool = away.path().join("stack/tool");
        fs::write(&tool, "x").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let from = away.path().join("stack").to_string_lossy().into_owned();
        let before = tree.digest(&from, &|_| {}).unwrap().0;
        make_stack(&space.path().join("out"), "old");
        tree.publish(&from, "out").unwrap();
        assert_eq!(tree.digest("out", &|_| {}).unwrap().0, before);
        assert_eq!(only_entries(space.path()), ["out"]);
        assert!(only_entries(away.path()).is_empty());
    }

    #[test]
    fn a_copy_has_the_digest_of_its_original() {
        let (space, tree) = project();
        make_stack(&space.path().join("stack"), "x");
        let before = tree.digest("stack", &|_| {}).unwrap().0;
        tree.publish_copy("stack", "copy").unwrap();
        assert_eq!(tree.digest("copy", &|_| {}).unwrap().0, before);
        assert_eq!(only_entries(space.path()), ["copy"]);
    }

    #[test]
    fn nothing_to_publish_is_an_error_that_leaves_the_old() {
        let (space, tree) = project();
        fs::write(space.path().join("out"), "old").unwrap();
        let error = tree.publish("absent", "out").unwrap_err();
        assert_eq!(error.to_string(), "could not move into place `out`");
        assert_eq!(fs::read_to_string(space.path().join("out")).unwrap(), "old");
    }

    #[test]
    fn removing_never_follows_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let (space, tree) = project();
        let at = |path: &str| space.path().join(path);
        fs::create_dir(at("precious")).unwrap();
        fs::write(at("precious/data"), "x").unwrap();
        make_stack(&at("out"), "y");
        std::os::unix::fs::symlink(at("precious"), at("out/sub/precious")).unwrap();
        std::os::unix::fs::symlink(at("precious"), at("alias")).unwrap();
        fs::set_permissions(at("out/sub"), fs::Permissions::from_mode(0o500)).unwrap();
        tree.remove("out/").unwrap();
        tree.remove("alias/").unwrap();
        tree.remove("absent").unwrap();
        assert_eq!(only_entries(space.path()), ["precious"]);
        assert_eq!(only_entries(&at("precious")), ["data"]);
        assert!(!tree.remove_empty_directory("precious").unwrap());
        tree.remove("precious/data").unwrap();
        assert!(tree.remove_empty_directory("precious/").unwrap());
    }

    #[test]
    fn the_project_and_the_disk_are_no_artifacts() {
        let (space, tree) = project();
        fs::write(space.path().join("precious"), "x").unwrap();
        let here = space.path().to_string_lossy().into_owned();
        for path in ["", ".", "./", "/", "..", "a/..", &here, "/tmp"] {
            let removed = tree.remove(path);
            assert!(matches!(removed, Err(FsError::NotBelowProject { .. })), "`{path}`");
            assert!(tree.publish("precious", path).is_err(), "`{path}`");
        }
        assert_eq!(only_entries(space.path()), ["precious"]);
    }
}
