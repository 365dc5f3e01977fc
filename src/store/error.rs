//! What can go wrong with the store.

use crate::fsio::error::FsError;

/// A store operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("could not use the journal")]
    File(#[from] FsError),
    /// The journal was written by a newer version: reading it is fine, writing to it is not.
    #[error("the journal in `{path}` was written by a newer attpc")]
    NewerFormat { path: String },
    /// A frame that was whole before does not have its checksum any more.
    #[error("the journal is damaged at {at}")]
    Damaged { at: Position },
    /// An entry that no honest writer makes.
    #[error("a journal entry of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("could not encode a journal entry")]
    Encode { source: postcard::Error },
    /// The disk refused to make earlier writes durable; nobody knows any more what is on it.
    #[error("the journal failed before and takes no more entries")]
    Failed,
}

/// Where a frame begins: the segment's number and the offset in its file.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Position {
    pub segment: u32,
    pub offset: u64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "segment {:06} byte {}", self.segment, self.offset)
    }
}
