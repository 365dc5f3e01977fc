//! The store as the engine sees it: append what happens, ask what is known.
//!
//! An append goes to the journal and into memory. The index on disk takes over from memory at
//! checkpoints, because one big sorted batch costs a fraction of many small ones; what it lacks
//! after a crash is read from the end of the journal. So the index can be late, lost or damaged,
//! and no answer is ever wrong for it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::fsio::error::FsError;
use crate::fsio::process;
use crate::fsio::tree::Tree;
use crate::model::digest::Digest;
use crate::model::record::{Record, Seen};
use crate::model::stamp::Kind;
use crate::store::blob::{self, BlobKind, Durability};
use crate::store::checkpoint::{self, Found};
use crate::store::entry::{AttemptFailed, AttemptStarted, CommitIntent, Entry};
use crate::store::error::{Position, StoreError};
use crate::store::facts::{Committing, Facts, OpenPlaces, Recorded, Totals, rule_of};
use crate::store::format::decode_head;
use crate::store::index::{Index, IndexError, MemoryIndex};
use crate::store::journal::{Journal, Segments};
use crate::store::report::{Durations, Findings, IndexState, RebuildCause, Report};
use crate::store::sled_index::SledIndex;

/// The directory of the index, below the state directory.
pub(in crate::store) const INDEX: &str = "store";

/// Says whether the index was closed in order.
const MARKER: &str = "store.state";
const MARKER_KIND: BlobKind = BlobKind { name: "index marker", version: 1 };

/// Facts in memory, about 200 bytes each, from which on the index takes over.
const CHECKPOINT_FACTS: usize = 50_000;

/// Facts that the index need not take over when the store is closed: to read them from the end of
/// the journal next time costs a few milliseconds, less than to open the index.
const REPLAY_FACTS: usize = 1_000;

/// What was last seen at a path: a content digest with the stamp under which it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub seen: Seen,
    /// The stamp was too young to vouch for the content: see `fsio::clock`.
    pub racy: bool,
}

/// An attempt without an end: it still runs, or a crash took whoever watched it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAttempt {
    pub attempt: u64,
    /// `None` when the entry was lost to damage.
    pub started: Option<AttemptStarted>,
    /// Set when its outputs were ready and may have been moved already.
    pub intent: Option<CommitIntent>,
}

/// What stands beside the index, so that nobody has to open it to learn whether it can be trusted.
#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    boot_id: String,
    /// How far the closed index reaches; `None` while it is open for writing.
    closed: Option<Totals>,
}

/// The store of a project; its holder holds the project's lock.
pub struct Store {
    state: Tree,
    journal: Journal,
    /// What the index does not have yet, and the running totals.
    recent: Facts,
    sightings: HashMap<String, Sighting>,
    /// Opened when it is first needed: a build that finds nothing to do does not need it.
    index: OnceLock<Box<dyn Index>>,
    opening: Mutex<()>,
    /// How far the index reaches.
    indexed: Totals,
    /// The whole journal, read when the index turned out damaged on the way.
    whole: OnceLock<Facts>,
    /// The marker on disk says that the index is open. So it does whenever the index is, because
    /// the database writes to its files even when it is only read.
    marked: AtomicBool,
    on_disk: bool,
}

