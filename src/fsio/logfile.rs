//! An append-only file: whole writes at its end, reads anywhere, and a wait for the disk.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::fsio::error::FsError;

/// A file that only grows, but for [`LogFile::truncate`] after a crash.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    path: PathBuf,
    length: u64,
    /// A failed append left bytes behind `length` that could not be taken back yet.
    soiled: bool,
}

impl LogFile {
    /// Opens for appending; creates the file where there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<LogFile, FsError> {
        let path = path.as_ref().to_owned();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        LogFile::of(file, path)
    }

    /// Opens an existing file for reading only.
    pub fn open_to_read(path: impl AsRef<Path>) -> Result<LogFile, FsError> {
        let path = path.as_ref().to_owned();
        LogFile::of(File::open(&path), path)
    }

    fn of(file: std::io::Result<File>, path: PathBuf) -> Result<LogFile, FsError> {
        let opened = file.and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        let name = path.to_string_lossy().into_owned();
        let (file, length) = opened.map_err(FsError::io("open", name))?;
        Ok(LogFile { file, path, length, soiled: false })
    }

    /// Bytes in the file, as this value knows it: other processes' appends are not seen.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, operation: &'static str) -> impl FnOnce(std::io::Error) -> FsError {
        FsError::io(operation, self.path.to_string_lossy())
    }

    /// Appends all bytes, in one system call unless the kernel takes them in parts, and returns
    /// the offset of the first. After a failure (no space, say) what was written of them is taken
    /// back, so the file ends where it did.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, FsError> {
        let offset = self.length;
        if self.soiled {
            self.truncate(offset)?;
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.soiled = self.file.set_len(offset).is_err();
            return Err(self.failed("append to")(error));
        }
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    /// Waits until everything appended is on the disk.
    pub fn sync(&self) -> Result<(), FsError> {
        self.file.sync_data().map_err(self.failed("sync"))
    }

    /// Fills the buffer from an offset.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FsError> {
        self.file.read_exact_at(buffer, offset).map_err(self.failed("read"))
    }

    /// Everything from an offset to the present end of the file.
    pub fn read_from(&self, offset: u64) -> Result<Vec<u8>, FsError> {
        let metadata = self.file.metadata().map_err(self.failed("look at"))?;
        let length = usize::try_from(metadata.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            let read = self.file.read_at(&mut bytes[filled..], offset + filled as u64);
            match read.map_err(self.failed("read"))? {
                0 => break,
                more => filled += more,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Cuts the file to a length, after a crash left half a frame at its end.
    pub fn truncate(&mut self, length: u64) -> Result<(), FsError> {
        self.file.set_len(length).map_err(self.failed("truncate"))?;
        self.length = length;
        self.soiled = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_read_back_and_cut() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("log");
        let mut log = LogFile::open(&path).unwrap();
        assert_eq!(log.append(b"one").unwrap(), 0);
        assert_eq!(log.append(b"two").unwrap(), 3);
        log.sync().unwrap();
        let mut log = LogFile::open(&path).unwrap();
        assert_eq!(log.length(), 6);
        let mut three = [0; 3];
        log.read_at(3, &mut three).unwrap();
        assert_eq!(&three, b"two");
        log.truncate(3).unwrap();
        log.append(b"six").unwrap();
        assert_eq!(log.read_from(0).unwrap(), b"onesix");
        assert!(log.read_at(4, &mut three).is_err());
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let mut log = LogFile::open("/dev/full").unwrap();
        let error = log.append(b"bytes").unwrap_err();
        assert_eq!(error.to_string(), "could not append to `/dev/full`");
        assert_eq!(error.kind(), Some(std::io::ErrorKind::StorageFull));
    }
}
