//! A step that is ready to run: checked parameters, paths by role, threads and reports.

use std::path::PathBuf;

use crate::data::error::DataError;
use crate::kernels::attpc::particle::ParticleError;
use crate::kernels::gpu::{Device, GpuError};
use crate::model::resources::QuantityError;
use crate::model::schema::ParamError;
use crate::model::step::{DeviceChoice, KernelInfo, PortInfo, Progress, StepSpec};
use crate::model::text::{near_misses, one_of};
use crate::model::value::Value;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::cluster::ClusterError;
use crate::steps::attpc::drift_map::DriftMapError;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::estimate::EstimateError;
use crate::steps::attpc::mesh::MeshError;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::pointcloud::PointcloudError;
use crate::steps::attpc::select::SelectError;
#[cfg(feature = "hdf5")]
use crate::steps::attpc::solve::SolveError;
use crate::steps::attpc::stopping_power::StoppingError;

/// Why a step did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("no kernel named `{kernel}`")]
    UnknownKernel { kernel: String, near: Vec<&'static str> },
    #[error("kernel `{kernel}` needs a program built with feature `{feature}`")]
    MissingFeature { kernel: String, feature: &'static str },
    #[error(transparent)]
    Params(#[from] ParamError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[cfg(feature = "hdf5")]
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[cfg(feature = "hdf5")]
    #[error(transparent)]
    Estimate(#[from] EstimateError),
    #[cfg(feature = "hdf5")]
    #[error(transparent)]
    Pointcloud(#[from] PointcloudError),
    #[cfg(feature = "hdf5")]
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    DriftMap(#[from] DriftMapError),
    #[error(transparent)]
    Select(#[from] SelectError),
    #[error(transparent)]
    Stopping(#[from] StoppingError),
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error("`{kernel}` needs {direction} `{role}`")]
    MissingPort { kernel: &'static str, direction: Direction, role: &'static str },
    #[error("`{kernel}` has no {direction} `{role}`")]
    UnknownPort {
        kernel: &'static str,
        direction: Direction,
        role: String,
        near: Vec<&'static str>,
    },
    #[error("`{kernel}` takes one {direction} `{role}`, found {found}")]
    TooManyFiles { kernel: &'static str, direction: Direction, role: &'static str, found: usize },
    #[error("`{given}` needs `{missing}` beside it")]
    HalfWindow { given: &'static str, missing: &'static str },
    #[error("`{name}` is `{value}`, must be {expected}")]
    BadList { name: &'static str, value: String, expected: &'static str },
    #[error("`{name}` names no isotope")]
    Particle { name: &'static str, source: ParticleError },
    #[error("charge and mass numbers of the reaction leave Z = {z} and A = {a}")]
    Residual { z: i64, a: i64, source: ParticleError },
    #[error("no run number in file name, expected `run_NNNN`: `{}`", path.display())]
    NoRunInName { path: PathBuf },
    #[error("`event` is `{value}`, must be a number or \"auto\"")]
    BadEvent { value: String },
    #[error(
        "harmonizing needs one of `size`, `events_per_file` and `files`, found {}",
        listed(given)
    )]
    HarmonizeCut { given: Vec<&'static str> },
    #[error("`balance` goes with `files`, found `{given}`")]
    HarmonizeBalance { given: &'static str },
    #[error("harmonizing needs one of the outputs `harmonized` and `file`, found {found}")]
    HarmonizeOutput { found: &'static str },
    #[error(
        "event `{event}` of run `{run}` is in two inputs: `{}` and `{}`",
        first.display(),
        second.display()
    )]
    HarmonizeTwice { run: i64, event: i64, first: PathBuf, second: PathBuf },
    #[error("`files` is {files}, but there are {outputs} outputs `file`")]
    HarmonizeFiles { files: usize, outputs: usize },
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    #[error("`{kernel}` has no version for a GPU with these parameters")]
    NoGpuVersion { kernel: &'static str },
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error("cannot start {cores} threads")]
    Threads { cores: u32, source: rayon::ThreadPoolBuildError },
}

impl StepError {
    /// What to write or do instead, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            StepError::UnknownKernel { near, .. } | StepError::UnknownPort { near, .. }
                if !near.is_empty() =>
            {
                Some(format!("did you mean {}?", one_of(near)))
            }
            StepError::UnknownKernel { .. } => {
                Some("`attpc kernel list` names all kernels".to_owned())
            }
            StepError::MissingFeature { feature, .. } => {
                Some(format!("build with `cargo build --release --features {feature}`"))
            }
            StepError::Params(error) => error.hint(),
            #[cfg(feature = "hdf5")]
            StepError::Solve(error) => error.hint(),
            StepError::Stopping(error) => error.hint(),
            StepError::Mesh(error) => error.hint(),
            StepError::MissingPort { kernel, .. }
            | StepError::UnknownPort { kernel, .. }
            | StepError::TooManyFiles { kernel, .. } => {
                Some(format!("`attpc kernel describe {kernel}` lists its inputs and outputs"))
            }
            StepError::DriftMap(error) => error.hint(),
            StepError::Select(error) => error.hint(),
            StepError::NoGpuVersion { .. } => {
                Some("`--device auto` uses a GPU where a step can".to_owned())
            }
            StepError::Gpu(error) => Some(error.hint().to_owned()),
            StepError::Quantity(error) => Some(error.hint().to_owned()),
            StepError::HarmonizeCut { .. }
            | StepError::HarmonizeBalance { .. }
            | StepError::HarmonizeOutput { .. } => {
                Some("`attpc kernel describe attpc.harmonize` lists its parameters".to_owned())
            }
            StepError::HarmonizeTwice { .. } => Some("give each run once".to_owned()),
            StepError::HarmonizeFiles { .. } => {
                Some("leave `files` away: the outputs say how many there are".to_owned())
            }
            _ => None,
        }
    }
}

/// Names in backticks with commas between, or `none`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        _ => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Which side of a kernel a port is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Direction::Input => "input",
            Direction::Output => "output",
        })
    }
}