impl Store {
    /// Opens the store below a state directory, which is created where there is none. The caller
    /// must hold the project's lock.
    pub fn open(state_directory: impl AsRef<Path>) -> Result<(Store, Report), StoreError> {
        let path = state_directory.as_ref();
        let state = || Tree::create(path).map_err(FsError::io("open", path.to_string_lossy()));
        let mut store = Store {
            state: state()?,
            journal: Journal::open(state()?)?,
            recent: Facts::default(),
            sightings: HashMap::new(),
            index: OnceLock::new(),
            opening: Mutex::new(()),
            indexed: Totals::default(),
            whole: OnceLock::new(),
            marked: AtomicBool::new(false),
            on_disk: true,
        };
        let cause = store.trust().and_then(|totals| store.take_up(totals)).err();
        if let Some(cause) = cause {
            store.replace_index(cause)?;
        }
        let from = store.recent.totals.end.max(store.journal.segments().start());
        let (findings, entries) = store.replay(from)?;
        if findings.unknown > 0 {
            let path = path.to_string_lossy().into_owned();
            return Err(StoreError::NewerFormat { path });
        }
        if let Some(torn) = findings.torn {
            store.journal.cut(torn)?;
        }
        let index = match cause {
            _ if !store.on_disk => IndexState::InMemory,
            Some(cause) => IndexState::Rebuilt(cause),
            None => IndexState::Current { entries },
        };
        Ok((store, Report { findings, index }))
    }

    /// How far the index on disk reaches, or why it must not be used.
    fn trust(&self) -> Result<Totals, RebuildCause> {
        if matches!(self.state.kind(INDEX), Ok(Kind::Missing)) {
            return Err(RebuildCause::New);
        }
        let marker = blob::read(&self.state, MARKER, MARKER_KIND);
        let marker = marker.and_then(|bytes| postcard::from_bytes::<Marker>(&bytes).ok());
        match marker {
            Some(Marker { format: checkpoint::FORMAT, boot_id, closed }) => match closed {
                Some(totals) => Ok(totals),
                // An index left open by a process that was killed is whole; one left open by a
                // machine that went down may have lost pages without a trace.
                None if boot_id != process::boot_id() => Err(RebuildCause::PowerLoss),
                None => {
                    let index = self.open_sled().map_err(|_| RebuildCause::Damaged)?;
                    let totals = checkpoint::totals(&index).map_err(|_| RebuildCause::Damaged)?;
                    let totals = totals.ok_or(RebuildCause::Unfinished)?;
                    let _ = self.index.set(Box::new(index));
                    self.marked.store(true, Ordering::Relaxed);
                    Ok(totals)
                }
            },
            _ => Err(RebuildCause::Format),
        }
    }

    /// Goes on from where the index ends, if that is a place in this journal.
    fn take_up(&mut self, totals: Totals) -> Result<(), RebuildCause> {
        let segments = self.journal.segments();
        let last_holds = totals.last.is_none_or(|(position, check)| {
            segments.check_at(position).is_ok_and(|found| found == Some(check))
        });
        if !segments.reaches(totals.end) || !last_holds {
            return Err(RebuildCause::OtherJournal);
        }
        self.indexed = totals.clone();
        self.recent.totals = totals;
        Ok(())
    }

    fn open_sled(&self) -> Result<SledIndex, IndexError> {
        SledIndex::open(&self.state.root().join(INDEX))
    }

    /// The index, opened if it is not.
    fn index(&self) -> Result<&dyn Index, IndexError> {
        if self.index.get().is_none() {
            let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
            if self.index.get().is_none() {
                self.mark(None).map_err(|_| IndexError::NotMarked)?;
                let index = self.open_sled()?;
                if checkpoint::totals(&index)?.as_ref() != Some(&self.indexed) {
                    return Err(IndexError::Damaged);
                }
                let _ = self.index.set(Box::new(index));
            }
        }
        Ok(&**self.index.get().expect("it was just set"))
    }

    /// Begins an empty index; on disk where that works.
    fn replace_index(&mut self, cause: RebuildCause) -> Result<(), StoreError> {
        self.recent = Facts::default();
        self.index = OnceLock::new();
        let removed = cause == RebuildCause::New || self.state.remove(INDEX).is_ok();
        let opened = match removed {
            true => {
                self.mark(None)?;
                self.open_sled().ok()
            }
            false => None,
        };
        self.on_disk = opened.is_some();
        let _ = match opened {
            Some(index) => self.index.set(Box::new(index)),
            None => self.index.set(Box::new(MemoryIndex::default())),
        };
        Ok(())
    }

