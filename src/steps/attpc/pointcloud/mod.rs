//! `attpc.pointcloud`: point clouds of a raw run.
//!
//! Events stream through in batches: while the threads compute one batch, one of them writes the
//! clouds of the batch before and finds the arrays of the next. Traces are read and unpacked by the
//! thread that computes them, a hundred or so at a time, so memory holds the points of two batches
//! and little else, whatever the size of the file and of its events. With a GPU the traces of a
//! batch go there together.

mod device;
mod info;
mod setup;
mod tally;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use crate::data::cloud_writer::{CloudFacts, CloudWriter, IonChamberFacts};
use crate::data::error::DataError;
use crate::data::parquet::{Column, write_table};
use crate::data::raw::{Detail, LocatedEvent, RawRun, SCALER_NAMES};
use crate::kernels::attpc::pointcloud::{Cloud, Compat, IonChamber, Origin, Trigger};
use crate::steps::{Job, StepError, StepSummary};

pub use info::info;
pub use setup::PointcloudError;
use setup::Setup;
use tally::Tally;

/// Most bytes of raw arrays in one batch: enough work to keep many threads busy while the next
/// batch is looked up, little enough to report progress several times a second.
const BATCH_BYTES: usize = 32 << 20;
/// Most events in one batch, for runs of nearly empty events.
const BATCH_EVENTS: usize = 512;
/// Traces that a thread reads and computes at a time: enough to make its buffers' cost vanish, few
/// enough to stay in its cache and to share a large event among many threads.
const TRACES_PER_TASK: usize = 128;

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let setup = Setup::read(job)?;
    let output = job.output("cloud").expect("the cloud is a required output");
    let mut tally = Tally::new(&setup);
    let writer = CloudWriter::create(Path::new(output), setup.written_range)?;
    stream(job, &setup, &writer, &mut tally)?;
    writer.finish()?;
    if let Some(path) = job.output("scaler") {
        write_scalers(Path::new(path), &setup, &mut tally)?;
    }
    if let Some(path) = job.output("gated_ic") {
        let multiplicity = setup.params.frib.ic_multiplicity;
        write_gated(Path::new(path), multiplicity, tally.gated)?;
    }
    Ok(tally.summary())
}

/// What became of an event.
struct Finished {
    number: u64,
    origin: Origin,
    trigger: Option<Trigger>,
    ion_chamber: Option<IonChamber>,
    /// `None` when no cloud is meant: a downscale trigger, or an event that GET did not see.
    cloud: Option<Cloud>,
    seen_by_get: bool,
}

impl Finished {
    fn is_downscale(&self) -> bool {
        self.trigger == Some(Trigger::IcDownscale)
    }
}

fn stream(
    job: &Job<'_>,
    setup: &Setup,
    writer: &CloudWriter,
    tally: &mut Tally,
) -> Result<(), StepError> {
    let pool = job.pool()?;
    let mut lookup = Lookup { run: &setup.run, left: setup.events.clone(), missing: Vec::new() };
    let mut batch = lookup.next_batch()?;
    let mut finished = Vec::new();
    job.report(tally.progress());
    // A batch can be empty before the end, because a run may lack any number of events in a row.
    while !lookup.left.is_empty() || !batch.is_empty() || !finished.is_empty() {
        let before = std::mem::take(&mut finished);
        let now = std::mem::take(&mut batch);
        let (next, computed) = pool.install(|| {
            rayon::join(
                || {
                    write(writer, &before)?;
                    lookup.next_batch()
                },
                || compute(setup, &now),
            )
        });
        before.iter().for_each(|event| tally.add(event));
        tally.add_missing(&mut lookup.missing);
        (batch, finished) = (next?, computed?);
        job.report(tally.progress());
    }
    tally.add_missing(&mut lookup.missing);
    Ok(())
}

/// Finds events ahead of their computation.
struct Lookup<'r> {
    run: &'r RawRun,
    left: Range<u64>,
    /// Events that the file lacks, since the last look.
    missing: Vec<u64>,
}

