//! Raw run files of the AT-TPC in every layout that was ever written, behind one type.
//!
//! [`RawRun::locate`] finds an event's arrays with the library, [`RawRun::load`] reads and unpacks
//! them on any thread. A caller that streams locates ahead on one thread and loads on many; its
//! memory is bounded by how far ahead it goes, because a [`RawRun`] itself holds no event.

mod harmonic;
mod layout;
mod legacy;
mod merger;
mod scaler;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

use ndarray::Array2;

use crate::data::error::DataError;
use crate::data::hdf::{Block, HdfFile, Shape};

pub use layout::Layout;
pub use scaler::{SCALER_NAMES, ScalerRecord, Scalers};

/// Columns of a GET matrix: five that say where, then the samples.
pub const GET_COLUMNS: usize = 517;
/// Samples of a trace.
pub const GET_SAMPLES: usize = 512;
/// Column of a GET matrix that holds the pad number.
pub const GET_PAD: usize = 4;
/// Samples of the FRIBDAQ digitiser, for each of its eight channels.
pub const FRIB_SAMPLES: usize = 2048;

const GET_SHAPE: Shape =
    Shape { rows: None, columns: Some(GET_COLUMNS), words: "int16 (traces, 517)" };
const FRIB_SHAPE: Shape =
    Shape { rows: Some(FRIB_SAMPLES), columns: Some(8), words: "uint16 (2048, 8)" };
const MODULE_SHAPE: Shape =
    Shape { rows: None, columns: None, words: "uint16 (samples, channels)" };

/// The four silicon detectors, in the order in which [`GetData::silicon`] holds them.
pub const SILICON: [&str; 4] =
    ["si_upstream_front", "si_upstream_back", "si_downstream_front", "si_downstream_back"];
/// What readers of the 2.0 layout have called the silicon detectors; no writer did.
const SILICON_ALIASES: [&str; 4] = [
    "silicon_upstream_front",
    "silicon_upstream_back",
    "silicon_downstream_front",
    "silicon_downstream_back",
];
/// FRIBDAQ modules beside the digitiser `1903` and the coincidence word `977`.
const MODULES: [&str; 3] = ["1904", "1905", "1906"];

/// How much of an event is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Pad traces, ion chamber digitiser and coincidence word.
    Physics,
    /// Everything the file holds of it.
    Everything,
}

/// A raw run that is open for reading.
pub struct RawRun {
    file: HdfFile,
    layout: Layout,
    /// Run number as the file says it, where it does.
    run: Option<i64>,
    /// `min_event` and `max_event` as written, whatever they mean.
    written_range: [i64; 2],
    warnings: Vec<String>,
}

