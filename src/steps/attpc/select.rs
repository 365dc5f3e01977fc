//! The kernel `attpc.select`: the estimates of one kind of particle.

use std::path::{Path, PathBuf};

use crate::data::parquet::{Column, Table, read_table, write_table};
use crate::data::particle_id::{ParticleId, read_particle_id};
use crate::kernels::attpc::gate::{Gate, GateError};
use crate::kernels::attpc::particle::Particle;
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::text::{count, near_misses, one_of};
use crate::model::value::Value;
use crate::steps::{Job, StepError, StepSummary};

/// The column that tells a good beam particle.
const ION_CHAMBER: &str = "ic_amplitude";
/// Columns of an estimation table, and whether they hold integers: what is written where no input
/// has any column, because Spyral's table of a run without estimates has none.
const EMPTY: [(&str, bool); 23] = [
    ("event", true),
    ("cluster_index", true),
    ("cluster_label", true),
    ("orig_run", true),
    ("orig_event", true),
    ("ic_amplitude", false),
    ("ic_centroid", false),
    ("ic_integral", false),
    ("ic_multiplicity", false),
    ("vertex_x", false),
    ("vertex_y", false),
    ("vertex_z", false),
    ("center_x", false),
    ("center_y", false),
    ("center_z", false),
    ("polar", false),
    ("azimuthal", false),
    ("brho", false),
    ("dEdx", false),
    ("sqrt_dEdx", false),
    ("dE", false),
    ("arclength", false),
    ("direction", true),
];

/// Inputs that do not fit each other.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    #[error("no gate can be made of `{}`", path.display())]
    Gate { path: PathBuf, source: GateError },
    #[error("no column `{column}` in the estimates: `{}`", path.display())]
    Column { path: PathBuf, column: String, near: Vec<String> },
    #[error("`ic_min_val` is `{min}`, must be below `ic_max_val`, which is `{max}`")]
    Window { min: f64, max: f64 },
    #[error("gate is of Z = {z}, A = {a}, expected `{wanted}`: `{}`", path.display())]
    OtherParticle { path: PathBuf, wanted: String, z: u32, a: u32 },
    #[error("estimates differ in their columns: `{}` and `{}`", first.display(), other.display())]
    Columns { first: PathBuf, other: PathBuf },
    #[error(
        "`{column}` has no value in {missing} of {rows} rows, expected an integer in each: `{}`",
        path.display()
    )]
    Incomplete { path: PathBuf, column: String, missing: usize, rows: usize },
}

impl SelectError {
    /// What to write or do instead, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            SelectError::Gate { source: GateError::Open { first: [x, y], .. }, .. } => {
                Some(format!("end `vertices` with its first vertex: add `[{x}, {y}]`"))
            }
            SelectError::Column { near, .. } if !near.is_empty() => {
                Some(format!("did you mean {}?", one_of(near)))
            }
            SelectError::OtherParticle { .. } => {
                Some("name the particle after its isotope, or take its own gate".to_owned())
            }
            SelectError::Column { .. } => {
                Some("`xaxis` and `yaxis` of the particle-ID file name columns".to_owned())
            }
            _ => None,
        }
    }
}

/// What the kernel says of itself.
pub fn info() -> KernelInfo {
    let port = |role, many, doc| PortInfo {
        role,
        required: true,
        many,
        directory: false,
        named: false,
        doc,
    };
    let bound = |name, default, doc| ParamInfo {
        name,
        kind: ParamKind::Float { min: f64::NEG_INFINITY, max: f64::INFINITY },
        default: Some(Value::Float(default)),
        unit: "ADC",
        doc,
    };
    KernelInfo {
        name: "attpc.select",
        version: 1,
        summary: "Selects the estimates inside of a particle gate with a good beam particle.",
        inputs: vec![
            port("estimate", true, "Estimation tables, Parquet, of attpc.estimate or of Spyral."),
            port(
                "pid",
                false,
                "Particle ID, JSON: `name`, `Z`, `A`, `vertices`, `xaxis`, `yaxis`.",
            ),
        ],
        outputs: vec![port("selection", false, "Parquet: the rows that pass, same columns.")],
        params: vec![
            bound("ic_min_val", 900.0, "Ion chamber amplitudes must be above this."),
            bound("ic_max_val", 1350.0, "Ion chamber amplitudes must be below this."),
            ParamInfo {
                name: "particle",
                kind: ParamKind::Text,
                default: Some(Value::Null),
                unit: "",
                doc: "Isotope that the gate must be of, such as `2H`; any when absent.",
            },
        ],
        item_names: &[],
    }
}

