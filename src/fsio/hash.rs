//! Content digests of files and directories.
//!
//! A file that is not executable has the plain BLAKE3 digest of its bytes, as `b3sum` prints it;
//! an executable one has the digest of that digest under a name of its own, because a command can
//! see the bit. A file that changes while it is read is read again, a few times, and then refused:
//! its bytes belong to no state that anybody could name. Below a directory, links are followed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rayon::prelude::*;
use rustix::fs::{Advice, Mode, OFlags, fadvise, fstat, openat};
use rustix::io::Errno;

use crate::fsio::error::FsError;
use crate::fsio::scan::{Found, Scan};
use crate::fsio::tree::{DIRECTORY, READ, Tree, or_here, stamp_of};
use crate::model::digest::{Digest, Encoder};
use crate::model::stamp::{Kind, Stamp};

/// How often a file that changes under our eyes is read before we give up.
const ATTEMPTS: usize = 3;

/// Files of at least this many bytes are hashed by several threads; below, one thread is faster
/// than the hand-over.
const PARALLEL_BYTES: u64 = 1 << 20;

/// Bytes per read of a big file; two such buffers are alive, one being filled, one being hashed.
const BLOCK_BYTES: usize = 4 << 20;

/// Files of a directory that one thread takes at least, since small ones cost less than the
/// hand-over.
const FILES_PER_THREAD: usize = 16;

/// Bytes per read of a small file.
const SMALL_BLOCK_BYTES: usize = 64 << 10;

/// Told how many further bytes have been read.
pub type Read<'a> = &'a (dyn Fn(u64) + Sync);

enum Trouble {
    Changed,
    NotAFile(Vec<u8>),
    Io(Vec<u8>, io::Error),
}

impl Tree {
    /// The content digest of a file or directory, with the stamp of exactly the state that was
    /// read. Links are followed, at the path and below a directory. `read` is told of bytes as they are read, from several threads.
    pub fn digest(&self, path: &str, read: Read<'_>) -> Result<(Digest, Stamp), FsError> {
        for _ in 0..ATTEMPTS {
            match self.digest_once(path, read) {
                Ok(found) => return Ok(found),
                Err(Trouble::Changed) => {}
                Err(Trouble::NotAFile(below)) => {
                    return Err(FsError::NotAnArtifact { path: inside(path, &below) });
                }
                Err(Trouble::Io(below, source)) => {
                    return Err(FsError::io("read", inside(path, &below))(source));
                }
            }
        }
        Err(FsError::ChangedWhileRead { path: path.to_owned() })
    }

    fn digest_once(&self, path: &str, read: Read<'_>) -> Result<(Digest, Stamp), Trouble> {
        let top = |error: Errno| Trouble::Io(Vec::new(), error.into());
        let file =
            openat(self, or_here(path), READ, Mode::empty()).map_err(|error| match error {
                // What an open socket or a device without a driver answers.
                Errno::NXIO | Errno::NODEV => Trouble::NotAFile(Vec::new()),
                error => top(error),
            })?;
        let stamp = stamp_of(&fstat(&file).map_err(top)?);
        match stamp.kind {
            Kind::File => digest_file(&file, stamp, read).map(|digest| (digest, stamp)),
            Kind::Directory => digest_directory(file.as_fd(), stamp.device, read),
            Kind::Missing | Kind::Other => Err(Trouble::NotAFile(Vec::new())),
        }
    }

    /// The bytes of a file with the stamp of the state that was read; for files that are both
    /// evaluated and hashed, such as recipes.
    pub fn read_stamped(&self, path: &str) -> Result<(Vec<u8>, Stamp), FsError> {
        let failed = |error| FsError::io::<io::Error>("read", path)(error);
        for _ in 0..ATTEMPTS {
            let before = self.entry_stamp(path).map_err(failed)?;
            let bytes = self.read(path).map_err(failed)?;
            if before == self.entry_stamp(path).map_err(failed)? {
                return Ok((bytes, before));
            }
        }
        Err(FsError::ChangedWhileRead { path: path.to_owned() })
    }
}

/// The digest of a file's bytes under its executable bit.
pub fn with_executable_bit(content: Digest, executable: bool) -> Digest {
    if !executable {
        return content;
    }
    let mut encoder = Encoder::new("attpc.executable.1");
    encoder.digest(&content);
    encoder.finish()
}

fn inside(path: &str, below: &[u8]) -> String {
    if below.is_empty() {
        return path.to_owned();
    }
    format!("{}/{}", path.trim_end_matches('/'), String::from_utf8_lossy(below))
}

