//! NumPy's `.npy` files of real numbers: mapped for reading, streamed for writing.
//!
//! The format is that of NumPy Enhancement Proposal 1, versions 1.0 to 3.0. Only `<f4` and `<f8`
//! are read, in C or Fortran order, because nothing else of the chain is kept in this form. Reading
//! maps the file, so that workers on one machine share its memory; a file whose numbers are not
//! aligned is copied instead.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::map::MappedFile;

const MAGIC: &[u8] = b"\x93NUMPY";
/// What the header is padded to, so that mapped numbers are aligned.
const ALIGNMENT: usize = 64;
/// The longest header that is looked at; NumPy itself stops at the same length.
const HEADER_MOST: usize = 10_000;
/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Numbers that are brought into the form of the file together.
const PART: usize = 1 << 13;

/// Type of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `<f4`
    Single,
    /// `<f8`
    Double,
}

impl Precision {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Precision::Single => 4,
            Precision::Double => 8,
        }
    }

    /// NumPy's name.
    pub fn descr(self) -> &'static str {
        match self {
            Precision::Single => "<f4",
            Precision::Double => "<f8",
        }
    }
}

/// What a file's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    pub precision: Precision,
    /// True when the first index is the innermost in the file.
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

impl NpyHeader {
    /// Number of numbers.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True for an array without numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The header as it stands in a file, with all that is before the first number.
    fn bytes(&self) -> Vec<u8> {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let shape = match sizes.as_slice() {
            [one] => format!("({one},)"),
            more => format!("({})", more.join(", ")),
        };
        let order = if self.fortran_order { "True" } else { "False" };
        let descr = self.precision.descr();
        let mut text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        let before = MAGIC.len() + 4;
        let total = (before + text.len() + 1).next_multiple_of(ALIGNMENT);
        text.push_str(&" ".repeat(total - before - text.len() - 1));
        text.push('\n');
        let length = u16::try_from(text.len()).expect("a header of few sizes is short");
        [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
    }
}

/// The numbers of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numbers<'a> {
    Single(&'a [f32]),
    Double(&'a [f64]),
}

enum Content {
    Mapped { map: MappedFile, start: usize },
    Single(Vec<f32>),
    Double(Vec<f64>),
}

/// A file that is open for reading.
pub struct NpyFile {
    header: NpyHeader,
    content: Content,
}

impl NpyFile {
    /// Maps a file and checks that it is complete.
    pub fn open(path: &Path) -> Result<NpyFile, DataError> {
        let size = std::fs::metadata(path)
            .map_err(|source| DataError::Open { path: path.to_owned(), source })?
            .len();
        if size < (MAGIC.len() + 4) as u64 {
            return Err(not_npy(path, format!("{size} bytes")));
        }
        let map = MappedFile::open(path)?;
        let (header, start) = parse(map.bytes()).map_err(|found| not_npy(path, found))?;
        let wanted = header
            .shape
            .iter()
            .try_fold(header.precision.size(), |product, size| product.checked_mul(*size))
            .and_then(|bytes| bytes.checked_add(start))
            .ok_or_else(|| not_npy(path, format!("shape {:?}", header.shape)))?;
        if map.bytes().len() < wanted {
            let (expected, found) = (wanted as u64, map.bytes().len() as u64);
            return Err(DataError::Truncated { path: path.to_owned(), expected, found });
        }
        let aligned = start % header.precision.size() == 0;
        let content = match header.precision {
            _ if aligned && cfg!(target_endian = "little") => Content::Mapped { map, start },
            Precision::Single => {
                Content::Single(copied(&map.bytes()[start..wanted], |b| f32::from_le_bytes(b)))
            }
            Precision::Double => {
                Content::Double(copied(&map.bytes()[start..wanted], |b| f64::from_le_bytes(b)))
            }
        };
        Ok(NpyFile { header, content })
    }

    /// What the header says.
    pub fn header(&self) -> &NpyHeader {
        &self.header
    }

    /// All numbers, in the order of the file.
    pub fn numbers(&self) -> Numbers<'_> {
        let count = self.header.len();
        match (&self.content, self.header.precision) {
            (Content::Mapped { map, start }, Precision::Single) => {
                let numbers = map.singles(*start).expect("the start was found aligned");
                Numbers::Single(&numbers[..count])
            }
            (Content::Mapped { map, start }, Precision::Double) => {
                let numbers = map.doubles(*start).expect("the start was found aligned");
                Numbers::Double(&numbers[..count])
            }
            (Content::Single(numbers), _) => Numbers::Single(numbers),
            (Content::Double(numbers), _) => Numbers::Double(numbers),
        }
    }
}

fn copied<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| number(*chunk)).collect()
}

