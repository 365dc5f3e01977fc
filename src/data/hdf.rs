//! The door to HDF5: opens files with errors a person can act on, and reads 2-D arrays so that
//! libhdf5's process-wide lock does not serialise the work.
//!
//! [`Block::locate`] asks the library where an array's bytes lie, which is quick;
//! [`Block::read`] then fetches and unpacks them with plain file reads, on any thread. What cannot
//! be read that way (other filters, other byte order, compact or external storage) is read through
//! the library when it is located.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hdf5::datatype::ByteOrder;
use hdf5::filters::Filter;
use hdf5::plist::dataset_create::Layout;
use hdf5::plist::file_access::MetadataCacheConfig;
use hdf5::types::{FixedAscii, FixedUnicode, VarLenAscii, VarLenUnicode};
use hdf5::{Dataset, Group, H5Type, Location};
use ndarray::Array2;

use crate::data::error::DataError;

/// A file open for reading, both through the library and directly.
pub struct HdfFile {
    path: PathBuf,
    library: hdf5::File,
    bytes: File,
}

impl HdfFile {
    /// Opens a file after checking that it is HDF5 and whole.
    pub fn open(path: &Path) -> Result<HdfFile, DataError> {
        let path = path.to_owned();
        let bytes =
            File::open(&path).map_err(|source| DataError::Open { path: path.clone(), source })?;
        check_superblock(&path, &bytes)?;
        let library = hdf5::File::with_options()
            .with_fapl(|list| list.mdc_config(&small_cache()))
            .open(&path)
            .map_err(|source| DataError::Library {
                path: path.clone(),
                object: "/".to_owned(),
                doing: "open",
                source,
            })?;
        Ok(HdfFile { path, library, bytes })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The top-level group.
    pub fn root(&self) -> &Group {
        &self.library
    }

    /// A group that must exist below `parent`.
    pub fn group(
        &self,
        parent: &Group,
        name: &str,
        expected: &'static str,
    ) -> Result<Group, DataError> {
        if !parent.link_exists(name) {
            return Err(self.missing(parent, name, expected));
        }
        parent
            .group(name)
            .map_err(|source| self.library_error(object_name(parent, name), "open group", source))
    }

    /// A data set that must exist below `parent`.
    pub fn dataset(
        &self,
        parent: &Group,
        name: &str,
        expected: &'static str,
    ) -> Result<Dataset, DataError> {
        if !parent.link_exists(name) {
            return Err(self.missing(parent, name, expected));
        }
        parent.dataset(name).map_err(|source| {
            self.library_error(object_name(parent, name), "open data set", source)
        })
    }

    /// The values of a data set of any shape, converted from whatever numbers it holds.
    pub fn numbers<T: H5Type>(
        &self,
        parent: &Group,
        name: &str,
        expected: &'static str,
    ) -> Result<Vec<T>, DataError> {
        let dataset = self.dataset(parent, name, expected)?;
        dataset.as_reader().read_raw::<T>().map_err(|source| {
            self.library_error(object_name(parent, name), "read numbers of", source)
        })
    }

    /// A number kept as an attribute, `None` when there is no such attribute.
    pub fn attribute<T: H5Type + Copy>(
        &self,
        of: &Location,
        name: &str,
    ) -> Result<Option<T>, DataError> {
        let Ok(attribute) = of.attr(name) else {
            return Ok(None);
        };
        let object = format!("{}@{name}", of.name());
        let wrong = |found: String| DataError::WrongType {
            path: self.path.clone(),
            object: object.clone(),
            expected: "a number",
            found,
        };
        let values = attribute.read_raw::<T>().map_err(|_| wrong(type_name(&attribute)))?;
        values.first().copied().map(Some).ok_or_else(|| wrong("nothing".to_owned()))
    }

    /// A text kept as an attribute in any of HDF5's string types.
    pub fn text_attribute(&self, of: &Location, name: &str) -> Option<String> {
        let attribute = of.attr(name).ok()?;
        attribute
            .read_scalar::<VarLenUnicode>()
            .map(|text| text.to_string())
            .or_else(|_| attribute.read_scalar::<VarLenAscii>().map(|text| text.to_string()))
            .or_else(|_| attribute.read_scalar::<FixedUnicode<64>>().map(|text| text.to_string()))
            .or_else(|_| attribute.read_scalar::<FixedAscii<64>>().map(|text| text.to_string()))
            .ok()
    }

    /// The error for an object that must be there.
    pub fn missing(&self, parent: &Group, name: &str, expected: &'static str) -> DataError {
        let object = object_name(parent, name);
        DataError::MissingObject { path: self.path.clone(), object, expected }
    }

    /// Wraps an error of the library with what was being done to an object.
    pub fn library_error(
        &self,
        object: String,
        doing: &'static str,
        source: hdf5::Error,
    ) -> DataError {
        DataError::Library { path: self.path.clone(), object, doing, source }
    }
}

/// The full name of a member of a group, without the leading slash.
fn object_name(parent: &Group, name: &str) -> String {
    format!("{}/{name}", parent.name()).trim_start_matches('/').to_owned()
}

fn type_name(container: &hdf5::Container) -> String {
    let descriptor = container.dtype().and_then(|dtype| dtype.to_descriptor());
    descriptor.map_or_else(|_| "an unusual type".to_owned(), |found| found.to_string())
}

/// Settings of the library's cache of object headers, at most 2 MiB instead of 32. Events are visited
/// once and in order, so what was read is never wanted again, and in memory each entry takes several
/// times what the library counts.
fn small_cache() -> MetadataCacheConfig {
    let bytes = 1 << 21;
    MetadataCacheConfig {
        set_initial_size: true,
        initial_size: bytes,
        min_size: bytes,
        max_size: bytes,
        ..MetadataCacheConfig::default()
    }
}

/// Compares the file's length with the one its superblock promises, because the library's own
/// message for a copy that was cut short does not say by how much.
fn check_superblock(path: &Path, file: &File) -> Result<(), DataError> {
    let read_error = |source| DataError::Read { path: path.to_owned(), source };
    let found = file.metadata().map_err(read_error)?.len();
    let mut head = [0u8; 56];
    let length = file.read_at(&mut head, 0).map_err(read_error)?;
    if length < 8 || &head[..8] != b"\x89HDF\r\n\x1a\n" {
        return Err(DataError::NotHdf5 { path: path.to_owned() });
    }
    let (size_of_offsets, end_at) = match head[8] {
        0 => (head[13], 40),
        1 => (head[13], 44),
        _ => (head[9], 28),
    };
    if size_of_offsets != 8 {
        return Ok(());
    }
    let end = head[end_at..end_at + 8].try_into().expect("eight bytes were cut out");
    let expected = u64::from_le_bytes(end);
    if length < head.len() || found < expected {
        return Err(DataError::Truncated { path: path.to_owned(), expected, found });
    }
    Ok(())
}

/// A 16-bit number as arrays of raw data hold it.
pub trait Cell: H5Type + Copy + Default + Send {
    /// What a data set of this type holds, in words.
    const NAME: &'static str;
    fn from_le(bytes: [u8; 2]) -> Self;
}

impl Cell for i16 {
    const NAME: &'static str = "int16";
    fn from_le(bytes: [u8; 2]) -> Self {
        i16::from_le_bytes(bytes)
    }
}

impl Cell for u16 {
    const NAME: &'static str = "uint16";
    fn from_le(bytes: [u8; 2]) -> Self {
        u16::from_le_bytes(bytes)
    }
}

/// A 2-D array of 16-bit numbers that was found in a file but not read yet.
#[derive(Clone, Debug)]
pub struct Block<T> {
    object: String,
    rows: usize,
    columns: usize,
    storage: Storage<T>,
}

#[derive(Clone, Debug)]
enum Storage<T> {
    /// Little-endian values one after the other from this byte on.
    Contiguous {
        at: u64,
    },
    Chunked {
        rows: usize,
        columns: usize,
        packing: Packing,
        chunks: Vec<Chunk>,
    },
    /// Already read through the library.
    Loaded(Vec<T>),
}

/// What was done to a chunk's bytes before they were written.
#[derive(Clone, Copy, Debug)]
struct Packing {
    shuffled: bool,
    deflated: bool,
}

#[derive(Clone, Debug)]
struct Chunk {
    row: usize,
    column: usize,
    at: u64,
    bytes: usize,
}

/// The extent an array must have, and how that is said.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub rows: Option<usize>,
    pub columns: Option<usize>,
    pub words: &'static str,
}