fn digest_directory(
    directory: BorrowedFd<'_>,
    device: u64,
    read: Read<'_>,
) -> Result<(Digest, Stamp), Trouble> {
    let failed = |error: Errno| Trouble::Io(Vec::new(), error.into());
    let before = Scan::of(directory).map_err(failed)?;
    if let Some(path) = &before.refused {
        return Err(Trouble::NotAFile(path.clone()));
    }
    let digest = |found: &Found| digest_below(directory, found, read);
    let digests: Result<Vec<Digest>, Trouble> =
        before.files.par_iter().with_min_len(FILES_PER_THREAD).map(digest).collect();
    let (digests, stamp) = (digests?, before.stamp(device));
    // The directory's descriptor stands behind its last entry; a second scan needs a new one.
    let again = openat(directory, ".", DIRECTORY, Mode::empty()).map_err(failed)?;
    if Scan::of(again.as_fd()).map_err(failed)?.stamp(device) != stamp {
        return Err(Trouble::Changed);
    }
    Ok((before.digest(&digests), stamp))
}

fn digest_below(
    directory: BorrowedFd<'_>,
    found: &Found,
    read: Read<'_>,
) -> Result<Digest, Trouble> {
    let path = &found.path;
    let flags = if found.linked { READ } else { READ | OFlags::NOFOLLOW };
    let file = match openat(directory, path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Err(Trouble::Changed),
        Err(error) => return Err(Trouble::Io(path.clone(), error.into())),
    };
    let stat = fstat(&file).map_err(|error| Trouble::Io(path.clone(), error.into()))?;
    let stamp = stamp_of(&stat);
    if stamp.kind != Kind::File {
        return Err(Trouble::Changed);
    }
    digest_file(&file, stamp, read).map_err(|trouble| match trouble {
        Trouble::Io(_, error) => Trouble::Io(path.clone(), error),
        trouble => trouble,
    })
}

/// Reads an open file whose stamp was just taken, and takes it again afterwards.
fn digest_file(file: &OwnedFd, before: Stamp, read: Read<'_>) -> Result<Digest, Trouble> {
    let mut hasher = blake3::Hasher::new();
    let bytes = if before.size >= PARALLEL_BYTES {
        hash_in_parallel(file, &mut hasher, read)
    } else {
        hash_plainly(file, &mut hasher, read)
    };
    let bytes = bytes.map_err(|error| Trouble::Io(Vec::new(), error.into()))?;
    let after = fstat(file).map_err(|error| Trouble::Io(Vec::new(), error.into()))?;
    if bytes != before.size || stamp_of(&after) != before {
        return Err(Trouble::Changed);
    }
    Ok(with_executable_bit(Digest(*hasher.finalize().as_bytes()), before.executable))
}

fn hash_plainly(
    file: &OwnedFd,
    hasher: &mut blake3::Hasher,
    read: Read<'_>,
) -> rustix::io::Result<u64> {
    let mut block = [0; SMALL_BLOCK_BYTES];
    let mut total = 0;
    loop {
        let length = fill(file, &mut block)?;
        hasher.update(&block[..length]);
        read(length as u64);
        total += length as u64;
        if length < block.len() {
            return Ok(total);
        }
    }
}