impl RawRun {
    /// Opens a run and finds out its layout.
    pub fn open(path: &Path) -> Result<RawRun, DataError> {
        let file = HdfFile::open(path)?;
        let found = layout::detect(&file)?;
        Ok(RawRun {
            file,
            layout: found.layout,
            run: found.run,
            written_range: found.range,
            warnings: found.warnings,
        })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The layout that was found.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The run number as the file says it; harmonized files hold events of several runs.
    pub fn run_number(&self) -> Option<i64> {
        self.run
    }

    /// What is odd about the file without keeping it from being read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// First and last event as the file's attributes say, whether the last is meant or excluded.
    pub fn written_range(&self) -> [i64; 2] {
        self.written_range
    }

    /// All events of the file. Single ones may be missing.
    pub fn events(&self) -> Range<u64> {
        let [first, last] = self.written_range.map(|bound| bound.max(0) as u64);
        let end = match self.layout {
            Layout::Harmonized => last,
            _ if self.written_range[1] < self.written_range[0] => first,
            Layout::Legacy | Layout::Merger1 | Layout::Merger2 => last + 1,
        };
        first..end.max(first)
    }

    /// The events that Spyral 1.1 reads: it takes the last event of merger files for the end of
    /// the range and so leaves it out.
    pub fn spyral_events(&self) -> Range<u64> {
        let all = self.events();
        match self.layout {
            Layout::Merger1 | Layout::Merger2 => {
                all.start..all.end.saturating_sub(1).max(all.start)
            }
            Layout::Legacy | Layout::Harmonized => all,
        }
    }

    /// Finds an event's arrays; `None` when the file lacks the event.
    ///
    /// # Errors
    /// An event outside of [`RawRun::events`], or one whose objects have the wrong type or shape.
    pub fn locate(&self, event: u64, detail: Detail) -> Result<Option<LocatedEvent>, DataError> {
        let events = self.events();
        if !events.contains(&event) {
            return Err(DataError::EventOutOfRange {
                path: self.path().to_owned(),
                event,
                first: events.start,
                last: i128::from(events.end) - 1,
            });
        }
        match self.layout {
            Layout::Legacy => legacy::locate(&self.file, event, detail),
            Layout::Merger1 => merger::locate(&self.file, event, merger::Get::Traces, detail),
            Layout::Merger2 => merger::locate(&self.file, event, merger::Get::Detectors, detail),
            Layout::Harmonized => harmonic::locate(&self.file, event, detail),
        }
        .map(|found| {
            found.map(|mut event| {
                event.orig_run = event.orig_run.or(self.run);
                event
            })
        })
    }

    /// Reads and unpacks a located event; takes no lock.
    pub fn load(&self, event: LocatedEvent) -> Result<RawEvent, DataError> {
        let read_get = |get: LocatedGet| -> Result<GetData, DataError> {
            let silicon = get
                .silicon
                .into_iter()
                .map(|block| block.map(|block| block.read(&self.file)).transpose())
                .collect::<Result<_, _>>()?;
            Ok(GetData { stamp: get.stamp, pads: get.pads.read(&self.file)?, silicon })
        };
        let read_frib = |frib: LocatedFrib| -> Result<FribData, DataError> {
            let modules = frib
                .modules
                .into_iter()
                .map(|(name, block)| Ok((name, block.read(&self.file)?)))
                .collect::<Result<_, DataError>>()?;
            Ok(FribData {
                id: frib.id,
                timestamp: frib.timestamp,
                digitizer: frib.digitizer.map(|block| block.read(&self.file)).transpose()?,
                coincidence: frib.coincidence,
                modules,
            })
        };
        Ok(RawEvent {
            number: event.number,
            orig_run: event.orig_run,
            orig_event: event.orig_event,
            get: event.get.map(read_get).transpose()?,
            frib: event.frib.map(read_frib).transpose()?,
        })
    }

    /// Reads and unpacks some pad traces of a located event, 517 cells each; takes no lock.
    pub fn load_pads(
        &self,
        event: &LocatedEvent,
        traces: Range<usize>,
    ) -> Result<Vec<i16>, DataError> {
        match &event.get {
            Some(get) => get.pads.read_rows(&self.file, traces),
            None => Ok(Vec::new()),
        }
    }

    /// Reads and unpacks the FRIBDAQ digitiser of a located event; takes no lock.
    pub fn load_digitizer(&self, event: &LocatedEvent) -> Result<Option<Array2<u16>>, DataError> {
        let digitizer = event.frib.as_ref().and_then(|frib| frib.digitizer.as_ref());
        digitizer.map(|block| block.read(&self.file)).transpose()
    }

    /// One whole event.
    ///
    /// # Errors
    /// [`DataError::EventOutOfRange`] and [`DataError::MissingEvent`], and whatever is wrong with
    /// its arrays.
    pub fn event(&self, event: u64) -> Result<RawEvent, DataError> {
        let located = self.locate(event, Detail::Everything)?;
        let object = match self.layout {
            Layout::Legacy => format!("get/evt{event}_data"),
            _ => format!("events/event_{event}"),
        };
        let missing = || DataError::MissingEvent { path: self.path().to_owned(), event, object };
        self.load(located.ok_or_else(missing)?)
    }

    /// All scaler records; none for harmonized files, which keep them elsewhere.
    pub fn scalers(&self) -> Result<Scalers, DataError> {
        match self.layout {
            Layout::Legacy => scaler::legacy(&self.file),
            Layout::Merger1 | Layout::Merger2 => scaler::merger(&self.file),
            Layout::Harmonized => Ok(Scalers::default()),
        }
    }
}

/// Number and times of an event as the GET electronics gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetStamp {
    pub id: u64,
    /// Ticks of 100 MHz.
    pub timestamp: u64,
    /// Ticks of the other clock.
    pub timestamp_other: u64,
}

