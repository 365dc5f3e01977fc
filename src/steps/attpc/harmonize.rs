//! The kernel `attpc.harmonize`: raw runs of any layout to files of equal size or work.
//!
//! Events are read and unpacked on all threads in batches of bounded size and written in order by
//! one, because the HDF5 library writes under one lock anyway.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::error::DataError;
use crate::data::harmonic_writer::HarmonicWriter;
use crate::data::parquet::{Column, write_table};
use crate::data::raw::{Detail, Layout, LocatedEvent, RawEvent, RawRun};
use crate::kernels::attpc::harmonize::{Origins, balanced};
use crate::model::resources::parse_size;
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::value::Value;
use crate::steps::{Job, StepError, StepSummary};

/// Bytes of unpacked events that are held at once; the memory of a step is about twice this.
const BATCH_BYTES: usize = 64 << 20;
/// Events that are held at once, which bounds what many empty ones take.
const BATCH_EVENTS: usize = 1024;

/// Names of the scaler table's counts, which differ from those of the tables for each run.
const SCALER_COLUMNS: [&str; 11] = [
    "clock_free",
    "clock_live",
    "trig_free",
    "trig_live",
    "ic_sca",
    "mesh_sca",
    "si1_cfd",
    "si2",
    "sipm",
    "ic_ds",
    "ic_cfd",
];

/// What the kernel says of itself.
pub fn info() -> KernelInfo {
    let optional =
        |name, kind, doc| ParamInfo { name, kind, default: Some(Value::Null), unit: "", doc };
    let count = ParamKind::Int { min: 1, max: 1_000_000_000 };
    KernelInfo {
        name: "attpc.harmonize",
        version: 1,
        summary: "Rewrites raw runs of any layout into files of equal size, events or work.",
        inputs: vec![PortInfo {
            role: "raw",
            required: true,
            many: true,
            directory: false,
            named: true,
            doc: "raw runs, HDF5 of any merger version or harmonized; events keep this order",
        }],
        outputs: vec![
            PortInfo {
                role: "harmonized",
                required: false,
                many: false,
                directory: true,
                named: false,
                doc: "run_0000.h5, run_0001.h5, ... as harmonizer 0.1.0 writes them, and scalers.parquet",
            },
            PortInfo {
                role: "file",
                required: false,
                many: true,
                directory: false,
                named: false,
                doc: "instead of `harmonized`: the files by name, filled evenly",
            },
            PortInfo {
                role: "scalers",
                required: false,
                many: false,
                directory: false,
                named: false,
                doc: "with `file`: Parquet, the scalers of all runs",
            },
        ],
        params: vec![
            optional(
                "size",
                ParamKind::Text,
                "size with unit at which a file is full, such as \"10 GB\"; an event is never split",
            ),
            optional("events_per_file", count.clone(), "number of events in each file"),
            optional("files", count, "number of files"),
            optional(
                "balance",
                ParamKind::Choice { of: &["bytes", "traces"] },
                "what is made equal when `files` is given; bytes when absent",
            ),
        ],
        item_names: &[],
    }
}

/// Writes the harmonized files.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let place = Place::of(job)?;
    let cut = Cut::of(job, &place)?;
    if let Place::Directory(directory) = &place {
        std::fs::create_dir_all(directory)
            .map_err(|source| DataError::Write { path: directory.clone(), source })?;
    }
    let pool = job.pool()?;
    let paths: Vec<&Path> = job.inputs("raw").into_iter().map(Path::new).collect();
    let mut facts = Facts::default();
    let mut total = 0;
    for path in &paths {
        let run = RawRun::open(path)?;
        total += run.events().count() as u64;
        facts.take_run(&run)?;
    }
    let plan = cut.plan(&paths)?;
    let mut output = Output { place: &place, plan, open: None, files: 0 };
    for path in &paths {
        let run = RawRun::open(path)?;
        facts.inputs.push(path.to_path_buf());
        let mut batch = Batch::default();
        for number in run.events() {
            match run.locate(number, Detail::Everything)? {
                Some(event) => batch.push(event),
                None => facts.missing += 1,
            }
            if batch.is_full() {
                write_batch((job, &pool), (&run, batch.take()), (&mut output, &mut facts, total))?;
            }
        }
        write_batch((job, &pool), (&run, batch.take()), (&mut output, &mut facts, total))?;
    }
    output.finish()?;
    if let Some(path) = place.scalers(job) {
        write_table(&path, &facts.scaler_table())?;
    }
    Ok(facts.summary())
}

/// Where files go.
enum Place {
    Directory(PathBuf),
    Files(Vec<PathBuf>),
}

impl Place {
    fn of(job: &Job<'_>) -> Result<Place, StepError> {
        let files: Vec<PathBuf> = job.outputs("file").into_iter().map(PathBuf::from).collect();
        match (job.output("harmonized"), files.is_empty()) {
            (Some(directory), true) => Ok(Place::Directory(directory.into())),
            (None, false) => Ok(Place::Files(files)),
            (Some(_), false) => Err(StepError::HarmonizeOutput { found: "both" }),
            (None, true) => Err(StepError::HarmonizeOutput { found: "none" }),
        }
    }

