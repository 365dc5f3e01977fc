//! Reads the `Pointcloud` layout: files of this program and of Spyral alike.
//!
//! A group `cloud` holds a data set `cloud_{event}` (N x 8, f64) for each event, with the ion
//! chamber's answer in attributes: f64 -1 where there was none, otherwise f64 or i64.

use std::path::Path;

use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, Group};

use crate::data::error::DataError;
use crate::data::hdf::HdfFile;

/// Columns of a cloud.
pub const COLUMNS: usize = 8;

/// A point cloud as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCloud {
    pub event: i64,
    pub orig_run: i64,
    pub orig_event: i64,
    pub ion_chamber: Option<StoredPulse>,
    /// x, y, z (mm), amplitude (ADC), integral (ADC x time bucket), pad, time (time buckets), scale.
    pub rows: Vec<[f64; COLUMNS]>,
}

/// The ion chamber pulse that triggered an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoredPulse {
    /// ADC.
    pub amplitude: f64,
    /// ADC x sample.
    pub integral: f64,
    /// Samples.
    pub centroid: f64,
    pub multiplicity: f64,
}

/// What is known of a cloud without reading its points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CloudFacts {
    pub orig_run: i64,
    pub points: usize,
    /// ADC; nothing where there was no good pulse.
    pub ic_amplitude: Option<f64>,
}

/// An open file of point clouds.
pub struct CloudFile {
    file: HdfFile,
    group: Group,
    events: Vec<i64>,
}

impl CloudFile {
    /// Opens a file and lists its events.
    ///
    /// # Errors
    /// A file that cannot be opened, is no HDF5, was cut short, or has no group `cloud`.
    pub fn open(path: &Path) -> Result<CloudFile, DataError> {
        let file = HdfFile::open(path)?;
        let group = file.group(file.root(), "cloud", "a group of point clouds")?;
        let names = group
            .member_names()
            .map_err(|source| file.library_error("cloud".to_owned(), "list", source))?;
        let mut events: Vec<i64> =
            names.iter().filter_map(|name| name.strip_prefix("cloud_")?.parse().ok()).collect();
        events.sort_unstable();
        Ok(CloudFile { file, group, events })
    }

    /// Numbers of the events that have a cloud, ascending.
    pub fn events(&self) -> &[i64] {
        &self.events
    }

    /// First and last event of the run or of the part of it that the file covers.
    ///
    /// # Errors
    /// A file that does not say so.
    pub fn range(&self) -> Result<(i64, i64), DataError> {
        let bound = |name: &str| {
            let missing = || DataError::MissingObject {
                path: self.file.path().to_owned(),
                object: format!("cloud@{name}"),
                expected: "the number of an event",
            };
            self.file.attribute::<i64>(&self.group, name)?.ok_or_else(missing)
        };
        Ok((bound("min_event")?, bound("max_event")?))
    }

    /// Reads the cloud of an event.
    ///
    /// # Errors
    /// An event that is not there, or a data set or attribute of another type or shape.
    pub fn read(&self, event: i64) -> Result<StoredCloud, DataError> {
        let name = format!("cloud_{event}");
        let data = self.file.dataset(&self.group, &name, "the point cloud of an event")?;
        let object = format!("cloud/{name}");
        let rows = self.rows(&data, &object)?;
        let attribute = |name: &str| self.attribute(&data, (&object, name));
        let pulse = StoredPulse {
            amplitude: attribute("ic_amplitude")?,
            integral: attribute("ic_integral")?,
            centroid: attribute("ic_centroid")?,
            multiplicity: attribute("ic_multiplicity")?,
        };
        Ok(StoredCloud {
            event,
            orig_run: attribute("orig_run")? as i64,
            orig_event: attribute("orig_event")? as i64,
            ion_chamber: (pulse.multiplicity > 0.0).then_some(pulse),
            rows,
        })
    }

    /// Reads what is known of an event's cloud without its points.
    ///
    /// # Errors
    /// As [`CloudFile::read`].
    pub fn facts(&self, event: i64) -> Result<CloudFacts, DataError> {
        let name = format!("cloud_{event}");
        let data = self.file.dataset(&self.group, &name, "the point cloud of an event")?;
        let object = format!("cloud/{name}");
        let multiplicity = self.attribute(&data, (&object, "ic_multiplicity"))?;
        Ok(CloudFacts {
            orig_run: self.attribute(&data, (&object, "orig_run"))? as i64,
            points: data.shape().first().copied().unwrap_or(0),
            ic_amplitude: (multiplicity > 0.0)
                .then(|| self.attribute(&data, (&object, "ic_amplitude")))
                .transpose()?,
        })
    }