    /// Reads the journal from a position on into memory, with checkpoints on the way.
    fn replay(&mut self, from: Position) -> Result<(Findings, usize), StoreError> {
        let (mut entries, mut unknown) = (0, 0);
        // Only an index that is open already: a long end of the journal is no reason to open it.
        let index = if self.is_marked() { self.index.get() } else { None };
        let (recent, indexed) = (&mut self.recent, &mut self.indexed);
        let findings = self.journal.segments().walk(from, &mut |place, frame| {
            let head = decode_head(frame.kind, frame.version, frame.payload);
            unknown += usize::from(head.is_none());
            entries += 1;
            recent.apply(place, head);
            let Some(index) = index.filter(|_| recent.len() >= CHECKPOINT_FACTS) else { return };
            // A checkpoint that fails is no loss: the facts stay in memory and are tried again.
            if checkpoint::write(&**index, recent, std::iter::empty()).is_ok() {
                recent.forget();
                *indexed = recent.totals.clone();
            }
        })?;
        self.recent.totals.end = self.recent.totals.end.max(from);
        Ok((Findings { unknown, ..findings }, entries))
    }

    /// Says on disk that the index is open, before that is so, or how far it reaches, after it was
    /// closed.
    fn mark(&self, closed: Option<Totals>) -> Result<(), StoreError> {
        let open = closed.is_none();
        let marker = Marker { format: checkpoint::FORMAT, boot_id: process::boot_id(), closed };
        let bytes = postcard::to_stdvec(&marker).map_err(|source| StoreError::Encode { source })?;
        blob::write(&self.state, MARKER, (MARKER_KIND, &bytes), Durability::Durable)?;
        self.marked.store(open, Ordering::Relaxed);
        Ok(())
    }

    fn is_marked(&self) -> bool {
        self.marked.load(Ordering::Relaxed)
    }

    /// Appends entries to the journal, in one write. They count from here on; they survive a power
    /// cut after [`Store::sync`].
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let places = self.journal.append(entries)?;
        for (entry, place) in entries.iter().zip(places) {
            self.recent.apply(place, Some(entry.head()));
            if let Some(whole) = self.whole.get_mut() {
                whole.apply(place, Some(entry.head()));
            }
        }
        if self.recent.len() >= CHECKPOINT_FACTS {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Waits until everything appended is on the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.journal.sync()
    }

    /// The record of a target that counts: the last that was committed and not withdrawn.
    pub fn latest(&self, target: &str) -> Result<Option<Record>, StoreError> {
        let Some(committing) = self.found(target)?.record else { return Ok(None) };
        let (found, record) = read_record(self.journal.segments(), committing)?;
        if found != target {
            return Err(StoreError::Damaged { at: committing.intent });
        }
        Ok(Some(record))
    }

    /// The youngest record with a key, whichever target it was for, withdrawn or not.
    pub fn by_key(&self, key: &Digest) -> Result<Option<Record>, StoreError> {
        let recent = self.whole.get().unwrap_or(&self.recent).keys.get(key).copied();
        let committing = match recent {
            Some(committing) => Some(committing),
            None => self.ask(
                |index| checkpoint::record(index, key),
                |whole| whole.keys.get(key).copied(),
            )?,
        };
        let Some(committing) = committing else { return Ok(None) };
        let (_, record) = read_record(self.journal.segments(), committing)?;
        if record.key != *key {
            return Err(StoreError::Damaged { at: committing.intent });
        }
        Ok(Some(record))
    }

    /// The failure of a target's last attempt; `None` when that succeeded or there was none.
    pub fn last_failure(&self, target: &str) -> Result<Option<AttemptFailed>, StoreError> {
        let Some(position) = self.found(target)?.failure else { return Ok(None) };
        match self.journal.segments().entry(position)? {
            Entry::AttemptFailed(failed) if failed.target == target => Ok(Some(failed)),
            _ => Err(StoreError::Damaged { at: position }),
        }
    }