    fn file(&self, at: u64) -> PathBuf {
        match self {
            Place::Directory(directory) => directory.join(format!("run_{at:04}.h5")),
            Place::Files(paths) => paths[at as usize].clone(),
        }
    }

    fn scalers(&self, job: &Job<'_>) -> Option<PathBuf> {
        match self {
            Place::Directory(directory) => Some(directory.join("scalers.parquet")),
            Place::Files(_) => job.output("scalers").map(PathBuf::from),
        }
    }
}

/// Where files end.
enum Cut {
    Size(u64),
    Events(u64),
    Files { count: usize, by_traces: bool },
}

/// A cut that is ready to be followed event by event.
enum Plan {
    Size(u64),
    /// Events in each file; the last number holds for all files that follow.
    Events(Vec<usize>),
}

impl Cut {
    fn of(job: &Job<'_>, place: &Place) -> Result<Cut, StepError> {
        let balance = job.text("balance");
        let by_traces = balance == Some("traces");
        if let Place::Files(paths) = place {
            return Cut::into_files(job, paths.len(), by_traces);
        }
        let names = ["size", "events_per_file", "files"];
        let given: Vec<&'static str> =
            names.into_iter().filter(|name| *job.value(name) != Value::Null).collect();
        if given.len() != 1 {
            return Err(StepError::HarmonizeCut { given });
        }
        if balance.is_some() && given != ["files"] {
            return Err(StepError::HarmonizeBalance { given: given[0] });
        }
        Ok(match job.value(given[0]) {
            Value::Text(size) => Cut::Size(parse_size(size)?),
            Value::Int(count) if given == ["files"] => {
                Cut::Files { count: *count as usize, by_traces }
            }
            Value::Int(count) => Cut::Events(*count as u64),
            other => unreachable!("parameters were checked, found {other:?}"),
        })
    }

    /// The named outputs say how many files there are; only they can.
    fn into_files(job: &Job<'_>, outputs: usize, by_traces: bool) -> Result<Cut, StepError> {
        let other = ["size", "events_per_file"].iter().any(|name| *job.value(name) != Value::Null);
        if other {
            return Err(StepError::HarmonizeOutput { found: "`file` with a size of files" });
        }
        match job.value("files") {
            Value::Int(files) if *files as usize != outputs => {
                Err(StepError::HarmonizeFiles { files: *files as usize, outputs })
            }
            _ => Ok(Cut::Files { count: outputs, by_traces }),
        }
    }

    /// Weighs all events where the cut depends on them.
    fn plan(self, paths: &[&Path]) -> Result<Plan, StepError> {
        Ok(match self {
            Cut::Size(bytes) => Plan::Size(bytes),
            Cut::Events(count) => Plan::Events(vec![count as usize]),
            Cut::Files { count, by_traces } => {
                let mut weights = Vec::new();
                for path in paths {
                    let run = RawRun::open(path)?;
                    for number in run.events() {
                        let event = run.locate(number, Detail::Everything)?;
                        weights.extend(event.map(|event| {
                            if by_traces { event.traces() as u64 } else { event.bytes() as u64 }
                        }));
                    }
                }
                Plan::Events(balanced(&weights, count))
            }
        })
    }
}

/// Events that were found and wait to be read together.
#[derive(Default)]
struct Batch {
    events: Vec<LocatedEvent>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, event: LocatedEvent) {
        self.bytes += event.bytes();
        self.events.push(event);
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.events.len() >= BATCH_EVENTS
    }

    fn take(&mut self) -> Vec<LocatedEvent> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

