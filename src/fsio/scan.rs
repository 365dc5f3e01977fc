//! One walk over a directory artifact, from which its stamp and its digest are made.
//!
//! A reader of the directory sees through its symbolic links, so what they lead to counts as well
//! as their text. The directory itself is walked first and its links are looked at afterwards, the
//! least nested first. A directory that has been walked by then counts by the place where that
//! happened, which reads nothing twice and ends every loop; one that contains the artifact counts
//! by the link's text, because it would pull the rest of the disk in. How deeply links may be
//! nested is the kernel's limit: beyond it no reader gets through either.

use std::collections::HashMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, fstat, openat, readlinkat, statat};
use rustix::io::{self, Errno};

use crate::fsio::tree::{DIRECTORY, stamp_of};
use crate::model::digest::{Digest, Encoder, Tag};
use crate::model::stamp::{Kind, Stamp};

/// What an entry of a directory is.
pub(in crate::fsio) enum Content {
    /// Index of the file in [`Scan::files`].
    File(usize),
    Directory(Vec<Entry>),
    /// Index of the symbolic link in [`Scan::links`].
    Link(usize),
    /// A socket, device or fifo.
    Other,
}

/// One entry with its own stat record.
pub(in crate::fsio) struct Entry {
    name: Vec<u8>,
    stamp: Stamp,
    content: Content,
}

/// What tells one file or directory from all others: device and inode.
type Identity = (u64, u64);

/// A file or directory whose content counts.
pub(in crate::fsio) struct Found {
    /// Relative to the scanned directory.
    pub(in crate::fsio) path: Vec<u8>,
    /// True when a symbolic link stands at the path and leads here.
    pub(in crate::fsio) linked: bool,
    identity: Identity,
}

/// A symbolic link and what it leads to.
struct Link {
    path: Vec<u8>,
    text: Vec<u8>,
    target: Target,
}

enum Target {
    /// Nothing, or something that has no content of its own to count: the text says it all.
    Text,
    /// A file, by its index in [`Scan::files`].
    File(usize, Stamp),
    Directory(Vec<Entry>),
    /// A directory whose entries are counted at this path, relative to the scanned directory.
    Counted(Vec<u8>),
}

/// Everything below a directory, entries in byte order of their names.
#[derive(Default)]
pub(in crate::fsio) struct Scan {
    entries: Vec<Entry>,
    /// All files in walking order, then those that only links lead to.
    pub(in crate::fsio) files: Vec<Found>,
    /// All directories below the scanned one, in the same order.
    pub(in crate::fsio) directories: Vec<Found>,
    /// Path of the first socket, device or fifo: something that has no content to digest. Where
    /// links lead they count by name only.
    pub(in crate::fsio) refused: Option<Vec<u8>>,
    links: Vec<Link>,
}

/// What has been counted while links are followed.
struct Counted {
    /// The directories that contain the artifact.
    outer: Vec<Identity>,
    files: HashMap<Identity, usize>,
    files_seen: usize,
    directories: HashMap<Identity, Vec<u8>>,
    directories_seen: usize,
}

impl Counted {
    fn start(directory: BorrowedFd<'_>) -> io::Result<Counted> {
        let itself = (identity(&stamp_of(&fstat(directory)?)), Vec::new());
        Ok(Counted {
            outer: containing(directory)?,
            files: HashMap::new(),
            files_seen: 0,
            directories: HashMap::from([itself]),
            directories_seen: 0,
        })
    }

    /// Takes in what was walked since the last call. The first place of anything is kept.
    fn catch_up(&mut self, scan: &Scan) {
        for (index, found) in scan.files.iter().enumerate().skip(self.files_seen) {
            self.files.entry(found.identity).or_insert(index);
        }
        for found in &scan.directories[self.directories_seen..] {
            self.directories.entry(found.identity).or_insert_with(|| found.path.clone());
        }
        (self.files_seen, self.directories_seen) = (scan.files.len(), scan.directories.len());
    }
}