    /// How long the last successful run of a target took, in milliseconds of wall time.
    pub fn last_wall_ms(&self, target: &str) -> Result<Option<u64>, StoreError> {
        Ok(self.found(target)?.record.map(|committing| committing.wall_ms))
    }

    /// How long the actions of a rule took so far; a label stands for its rule.
    pub fn durations(&self, label: &str) -> Result<Durations, StoreError> {
        let rule = rule_of(label);
        if let Some(whole) = self.whole.get() {
            return Ok(whole.durations.get(rule).copied().unwrap_or_default());
        }
        let recent = self.recent.durations.get(rule).copied().unwrap_or_default();
        self.ask(
            |index| Ok(checkpoint::durations(index, rule)?.followed_by(recent)),
            |whole| whole.durations.get(rule).copied().unwrap_or_default(),
        )
    }

    fn found(&self, target: &str) -> Result<Found, StoreError> {
        let in_whole = |whole: &Facts| {
            whole.targets.get(target).map_or_else(Found::default, |s| s.after(None))
        };
        if let Some(whole) = self.whole.get() {
            return Ok(in_whole(whole));
        }
        let recent = self.recent.targets.get(target);
        match recent {
            Some(slot) if slot.record != Recorded::AsBefore => Ok(slot.after(None)),
            recent => self.ask(
                |index| {
                    let before = checkpoint::target(index, target)?;
                    Ok(recent.map_or(before, |slot| slot.after(before.record)))
                },
                in_whole,
            ),
        }
    }

    /// Asks the index, and when that is damaged the whole journal, from then on.
    fn ask<T>(
        &self,
        of_index: impl FnOnce(&dyn Index) -> Result<T, IndexError>,
        of_whole: impl FnOnce(&Facts) -> T,
    ) -> Result<T, StoreError> {
        if self.whole.get().is_none() {
            match self.index().and_then(of_index) {
                Ok(answer) => return Ok(answer),
                Err(_) => {
                    let (facts, _) = read_facts(self.journal.segments())?;
                    // Another thread may have been faster; what it read is the same.
                    let _ = self.whole.set(facts);
                }
            }
        }
        Ok(of_whole(self.whole.get().expect("it was just set")))
    }

    /// True when the index on disk turned out damaged since it was opened; answers come from the
    /// journal then, and the next opening makes a new index.
    pub fn index_is_damaged(&self) -> bool {
        self.whole.get().is_some()
    }

    /// What was last seen at a path. An index that cannot tell has seen nothing: the price is one
    /// more reading of the file.
    pub fn seen(&self, path: &str) -> Option<Sighting> {
        if let Some(sighting) = self.sightings.get(path) {
            return Some(sighting.clone());
        }
        self.index().and_then(|index| checkpoint::sighting(index, path)).ok().flatten()
    }

    /// Calls `each` with every sighting, in no order: cheaper than many single questions.
    pub fn all_seen(&self, mut each: impl FnMut(Sighting)) {
        let known = |sighting: &Sighting| self.sightings.contains_key(&sighting.seen.path);
        // Damaged sightings are left out, which costs one more reading of those files.
        let mut unknown = |sighting| {
            if !known(&sighting) {
                each(sighting);
            }
        };
        let _ = self.index().and_then(|index| checkpoint::sightings(index, &mut unknown));
        self.sightings.values().cloned().for_each(each);
    }