fn write_batch(
    (job, pool): (&Job<'_>, &rayon::ThreadPool),
    (run, events): (&RawRun, Vec<LocatedEvent>),
    (output, facts, total): (&mut Output<'_>, &mut Facts, u64),
) -> Result<(), StepError> {
    let named = number_in_name(run.path());
    let load = |event| run.load(event);
    let loaded: Vec<RawEvent> =
        pool.install(|| events.into_par_iter().map(load).collect::<Result<_, DataError>>())?;
    for mut event in loaded {
        event.orig_run = event.orig_run.or(named);
        facts.take_event(&event)?;
        output.append(&event)?;
        let counts = [("files", output.files), ("traces", facts.traces)];
        job.report(Progress {
            done: facts.events + facts.missing,
            total,
            unit: "events".to_owned(),
            counts: counts.map(|(name, count)| (name.to_owned(), count as f64)).into(),
        });
    }
    Ok(())
}

/// The files that are being written, one at a time.
struct Output<'d> {
    place: &'d Place,
    plan: Plan,
    open: Option<HarmonicWriter>,
    /// Files begun so far.
    files: u64,
}

impl Output<'_> {
    fn append(&mut self, event: &RawEvent) -> Result<(), DataError> {
        while self.is_full() {
            self.close()?;
            self.begin()?;
        }
        if self.open.is_none() {
            self.begin()?;
            // A plan may begin with files that hold nothing.
            return self.append(event);
        }
        self.open.as_mut().map_or(Ok(()), |file| file.append(event))
    }

    /// Whether the open file takes no further event.
    fn is_full(&self) -> bool {
        let Some(file) = &self.open else { return false };
        match &self.plan {
            Plan::Size(bytes) => file.least_size() >= *bytes,
            Plan::Events(counts) => {
                let at = (self.files as usize - 1).min(counts.len() - 1);
                file.written() >= counts[at] as u64
            }
        }
    }

    fn begin(&mut self) -> Result<(), DataError> {
        self.open = Some(HarmonicWriter::create(&self.place.file(self.files))?);
        self.files += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), DataError> {
        self.open.take().map_or(Ok(()), HarmonicWriter::finish)
    }

    /// Closes the last file. There is always a first one, and a planned number of files is kept
    /// even where events do not suffice, so that what reads them finds what it was promised.
    fn finish(mut self) -> Result<(), DataError> {
        let promised = match (&self.plan, self.place) {
            (_, Place::Files(paths)) => paths.len() as u64,
            (Plan::Events(counts), _) if counts.len() > 1 => counts.len() as u64,
            _ => 1,
        };
        while self.files < promised {
            self.close()?;
            self.begin()?;
        }
        self.close()
    }
}

/// What was met on the way.
#[derive(Default)]
struct Facts {
    events: u64,
    missing: u64,
    traces: u64,
    /// Events that only FRIBDAQ saw.
    without_get: u64,
    without_run: u64,
    missing_scalers: u64,
    runs_without_scalers: u64,
    harmonized_inputs: u64,
    scaler_rows: Vec<[u32; 13]>,
    oddities: Vec<String>,
    /// Inputs that were begun.
    inputs: Vec<PathBuf>,
    origins: Origins,
}

impl Facts {
    fn take_run(&mut self, run: &RawRun) -> Result<(), DataError> {
        let name = run.path().file_name().unwrap_or_default().to_string_lossy();
        let oddities = run.warnings().iter().map(|oddity| format!("{name}: {oddity}"));
        self.oddities.extend(oddities);
        if run.layout() == Layout::Harmonized {
            self.harmonized_inputs += 1;
            return Ok(());
        }
        let scalers = run.scalers()?;
        self.missing_scalers += scalers.missing;
        if scalers.records.is_empty() {
            self.runs_without_scalers += 1;
        }
        let number = run.run_number().or_else(|| number_in_name(run.path())).unwrap_or(0);
        for record in scalers.records {
            let mut row = [0; 13];
            row[0] = number as u32;
            row[1] = record.number as u32;
            row[2..].copy_from_slice(&record.counts);
            self.scaler_rows.push(row);
        }
        Ok(())
    }

    fn take_event(&mut self, event: &RawEvent) -> Result<(), StepError> {
        let file = self.inputs.len() - 1;
        // Of an event that does not say its run nobody knows whether it is another one.
        let met = event.orig_run.and_then(|run| {
            self.origins.add(run, event.orig_event, file).map(|first| (run, first))
        });
        if let Some((run, first)) = met {
            let [first, second] = [first, file].map(|at| self.inputs[at].clone());
            return Err(StepError::HarmonizeTwice { run, event: event.orig_event, first, second });
        }
        self.events += 1;
        self.without_run += u64::from(event.orig_run.is_none());
        match &event.get {
            Some(get) => self.traces += get.pads.nrows() as u64,
            None => self.without_get += 1,
        }
        Ok(())
    }

    fn scaler_table(&self) -> Vec<(&'static str, Column)> {
        let names = ["run", "event"].into_iter().chain(SCALER_COLUMNS);
        names
            .enumerate()
            .map(|(at, name)| {
                (name, Column::U32(self.scaler_rows.iter().map(|row| row[at]).collect()))
            })
            .collect()
    }

    fn summary(self) -> StepSummary {
        let mut warnings = self.oddities;
        let mut warn = |count: u64, text: &str| {
            if count > 0 {
                warnings.push(format!("{count} {text}"));
            }
        };
        warn(self.missing, "events are missing in their runs and were left out");
        warn(self.without_get, "events have no GET data and were kept without");
        warn(self.without_run, "events do not say their run, -1 was written");
        warn(self.missing_scalers, "scaler records are missing in their runs");
        warn(self.runs_without_scalers, "runs have no scalers");
        warn(
            self.harmonized_inputs,
            "inputs are harmonized already, their scalers stay in the table beside them",
        );
        StepSummary { warnings }
    }
}

/// The number at the end of a file's name, such as 101 in `run_0101.h5`.
fn number_in_name(path: &Path) -> Option<i64> {
    let stem = path.file_stem()?.to_str()?;
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    stem[stem.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests;