/// What a finished step has to say beside its outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepSummary {
    /// Partial trouble in words, one line each and never one per event; the program prints them
    /// as `warning: …` lines on standard error.
    pub warnings: Vec<String>,
}

/// A checked step as its kernel's file sees it.
pub struct Job<'s> {
    spec: &'s StepSpec,
    /// Names of the first ports, to which unnamed paths belong.
    first: [&'static str; 2],
    /// Complete parameters: every name of the kernel's table has a value.
    params: Value,
    device: DeviceChoice,
    progress: &'s dyn Fn(Progress),
}

impl<'s> Job<'s> {
    /// Checks parameters and ports of a step against its kernel.
    pub fn prepare(
        info: &KernelInfo,
        spec: &'s StepSpec,
        progress: &'s dyn Fn(Progress),
    ) -> Result<Job<'s>, StepError> {
        let params = info.complete(&spec.params)?;
        check_ports(info, Direction::Input, &spec.inputs)?;
        check_ports(info, Direction::Output, &spec.outputs)?;
        let first = [&info.inputs, &info.outputs].map(|ports| ports.first().map_or("", |p| p.role));
        Ok(Job { spec, first, params, device: DeviceChoice::Cpu, progress })
    }

    /// The same step, told where to compute.
    pub(super) fn on(self, device: DeviceChoice) -> Job<'s> {
        Job { device, ..self }
    }

    /// The GPU to compute on; `None` for the processor.
    pub fn gpu(&self) -> Result<Option<Device>, GpuError> {
        match self.device {
            DeviceChoice::Cpu => Ok(None),
            DeviceChoice::Cuda => Device::open().map(Some),
            DeviceChoice::Auto => Ok(Device::open().ok()),
        }
    }

    /// Paths of an input role, in the order of the step document.
    pub fn inputs(&self, role: &str) -> Vec<&'s str> {
        paths(&self.spec.inputs, role, self.first[0])
    }

    /// The path of an input role that takes one file.
    pub fn input(&self, role: &str) -> Option<&'s str> {
        self.inputs(role).first().copied()
    }

    /// The path of an output role.
    pub fn output(&self, role: &str) -> Option<&'s str> {
        self.outputs(role).first().copied()
    }

    /// Paths of an output role, in the order of the step document.
    pub fn outputs(&self, role: &str) -> Vec<&'s str> {
        paths(&self.spec.outputs, role, self.first[1])
    }

    /// The path of a file parameter: the input that carries its content, or the path as written
    /// where a step document names no such input. `None` when the parameter is absent.
    pub fn file(&self, name: &str) -> Option<&str> {
        let role = format!("params.{name}");
        let carried = self.spec.inputs.iter().find(|(r, _)| *r == role);
        match (carried, self.params.at(name)) {
            (Some((_, path)), _) => Some(path),
            (None, Some(Value::Text(path))) => Some(path),
            _ => None,
        }
    }

    /// A number parameter of the kernel's table.
    pub fn float(&self, name: &str) -> f64 {
        match self.params.at(name) {
            Some(Value::Float(number)) => *number,
            Some(Value::Int(number)) => *number as f64,
            other => unreachable!("`{name}` was checked to be a number, is {other:?}"),
        }
    }

    /// An integer parameter of the kernel's table.
    pub fn int(&self, name: &str) -> i64 {
        match self.params.at(name) {
            Some(Value::Int(number)) => *number,
            other => unreachable!("`{name}` was checked to be an integer, is {other:?}"),
        }
    }

    /// A text or choice parameter of the kernel's table; `None` when it is absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.params.at(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Null) => None,
            other => unreachable!("`{name}` was checked to be a text, is {other:?}"),
        }
    }

    /// A yes-or-no parameter of the kernel's table.
    pub fn flag(&self, name: &str) -> bool {
        match self.params.at(name) {
            Some(Value::Bool(flag)) => *flag,
            other => unreachable!("`{name}` was checked to be a boolean, is {other:?}"),
        }
    }

    /// A value of any kind, for parameters that the kernel checks itself.
    pub fn value(&self, name: &str) -> &Value {
        self.params.at(name).expect("complete parameters hold every name of the table")
    }

    /// A value of the item for which the step runs.
    pub fn item(&self, name: &str) -> Option<&'s Value> {
        self.spec.item.get(name)
    }

    /// Tells how far the step is.
    pub fn report(&self, progress: Progress) {
        (self.progress)(progress);
    }

    /// A pool of exactly the threads that the step may use.
    pub fn pool(&self) -> Result<rayon::ThreadPool, StepError> {
        let cores = self.spec.cores.max(1);
        rayon::ThreadPoolBuilder::new()
            .num_threads(cores as usize)
            .build()
            .map_err(|source| StepError::Threads { cores, source })
    }
}

