//! What the last build knew of every artifact, in one compact file: the licence of a no-op build
//! to read no record and hash no content.
//!
//! It is a cache of facts that stay true: "this path with this stamp had this digest", and "with
//! these digests, this action was fresh". Losing it costs time, never a result.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::engine::facts::Facts;
use crate::engine::project::Project;
use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::graph::{ActionId, ArtifactId, Graph};
use crate::model::digest::Digest;
use crate::model::record::Seen;
use crate::model::stamp::Stamp;
use crate::store::blob::{self, BlobKind, Durability};

/// Another layout is another version and reads as absent.
const KIND: BlobKind = BlobKind { name: "attpc snapshot", version: 2 };

#[derive(Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    digest: Digest,
    /// False when the stamp cannot vouch for the digest.
    trusted: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// The graph whose artifact and action numbers are used.
    graph: Digest,
    entries: Vec<Option<Entry>>,
    clean: Vec<bool>,
    /// Discovered inputs of clean actions.
    discovered: Vec<(u32, Seen)>,
}

/// A snapshot bound to the graph at hand.
pub(super) struct Snapshot {
    stored: Stored,
    /// `None` when the snapshot is of this very graph and numbers agree.
    by_path: Option<HashMap<String, usize>>,
}

impl Snapshot {
    /// Reads the snapshot of a project, if there is one.
    pub(super) fn read(project: &Project, tree: &Tree, graph: Digest) -> Option<Snapshot> {
        let bytes = blob::read(tree, &project.shown(&project.snapshot()), KIND)?;
        let (stored, rest) = postcard::take_from_bytes::<Stored>(&bytes).ok()?;
        if stored.graph == graph {
            return Some(Snapshot { stored, by_path: None });
        }
        // Paths come last, because the common case has no use for them.
        let paths: Vec<String> = postcard::from_bytes(rest).ok()?;
        let by_path = paths.into_iter().enumerate().map(|(at, path)| (path, at)).collect();
        Some(Snapshot { stored, by_path: Some(by_path) })
    }

    fn entry(&self, artifact: ArtifactId, path: &str) -> Option<&Entry> {
        let at = match &self.by_path {
            None => artifact.index(),
            Some(by_path) => *by_path.get(path)?,
        };
        self.stored.entries[at].as_ref()
    }

    pub(super) fn vouched(
        &self,
        artifact: ArtifactId,
        path: &str,
        stamp: &Stamp,
    ) -> Option<Digest> {
        let entry = self.entry(artifact, path)?;
        (entry.trusted && entry.stamp.vouches_for(stamp)).then_some(entry.digest)
    }

    /// True when the action was fresh with the digests that the snapshot holds; numbers of another
    /// graph mean nothing.
    pub(super) fn was_clean(&self, action: ActionId) -> bool {
        self.by_path.is_none() && self.stored.clean[action.index()]
    }

    /// Discovered inputs of actions that were clean.
    pub(super) fn discovered(&self) -> impl Iterator<Item = (ActionId, &Seen)> {
        let same_graph = self.by_path.is_none();
        let all = self.stored.discovered.iter().filter(move |_| same_graph);
        all.map(|(action, seen)| (ActionId(*action), seen))
    }
}

/// What a build leaves behind for the next one.
pub(super) struct Outcome<'o> {
    pub(super) graph: &'o Graph,
    pub(super) identity: Digest,
    pub(super) facts: &'o Facts,
    pub(super) before: Option<&'o Snapshot>,
    /// For each action whether it is known to be fresh now; `None` when nobody asked.
    pub(super) fresh: &'o [Option<bool>],
    /// Discovered inputs of actions that are fresh now.
    pub(super) discovered: Vec<(ActionId, Seen)>,
}

impl Outcome<'_> {
    /// Writes the snapshot atomically.
    pub(super) fn write(&self, project: &Project, tree: &Tree) -> Result<(), FsError> {
        let entries: Vec<Option<Entry>> =
            self.graph.artifacts().map(|artifact| self.entry(artifact)).collect();
        let clean: Vec<bool> = (0..self.graph.action_count() as u32)
            .map(|action| self.is_clean(ActionId(action), &entries))
            .collect();
        let mut discovered: Vec<(u32, Seen)> =
            self.discovered.iter().map(|(action, seen)| (action.0, seen.clone())).collect();
        let carried = self.before.into_iter().flat_map(Snapshot::discovered);
        let unasked = carried.filter(|(action, _)| self.fresh[action.index()].is_none());
        discovered.extend(unasked.map(|(action, seen)| (action.0, seen.clone())));
        let stored = Stored { graph: self.identity, entries, clean, discovered };
        let paths: Vec<&str> = self.graph.artifacts().map(|a| self.graph.path(a)).collect();
        let bytes = postcard::to_stdvec(&stored).expect("a snapshot can always be encoded");
        let bytes = postcard::to_extend(&paths, bytes).expect("paths can always be encoded");
        let path = project.shown(&project.snapshot());
        blob::write(tree, &path, (KIND, &bytes), Durability::Lazy)
    }

    /// What is known now, or what the snapshot before knew of an artifact nobody asked about.
    fn entry(&self, artifact: ArtifactId) -> Option<Entry> {
        match self.facts.digest(artifact) {
            Some(digest) => Some(Entry {
                stamp: *self.facts.stamp(artifact),
                digest,
                trusted: !self.facts.is_racy(artifact),
            }),
            None => {
                let before = self.before?.entry(artifact, self.graph.path(artifact))?;
                let Entry { stamp, digest, trusted } = *before;
                Some(Entry { stamp, digest, trusted })
            }
        }
    }

    fn is_clean(&self, action: ActionId, entries: &[Option<Entry>]) -> bool {
        match self.fresh[action.index()] {
            Some(fresh) => fresh,
            // Nobody asked: it stays clean as long as nothing it touches has moved on.
            None => self.before.is_some_and(|before| {
                let artifacts = self.graph.inputs(action).chain(self.graph.outputs(action));
                let same = |artifact: ArtifactId| {
                    let digest = |entry: &Entry| entry.digest;
                    let then = before.entry(artifact, self.graph.path(artifact)).map(digest);
                    then.is_some() && entries[artifact.index()].as_ref().map(digest) == then
                };
                before.was_clean(action) && artifacts.into_iter().all(|(_, a)| same(a))
            }),
        }
    }
}
