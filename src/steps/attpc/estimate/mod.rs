//! `attpc.estimate`: kinematics of the clusters of a run.
//!
//! Events stream through in batches: while the threads estimate one batch, one of them reads the
//! next. What grows with the run is only the table, some 200 bytes for each cluster.

mod info;
mod rows;
mod tally;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::cluster_reader::{ClusterFile, StoredEvent};
use crate::data::error::DataError;
use crate::data::parquet::write_table;
use crate::kernels::attpc::cluster::Direction;
use crate::kernels::attpc::estimate::{Estimator, Params};
use crate::steps::attpc::params::compat;
use crate::steps::{Job, StepError, StepSummary};

pub use info::info;
use rows::{Rows, Verdict};
use tally::Tally;

/// Events of one batch: enough to keep many threads busy while the next one is read, little enough
/// to report progress several times a second.
const BATCH_EVENTS: usize = 256;

/// Files that do not belong together.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    #[error(
        "event `{event}` is in two parts of the run: `{}` and `{}`",
        first.display(),
        second.display()
    )]
    EventTwice { event: i64, first: PathBuf, second: PathBuf },
}

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let run = Run::open(&job.inputs("cluster"))?;
    let estimator = Estimator::new(read_params(job));
    let mut tally = Tally::new(run.events.len());
    let mut rows = Rows::default();
    job.report(tally.progress());
    stream(job, &run, &estimator, |events, verdicts| {
        tally.add(events, verdicts);
        verdicts.iter().for_each(|verdict| rows.push(verdict));
        job.report(tally.progress());
    })?;
    let [accepted, rejected] = rows.tables();
    let output = job.output("estimate").expect("the estimate is a required output");
    write_table(Path::new(output), &accepted)?;
    if let Some(path) = job.output("rejected") {
        write_table(Path::new(path), &rejected)?;
    }
    Ok(tally.summary())
}

fn read_params(job: &Job<'_>) -> Params {
    let fewest = job.int("estimate.min_total_trajectory_points");
    Params {
        magnetic_field_t: job.float("detector.magnetic_field"),
        beam_region_radius_mm: job.float("detector.beam_region_radius"),
        min_total_trajectory_points: usize::try_from(fewest).unwrap_or(usize::MAX),
        smoothing_factor: job.float("estimate.smoothing_factor"),
        small_pad_radius_mm: job.float("detector.small_pad_radius"),
        compat: compat(job),
    }
}

/// The parts of a run, and where each event is.
struct Run {
    parts: Vec<(PathBuf, ClusterFile)>,
    /// Event and part, in the order of events, whatever the order of the parts.
    events: Vec<(i64, usize)>,
}

impl Run {
    fn open(paths: &[&str]) -> Result<Run, StepError> {
        let open = |path: &&str| {
            let path = PathBuf::from(path);
            ClusterFile::open(&path).map(|file| (path, file))
        };
        let parts = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let numbered = parts.iter().enumerate();
        let mut events: Vec<(i64, usize)> = numbered
            .flat_map(|(part, (_, file))| file.events().iter().map(move |event| (*event, part)))
            .collect();
        events.sort_unstable();
        if let Some(pair) = events.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let [first, second] = [pair[0].1, pair[1].1].map(|part| parts[part].0.clone());
            return Err(EstimateError::EventTwice { event: pair[0].0, first, second }.into());
        }
        Ok(Run { parts, events })
    }

    /// Reads some events, checking the direction of every cluster.
    fn read(&self, events: &[(i64, usize)]) -> Result<Vec<StoredEvent>, DataError> {
        let read = |&(event, part): &(i64, usize)| {
            let (path, file) = &self.parts[part];
            let event = file.read(event)?;
            match event.clusters.iter().find(|c| Direction::from_code(c.direction).is_none()) {
                None => Ok(event),
                Some(cluster) => Err(DataError::WrongType {
                    path: path.clone(),
                    object: format!(
                        "cluster/event_{}/cluster_{}@direction",
                        event.event, cluster.index
                    ),
                    expected: "0, 1 or -1",
                    found: cluster.direction.to_string(),
                }),
            }
        };
        events.iter().map(read).collect()
    }
}

/// Estimates all clusters and hands them on in order, with the number of their events.
fn stream(
    job: &Job<'_>,
    run: &Run,
    estimator: &Estimator,
    mut hand_on: impl FnMut(usize, &[Verdict]),
) -> Result<(), StepError> {
    let pool = job.pool()?;
    let mut batches = run.events.chunks(BATCH_EVENTS);
    let mut read_next = || batches.next().map(|events| run.read(events)).transpose();
    let mut next = read_next()?;
    while let Some(batch) = next {
        let (read, verdicts) =
            pool.install(|| rayon::join(&mut read_next, || estimate(estimator, &batch)));
        hand_on(batch.len(), &verdicts);
        next = read?;
    }
    Ok(())
}

fn estimate(estimator: &Estimator, batch: &[StoredEvent]) -> Vec<Verdict> {
    batch
        .par_iter()
        .flat_map_iter(|event| {
            event.clusters.iter().map(move |cluster| {
                let direction = Direction::from_code(cluster.direction);
                let direction = direction.unwrap_or(Direction::None);
                let result = estimator.estimate(&cluster.rows, direction);
                Verdict::new(event, cluster, result)
            })
        })
        .collect()
}
