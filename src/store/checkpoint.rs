//! Facts in the index: keys, sealed values, and how far into the journal they reach.
//!
//! The first byte of a key says what it is: `t` a target, `k` a record's key, `r` a rule's
//! durations, `s` the sighting of a file, `h` the head. Each value carries a check over
//! its key and itself, because the library below vouches for neither after a crash.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::store::error::Position;
use crate::store::facts::{Committing, Facts, Recorded, Slot, Totals};
use crate::store::index::{Change, Index, IndexError};
use crate::store::ledger::Sighting;
use crate::store::report::Durations;

/// Goes up with any change of keys or values; an index of another format is made again.
pub(in crate::store) const FORMAT: u32 = 1;

/// Changes to one batch: enough to share its fixed cost.
const BATCH: usize = 1_000;

const CHECK_BYTES: usize = 8;
const CHECK_KEY: [u8; 32] = *b"attpc index value, version 1    ";

/// What the index holds on a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Found {
    pub record: Option<Committing>,
    pub failure: Option<Position>,
}

impl Slot {
    /// What holds after a stretch of the journal, given what held before.
    pub(in crate::store) fn after(&self, before: Option<Committing>) -> Found {
        let record = match self.record {
            Recorded::AsBefore => before,
            Recorded::Withdrawn => None,
            Recorded::At(committing) => Some(committing),
        };
        Found { record, failure: self.failure }
    }
}

/// How far into the journal the index reaches, and the totals there.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    totals: Totals,
}

fn key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

fn check_of(key: &[u8], payload: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(&CHECK_KEY);
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(payload);
    *hasher.finalize().as_bytes().first_chunk().expect("a digest is longer than a check")
}

fn sealed(key: Vec<u8>, value: &impl Serialize) -> Change {
    let bytes = postcard::to_extend(value, vec![0; CHECK_BYTES]);
    let mut bytes = bytes.expect("plain values can be encoded into memory");
    let check = check_of(&key, &bytes[CHECK_BYTES..]);
    bytes[..CHECK_BYTES].copy_from_slice(&check);
    (key, Some(bytes))
}

fn unsealed<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, IndexError> {
    let (check, payload) = value.split_at_checked(CHECK_BYTES).ok_or(IndexError::Damaged)?;
    if check != check_of(key, payload) {
        return Err(IndexError::Damaged);
    }
    postcard::from_bytes(payload).map_err(|_| IndexError::Damaged)
}

fn look_up<T: DeserializeOwned>(index: &dyn Index, key: &[u8]) -> Result<Option<T>, IndexError> {
    index.get(key)?.map(|value| unsealed(key, &value)).transpose()
}

/// The record and the failure of a target.
pub(in crate::store) fn target(index: &dyn Index, target: &str) -> Result<Found, IndexError> {
    Ok(look_up(index, &key(b't', target.as_bytes()))?.unwrap_or_default())
}

/// The youngest record with a key.
pub(in crate::store) fn record(
    index: &dyn Index,
    digest: &Digest,
) -> Result<Option<Committing>, IndexError> {
    look_up(index, &key(b'k', &digest.0))
}

/// How long the actions of a rule took.
pub(in crate::store) fn durations(index: &dyn Index, rule: &str) -> Result<Durations, IndexError> {
    Ok(look_up(index, &key(b'r', rule.as_bytes()))?.unwrap_or_default())
}

/// What was last seen at a path.
pub(in crate::store) fn sighting(
    index: &dyn Index,
    path: &str,
) -> Result<Option<Sighting>, IndexError> {
    look_up(index, &key(b's', path.as_bytes()))
}

/// Calls `each` with everything that was last seen of files.
pub(in crate::store) fn sightings(
    index: &dyn Index,
    each: &mut dyn FnMut(Sighting),
) -> Result<(), IndexError> {
    let mut damaged = false;
    index.visit(b"s", &mut |key, value| match unsealed(key, value) {
        Ok(sighting) => each(sighting),
        Err(_) => damaged = true,
    })?;
    if damaged { Err(IndexError::Damaged) } else { Ok(()) }
}

