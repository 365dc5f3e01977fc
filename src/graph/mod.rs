//! Room card
//! - job: Turns declarations into a checked graph of actions and artifacts: expansion, edges, cycles.
//! - takes: `Declarations` and a `Sources` to ask which files exist
//! - gives: `Graph`, or diagnostics that point into the recipe
//! - imports: model
//! - touches: nothing
//! - never: runs a script, hashes a content, knows what is stale
//!
//! Rules over patterns are expanded natively: a template is compiled once for each rule and filled
//! for each item, and an aggregating input is matched once against all outputs, not once for each
//! action. So the cost is linear in actions plus edges.

mod aggregate;
mod build;
mod command_words;
mod compiled;
mod order;
mod paths;
mod targets;

use serde::{Deserialize, Serialize};

use crate::model::declare::{Named, Port, RuleDecl};
use crate::model::value::Value;

pub use build::build;
pub use targets::{TargetError, select};

/// An artifact's number within a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArtifactId(pub u32);

/// An action's number within a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActionId(pub u32);

impl ArtifactId {
    /// This artifact's place in dense tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ActionId {
    /// This action's place in dense tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Marks an artifact that no action makes.
const NO_ACTION: u32 = u32::MAX;

/// Many lists of numbers in two arrays: list `i` is `items[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Default for Lists {
    fn default() -> Self {
        Lists { starts: vec![0], items: Vec::new() }
    }
}

impl Lists {
    /// The list at `index`.
    pub fn get(&self, index: usize) -> &[u32] {
        &self.items[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// Appends a list.
    pub fn push(&mut self, list: impl IntoIterator<Item = u32>) {
        self.items.extend(list);
        self.starts.push(u32::try_from(self.items.len()).expect("fewer than 2^32 edges"));
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True when there is no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// All texts of a graph in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) -> u32 {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).expect("fewer than 4 GiB of paths"));
        self.ends.len() as u32 - 1
    }

    fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.all[start..self.ends[index] as usize]
    }
}

/// A checked graph: every action with its inputs and outputs, in dense tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The rules as declared, aggregation and implicit inputs not included.
    pub rules: Vec<RuleDecl>,
    /// Targets of a build that names none; empty means everything.
    pub default_targets: Vec<Named>,
    paths: Texts,
    producers: Vec<u32>,
    directories: Vec<bool>,
    rule_of: Vec<u32>,
    item_of: Vec<u32>,
    inputs: Lists,
    /// For each entry of `inputs`, the index of its role in `roles`.
    input_roles: Vec<u32>,
    outputs: Lists,
    roles: Vec<String>,
    upstream: Lists,
    downstream: Lists,
    /// All actions, each after everything it needs.
    order: Vec<u32>,
}

impl Graph {
    /// How many actions there are.
    pub fn action_count(&self) -> usize {
        self.rule_of.len()
    }

    /// How many artifacts there are.
    pub fn artifact_count(&self) -> usize {
        self.producers.len()
    }

    /// All actions, each after everything it needs.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = ActionId> + '_ {
        self.order.iter().map(|&id| ActionId(id))
    }

    /// All artifacts.
    pub fn artifacts(&self) -> impl Iterator<Item = ArtifactId> + use<> {
        (0..self.artifact_count() as u32).map(ArtifactId)
    }

    /// The path of an artifact: project-relative or absolute.
    pub fn path(&self, artifact: ArtifactId) -> &str {
        self.paths.get(artifact.index())
    }

    /// True for artifacts declared with a trailing slash.
    pub fn is_directory(&self, artifact: ArtifactId) -> bool {
        self.directories[artifact.index()]
    }

    /// The action that makes an artifact; `None` for sources.
    pub fn producer(&self, artifact: ArtifactId) -> Option<ActionId> {
        let producer = self.producers[artifact.index()];
        (producer != NO_ACTION).then_some(ActionId(producer))
    }

    /// The rule of an action.
    pub fn rule(&self, action: ActionId) -> &RuleDecl {
        &self.rules[self.rule_of[action.index()] as usize]
    }

    /// The number of an action's rule.
    pub fn rule_index(&self, action: ActionId) -> usize {
        self.rule_of[action.index()] as usize
    }

    /// The number of an action's item within its rule.
    pub fn item(&self, action: ActionId) -> usize {
        self.item_of[action.index()] as usize
    }

    /// The value of an item's column, such as `run`.
    pub fn item_value(&self, action: ActionId, column: &str) -> Option<&Value> {
        let items = self.rule(action).over.as_ref()?;
        let at = items.columns.iter().position(|name| name == column)?;
        Some(&items.rows[self.item(action)][at])
    }

    /// Inputs with their roles, in declared order.
    pub fn inputs(&self, action: ActionId) -> impl ExactSizeIterator<Item = (&str, ArtifactId)> {
        let start = self.inputs.starts[action.index()] as usize;
        self.inputs.get(action.index()).iter().enumerate().map(move |(at, &artifact)| {
            let role = &self.roles[self.input_roles[start + at] as usize];
            (role.as_str(), ArtifactId(artifact))
        })
    }

    /// Outputs with their roles, in declared order; never empty.
    pub fn outputs(&self, action: ActionId) -> impl ExactSizeIterator<Item = (&str, ArtifactId)> {
        let ports = self.output_ports(action);
        self.outputs
            .get(action.index())
            .iter()
            .zip(ports)
            .map(|(&artifact, port)| (port.role.as_str(), ArtifactId(artifact)))
    }

    fn output_ports(&self, action: ActionId) -> &[Port] {
        self.rule(action).outputs.at(self.item(action))
    }

    /// The path that stands for an action in records: its first output. Rules may be renamed
    /// without it changing.
    pub fn target(&self, action: ActionId) -> &str {
        self.path(ArtifactId(self.outputs.get(action.index())[0]))
    }

    /// Actions that make inputs of this one, each once.
    pub fn upstream(&self, action: ActionId) -> impl Iterator<Item = ActionId> + '_ {
        self.upstream.get(action.index()).iter().map(|&id| ActionId(id))
    }

    /// All upstream edges in compressed rows: offsets, one more than there are actions, and
    /// targets.
    pub fn upstream_rows(&self) -> (&[u32], &[u32]) {
        (&self.upstream.starts, &self.upstream.items)
    }

    /// Actions that use outputs of this one, each once.
    pub fn downstream(&self, action: ActionId) -> impl Iterator<Item = ActionId> + '_ {
        self.downstream.get(action.index()).iter().map(|&id| ActionId(id))
    }

    /// `rule` or `rule@item`: unique within the graph.
    pub fn label(&self, action: ActionId) -> String {
        let rule = self.rule(action);
        match &rule.over {
            None => rule.name.clone(),
            Some(items) => {
                let row = &items.rows[self.item(action)];
                let values: Vec<String> = row.iter().map(Value::bare).collect();
                format!("{}@{}", rule.name, values.join(","))
            }
        }
    }

    /// Every action that the given ones need, themselves included, in build order.
    pub fn closure(&self, wanted: &[ActionId]) -> Vec<ActionId> {
        let mut needed = vec![false; self.action_count()];
        wanted.iter().for_each(|action| needed[action.index()] = true);
        for action in self.order().rev() {
            if needed[action.index()] {
                self.upstream(action).for_each(|up| needed[up.index()] = true);
            }
        }
        self.order().filter(|action| needed[action.index()]).collect()
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
