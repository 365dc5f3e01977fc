//! Takes ended attempts to their end: check, digest, make durable, rename into place, record.
//!
//! One thread does this for all attempts, so that those that ended while a batch was being made
//! durable share the next batch's disk round trips. The order is the promise of the product:
//! outputs are on disk before they are renamed, renamed before they are recorded, and recorded
//! before anybody hears that the action is done.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};

use rayon::prelude::*;

use crate::engine::build::Message;
use crate::engine::depfile;
use crate::engine::limits;
use crate::engine::outcome::{self, Trouble};
use crate::engine::prepare::{Staged, Staging};
use crate::execute::local::Ended;
use crate::fsio::clock::FsClock;
use crate::fsio::tree::Tree;
use crate::fsio::write::parent;
use crate::graph::{ActionId, ArtifactId};
use crate::model::digest::Digest;
use crate::model::event::{Failure, FailureKind};
use crate::model::record::{Component, Cost, Record, Seen};
use crate::model::stamp::{Kind, Stamp};
use crate::store::entry::{AttemptFailed, CommitIntent, Committed, Entry, Move};
use crate::store::error::StoreError;
use crate::store::ledger::Store;

/// An ended attempt with everything that committing it needs.
pub(super) struct Finished {
    pub(super) action: ActionId,
    pub(super) attempt: u64,
    pub(super) label: String,
    pub(super) target: String,
    pub(super) key: Digest,
    pub(super) components: Vec<Component>,
    pub(super) inputs: Vec<Input>,
    pub(super) staging: Staging,
    pub(super) ended: Ended,
    pub(super) started_ms: u64,
    pub(super) ended_ms: u64,
    pub(super) host: String,
    /// True for native steps, whose logs hold warnings in a known form.
    pub(super) is_kernel: bool,
}

/// An input as it was when the key was made.
pub(super) struct Input {
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) stamp: Stamp,
    /// True when the stamp cannot vouch for the digest.
    pub(super) racy: bool,
}

/// What became of an attempt.
pub(super) struct Settled {
    pub(super) action: ActionId,
    pub(super) attempt: u64,
    /// The attempt's private directory, when it can be used again.
    pub(super) spare: Option<String>,
    pub(super) result: Result<Made, Failure>,
}

/// A committed attempt.
pub(super) struct Made {
    pub(super) outputs: Vec<MadeOutput>,
    pub(super) discovered: Vec<Seen>,
    pub(super) cost: Cost,
    /// What a native step warned of.
    pub(super) warnings: Vec<String>,
}

/// An output in its place.
pub(super) struct MadeOutput {
    pub(super) artifact: ArtifactId,
    pub(super) digest: Digest,
    pub(super) stamp: Stamp,
    pub(super) racy: bool,
}

/// How names of private directories begin that failed attempts left.
pub(super) const FAILED_PREFIX: &str = "failed-";

/// What the committer works with.
pub(super) struct Committer<'c> {
    pub(super) tree: &'c Tree,
    pub(super) clock: Option<&'c FsClock>,
    pub(super) store: &'c Mutex<Store>,
    pub(super) replies: Sender<Message>,
}

/// An attempt whose outputs are checked and on disk, under their private names.
struct Ready {
    finished: Finished,
    record: Record,
    /// Stamps of the outputs in their places.
    stamps: Vec<Stamp>,
}

