//! Writes harmonized run files: merger layout 1.0 with where each event came from.
//!
//! The layout is that of harmonizer 0.1.0, so that Spyral reads the files. What that layout has no
//! place for (silicon detectors of merger format 2.0, further FRIBDAQ modules) is written beside
//! it under the names of format 2.0, because losing it silently would be worse. Nothing in a file
//! depends on the clock.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use hdf5::types::VarLenUnicode;
use hdf5::{Group, H5Type, Location};
use ndarray::Array2;

use crate::data::error::DataError;
use crate::data::raw::{FribData, GetData, RawEvent, SILICON};

/// Value of the attribute `version` in harmonized files.
pub const HARMONIZED_VERSION: &str = "harmonizer:0.1.0";

/// What the library may still give back of a file's size when the file is closed, bytes: the
/// unused rests of its two allocation blocks.
const CLOSING_SLACK: u64 = 8192;

/// A harmonized file that is being written.
pub struct HarmonicWriter {
    path: PathBuf,
    file: hdf5::File,
    events: Group,
    written: u64,
}

impl HarmonicWriter {
    /// Creates a file without events; an existing one is replaced.
    pub fn create(path: &Path) -> Result<HarmonicWriter, DataError> {
        let failed = |object: &str, doing, source| library_error(path, (object, doing), source);
        let file = hdf5::File::with_options()
            .with_fcpl(|plist| plist.obj_track_times(false))
            .create(path)
            .map_err(|source| failed("/", "create", source))?;
        let events = new_group(path, &file, "events")?;
        let version = VarLenUnicode::from_str(HARMONIZED_VERSION)
            .expect("the version text has no zero bytes");
        events
            .new_attr::<VarLenUnicode>()
            .create("version")
            .and_then(|attribute| attribute.write_scalar(&version))
            .map_err(|source| failed("events@version", "write", source))?;
        let writer = HarmonicWriter { path: path.to_owned(), file, events, written: 0 };
        for name in ["min_event", "max_event"] {
            writer.attribute::<u64>(&writer.events, name, 0)?;
        }
        Ok(writer)
    }

    /// Number of events written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that the file will at least have when it is closed now.
    pub fn least_size(&self) -> u64 {
        self.file.size().saturating_sub(CLOSING_SLACK)
    }

    /// Appends an event under the next number of this file.
    pub fn append(&mut self, event: &RawEvent) -> Result<(), DataError> {
        let group = self.group(&self.events, &format!("event_{}", self.written))?;
        // A run number that nothing told is written as -1, as all counts that are not known.
        let run = event.orig_run.map_or(-1, |run| run as i32);
        self.attribute::<i32>(&group, "orig_run", run)?;
        self.attribute::<u64>(&group, "orig_event", event.orig_event.max(0) as u64)?;
        if let Some(get) = &event.get {
            self.append_get(&group, get)?;
        }
        if let Some(frib) = &event.frib {
            self.append_frib(&group, frib)?;
        }
        self.written += 1;
        Ok(())
    }

    fn append_get(&self, event: &Group, get: &GetData) -> Result<(), DataError> {
        let traces = self.matrix(event, "get_traces", &get.pads)?;
        self.attribute::<u32>(&traces, "id", get.stamp.id as u32)?;
        self.attribute::<u64>(&traces, "timestamp", get.stamp.timestamp)?;
        self.attribute::<u64>(&traces, "timestamp_other", get.stamp.timestamp_other)?;
        if get.silicon.iter().all(Option::is_none) {
            return Ok(());
        }
        let detectors = self.group(event, "get")?;
        for (name, matrix) in SILICON.iter().zip(&get.silicon) {
            if let Some(matrix) = matrix {
                self.matrix(&detectors, name, matrix)?;
            }
        }
        Ok(())
    }

    fn append_frib(&self, event: &Group, frib: &FribData) -> Result<(), DataError> {
        let group = self.group(event, "frib_physics")?;
        self.attribute::<u32>(&group, "event", frib.id as u32)?;
        self.attribute::<u32>(&group, "timestamp", frib.timestamp as u32)?;
        if let Some(digitizer) = &frib.digitizer {
            self.matrix(&group, "1903", digitizer)?;
        }
        if let Some(word) = frib.coincidence {
            group
                .new_dataset_builder()
                .with_data(&[word])
                .create("977")
                .map_err(|source| self.failed(&group, "977", source))?;
        }
        for (name, samples) in &frib.modules {
            self.matrix(&group, name, samples)?;
        }
        Ok(())
    }

