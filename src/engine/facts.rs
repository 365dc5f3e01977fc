//! What is known of each artifact: its stamp, and its digest once somebody needed it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::engine::error::EngineError;
use crate::engine::snapshot::Snapshot;
use crate::fsio::clock::FsClock;
use crate::fsio::tree::Tree;
use crate::graph::{ArtifactId, Graph};
use crate::model::digest::Digest;
use crate::model::record::Seen;
use crate::model::stamp::Stamp;

/// Stamps and digests by artifact.
pub struct Facts {
    stamps: Vec<Stamp>,
    digests: Vec<Option<Digest>>,
    /// True when the stamp was taken so soon after a write that it cannot vouch for the digest.
    racy: Vec<bool>,
}

/// Progress of hashing: files done, files, bytes done, bytes.
pub type HashProgress<'p> = &'p (dyn Fn(usize, usize, u64, u64) + Sync);

impl Facts {
    /// Stats every artifact in `needed` and takes digests over from the snapshot where the stamps
    /// vouch for them.
    pub(super) fn gather(
        graph: &Graph,
        tree: &Tree,
        needed: &[ArtifactId],
        known: &dyn Known,
    ) -> Result<Facts, EngineError> {
        let count = graph.artifact_count();
        let mut facts = Facts {
            stamps: vec![Stamp::MISSING; count],
            digests: vec![None; count],
            racy: vec![false; count],
        };
        let stamps = stamps_of(graph, tree, needed)?;
        for (&artifact, stamp) in needed.iter().zip(stamps) {
            facts.stamps[artifact.index()] = stamp;
            facts.digests[artifact.index()] = known.vouched(artifact, graph.path(artifact), &stamp);
        }
        Ok(facts)
    }

    /// The stamp of an artifact; [`Stamp::MISSING`] for those nobody asked about.
    pub fn stamp(&self, artifact: ArtifactId) -> &Stamp {
        &self.stamps[artifact.index()]
    }

    /// The digest of an artifact; `None` when it is missing or was not needed.
    pub fn digest(&self, artifact: ArtifactId) -> Option<Digest> {
        self.digests[artifact.index()]
    }

    /// True when the stamp cannot vouch for the digest.
    pub(super) fn is_racy(&self, artifact: ArtifactId) -> bool {
        self.racy[artifact.index()]
    }

    /// Enters what was just made or read.
    pub(super) fn set(&mut self, artifact: ArtifactId, digest: Digest, stamp: Stamp, racy: bool) {
        self.digests[artifact.index()] = Some(digest);
        self.stamps[artifact.index()] = stamp;
        self.racy[artifact.index()] = racy;
    }

    /// Reads those artifacts that exist and whose digest is not known, in parallel.
    pub(super) fn hash(
        &mut self,
        wanted: &[ArtifactId],
        reading: &Reading,
    ) -> Result<(), EngineError> {
        let unknown: Vec<ArtifactId> = wanted
            .iter()
            .copied()
            .filter(|&a| self.digest(a).is_none() && !self.stamp(a).is_missing())
            .collect();
        let bytes: u64 = unknown.iter().map(|&artifact| self.stamp(artifact).size).sum();
        let (files_done, bytes_done) = (AtomicUsize::new(0), AtomicU64::new(0));
        let report = |files: usize, read: u64| {
            let files = files_done.fetch_add(files, Ordering::Relaxed) + files;
            let read = bytes_done.fetch_add(read, Ordering::Relaxed) + read;
            (reading.progress)(files, unknown.len(), read, bytes);
        };
        let found: Vec<(Digest, Stamp)> = unknown
            .par_iter()
            .map(|&artifact| {
                let path = reading.graph.path(artifact);
                let found = reading.tree.digest(path, &|read| report(0, read));
                report(1, 0);
                found
            })
            .collect::<Result<_, _>>()?;
        if let Some(clock) = reading.clock {
            // Racy by an old time is only more careful, so a failed refresh is no trouble.
            let _ = clock.refresh();
        }
        for (&artifact, (digest, stamp)) in unknown.iter().zip(found) {
            let racy = reading.clock.is_none_or(|clock| clock.is_racy(&stamp));
            self.set(artifact, digest, stamp, racy);
        }
        Ok(())
    }

    /// Reads artifacts again whose stamps are old enough by now: where nothing has changed, the
    /// stamp vouches for the digest from here on. What has changed, or cannot be read, stays
    /// doubtful, and the next build judges it.
    pub(super) fn confirm(&mut self, young: &[ArtifactId], reading: &Reading) {
        let read = |&artifact: &ArtifactId| {
            let found = reading.tree.digest(reading.graph.path(artifact), &|_| ()).ok()?;
            let old_enough = reading.clock.is_some_and(|clock| !clock.is_racy(&found.1));
            old_enough.then_some((artifact, found))
        };
        let found: Vec<_> = young.par_iter().filter_map(read).collect();
        for (artifact, (digest, stamp)) in found {
            if self.digest(artifact) == Some(digest) && stamp.vouches_for(self.stamp(artifact)) {
                self.racy[artifact.index()] = false;
            }
        }
    }

    /// Forgets what is known of an artifact and looks at its stamp again.
    pub(super) fn restat(
        &mut self,
        graph: &Graph,
        tree: &Tree,
        artifact: ArtifactId,
    ) -> Result<(), EngineError> {
        let stamp = stamps_of(graph, tree, &[artifact])?[0];
        if !stamp.vouches_for(self.stamp(artifact)) {
            self.digests[artifact.index()] = None;
        }
        self.stamps[artifact.index()] = stamp;
        Ok(())
    }
}

/// What hashing needs besides the artifacts.
pub(super) struct Reading<'r> {
    pub(super) graph: &'r Graph,
    pub(super) tree: &'r Tree,
    /// `None` where the file system's time cannot be told: then every stamp is racy.
    pub(super) clock: Option<&'r FsClock>,
    pub(super) progress: HashProgress<'r>,
}

/// Somebody who may know the digest that goes with a stamp.
pub(super) trait Known {
    /// The digest, when this stamp vouches for it.
    fn vouched(&self, artifact: ArtifactId, path: &str, stamp: &Stamp) -> Option<Digest>;
}

impl Known for Option<Snapshot> {
    fn vouched(&self, artifact: ArtifactId, path: &str, stamp: &Stamp) -> Option<Digest> {
        self.as_ref()?.vouched(artifact, path, stamp)
    }
}

/// Discovered inputs are not in the graph: they are looked up one by one.
pub(super) fn discovered_digest(tree: &Tree, seen: &Seen) -> Option<Digest> {
    let stamp = tree.stamp(&seen.path).ok()?;
    if stamp.vouches_for(&seen.stamp) {
        return Some(seen.digest);
    }
    tree.digest(&seen.path, &|_| ()).ok().map(|(digest, _)| digest)
}

fn stamps_of(graph: &Graph, tree: &Tree, needed: &[ArtifactId]) -> Result<Vec<Stamp>, EngineError> {
    let stamp = |&artifact: &ArtifactId| {
        let path = graph.path(artifact);
        tree.stamp(path).map_err(|source| EngineError::Stat { path: path.to_owned(), source })
    };
    // A stat costs a microsecond: threads get long runs of them.
    needed.par_iter().with_min_len(2048).map(stamp).collect()
}
