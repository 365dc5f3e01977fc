//! Writes clusters in Spyral's `Cluster` layout, which [`cluster_reader`] describes.
//!
//! Object times are off, so the same clusters always give the same bytes.
//!
//! [`cluster_reader`]: crate::data::cluster_reader

use std::path::{Path, PathBuf};

use hdf5::{Group, H5Type, Location};
use ndarray::ArrayView2;

use crate::data::cloud_reader::StoredPulse;
use crate::data::cluster_reader::{COLUMNS, StoredCluster, StoredEvent};
use crate::data::error::DataError;

/// A file of clusters that is being written.
pub struct ClusterWriter {
    path: PathBuf,
    file: hdf5::File,
    group: Group,
}

impl ClusterWriter {
    /// Makes the file; `range` is written as `min_event` and `max_event`.
    pub fn create(path: &Path, range: (i64, i64)) -> Result<ClusterWriter, DataError> {
        let failed = |doing| move |source| library_error(path, "cluster", doing, source);
        let file = hdf5::File::with_options()
            .with_fapl(|list| list.libver_v18())
            .with_fcpl(|list| list.obj_track_times(false))
            .create(path)
            .map_err(failed("create"))?;
        let group = new_group(&file, "cluster").map_err(failed("create group"))?;
        for (name, value) in [("min_event", range.0), ("max_event", range.1)] {
            attribute(&group, name, value).map_err(failed("write attributes of"))?;
        }
        Ok(ClusterWriter { path: path.to_owned(), file, group })
    }

    /// Adds the clusters of an event.
    ///
    /// # Errors
    /// An event that is in the file already, or a file that cannot be written.
    pub fn add(&self, event: &StoredEvent) -> Result<(), DataError> {
        let name = format!("event_{}", event.event);
        let failed = |source| {
            let object = format!("cluster/{name}");
            library_error(&self.path, &object, "write", source)
        };
        write_event(&self.group, &name, event).map_err(failed)
    }

    /// Closes the file.
    pub fn finish(self) -> Result<(), DataError> {
        let ClusterWriter { path, file, group } = self;
        drop(group);
        file.close().map_err(|source| library_error(&path, "cluster", "close", source))
    }
}

fn write_event(parent: &Group, name: &str, event: &StoredEvent) -> hdf5::Result<()> {
    let group = new_group(parent, name)?;
    attribute(&group, "nclusters", event.clusters.len() as i64)?;
    attribute(&group, "orig_run", event.orig_run)?;
    attribute(&group, "orig_event", event.orig_event)?;
    write_pulse(&group, &event.ion_chamber)?;
    event.clusters.iter().try_for_each(|cluster| write_cluster(&group, cluster))
}

/// The amplitude is always a float; of a real pulse the other numbers are integers, as in clouds.
fn write_pulse(group: &Group, pulse: &StoredPulse) -> hdf5::Result<()> {
    attribute(group, "ic_amplitude", pulse.amplitude)?;
    let others = [
        ("ic_integral", pulse.integral),
        ("ic_centroid", pulse.centroid),
        ("ic_multiplicity", pulse.multiplicity),
    ];
    let real = pulse.multiplicity >= 0.0;
    for (name, value) in others {
        if real && value.fract() == 0.0 {
            attribute(group, name, value as i64)?;
        } else {
            attribute(group, name, value)?;
        }
    }
    Ok(())
}

fn write_cluster(event: &Group, cluster: &StoredCluster) -> hdf5::Result<()> {
    let group = new_group(event, &format!("cluster_{}", cluster.index))?;
    attribute(&group, "label", cluster.label)?;
    attribute(&group, "direction", cluster.direction)?;
    let shape = (cluster.rows.len(), COLUMNS);
    let view = ArrayView2::from_shape(shape, cluster.rows.as_flattened())
        .expect("every point has all columns");
    group.new_dataset_builder().with_data(view).create("cloud").map(drop)
}

fn new_group(parent: &Group, name: &str) -> hdf5::Result<Group> {
    parent.create_group_builder().obj_track_times(false).create(name)
}

fn attribute<T: H5Type>(of: &Location, name: &str, value: T) -> hdf5::Result<()> {
    of.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn library_error(path: &Path, object: &str, doing: &'static str, source: hdf5::Error) -> DataError {
    DataError::Library { path: path.to_owned(), object: object.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cluster_reader::{ClusterFile, NO_PULSE};

    fn events() -> Vec<StoredEvent> {
        let cluster = |index: i64, points: usize| StoredCluster {
            index,
            label: 2 * index,
            direction: index - 1,
            rows: (0..points).map(|row| [row as f64; COLUMNS]).collect(),
        };
        let pulse = StoredPulse { amplitude: 9.5, integral: 8.0, centroid: 7.0, multiplicity: 1.0 };
        let event = |event, ion_chamber, clusters| StoredEvent {
            event,
            orig_run: 104,
            orig_event: event + 100,
            ion_chamber,
            clusters,
        };
        vec![
            event(3, NO_PULSE, Vec::new()),
            event(12, pulse, vec![cluster(0, 4), cluster(1, 0), cluster(2, 1)]),
        ]
    }

    fn write(path: &Path) {
        let writer = ClusterWriter::create(path, (3, 20)).unwrap();
        events().iter().for_each(|event| writer.add(event).unwrap());
        writer.finish().unwrap();
    }

    #[test]
    fn what_was_written_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.h5");
        write(&path);
        let file = ClusterFile::open(&path).unwrap();
        assert_eq!((file.range(), file.events()), ((3, 20), [3, 12].as_slice()));
        let read: Vec<StoredEvent> =
            file.events().iter().map(|event| file.read(*event).unwrap()).collect();
        assert_eq!(read, events());
    }

    #[test]
    fn the_ion_chamber_has_the_types_that_spyral_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.h5");
        write(&path);
        let file = hdf5::File::open(&path).unwrap();
        let is_float = |event: i64, name: &str| {
            let group = file.group(&format!("cluster/event_{event}")).unwrap();
            group.attr(name).unwrap().dtype().unwrap().is::<f64>()
        };
        for name in ["ic_integral", "ic_centroid", "ic_multiplicity"] {
            assert!(is_float(3, name) && !is_float(12, name), "{name}");
        }
        assert!(is_float(3, "ic_amplitude") && is_float(12, "ic_amplitude"));
    }

    #[test]
    fn nothing_in_the_file_tells_when_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.h5");
        write(&path);
        let file = hdf5::File::open(&path).unwrap();
        let event = "cluster/event_12";
        for name in ["", "/cluster_0", "/cluster_0/cloud"] {
            let times = file.loc_info_by_name(&format!("{event}{name}")).unwrap();
            assert_eq!((times.ctime, times.mtime, times.btime), (0, 0, 0), "{name}");
        }
    }

    #[test]
    fn an_event_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.h5");
        let writer = ClusterWriter::create(&path, (3, 20)).unwrap();
        writer.add(&events()[0]).unwrap();
        let error = writer.add(&events()[0]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write `cluster/event_3` in `"), "{error}");
    }
}
