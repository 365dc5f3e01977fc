//! Frames: how entries lie in a segment, so that damage shows and what follows is still found.
//!
//! A frame is `marker 4 | check 16 | length 4 | kind 1 | version 1 | zero 2 | payload`. The check
//! covers everything behind it and the frame's own place, so a block that a file system put back
//! from elsewhere is not taken for ours. Frames are not chained, because one lost frame must not
//! take away the trust in those after it.

use crate::store::error::{Position, StoreError};
use crate::store::report::Damage;

/// The first bytes of a segment, before its version and number.
const MAGIC: [u8; 8] = *b"attpcjnl";

/// Version of the segment layout; a frame's check covers it through the key.
const SEGMENT_VERSION: u32 = 1;

/// Bytes before the first frame of a segment.
pub(in crate::store) const SEGMENT_HEADER_BYTES: usize = 16;

const MARKER: [u8; 4] = [0xA7, b'T', b'P', b'C'];
const CHECK_BYTES: usize = 16;
const CHECKED_FROM: usize = 4 + CHECK_BYTES;

/// Bytes of a frame before its payload.
pub(in crate::store) const FRAME_HEADER_BYTES: usize = CHECKED_FROM + 8;

/// No payload is longer: a length over this is damage, and an entry over it a bug.
pub(in crate::store) const PAYLOAD_BYTES_MAX: usize = 64 << 20;

const CHECK_KEY: [u8; 32] = *b"attpc journal frame, version 1  ";

/// The check of a frame, which also serves to recognise it.
pub(in crate::store) type Check = [u8; CHECK_BYTES];

/// A frame whose check holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) struct Frame<'a> {
    pub check: Check,
    pub kind: u8,
    pub version: u8,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the whole frame.
    pub(in crate::store) fn length(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload.len()
    }
}

/// The header of a segment.
pub(in crate::store) fn segment_header(number: u32) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
    header[12..].copy_from_slice(&number.to_le_bytes());
    header
}

/// True when a segment says that a newer program wrote it.
pub(in crate::store) fn is_newer(segment: &[u8]) -> bool {
    let version = segment.get(8..12).and_then(|bytes| bytes.first_chunk());
    segment.starts_with(&MAGIC) && version.is_some_and(|v| u32::from_le_bytes(*v) > SEGMENT_VERSION)
}

/// Opens a frame at the end of `out`; the payload is to follow, then [`close_frame`].
pub(in crate::store) fn open_frame(out: &mut Vec<u8>, kind: u8, version: u8) {
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&[0; CHECK_BYTES]);
    out.extend_from_slice(&[0, 0, 0, 0, kind, version, 0, 0]);
}

/// Fills in length and check of the frame that begins at `start` and ends with `out`.
pub(in crate::store) fn close_frame(
    out: &mut [u8],
    start: usize,
    position: Position,
) -> Result<Check, StoreError> {
    let frame = &mut out[start..];
    let length = frame.len() - FRAME_HEADER_BYTES;
    if length > PAYLOAD_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: length, limit: PAYLOAD_BYTES_MAX });
    }
    let length = u32::try_from(length).expect("the limit is below four gigabytes");
    frame[CHECKED_FROM..CHECKED_FROM + 4].copy_from_slice(&length.to_le_bytes());
    let check = check_of(position, &frame[CHECKED_FROM..]);
    frame[4..CHECKED_FROM].copy_from_slice(&check);
    Ok(check)
}

fn check_of(position: Position, checked: &[u8]) -> Check {
    let mut hasher = blake3::Hasher::new_keyed(&CHECK_KEY);
    hasher.update(checked);
    hasher.update(&position.segment.to_le_bytes());
    hasher.update(&position.offset.to_le_bytes());
    let digest = hasher.finalize();
    *digest.as_bytes().first_chunk().expect("a digest is longer than a check")
}

/// The length of the payload that a frame's header announces; `None` when it is no header.
pub(in crate::store) fn payload_length(header: &[u8]) -> Option<usize> {
    if !header.starts_with(&MARKER) {
        return None;
    }
    let length: [u8; 4] = *header.get(CHECKED_FROM..)?.first_chunk()?;
    let length = u32::from_le_bytes(length) as usize;
    (length <= PAYLOAD_BYTES_MAX).then_some(length)
}

/// The frame at the beginning of `bytes`, which lie at `position`; `None` unless it is whole and
/// its check holds.
pub(in crate::store) fn read_frame(bytes: &[u8], position: Position) -> Option<Frame<'_>> {
    let end = FRAME_HEADER_BYTES.checked_add(payload_length(bytes)?)?;
    let frame = bytes.get(..end)?;
    let check: Check = *frame[4..].first_chunk()?;
    if check_of(position, &frame[CHECKED_FROM..]) != check {
        return None;
    }
    let payload = &frame[FRAME_HEADER_BYTES..];
    Some(Frame { check, kind: frame[CHECKED_FROM + 4], version: frame[CHECKED_FROM + 5], payload })
}

/// What a walk over a segment found besides frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Walk {
    /// Stretches with whole frames after them.
    pub damage: Vec<Damage>,
    /// What stands at the end without being a frame.
    pub tail: Option<Damage>,
}

/// Calls `visit` for every whole frame of `bytes`, which begin at `position` in a segment. After a
/// spot that is no frame it goes on at the next one that is.
pub(in crate::store) fn walk(
    bytes: &[u8],
    position: Position,
    visit: &mut dyn FnMut(Position, Frame<'_>),
) -> Walk {
    let mut found = Walk::default();
    let mut at = 0;
    let place = |at: usize| Position { offset: position.offset + at as u64, ..position };
    while at < bytes.len() {
        if let Some(frame) = read_frame(&bytes[at..], place(at)) {
            visit(place(at), frame);
            at += frame.length();
            continue;
        }
        let next = next_frame(bytes, at + 1, place);
        let end = next.unwrap_or(bytes.len());
        let damage = Damage { at: place(at), bytes: (end - at) as u64 };
        match next {
            Some(_) => found.damage.push(damage),
            None => found.tail = Some(damage),
        }
        at = end;
    }
    found
}

fn next_frame(bytes: &[u8], from: usize, place: impl Fn(usize) -> Position) -> Option<usize> {
    let last = bytes.len().saturating_sub(FRAME_HEADER_BYTES);
    (from..=last)
        .find(|&at| bytes[at] == MARKER[0] && read_frame(&bytes[at..], place(at)).is_some())
}
