//! What can be wrong with a file of data: each variant names file, object and expectation.

use std::path::PathBuf;

/// A file that cannot be read or written as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("cannot open `{}`", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("not an HDF5 file, its signature is missing: `{}`", path.display())]
    NotHdf5 { path: PathBuf },
    #[error("truncated file, expected {expected} bytes, found {found}: `{}`", path.display())]
    Truncated { path: PathBuf, expected: u64, found: u64 },
    #[cfg(feature = "hdf5")]
    #[error("cannot {doing} `{object}` in `{}`", path.display())]
    Library { path: PathBuf, object: String, doing: &'static str, source: hdf5::Error },
    #[error("no raw run of a known layout, expected {expected}, found {found}: `{}`", path.display())]
    UnknownLayout { path: PathBuf, expected: &'static str, found: String },
    #[error("missing `{object}`, expected {expected}: `{}`", path.display())]
    MissingObject { path: PathBuf, object: String, expected: &'static str },
    #[error("`{object}` holds {found}, expected {expected}: `{}`", path.display())]
    WrongType { path: PathBuf, object: String, expected: &'static str, found: String },
    #[error("`{object}` has shape {found}, expected {expected}: `{}`", path.display())]
    WrongShape { path: PathBuf, object: String, expected: &'static str, found: String },
    #[error("no event `{event}`, expected events `{first}` to `{last}`: `{}`", path.display())]
    EventOutOfRange { path: PathBuf, event: u64, first: u64, last: i128 },
    #[error("event `{event}` is missing, expected `{object}`: `{}`", path.display())]
    MissingEvent { path: PathBuf, event: u64, object: String },
    #[error("`{object}` is damaged, a chunk of {expected} bytes does not unpack: `{}`", path.display())]
    DamagedChunk { path: PathBuf, object: String, expected: usize },
    #[error(
        "`{object}` is damaged, a chunk is said to lie at ({row}, {column}) where none begins: `{}`",
        path.display()
    )]
    MisplacedChunk { path: PathBuf, object: String, row: usize, column: usize },
    #[error("line {line} of a table is `{found}`, expected {expected}: `{}`", path.display())]
    TableLine { path: PathBuf, line: usize, found: String, expected: String },
    #[error("table has {found} rows, expected {expected}: `{}`", path.display())]
    TableRows { path: PathBuf, found: usize, expected: String },
    #[error("line {line} is not JSON: `{}`", path.display())]
    Json { path: PathBuf, line: usize, source: serde_json::Error },
    #[error("`{field}` is {found}, expected {expected}: `{}`", path.display())]
    Field { path: PathBuf, field: String, found: String, expected: &'static str },
    #[error("not {expected}: `{}`", path.display())]
    Document { path: PathBuf, expected: &'static str, source: serde_json::Error },
    #[error("cannot write table `{}`", path.display())]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
    #[error("cannot read table `{}`", path.display())]
    ReadParquet { path: PathBuf, source: parquet::errors::ParquetError },
}
