//! Reads the `Cluster` layout: files of this program and of Spyral alike.
//!
//! A group `cluster` holds a group `event_{event}` for each event that was clustered, which holds
//! its clusters as groups `cluster_0`, `cluster_1`, ... with a data set `cloud` (N x 5, f64) each.

use std::path::Path;

use hdf5::{Group, H5Type, Location};

use crate::data::cloud_reader::StoredPulse;
use crate::data::error::DataError;
use crate::data::hdf::HdfFile;

/// Columns of a cluster.
pub const COLUMNS: usize = 5;

/// What the ion chamber's numbers are where it saw nothing.
pub const NO_PULSE: StoredPulse =
    StoredPulse { amplitude: -1.0, integral: -1.0, centroid: -1.0, multiplicity: -1.0 };

/// The clusters of an event as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    pub event: i64,
    pub orig_run: i64,
    pub orig_event: i64,
    /// [`NO_PULSE`] where there was none.
    pub ion_chamber: StoredPulse,
    pub clusters: Vec<StoredCluster>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCluster {
    /// Place within the event, counted from 0.
    pub index: i64,
    /// Label that the clustering gave.
    pub label: i64,
    /// 0 forward, 1 backward, -1 neither.
    pub direction: i64,
    /// x, y, z (mm), integral (ADC x time bucket), pad scale; sorted by z.
    pub rows: Vec<[f64; COLUMNS]>,
}

/// An open file of clusters.
pub struct ClusterFile {
    file: HdfFile,
    group: Group,
    events: Vec<i64>,
    range: (i64, i64),
}

impl ClusterFile {
    /// Opens a file and lists its events.
    ///
    /// # Errors
    /// A file that cannot be opened, is no HDF5, was cut short, or has no group `cluster` with its
    /// range.
    pub fn open(path: &Path) -> Result<ClusterFile, DataError> {
        let file = HdfFile::open(path)?;
        let group = file.group(file.root(), "cluster", "a group of clusters")?;
        let names = group
            .member_names()
            .map_err(|source| file.library_error("cluster".to_owned(), "list", source))?;
        let mut events: Vec<i64> =
            names.iter().filter_map(|name| name.strip_prefix("event_")?.parse().ok()).collect();
        events.sort_unstable();
        let bound = |name| required(&file, &group, ("cluster", name));
        let range = (bound("min_event")?, bound("max_event")?);
        Ok(ClusterFile { file, group, events, range })
    }

    /// Numbers of the events that were clustered, ascending.
    pub fn events(&self) -> &[i64] {
        &self.events
    }

    /// First and last event of the run or of the part of it that the file covers.
    pub fn range(&self) -> (i64, i64) {
        self.range
    }

    /// Reads the clusters of an event.
    ///
    /// # Errors
    /// An event that is not there, a missing cluster or attribute, or one of another type or shape.
    pub fn read(&self, event: i64) -> Result<StoredEvent, DataError> {
        let name = format!("event_{event}");
        let group = self.file.group(&self.group, &name, "the clusters of an event")?;
        let object = format!("cluster/{name}");
        let whole = |name| required::<i64>(&self.file, &group, (&object, name));
        let number = |name| required::<f64>(&self.file, &group, (&object, name));
        let clusters = (0..whole("nclusters")?).map(|index| self.cluster(&group, &object, index));
        Ok(StoredEvent {
            event,
            orig_run: whole("orig_run")?,
            orig_event: whole("orig_event")?,
            ion_chamber: StoredPulse {
                amplitude: number("ic_amplitude")?,
                integral: number("ic_integral")?,
                centroid: number("ic_centroid")?,
                multiplicity: number("ic_multiplicity")?,
            },
            clusters: clusters.collect::<Result<_, _>>()?,
        })
    }

    /// Run and number of clusters of an event, without reading the clusters.
    ///
    /// # Errors
    /// An event or an attribute that is not there.
    pub fn count(&self, event: i64) -> Result<(i64, u64), DataError> {
        let name = format!("event_{event}");
        let group = self.file.group(&self.group, &name, "the clusters of an event")?;
        let object = format!("cluster/{name}");
        let whole = |name| required::<i64>(&self.file, &group, (&object, name));
        Ok((whole("orig_run")?, whole("nclusters")?.max(0).cast_unsigned()))
    }

    fn cluster(&self, event: &Group, parent: &str, index: i64) -> Result<StoredCluster, DataError> {
        let name = format!("cluster_{index}");
        let group = self.file.group(event, &name, "as many clusters as `nclusters` says")?;
        let object = format!("{parent}/{name}");
        let whole = |name| required::<i64>(&self.file, &group, (&object, name));
        Ok(StoredCluster {
            index,
            label: whole("label")?,
            direction: whole("direction")?,
            rows: self.rows(&group, &object)?,
        })
    }