/// Runs the step.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let pid_path = Path::new(job.input("pid").expect("the port is required"));
    let pid = read_particle_id(pid_path)?;
    check_particle(job, pid_path, &pid)?;
    let gate = Gate::new(&pid.vertices)
        .map_err(|source| SelectError::Gate { path: pid_path.to_owned(), source })?;
    let window = [job.float("ic_min_val"), job.float("ic_max_val")];
    if window[0] >= window[1] {
        return Err(SelectError::Window { min: window[0], max: window[1] }.into());
    }
    let mut selection = Selection::default();
    if let Some([one, other]) = gate.crossing() {
        let edges = format!("edges {} and {} of the polygon", one + 1, other + 1);
        selection.warnings.push(format!("{edges} cross, so parts of it count as outside"));
    }
    for path in job.inputs("estimate") {
        let table = read_table(Path::new(path))?;
        let rows = choose(&table, &Cut { pid: &pid, gate: &gate, window }, &mut selection.counts)?;
        selection.append(&table, &rows)?;
        job.report(selection.counts.progress());
    }
    let output = Path::new(job.output("selection").expect("the port is required"));
    write_table(output, &selection.columns())?;
    Ok(selection.summary(&pid))
}

/// A gate of another particle than the one that tracks will be fitted with would give wrong
/// energies without a word.
fn check_particle(job: &Job<'_>, path: &Path, pid: &ParticleId) -> Result<(), StepError> {
    let Some(name) = job.text("particle") else { return Ok(()) };
    let wanted =
        Particle::named(name).map_err(|source| StepError::Particle { name: "particle", source })?;
    if (u64::from(wanted.z), u64::from(wanted.a)) != (u64::from(pid.z), u64::from(pid.a)) {
        let (path, wanted) = (path.to_owned(), wanted.to_string());
        return Err(SelectError::OtherParticle { path, wanted, z: pid.z, a: pid.a }.into());
    }
    Ok(())
}

/// What a row has to pass.
struct Cut<'c> {
    pid: &'c ParticleId,
    gate: &'c Gate,
    /// Ion chamber amplitudes between which a row passes.
    window: [f64; 2],
}

/// What became of rows.
#[derive(Default)]
struct Counts {
    selected: u64,
    outside_gate: u64,
    outside_window: u64,
    undefined: u64,
}

impl Counts {
    fn total(&self) -> u64 {
        self.selected + self.outside_gate + self.outside_window + self.undefined
    }

    fn progress(&self) -> Progress {
        let counts = [
            ("selected", self.selected),
            ("outside_gate", self.outside_gate),
            ("outside_ion_chamber", self.outside_window),
            ("undefined", self.undefined),
        ];
        Progress {
            done: self.total(),
            total: self.total(),
            unit: "estimates".to_owned(),
            counts: counts.map(|(name, count)| (name.to_owned(), count as f64)).into(),
        }
    }
}