impl Committer<'_> {
    /// Works until the other end of `attempts` is closed.
    pub(super) fn run(&self, attempts: &Receiver<Finished>) {
        while let Ok(first) = attempts.recv() {
            let mut batch = vec![first];
            batch.extend(attempts.try_iter().take(limits::COMMIT_BATCH - 1));
            for settled in self.settle(batch) {
                // The build loop outlives this thread; if it is gone, nobody waits.
                let _ = self.replies.send(Message::Settled(Box::new(settled)));
            }
        }
    }

    fn settle(&self, batch: Vec<Finished>) -> Vec<Settled> {
        let checked: Vec<Result<Ready, Box<(Finished, Trouble)>>> =
            batch.into_par_iter().map(|finished| self.check(finished)).collect();
        let mut ready = Vec::new();
        let mut settled = Vec::new();
        for attempt in checked {
            match attempt {
                Ok(attempt) => ready.push(attempt),
                Err(failed) => {
                    let (finished, trouble) = *failed;
                    settled.push(self.failed(finished, trouble));
                }
            }
        }
        settled.extend(self.commit(ready));
        settled
    }

    /// Everything that can be done without touching what others see.
    fn check(&self, finished: Finished) -> Result<Ready, Box<(Finished, Trouble)>> {
        match self.checked_record(&finished) {
            Ok(record) => Ok(Ready { finished, record, stamps: Vec::new() }),
            Err(trouble) => Err(Box::new((finished, trouble))),
        }
    }

    fn checked_record(&self, finished: &Finished) -> Result<Record, Trouble> {
        if let Some(trouble) = outcome::trouble_of(&finished.ended.how) {
            return Err(trouble);
        }
        self.inputs_unchanged(finished)?;
        let discovered = match &finished.staging.depfile {
            Some(depfile) => self.discovered(finished, depfile)?,
            None => Vec::new(),
        };
        let mut outputs = Vec::new();
        for staged in &finished.staging.outputs {
            let found = self.tree.kind(&staged.from).unwrap_or(Kind::Missing);
            let wanted = if staged.directory { Kind::Directory } else { Kind::File };
            if found != wanted {
                return Err(outcome::wrong_output(self.tree, staged, found, finished.started_ms));
            }
            let (digest, stamp) = self.tree.digest(&staged.from, &|_| ())?;
            self.tree.make_durable(&staged.from)?;
            outputs.push(Seen { path: staged.to.clone(), digest, stamp });
        }
        Ok(Record {
            key: finished.key,
            label: finished.label.clone(),
            components: finished.components.clone(),
            discovered,
            outputs,
            cost: cost_of(finished),
        })
    }

    /// The digests in the key must be what the command read: inputs that moved, or may have moved unseen, are read
    /// again.
    fn inputs_unchanged(&self, finished: &Finished) -> Result<(), Trouble> {
        for input in &finished.inputs {
            let now = self.tree.stamp(&input.path).unwrap_or(Stamp::MISSING);
            if !input.racy && now.vouches_for(&input.stamp) {
                continue;
            }
            let digest = self.tree.digest(&input.path, &|_| ()).map(|(digest, _)| digest);
            if digest.ok() != Some(input.digest) {
                return Err(Trouble::new(
                    FailureKind::InputChanged,
                    format!("input `{}` changed while the command ran", input.path),
                ));
            }
        }
        Ok(())
    }

    fn discovered(&self, finished: &Finished, path: &str) -> Result<Vec<Seen>, Trouble> {
        let text = self.tree.read(path).map_err(|_| {
            let status = format!("the depfile `{path}` was not written");
            Trouble::new(FailureKind::Outputs, status)
        })?;
        let root = self.tree.root().to_string_lossy();
        let mut seen = Vec::new();
        for path in depfile::dependencies(&String::from_utf8_lossy(&text), &root) {
            let declared = finished.inputs.iter().any(|input| input.path == path);
            let own = finished.staging.outputs.iter().any(|staged| staged.to == path);
            if declared || own || path.starts_with(&finished.staging.work) {
                continue;
            }
            let (digest, stamp) = self.tree.digest(&path, &|_| ())?;
            // A file that is younger than the command may not be what the command read.
            if stamp.mtime_ns / 1_000_000 >= finished.started_ms as i64 {
                return Err(Trouble::new(
                    FailureKind::InputChanged,
                    format!("`{path}`, which the depfile names, changed while the command ran"),
                ));
            }
            seen.push(Seen { path, digest, stamp });
        }
        Ok(seen)
    }

    /// Publishes and records a batch whose outputs are all on disk.
    fn commit(&self, ready: Vec<Ready>) -> Vec<Settled> {
        if ready.is_empty() {
            return Vec::new();
        }
        let intents: Vec<Entry> = ready.iter().map(intent).collect();
        if let Err(error) = self.append(&intents, false) {
            let fail = |attempt: Ready| self.failed(attempt.finished, Trouble::environment(&error));
            return ready.into_iter().map(fail).collect();
        }
        let mut settled = Vec::new();
        let mut placed = Vec::new();
        for mut attempt in ready {
            match self.publish(&attempt.finished) {
                Ok(stamps) => {
                    attempt.stamps = stamps;
                    placed.push(attempt);
                }
                Err(trouble) => settled.push(self.failed(attempt.finished, trouble)),
            }
        }
        let done: Vec<Entry> = placed
            .iter()
            .map(|attempt| {
                Entry::Committed(Committed {
                    attempt: attempt.finished.attempt,
                    time_ms: attempt.finished.ended_ms,
                    stamps: attempt.stamps.clone(),
                })
            })
            .collect();
        let durable = self
            .sync_directories(&placed)
            .and_then(|()| self.append(&done, true).map_err(|error| Trouble::environment(&error)));
        if let Some(clock) = self.clock {
            // Racy by an old time is only more careful, so a failed refresh is no trouble.
            let _ = clock.refresh();
        }
        match durable {
            Ok(()) => settled.extend(placed.into_iter().map(|attempt| self.made(attempt))),
            Err(trouble) => settled.extend(
                placed.into_iter().map(|attempt| self.failed(attempt.finished, trouble.clone())),
            ),
        }
        settled
    }

    fn append(&self, entries: &[Entry], sync: bool) -> Result<(), StoreError> {
        let mut store = self.store.lock().expect("no thread panics while it holds the store");
        store.append(entries)?;
        if sync { store.sync() } else { Ok(()) }
    }

    /// Renames the outputs into place and gives their stamps there.
    fn publish(&self, finished: &Finished) -> Result<Vec<Stamp>, Trouble> {
        let place = |staged: &Staged| {
            self.keep_strange(finished, staged)?;
            self.tree.publish(&staged.from, &staged.to)?;
            Ok(self.tree.stamp(&staged.to).unwrap_or(Stamp::MISSING))
        };
        finished.staging.outputs.iter().map(place).collect()
    }

    /// Moves what stands in the way aside when no build made it, or somebody has changed it since:
    /// it may be all there is of somebody's work.
    fn keep_strange(&self, finished: &Finished, staged: &Staged) -> Result<(), Trouble> {
        let now = self.tree.stamp(&staged.to).unwrap_or(Stamp::MISSING);
        if now.is_missing() || staged.known.is_some_and(|known| known.vouches_for(&now)) {
            return Ok(());
        }
        let state = finished.staging.state();
        let name = staged.to.rsplit('/').next().unwrap_or(&staged.to);
        let aside = format!("{state}/replaced/{}/{name}", finished.attempt);
        self.tree.publish(&staged.to, &aside)?;
        let message = format!("`{}` was not as a build made it: kept as `{aside}`", staged.to);
        // The build loop outlives this thread; if it is gone, nobody listens.
        let _ = self.replies.send(Message::Warning(message));
        Ok(())
    }

    fn sync_directories(&self, placed: &[Ready]) -> Result<(), Trouble> {
        let outputs = placed.iter().flat_map(|attempt| &attempt.finished.staging.outputs);
        let mut parents: Vec<&str> = outputs.map(|staged| parent(&staged.to)).collect();
        parents.sort_unstable();
        parents.dedup();
        for parent in parents {
            self.tree.sync_directory(parent)?;
        }
        Ok(())
    }

    fn made(&self, attempt: Ready) -> Settled {
        let Ready { finished, record, stamps } = attempt;
        let outputs = finished.staging.outputs.iter().zip(&record.outputs).zip(stamps);
        let outputs = outputs.map(|((staged, seen), stamp)| {
            let racy = self.clock.is_none_or(|clock| clock.is_racy_after_rename(&stamp));
            MadeOutput { artifact: staged.artifact, digest: seen.digest, stamp, racy }
        });
        let outputs = outputs.collect();
        // What stays behind in the private directory is in nobody's way; the next build sweeps.
        let log = outcome::keep_log(self.tree, &finished.staging, finished.attempt);
        let log = log.ok().flatten().filter(|_| finished.is_kernel);
        let warnings = log.map(|log| outcome::warnings(self.tree, &log)).unwrap_or_default();
        let work = &finished.staging.work;
        let spare = self.is_emptied(work).then(|| work.clone());
        if spare.is_none() {
            let _ = self.tree.remove(work);
        }
        let made = Made { outputs, discovered: record.discovered, cost: record.cost, warnings };
        Settled { action: finished.action, attempt: finished.attempt, spare, result: Ok(made) }
    }

    /// Keeps what a failed attempt made for whoever wants to look at it, under a name of its own.
    fn set_aside(&self, finished: &Finished) {
        let work = &finished.staging.work;
        if !self.is_emptied(work) {
            let aside = format!("{}/{FAILED_PREFIX}{}", parent(work), finished.attempt);
            // Under its old name it is swept by the next build, which loses nothing but the look.
            let _ = self.tree.publish(work, &aside);
        }
    }

    /// True when nothing is left in a private directory but an empty log.
    fn is_emptied(&self, work: &str) -> bool {
        self.tree.names(work).is_ok_and(|left| left.is_empty() || left == ["log"])
    }

    fn failed(&self, finished: Finished, trouble: Trouble) -> Settled {
        let failure = outcome::failure(self.tree, &finished, trouble);
        self.set_aside(&finished);
        let entry = Entry::AttemptFailed(AttemptFailed {
            attempt: finished.attempt,
            target: finished.target.clone(),
            label: finished.label.clone(),
            key: finished.key,
            failure: serde_json::to_string(&failure).expect("a failure has text keys only"),
            time_ms: finished.ended_ms,
        });
        // A failure that cannot be written down is still told; only `why` will not know of it.
        let _ = self.append(&[entry], false);
        Settled {
            action: finished.action,
            attempt: finished.attempt,
            spare: None,
            result: Err(failure),
        }
    }
}

fn intent(attempt: &Ready) -> Entry {
    let staged = attempt.finished.staging.outputs.iter();
    Entry::CommitIntent(CommitIntent {
        attempt: attempt.finished.attempt,
        moves: staged
            .map(|staged| Move { from: staged.from.clone(), to: staged.to.clone() })
            .collect(),
        target: attempt.finished.target.clone(),
        record: attempt.record.clone(),
    })
}

fn cost_of(finished: &Finished) -> Cost {
    Cost {
        started_ms: finished.started_ms,
        wall_ms: finished.ended.wall.as_millis() as u64,
        cpu_ms: finished.ended.cpu.as_millis() as u64,
        peak_memory: finished.ended.peak_memory,
        host: finished.host.clone(),
        executor: finished.staging.executor.to_owned(),
        attempt: finished.attempt,
    }
}
