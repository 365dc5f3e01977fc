//! The journal: numbered segments of frames, written at the end of the last one only.
//!
//! A write that a crash cut short leaves a torn tail, which the next opening cuts off and reports.
//! Damage anywhere else is stepped over and reported, and stays where it is.

use std::collections::BTreeMap;

use crate::fsio::error::FsError;
use crate::fsio::logfile::LogFile;
use crate::fsio::tree::Tree;
use crate::store::entry::Entry;
use crate::store::error::{Position, StoreError};
use crate::store::format::VERSION;
use crate::store::frame::{
    Check, FRAME_HEADER_BYTES, Frame, SEGMENT_HEADER_BYTES, close_frame, is_newer, open_frame,
    payload_length, read_frame, segment_header, walk,
};
use crate::store::report::{Damage, Findings};

/// The directory of the segments, below the state directory.
pub(in crate::store) const DIRECTORY: &str = "journal";

/// A segment that has grown over this takes no further entries.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Bytes that are read with the header of a frame: most entries fit, so one read serves.
const READ_AHEAD_BYTES: u64 = 4 << 10;

/// An entry that was just appended or found: where it lies and by what it is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Place {
    pub position: Position,
    pub check: Check,
    /// Where the next frame begins.
    pub end: Position,
}

/// Segments opened for reading.
#[derive(Debug)]
pub(in crate::store) struct Segments {
    files: BTreeMap<u32, LogFile>,
}

impl Segments {
    /// Opens all segments of a state directory; none where there is no journal yet.
    pub(in crate::store) fn open(state: &Tree) -> Result<Segments, StoreError> {
        let names = state
            .names(DIRECTORY)
            .map_err(FsError::io("list", state.root().join(DIRECTORY).to_string_lossy()))?;
        let number = |name: &String| name.strip_suffix(".log")?.parse::<u32>().ok();
        let mut files = BTreeMap::new();
        for number in names.iter().filter_map(number) {
            let file = LogFile::open_to_read(state.root().join(file_name(number)))?;
            files.insert(number, file);
        }
        Ok(Segments { files })
    }

    /// No segments: the history of a project that was never built.
    pub(in crate::store) fn none() -> Segments {
        Segments { files: BTreeMap::new() }
    }

    fn last_number(&self) -> Option<u32> {
        self.files.last_key_value().map(|(number, _)| *number)
    }

    /// Where the journal begins.
    pub(in crate::store) fn start(&self) -> Position {
        let first = self.files.first_key_value().map_or(1, |(number, _)| *number);
        Position { segment: first, offset: SEGMENT_HEADER_BYTES as u64 }
    }

    /// True when a position can be the end of something indexed.
    pub(in crate::store) fn reaches(&self, position: Position) -> bool {
        self.files.get(&position.segment).is_some_and(|file| file.length() >= position.offset)
    }

    /// Calls `visit` with every entry from a position on.
    pub(in crate::store) fn walk(
        &self,
        from: Position,
        visit: &mut dyn FnMut(Place, Frame<'_>),
    ) -> Result<Findings, StoreError> {
        let mut findings = Findings::default();
        let Some(last) = self.last_number() else { return Ok(findings) };
        for number in from.segment.max(self.start().segment)..=last {
            let Some(file) = self.files.get(&number) else {
                let at = Position { segment: number, offset: 0 };
                findings.damage.push(Damage { at, bytes: 0 });
                continue;
            };
            let here = number == from.segment && from.offset > SEGMENT_HEADER_BYTES as u64;
            let offset = if here { from.offset } else { 0 };
            let bytes = file.read_from(offset)?;
            if offset == 0 && is_newer(&bytes) {
                let path = file.path().to_string_lossy().into_owned();
                return Err(StoreError::NewerFormat { path });
            }
            let whole_header = offset == 0 && bytes.starts_with(&segment_header(number));
            let skip = if whole_header { SEGMENT_HEADER_BYTES } else { 0 };
            let start = Position { segment: number, offset: offset + skip as u64 };
            let found = walk(&bytes[skip..], start, &mut |position, frame| {
                let offset = position.offset + frame.length() as u64;
                let end = Position { offset, ..position };
                visit(Place { position, check: frame.check, end }, frame);
            });
            findings.damage.extend(found.damage);
            match found.tail {
                Some(tail) if number == last => findings.torn = Some(tail),
                tail => findings.damage.extend(tail),
            }
        }
        Ok(findings)
    }

    /// Reads one entry. Its check is verified, so what comes back is what was written.
    pub(in crate::store) fn entry(&self, position: Position) -> Result<Entry, StoreError> {
        let damaged = || StoreError::Damaged { at: position };
        let (bytes, _) = self.frame_bytes(position)?.ok_or_else(damaged)?;
        let frame = read_frame(&bytes, position).ok_or_else(damaged)?;
        Entry::decode(frame.kind, frame.version, frame.payload).ok_or_else(damaged)
    }

    /// The check of the frame at a position; `None` when there is no whole frame.
    pub(in crate::store) fn check_at(
        &self,
        position: Position,
    ) -> Result<Option<Check>, StoreError> {
        let bytes = self.frame_bytes(position)?;
        Ok(bytes.and_then(|(bytes, _)| read_frame(&bytes, position).map(|frame| frame.check)))
    }

    fn frame_bytes(&self, position: Position) -> Result<Option<(Vec<u8>, usize)>, StoreError> {
        let Some(file) = self.files.get(&position.segment) else { return Ok(None) };
        let left = file.length().saturating_sub(position.offset);
        let ahead = usize::try_from(left.min(READ_AHEAD_BYTES)).expect("a few kilobytes");
        let mut bytes = vec![0; ahead];
        file.read_at(position.offset, &mut bytes)?;
        let Some(length) = payload_length(&bytes).map(|length| length + FRAME_HEADER_BYTES) else {
            return Ok(None);
        };
        if length as u64 > left {
            return Ok(None);
        }
        if length > ahead {
            bytes.resize(length, 0);
            file.read_at(position.offset + ahead as u64, &mut bytes[ahead..])?;
        }
        Ok(Some((bytes, length)))
    }
}

/// The journal of a project, open for appending; its holder holds the project's lock.
#[derive(Debug)]
pub(in crate::store) struct Journal {
    state: Tree,
    segments: Segments,
    /// After a write or a sync went wrong nobody knows what the disk holds until it is read again.
    failed: bool,
    unsynced: bool,
}

impl Journal {
    /// Opens the journal, or begins one.
    pub(in crate::store) fn open(state: Tree) -> Result<Journal, StoreError> {
        state.create_dir_all(DIRECTORY)?;
        let mut segments = Segments::open(&state)?;
        if let Some(number) = segments.last_number() {
            let file = LogFile::open(state.root().join(file_name(number)))?;
            segments.files.insert(number, file);
        }
        let mut journal = Journal { state, segments, failed: false, unsynced: false };
        match journal.segments.last_number() {
            None => journal.begin_segment(1)?,
            Some(number) => journal.mend_header(number)?,
        }
        Ok(journal)
    }

