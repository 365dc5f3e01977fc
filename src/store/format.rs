//! How entries look on disk: one kind number and one version per entry, postcard inside.
//!
//! The numbers and layouts are a promise, written down in `docs/formats/journal.md`; a change to
//! `model::record` that alters the encoding raises the version of the kind and adds a reader for
//! the old one. What the index needs of an entry stands first, so that it can be read without the
//! rest and without allocating.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::record::Record;
use crate::store::entry::{CommitIntent, Entry, Move};

/// The version that this program writes, for every kind.
pub(in crate::store) const VERSION: u8 = 1;

const BUILD_STARTED: u8 = 1;
const ATTEMPT_STARTED: u8 = 2;
const COMMIT_INTENT: u8 = 3;
const COMMITTED: u8 = 4;
const ATTEMPT_FAILED: u8 = 5;
const WITHDRAWN: u8 = 6;
const BUILD_FINISHED: u8 = 7;

/// What the index needs to know of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum Head<'a> {
    BuildStarted { build: u64 },
    AttemptStarted { attempt: u64 },
    CommitIntent(IntentHead<'a>),
    Committed { attempt: u64 },
    AttemptFailed { attempt: u64, target: &'a str },
    Withdrawn { target: &'a str },
    BuildFinished { build: u64 },
}

/// The first fields of a commit intent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct IntentHead<'a> {
    pub attempt: u64,
    #[serde(borrow)]
    pub target: &'a str,
    pub label: &'a str,
    pub key: Digest,
    pub wall_ms: u64,
}

/// The other fields of a commit intent.
#[derive(Deserialize)]
struct IntentBody {
    moves: Vec<Move>,
    record: Record,
}

/// The first fields of a failed attempt.
#[derive(Deserialize)]
struct FailureHead<'a> {
    attempt: u64,
    #[serde(borrow)]
    target: &'a str,
}

impl Entry {
    /// What the index needs of this entry.
    pub(in crate::store) fn head(&self) -> Head<'_> {
        match self {
            Entry::BuildStarted(entry) => Head::BuildStarted { build: entry.build },
            Entry::AttemptStarted(entry) => Head::AttemptStarted { attempt: entry.attempt },
            Entry::CommitIntent(entry) => Head::CommitIntent(entry.head()),
            Entry::Committed(entry) => Head::Committed { attempt: entry.attempt },
            Entry::AttemptFailed(entry) => {
                Head::AttemptFailed { attempt: entry.attempt, target: &entry.target }
            }
            Entry::Withdrawn(entry) => Head::Withdrawn { target: &entry.target },
            Entry::BuildFinished(entry) => Head::BuildFinished { build: entry.build },
        }
    }

    /// The number that says on disk which entry this is.
    pub(in crate::store) fn kind(&self) -> u8 {
        match self {
            Entry::BuildStarted(_) => BUILD_STARTED,
            Entry::AttemptStarted(_) => ATTEMPT_STARTED,
            Entry::CommitIntent(_) => COMMIT_INTENT,
            Entry::Committed(_) => COMMITTED,
            Entry::AttemptFailed(_) => ATTEMPT_FAILED,
            Entry::Withdrawn(_) => WITHDRAWN,
            Entry::BuildFinished(_) => BUILD_FINISHED,
        }
    }

    /// Appends the payload to `out`.
    pub(in crate::store) fn encode(&self, out: Vec<u8>) -> postcard::Result<Vec<u8>> {
        match self {
            Entry::BuildStarted(entry) => postcard::to_extend(entry, out),
            Entry::AttemptStarted(entry) => postcard::to_extend(entry, out),
            Entry::CommitIntent(entry) => {
                let out = postcard::to_extend(&entry.head(), out)?;
                postcard::to_extend(&(&entry.moves, &entry.record), out)
            }
            Entry::Committed(entry) => postcard::to_extend(entry, out),
            Entry::AttemptFailed(entry) => postcard::to_extend(entry, out),
            Entry::Withdrawn(entry) => postcard::to_extend(entry, out),
            Entry::BuildFinished(entry) => postcard::to_extend(entry, out),
        }
    }

    /// The entry of a kind and version; `None` when either is newer than this program, or when the
    /// payload does not hold what the kind promises.
    pub(in crate::store) fn decode(kind: u8, version: u8, payload: &[u8]) -> Option<Entry> {
        fn whole<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
            let (entry, rest) = postcard::take_from_bytes(payload).ok()?;
            rest.is_empty().then_some(entry)
        }
        if version != VERSION {
            return None;
        }
        Some(match kind {
            BUILD_STARTED => Entry::BuildStarted(whole(payload)?),
            ATTEMPT_STARTED => Entry::AttemptStarted(whole(payload)?),
            COMMIT_INTENT => {
                let (head, body) = postcard::take_from_bytes::<IntentHead<'_>>(payload).ok()?;
                let IntentBody { moves, record } = whole(body)?;
                let (attempt, target) = (head.attempt, head.target.to_owned());
                Entry::CommitIntent(CommitIntent { attempt, target, moves, record })
            }
            COMMITTED => Entry::Committed(whole(payload)?),
            ATTEMPT_FAILED => Entry::AttemptFailed(whole(payload)?),
            WITHDRAWN => Entry::Withdrawn(whole(payload)?),
            BUILD_FINISHED => Entry::BuildFinished(whole(payload)?),
            _ => return None,
        })
    }
}

impl CommitIntent {
    fn head(&self) -> IntentHead<'_> {
        IntentHead {
            attempt: self.attempt,
            target: &self.target,
            label: &self.record.label,
            key: self.record.key,
            wall_ms: self.record.cost.wall_ms,
        }
    }
}

/// The head of an encoded entry; `None` as for [`Entry::decode`].
pub(in crate::store) fn decode_head(kind: u8, version: u8, payload: &[u8]) -> Option<Head<'_>> {
    fn first<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
        postcard::take_from_bytes(payload).ok().map(|(head, _)| head)
    }
    if version != VERSION {
        return None;
    }
    Some(match kind {
        BUILD_STARTED => Head::BuildStarted { build: first(payload)? },
        ATTEMPT_STARTED => Head::AttemptStarted { attempt: first(payload)? },
        COMMIT_INTENT => Head::CommitIntent(first(payload)?),
        COMMITTED => Head::Committed { attempt: first(payload)? },
        ATTEMPT_FAILED => {
            let FailureHead { attempt, target } = first(payload)?;
            Head::AttemptFailed { attempt, target }
        }
        WITHDRAWN => Head::Withdrawn { target: first(payload)? },
        BUILD_FINISHED => Head::BuildFinished { build: first(payload)? },
        _ => return None,
    })
}