impl<T: Cell> Block<T> {
    /// Finds a 2-D array below `parent`, checking its type and shape.
    pub fn locate(
        file: &HdfFile,
        parent: &Group,
        name: &str,
        shape: Shape,
    ) -> Result<Block<T>, DataError> {
        let dataset = file.dataset(parent, name, shape.words)?;
        let object = object_name(parent, name);
        let dtype = dataset
            .dtype()
            .map_err(|source| file.library_error(object.clone(), "read type of", source))?;
        if !dtype.is::<T>() && type_name(&dataset) != T::NAME {
            return Err(DataError::WrongType {
                path: file.path.clone(),
                object,
                expected: T::NAME,
                found: type_name(&dataset),
            });
        }
        let dims = dataset.shape();
        let fits = |wanted: Option<usize>, found: usize| wanted.is_none_or(|size| size == found);
        let (rows, columns) = match *dims.as_slice() {
            [rows, columns] if fits(shape.rows, rows) && fits(shape.columns, columns) => {
                (rows, columns)
            }
            _ => return Err(wrong_shape(file, object, shape, &dims)),
        };
        let direct = dtype.byte_order() == ByteOrder::LittleEndian && file.library.userblock() == 0;
        let storage = match direct.then(|| direct_storage(&dataset, rows, columns)).flatten() {
            Some(Storage::Chunked { rows: height, columns: width, packing, chunks }) => {
                let steps = [height, width];
                if let Some([row, column]) = misplaced(&chunks, steps, [rows, columns]) {
                    let path = file.path.clone();
                    return Err(DataError::MisplacedChunk { path, object, row, column });
                }
                Storage::Chunked { rows: height, columns: width, packing, chunks }
            }
            Some(storage) => storage,
            None => Storage::Loaded(
                dataset
                    .as_reader()
                    .read_raw()
                    .map_err(|source| file.library_error(object.clone(), "read", source))?,
            ),
        };
        Ok(Block { object, rows, columns, storage })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the array in memory.
    pub fn bytes(&self) -> usize {
        self.rows * self.columns * 2
    }

    /// Ranges of about `wanted` rows that can be read without unpacking anything twice.
    pub fn parts(&self, wanted: usize) -> Vec<Range<usize>> {
        let step = match &self.storage {
            Storage::Chunked { rows, .. } => wanted.div_ceil(*rows) * rows,
            Storage::Contiguous { .. } | Storage::Loaded(_) => wanted,
        };
        let starts = (0..self.rows).step_by(step.max(1));
        starts.map(|start| start..self.rows.min(start + step)).collect()
    }

    /// Fetches and unpacks the whole array, without the library's lock.
    pub fn read(&self, file: &HdfFile) -> Result<Array2<T>, DataError> {
        let cells = self.read_rows(file, 0..self.rows)?;
        let shape = (self.rows, self.columns);
        Ok(Array2::from_shape_vec(shape, cells).expect("one value for each cell"))
    }

    /// Fetches and unpacks some rows, without the library's lock.
    pub fn read_rows(&self, file: &HdfFile, wanted: Range<usize>) -> Result<Vec<T>, DataError> {
        let columns = self.columns;
        match &self.storage {
            Storage::Loaded(cells) => {
                Ok(cells[wanted.start * columns..wanted.end * columns].to_vec())
            }
            Storage::Contiguous { at } => {
                let mut bytes = vec![0; wanted.len() * columns * 2];
                file.read_at(&mut bytes, at + (wanted.start * columns * 2) as u64)?;
                Ok(bytes.as_chunks().0.iter().map(|pair| T::from_le(*pair)).collect())
            }
            Storage::Chunked { rows, columns: width, packing, chunks } => {
                let mut unpacker = Unpacker::new(file, &self.object, *packing);
                let mut cells = vec![T::default(); wanted.len() * columns];
                for chunk in chunks {
                    let (first, last) = (chunk.row, chunk.row + rows);
                    let (first, last) = (first.max(wanted.start), last.min(wanted.end));
                    if first >= last {
                        continue;
                    }
                    let bytes = unpacker.unpack(chunk, rows * width * 2)?;
                    let used = (*width).min(columns - chunk.column);
                    for row in first..last {
                        let from = &bytes[(row - chunk.row) * width * 2..][..used * 2];
                        let at = (row - wanted.start) * columns + chunk.column;
                        for (cell, pair) in cells[at..at + used].iter_mut().zip(from.as_chunks().0)
                        {
                            *cell = T::from_le(*pair);
                        }
                    }
                }
                Ok(cells)
            }
        }
    }
}

fn wrong_shape(file: &HdfFile, object: String, shape: Shape, dims: &[usize]) -> DataError {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    DataError::WrongShape {
        path: file.path.clone(),
        object,
        expected: shape.words,
        found: format!("({})", dims.join(", ")),
    }
}

/// Where the array's bytes lie, when they can be read without the library.
fn direct_storage<T>(dataset: &Dataset, rows: usize, columns: usize) -> Option<Storage<T>> {
    if rows * columns == 0 {
        return Some(Storage::Loaded(Vec::new()));
    }
    let plist = dataset.dcpl().ok()?;
    if plist.layout() != Layout::Chunked {
        return dataset.offset().map(|at| Storage::Contiguous { at });
    }
    let packing = match plist.filters().as_slice() {
        [] => Packing { shuffled: false, deflated: false },
        [Filter::Shuffle] => Packing { shuffled: true, deflated: false },
        [Filter::Deflate(_)] => Packing { shuffled: false, deflated: true },
        [Filter::Shuffle, Filter::Deflate(_)] => Packing { shuffled: true, deflated: true },
        _ => return None,
    };
    let chunk = plist.chunk()?;
    let &[chunk_rows, chunk_columns] = chunk.as_slice() else {
        return None;
    };
    let mut chunks = Vec::new();
    let mut plain = true;
    dataset
        .chunks_visit(|info| {
            plain &= info.filter_mask == 0;
            chunks.push(Chunk {
                row: info.offset[0] as usize,
                column: info.offset[1] as usize,
                at: info.addr,
                bytes: info.size as usize,
            });
            0
        })
        .ok()?;
    // Chunks that were never written hold a fill value that only the library knows.
    let complete = chunks.len() == rows.div_ceil(chunk_rows) * columns.div_ceil(chunk_columns);
    (plain && complete).then_some(Storage::Chunked {
        rows: chunk_rows,
        columns: chunk_columns,
        packing,
        chunks,
    })
}

/// The place of a chunk that is not on the grid of chunks, or that another one has as well.
fn misplaced(
    chunks: &[Chunk],
    [height, width]: [usize; 2],
    [rows, columns]: [usize; 2],
) -> Option<[usize; 2]> {
    let across = columns.div_ceil(width);
    let mut taken = vec![false; chunks.len()];
    let mut is_wrong = |chunk: &&Chunk| {
        let Chunk { row, column, .. } = **chunk;
        let is_on_grid = row % height == 0 && column % width == 0;
        if !is_on_grid || row >= rows || column >= columns {
            return true;
        }
        // There are as many chunks as places on the grid.
        taken
            .get_mut(row / height * across + column / width)
            .is_none_or(|taken| std::mem::replace(taken, true))
    };
    chunks.iter().find(&mut is_wrong).map(|chunk| [chunk.row, chunk.column])
}

impl HdfFile {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> Result<(), DataError> {
        self.bytes.read_exact_at(bytes, at).map_err(|source| {
            let found = self.bytes.metadata().map_or(0, |facts| facts.len());
            let expected = at + bytes.len() as u64;
            if found < expected {
                DataError::Truncated { path: self.path.clone(), expected, found }
            } else {
                let path = self.path.clone();
                DataError::Read { path, source }
            }
        })
    }
}

/// Unpacks the chunks of one array, reusing its buffers.
struct Unpacker<'f> {
    file: &'f HdfFile,
    object: &'f str,
    packing: Packing,
    inflater: libdeflater::Decompressor,
    packed: Vec<u8>,
    inflated: Vec<u8>,
    plain: Vec<u8>,
}