impl Scan {
    /// Walks everything below an open directory and whatever its links lead to.
    pub(in crate::fsio) fn of(directory: BorrowedFd<'_>) -> io::Result<Scan> {
        let mut scan = Scan::without_following(directory)?;
        scan.follow_links(directory)?;
        Ok(scan)
    }

    /// Walks everything below an open directory; links count by their text.
    pub(in crate::fsio) fn without_following(directory: BorrowedFd<'_>) -> io::Result<Scan> {
        let mut scan = Scan::default();
        scan.entries = scan.walk(directory, &mut Vec::new())?;
        Ok(scan)
    }

    /// Looks where the links lead. Walking there finds more links, which queue up behind; it ends
    /// because no directory is walked for a second link.
    fn follow_links(&mut self, directory: BorrowedFd<'_>) -> io::Result<()> {
        if self.links.is_empty() {
            return Ok(());
        }
        let mut counted = Counted::start(directory)?;
        let refused = self.refused.take();
        let mut next = 0;
        while next < self.links.len() {
            counted.catch_up(self);
            self.links[next].target = self.target(directory, next, &counted)?;
            next += 1;
        }
        self.refused = refused;
        Ok(())
    }

    fn target(
        &mut self,
        directory: BorrowedFd<'_>,
        link: usize,
        counted: &Counted,
    ) -> io::Result<Target> {
        let path = self.links[link].path.clone();
        let stamp = match statat(directory, &path, AtFlags::empty()) {
            Err(error) if leads_nowhere(error) => return Ok(Target::Text),
            stat => stamp_of(&stat?),
        };
        let identity = identity(&stamp);
        match stamp.kind {
            Kind::File => {
                let index = counted.files.get(&identity).copied().unwrap_or(self.files.len());
                if index == self.files.len() {
                    self.files.push(Found { path, linked: true, identity });
                }
                Ok(Target::File(index, stamp))
            }
            Kind::Directory if counted.outer.contains(&identity) => Ok(Target::Text),
            Kind::Directory => match counted.directories.get(&identity) {
                Some(place) => Ok(Target::Counted(place.clone())),
                None => self.walk_linked(directory, path, identity),
            },
            Kind::Missing | Kind::Other => Ok(Target::Text),
        }
    }

    fn walk_linked(
        &mut self,
        directory: BorrowedFd<'_>,
        mut path: Vec<u8>,
        identity: Identity,
    ) -> io::Result<Target> {
        let below = match openat(directory, &path, DIRECTORY, Mode::empty()) {
            Err(error) if leads_nowhere(error) => return Ok(Target::Text),
            below => below?,
        };
        self.directories.push(Found { path: path.clone(), linked: true, identity });
        self.walk(below.as_fd(), &mut path).map(Target::Directory)
    }