    /// For reading.
    pub(in crate::store) fn segments(&self) -> &Segments {
        &self.segments
    }

    fn current(&mut self) -> &mut LogFile {
        let last = self.segments.files.last_entry();
        last.expect("an open journal has a segment").into_mut()
    }

    fn begin_segment(&mut self, number: u32) -> Result<(), StoreError> {
        let mut file = LogFile::open(self.state.root().join(file_name(number)))?;
        file.append(&segment_header(number))?;
        file.sync()?;
        self.state.sync_directory(DIRECTORY)?;
        self.state.sync_directory("")?;
        self.segments.files.insert(number, file);
        Ok(())
    }

    /// A crash while a segment was begun leaves less than its header; a newer program leaves one
    /// that forbids us to write behind it.
    fn mend_header(&mut self, number: u32) -> Result<(), StoreError> {
        let file = self.current();
        let mut header = [0; SEGMENT_HEADER_BYTES];
        if file.length() >= header.len() as u64 {
            file.read_at(0, &mut header)?;
        }
        if is_newer(&header) {
            let path = file.path().to_string_lossy().into_owned();
            return Err(StoreError::NewerFormat { path });
        }
        if file.length() < SEGMENT_HEADER_BYTES as u64 {
            file.truncate(0)?;
            file.append(&segment_header(number))?;
            file.sync()?;
        }
        Ok(())
    }

    /// Cuts off the torn tail that a walk found.
    pub(in crate::store) fn cut(&mut self, torn: Damage) -> Result<(), StoreError> {
        assert_eq!(Some(torn.at.segment), self.segments.last_number(), "only the end can be torn");
        self.unsynced = true;
        // Cutting into the header would leave a segment that no one can recognise.
        let keep = torn.at.offset.max(SEGMENT_HEADER_BYTES as u64);
        Ok(self.current().truncate(keep)?)
    }

    /// Appends entries with one write. They survive the death of this process at once, and a power
    /// cut after [`Journal::sync`].
    pub(in crate::store) fn append(&mut self, entries: &[Entry]) -> Result<Vec<Place>, StoreError> {
        if self.failed {
            return Err(StoreError::Failed);
        }
        if self.current().length() >= SEGMENT_BYTES {
            self.sync()?;
            let number = self.segments.last_number().expect("an open journal has a segment");
            self.begin_segment(number + 1)?;
        }
        let segment = self.segments.last_number().expect("an open journal has a segment");
        let base = self.current().length();
        let mut bytes = Vec::with_capacity(entries.len() * 1024);
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let start = bytes.len();
            let position = Position { segment, offset: base + start as u64 };
            open_frame(&mut bytes, entry.kind(), VERSION);
            bytes = entry.encode(bytes).map_err(|source| StoreError::Encode { source })?;
            let check = close_frame(&mut bytes, start, position)?;
            let end = Position { segment, offset: base + bytes.len() as u64 };
            places.push(Place { position, check, end });
        }
        self.current().append(&bytes)?;
        self.unsynced = true;
        Ok(places)
    }

    /// Waits until all appended entries are on the disk. A failure is final: the kernel may call
    /// the lost pages clean, so a second try could report a success that is none.
    pub(in crate::store) fn sync(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Failed);
        }
        if self.unsynced {
            if let Err(error) = self.current().sync() {
                self.failed = true;
                return Err(error.into());
            }
            self.unsynced = false;
        }
        Ok(())
    }
}

fn file_name(number: u32) -> String {
    format!("{DIRECTORY}/{number:06}.log")
}
