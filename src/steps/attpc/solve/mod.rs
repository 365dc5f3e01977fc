//! `attpc.solve`: kinematics of clusters, by fits of tracks from a mesh.
//!
//! Rows of the estimate go in batches: their clusters are read, fitted on all threads and kept as
//! numbers in the order of the rows, so that memory holds one batch of clusters and the table of
//! results. The mesh is mapped and shared.

mod report;
mod setup;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::cluster_reader::{ClusterFile, StoredEvent};
use crate::data::parquet::{Table, read_table};
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::solve::batch::Start;
use crate::kernels::attpc::solve::{
    DamagedNode, Fit, Guess, Refusal, Solver, TrackPoints, Workspace,
};
use crate::kernels::gpu::objective::TrackDistances;
use crate::steps::{Job, StepError, StepSummary};

use report::Report;
pub use report::reason_words;
pub use setup::{SolveError, info};

/// Clusters that are read and fitted at a time: enough for many threads, some 20 MB.
const BATCH: usize = 512;

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let params = setup::params(job)?;
    let window = setup::ion_chamber_window(job)?;
    let mesh = setup::mesh(job)?;
    let solver = setup::solver(job, &mesh, params)?;
    // Only the compatible fit has a version for a GPU.
    let device = if params.compat == Compat::Spyral11 { job.gpu()? } else { None };
    // A device gets the whole mesh, so the whole mesh is looked at.
    if let Some(node) = device.as_ref().and_then(|_| solver.damaged_node()) {
        return Err(setup::damaged(job, node).into());
    }
    let mut distances = device.map(|device| solver.distances_on(device)).transpose()?;
    let estimate = PathBuf::from(job.input("estimate").expect("the estimate is required"));
    let rows = read_rows(&read_table(&estimate)?)?;
    let mut clusters = Clusters::open(job.inputs("cluster"), estimate)?;
    let pool = job.pool()?;
    let mut report = Report::new(rows.len(), &mesh, params.compat, solver.is_clock_known());
    job.report(report.progress());
    for batch in rows.chunks(BATCH) {
        let tasks = batch
            .iter()
            .map(|row| Ok((row, clusters.points(row)?)))
            .collect::<Result<Vec<_>, StepError>>()?;
        let fits: Vec<Outcome> = match &mut distances {
            Some(distances) => solve_on(distances, &solver, window, tasks)?,
            None => {
                let fits: Vec<Result<Outcome, DamagedNode>> = pool.install(|| {
                    let fit = |work: &mut Workspace, task| solve(&solver, window, task, work);
                    tasks.par_iter().map_init(Workspace::default, fit).collect()
                });
                // The first in the order of the rows is told, whichever thread met one first.
                let fits: Result<Vec<Outcome>, DamagedNode> = fits.into_iter().collect();
                fits.map_err(|node| setup::damaged(job, node))?
            }
        };
        batch.iter().zip(fits).for_each(|(row, outcome)| report.add(row, outcome));
        job.report(report.progress());
    }
    report.write(
        Path::new(job.output("result").expect("the result is required")),
        job.output("rejected").map(Path::new),
    )?;
    Ok(report.summary())
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Fitted(Fit),
    Refused(Refusal),
    /// The ion chamber's amplitude lies outside the window.
    IonChamber,
}

/// A row of the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    /// Place in the table, counted from 0.
    place: usize,
    event: i64,
    cluster_index: i64,
    cluster_label: i64,
    orig_run: i64,
    orig_event: i64,
    ic_amplitude: f64,
    guess: Guess,
}

fn read_rows(table: &Table) -> Result<Vec<Row>, StepError> {
    let [event, index, label, run, orig] =
        ["event", "cluster_index", "cluster_label", "orig_run", "orig_event"]
            .map(|name| table.integers(name));
    let (event, index, label, run, orig) = (event?, index?, label?, run?, orig?);
    let [ic, x, y, z, brho, polar, azimuthal] =
        ["ic_amplitude", "vertex_x", "vertex_y", "vertex_z", "brho", "polar", "azimuthal"]
            .map(|name| table.floats(name));
    let (ic, x, y, z) = (ic?, x?, y?, z?);
    let (brho, polar, azimuthal) = (brho?, polar?, azimuthal?);
    let row = |at: usize| Row {
        place: at,
        event: event[at],
        cluster_index: index[at],
        cluster_label: label[at],
        orig_run: run[at],
        orig_event: orig[at],
        ic_amplitude: ic[at],
        guess: Guess {
            brho: brho[at],
            polar: polar[at],
            azimuthal: azimuthal[at],
            vertex: [x[at] * 0.001, y[at] * 0.001, z[at] * 0.001],
        },
    };
    Ok((0..table.rows()).map(row).collect())
}

