//! Looking the store over, and making its index again.

use std::path::Path;

use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::store::error::StoreError;
use crate::store::history::History;
use crate::store::ledger::{INDEX, Store};
use crate::store::report::{Findings, Report};

/// What a look over the journal found. Every entry was read and its check verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub findings: Findings,
    /// Commits in the journal.
    pub records: u64,
    /// Targets whose record could not be read back, which only damage explains.
    pub unreadable: Vec<String>,
}

impl Check {
    /// True when nothing is wrong. A torn end counts as fine: it is what a crash leaves, or a
    /// build that is writing, and nothing acknowledged is in it.
    pub fn is_sound(&self) -> bool {
        self.findings.damage.is_empty() && self.unreadable.is_empty()
    }
}

/// Reads the whole journal and every record that counts. Takes no lock and changes nothing.
pub fn check(state_directory: impl AsRef<Path>) -> Result<Check, StoreError> {
    let history = History::read(state_directory)?;
    let damaged = |target: &&str| history.latest(target).is_err();
    let mut unreadable: Vec<String> =
        history.targets().filter(damaged).map(str::to_owned).collect();
    unreadable.sort();
    Ok(Check { findings: history.findings().clone(), records: history.records(), unreadable })
}

/// Throws the index away and makes it again from the journal. What was seen of files is forgotten,
/// so the next build reads them again. The caller must hold the project's lock.
pub fn rebuild(state_directory: impl AsRef<Path>) -> Result<Report, StoreError> {
    let path = state_directory.as_ref();
    let state = Tree::create(path).map_err(FsError::io("open", path.to_string_lossy()))?;
    state.remove(INDEX)?;
    let (store, report) = Store::open(path)?;
    store.close()?;
    Ok(report)
}