    /// Remembers what was seen at paths. Kept in the index only: what is lost is read again.
    pub fn remember(&mut self, sightings: Vec<Sighting>) -> Result<(), StoreError> {
        self.sightings.extend(sightings.into_iter().map(|s| (s.seen.path.clone(), s)));
        if self.sightings.len() >= CHECKPOINT_FACTS {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// The number for the next build.
    pub fn next_build(&self) -> u64 {
        self.recent.totals.build_max + 1
    }

    /// The number for the next attempt: greater than any in the journal, so a caller that counts
    /// on from here while it holds the lock uses none twice.
    pub fn next_attempt(&self) -> u64 {
        self.recent.totals.attempt_max + 1
    }

    /// The attempts without an end, oldest first.
    pub fn open_attempts(&self) -> Result<Vec<OpenAttempt>, StoreError> {
        read_open(self.journal.segments(), &self.recent.totals.open)
    }

    /// Hands the facts in memory to the index, and the index to the kernel. The journal is on the disk before, so the index
    /// never knows more than it.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        if self.whole.get().is_some() {
            // The index is damaged: it gets nothing more and is made again by the next opening.
            return Ok(());
        }
        self.journal.sync()?;
        let index = self.index();
        let written = index.and_then(|i| {
            checkpoint::write(i, &self.recent, self.sightings.values())?;
            i.flush()
        });
        if written.is_ok() {
            self.recent.forget();
            self.indexed = self.recent.totals.clone();
            self.sightings.clear();
        } else {
            let (facts, _) = read_facts(self.journal.segments())?;
            let _ = self.whole.set(facts);
        }
        Ok(())
    }

    /// Closes in order: the journal and the index are on the disk and the index is known to be.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.journal.sync()?;
        let little = self.recent.len() < REPLAY_FACTS && self.sightings.is_empty();
        if little && !self.is_marked() && self.whole.get().is_none() {
            return Ok(());
        }
        // An index that was just begun must say at least where it stands.
        if !little || self.indexed.last.is_none() {
            self.checkpoint()?;
        }
        if !self.on_disk {
            return Ok(());
        }
        let sound = self.whole.get().is_none();
        // The database writes once more when it is dropped, so its files are synced after that.
        drop(self.index.take());
        if sound {
            self.state.make_durable(INDEX)?;
            self.mark(Some(self.indexed.clone()))
        } else {
            Ok(self.state.remove(INDEX)?)
        }
    }
}

/// The target and the record of a commit, with the stamps that its outputs got by it.
pub(in crate::store) fn read_record(
    segments: &Segments,
    committing: Committing,
) -> Result<(String, Record), StoreError> {
    let damaged = |at| StoreError::Damaged { at };
    let Entry::CommitIntent(intent) = segments.entry(committing.intent)? else {
        return Err(damaged(committing.intent));
    };
    let Entry::Committed(committed) = segments.entry(committing.committed)? else {
        return Err(damaged(committing.committed));
    };
    if committed.attempt != intent.attempt {
        return Err(damaged(committing.committed));
    }
    let CommitIntent { target, mut record, .. } = intent;
    for (output, stamp) in record.outputs.iter_mut().zip(committed.stamps) {
        output.stamp = stamp;
    }
    Ok((target, record))
}

/// The facts of the whole journal.
pub(in crate::store) fn read_facts(segments: &Segments) -> Result<(Facts, Findings), StoreError> {
    let mut facts = Facts::default();
    let mut unknown = 0;
    let findings = segments.walk(segments.start(), &mut |place, frame| {
        let head = decode_head(frame.kind, frame.version, frame.payload);
        unknown += usize::from(head.is_none());
        facts.apply(place, head);
    })?;
    Ok((facts, Findings { unknown, ..findings }))
}

/// The entries of attempts without an end.
pub(in crate::store) fn read_open(
    segments: &Segments,
    open: &BTreeMap<u64, OpenPlaces>,
) -> Result<Vec<OpenAttempt>, StoreError> {
    let read = |(&attempt, places): (&u64, &OpenPlaces)| {
        let started = match places.started.map(|at| segments.entry(at)).transpose()? {
            Some(Entry::AttemptStarted(started)) => Some(started),
            _ => None,
        };
        let intent = places.intent.as_ref().map(|intent| segments.entry(intent.at));
        let intent = match intent.transpose()? {
            Some(Entry::CommitIntent(intent)) => Some(intent),
            _ => None,
        };
        Ok(OpenAttempt { attempt, started, intent })
    };
    open.iter().map(read).collect()
}