fn solve(
    solver: &Solver<'_>,
    [low, high]: [f64; 2],
    (row, points): &(&Row, TrackPoints),
    work: &mut Workspace,
) -> Result<Outcome, DamagedNode> {
    if !(row.ic_amplitude > low && row.ic_amplitude < high) {
        return Ok(Outcome::IonChamber);
    }
    let fit = solver.fit(points, &row.guess, work)?;
    Ok(fit.map_or_else(Outcome::Refused, Outcome::Fitted))
}

/// The same with distances from a device.
fn solve_on(
    distances: &mut TrackDistances,
    solver: &Solver<'_>,
    [low, high]: [f64; 2],
    tasks: Vec<(&Row, TrackPoints)>,
) -> Result<Vec<Outcome>, StepError> {
    let is_wanted: Vec<bool> =
        tasks.iter().map(|(row, _)| row.ic_amplitude > low && row.ic_amplitude < high).collect();
    let wanted = tasks.into_iter().zip(&is_wanted).filter(|(_, is_wanted)| **is_wanted);
    let starts = wanted.map(|((row, points), _)| Start { guess: row.guess, points }).collect();
    let mut fits = solver.fit_on(distances, starts)?.into_iter();
    let outcome = |is_wanted: bool| {
        if !is_wanted {
            return Outcome::IonChamber;
        }
        let fit = fits.next().expect("each wanted row has its outcome");
        fit.map_or_else(Outcome::Refused, Outcome::Fitted)
    };
    Ok(is_wanted.into_iter().map(outcome).collect())
}

/// The cluster files of a run.
struct Clusters {
    paths: Vec<PathBuf>,
    files: Vec<ClusterFile>,
    /// Which file holds an event.
    places: HashMap<i64, usize>,
    /// The event that was read last, since rows of one event follow each other.
    last: Option<StoredEvent>,
    /// The table whose rows ask for clusters.
    estimate: PathBuf,
}

impl Clusters {
    fn open(paths: Vec<&str>, estimate: PathBuf) -> Result<Clusters, StepError> {
        let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
        let files: Vec<ClusterFile> =
            paths.iter().map(|path| ClusterFile::open(path)).collect::<Result<_, _>>()?;
        let mut places = HashMap::new();
        for (at, file) in files.iter().enumerate() {
            for event in file.events() {
                if let Some(first) = places.insert(*event, at) {
                    let (event, second) = (*event, paths[at].clone());
                    let first = paths[first].clone();
                    return Err(SolveError::TwiceClustered { event, first, second }.into());
                }
            }
        }
        Ok(Clusters { paths, files, places, last: None, estimate })
    }

    /// The points of the cluster that a row is about.
    fn points(&mut self, row: &Row) -> Result<TrackPoints, StepError> {
        let (estimate, event) = (|| self.estimate.clone(), row.event);
        let Some(at) = self.places.get(&event).copied() else {
            let clusters = self.paths.clone();
            let error =
                SolveError::NoEvent { estimate: estimate(), row: row.place, event, clusters };
            return Err(error.into());
        };
        let stored = match self.last.take() {
            Some(last) if last.event == event => last,
            _ => self.files[at].read(event)?,
        };
        let (index, cluster) = (row.cluster_index, self.paths[at].clone());
        let found = stored.clusters.iter().find(|cluster| cluster.index == index);
        let points = match found {
            None => {
                let (row, found) = (row.place, stored.clusters.len());
                let estimate = estimate();
                Err(SolveError::NoCluster { estimate, row, event, index, found, cluster })
            }
            Some(found) if found.label != row.cluster_label => {
                let (label, found) = (row.cluster_label, found.label);
                let (estimate, row) = (estimate(), row.place);
                Err(SolveError::OtherCluster { estimate, row, event, index, label, found, cluster })
            }
            Some(found) => Ok(TrackPoints::of_rows(&found.rows)),
        };
        self.last = Some(stored);
        Ok(points?)
    }
}