fn not_npy(path: &Path, found: String) -> DataError {
    let object = "NumPy header".to_owned();
    let expected = "an array of little-endian f4 or f8";
    DataError::WrongType { path: path.to_owned(), object, expected, found }
}

/// Header and offset of the first number; in words what was found instead.
fn parse(bytes: &[u8]) -> Result<(NpyHeader, usize), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("no NumPy signature")?;
    let (length, before) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), MAGIC.len() + 4),
        [2 | 3, _, a, b, c, d, ..] => {
            (u32::from_le_bytes([*a, *b, *c, *d]) as usize, MAGIC.len() + 6)
        }
        _ => return Err(format!("version {}", rest.first().copied().unwrap_or(0))),
    };
    if length > HEADER_MOST {
        return Err(format!("a header of {length} bytes"));
    }
    let text = bytes.get(before..before + length).ok_or("a header that ends early")?;
    let text = String::from_utf8_lossy(text);
    let descr = field(&text, "descr").unwrap_or_default();
    let precision = match descr.trim_matches(['\'', '"']) {
        "<f4" => Precision::Single,
        "<f8" => Precision::Double,
        other => return Err(format!("type {other}")),
    };
    let fortran_order = match field(&text, "fortran_order") {
        Some("True") => true,
        Some("False") => false,
        other => return Err(format!("fortran_order {}", other.unwrap_or("missing"))),
    };
    let shape = field(&text, "shape").unwrap_or_default();
    let sizes = shape.trim_start_matches('(').split(',').map(str::trim);
    let shape: Option<Vec<usize>> =
        sizes.filter(|size| !size.is_empty()).map(|size| size.parse().ok()).collect();
    let shape = shape.ok_or_else(|| format!("header {}", text.trim()))?;
    Ok((NpyHeader { precision, fortran_order, shape }, before + length))
}

/// The text of a value in the header's Python dictionary; a tuple without its closing bracket.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let at = text.find(&format!("'{name}'"))? + name.len() + 2;
    let value = text[at..].trim_start().strip_prefix(':')?.trim_start();
    let end = if value.starts_with('(') { value.find(')')? } else { value.find([',', '}'])? };
    Some(value[..end].trim())
}

/// A file that is being written, in the order of its bytes or in pieces at given places.
pub struct NpyWriter {
    path: PathBuf,
    file: BufWriter<File>,
    header: NpyHeader,
    start: usize,
    written: usize,
    /// Numbers in the form of the file, on their way there.
    bytes: Vec<u8>,
}

impl NpyWriter {
    /// Makes the file and writes its header.
    pub fn create(path: &Path, header: NpyHeader) -> Result<NpyWriter, DataError> {
        let failed = |source| DataError::Write { path: path.to_owned(), source };
        let mut file = BufWriter::with_capacity(BUFFER, File::create(path).map_err(failed)?);
        let bytes = header.bytes();
        file.write_all(&bytes).map_err(failed)?;
        Ok(NpyWriter {
            path: path.to_owned(),
            file,
            header,
            start: bytes.len(),
            written: 0,
            bytes: Vec::new(),
        })
    }

    /// Appends numbers, rounded to the file's precision.
    pub fn write(&mut self, numbers: &[f64]) -> Result<(), DataError> {
        self.written += numbers.len();
        for part in numbers.chunks(PART) {
            self.bytes.clear();
            for number in part {
                match self.header.precision {
                    Precision::Single => self.bytes.extend((*number as f32).to_le_bytes()),
                    Precision::Double => self.bytes.extend(number.to_le_bytes()),
                }
            }
            self.file
                .write_all(&self.bytes)
                .map_err(|source| DataError::Write { path: self.path.clone(), source })?;
        }
        Ok(())
    }

