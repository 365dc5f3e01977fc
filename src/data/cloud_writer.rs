//! Writes point clouds in Spyral's `Pointcloud` layout.
//!
//! `cloud` group with attributes `min_event` and `max_event`; for each event a contiguous data set
//! `cloud_{event}` of shape (points, 8) and where it came from and what the ion chamber saw as
//! attributes. Object times are off, so the same clouds always give the same bytes.

use std::path::{Path, PathBuf};

use hdf5::{Dataset, Group, H5Type};
use ndarray::ArrayView2;

use crate::data::error::DataError;

/// Columns of a cloud: x, y, z, amplitude, integral, pad, time, scale.
pub const CLOUD_COLUMNS: usize = 8;

/// What a cloud's attributes say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CloudFacts {
    pub orig_run: i64,
    pub orig_event: i64,
    /// `None` writes -1 everywhere, as floats; otherwise all but the amplitude are integers.
    pub ion_chamber: Option<IonChamberFacts>,
}

/// The ion chamber's trigger peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IonChamberFacts {
    /// ADC units.
    pub amplitude: f64,
    /// ADC units times samples.
    pub integral: i64,
    /// Sample of the digitiser.
    pub centroid: i64,
    pub multiplicity: i64,
}

/// A file of point clouds that is being written.
pub struct CloudWriter {
    path: PathBuf,
    file: hdf5::File,
    group: Group,
}

impl CloudWriter {
    /// Makes the file; `range` is written as `min_event` and `max_event`.
    pub fn create(path: &Path, range: [i64; 2]) -> Result<CloudWriter, DataError> {
        let failed = |doing| move |source| library_error(path, "cloud", doing, source);
        let file = hdf5::File::with_options()
            .with_fapl(|list| list.libver_v18())
            .with_fcpl(|list| list.obj_track_times(false))
            .create(path)
            .map_err(failed("create"))?;
        let group = file
            .create_group_builder()
            .obj_track_times(false)
            .create("cloud")
            .map_err(failed("create group"))?;
        for (name, value) in ["min_event", "max_event"].into_iter().zip(range) {
            attribute(&group, name, value).map_err(failed("write attributes of"))?;
        }
        Ok(CloudWriter { path: path.to_owned(), file, group })
    }

    /// Adds the cloud of an event.
    pub fn add(
        &self,
        event: u64,
        points: &[[f64; CLOUD_COLUMNS]],
        facts: &CloudFacts,
    ) -> Result<(), DataError> {
        let name = format!("cloud_{event}");
        let failed = |source| library_error(&self.path, &format!("cloud/{name}"), "write", source);
        let cells = points.as_flattened();
        let view = ArrayView2::from_shape((points.len(), CLOUD_COLUMNS), cells)
            .expect("every point has all columns");
        let dataset = self
            .group
            .new_dataset_builder()
            .with_data(view)
            .create(name.as_str())
            .map_err(failed)?;
        write_facts(&dataset, facts).map_err(failed)
    }

    /// Closes the file.
    pub fn finish(self) -> Result<(), DataError> {
        let CloudWriter { path, file, group } = self;
        drop(group);
        file.close().map_err(|source| library_error(&path, "cloud", "close", source))
    }
}

fn write_facts(dataset: &Dataset, facts: &CloudFacts) -> hdf5::Result<()> {
    attribute(dataset, "orig_run", facts.orig_run)?;
    attribute(dataset, "orig_event", facts.orig_event)?;
    match facts.ion_chamber {
        Some(peak) => {
            attribute(dataset, "ic_amplitude", peak.amplitude)?;
            attribute(dataset, "ic_integral", peak.integral)?;
            attribute(dataset, "ic_centroid", peak.centroid)?;
            attribute(dataset, "ic_multiplicity", peak.multiplicity)
        }
        None => ["ic_amplitude", "ic_integral", "ic_centroid", "ic_multiplicity"]
            .into_iter()
            .try_for_each(|name| attribute(dataset, name, -1.0)),
    }
}

fn attribute<T: H5Type>(of: &hdf5::Location, name: &str, value: T) -> hdf5::Result<()> {
    of.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn library_error(path: &Path, object: &str, doing: &'static str, source: hdf5::Error) -> DataError {
    DataError::Library { path: path.to_owned(), object: object.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_file_tells_when_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloud.h5");
        let writer = CloudWriter::create(&path, [0, 3]).unwrap();
        let facts = CloudFacts { orig_run: 1, orig_event: 3, ion_chamber: None };
        writer.add(3, &[[1.0; CLOUD_COLUMNS]], &facts).unwrap();
        writer.finish().unwrap();
        let file = hdf5::File::open(&path).unwrap();
        for name in ["/", "cloud", "cloud/cloud_3"] {
            let times = file.loc_info_by_name(name).unwrap();
            assert_eq!((times.ctime, times.mtime, times.btime), (0, 0, 0), "{name}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = CloudWriter::create(Path::new("/nowhere/cloud.h5"), [0, 0]).err().unwrap();
        assert_eq!(error.to_string(), "cannot create `cloud` in `/nowhere/cloud.h5`");
    }
}