    fn rows(&self, group: &Group, parent: &str) -> Result<Vec<[f64; COLUMNS]>, DataError> {
        let data = self.file.dataset(group, "cloud", "the points of a cluster")?;
        let object = format!("{parent}/cloud");
        let shape = data.shape();
        if shape.len() != 2 || shape[1] != COLUMNS {
            return Err(DataError::WrongShape {
                path: self.file.path().to_owned(),
                object,
                expected: "(points, 5)",
                found: format!("{shape:?}"),
            });
        }
        let failed = |source| self.file.library_error(object, "read", source);
        let values = data.read_raw::<f64>().map_err(failed)?;
        let (rows, _) = values.as_chunks::<COLUMNS>();
        Ok(rows.to_vec())
    }
}

/// A number attribute that must exist, whichever type of number it was written with.
fn required<T: H5Type + Copy>(
    file: &HdfFile,
    of: &Location,
    (object, name): (&str, &str),
) -> Result<T, DataError> {
    file.attribute(of, name)?.ok_or_else(|| DataError::MissingObject {
        path: file.path().to_owned(),
        object: format!("{object}@{name}"),
        expected: "a number",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> ClusterFile {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/attpc/reference/Cluster/run_0101.h5");
        ClusterFile::open(&path).unwrap()
    }

    #[test]
    fn files_of_spyral_open() {
        let file = reference();
        assert_eq!(file.range(), (0, 91));
        assert_eq!(file.events()[..4], [0, 1, 2, 3]);
        let event = file.read(0).unwrap();
        assert_eq!((event.event, event.orig_run, event.orig_event), (0, 101, 0));
        let pulse = event.ion_chamber;
        assert_eq!(
            [pulse.amplitude, pulse.integral, pulse.centroid, pulse.multiplicity],
            [1162.0, 34608.0, 1201.0, 1.0]
        );
        let sizes: Vec<usize> = event.clusters.iter().map(|cluster| cluster.rows.len()).collect();
        assert_eq!(sizes, [29, 54, 10]);
        let second = &event.clusters[1];
        assert_eq!((second.index, second.label, second.direction), (1, 1, 0));
        assert!(second.rows.windows(2).all(|pair| pair[0][2] <= pair[1][2]));
    }

    #[test]
    fn every_event_of_a_file_of_spyral_reads() {
        let file = reference();
        for event in file.events() {
            file.read(*event).unwrap();
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = reference().read(1000).unwrap_err().to_string();
        assert!(
            error.starts_with("missing `cluster/event_1000`, expected the clusters of an event"),
            "{error}"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.h5");
        let refused = || ClusterFile::open(&path).err().unwrap().to_string();
        hdf5::File::create(&path).unwrap();
        assert!(refused().starts_with("missing `cluster`, expected a group of clusters"));
        hdf5::File::create(&path).unwrap().create_group("cluster").unwrap();
        assert!(refused().starts_with("missing `cluster@min_event`, expected a number"));
    }

    #[test]
    fn points_of_another_shape_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wrong.h5");
        let file = hdf5::File::create(&path).unwrap();
        let group = file.create_group("cluster").unwrap();
        let set = |of: &Location, name: &str, value: i64| {
            of.new_attr::<i64>().create(name).unwrap().write_scalar(&value).unwrap();
        };
        set(&group, "min_event", 4);
        set(&group, "max_event", 4);
        let event = group.create_group("event_4").unwrap();
        set(&event, "nclusters", 1);
        let cluster = event.create_group("cluster_0").unwrap();
        set(&cluster, "label", 0);
        set(&cluster, "direction", 0);
        let rows = ndarray::Array2::<f64>::zeros((7, 4));
        cluster.new_dataset_builder().with_data(&rows).create("cloud").unwrap();
        drop((cluster, event, group, file));
        for name in ["orig_run", "orig_event", "ic_amplitude"] {
            let error = ClusterFile::open(&path).unwrap().read(4).unwrap_err().to_string();
            assert!(error.starts_with(&format!("missing `cluster/event_4@{name}`")), "{error}");
            let file = hdf5::File::open_rw(&path).unwrap();
            set(&file.group("cluster/event_4").unwrap(), name, 1);
        }
        let file = hdf5::File::open_rw(&path).unwrap();
        for name in ["ic_integral", "ic_centroid", "ic_multiplicity"] {
            set(&file.group("cluster/event_4").unwrap(), name, 1);
        }
        drop(file);
        let error = ClusterFile::open(&path).unwrap().read(4).unwrap_err().to_string();
        let expected =
            "`cluster/event_4/cluster_0/cloud` has shape [7, 4], expected (points, 5)".to_owned();
        assert!(error.starts_with(&expected), "{error}");
    }
}
