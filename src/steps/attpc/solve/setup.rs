//! What `attpc.solve` says of itself, and what it is asked for.

use std::path::{Path, PathBuf};

use crate::kernels::attpc::solve::{
    DamagedNode, FitMethod, MeshFacts, SolveParams, Solver, TrackParticle,
};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::attpc::mesh::TrackMesh;
use crate::steps::attpc::params::{ANY, POSITIVE, compat, compat_param, number};
use crate::steps::{Job, StepError};

/// Why estimates, clusters, mesh and parameters do not go together.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    #[error(
        "row {row} of `{}` is event `{event}`, which is in no cluster file: `{}`",
        estimate.display(),
        shown(clusters)
    )]
    NoEvent { estimate: PathBuf, row: usize, event: i64, clusters: Vec<PathBuf> },
    #[error(
        "row {row} of `{}` is cluster `{index}` of event `{event}`, which has {found}: `{}`",
        estimate.display(),
        cluster.display()
    )]
    NoCluster {
        estimate: PathBuf,
        row: usize,
        event: i64,
        index: i64,
        found: usize,
        cluster: PathBuf,
    },
    #[error(
        "row {row} of `{}` has label `{label}`, cluster `{index}` of event `{event}` has `{found}`: \
         `{}`",
        estimate.display(),
        cluster.display()
    )]
    OtherCluster {
        estimate: PathBuf,
        row: usize,
        event: i64,
        index: i64,
        label: i64,
        found: i64,
        cluster: PathBuf,
    },
    #[error("event `{event}` is in two cluster files: `{}` and `{}`", first.display(), second.display())]
    TwiceClustered { event: i64, first: PathBuf, second: PathBuf },
    #[error(
        "mesh `{mesh}` has one energy, one angle or one time step, expected two or more of each"
    )]
    FlatMesh { mesh: String },
    #[error("mesh holds no finite track for {ke_mev} MeV at {polar_degrees} degrees: `{mesh}`")]
    DamagedMesh { mesh: String, ke_mev: f64, polar_degrees: f64 },
    #[error("`{low}` is {from}, must be less than `{high}` of {to}")]
    Order { low: &'static str, from: f64, high: &'static str, to: f64 },
}

impl SolveError {
    /// What to do instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            SolveError::NoEvent { .. }
            | SolveError::NoCluster { .. }
            | SolveError::OtherCluster { .. } => {
                Some("take the clusters that the estimates were made of".to_owned())
            }
            SolveError::FlatMesh { .. } => Some("make the mesh with more bins".to_owned()),
            SolveError::DamagedMesh { .. } => Some("make the mesh again".to_owned()),
            SolveError::TwiceClustered { .. } | SolveError::Order { .. } => None,
        }
    }
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("`, `")
}

/// The kernel's ports and parameters.
pub fn info() -> KernelInfo {
    let port = |role, required, many, doc| PortInfo {
        role,
        required,
        many,
        directory: false,
        named: false,
        doc,
    };
    KernelInfo {
        name: "attpc.solve",
        version: 1,
        summary: "Fits tracks of a mesh to clusters, for energy, angles and vertex of each.",
        inputs: vec![
            port(
                "cluster",
                true,
                true,
                "Clusters of the run, HDF5, as `attpc.cluster` or Spyral writes them; several files \
                 hold different events.",
            ),
            port(
                "estimate",
                true,
                false,
                "Estimates of the clusters to fit, Parquet: rows of `attpc.estimate`, of \
                 `attpc.select` or of Spyral.",
            ),
            port(
                "mesh",
                true,
                false,
                "Mesh of tracks, NumPy, as `attpc.mesh` or Spyral writes it.",
            ),
            port("mesh_info", true, false, "Description of the mesh, JSON."),
        ],
        outputs: vec![
            port(
                "result",
                true,
                false,
                "Parquet, a row for each fit: event, cluster_index, cluster_label, orig_run, \
                 orig_event, vertex (m), brho (T m), ke (MeV), polar, azimuthal (rad), each with \
                 its sigma, redchisq.",
            ),
            port(
                "rejected",
                false,
                false,
                "Parquet, a row for each cluster that was not fitted: event, cluster_index, reason \
                 as a number (see the page).",
            ),
        ],
        params: [detector(), fitting()].concat(),
        item_names: &[],
    }
}

