//! What `attpc.mesh` says of itself, and what it is asked for.

use std::path::Path;

use crate::data::npy::Precision;
use crate::kernels::attpc::gas::Gas;
use crate::kernels::attpc::mesh::{Axis, Fields, MeshPlan, RANGE_LIMIT_M, TIME_LIMIT_S};
use crate::kernels::attpc::particle::Particle;
use crate::kernels::attpc::stopping::Stopping;
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::attpc::stopping_power::{
    gas_port, particle_param, read_gas, read_particle, read_stopping,
};
use crate::steps::{Job, StepError};

/// The built-in stopping power reaches this much beyond the highest energy, so that no interpolation
/// ends at it.
const MARGIN: f64 = 1.1;

/// Largest file of a mesh in bytes; the solver's memory has to take it.
const LARGEST: u64 = 64_000_000_000;

/// Why no mesh can be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    #[error("`{low}` is {from} {unit}, must be less than `{high}` of {to} {unit}")]
    Order { low: &'static str, from: f64, high: &'static str, to: f64, unit: &'static str },
    #[error(
        "the stopping table ends at {found} MeV, `solver.interp_ke_max` is {needed} MeV: `{path}`"
    )]
    TableEnds { path: String, found: f64, needed: f64 },
    #[error(
        "the stopping table begins at {found} MeV with a range of {range_mm} mm, tracks end at 1 mm: \
         `{path}`"
    )]
    TableBegins { path: String, found: f64, range_mm: f64 },
    #[error("no track leaves the vertex, even {ke_mev} MeV have a range of less than 1 mm")]
    NoTracks { ke_mev: f64 },
    #[error("the mesh would take {gigabytes} GB, at most {} GB are made", LARGEST / 1_000_000_000)]
    TooLarge { gigabytes: u64 },
    #[error("mesh `{mesh}` has shape {found}, its description says {expected}")]
    Shape { mesh: String, found: String, expected: String },
    #[error("description `{info}` says {field} {found}, expected {expected}")]
    Described { info: String, field: &'static str, found: String, expected: &'static str },
}

impl MeshError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            MeshError::TableEnds { .. } | MeshError::TableBegins { .. } => {
                Some("`attpc.stopping_power` writes tables of any energies".to_owned())
            }
            MeshError::NoTracks { .. } => {
                Some("check pressure of the gas and energies of the mesh".to_owned())
            }
            MeshError::Shape { .. } | MeshError::Described { .. } => {
                Some("take mesh and description from the same step".to_owned())
            }
            MeshError::TooLarge { .. } => Some(
                "lower `solver.n_time_steps`, `solver.interp_ke_bins` or `solver.interp_polar_bins`"
                    .to_owned(),
            ),
            MeshError::Order { .. } => None,
        }
    }
}

/// The kernel's ports and parameters.
pub fn info() -> KernelInfo {
    let port = |role, required, doc| PortInfo {
        role,
        required,
        many: false,
        directory: false,
        named: false,
        doc,
    };
    KernelInfo {
        name: "attpc.mesh",
        version: 1,
        summary: "Computes tracks of a particle in gas and fields for a mesh of energies and angles.",
        inputs: vec![
            gas_port(),
            port(
                "stopping",
                false,
                "CSV with `ke_MeV`, `dedx_MeV_cm2_per_g` and perhaps `range_m`, in place of the \
                 built-in stopping power.",
            ),
        ],
        outputs: vec![
            port(
                "mesh",
                true,
                "NumPy array (time steps, 3, energies, angles) of positions in m from the vertex, \
                 in Fortran order: the times of a track are neighbours.",
            ),
            port("mesh_info", true, "JSON: what the mesh was made of, with Spyral's keys."),
        ],
        params: params(),
        item_names: &[],
    }
}

fn params() -> Vec<ParamInfo> {
    let number = |name, [min, max]: [f64; 2], (default, unit), doc| {
        let kind = ParamKind::Float { min, max };
        ParamInfo { name, kind, default: Some(Value::Float(default)), unit, doc }
    };
    let count = |name, [min, max]: [i64; 2], default, doc| {
        let kind = ParamKind::Int { min, max };
        ParamInfo { name, kind, default: Some(Value::Int(default)), unit: "", doc }
    };
    const ENERGY: [f64; 2] = [1e-4, 1e6];
    const ANGLE: [f64; 2] = [0.0, 180.0];
    vec![
        particle_param(),
        number(
            "detector.magnetic_field",
            [-100.0, 100.0],
            (2.85, "T"),
            "Magnetic field; it points from the micromegas to the window.",
        ),
        number(
            "detector.electric_field",
            [-1e8, 1e8],
            (45_000.0, "V/m"),
            "Electric field; it points from the micromegas to the window.",
        ),
        number("solver.interp_ke_min", ENERGY, (0.1, "MeV"), "Lowest kinetic energy."),
        number("solver.interp_ke_max", ENERGY, (70.0, "MeV"), "Highest kinetic energy."),
        count("solver.interp_ke_bins", [2, 100_000], 350, "Number of energies, ends included."),
        number("solver.interp_polar_min", ANGLE, (2.0, "deg"), "Smallest polar angle."),
        number("solver.interp_polar_max", ANGLE, (88.0, "deg"), "Largest polar angle."),
        count("solver.interp_polar_bins", [2, 100_000], 166, "Number of angles, ends included."),
        count("solver.n_time_steps", [2, 100_000], 1000, "Number of times in each track."),
        ParamInfo {
            name: "time_window",
            kind: ParamKind::Float { min: 1e-10, max: TIME_LIMIT_S },
            default: Some(Value::Null),
            unit: "s",
            doc: "Last of the common times; the end of the longest track when absent.",
        },
        ParamInfo {
            name: "dtype",
            kind: ParamKind::Choice { of: &["f4", "f8"] },
            default: Some(Value::Text("f4".to_owned())),
            unit: "",
            doc: "Type of the numbers; `f4` is good to 1e-7 of a position at half the size.",
        },
    ]
}