    /// Entries that vanish between being named and being looked at are left out: whoever compares
    /// two scans sees that.
    fn walk(&mut self, directory: BorrowedFd<'_>, path: &mut Vec<u8>) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (name, _) in names(directory)? {
            let stat = match statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                stat => stat?,
            };
            let length = path.len();
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let stamp = stamp_of(&stat);
            let found = || Found { path: path.clone(), linked: false, identity: identity(&stamp) };
            let content = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    self.files.push(found());
                    Content::File(self.files.len() - 1)
                }
                FileType::Directory => {
                    self.directories.push(found());
                    let flags = DIRECTORY | OFlags::NOFOLLOW;
                    let below = openat(directory, &name, flags, Mode::empty())?;
                    Content::Directory(self.walk(below.as_fd(), path)?)
                }
                FileType::Symlink => {
                    let text = readlinkat(directory, &name, Vec::new())?.into_bytes();
                    self.links.push(Link { path: path.clone(), text, target: Target::Text });
                    Content::Link(self.links.len() - 1)
                }
                _ => {
                    self.refused.get_or_insert_with(|| path.clone());
                    Content::Other
                }
            };
            path.truncate(length);
            entries.push(Entry { name, stamp, content });
        }
        Ok(entries)
    }

    /// The stamp of the whole directory; `device` is that of the directory itself.
    pub(in crate::fsio) fn stamp(&self, device: u64) -> Stamp {
        let mut stamp = Stamp { kind: Kind::Directory, device, ..Stamp::MISSING };
        let mut names = blake3::Hasher::new();
        self.fold_stamps(&self.entries, &mut stamp, &mut names);
        let bytes = names.finalize();
        let first = bytes.as_bytes().first_chunk().expect("a digest has more than eight bytes");
        Stamp { inode: u64::from_le_bytes(*first), ..stamp }
    }

    /// The Merkle digest, given the digests of [`Scan::files`] in order.
    pub(in crate::fsio) fn digest(&self, files: &[Digest]) -> Digest {
        self.digest_of(&self.entries, files)
    }

    /// Subdirectories count by name and contents only. Their own times would add nothing, because
    /// whatever changes them (an entry that comes, goes or is replaced) changes a name or an inode.
    fn fold_stamps(&self, entries: &[Entry], total: &mut Stamp, names: &mut blake3::Hasher) {
        names.update(&(entries.len() as u64).to_le_bytes());
        for Entry { name, stamp, content } in entries {
            names.update(&(name.len() as u64).to_le_bytes());
            names.update(name);
            if let Content::Directory(below) = content {
                if stamp.device != total.device {
                    total.device = 0;
                }
                names.update(&[0]);
                self.fold_stamps(below, total, names);
                continue;
            }
            names.update(&[1 + ordinal(content)]);
            fold(stamp, total, names);
            if let Content::Link(index) = content {
                self.fold_target(&self.links[*index].target, total, names);
            }
        }
    }

    fn fold_target(&self, target: &Target, total: &mut Stamp, names: &mut blake3::Hasher) {
        match target {
            Target::Text => {
                names.update(&[0]);
            }
            Target::File(_, stamp) => {
                names.update(&[1]);
                fold(stamp, total, names);
            }
            Target::Directory(entries) => {
                names.update(&[2]);
                self.fold_stamps(entries, total, names);
            }
            Target::Counted(path) => {
                names.update(&[3]);
                names.update(&(path.len() as u64).to_le_bytes());
                names.update(path);
            }
        }
    }

    /// The encoding is part of every key that has a directory among its inputs:
    /// `docs/formats/artifacts.md`.
    fn digest_of(&self, entries: &[Entry], files: &[Digest]) -> Digest {
        let mut encoder = Encoder::new("attpc.directory.1");
        encoder.open(Tag::List, entries.len());
        for Entry { name, content, .. } in entries {
            encoder.raw(name);
            if let Content::Link(index) = content {
                self.encode_link(&self.links[*index], files, &mut encoder);
                continue;
            }
            encoder.int(i64::from(ordinal(content)));
            match content {
                Content::File(index) => encoder.digest(&files[*index]),
                Content::Directory(below) => encoder.digest(&self.digest_of(below, files)),
                Content::Link(_) | Content::Other => encoder.tag(Tag::Null),
            }
        }
        encoder.finish()
    }

    fn encode_link(&self, link: &Link, files: &[Digest], encoder: &mut Encoder) {
        let kind = match link.target {
            Target::Text => 3,
            Target::File(..) => 4,
            Target::Directory(_) => 5,
            Target::Counted(_) => 6,
        };
        encoder.int(kind);
        encoder.raw(&link.text);
        match &link.target {
            Target::Text => {}
            Target::File(index, _) => encoder.digest(&files[*index]),
            Target::Directory(entries) => encoder.digest(&self.digest_of(entries, files)),
            Target::Counted(path) => encoder.raw(path),
        }
    }
}

fn ordinal(content: &Content) -> u8 {
    match content {
        Content::File(_) => 1,
        Content::Directory(_) => 2,
        Content::Link(_) => 3,
        // Links take 3 to 6 in the digest.
        Content::Other => 7,
    }
}

