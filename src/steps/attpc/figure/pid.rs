//! The kernel `attpc.figure.pid`: estimates and particle gates to a picture.

use std::path::Path;

use crate::data::parquet::read_table;
use crate::data::particle_id::read_particle_id;
use crate::kernels::attpc::figure::pid::{self, GateCount, PidSheet};
use crate::kernels::attpc::gate::Gate;
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::value::Value;
use crate::steps::attpc::figure::{PICTURE, write_picture};
use crate::steps::attpc::run_counts::{is_bare, runs_in};
use crate::steps::attpc::select::SelectError;
use crate::steps::attpc::window::{window, window_params};
use crate::steps::{Job, StepError, StepSummary};

/// Letters of a gate's name that are shown.
const LONGEST_NAME: usize = 40;

/// What `attpc.figure.pid` says of itself.
pub fn info() -> KernelInfo {
    let input = |role, required, doc| PortInfo {
        role,
        required,
        many: true,
        directory: false,
        named: false,
        doc,
    };
    let axis = |name, doc| ParamInfo {
        name,
        kind: ParamKind::Text,
        default: Some(Value::Null),
        unit: "",
        doc,
    };
    let mut params = vec![
        axis("x_axis", "column along x; absent: that of the first gate, or `dEdx`"),
        axis("y_axis", "column along y; absent: that of the first gate, or `brho`"),
        ParamInfo {
            name: "logarithmic",
            kind: ParamKind::Bool,
            default: Some(Value::Bool(false)),
            unit: "",
            doc: "logarithmic axes, which spread out what lies near zero",
        },
    ];
    params.extend(window_params());
    KernelInfo {
        name: "attpc.figure.pid",
        version: 1,
        summary: "Draws energy loss against magnetic rigidity with the particle gates.",
        inputs: vec![
            input("estimate", true, "Parquet in the Estimation layout, any number of runs"),
            input("pid", false, "JSON particle-ID files, whose gates are drawn and counted"),
        ],
        outputs: vec![PICTURE],
        params,
        item_names: &[],
    }
}

/// A gate with what its file says of it.
struct NamedGate {
    name: String,
    axes: [String; 2],
    vertices: Vec<[f64; 2]>,
    gate: Gate,
}

/// The estimates of all files along the two axes.
#[derive(Default)]
struct Estimates {
    points: Vec<[f64; 2]>,
    in_window: Vec<bool>,
    runs: Vec<i64>,
}

/// Draws the picture.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let mut summary = StepSummary::default();
    let gates = read_gates(job)?;
    let axis = |along: usize, name: &str, plain: &str| -> String {
        let of_gate = || gates.first().map(|gate| gate.axes[along].clone());
        job.text(name).map(str::to_owned).or_else(of_gate).unwrap_or_else(|| plain.to_owned())
    };
    let axes = [axis(0, "x_axis", "dEdx"), axis(1, "y_axis", "brho")];
    let window = window(job)?;
    let estimates = read_estimates(job, &axes, window)?;
    if estimates.points.is_empty() {
        summary.warnings.push("no file has estimates, the picture is empty".to_owned());
    }
    let (drawn, others): (Vec<_>, Vec<_>) = gates.iter().partition(|gate| gate.axes == axes);
    for gate in others {
        summary.warnings.push(format!(
            "gate `{}` has axes `{}` and `{}`, the picture has `{}` and `{}`: not drawn",
            gate.name, gate.axes[0], gate.axes[1], axes[0], axes[1]
        ));
    }
    let counts: Vec<GateCount> =
        drawn.into_iter().map(|gate| count(gate, &estimates, window.is_some())).collect();
    let sheet = PidSheet {
        columns: [&axes[0], &axes[1]],
        logarithmic: job.flag("logarithmic"),
        runs: &estimates.runs,
        points: &estimates.points,
        gates: &counts,
        window,
    };
    write_picture(job, &pid::draw(&sheet))?;
    Ok(summary)
}

fn count(gate: &NamedGate, estimates: &Estimates, windowed: bool) -> GateCount {
    let inside: Vec<bool> = estimates.points.iter().map(|p| gate.gate.contains(*p)).collect();
    let both = inside.iter().zip(&estimates.in_window).filter(|(inside, good)| **inside && **good);
    let selected = windowed.then(|| both.count());
    GateCount {
        name: gate.name.clone(),
        vertices: gate.vertices.clone(),
        inside: inside.iter().filter(|inside| **inside).count(),
        selected,
    }
}

fn read_gates(job: &Job<'_>) -> Result<Vec<NamedGate>, StepError> {
    let read = |path: &str| {
        let path = Path::new(path);
        let pid = read_particle_id(path)?;
        let gate = Gate::new(&pid.vertices)
            .map_err(|source| SelectError::Gate { path: path.to_owned(), source })?;
        let name = shortened(&pid.name);
        Ok(NamedGate { name, axes: pid.axes, vertices: pid.vertices, gate })
    };
    job.inputs("pid").into_iter().map(read).collect()
}

/// A name as a picture can show it.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn read_estimates(
    job: &Job<'_>,
    axes: &[String; 2],
    window: Option<[f64; 2]>,
) -> Result<Estimates, StepError> {
    let mut estimates = Estimates::default();
    let files = job.inputs("estimate");
    for (at, path) in files.iter().enumerate() {
        let table = read_table(Path::new(path))?;
        if is_bare(&table) {
            continue;
        }
        let [x, y] = [table.floats(&axes[0])?, table.floats(&axes[1])?];
        estimates.points.extend(x.iter().zip(y.iter()).map(|(x, y)| [*x, *y]));
        if let Some([from, to]) = window {
            let amplitudes = table.floats("ic_amplitude")?;
            estimates.in_window.extend(amplitudes.iter().map(|ic| from < *ic && *ic < to));
        }
        estimates.runs.extend(runs_in(&table)?);
        let counts = [("estimates".to_owned(), estimates.points.len() as f64)].into();
        let (done, total) = (at as u64 + 1, files.len() as u64);
        job.report(Progress { done, total, unit: "files".to_owned(), counts });
    }
    estimates.runs.sort_unstable();
    estimates.runs.dedup();
    Ok(estimates)
}
