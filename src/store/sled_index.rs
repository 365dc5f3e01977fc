//! The index on disk, in a sled database.
//!
//! What is known of sled 0.34 shapes this file: it survives the death of its process, but not a
//! power cut unless its files are synced by somebody else; it may panic on damaged files, when
//! they are opened or later; one process may have it open.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::store::index::{Change, Index, IndexError};

/// Bytes of pages that sled keeps in memory.
const CACHE_BYTES: u64 = 16 << 20;

/// How often and after which pause a locked database is tried again. Builds have a lock of their
/// own, so who holds this one is a child between its fork and its start, for a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// True when another process has the database open. The library has no kind of its own for it.
fn is_locked(error: &IndexError) -> bool {
    matches!(error, IndexError::Sled(sled::Error::Io(error)) if error.to_string().contains("lock"))
}

/// An open sled database; one tree of it is used, since a batch is atomic within one only.
pub(in crate::store) struct SledIndex {
    database: Option<sled::Db>,
}

impl SledIndex {
    /// Opens or creates the database.
    pub(in crate::store) fn open(path: &Path) -> Result<SledIndex, IndexError> {
        let config =
            sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let mut database = guarded(|| config.open());
        for _ in 0..LOCK_TRIES {
            if !database.as_ref().is_err_and(is_locked) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            database = guarded(|| config.open());
        }
        Ok(SledIndex { database: Some(database?) })
    }

    fn database(&self) -> &sled::Db {
        self.database.as_ref().expect("the database is taken out only when dropped")
    }
}

impl Index for SledIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        guarded(|| self.database().get(key)).map(|value| value.map(|value| value.to_vec()))
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded(|| self.database().apply_batch(batch))
    }

    fn visit(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), IndexError> {
        guarded(|| {
            for entry in self.database().scan_prefix(prefix) {
                let (key, value) = entry?;
                each(&key, &value);
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), IndexError> {
        guarded(|| self.database().flush()).map(|_| ())
    }
}

impl Drop for SledIndex {
    fn drop(&mut self) {
        let database = self.database.take();
        // Closing writes, and may break down on damaged files as everything else; there is nobody
        // left to tell, and the next opening will find out.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

/// Runs a call into sled and turns a panic into an error, because damage on the disk must cost us
/// the index and not the build.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(IndexError::BrokeDown { message: text.unwrap_or("for no known reason").to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::keeps_the_contract;

    #[test]
    fn the_sled_index_keeps_the_contract() {
        let space = tempfile::tempdir().unwrap();
        keeps_the_contract(&SledIndex::open(&space.path().join("store")).unwrap());
    }

    #[test]
    fn what_was_applied_is_there_after_reopening() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("store");
        let index = SledIndex::open(&path).unwrap();
        index.apply(vec![(b"k".to_vec(), Some(b"v".to_vec()))]).unwrap();
        index.flush().unwrap();
        assert!(SledIndex::open(&path).is_err(), "one opener at a time");
        drop(index);
        assert_eq!(SledIndex::open(&path).unwrap().get(b"k").unwrap(), Some(b"v".to_vec()));
    }

    #[test]
    fn a_file_in_place_of_the_database_is_an_error() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("store");
        std::fs::write(&path, "not a database").unwrap();
        assert!(SledIndex::open(&path).is_err());
    }
}
