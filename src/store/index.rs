//! The index: small values by key, somewhere, quickly found. Two kinds that pass one contract.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What can go wrong with an index. None of it costs a result: the journal has everything.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum IndexError {
    #[error("the index cannot be used")]
    Sled(#[from] sled::Error),
    /// The library gave up on what it read from the disk.
    #[error("the index broke down: {message}")]
    BrokeDown { message: String },
    /// The disk refused the note that the index is about to be opened.
    #[error("the index cannot be opened in order")]
    NotMarked,
    /// A value does not have the check it was stored with.
    #[error("the index holds a damaged value")]
    Damaged,
}

/// One change of an index: a new value for a key, or `None` to take it out.
pub(in crate::store) type Change = (Vec<u8>, Option<Vec<u8>>);

/// Small values by key, in the order of the keys' bytes.
pub(in crate::store) trait Index: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError>;

    /// Makes all changes, or, should the process die meanwhile, none.
    fn apply(&self, changes: Vec<Change>) -> Result<(), IndexError>;

    /// Calls `each` with every key that begins with `prefix`, in order.
    fn visit(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), IndexError>;

    /// Hands everything to the operating system.
    fn flush(&self) -> Result<(), IndexError>;
}

/// The index for tests, and for a project whose disk index cannot be used: it starts empty.
#[derive(Default)]
pub(in crate::store) struct MemoryIndex {
    values: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Index for MemoryIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), IndexError> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        Ok(())
    }

    fn visit(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), IndexError> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let from = values.range(prefix.to_vec()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).for_each(|(key, value)| {
            each(key, value);
        });
        Ok(())
    }

    fn flush(&self) -> Result<(), IndexError> {
        Ok(())
    }
}

/// What every index must do; its tests call this with an empty one.
#[cfg(test)]
pub(in crate::store) fn keeps_the_contract(index: &dyn Index) {
    let put = |key: &str, value: &str| (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()));
    let take = |key: &str| (key.as_bytes().to_vec(), None);
    let listed = |prefix: &str| {
        let mut found = Vec::new();
        let mut each = |key: &[u8], value: &[u8]| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            found.push(format!("{}={}", text(key), text(value)));
        };
        index.visit(prefix.as_bytes(), &mut each).unwrap();
        found
    };
    assert_eq!(index.get(b"a").unwrap(), None);
    index.apply(vec![]).unwrap();
    index.apply(vec![put("tb", "2"), put("ta", "1"), put("u", "3"), put("t", "")]).unwrap();
    assert_eq!(index.get(b"ta").unwrap(), Some(b"1".to_vec()));
    assert_eq!(index.get(b"t").unwrap(), Some(Vec::new()));
    assert_eq!(listed("t"), ["t=", "ta=1", "tb=2"]);
    assert_eq!(listed(""), ["t=", "ta=1", "tb=2", "u=3"]);
    index.apply(vec![put("ta", "4"), take("tb"), take("absent")]).unwrap();
    assert_eq!(listed("t"), ["t=", "ta=4"]);
    index.apply(vec![put("x", "1"), put("x", "2"), put("y", "1"), take("y")]).unwrap();
    assert_eq!(listed("x"), ["x=2"], "the last change of a key counts");
    assert_eq!(index.get(b"y").unwrap(), None);
    let big = "v".repeat(100_000);
    index.apply((0..500).map(|n| put(&format!("n{n:03}"), &big[..n])).collect()).unwrap();
    assert_eq!(index.get(b"n499").unwrap().unwrap().len(), 499);
    index.apply(vec![put("big", &big)]).unwrap();
    assert_eq!(index.get(b"big").unwrap().unwrap().len(), big.len());
    index.flush().unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_index_keeps_the_contract() {
        keeps_the_contract(&MemoryIndex::default());
    }
}
