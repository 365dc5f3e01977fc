//! What a recipe says, before it is known which files exist: rules, items, templates.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::resources::Resources;
use crate::model::span::Span;
use crate::model::template::Template;
use crate::model::value::Value;

/// Everything one evaluation of a recipe declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declarations {
    pub rules: Vec<RuleDecl>,
    /// What `attpc build` builds when nothing is named; empty means every rule.
    pub default_targets: Vec<Named>,
}

/// A name somebody wrote, with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub span: Span,
}

/// A value that is the same for all items of a rule, or was computed for each by a closure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PerItem<T> {
    Same(T),
    /// As many as the rule's items, in their order.
    Each(Vec<T>),
}

impl<T> PerItem<T> {
    /// The value for the item at `index`.
    pub fn at(&self, index: usize) -> &T {
        match self {
            PerItem::Same(value) => value,
            PerItem::Each(values) => &values[index],
        }
    }

    /// All distinct places where a value is held.
    pub fn values(&self) -> &[T] {
        match self {
            PerItem::Same(value) => std::slice::from_ref(value),
            PerItem::Each(values) => values,
        }
    }
}

/// A table of items: what `scan`, `sweep` and their products give.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Items {
    /// Names that placeholders can use.
    pub columns: Vec<String>,
    /// One row for each item, as long as `columns`. Values are texts, numbers or booleans.
    pub rows: Vec<Vec<Value>>,
}

/// A rule as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleDecl {
    pub name: String,
    /// Where `rule(` stands.
    pub span: Span,
    /// Where each key of the rule's map stands, for those whose place is known.
    pub key_spans: BTreeMap<String, Span>,
    /// `None` when the rule has no `over`: it is one action.
    pub over: Option<Items>,
    pub inputs: PerItem<Vec<Port>>,
    pub outputs: PerItem<Vec<Port>>,
    pub command: Command,
    pub params: PerItem<Params>,
    pub env: Vec<EnvVar>,
    pub resources: PerItem<Resources>,
    /// Executor by name; `None` leaves it to profile and flags.
    pub on: Option<String>,
    pub tags: Vec<String>,
    /// How often a failed action is tried again.
    pub retries: u32,
    /// Wall time after which an action is ended, besides `resources.time`.
    pub timeout: Option<Duration>,
    /// Makefile-style list of files that the command read, written by the command itself.
    pub depfile: Option<Template>,
    /// True when an action goes on with the inputs that could be made where others could not.
    pub partial: bool,
    /// False keeps large outputs out of the content store.
    pub cache: bool,
    /// Container image in which the command runs.
    pub container: Option<String>,
}

impl RuleDecl {
    /// The place of a key, or of the rule where the key's place is not known.
    pub fn span_of(&self, key: &str) -> &Span {
        self.key_spans.get(key).unwrap_or(&self.span)
    }
}

/// One declared input or output pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Port {
    /// The name in a map of named inputs; empty for unnamed ones. Several ports may share a role.
    pub role: String,
    /// Path relative to the project directory, `/`-separated, or absolute; without trailing slash.
    pub path: Template,
    /// True when the artifact is a directory (written with a trailing slash).
    pub directory: bool,
}

/// How an action is carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// A native kernel by name, such as `attpc.pointcloud`.
    Kernel(String),
    /// A program and its words; no shell takes part.
    Argv(Vec<Template>),
    /// A text for `/bin/sh`; filled values are quoted.
    Shell(Template),
    /// A script of the project and its words; its content is an input.
    Script { path: String, args: Vec<Template> },
}

/// Parameters of a rule: a tree of values and where each was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// Always a [`Value::Map`].
    pub values: Value,
    /// Place of each leaf by dotted name, for leaves that come from a file or the command line.
    pub origins: BTreeMap<String, Span>,
}

impl Default for Params {
    fn default() -> Self {
        Params { values: Value::Map(BTreeMap::new()), origins: BTreeMap::new() }
    }
}

/// An environment variable of a rule's commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EnvVar {
    /// Passed through from the caller; `value` is what it was, `None` when unset.
    Passed { name: String, value: Option<String> },
    /// Set to a text, which may hold placeholders.
    Set { name: String, value: Template },
}

/// The keys a rule's map may have, for messages and completion.
pub const RULE_KEYS: [&str; 19] = [
    "over",
    "input",
    "output",
    "kernel",
    "argv",
    "shell",
    "script",
    "params",
    "env",
    "resources",
    "on",
    "tags",
    "retries",
    "timeout",
    "depfile",
    "partial",
    "cache",
    "container",
    "args",
];