    /// Writes the number of events and closes the file.
    pub fn finish(self) -> Result<(), DataError> {
        self.events
            .attr("max_event")
            .and_then(|attribute| attribute.write_scalar(&self.written))
            .map_err(|source| self.failed(&self.events, "@max_event", source))?;
        let HarmonicWriter { path, file, events, .. } = self;
        drop(events);
        file.close().map_err(|source| library_error(&path, ("/", "close"), source))
    }

    fn group(&self, parent: &Group, name: &str) -> Result<Group, DataError> {
        new_group(&self.path, parent, name)
    }

    fn matrix<T: H5Type>(
        &self,
        parent: &Group,
        name: &str,
        data: &Array2<T>,
    ) -> Result<hdf5::Dataset, DataError> {
        parent
            .new_dataset_builder()
            .with_data(data)
            .obj_track_times(false)
            .create(name)
            .map_err(|source| self.failed(parent, name, source))
    }

    fn attribute<T: H5Type>(&self, of: &Location, name: &str, value: T) -> Result<(), DataError> {
        of.new_attr::<T>()
            .create(name)
            .and_then(|attribute| attribute.write_scalar(&value))
            .map_err(|source| self.failed(of, &format!("@{name}"), source))
    }

    fn failed(&self, parent: &Location, name: &str, source: hdf5::Error) -> DataError {
        let object = format!("{}/{name}", parent.name());
        library_error(&self.path, (object.trim_start_matches('/'), "write"), source)
    }
}

fn new_group(path: &Path, parent: &Group, name: &str) -> Result<Group, DataError> {
    parent
        .create_group_builder()
        .obj_track_times(false)
        .create(name)
        .map_err(|source| library_error(path, (name, "create"), source))
}

fn library_error(path: &Path, place: (&str, &'static str), source: hdf5::Error) -> DataError {
    let (object, doing) = place;
    DataError::Library { path: path.to_owned(), object: object.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::raw::{GetStamp, RawRun};

    fn matrix(pad: i16) -> Array2<i16> {
        Array2::from_elem((2, 517), pad)
    }

    fn event() -> RawEvent {
        let stamp = GetStamp { id: 5, timestamp: 1 << 40, timestamp_other: 7 };
        let silicon = vec![Some(matrix(1)), None, None, Some(matrix(2))];
        let frib = FribData {
            id: 9,
            timestamp: 11,
            digitizer: Some(Array2::from_elem((2048, 8), 300)),
            coincidence: Some(1),
            modules: vec![("1904", Array2::from_elem((4, 8), 6))],
        };
        RawEvent {
            number: 0,
            orig_run: Some(7),
            orig_event: 41,
            get: Some(GetData { stamp, pads: matrix(0), silicon }),
            frib: Some(frib),
        }
    }

    fn write(path: &Path, events: &[RawEvent]) {
        let mut writer = HarmonicWriter::create(path).unwrap();
        events.iter().for_each(|event| writer.append(event).unwrap());
        assert!(writer.least_size() <= writer.file.size());
        writer.finish().unwrap();
    }

    #[test]
    fn silicon_detectors_and_further_modules_survive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run_0000.h5");
        write(&path, &[event()]);
        let run = RawRun::open(&path).unwrap();
        assert_eq!(run.events(), 0..1);
        assert_eq!(run.event(0).unwrap(), event());
    }

    #[test]
    fn events_without_traces_or_without_a_run_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run_0000.h5");
        let bare = RawEvent { orig_run: None, get: None, ..event() };
        write(&path, &[bare.clone(), event()]);
        let run = RawRun::open(&path).unwrap();
        assert_eq!(run.event(0).unwrap(), RawEvent { orig_run: Some(-1), ..bare });
        assert_eq!(run.event(1).unwrap(), RawEvent { number: 1, ..event() });
    }

    #[test]
    fn a_closed_file_is_not_smaller_than_its_least_size() {
        let dir = tempfile::tempdir().unwrap();
        for events in [0, 1, 3] {
            let path = dir.path().join(format!("run_{events:04}.h5"));
            let mut writer = HarmonicWriter::create(&path).unwrap();
            (0..events).for_each(|_| writer.append(&event()).unwrap());
            let least = writer.least_size();
            writer.finish().unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() >= least);
        }
    }
}