/// The totals up to which the index was written; `None` for an empty one or one of another format.
pub(in crate::store) fn totals(index: &dyn Index) -> Result<Option<Totals>, IndexError> {
    let head: Option<Head> = look_up(index, &key(b'h', b""))?;
    Ok(head.filter(|head| head.format == FORMAT).map(|head| head.totals))
}

/// Writes facts and sightings, and last how far the facts reach. What a crash leaves of it is
/// harmless: the facts that are there already will be read from the journal again and found to be
/// the same, and the sums, which must not be added twice, go with the reach in one step.
pub(in crate::store) fn write<'a>(
    index: &dyn Index,
    facts: &Facts,
    sightings: impl Iterator<Item = &'a Sighting>,
) -> Result<(), IndexError> {
    let mut changes = Vec::with_capacity(facts.len());
    for (path, slot) in &facts.targets {
        let before = match slot.record {
            Recorded::AsBefore => target(index, path)?.record,
            _ => None,
        };
        changes.push(sealed(key(b't', path.as_bytes()), &slot.after(before)));
    }
    for (digest, committing) in &facts.keys {
        changes.push(sealed(key(b'k', &digest.0), committing));
    }
    changes.extend(sightings.map(|s| sealed(key(b's', s.seen.path.as_bytes()), s)));
    // In the order of the keys the database finds each next to the one before.
    changes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    while changes.len() > BATCH {
        let batch = changes.split_off(changes.len() - BATCH);
        index.apply(batch)?;
    }
    for (rule, later) in &facts.durations {
        let both = durations(index, rule)?.followed_by(*later);
        changes.push(sealed(key(b'r', rule.as_bytes()), &both));
    }
    changes.push(sealed(key(b'h', b""), &Head { format: FORMAT, totals: facts.totals.clone() }));
    index.apply(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::MemoryIndex;

    #[test]
    fn every_flipped_or_cut_byte_of_a_value_shows() {
        let (key, value) =
            sealed(key(b'r', b"rule"), &Durations { count: 1, ..Default::default() });
        let value = value.unwrap();
        assert_eq!(unsealed::<Durations>(&key, &value).unwrap().count, 1);
        for at in 0..value.len() {
            let mut flipped = value.clone();
            flipped[at] ^= 0x10;
            assert!(unsealed::<Durations>(&key, &flipped).is_err());
            assert!(unsealed::<Durations>(&key, &value[..at]).is_err());
        }
        assert!(unsealed::<Durations>(b"rother", &value).is_err(), "the value of another key");
    }

    #[test]
    fn a_later_stretch_adds_to_an_earlier_one() {
        let index = MemoryIndex::default();
        let at = |offset| Position { segment: 1, offset };
        let committing = Committing { intent: at(1), committed: at(2), wall_ms: 5 };
        let one = Durations { count: 1, total_ms: 5, last_ms: 5 };
        let mut facts = Facts::default();
        let built = Slot { record: Recorded::At(committing), failure: None };
        facts.targets.insert("out".to_owned(), built);
        facts.durations.insert("rule".to_owned(), one);
        write(&index, &facts, std::iter::empty()).unwrap();
        let mut facts = Facts::default();
        let failed = Slot { record: Recorded::AsBefore, failure: Some(at(3)) };
        facts.targets.insert("out".to_owned(), failed);
        facts.durations.insert("rule".to_owned(), one);
        facts.totals.build_max = 1;
        write(&index, &facts, std::iter::empty()).unwrap();
        let found = target(&index, "out").unwrap();
        assert_eq!(found, Found { record: Some(committing), failure: Some(at(3)) });
        assert_eq!(durations(&index, "rule").unwrap().count, 2);
        assert_eq!(totals(&index).unwrap(), Some(facts.totals.clone()));
        facts.targets.insert("out".to_owned(), Slot { record: Recorded::Withdrawn, failure: None });
        write(&index, &facts, std::iter::empty()).unwrap();
        assert_eq!(target(&index, "out").unwrap(), Found::default());
    }
}
