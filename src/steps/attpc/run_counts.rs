//! What each phase made of each run, counted from the files of the phases themselves.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::data::cloud_reader::CloudFile;
use crate::data::cluster_reader::ClusterFile;
use crate::data::error::DataError;
use crate::data::parquet::{Table, read_table};
use crate::kernels::attpc::figure::rates::{RunRates, ScalerSums};
use crate::kernels::attpc::figure::words::isotope;
use crate::model::step::{PortInfo, Progress};
use crate::steps::{Job, StepError};

/// Names of the columns that hold the same scaler, by this program or Spyral and by the harmonizer.
const TRIGGERS: [[&str; 2]; 2] = [["trigger_free", "trig_free"], ["trigger_live", "trig_live"]];

/// Counts of all runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RunCounts {
    /// What is counted; clouds are first.
    pub stages: Vec<String>,
    /// Ascending by run.
    pub runs: Vec<RunRates>,
    /// Amplitudes of all good ion chamber pulses, ADC.
    pub amplitudes: Vec<f64>,
}

/// The ports whose files are counted; only clouds may be required.
pub(super) fn ports(clouds_required: bool) -> Vec<PortInfo> {
    let port = |role, doc| PortInfo {
        role,
        required: false,
        many: true,
        directory: false,
        named: true,
        doc,
    };
    vec![
        PortInfo {
            required: clouds_required,
            ..port("cloud", "HDF5 in the Pointcloud layout, of attpc.pointcloud or of Spyral")
        },
        port("cluster", "HDF5 in the Cluster layout"),
        port("estimate", "Parquet in the Estimation layout"),
        port("selected", "Parquet of attpc.select, `run_NNNN_ISOTOPE.parquet`"),
        port("track", "Parquet in the InterpSolver layout, `run_NNNN_ISOTOPE.parquet`"),
        port("scaler", "Parquet scaler tables, `run_NNNN_scaler.parquet` or with a column `run`"),
        port("gated_ic", "text, `run_NNNN_gated_ic_scaler.txt`"),
    ]
}

/// The runs that a table's rows come from, ascending.
pub(super) fn runs_in(table: &Table) -> Result<Vec<i64>, DataError> {
    let runs: BTreeSet<i64> = table.integers("orig_run")?.iter().copied().collect();
    Ok(runs.into_iter().collect())
}

/// True for a table without rows and columns, which Spyral writes where a run gave nothing.
pub(super) fn is_bare(table: &Table) -> bool {
    table.rows() == 0 && table.columns().is_empty()
}

/// The isotope at the end of a file's stem, such as `2H` of `run_0101_2H.parquet`; `tracks` where
/// the name has none.
pub(super) fn particle_of(path: &str) -> String {
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let last = stem.rsplit('_').next().unwrap_or_default();
    let letters = last.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let isotope = letters.len() < last.len()
        && letters.starts_with(|letter: char| letter.is_ascii_uppercase())
        && letters.len() <= 2;
    if isotope { last.to_owned() } else { "tracks".to_owned() }
}

/// The number in a file's name `run_NNNN`, with anything behind it.
pub(super) fn run_in_name(path: &str) -> Result<i64, StepError> {
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let digits = name.strip_prefix("run_").unwrap_or_default();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().map_err(|_| StepError::NoRunInName { path: path.into() })
}

/// Reads and counts all files of a step's ports.
pub(super) fn count(job: &Job<'_>) -> Result<RunCounts, StepError> {
    let mut counter =
        Counter { job, done: 0, stages: Vec::new(), runs: BTreeMap::new(), amplitudes: Vec::new() };
    counter.count_clouds()?;
    counter.count_clusters()?;
    for role in ["estimate", "selected", "track"] {
        counter.count_rows(role)?;
    }
    counter.sum_scalers()?;
    counter.read_gated()?;
    let Counter { stages, runs, amplitudes, .. } = counter;
    Ok(RunCounts { stages, runs: runs.into_values().collect(), amplitudes })
}

struct Counter<'j> {
    job: &'j Job<'j>,
    done: u64,
    stages: Vec<String>,
    runs: BTreeMap<i64, RunRates>,
    amplitudes: Vec<f64>,
}

