//! Files as memory, shared by all processes that read them.
//!
//! This is the room's only unsafe code: a map's bytes change when somebody changes the file, which
//! no type can rule out, so that every safe wrapper asks for the same promise. It is given here
//! because outputs of steps are published by renaming and never changed in place.

#![expect(unsafe_code, reason = "memory maps, and views of their bytes as numbers")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::data::error::DataError;

/// A whole file, read-only.
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file that is not changed in place while it is open.
    pub(super) fn open(path: &Path) -> Result<MappedFile, DataError> {
        let file =
            File::open(path).map_err(|source| DataError::Open { path: path.to_owned(), source })?;
        // SAFETY: the file is an output of a step or an input that the user keeps still; both are
        // replaced by renaming, which leaves the mapped file as it is.
        let map = unsafe { Mmap::map(&file) };
        map.map(MappedFile).map_err(|source| DataError::Read { path: path.to_owned(), source })
    }

    /// The bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes from an offset on as single precision numbers; `None` where they are not aligned.
    pub(super) fn singles(&self, offset: usize) -> Option<&[f32]> {
        let bytes = self.0.get(offset..)?;
        // SAFETY: any four bytes are a valid f32, and `align_to` sees to alignment and length.
        let (before, numbers, _) = unsafe { bytes.align_to::<f32>() };
        before.is_empty().then_some(numbers)
    }

    /// The bytes from an offset on as double precision numbers; `None` where they are not aligned.
    pub(super) fn doubles(&self, offset: usize) -> Option<&[f64]> {
        let bytes = self.0.get(offset..)?;
        // SAFETY: any eight bytes are a valid f64, and `align_to` sees to alignment and length.
        let (before, numbers, _) = unsafe { bytes.align_to::<f64>() };
        before.is_empty().then_some(numbers)
    }
}
