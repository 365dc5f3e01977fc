//! Caches in a single file each: written as a whole, checked as a whole, lost without harm.
//!
//! A blob is `magic 8 | check 32 | payload`; the check covers the blob's kind and version too, so a
//! file of another kind, or of an older program, reads as nothing.

use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;

const MAGIC: [u8; 8] = *b"attpcblb";
const HEADER_BYTES: usize = 40;

/// What a blob holds and in which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobKind {
    pub name: &'static str,
    pub version: u32,
}

/// Whether to wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After a power cut the blob may be the old one, the new one or nothing.
    Lazy,
    /// The blob is on the disk when the call returns.
    Durable,
}

/// Replaces a blob.
pub fn write(
    tree: &Tree,
    path: &str,
    content: (BlobKind, &[u8]),
    durability: Durability,
) -> Result<(), FsError> {
    let (kind, payload) = content;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&check_of(kind, payload));
    bytes.extend_from_slice(payload);
    match durability {
        Durability::Lazy => tree.write_cache(path, &bytes),
        Durability::Durable => tree.write_atomic(path, &bytes),
    }
}

/// Reads a blob; `None` when there is none of this kind and version, or when it is damaged.
pub fn read(tree: &Tree, path: &str, kind: BlobKind) -> Option<Vec<u8>> {
    let mut bytes = tree.read(path).ok()?;
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(&MAGIC) {
        return None;
    }
    if bytes[8..HEADER_BYTES] != check_of(kind, &bytes[HEADER_BYTES..]) {
        return None;
    }
    bytes.drain(..HEADER_BYTES);
    Some(bytes)
}

fn check_of(kind: BlobKind, payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(kind.name.len() as u64).to_le_bytes());
    hasher.update(kind.name.as_bytes());
    hasher.update(&kind.version.to_le_bytes());
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: BlobKind = BlobKind { name: "graph", version: 3 };

    #[test]
    fn a_blob_comes_back_whole_or_not_at_all() {
        let space = tempfile::tempdir().unwrap();
        let tree = Tree::open(space.path()).unwrap();
        assert_eq!(read(&tree, "b", KIND), None);
        write(&tree, "b", (KIND, b"payload"), Durability::Lazy).unwrap();
        assert_eq!(read(&tree, "b", KIND).unwrap(), b"payload");
        assert_eq!(read(&tree, "b", BlobKind { version: 4, ..KIND }), None);
        assert_eq!(read(&tree, "b", BlobKind { name: "other", ..KIND }), None);
        let whole = tree.read("b").unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            tree.write_cache("b", &flipped).unwrap();
            assert_eq!(read(&tree, "b", KIND), None, "byte {at} flipped");
            tree.write_cache("b", &whole[..at]).unwrap();
            assert_eq!(read(&tree, "b", KIND), None, "cut at {at}");
        }
        write(&tree, "b", (KIND, b""), Durability::Durable).unwrap();
        assert_eq!(read(&tree, "b", KIND).unwrap(), b"");
    }
}
