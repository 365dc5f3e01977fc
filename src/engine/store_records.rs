//! The store as the answerer of questions about the past.

use std::sync::Mutex;

use crate::engine::error::EngineError;
use crate::engine::project::Project;
use crate::engine::survey::Records;
use crate::model::digest::Digest;
use crate::model::event::Failure;
use crate::model::record::{Record, Seen};
use crate::store::{History, Store};

/// The store, opened by whoever holds the lock.
pub(super) struct StoreRecords(Mutex<Store>);

impl StoreRecords {
    pub(super) fn open(project: &Project) -> Result<StoreRecords, EngineError> {
        let (store, _report) = Store::open(&project.state)?;
        Ok(StoreRecords(Mutex::new(store)))
    }

    pub(super) fn into_store(self) -> Mutex<Store> {
        self.0
    }
}

impl Records for StoreRecords {
    fn latest(&self, target: &str) -> Option<Record> {
        StoreView(&self.0).latest(target)
    }

    fn by_key(&self, key: &Digest) -> Option<Record> {
        StoreView(&self.0).by_key(key)
    }

    fn failure(&self, target: &str) -> Option<String> {
        StoreView(&self.0).failure(target)
    }

    fn seen(&self, path: &str) -> Option<Seen> {
        StoreView(&self.0).seen(path)
    }
}

/// A borrowed store.
pub(super) struct StoreView<'s>(pub(super) &'s Mutex<Store>);

impl Records for StoreView<'_> {
    fn latest(&self, target: &str) -> Option<Record> {
        self.0.lock().expect("no thread panics while it holds the store").latest(target)
    }

    fn by_key(&self, key: &Digest) -> Option<Record> {
        self.0.lock().expect("no thread panics while it holds the store").by_key(key)
    }

    fn failure(&self, target: &str) -> Option<String> {
        let store = self.0.lock().expect("no thread panics while it holds the store");
        store.last_failure(target).map(|failure| status_of(&failure.failure))
    }

    fn seen(&self, path: &str) -> Option<Seen> {
        let store = self.0.lock().expect("no thread panics while it holds the store");
        store.seen(path).filter(|seen| !seen.racy).map(|seen| seen.seen)
    }
}

impl Records for History {
    fn latest(&self, target: &str) -> Option<Record> {
        History::latest(self, target).cloned()
    }

    fn by_key(&self, key: &Digest) -> Option<Record> {
        History::by_key(self, key).cloned()
    }

    fn failure(&self, target: &str) -> Option<String> {
        self.last_failure(target).map(|failure| status_of(&failure.failure))
    }

    fn seen(&self, _path: &str) -> Option<Seen> {
        None
    }
}

fn status_of(failure: &str) -> String {
    serde_json::from_str::<Failure>(failure).map_or_else(|_| "failed".to_owned(), |f| f.status)
}
