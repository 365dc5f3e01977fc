//! `attpc.cluster`: the tracks of point clouds.
//!
//! Events stream through in batches: while the threads compute one batch, one of them writes the
//! clusters of the batch before and reads the clouds of the next, so memory holds the points of
//! three batches, whatever the number of events.

mod info;
mod setup;
mod tally;
#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;

use crate::data::cloud_reader::StoredCloud;
use crate::data::cluster_reader::{NO_PULSE, StoredCluster, StoredEvent};
use crate::data::cluster_writer::ClusterWriter;
use crate::data::error::DataError;
use crate::kernels::attpc::cluster::{Cluster, ClusterCounts, ClusterKernel, Unsorted};
use crate::steps::{Job, StepError, StepSummary};

pub use info::info;
pub use setup::ClusterError;
use setup::Setup;
use tally::Tally;

/// Most points in one batch, beyond the last event's: enough work to keep many threads busy while
/// the next batch is read, few enough to report progress several times a second.
const BATCH_POINTS: usize = 1 << 17;
/// Most events in one batch, for runs of nearly empty clouds.
const BATCH_EVENTS: usize = 512;

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let setup = Setup::read(job)?;
    let output = job.output("cluster").expect("the clusters are a required output");
    let mut tally = Tally::new(setup.events.len(), setup.warnings.clone());
    let writer = ClusterWriter::create(Path::new(output), setup.range)?;
    stream(job, &setup, &writer, &mut tally)?;
    writer.finish()?;
    Ok(tally.summary())
}

/// What became of a cloud.
struct Finished {
    event: i64,
    found: Result<(StoredEvent, ClusterCounts), Unsorted>,
}

fn stream(
    job: &Job<'_>,
    setup: &Setup,
    writer: &ClusterWriter,
    tally: &mut Tally,
) -> Result<(), StepError> {
    let pool = job.pool()?;
    let mut lookup = Lookup { setup, next: 0 };
    let mut batch = lookup.next_batch()?;
    let mut finished = Vec::new();
    job.report(tally.progress());
    while !batch.is_empty() || !finished.is_empty() {
        let before: Vec<Finished> = std::mem::take(&mut finished);
        let now = std::mem::take(&mut batch);
        let (next, computed) = pool.install(|| {
            rayon::join(
                || {
                    write(writer, &before)?;
                    lookup.next_batch()
                },
                || now.par_iter().map(|cloud| cluster(&setup.kernel, cloud)).collect(),
            )
        });
        for event in &before {
            tally.add(event.event, event.found.as_ref().map(|(_, counts)| counts));
        }
        (batch, finished) = (next?, computed);
        job.report(tally.progress());
    }
    Ok(())
}

/// Reads clouds ahead of their computation.
struct Lookup<'s> {
    setup: &'s Setup,
    next: usize,
}

impl Lookup<'_> {
    fn next_batch(&mut self) -> Result<Vec<StoredCloud>, DataError> {
        let mut batch = Vec::new();
        let mut points = 0;
        while points < BATCH_POINTS && batch.len() < BATCH_EVENTS {
            let Some((event, file)) = self.setup.events.get(self.next) else {
                break;
            };
            let cloud = self.setup.files[*file].read(*event)?;
            points += cloud.rows.len();
            batch.push(cloud);
            self.next += 1;
        }
        Ok(batch)
    }
}

fn cluster(kernel: &ClusterKernel, cloud: &StoredCloud) -> Finished {
    let found = kernel.cluster(&cloud.rows).map(|found| {
        let stored = |(index, cluster): (usize, Cluster)| StoredCluster {
            index: index as i64,
            label: cluster.label,
            direction: cluster.direction.code(),
            rows: cluster.points,
        };
        let event = StoredEvent {
            event: cloud.event,
            orig_run: cloud.orig_run,
            orig_event: cloud.orig_event,
            ion_chamber: cloud.ion_chamber.unwrap_or(NO_PULSE),
            clusters: found.clusters.into_iter().enumerate().map(stored).collect(),
        };
        (event, found.counts)
    });
    Finished { event: cloud.event, found }
}

fn write(writer: &ClusterWriter, finished: &[Finished]) -> Result<(), DataError> {
    let found = finished.iter().filter_map(|event| event.found.as_ref().ok());
    found.map(|(event, _)| event).try_for_each(|event| writer.add(event))
}