impl Counter<'_> {
    fn run(&mut self, run: i64) -> &mut RunRates {
        self.runs.entry(run).or_insert_with(|| RunRates { run, ..RunRates::default() })
    }

    /// The place of a stage, which is new when no file of it was seen before.
    fn stage(&mut self, name: &str) -> usize {
        let found = self.stages.iter().position(|stage| stage == name);
        found.unwrap_or_else(|| {
            self.stages.push(name.to_owned());
            self.stages.len() - 1
        })
    }

    fn add(&mut self, run: i64, stage: usize, number: u64) {
        let counts = &mut self.run(run).counts;
        if counts.len() <= stage {
            counts.resize(stage + 1, None);
        }
        *counts[stage].get_or_insert(0) += number;
    }

    fn report(&mut self) {
        self.done += 1;
        let (done, unit) = (self.done, "files".to_owned());
        let total = ports(false).iter().map(|port| self.job.inputs(port.role).len() as u64).sum();
        self.job.report(Progress { done, total, unit, ..Progress::default() });
    }

    fn count_clouds(&mut self) -> Result<(), StepError> {
        let stage = self.stage("clouds");
        for path in self.job.inputs("cloud") {
            let file = CloudFile::open(Path::new(path))?;
            if file.events().is_empty()
                && let Ok(run) = run_in_name(path)
            {
                self.add(run, stage, 0);
            }
            for event in file.events() {
                let facts = file.facts(*event)?;
                self.add(facts.orig_run, stage, 1);
                self.run(facts.orig_run).good_pulses += u64::from(facts.ic_amplitude.is_some());
                self.amplitudes.extend(facts.ic_amplitude);
            }
            self.report();
        }
        Ok(())
    }

    fn count_clusters(&mut self) -> Result<(), StepError> {
        for path in self.job.inputs("cluster") {
            let stage = self.stage("clusters");
            let file = ClusterFile::open(Path::new(path))?;
            for event in file.events() {
                let (run, clusters) = file.count(*event)?;
                self.add(run, stage, clusters);
            }
            self.report();
        }
        Ok(())
    }

    fn count_rows(&mut self, role: &str) -> Result<(), StepError> {
        for path in self.job.inputs(role) {
            let name = match role {
                "estimate" => "estimates".to_owned(),
                "selected" => format!("selected {}", isotope(&particle_of(path))),
                _ => format!("solved {}", isotope(&particle_of(path))),
            };
            let stage = self.stage(&name);
            let table = read_table(Path::new(path))?;
            let runs = match is_bare(&table) {
                true => Cow::Borrowed(&[][..]),
                false => table.integers("orig_run")?,
            };
            // A run whose file has no rows made zero of them, which differs from not being there.
            if runs.is_empty()
                && let Ok(run) = run_in_name(path)
            {
                self.add(run, stage, 0);
            }
            runs.iter().for_each(|run| self.add(*run, stage, 1));
            self.report();
        }
        Ok(())
    }

    fn sum_scalers(&mut self) -> Result<(), StepError> {
        for path in self.job.inputs("scaler") {
            let table = read_table(Path::new(path))?;
            let runs = match table.has("run") {
                true => table.integers("run")?.into_owned(),
                false => vec![run_in_name(path)?; table.rows()],
            };
            let column = |names: [&str; 2]| table.floats(names[usize::from(!table.has(names[0]))]);
            let [free, live] = [table.floats("clock_free")?, table.floats("clock_live")?];
            let [triggers, accepted] = [column(TRIGGERS[0])?, column(TRIGGERS[1])?];
            let beam = table.floats("ic_sca")?;
            for (row, run) in runs.iter().enumerate() {
                let sums = self.run(*run).scalers.get_or_insert_with(ScalerSums::default);
                sums.records += 1;
                sums.clock_free += free[row];
                sums.clock_live += live[row];
                sums.trigger_free += triggers[row];
                sums.trigger_live += accepted[row];
                sums.ic += beam[row];
            }
            self.report();
        }
        Ok(())
    }

    /// Reads the two lines that phase 1 writes: words, and the count.
    fn read_gated(&mut self) -> Result<(), StepError> {
        for path in self.job.inputs("gated_ic") {
            let run = run_in_name(path)?;
            let text = std::fs::read_to_string(path)
                .map_err(|source| DataError::Open { path: path.into(), source })?;
            let line = text.lines().nth(1).unwrap_or_default().trim();
            let number: u64 = line.parse().map_err(|_| DataError::TableLine {
                path: path.into(),
                line: 2,
                found: line.chars().take(60).collect(),
                expected: "a count".to_owned(),
            })?;
            *self.run(run).gated_ic.get_or_insert(0) += number;
            self.report();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_particle_and_run() {
        assert_eq!(particle_of("work/InterpSolver/run_0101_2H.parquet"), "2H");
        assert_eq!(particle_of("run_0101_16C.parquet"), "16C");
        assert_eq!(particle_of("run_0101.parquet"), "tracks");
        assert_eq!(particle_of("run_0101_scaler.parquet"), "tracks");
        assert_eq!(run_in_name("a/run_0101_scaler.parquet").unwrap(), 101);
        let error = run_in_name("a/scalers.parquet").unwrap_err().to_string();
        assert!(error.starts_with("no run number in file name"));
    }
}