/// An event whose arrays were found but not read.
#[derive(Clone, Debug)]
pub struct LocatedEvent {
    pub number: u64,
    /// The run it was recorded in, where the file says so.
    pub orig_run: Option<i64>,
    /// Its number in that run.
    pub orig_event: i64,
    get: Option<LocatedGet>,
    frib: Option<LocatedFrib>,
}

impl LocatedEvent {
    /// Bytes that the event's arrays take in memory.
    pub fn bytes(&self) -> usize {
        let get = self.get.as_ref().map_or(0, |get| {
            get.pads.bytes() + get.silicon.iter().flatten().map(Block::bytes).sum::<usize>()
        });
        let frib = self.frib.as_ref().map_or(0, |frib| {
            frib.digitizer.as_ref().map_or(0, Block::bytes)
                + frib.modules.iter().map(|(_, block)| block.bytes()).sum::<usize>()
        });
        get + frib
    }

    /// True when the GET electronics saw the event.
    pub fn is_seen_by_get(&self) -> bool {
        self.get.is_some()
    }

    /// The word of module 977.
    pub fn coincidence(&self) -> Option<u16> {
        self.frib.as_ref().and_then(|frib| frib.coincidence)
    }

    /// Ranges of about `wanted` pad traces, for [`RawRun::load_pads`].
    pub fn pad_parts(&self, wanted: usize) -> Vec<Range<usize>> {
        self.get.as_ref().map_or_else(Vec::new, |get| get.pads.parts(wanted))
    }

    /// Pad traces of the event.
    pub fn traces(&self) -> usize {
        self.get.as_ref().map_or(0, |get| get.pads.rows())
    }
}

#[derive(Clone, Debug)]
struct LocatedGet {
    stamp: GetStamp,
    pads: Block<i16>,
    silicon: Vec<Option<Block<i16>>>,
}

#[derive(Clone, Debug)]
struct LocatedFrib {
    id: u64,
    timestamp: u64,
    digitizer: Option<Block<u16>>,
    coincidence: Option<u16>,
    modules: Vec<(&'static str, Block<u16>)>,
}

/// One event of a raw run.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    /// Number in this file.
    pub number: u64,
    /// The run it was recorded in, where the file says so.
    pub orig_run: Option<i64>,
    /// Its number in that run.
    pub orig_event: i64,
    /// `None` for an event that only FRIBDAQ saw.
    pub get: Option<GetData>,
    /// `None` for an event that only GET saw.
    pub frib: Option<FribData>,
}

/// What the GET electronics recorded of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct GetData {
    pub stamp: GetStamp,
    /// `pads[trace, column]`: CoBo, AsAd, AGET, channel, pad number, then 512 samples in ADC units.
    pub pads: Array2<i16>,
    /// Silicon detectors in the order of [`SILICON`]; empty for layouts without them.
    pub silicon: Vec<Option<Array2<i16>>>,
}

/// What FRIBDAQ recorded of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct FribData {
    pub id: u64,
    pub timestamp: u64,
    /// `digitizer[sample, channel]` of module 1903 at 12.5 MHz: ion chamber, mesh, silicon, unused.
    pub digitizer: Option<Array2<u16>>,
    /// Word of module 977: 0 no trigger, 1 mesh, 2 downscaled ion chamber, 3 both.
    pub coincidence: Option<u16>,
    /// Other modules by name.
    pub modules: Vec<(&'static str, Array2<u16>)>,
}