    /// Goes on at the number with this index, in the order of the file.
    pub fn seek(&mut self, index: usize) -> Result<(), DataError> {
        let offset = self.start + index * self.header.precision.size();
        self.file
            .seek(SeekFrom::Start(offset as u64))
            .map(drop)
            .map_err(|source| DataError::Write { path: self.path.clone(), source })
    }

    /// Ends the file.
    ///
    /// # Panics
    /// When another number of numbers was written than the header says, which is a mistake of the
    /// caller.
    pub fn finish(mut self) -> Result<(), DataError> {
        assert_eq!(self.written, self.header.len(), "all numbers of the array are written");
        self.file.flush().map_err(|source| DataError::Write { path: self.path.clone(), source })
    }
}

/// Writes a whole array at once; `numbers` are in C order.
pub fn write_npy(path: &Path, shape: &[usize], numbers: &[f64]) -> Result<(), DataError> {
    let header =
        NpyHeader { precision: Precision::Double, fortran_order: false, shape: shape.to_vec() };
    let mut writer = NpyWriter::create(path, header)?;
    writer.write(numbers)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        std::fs::write(&path, bytes).unwrap();
        let place = path.display().to_string();
        NpyFile::open(&path).err().unwrap().to_string().replace(&place, "PATH")
    }

    #[test]
    fn numbers_come_back_in_both_precisions_and_orders() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        for (precision, fortran_order) in [(Precision::Single, true), (Precision::Double, false)] {
            let header = NpyHeader { precision, fortran_order, shape: vec![2, 3] };
            let mut writer = NpyWriter::create(&path, header.clone()).unwrap();
            writer.seek(4).unwrap();
            writer.write(&[4.5, 5.5]).unwrap();
            writer.seek(0).unwrap();
            writer.write(&[0.5, 1.5, 2.5, 3.5]).unwrap();
            writer.finish().unwrap();
            let file = NpyFile::open(&path).unwrap();
            assert_eq!(*file.header(), header);
            match file.numbers() {
                Numbers::Single(n) => assert_eq!(n, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]),
                Numbers::Double(n) => assert_eq!(n, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]),
            }
        }
    }

    #[test]
    fn a_header_has_the_bytes_that_numpy_writes() {
        let header =
            NpyHeader { precision: Precision::Double, fortran_order: false, shape: vec![3] };
        let bytes = header.bytes();
        assert_eq!(bytes.len(), 128);
        assert!(bytes.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
        ));
        assert_eq!(bytes[127], b'\n');
    }

    #[test]
    fn an_unaligned_file_of_version_2_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let text = "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 2), }\n";
        let length = (text.len() as u32).to_le_bytes();
        let numbers = [1.25f64.to_le_bytes(), (-3.0f64).to_le_bytes()].concat();
        let bytes = [MAGIC, &[2, 0], &length, text.as_bytes(), &numbers].concat();
        std::fs::write(&path, bytes).unwrap();
        let file = NpyFile::open(&path).unwrap();
        assert!(file.header().fortran_order);
        assert_eq!(file.numbers(), Numbers::Double(&[1.25, -3.0]));
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let kind = "`NumPy header` holds";
        let expected = "expected an array of little-endian f4 or f8: `PATH`";
        assert_eq!(refused(b""), format!("{kind} 0 bytes, {expected}"));
        assert_eq!(
            refused(b"not an array at all"),
            format!("{kind} no NumPy signature, {expected}")
        );
        let text = b"{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n";
        let ints = [MAGIC, &[1, 0, text.len() as u8, 0], text, &[0; 16]].concat();
        assert_eq!(refused(&ints), format!("{kind} type <i8, {expected}"));
        let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
        let cut = [MAGIC, &[1, 0, text.len() as u8, 0], text, &[0; 7]].concat();
        assert_eq!(refused(&cut), "truncated file, expected 76 bytes, found 75: `PATH`");
    }
}