impl Lookup<'_> {
    fn next_batch(&mut self) -> Result<Vec<LocatedEvent>, DataError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES && batch.len() + self.missing.len() < BATCH_EVENTS {
            let Some(event) = self.left.next() else {
                break;
            };
            match self.run.locate(event, Detail::Physics)? {
                Some(located) => {
                    bytes += located.bytes();
                    batch.push(located);
                }
                None => self.missing.push(event),
            }
        }
        Ok(batch)
    }
}

/// Computes a batch on the threads of the current pool, in order.
fn compute(setup: &Setup, batch: &[LocatedEvent]) -> Result<Vec<Finished>, StepError> {
    if let Some(search) = &setup.search {
        return device::compute(setup, search, batch);
    }
    let one = |event| {
        let (mut finished, wanted) = see(setup, event)?;
        finished.cloud = wanted.then(|| cloud(setup, finished.origin, event)).transpose()?;
        Ok(finished)
    };
    let events: Vec<Result<Finished, DataError>> = batch.par_iter().map(one).collect();
    // The first error by event number, whichever thread met one first.
    Ok(events.into_iter().collect::<Result<_, _>>()?)
}

/// What can be told of an event without its traces, and whether its cloud is wanted.
fn see(setup: &Setup, event: &LocatedEvent) -> Result<(Finished, bool), DataError> {
    let origin =
        Origin { run: event.orig_run.unwrap_or(setup.run_number), event: event.orig_event };
    let frib = setup.run.load_digitizer(event)?.zip(event.coincidence());
    let trigger = frib.as_ref().map(|(_, word)| Trigger::from_word(*word));
    let ion_chamber = frib.map(|(digitizer, _)| setup.kernel.ion_chamber(digitizer.view()));
    let wanted = event.is_seen_by_get() && trigger != Some(Trigger::IcDownscale);
    let (number, seen_by_get) = (event.number, event.is_seen_by_get());
    Ok((Finished { number, origin, trigger, ion_chamber, cloud: None, seen_by_get }, wanted))
}

/// The cloud of an event, its traces shared among threads.
fn cloud(setup: &Setup, origin: Origin, event: &LocatedEvent) -> Result<Cloud, DataError> {
    let parts: Vec<Result<Cloud, DataError>> = event
        .pad_parts(TRACES_PER_TASK)
        .into_par_iter()
        .map(|traces| {
            let cells = setup.run.load_pads(event, traces)?;
            Ok(setup.kernel.points(origin, &cells))
        })
        .collect();
    Ok(Cloud::join(parts.into_iter().collect::<Result<Vec<_>, _>>()?))
}

fn write(writer: &CloudWriter, finished: &[Finished]) -> Result<(), DataError> {
    for event in finished {
        if let Some(cloud) = &event.cloud {
            let facts = CloudFacts {
                orig_run: event.origin.run,
                orig_event: event.origin.event,
                ion_chamber: event.ion_chamber.as_ref().and_then(ion_chamber_facts),
            };
            writer.add(event.number, &cloud.points, &facts)?;
        }
    }
    Ok(())
}

fn ion_chamber_facts(found: &IonChamber) -> Option<IonChamberFacts> {
    let peak = found.trigger.filter(|_| found.good)?;
    Some(IonChamberFacts {
        amplitude: f64::from(peak.amplitude),
        integral: peak.integral,
        centroid: peak.position as i64,
        multiplicity: found.multiplicity,
    })
}

fn write_scalers(path: &Path, setup: &Setup, tally: &mut Tally) -> Result<(), DataError> {
    let mut scalers = setup.run.scalers()?;
    tally.missing_scalers = scalers.missing;
    if setup.compat == Compat::Spyral11 {
        // The peer takes the first record's number for the end of the range.
        scalers.records.truncate(1);
    }
    let records = &scalers.records;
    let numbers = records.iter().map(|record| record.number as i64).collect();
    let mut columns = vec![("event", Column::I64(numbers))];
    for (at, name) in SCALER_NAMES.into_iter().enumerate() {
        let counts = records.iter().map(|record| i64::from(record.counts[at])).collect();
        columns.push((name, Column::I64(counts)));
    }
    write_table(path, &columns)
}

fn write_gated(path: &Path, multiplicity: i64, gated: u64) -> Result<(), DataError> {
    let text = format!("IC counts with multiplicity <= {multiplicity}\n{gated}");
    std::fs::write(path, text).map_err(|source| DataError::Write { path: path.to_owned(), source })
}
