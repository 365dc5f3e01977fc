//! The kernel `attpc.figure.kinematics`: solver results and a reaction to a picture.

use std::collections::BTreeSet;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::parquet::{Table, read_table};
use crate::kernels::attpc::figure::kinematics::{
    self, Beam, BeamLoss, KinematicsSheet, SolvedTrack,
};
use crate::kernels::attpc::particle::Particle;
use crate::kernels::attpc::reaction::Reaction;
use crate::kernels::attpc::stopping::Stopping;
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::value::Value;
use crate::steps::attpc::figure::tracks::TRACKS;
use crate::steps::attpc::figure::{PICTURE, write_picture};
use crate::steps::attpc::run_counts::{is_bare, particle_of, runs_in};
use crate::steps::attpc::stopping_power::{gas_port, read_gas};
use crate::steps::attpc::window::optional_float;
use crate::steps::{Job, StepError, StepSummary};

/// States whose lines can still be told apart and named.
const MOST_STATES: usize = 14;

/// What `attpc.figure.kinematics` says of itself.
pub fn info() -> KernelInfo {
    KernelInfo {
        name: "attpc.figure.kinematics",
        version: 1,
        summary: "Draws energy against angle with kinematic lines, and the excitation energy.",
        inputs: vec![TRACKS, PortInfo { required: false, ..gas_port() }],
        outputs: vec![PICTURE],
        params: params(),
        item_names: &[],
    }
}

fn params() -> Vec<ParamInfo> {
    let isotope =
        |name, doc| ParamInfo { name, kind: ParamKind::Text, default: None, unit: "", doc };
    let number = |name, (min, max), default, (unit, doc)| ParamInfo {
        name,
        kind: ParamKind::Float { min, max },
        default,
        unit,
        doc,
    };
    let list = |name, default, doc| ParamInfo {
        name,
        kind: ParamKind::Any,
        default: Some(default),
        unit: "MeV",
        doc,
    };
    let absent = || Some(Value::Null);
    vec![
        isotope("target", "isotope of the gas that reacts, such as `2H`"),
        isotope("projectile", "isotope of the beam, such as `16C`"),
        isotope("ejectile", "isotope of the solved tracks, such as `1H`"),
        number(
            "beam_energy",
            (1e-3, 1e6),
            None,
            ("MeV", "kinetic energy of the beam at the window"),
        ),
        number(
            "beam_energy_loss",
            (0.0, 1e6),
            absent(),
            ("MeV/m", "what the beam loses on its way, in place of its stopping in the gas"),
        ),
        list(
            "excitation_energies",
            Value::List(vec![Value::Float(0.0)]),
            "states of the residual whose lines are drawn",
        ),
        list("excitation_range", Value::Null, "two ends of the spectrum; absent: from the data"),
        number(
            "redchisq_max",
            (0.0, f64::INFINITY),
            absent(),
            ("", "tracks with a worse fit are left out; absent: none are"),
        ),
    ]
}

/// Draws the picture.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let nuclei = nuclei(job)?;
    let names = nuclei.map(|nucleus| nucleus.to_string());
    let few = |states: &[f64]| states.len() <= MOST_STATES;
    let states = numbers(job, "excitation_energies", few, "a list of at most 14 numbers")?;
    let range = match job.value("excitation_range") {
        Value::Null => None,
        _ => {
            let rising = |ends: &[f64]| ends.len() == 2 && ends[0] < ends[1];
            let ends = numbers(job, "excitation_range", rising, "two rising numbers")?;
            Some([ends[0], ends[1]])
        }
    };
    let mut summary = StepSummary::default();
    let (tracks, runs) = read_tracks(job, (&names[2], &mut summary))?;
    let energy = job.float("beam_energy");
    let stopping = match job.input("gas") {
        None => None,
        Some(_) => Some(Stopping::built_in(&nuclei[0], &read_gas(job)?, energy)),
    };
    let loss = match (optional_float(job, "beam_energy_loss"), &stopping) {
        (Some(per_m), _) => BeamLoss::Constant(per_m),
        (None, Some(stopping)) => BeamLoss::Stopping(stopping),
        (None, None) => BeamLoss::Unknown,
    };
    let masses = nuclei.map(|nucleus| nucleus.nuclear_mass_mev());
    let [projectile, target, ejectile, residual] = masses;
    let sheet = KinematicsSheet {
        beam: Beam {
            names: [&names[0], &names[1], &names[2], &names[3]],
            reaction: Reaction { projectile, target, ejectile, residual },
            energy,
            loss,
            states: &states,
        },
        runs: &runs,
        tracks: &tracks,
        excitation_range: range,
    };
    write_picture(job, &kinematics::draw(&sheet))?;
    Ok(summary)
}

