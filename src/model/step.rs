//! The document that carries a native step from the engine to a child of the same binary, and the
//! description each kernel gives of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::value::Value;

/// What `attpc kernel run` is handed: a kernel, its parameters and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    pub kernel: String,
    /// Always a map; complete only after the kernel filled in its defaults.
    pub params: Value,
    /// Values of the item that the kernel asks for (see [`KernelInfo::item_names`]).
    pub item: BTreeMap<String, Value>,
    /// Paths by role, in order; role `""` is the kernel's primary input.
    pub inputs: Vec<(String, String)>,
    /// Paths by role, in order; role `""` is the kernel's primary output.
    pub outputs: Vec<(String, String)>,
    /// Threads the kernel may use.
    pub cores: u32,
    /// File to which progress lines are appended; `None` for no reports.
    pub progress: Option<String>,
}

impl StepSpec {
    /// All input paths of a role.
    pub fn inputs_of<'s>(&'s self, role: &'s str) -> impl Iterator<Item = &'s str> {
        self.inputs.iter().filter(move |(r, _)| r == role).map(|(_, path)| path.as_str())
    }

    /// The output path of a role, where the step declares it.
    pub fn output_of(&self, role: &str) -> Option<&str> {
        self.outputs.iter().find(|(r, _)| r == role).map(|(_, path)| path.as_str())
    }
}

/// Where a step may compute. Results agree within the tolerance of the kernel's page, so this is no
/// part of any key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// On the processor, which defines the result.
    #[default]
    Cpu,
    /// On a GPU; without one the step fails.
    Cuda,
    /// On a GPU where there is one and the kernel has a version for it.
    Auto,
}

impl DeviceChoice {
    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            DeviceChoice::Cpu => "cpu",
            DeviceChoice::Cuda => "cuda",
            DeviceChoice::Auto => "auto",
        }
    }
}

/// One line of a progress file: what a running step has done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    /// Plural noun of what is counted, such as `events`.
    pub unit: String,
    /// Other counts that matter, such as `points` or `hits`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, f64>,
}

/// The role of an input that the engine supplies to kernels that have it: a JSON list of
/// [`RuleCost`], for everything that the action depends on. It is no part of the key, because times
/// are not what a result depends on.
pub const COSTS_ROLE: &str = "costs";

/// The role of an input that the engine supplies to kernels that have it when inputs could not be
/// made and the action goes on without them: a JSON list of their paths. They are part of the key of
/// such kernels, because what is told of them is part of the result.
pub const ABSENT_ROLE: &str = "absent";

/// What the actions of a rule cost when they ran last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleCost {
    pub rule: String,
    /// Actions that ran at some time; others have no cost to tell.
    pub actions: u64,
    /// Sums over the actions, milliseconds.
    pub wall_ms: u64,
    pub cpu_ms: u64,
    /// Largest resident set of one process, bytes; zero when unknown.
    pub peak_memory: u64,
}

/// What a kernel says of itself: enough to check a rule before anything runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelInfo {
    /// `technique.verb`, such as `attpc.pointcloud`.
    pub name: &'static str,
    /// Part of every key; goes up when results change.
    pub version: u32,
    /// One sentence.
    pub summary: &'static str,
    pub inputs: Vec<PortInfo>,
    pub outputs: Vec<PortInfo>,
    pub params: Vec<ParamInfo>,
    /// Item values that influence the result and therefore enter the key, such as `run`.
    pub item_names: &'static [&'static str],
}

/// An input or output of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortInfo {
    /// Role in a rule's map; the first port also answers to unnamed paths.
    pub role: &'static str,
    pub required: bool,
    /// True when the role takes any number of files.
    pub many: bool,
    pub directory: bool,
    /// True when the file's own name tells something, such as the run, that the result depends on:
    /// it is part of the key then.
    pub named: bool,
    /// What is in it: format, layout, units.
    pub doc: &'static str,
}

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParamInfo {
    /// Dotted name, such as `get.peak_threshold`.
    pub name: &'static str,
    pub kind: ParamKind,
    /// `None` when the parameter must be given; [`Value::Null`] when it may be absent.
    pub default: Option<Value>,
    /// Unit such as `mm` or `ADC`; empty for pure numbers.
    pub unit: &'static str,
    pub doc: &'static str,
}

/// The type and range of a kernel parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamKind {
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    /// Integers are accepted and converted.
    Float {
        min: f64,
        max: f64,
    },
    Text,
    /// One of a closed list of texts.
    Choice {
        of: &'static [&'static str],
    },
    /// A path: the file's content, not its name, is what counts; it becomes an input of the
    /// action under the role `params.NAME`.
    File,
    /// Any value; the kernel checks it itself.
    Any,
}
