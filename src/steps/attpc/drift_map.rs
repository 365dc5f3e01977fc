//! The kernel `attpc.drift_map`: simulated electrons to the map that corrects points; and the map
//! as `attpc.pointcloud` reads it.

use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::npy::{NpyFile, Numbers, write_npy};
use crate::data::table::{Row, read_columns};
use crate::kernels::attpc::drift::{DriftMap, DriftTime, ElectronError, ElectronTable, SHAPE};
use crate::kernels::attpc::pointcloud::Compat;
use crate::model::step::{KernelInfo, PortInfo, Progress};
use crate::model::text::count;
use crate::steps::attpc::params::{ANY, POSITIVE, compat, compat_param, number};
use crate::steps::{Job, StepError, StepSummary};

/// Detector length in mm up to which the map reaches.
const LONGEST: f64 = 1000.0;

/// What keeps a simulation from becoming a map.
#[derive(Debug, thiserror::Error)]
pub enum DriftMapError {
    #[error("line {line} is not the electron that belongs there: `{}`", path.display())]
    Line { path: PathBuf, line: usize, source: ElectronError },
    #[error("no drift map can be made of `{}`", path.display())]
    Table { path: PathBuf, source: ElectronError },
    #[error(
        "`window_time_bucket` is `{window}`, must be above `micromegas_time_bucket`, which is \
         `{micromegas}`"
    )]
    NoDrift { micromegas: f64, window: f64 },
}

impl DriftMapError {
    /// What to look for, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            DriftMapError::Line { .. } | DriftMapError::Table { .. } => Some(
                "columns are initial depth and radius, final depth and radius, shift across, all \
                 in cm, and time in ns; depth rises from 3 to 100, in it radius from -27 to 27"
                    .to_owned(),
            ),
            DriftMapError::NoDrift { .. } => None,
        }
    }
}

/// What the kernel says of itself.
pub fn info() -> KernelInfo {
    let port = |role, doc| PortInfo {
        role,
        required: true,
        many: false,
        directory: false,
        named: false,
        doc,
    };
    KernelInfo {
        name: "attpc.drift_map",
        version: 1,
        summary: "Turns simulated drifting electrons into the map that corrects point clouds.",
        inputs: vec![port(
            "garfield",
            "Simulated electrons, text: 98 depths of 55 radii, 6 columns in cm and ns.",
        )],
        outputs: vec![port(
            "drift",
            "NumPy float64 (276, 1001, 3): shifts in mm at radii 0 to 275 mm and z 0 to 1000 mm.",
        )],
        params: vec![
            number("detector.detector_length", POSITIVE, (1000.0, "mm"), "Drift length."),
            number(
                "detector.micromegas_time_bucket",
                ANY,
                (10.0, "TB"),
                "Time bucket of a charge at the micromegas.",
            ),
            number(
                "detector.window_time_bucket",
                ANY,
                (560.0, "TB"),
                "Time bucket of a charge at the window.",
            ),
            number(
                "detector.get_frequency",
                POSITIVE,
                (6.25, "MHz"),
                "Sampling frequency of the GET electronics.",
            ),
            compat_param(),
        ],
        item_names: &[],
    }
}

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let compat = compat(job);
    let drift = DriftTime {
        length_mm: job.float("detector.detector_length"),
        micromegas_tb: job.float("detector.micromegas_time_bucket"),
        window_tb: job.float("detector.window_time_bucket"),
        get_frequency_mhz: job.float("detector.get_frequency"),
    };
    if drift.micromegas_tb >= drift.window_tb {
        let (micromegas, window) = (drift.micromegas_tb, drift.window_tb);
        return Err(DriftMapError::NoDrift { micromegas, window }.into());
    }
    let path = Path::new(job.input("garfield").expect("the port is required"));
    let electrons = read_electrons(path)?;
    let map = DriftMap::new(&electrons, &drift, compat)
        .map_err(|source| DriftMapError::Table { path: path.to_owned(), source })?;
    let output = Path::new(job.output("drift").expect("the port is required"));
    write_npy(output, &SHAPE, map.values())?;
    let total = SHAPE[0] as u64;
    job.report(Progress {
        done: total,
        total,
        unit: "radii".to_owned(),
        counts: [("lost_electrons".to_owned(), electrons.lost() as f64)].into(),
    });
    Ok(StepSummary { warnings: warnings(&electrons, &drift, compat) })
}

fn warnings(electrons: &ElectronTable, drift: &DriftTime, compat: Compat) -> Vec<String> {
    let mut warnings = Vec::new();
    let lost = electrons.lost();
    if lost > 0 {
        let lost = count(lost, "electron");
        warnings.push(match compat {
            Compat::Exact => format!(
                "{lost} of {} do not reach the pad plane; beyond the outermost that does, its \
                 shifts are held",
                electrons.len()
            ),
            Compat::Spyral11 => format!(
                "{lost} of {} do not reach the pad plane and count all the same, as in Spyral",
                electrons.len()
            ),
        });
    }
    if drift.length_mm > LONGEST {
        warnings.push(format!(
            "the map ends at {LONGEST} mm, points nearer to the micromegas will be left out"
        ));
    }
    warnings
}

fn read_electrons(path: &Path) -> Result<ElectronTable, StepError> {
    let rows: Vec<Row<6>> = read_columns(path)?;
    let electrons = rows.iter().map(|row| row.values).collect();
    ElectronTable::new(electrons).map_err(|source| {
        let path = path.to_owned();
        let line = match source {
            ElectronError::Place { row, .. } => rows.get(row).map(|row| row.line),
            _ => None,
        };
        match line {
            Some(line) => DriftMapError::Line { path, line, source }.into(),
            None => DriftMapError::Table { path, source }.into(),
        }
    })
}

/// Reads a map, of this kernel or of Spyral.
pub fn read_drift_map(path: &Path) -> Result<DriftMap, DataError> {
    let file = NpyFile::open(path)?;
    let header = file.header();
    if header.fortran_order || header.shape != SHAPE {
        let order = if header.fortran_order { ", first index innermost" } else { "" };
        return Err(DataError::WrongShape {
            path: path.to_owned(),
            object: "drift map".to_owned(),
            expected: "[276, 1001, 3], last index innermost",
            found: format!("{:?}{order}", header.shape),
        });
    }
    let map = match file.numbers() {
        Numbers::Double(numbers) => DriftMap::from_values(numbers),
        Numbers::Single(numbers) => {
            let numbers: Vec<f64> = numbers.iter().map(|number| f64::from(*number)).collect();
            DriftMap::from_values(&numbers)
        }
    };
    Ok(map.expect("the shape was checked"))
}

#[cfg(test)]
mod tests;