/// Adds what one entry, not a directory, says by itself.
fn fold(stamp: &Stamp, total: &mut Stamp, names: &mut blake3::Hasher) {
    total.size = total.size.saturating_add(stamp.size);
    total.mtime_ns = total.mtime_ns.max(stamp.mtime_ns);
    total.ctime_ns = total.ctime_ns.max(stamp.ctime_ns);
    if stamp.device != total.device {
        // Nothing is known about the clock of a mixture of file systems.
        total.device = 0;
    }
    names.update(&[u8::from(stamp.executable)]);
    for number in [stamp.size, stamp.inode] {
        names.update(&number.to_le_bytes());
    }
    for time in [stamp.mtime_ns, stamp.ctime_ns] {
        names.update(&time.to_le_bytes());
    }
}

fn identity(stamp: &Stamp) -> Identity {
    (stamp.device, stamp.inode)
}

/// True for what a link answers through which nothing can be read: it dangles, runs in a circle,
/// is nested too deeply, or leads where we may not look.
fn leads_nowhere(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS | Errno::NAMETOOLONG)
}

/// The directories above an open one, up to the root or as far as they can be seen.
fn containing(directory: BorrowedFd<'_>) -> io::Result<Vec<Identity>> {
    let mut found = Vec::new();
    let mut last = identity(&stamp_of(&fstat(directory)?));
    let mut path = "..".to_owned();
    while let Ok(stat) = statat(directory, &path, AtFlags::empty()) {
        let above = identity(&stamp_of(&stat));
        if above == last {
            break;
        }
        found.push(above);
        last = above;
        path.push_str("/..");
    }
    Ok(found)
}

