//! The kernel `attpc.figure.tracks`: solver results to distributions.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::parquet::{Table, read_table};
use crate::kernels::attpc::figure::tracks::{self, Particle, TrackFacts, TracksSheet};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::value::Value;
use crate::steps::attpc::figure::{PICTURE, write_picture};
use crate::steps::attpc::run_counts::{is_bare, particle_of, runs_in};
use crate::steps::{Job, StepError, StepSummary};

const MM_PER_M: f64 = 1000.0;

/// The input of solver results, which several kernels share.
pub(in crate::steps::attpc) const TRACKS: PortInfo = PortInfo {
    role: "track",
    required: true,
    many: true,
    directory: false,
    named: true,
    doc: "Parquet in the InterpSolver layout, `run_NNNN_ISOTOPE.parquet`, any number of runs",
};

/// What `attpc.figure.tracks` says of itself.
pub fn info() -> KernelInfo {
    let length = |name, default, doc| ParamInfo {
        name,
        kind: ParamKind::Float { min: 1.0, max: 1e5 },
        default: Some(Value::Float(default)),
        unit: "mm",
        doc,
    };
    KernelInfo {
        name: "attpc.figure.tracks",
        version: 1,
        summary: "Draws vertex, angles, energy and quality of solved tracks for each particle.",
        inputs: vec![TRACKS],
        outputs: vec![PICTURE],
        params: vec![
            length("detector_length", 1000.0, "window to pad plane; the vertex z axis"),
            length("beam_region_radius", 25.0, "vertices lie inside it; the vertex x and y axes"),
        ],
        item_names: &[],
    }
}

/// Draws the picture.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let mut particles: BTreeMap<String, Vec<TrackFacts>> = BTreeMap::new();
    let mut runs = Vec::new();
    let files = job.inputs("track");
    for (at, path) in files.iter().enumerate() {
        let table = read_table(Path::new(path))?;
        let tracks = particles.entry(particle_of(path)).or_default();
        if is_bare(&table) {
            continue;
        }
        tracks.extend(tracks_of(&table)?);
        runs.extend(runs_in(&table)?);
        let counts =
            [("tracks".to_owned(), particles.values().map(Vec::len).sum::<usize>() as f64)];
        let (done, total) = (at as u64 + 1, files.len() as u64);
        job.report(Progress { done, total, unit: "files".to_owned(), counts: counts.into() });
    }
    runs.sort_unstable();
    runs.dedup();
    let mut summary = StepSummary::default();
    if particles.values().all(Vec::is_empty) {
        summary.warnings.push("no file has tracks, the picture is empty".to_owned());
    }
    let particles: Vec<Particle> =
        particles.into_iter().map(|(name, tracks)| Particle { name, tracks }).collect();
    let sheet = TracksSheet {
        runs: &runs,
        particles: &particles,
        length: job.float("detector_length"),
        beam_radius: job.float("beam_region_radius"),
    };
    write_picture(job, &tracks::draw(&sheet))?;
    Ok(summary)
}

fn tracks_of(table: &Table) -> Result<Vec<TrackFacts>, DataError> {
    let column = |name| table.floats(name);
    let vertex = [column("vertex_x")?, column("vertex_y")?, column("vertex_z")?];
    let [energy, polar] = [column("ke")?, column("polar")?];
    let [azimuthal, redchisq] = [column("azimuthal")?, column("redchisq")?];
    let track = |row: usize| TrackFacts {
        vertex: [0, 1, 2].map(|axis| MM_PER_M * vertex[axis][row]),
        energy: energy[row],
        polar: polar[row],
        azimuthal: azimuthal[row],
        redchisq: redchisq[row],
    };
    Ok((0..table.rows()).map(track).collect())
}