/// Projectile, target, ejectile and the residual that is left.
fn nuclei(job: &Job<'_>) -> Result<[Particle; 4], StepError> {
    let named = |name| {
        Particle::named(job.text(name).expect("the parameter is required"))
            .map_err(|source| StepError::Particle { name, source })
    };
    let [projectile, target, ejectile] =
        [named("projectile")?, named("target")?, named("ejectile")?];
    let left = |part: fn(&Particle) -> u32| {
        i64::from(part(&projectile)) + i64::from(part(&target)) - i64::from(part(&ejectile))
    };
    let (z, a) = (left(|p| p.z), left(|p| p.a));
    let residual = Particle::of(z, a).map_err(|source| StepError::Residual { z, a, source })?;
    Ok([projectile, target, ejectile, residual])
}

/// The numbers of a parameter that is a list.
fn numbers(
    job: &Job<'_>,
    name: &'static str,
    fits: fn(&[f64]) -> bool,
    expected: &'static str,
) -> Result<Vec<f64>, StepError> {
    let value = job.value(name);
    let refused = || StepError::BadList { name, value: value.to_string(), expected };
    let Value::List(items) = value else { return Err(refused()) };
    let number = |item: &Value| match item {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        _ => Err(refused()),
    };
    let numbers: Vec<f64> = items.iter().map(number).collect::<Result<_, _>>()?;
    if fits(&numbers) { Ok(numbers) } else { Err(refused()) }
}

fn read_tracks(
    job: &Job<'_>,
    (ejectile, summary): (&str, &mut StepSummary),
) -> Result<(Vec<SolvedTrack>, Vec<i64>), StepError> {
    let worst = optional_float(job, "redchisq_max");
    let (mut tracks, mut runs, mut left_out) = (Vec::new(), Vec::new(), 0);
    let mut others = BTreeSet::new();
    let files = job.inputs("track");
    for (at, path) in files.iter().enumerate() {
        let table = read_table(Path::new(path))?;
        if is_bare(&table) {
            continue;
        }
        let good = tracks_of(&table, worst)?;
        left_out += table.rows() - good.len();
        tracks.extend(good);
        runs.extend(runs_in(&table)?);
        let particle = particle_of(path);
        if particle != "tracks" && particle != ejectile {
            others.insert(particle);
        }
        let counts = [("tracks".to_owned(), tracks.len() as f64)].into();
        let (done, total) = (at as u64 + 1, files.len() as u64);
        job.report(Progress { done, total, unit: "files".to_owned(), counts });
    }
    runs.sort_unstable();
    runs.dedup();
    if tracks.is_empty() {
        summary.warnings.push("no file has tracks, only the kinematic lines are drawn".to_owned());
    }
    if left_out > 0 {
        summary.warnings.push(format!("{left_out} tracks left out by `redchisq_max`"));
    }
    for other in others {
        summary.warnings.push(format!("files say `{other}`, but `ejectile` is `{ejectile}`"));
    }
    Ok((tracks, runs))
}

fn tracks_of(table: &Table, worst: Option<f64>) -> Result<Vec<SolvedTrack>, DataError> {
    let [energy, polar] = [table.floats("ke")?, table.floats("polar")?];
    let [vertex_z, redchisq] = [table.floats("vertex_z")?, table.floats("redchisq")?];
    let good = |row: &usize| worst.is_none_or(|worst| redchisq[*row] <= worst);
    let track = |row: usize| SolvedTrack {
        polar: polar[row],
        energy: energy[row],
        vertex_z: vertex_z[row],
    };
    Ok((0..table.rows()).filter(good).map(track).collect())
}
