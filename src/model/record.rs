//! What is remembered of a finished action.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::stamp::Stamp;

/// The group a key component belongs to. Ordinals are part of the key's encoding and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ComponentKind {
    Command = 1,
    Kernel = 2,
    Item = 3,
    Param = 4,
    Env = 5,
    Container = 6,
    Input = 7,
    Output = 8,
}

/// One readable line of what made up a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Component {
    pub kind: ComponentKind,
    /// Parameter name, input name, variable name; empty where the kind says it all.
    pub name: String,
    /// The value as text: JSON for parameters, hexadecimal for digests.
    pub value: String,
}

/// An artifact with the content it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Project-relative or absolute path.
    pub path: String,
    pub digest: Digest,
    pub stamp: Stamp,
}

/// A finished action: its key, what made up the key, what it made and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub key: Digest,
    /// `rule` or `rule@item`, for people; renaming a rule changes nothing else.
    pub label: String,
    pub components: Vec<Component>,
    /// Inputs the command reported itself.
    pub discovered: Vec<Seen>,
    pub outputs: Vec<Seen>,
    pub cost: Cost,
}

/// What an attempt took and where it ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Milliseconds since the Unix epoch.
    pub started_ms: u64,
    pub wall_ms: u64,
    /// Processor time of the process and its waited-for children.
    pub cpu_ms: u64,
    /// Largest resident set of a single process, in bytes; zero when unknown.
    pub peak_memory: u64,
    pub host: String,
    pub executor: String,
    /// Number of the attempt within the project, which names its log.
    pub attempt: u64,
}