/// The rows that pass, in order.
fn choose(table: &Table, cut: &Cut<'_>, counts: &mut Counts) -> Result<Vec<usize>, StepError> {
    if table.rows() == 0 {
        return Ok(Vec::new());
    }
    for name in cut.pid.axes.iter().map(String::as_str).chain([ION_CHAMBER]) {
        if !table.has(name) && !table.others().iter().any(|(other, _)| other == name) {
            let known = table.columns().iter().map(|(known, _)| known.as_str());
            let near = near_misses(name, known).into_iter().map(str::to_owned).collect();
            let (path, column) = (table.path().to_owned(), name.to_owned());
            return Err(SelectError::Column { path, column, near }.into());
        }
    }
    let [x, y] = [table.floats(&cut.pid.axes[0])?, table.floats(&cut.pid.axes[1])?];
    let amplitudes = table.floats(ION_CHAMBER)?;
    let mut rows = Vec::new();
    for (row, amplitude) in amplitudes.iter().enumerate() {
        let point = [x[row], y[row]];
        if amplitude.is_nan() || point[0].is_nan() || point[1].is_nan() {
            counts.undefined += 1;
        } else if *amplitude <= cut.window[0] || *amplitude >= cut.window[1] {
            counts.outside_window += 1;
        } else if !cut.gate.contains(point) {
            counts.outside_gate += 1;
        } else {
            counts.selected += 1;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The rows that passed so far.
#[derive(Default)]
struct Selection {
    /// The first table with columns, which the others have to match.
    first: PathBuf,
    columns: Vec<(String, Column)>,
    /// Columns that are no numbers and so are left out.
    left_out: Vec<String>,
    counts: Counts,
    warnings: Vec<String>,
}

impl Selection {
    fn append(&mut self, table: &Table, rows: &[usize]) -> Result<(), SelectError> {
        if table.columns().is_empty() && table.rows() == 0 {
            return Ok(());
        }
        // Such a column would be written as one of floats.
        if let Some((column, missing)) = table.incomplete().first() {
            let (path, column) = (table.path().to_owned(), column.clone());
            let (missing, rows) = (*missing, table.rows());
            return Err(SelectError::Incomplete { path, column, missing, rows });
        }
        let picked = table.pick(rows);
        if self.columns.is_empty() {
            self.first = table.path().to_owned();
            self.columns =
                picked.into_iter().map(|(name, column)| (name.to_owned(), column)).collect();
            self.left_out = table.others().iter().map(|(name, _)| name.clone()).collect();
            return Ok(());
        }
        let same = self.columns.len() == picked.len()
            && self
                .columns
                .iter_mut()
                .zip(&picked)
                .all(|((name, column), (other, more))| name == other && extend(column, more));
        let (first, other) = (self.first.clone(), table.path().to_owned());
        if same { Ok(()) } else { Err(SelectError::Columns { first, other }) }
    }

    fn columns(&self) -> Vec<(&str, Column)> {
        if self.columns.is_empty() {
            let empty = |(name, is_integer): (&'static str, bool)| {
                let integers = Column::I64(Vec::new());
                (name, if is_integer { integers } else { Column::F64(Vec::new()) })
            };
            return EMPTY.map(empty).to_vec();
        }
        self.columns.iter().map(|(name, column)| (name.as_str(), column.clone())).collect()
    }

    fn summary(self, pid: &ParticleId) -> StepSummary {
        let mut warnings = self.warnings;
        if self.counts.undefined > 0 {
            let rows = count(self.counts.undefined as usize, "estimate");
            let [x, y] = &pid.axes;
            warnings.push(format!("{rows} left out, `{x}`, `{y}` or `{ION_CHAMBER}` is NaN"));
        }
        if !self.left_out.is_empty() {
            let names = self.left_out.join("`, `");
            warnings.push(format!("columns that are no numbers are left out: `{names}`"));
        }
        if self.counts.selected == 0 {
            let Counts { outside_gate, outside_window, .. } = self.counts;
            warnings.push(format!(
                "no estimate of {} passes for `{}`: {outside_window} outside of the ion chamber \
                 window, {outside_gate} outside of the gate",
                self.counts.total(),
                pid.name
            ));
        }
        StepSummary { warnings }
    }
}

/// Appends a column's values to one of the same type; false where the types differ.
fn extend(column: &mut Column, more: &Column) -> bool {
    match (column, more) {
        (Column::I64(values), Column::I64(more)) => values.extend(more),
        (Column::F64(values), Column::F64(more)) => values.extend(more),
        (Column::U32(values), Column::U32(more)) => values.extend(more),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