impl<'f> Unpacker<'f> {
    fn new(file: &'f HdfFile, object: &'f str, packing: Packing) -> Self {
        let inflater = libdeflater::Decompressor::new();
        let (packed, inflated, plain) = (Vec::new(), Vec::new(), Vec::new());
        Unpacker { file, object, packing, inflater, packed, inflated, plain }
    }

    /// The bytes of a chunk as they were before packing; `size` is how many there must be.
    fn unpack(&mut self, chunk: &Chunk, size: usize) -> Result<&[u8], DataError> {
        self.packed.resize(chunk.bytes, 0);
        self.file.read_at(&mut self.packed, chunk.at)?;
        if self.packing.deflated {
            self.inflated.resize(size, 0);
            let length = self.inflater.zlib_decompress(&self.packed, &mut self.inflated);
            if length != Ok(size) {
                return Err(self.damaged(size));
            }
        } else if self.packed.len() == size {
            std::mem::swap(&mut self.packed, &mut self.inflated);
        } else {
            return Err(self.damaged(size));
        }
        if !self.packing.shuffled {
            return Ok(&self.inflated);
        }
        // The filter wrote all low bytes first, then all high bytes.
        self.plain.resize(size, 0);
        let (low, high) = self.inflated.split_at(size / 2);
        for ((pair, &low), &high) in self.plain.as_chunks_mut::<2>().0.iter_mut().zip(low).zip(high)
        {
            *pair = [low, high];
        }
        Ok(&self.plain)
    }

    fn damaged(&self, expected: usize) -> DataError {
        let (path, object) = (self.file.path.clone(), self.object.to_owned());
        DataError::DamagedChunk { path, object, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(places: &[[usize; 2]]) -> Option<[usize; 2]> {
        let chunk =
            |[row, column]: &[usize; 2]| Chunk { row: *row, column: *column, at: 0, bytes: 8 };
        let chunks: Vec<Chunk> = places.iter().map(chunk).collect();
        misplaced(&chunks, [4, 10], [6, 15])
    }

    #[test]
    fn a_chunk_off_its_grid_is_found() {
        assert_eq!(places(&[[0, 0], [0, 10], [4, 0], [4, 10]]), None);
        assert_eq!(places(&[[4, 10], [4, 0], [0, 10], [0, 0]]), None);
        for wrong in [[2, 0], [0, 5], [8, 0], [0, 20], [usize::MAX - 3, 0], [4, 10]] {
            assert_eq!(places(&[[4, 10], wrong, [0, 0], [0, 10]]), Some(wrong));
        }
    }
}