fn detector() -> Vec<ParamInfo> {
    vec![
        number("detector.detector_length", POSITIVE, (1000.0, "mm"), "Drift length."),
        number(
            "detector.beam_region_radius",
            POSITIVE,
            (25.0, "mm"),
            "Vertices lie within this distance of the axis; the exact fit takes it for three \
             standard deviations of the beam.",
        ),
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
    ]
}

fn fitting() -> Vec<ParamInfo> {
    let flag = |name, doc| ParamInfo {
        name,
        kind: ParamKind::Bool,
        default: Some(Value::Bool(true)),
        unit: "",
        doc,
    };
    let choice = |name, of: &'static [&'static str], doc| ParamInfo {
        name,
        kind: ParamKind::Choice { of },
        default: Some(Value::Text(of[0].to_owned())),
        unit: "",
        doc,
    };
    vec![
        number(
            "solver.ic_min_val",
            ANY,
            (900.0, "ADC"),
            "Amplitudes of the ion chamber must be above this.",
        ),
        number(
            "solver.ic_max_val",
            ANY,
            (1350.0, "ADC"),
            "Amplitudes of the ion chamber must be below this.",
        ),
        flag("solver.fit_vertex_rho", "Fit the vertex's distance from the axis."),
        flag("solver.fit_vertex_phi", "Fit the direction in which the vertex is off the axis."),
        flag("solver.fit_azimuthal", "Fit the azimuthal angle."),
        choice("solver.fit_method", &["lbfgsb", "leastsq"], "How the best track is sought."),
        compat_param(),
    ]
}

/// Parameters of a step, in the kernel's units.
pub(super) fn params(job: &Job<'_>) -> Result<SolveParams, StepError> {
    let [micromegas, window] =
        ["micromegas", "window"].map(|end| job.float(&format!("detector.{end}_time_bucket")));
    if micromegas >= window {
        let (low, high) = ("detector.micromegas_time_bucket", "detector.window_time_bucket");
        return Err(SolveError::Order { low, from: micromegas, high, to: window }.into());
    }
    let length = job.float("detector.detector_length") * 0.001;
    Ok(SolveParams {
        detector_length: length,
        beam_region_radius: job.float("detector.beam_region_radius") * 0.001,
        time_bucket_length: length / (window - micromegas),
        fit_vertex_rho: job.flag("solver.fit_vertex_rho"),
        fit_vertex_phi: job.flag("solver.fit_vertex_phi"),
        fit_azimuthal: job.flag("solver.fit_azimuthal"),
        method: match job.text("solver.fit_method") {
            Some("leastsq") => FitMethod::LeastSquares,
            _ => FitMethod::Lbfgsb,
        },
        compat: compat(job),
    })
}

/// Least and largest amplitude of the ion chamber.
pub(super) fn ion_chamber_window(job: &Job<'_>) -> Result<[f64; 2], StepError> {
    let (low, high) = ("solver.ic_min_val", "solver.ic_max_val");
    let [from, to] = [low, high].map(|name| job.float(name));
    if from >= to {
        return Err(SolveError::Order { low, from, high, to }.into());
    }
    Ok([from, to])
}

/// What to say of a damaged node.
pub(super) fn damaged(job: &Job<'_>, node: DamagedNode) -> SolveError {
    let mesh = job.input("mesh").unwrap_or_default().to_owned();
    let [ke_mev, polar_degrees] =
        [node.ke_mev, node.polar_degrees].map(|number| (number * 1e6).round() * 1e-6);
    SolveError::DamagedMesh { mesh, ke_mev, polar_degrees }
}

/// Opens the mesh.
pub(super) fn mesh(job: &Job<'_>) -> Result<TrackMesh, StepError> {
    let [mesh, info] =
        ["mesh", "mesh_info"].map(|role| Path::new(job.input(role).expect("the mesh is required")));
    TrackMesh::open(mesh, info)
}

/// Joins mesh and parameters.
pub(super) fn solver<'m>(
    job: &Job<'_>,
    mesh: &'m TrackMesh,
    params: SolveParams,
) -> Result<Solver<'m>, StepError> {
    let particle = TrackParticle {
        charge_number: f64::from(mesh.particle().z),
        mass_mev: mesh.particle().nuclear_mass_mev(),
    };
    let times_s = mesh.info().attpc.as_ref().map(|origin| origin.times_s);
    let facts = MeshFacts { bfield: mesh.info().bfield, times_s };
    let path = job.input("mesh").unwrap_or_default().to_owned();
    Solver::new(mesh.grid(), particle, (params, facts))
        .ok_or_else(|| SolveError::FlatMesh { mesh: path }.into())
}