/// Reads the next block while the last one is hashed. Not by mapping the file, because a mapped
/// file that somebody shortens ends the process.
fn hash_in_parallel(
    file: &OwnedFd,
    hasher: &mut blake3::Hasher,
    read: Read<'_>,
) -> rustix::io::Result<u64> {
    // Advice only: a file system that takes none reads as well without.
    let _ = fadvise(file, 0, None, Advice::Sequential);
    let (mut block, mut next) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    let mut length = fill(file, &mut block)?;
    let mut total = 0;
    while length > 0 {
        let (_, filled) =
            rayon::join(|| hasher.update_rayon(&block[..length]), || fill(file, &mut next));
        read(length as u64);
        total += length as u64;
        length = filled?;
        std::mem::swap(&mut block, &mut next);
    }
    Ok(total)
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match rustix::io::read(file, &mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn project() -> (tempfile::TempDir, Tree) {
        let space = tempfile::tempdir().unwrap();
        let tree = Tree::open(space.path()).unwrap();
        (space, tree)
    }

    fn digest(tree: &Tree, path: &str) -> Digest {
        tree.digest(path, &|_| {}).unwrap().0
    }

    fn make_executable(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_plain_file_has_the_digest_of_its_bytes_at_every_size() {
        let (space, tree) = project();
        let block = SMALL_BLOCK_BYTES;
        let big = PARALLEL_BYTES as usize;
        for size in [0, 1, block - 1, block, block + 1, big - 1, big, 2 * BLOCK_BYTES, 9_000_001] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
            fs::write(space.path().join("f"), &bytes).unwrap();
            let read = AtomicU64::new(0);
            let count = |bytes| {
                read.fetch_add(bytes, Ordering::Relaxed);
            };
            let (found, stamp) = tree.digest("f", &count).unwrap();
            assert_eq!(found, Digest::of(&bytes), "{size} bytes");
            assert_eq!(stamp, tree.stamp("f").unwrap());
            assert_eq!(read.into_inner(), size as u64);
        }
    }

    #[test]
    fn the_executable_bit_is_part_of_the_content() {
        let (space, tree) = project();
        fs::write(space.path().join("tool"), "x").unwrap();
        let plain = digest(&tree, "tool");
        make_executable(&space.path().join("tool"));
        assert_eq!(digest(&tree, "tool"), with_executable_bit(plain, true));
        assert_ne!(digest(&tree, "tool"), plain);
    }

    #[test]
    fn a_directory_digest_sees_names_kinds_bits_links_and_contents() {
        let (space, tree) = project();
        let at = |path: &str| space.path().join(path);
        fs::create_dir_all(at("d/sub")).unwrap();
        fs::write(at("d/sub/a"), "one").unwrap();
        let mut seen = vec![digest(&tree, "d")];
        let mut differs = |what: &str| {
            let now = digest(&tree, "d");
            assert!(!seen.contains(&now), "{what} went unseen");
            seen.push(now);
        };
        fs::write(at("d/sub/a"), "two").unwrap();
        differs("a content");
        make_executable(&at("d/sub/a"));
        differs("an executable bit");
        fs::rename(at("d/sub/a"), at("d/sub/b")).unwrap();
        differs("a new name");
        fs::create_dir(at("d/empty")).unwrap();
        differs("an empty directory");
        fs::remove_dir(at("d/empty")).unwrap();
        fs::write(at("d/empty"), "").unwrap();
        differs("a file in place of a directory");
        std::os::unix::fs::symlink("sub/b", at("d/link")).unwrap();
        differs("a link");
        fs::remove_file(at("d/link")).unwrap();
        std::os::unix::fs::symlink("sub/c", at("d/link")).unwrap();
        differs("another text of a link");
    }

    #[test]
    fn a_directory_digest_is_the_same_wherever_and_whenever_it_was_made() {
        let (space, tree) = project();
        for (place, order) in [("here", ["a", "b", "c"]), ("there/below", ["c", "a", "b"])] {
            fs::create_dir_all(space.path().join(place).join("sub")).unwrap();
            for name in order {
                fs::write(space.path().join(place).join("sub").join(name), name).unwrap();
            }
        }
        assert_eq!(digest(&tree, "here"), digest(&tree, "there/below/"));
        assert_eq!(
            digest(&tree, "here").to_string(),
            "91ab56176832707baa988a0bfac225c6cba402cfcda2245d6a417f23c3595320",
            "the encoding of directories is part of every key and must not change"
        );
    }

    #[test]
    fn a_link_to_an_artifact_is_the_artifact() {
        let (space, tree) = project();
        fs::create_dir(space.path().join("d")).unwrap();
        fs::write(space.path().join("d/a"), "x").unwrap();
        std::os::unix::fs::symlink("d", space.path().join("link")).unwrap();
        assert_eq!(tree.digest("link", &|_| {}).unwrap(), tree.digest("d", &|_| {}).unwrap());
    }

    #[test]
    fn what_has_no_content_is_refused_by_name() {
        let (space, tree) = project();
        fs::create_dir(space.path().join("d")).unwrap();
        std::os::unix::net::UnixListener::bind(space.path().join("d/socket")).unwrap();
        let message = |path| tree.digest(path, &|_| {}).unwrap_err().to_string();
        assert_eq!(message("d"), "`d/socket` is neither a file nor a directory");
        assert_eq!(message("d/socket"), "`d/socket` is neither a file nor a directory");
        assert_eq!(message("/dev/null"), "`/dev/null` is neither a file nor a directory");
        assert_eq!(message("absent"), "could not read `absent`");
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_refused() {
        let (space, tree) = project();
        let path = space.path().join("growing");
        fs::write(&path, "start").unwrap();
        let grow = |_| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            io::Write::write_all(&mut file, b"more").unwrap();
        };
        let error = tree.digest("growing", &grow).unwrap_err();
        assert_eq!(error.to_string(), "`growing` changes while it is read");
    }

    #[test]
    fn a_file_that_changes_once_is_read_again() {
        let (space, tree) = project();
        let path = space.path().join("late");
        fs::write(&path, "start").unwrap();
        let calls = AtomicU64::new(0);
        let change = |_| {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                fs::write(&path, "later").unwrap();
            }
        };
        assert_eq!(tree.digest("late", &change).unwrap().0, Digest::of(b"later"));
    }

    #[test]
    fn a_directory_in_which_something_moves_is_refused() {
        let (space, tree) = project();
        fs::create_dir(space.path().join("d")).unwrap();
        fs::write(space.path().join("d/a"), "x").unwrap();
        let number = AtomicU64::new(0);
        let add = |_| {
            let name = format!("d/new{}", number.fetch_add(1, Ordering::Relaxed));
            fs::write(space.path().join(name), "y").unwrap();
        };
        assert!(matches!(tree.digest("d", &add), Err(FsError::ChangedWhileRead { .. })));
    }
}
