//! One walk over a directory artifact, from which its stamp and its digest are made.
//!
//! Links below the artifact are not followed: they count by their text, so a link that points out
//! of the artifact cannot pull the rest of the disk in, and a loop of links ends.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, openat, readlinkat, statat};
use rustix::io::{self, Errno};

use crate::fsio::tree::{DIRECTORY, stamp_of};
use crate::model::digest::{Digest, Encoder, Tag};
use crate::model::stamp::{Kind, Stamp};

/// What an entry of a directory is.
pub(in crate::fsio) enum Content {
    /// Index of the file in [`Scan::files`].
    File(usize),
    Directory(Vec<Entry>),
    /// The text of a symbolic link.
    Link(Vec<u8>),
    /// A socket, device or fifo.
    Other,
}

/// One entry with its own stat record.
pub(in crate::fsio) struct Entry {
    name: Vec<u8>,
    stamp: Stamp,
    content: Content,
}

/// Everything below a directory, entries in byte order of their names.
#[derive(Default)]
pub(in crate::fsio) struct Scan {
    entries: Vec<Entry>,
    /// Paths of all files, relative to the scanned directory, in walking order.
    pub(in crate::fsio) files: Vec<Vec<u8>>,
    /// Paths of all directories below the scanned one.
    pub(in crate::fsio) directories: Vec<Vec<u8>>,
    /// Path of the first socket, device or fifo: something that has no content to digest.
    pub(in crate::fsio) refused: Option<Vec<u8>>,
}

impl Scan {
    /// Walks everything below an open directory.
    pub(in crate::fsio) fn of(directory: BorrowedFd<'_>) -> io::Result<Scan> {
        let mut scan = Scan::default();
        scan.entries = scan.walk(directory, &mut Vec::new())?;
        Ok(scan)
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
            let content = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    self.files.push(path.clone());
                    Content::File(self.files.len() - 1)
                }
                FileType::Directory => {
                    self.directories.push(path.clone());
                    let flags = DIRECTORY | OFlags::NOFOLLOW;
                    let below = openat(directory, &name, flags, Mode::empty())?;
                    Content::Directory(self.walk(below.as_fd(), path)?)
                }
                FileType::Symlink => {
                    Content::Link(readlinkat(directory, &name, Vec::new())?.into_bytes())
                }
                _ => {
                    self.refused.get_or_insert_with(|| path.clone());
                    Content::Other
                }
            };
            path.truncate(length);
            entries.push(Entry { name, stamp: stamp_of(&stat), content });
        }
        Ok(entries)
    }

    /// The stamp of the whole directory; `device` is that of the directory itself.
    pub(in crate::fsio) fn stamp(&self, device: u64) -> Stamp {
        let mut stamp = Stamp { kind: Kind::Directory, device, ..Stamp::MISSING };
        let mut names = blake3::Hasher::new();
        fold_stamps(&self.entries, &mut stamp, &mut names);
        let bytes = names.finalize();
        let first = bytes.as_bytes().first_chunk().expect("a digest has more than eight bytes");
        Stamp { inode: u64::from_le_bytes(*first), ..stamp }
    }

    /// The Merkle digest, given the digests of [`Scan::files`] in order.
    pub(in crate::fsio) fn digest(&self, files: &[Digest]) -> Digest {
        digest_of(&self.entries, files)
    }
}

/// Subdirectories count by name and contents only. Their own times would add nothing, because
/// whatever changes them (an entry that comes, goes or is replaced) changes a name or an inode.
fn fold_stamps(entries: &[Entry], total: &mut Stamp, names: &mut blake3::Hasher) {
    names.update(&(entries.len() as u64).to_le_bytes());
    for Entry { name, stamp, content } in entries {
        names.update(&(name.len() as u64).to_le_bytes());
        names.update(name);
        if stamp.device != total.device {
            // Nothing is known about the clock of a mixture of file systems.
            total.device = 0;
        }
        if let Content::Directory(below) = content {
            names.update(&[0]);
            fold_stamps(below, total, names);
            continue;
        }
        total.size = total.size.saturating_add(stamp.size);
        total.mtime_ns = total.mtime_ns.max(stamp.mtime_ns);
        total.ctime_ns = total.ctime_ns.max(stamp.ctime_ns);
        names.update(&[1 + ordinal(content), u8::from(stamp.executable)]);
        for number in [stamp.size, stamp.inode] {
            names.update(&number.to_le_bytes());
        }
        for time in [stamp.mtime_ns, stamp.ctime_ns] {
            names.update(&time.to_le_bytes());
        }
    }
}

fn ordinal(content: &Content) -> u8 {
    match content {
        Content::File(_) => 1,
        Content::Directory(_) => 2,
        Content::Link(_) => 3,
        Content::Other => 4,
    }
}

/// The encoding is part of every key that has a directory among its inputs: `docs/formats/artifacts.md`.
fn digest_of(entries: &[Entry], files: &[Digest]) -> Digest {
    let mut encoder = Encoder::new("attpc.directory.1");
    encoder.open(Tag::List, entries.len());
    for Entry { name, content, .. } in entries {
        encoder.raw(name);
        encoder.int(i64::from(ordinal(content)));
        match content {
            Content::File(index) => encoder.digest(&files[*index]),
            Content::Directory(below) => encoder.digest(&digest_of(below, files)),
            Content::Link(text) => encoder.raw(text),
            Content::Other => encoder.tag(Tag::Null),
        }
    }
    encoder.finish()
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
