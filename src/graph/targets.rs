//! What a user may ask for: rules, outputs, labels, tags and runs by name.

use std::collections::BTreeSet;

use crate::graph::paths::normalise;
use crate::graph::{ActionId, Graph};
use crate::model::pattern::Pattern;
use crate::model::text::{near_misses, one_of};
use crate::model::value::Value;

/// A target nobody makes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("no rule, output or action is called `{name}`")]
    Unknown { name: String, near: Vec<String> },
    #[error("`{path}` is a source: no rule makes it")]
    Source { path: String },
    #[error("no rule has the tag `{tag}`")]
    UnknownTag { tag: String, near: Vec<String> },
    #[error("no run matches `{pattern}`")]
    UnknownRun { pattern: String, near: Vec<String> },
}

impl TargetError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            TargetError::Source { .. } => {
                "name an output; `attpc list --outputs` shows them all".to_owned()
            }
            TargetError::Unknown { near, .. }
            | TargetError::UnknownTag { near, .. }
            | TargetError::UnknownRun { near, .. } => match near.as_slice() {
                [] => "`attpc list` shows what can be built".to_owned(),
                near => format!("did you mean {}?", one_of(near)),
            },
        }
    }
}

/// The actions that the given targets name, in build order; all default targets when none is
/// given. `in_project` turns a path as the user typed it into a project-relative one.
///
/// # Errors
/// The first target that names nothing, with the nearest names.
pub fn select(
    graph: &Graph,
    targets: &[String],
    in_project: &dyn Fn(&str) -> String,
) -> Result<Vec<ActionId>, TargetError> {
    let defaults: Vec<String>;
    let targets = if targets.is_empty() {
        defaults = graph.default_targets.iter().map(|named| named.name.clone()).collect();
        &defaults
    } else {
        targets
    };
    if targets.is_empty() {
        return Ok(graph.order().collect());
    }
    let mut wanted = vec![false; graph.action_count()];
    for target in targets {
        for action in select_one(graph, target, in_project)? {
            wanted[action.index()] = true;
        }
    }
    Ok(graph.order().filter(|action| wanted[action.index()]).collect())
}

fn select_one(
    graph: &Graph,
    target: &str,
    in_project: &dyn Fn(&str) -> String,
) -> Result<Vec<ActionId>, TargetError> {
    if let Some(tag) = target.strip_prefix("tag:") {
        return by_tag(graph, tag);
    }
    if let Some(pattern) = target.strip_prefix("run:") {
        return by_run(graph, pattern);
    }
    if let Some(rule) = graph.rules.iter().position(|rule| rule.name == target) {
        return Ok(graph.order().filter(|&a| graph.rule_index(a) == rule).collect());
    }
    let path = in_project(target);
    let path = normalise(&path).unwrap_or(path);
    let artifact = graph.artifacts().find(|&artifact| graph.path(artifact) == path);
    if let Some(artifact) = artifact {
        let producer = graph.producer(artifact);
        return producer.map(|action| vec![action]).ok_or(TargetError::Source { path });
    }
    let by_label = target.contains('@').then(|| graph.order().find(|&a| graph.label(a) == target));
    if let Some(action) = by_label.flatten() {
        return Ok(vec![action]);
    }
    Err(TargetError::Unknown { near: near_targets(graph, target), name: target.to_owned() })
}

fn by_tag(graph: &Graph, tag: &str) -> Result<Vec<ActionId>, TargetError> {
    let has = |action: &ActionId| graph.rule(*action).tags.iter().any(|t| t == tag);
    let found: Vec<ActionId> = graph.order().filter(has).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let tags: BTreeSet<&str> =
        graph.rules.iter().flat_map(|rule| &rule.tags).map(String::as_str).collect();
    Err(TargetError::UnknownTag { near: near_or_all(tag, tags), tag: tag.to_owned() })
}

fn by_run(graph: &Graph, pattern: &str) -> Result<Vec<ActionId>, TargetError> {
    let unknown = |near| TargetError::UnknownRun { pattern: pattern.to_owned(), near };
    let parsed = Pattern::parse(pattern).map_err(|_| unknown(Vec::new()))?;
    let matches = |value: &Value| {
        let text = value.bare();
        parsed.captures(&text).is_some()
            || pattern.parse::<i64>().is_ok_and(|number| text.parse() == Ok(number))
    };
    let has = |action: &ActionId| graph.item_value(*action, "run").is_some_and(matches);
    let found: Vec<ActionId> = graph.order().filter(has).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let runs: BTreeSet<String> = graph
        .order()
        .filter_map(|action| graph.item_value(action, "run"))
        .map(Value::bare)
        .collect();
    Err(unknown(near_or_all(pattern, runs.iter().map(String::as_str).collect())))
}

fn near_or_all(name: &str, known: BTreeSet<&str>) -> Vec<String> {
    let near = near_misses(name, known.iter().copied());
    let chosen =
        if near.is_empty() && known.len() <= 3 { known.into_iter().collect() } else { near };
    chosen.into_iter().map(str::to_owned).collect()
}

fn near_targets(graph: &Graph, name: &str) -> Vec<String> {
    let rules = graph.rules.iter().map(|rule| rule.name.as_str());
    let outputs = graph.artifacts().filter(|&a| graph.producer(a).is_some());
    let outputs = outputs.map(|artifact| graph.path(artifact));
    near_misses(name, rules.chain(outputs)).into_iter().map(str::to_owned).collect()
}