    fn rows(&self, data: &Dataset, object: &str) -> Result<Vec<[f64; COLUMNS]>, DataError> {
        let shape = data.shape();
        if shape.len() != 2 || shape[1] != COLUMNS {
            return Err(DataError::WrongShape {
                path: self.file.path().to_owned(),
                object: object.to_owned(),
                expected: "(points, 8)",
                found: format!("{shape:?}"),
            });
        }
        let failed = |source| self.file.library_error(object.to_owned(), "read", source);
        let values = data.read_raw::<f64>().map_err(failed)?;
        let (rows, _) = values.as_chunks::<COLUMNS>();
        Ok(rows.to_vec())
    }

    /// A number attribute, whichever of the two types it was written with.
    fn attribute(&self, data: &Dataset, place: (&str, &str)) -> Result<f64, DataError> {
        let object = format!("{}@{}", place.0, place.1);
        let failed = |source| self.file.library_error(object.clone(), "read", source);
        let attribute = data.attr(place.1).map_err(failed)?;
        let kind = attribute.dtype().and_then(|dtype| dtype.to_descriptor()).map_err(failed)?;
        match kind {
            TypeDescriptor::Float(_) => attribute.read_scalar::<f64>().map_err(failed),
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                attribute.read_scalar::<i64>().map(|value| value as f64).map_err(failed)
            }
            other => Err(DataError::WrongType {
                path: self.file.path().to_owned(),
                object: object.clone(),
                expected: "a number",
                found: other.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_example(path: &Path) {
        let file = hdf5::File::create(path).unwrap();
        let group = file.create_group("cloud").unwrap();
        for (name, value) in [("min_event", 2_u64), ("max_event", 10)] {
            group.new_attr::<u64>().create(name).unwrap().write_scalar(&value).unwrap();
        }
        let rows =
            ndarray::Array2::from_shape_fn((3, 8), |(row, column)| (row * 8 + column) as f64);
        for event in [10, 2] {
            let name = format!("cloud_{event}");
            let data = group.new_dataset_builder().with_data(&rows).create(&*name).unwrap();
            for (name, value) in [("orig_run", 101_i64), ("orig_event", event)] {
                data.new_attr::<i64>().create(name).unwrap().write_scalar(&value).unwrap();
            }
            for name in ["ic_amplitude", "ic_integral", "ic_centroid"] {
                data.new_attr::<f64>().create(name).unwrap().write_scalar(&7.5).unwrap();
            }
            // Spyral writes an integer where there was a pulse and -1.0 where there was none.
            if event == 2 {
                let attribute = data.new_attr::<i64>().create("ic_multiplicity").unwrap();
                attribute.write_scalar(&1_i64).unwrap();
            } else {
                let attribute = data.new_attr::<f64>().create("ic_multiplicity").unwrap();
                attribute.write_scalar(&-1.0).unwrap();
            }
        }
    }

    #[test]
    fn clouds_read_back_in_order_with_either_kind_of_attribute() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloud.h5");
        write_example(&path);
        let file = CloudFile::open(&path).unwrap();
        assert_eq!(file.events(), [2, 10]);
        assert_eq!(file.range().unwrap(), (2, 10));
        let cloud = file.read(2).unwrap();
        assert_eq!((cloud.orig_run, cloud.orig_event), (101, 2));
        assert_eq!(cloud.ion_chamber.unwrap().amplitude, 7.5);
        assert_eq!(cloud.rows[2][7], 23.0);
        assert_eq!(file.read(10).unwrap().ion_chamber, None);
        let facts = CloudFacts { orig_run: 101, points: 3, ic_amplitude: Some(7.5) };
        assert_eq!(file.facts(2).unwrap(), facts);
        assert_eq!(file.facts(10).unwrap().ic_amplitude, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloud.h5");
        write_example(&path);
        let error = CloudFile::open(&path).unwrap().read(3).unwrap_err().to_string();
        assert!(error.starts_with("missing `cloud/cloud_3`, expected the point cloud of an event"));
        let other = dir.path().join("other.h5");
        hdf5::File::create(&other).unwrap();
        let error = CloudFile::open(&other).err().unwrap().to_string();
        assert!(error.starts_with("missing `cloud`, expected a group of point clouds"));
        let file = hdf5::File::open_rw(&path).unwrap();
        file.group("cloud").unwrap().delete_attr("max_event").unwrap();
        drop(file);
        let error = CloudFile::open(&path).unwrap().range().unwrap_err().to_string();
        assert!(error.starts_with("missing `cloud@max_event`, expected the number of an event"));
        let absent = CloudFile::open(&dir.path().join("absent.h5")).err().unwrap().to_string();
        assert!(absent.starts_with("cannot open `"));
    }
}