/// Names and types of a directory's entries in byte order, without `.` and `..`. The type is a hint
/// of the file system and may be unknown.
pub(in crate::fsio) fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<(Vec<u8>, FileType)>> {
    /// Holds a few hundred entries per system call.
    const BUFFER: usize = 32 << 10;
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name != c"." && name != c".." {
            names.push((name.to_bytes().to_vec(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;
    use crate::fsio::tree::Tree;

    struct Project {
        space: tempfile::TempDir,
        tree: Tree,
    }

    impl Project {
        /// A directory `d` with one file.
        fn new() -> Project {
            let space = tempfile::tempdir().unwrap();
            let tree = Tree::open(space.path()).unwrap();
            let project = Project { space, tree };
            project.write("d/a", "x");
            project
        }

        fn at(&self, path: &str) -> PathBuf {
            self.space.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.at(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn link(&self, path: &str, text: &str) {
            let _ = fs::remove_file(self.at(path));
            symlink(text, self.at(path)).unwrap();
        }

        /// What `d` looks like, with and without reading it.
        fn look(&self) -> (Digest, Stamp) {
            let found = self.tree.digest("d/", &|_| {}).unwrap();
            assert_eq!(found.1, self.tree.stamp("d").unwrap());
            found
        }

        /// Asserts that digest and stamp see a change.
        fn sees(&self, what: &str, change: impl FnOnce()) {
            let before = self.look();
            change();
            let after = self.look();
            assert_ne!(before.0, after.0, "the digest does not see {what}");
            assert_ne!(before.1, after.1, "the stamp does not see {what}");
        }
    }

    #[test]
    fn what_a_linked_file_holds_counts() {
        let project = Project::new();
        project.sees("a link that dangles", || project.link("d/l", "../raw/run_2.h5"));
        project.sees("a target that appears", || project.write("raw/run_2.h5", "one"));
        project.sees("a target that changes", || project.write("raw/run_2.h5", "two!"));
        let mode = fs::Permissions::from_mode(0o755);
        project.sees("the executable bit", || {
            fs::set_permissions(project.at("raw/run_2.h5"), mode).unwrap();
        });
        project.write("raw/run_3.h5", "two!");
        project.sees("another text", || project.link("d/l", "../raw/run_3.h5"));
        project.sees("a target that goes", || fs::remove_file(project.at("raw/run_3.h5")).unwrap());
    }

    #[test]
    fn what_a_linked_directory_holds_counts_through_further_links() {
        let project = Project::new();
        project.write("raw/sub/b", "one");
        project.write("far/c", "one");
        project.link("raw/sub/further", "../../far");
        project.sees("a linked directory", || project.link("d/l", "../raw"));
        project.sees("a change below it", || project.write("raw/sub/b", "other"));
        project.sees("a new name below it", || project.write("raw/new", ""));
        project.sees("a change behind two links", || project.write("far/c", "other"));
        project.write("near/c", "other");
        project.link("middle", "near");
        project.link("d/m", "../middle");
        project.write("third/c", "something else");
        project.sees("a link outside that turns", || project.link("middle", "third"));
    }

    #[test]
    fn a_link_to_what_counts_anyway_is_read_once() {
        use std::sync::atomic::{AtomicU64, Ordering};
        let project = Project::new();
        project.write("d/sub/b", "1234");
        project.link("d/latest", "sub/b");
        project.link("d/alias", "sub");
        project.write("raw/e", "12345678");
        project.link("d/one", "../raw/e");
        project.link("d/two", "../raw/e");
        let read = AtomicU64::new(0);
        let count = |bytes| {
            read.fetch_add(bytes, Ordering::Relaxed);
        };
        project.tree.digest("d", &count).unwrap();
        assert_eq!(read.into_inner(), 1 + 4 + 8);
        project.sees("a change seen twice", || project.write("d/sub/b", "12345"));
        project.write("d/other/b", "12345");
        project.link("middle", "d/sub");
        project.link("d/turning", "../middle");
        project.sees("a turn to another part", || project.link("middle", "d/other"));
    }

    #[test]
    fn loops_of_links_end() {
        let project = Project::new();
        project.link("d/itself", ".");
        project.link("d/up", "..");
        project.link("d/top", "/");
        project.link("d/circle", "circle");
        project.write("raw/sub/b", "one");
        project.link("raw/sub/back", "..");
        project.link("raw/home", "../d");
        project.link("d/l", "../raw");
        let before = project.look();
        project.write("beside", "not part of the directory");
        assert_eq!(project.look(), before);
        project.sees("a change behind the loops", || project.write("raw/sub/b", "other"));
    }

    #[test]
    fn links_that_branch_and_nest_deeply_are_walked_once_each() {
        let project = Project::new();
        for number in 0..60 {
            let run = format!("raw/{number:02}");
            project.write(&format!("{run}/data"), "x");
            project.link(&format!("{run}/next"), &format!("../{:02}", number + 1));
            project.link(&format!("{run}/all"), "..");
        }
        project.link("d/l", "../raw/00");
        project.sees("a change at the far end", || project.write("raw/59/data", "other"));
    }

    #[test]
    fn a_linked_place_may_hold_what_has_no_content() {
        let project = Project::new();
        project.write("raw/a", "one");
        let _socket = std::os::unix::net::UnixListener::bind(project.at("raw/socket")).unwrap();
        project.link("d/l", "../raw");
        project.link("d/s", "../raw/socket");
        project.sees("a change beside a socket", || project.write("raw/a", "other"));
    }

    #[test]
    fn a_directory_without_links_keeps_its_digest_under_every_link() {
        let project = Project::new();
        let plain = project.look().0;
        project.write("b/a", "x");
        let mut encoder = Encoder::new("attpc.directory.1");
        encoder.open(Tag::List, 2);
        encoder.raw(b"a");
        encoder.int(1);
        encoder.digest(&Digest::of(b"x"));
        encoder.raw(b"l");
        encoder.int(5);
        encoder.raw(b"../b");
        encoder.digest(&plain);
        project.link("d/l", "../b");
        assert_eq!(project.look().0, encoder.finish());
    }
}
