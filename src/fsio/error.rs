//! What can go wrong with a file: the operation, the path and the cause.

use std::io;

/// A file operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The system refused; `source` says why (no space, read-only, no permission, ...).
    #[error("could not {operation} `{path}`")]
    Io { operation: &'static str, path: String, source: io::Error },
    /// The file was written to each time it was read: its digest would describe no state of it.
    #[error("`{path}` changes while it is read")]
    ChangedWhileRead { path: String },
    /// A socket, device or fifo stands where an artifact should.
    #[error("`{path}` is neither a file nor a directory")]
    NotAnArtifact { path: String },
    /// The whole project or the root of the file system was named where one artifact is meant.
    #[error("`{path}` is no place for an artifact")]
    NotBelowProject { path: String },
    /// The file system knows no advisory locks, so two builds could not see each other.
    #[error("the file system of `{path}` has no working locks")]
    NoLocks { path: String, source: io::Error },
}

impl FsError {
    /// Binds an operation and a path to a system error, for `map_err`.
    pub fn io<E: Into<io::Error>>(
        operation: &'static str,
        path: impl Into<String>,
    ) -> impl FnOnce(E) -> FsError {
        let path = path.into();
        move |source| FsError::Io { operation, path, source: source.into() }
    }

    /// The kind of the underlying system error, where there is one.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            FsError::Io { source, .. } | FsError::NoLocks { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}
