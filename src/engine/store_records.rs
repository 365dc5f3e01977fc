//! The store as the answerer of questions about the past.

use std::sync::{Mutex, MutexGuard};

use crate::engine::error::EngineError;
use crate::engine::project::Project;
use crate::engine::survey::Records;
use crate::model::digest::Digest;
use crate::model::event::{Failure, FailureKind};
use crate::model::record::{Record, Seen};
use crate::store::history::History;
use crate::store::ledger::Store;

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
    fn latest(&self, target: &str) -> Result<Option<Record>, EngineError> {
        StoreView(&self.0).latest(target)
    }

    fn by_key(&self, key: &Digest) -> Result<Option<Record>, EngineError> {
        StoreView(&self.0).by_key(key)
    }

    fn failure(&self, target: &str) -> Result<Option<String>, EngineError> {
        StoreView(&self.0).failure(target)
    }

    fn seen(&self, path: &str) -> Option<Seen> {
        StoreView(&self.0).seen(path)
    }
}

/// A borrowed store.
pub(super) struct StoreView<'s>(pub(super) &'s Mutex<Store>);

impl StoreView<'_> {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().expect("no thread panics while it holds the store")
    }
}

impl Records for StoreView<'_> {
    fn latest(&self, target: &str) -> Result<Option<Record>, EngineError> {
        Ok(self.store().latest(target)?)
    }

    fn by_key(&self, key: &Digest) -> Result<Option<Record>, EngineError> {
        Ok(self.store().by_key(key)?)
    }

    fn failure(&self, target: &str) -> Result<Option<String>, EngineError> {
        Ok(self.store().last_failure(target)?.and_then(|failure| status_of(&failure.failure)))
    }

    fn seen(&self, path: &str) -> Option<Seen> {
        self.store().seen(path).filter(|sighting| !sighting.racy).map(|sighting| sighting.seen)
    }
}

/// The past as the journal alone tells it. It knows no digests of files that no action made, and
/// finds records by target only: a record of another target with the same key says nothing about
/// what lies in this one's place.
impl Records for History {
    fn latest(&self, target: &str) -> Result<Option<Record>, EngineError> {
        Ok(History::latest(self, target)?)
    }

    fn by_key(&self, _key: &Digest) -> Result<Option<Record>, EngineError> {
        Ok(None)
    }

    fn failure(&self, target: &str) -> Result<Option<String>, EngineError> {
        Ok(self.last_failure(target)?.and_then(|failure| status_of(&failure.failure)))
    }

    fn seen(&self, _path: &str) -> Option<Seen> {
        None
    }
}

/// The status of a failure; `None` of one that somebody asked for by stopping the build.
fn status_of(failure: &str) -> Option<String> {
    match serde_json::from_str::<Failure>(failure) {
        Ok(failure) if failure.kind == FailureKind::Cancelled => None,
        Ok(failure) => Some(failure.status),
        Err(_) => Some("failed".to_owned()),
    }
}