/// What is asked for.
pub(super) struct Setup {
    pub(super) particle: Particle,
    pub(super) gas: Gas,
    pub(super) stopping: Stopping,
    /// False for the built-in stopping power.
    pub(super) from_table: bool,
    pub(super) fields: Fields,
    pub(super) plan: MeshPlan,
    pub(super) polar_degrees: [f64; 2],
    pub(super) steps: usize,
    /// Last of the common times in s, where it is given.
    pub(super) time_window: Option<f64>,
    pub(super) precision: Precision,
}

impl Setup {
    pub(super) fn read(job: &Job<'_>) -> Result<Setup, StepError> {
        check_size(job)?;
        let gas = read_gas(job)?;
        let particle = read_particle(job)?;
        let ke = axis(job, ["solver.interp_ke_min", "solver.interp_ke_max"], "MeV")?;
        let ke = Axis { bins: job.int("solver.interp_ke_bins") as usize, ..ke };
        let angles = axis(job, ["solver.interp_polar_min", "solver.interp_polar_max"], "deg")?;
        let polar = Axis {
            low: angles.low.to_radians(),
            high: angles.high.to_radians(),
            bins: job.int("solver.interp_polar_bins") as usize,
        };
        let (stopping, from_table) = match job.input("stopping") {
            Some(path) => {
                let stopping = read_stopping(Path::new(path), &particle, &gas)?;
                check_table(path, &stopping, ke.high)?;
                (stopping, true)
            }
            None => (Stopping::built_in(&particle, &gas, MARGIN * ke.high), false),
        };
        Ok(Setup {
            particle,
            gas,
            stopping,
            from_table,
            fields: Fields {
                magnetic_t: job.float("detector.magnetic_field"),
                electric_v_per_m: job.float("detector.electric_field"),
            },
            plan: MeshPlan { ke, polar },
            polar_degrees: [angles.low, angles.high],
            steps: job.int("solver.n_time_steps") as usize,
            time_window: match job.value("time_window") {
                Value::Null => None,
                _ => Some(job.float("time_window")),
            },
            precision: match job.text("dtype") {
                Some("f8") => Precision::Double,
                _ => Precision::Single,
            },
        })
    }
}

/// Refuses a mesh that no machine would take, before anything is computed.
fn check_size(job: &Job<'_>) -> Result<(), MeshError> {
    let counts = ["solver.n_time_steps", "solver.interp_ke_bins", "solver.interp_polar_bins"];
    let bytes = if job.text("dtype") == Some("f8") { 8 } else { 4 };
    // The parameters' ranges keep the product far below the largest number.
    let bytes = counts.iter().map(|name| job.int(name) as u64).product::<u64>() * 3 * bytes;
    match bytes > LARGEST {
        true => Err(MeshError::TooLarge { gigabytes: bytes.div_ceil(1_000_000_000) }),
        false => Ok(()),
    }
}

/// An axis of two nodes between two parameters, the first of which is the smaller.
fn axis(
    job: &Job<'_>,
    [low, high]: [&'static str; 2],
    unit: &'static str,
) -> Result<Axis, MeshError> {
    let (from, to) = (job.float(low), job.float(high));
    match from < to {
        true => Ok(Axis { low: from, high: to, bins: 2 }),
        false => Err(MeshError::Order { low, from, high, to, unit }),
    }
}

/// A table reaches from where tracks end to where the highest begin.
fn check_table(path: &str, stopping: &Stopping, needed: f64) -> Result<(), MeshError> {
    let [low, high] = stopping.span();
    let path = path.to_owned();
    if high < needed {
        return Err(MeshError::TableEnds { path, found: high, needed });
    }
    let range = stopping.range_m(low);
    if range > RANGE_LIMIT_M {
        let range_mm = range * 1000.0;
        return Err(MeshError::TableBegins { path, found: low, range_mm });
    }
    Ok(())
}