fn paths<'s>(ports: &'s [(String, String)], role: &str, first: &str) -> Vec<&'s str> {
    let wanted = |r: &str| r == role || (r.is_empty() && role == first);
    ports.iter().filter(|(r, _)| wanted(r)).map(|(_, path)| path.as_str()).collect()
}

fn check_ports(
    info: &KernelInfo,
    direction: Direction,
    given: &[(String, String)],
) -> Result<(), StepError> {
    let kernel = info.name;
    let ports: &[PortInfo] = match direction {
        Direction::Input => &info.inputs,
        Direction::Output => &info.outputs,
    };
    for (role, _) in given {
        let of_param = direction == Direction::Input
            && role.strip_prefix("params.").is_some_and(|name| info.param(name).is_some());
        let known = (role.is_empty() && !ports.is_empty()) || ports.iter().any(|p| p.role == role);
        if !of_param && !known {
            let near = near_misses(role, ports.iter().map(|port| port.role));
            return Err(StepError::UnknownPort { kernel, direction, role: role.clone(), near });
        }
    }
    let first = ports.first().map_or("", |port| port.role);
    for port in ports {
        let found = paths(given, port.role, first).len();
        let role = port.role;
        if found == 0 && port.required {
            return Err(StepError::MissingPort { kernel, direction, role });
        }
        if found > 1 && !port.many {
            return Err(StepError::TooManyFiles { kernel, direction, role, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::step::{ParamInfo, ParamKind};

    fn info() -> KernelInfo {
        let port = |role, required, many| PortInfo {
            role,
            required,
            many,
            directory: false,
            named: false,
            doc: "",
        };
        let table = ParamInfo {
            name: "pad.table",
            kind: ParamKind::File,
            default: Some(Value::Null),
            unit: "",
            doc: "",
        };
        KernelInfo {
            name: "test.kernel",
            version: 1,
            summary: "",
            inputs: vec![port("raw", true, false), port("extra", false, true)],
            outputs: vec![port("cloud", true, false)],
            params: vec![table],
            item_names: &[],
        }
    }

    fn spec(inputs: &[(&str, &str)], outputs: &[(&str, &str)]) -> StepSpec {
        let owned = |ports: &[(&str, &str)]| {
            ports.iter().map(|(r, p)| ((*r).to_owned(), (*p).to_owned())).collect()
        };
        StepSpec {
            kernel: "test.kernel".to_owned(),
            params: Value::Map(BTreeMap::new()),
            item: BTreeMap::new(),
            inputs: owned(inputs),
            outputs: owned(outputs),
            cores: 1,
            progress: None,
        }
    }

    fn refused(inputs: &[(&str, &str)], outputs: &[(&str, &str)]) -> String {
        let spec = spec(inputs, outputs);
        let error = Job::prepare(&info(), &spec, &|_| ()).err().expect("the step is refused");
        error.to_string()
    }

    #[test]
    fn unnamed_paths_belong_to_the_first_port() {
        let spec = spec(&[("", "a.h5"), ("params.pad.table", "pads.csv")], &[("cloud", "b.h5")]);
        let job = Job::prepare(&info(), &spec, &|_| ()).unwrap();
        assert_eq!(job.input("raw"), Some("a.h5"));
        assert_eq!(job.inputs("extra"), Vec::<&str>::new());
        assert_eq!(job.output("cloud"), Some("b.h5"));
        assert_eq!(job.file("pad.table"), Some("pads.csv"));
    }

    #[test]
    fn ports_that_do_not_fit_are_refused() {
        let out = [("", "b.h5")];
        assert_eq!(refused(&[], &out), "`test.kernel` needs input `raw`");
        assert_eq!(
            refused(&[("", "a"), ("raw", "b")], &out),
            "`test.kernel` takes one input `raw`, found 2"
        );
        assert_eq!(
            refused(&[("", "a"), ("etxra", "b")], &out),
            "`test.kernel` has no input `etxra`"
        );
        assert_eq!(refused(&[("", "a")], &[]), "`test.kernel` needs output `cloud`");
    }

    #[test]
    fn an_unknown_kernel_is_refused_with_a_hint() {
        let spec = StepSpec { kernel: "attpc.nothing".to_owned(), ..spec(&[], &[]) };
        let error = crate::steps::run(&spec, &|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "no kernel named `attpc.nothing`");
        assert!(error.hint().unwrap().contains("attpc kernel list"));
    }
}
