//! Every placeholder of a rule must stand for something, and no two items may write one file.

use std::collections::HashSet;

use crate::model::declare::{Command, EnvVar, Items, PerItem, Port, RuleDecl};
use crate::model::diagnostic::Severity;
use crate::model::template::Template;
use crate::model::text::near_misses;
use crate::model::value::Value;
use crate::recipe::problem::{Known, Problem};
use crate::recipe::rule::Draft;

/// What placeholders may name in a template.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// Items and parameters, and names of its own, which collect all matches.
    Input,
    /// Items and parameters.
    Output,
    /// Everything.
    Command,
}

/// Checks all templates of a rule.
pub fn check(draft: &mut Draft, declared: &RuleDecl) {
    let paths = |ports: &PerItem<Vec<Port>>| -> Vec<Template> {
        let written = |port: &&Port| !port.role.starts_with("params.");
        let ports = ports.values().iter().flatten();
        ports.filter(written).map(|port| port.path.clone()).collect()
    };
    check_key(draft, declared, ("input", Scope::Input), &paths(&declared.inputs));
    check_key(draft, declared, ("output", Scope::Output), &paths(&declared.outputs));
    match &declared.command {
        Command::Kernel(_) => {}
        Command::Argv(words) => check_key(draft, declared, ("argv", Scope::Command), words),
        Command::Shell(text) => {
            check_key(draft, declared, ("shell", Scope::Command), std::slice::from_ref(text));
        }
        Command::Script { args, .. } => {
            check_key(draft, declared, ("args", Scope::Command), args);
        }
    }
    let set: Vec<Template> = declared
        .env
        .iter()
        .filter_map(|variable| match variable {
            EnvVar::Set { value, .. } => Some(value.clone()),
            EnvVar::Passed { .. } => None,
        })
        .collect();
    check_key(draft, declared, ("env", Scope::Command), &set);
    if let Some(depfile) = &declared.depfile {
        check_key(draft, declared, ("depfile", Scope::Command), std::slice::from_ref(depfile));
    }
    // A misspelt name in an output would be told a second time as one that is lacking.
    if draft.problems.iter().all(|found| found.severity == Severity::Warning) {
        check_outputs_differ(draft, declared);
    }
}

fn check_key(
    draft: &mut Draft,
    declared: &RuleDecl,
    (key, scope): (&'static str, Scope),
    templates: &[Template],
) {
    let mut checked: HashSet<&str> = HashSet::new();
    for name in templates.iter().flat_map(Template::names) {
        if !checked.insert(name) {
            continue;
        }
        let place = draft.place.entry(key).clone();
        let found = match lookup(declared, name, scope) {
            Lookup::Known => continue,
            Lookup::Group(known) => Problem::PlaceholderGroup { name: name.to_owned(), known }
                .at(&place.placeholder(name)),
            Lookup::Wildcard => {
                let columns = columns(declared);
                let near = near_misses(name, columns.iter().map(String::as_str));
                let Some(near) = near.first().map(|near| (*near).to_owned()) else { continue };
                Problem::SuspiciousWildcard { name: name.to_owned(), near }
                    .warn(&place.placeholder(name))
            }
            Lookup::Unknown => Problem::UnknownPlaceholder {
                name: name.to_owned(),
                key: key.to_owned(),
                rule: declared.name.clone(),
                known: Known {
                    names: known(declared, scope),
                    absent: absent(declared, name, scope),
                },
            }
            .at(&place.placeholder(name)),
        };
        draft.report(found);
    }
}

enum Lookup {
    Known,
    Unknown,
    /// A name that the item does not bind: the input collects all matches.
    Wildcard,
    /// A map of parameters; the names inside it.
    Group(Vec<String>),
}

fn columns(declared: &RuleDecl) -> &[String] {
    declared.over.as_ref().map_or(&[], |items| &items.columns)
}

fn lookup(declared: &RuleDecl, name: &str, scope: Scope) -> Lookup {
    if columns(declared).iter().any(|column| column == name) {
        return Lookup::Known;
    }
    let known = |yes: bool| if yes { Lookup::Known } else { Lookup::Unknown };
    let (head, rest) = name.split_once('.').unwrap_or((name, ""));
    match head {
        "params" if !rest.is_empty() => lookup_param(declared, rest),
        "input" | "output" | "resources" | "params" if scope != Scope::Command => Lookup::Unknown,
        "input" => known(has_role(&declared.inputs, rest)),
        "output" => known(has_role(&declared.outputs, rest)),
        "resources" => known(resource_names(declared).iter().any(|known| known == name)),
        "params" => Lookup::Unknown,
        _ if scope == Scope::Input && rest.is_empty() => Lookup::Wildcard,
        _ => Lookup::Unknown,
    }
}

fn lookup_param(declared: &RuleDecl, path: &str) -> Lookup {
    for params in declared.params.values() {
        match params.values.at(path) {
            None => return Lookup::Unknown,
            Some(Value::Map(map)) => {
                let names = map.keys().map(|name| format!("params.{path}.{name}")).collect();
                return Lookup::Group(names);
            }
            Some(_) => {}
        }
    }
    Lookup::Known
}

fn has_role(ports: &PerItem<Vec<Port>>, role: &str) -> bool {
    let fits = |port: &Port| role.is_empty() || port.role == role;
    ports.values().iter().all(|ports| ports.iter().any(fits))
}

fn resource_names(declared: &RuleDecl) -> Vec<String> {
    let mut names = vec!["resources.cores".to_owned(), "resources.gpus".to_owned()];
    let values = declared.resources.values();
    if values.iter().all(|resources| resources.memory.is_some()) {
        names.push("resources.memory".to_owned());
    }
    if values.iter().all(|resources| resources.time.is_some()) {
        names.push("resources.time".to_owned());
    }
    if let Some(first) = values.first() {
        names.extend(first.pools.keys().map(|name| format!("resources.pools.{name}")));
    }
    names
}

/// Everything that a placeholder could have named, for the hint.
fn known(declared: &RuleDecl, scope: Scope) -> Vec<String> {
    let mut names = columns(declared).to_vec();
    if scope == Scope::Command {
        for (key, ports) in [("input", &declared.inputs), ("output", &declared.outputs)] {
            let ports = ports.values().first().map_or(&[][..], Vec::as_slice);
            if !ports.is_empty() {
                names.push(key.to_owned());
            }
            let named = ports.iter().filter(|port| !port.role.is_empty());
            names.extend(named.map(|port| format!("{key}.{}", port.role)));
        }
    }
    if let Some(params) = declared.params.values().first() {
        let leaves = params.values.leaves().into_iter().filter(|(name, _)| !name.is_empty());
        names.extend(leaves.map(|(name, _)| format!("params.{name}")));
    }
    if scope == Scope::Command {
        names.extend(resource_names(declared));
    }
    names.dedup();
    names
}

/// Why nothing of a name's kind is known, where the rule lacks all of them.
fn absent(declared: &RuleDecl, name: &str, scope: Scope) -> Option<String> {
    let (head, ports) = match name.split_once('.') {
        None if columns(declared).is_empty() => {
            return Some("without `over` there are no names of items".to_owned());
        }
        Some(("input", _)) => ("input", &declared.inputs),
        Some(("output", _)) => ("output", &declared.outputs),
        _ => return None,
    };
    let mut ports = ports.values().iter().flatten();
    match (ports.next(), scope) {
        (_, Scope::Input | Scope::Output) => None,
        (None, _) => Some(format!("the rule has no {head}")),
        (Some(first), _) => {
            let unnamed = first.role.is_empty() && ports.all(|port| port.role.is_empty());
            unnamed.then(|| format!("the {head} has no names"))
        }
    }
}

/// Two items that differ only in columns an output does not name would write one file.
fn check_outputs_differ(draft: &mut Draft, declared: &RuleDecl) {
    let (Some(items), PerItem::Same(outputs)) = (&declared.over, &declared.outputs) else { return };
    for port in outputs {
        // Parameters that differ by item may tell the paths apart; the graph looks at those.
        let by_params = port.path.names().any(|name| name.starts_with("params."));
        if by_params && matches!(declared.params, PerItem::Each(_)) {
            continue;
        }
        let unnamed: Vec<usize> = (0..items.columns.len())
            .filter(|&at| !port.path.names().any(|name| name == items.columns[at]))
            .collect();
        let Some(together) = most_together(items, &unnamed) else { continue };
        let lacking = unnamed
            .into_iter()
            .filter(|&at| items.rows.iter().any(|row| row[at] != items.rows[0][at]))
            .map(|at| items.columns[at].clone())
            .collect();
        let problem =
            Problem::OutputLacks { rule: declared.name.clone(), lacking, items: together };
        let place = draft.place.entry("output");
        let place = if port.role.is_empty() { place } else { place.entry(&port.role) };
        let place = place.span.clone();
        return draft.report(problem.at(&place));
    }
}

/// The most items that agree in all but the unnamed columns; `None` when no two do.
fn most_together(items: &Items, unnamed: &[usize]) -> Option<usize> {
    if unnamed.is_empty() || items.rows.len() < 2 {
        return None;
    }
    let mut counts: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for row in &items.rows {
        let named = row.iter().enumerate().filter(|(at, _)| !unnamed.contains(at));
        let key: Vec<String> = named.map(|(_, value)| value.bare()).collect();
        *counts.entry(key.join("\0")).or_default() += 1;
    }
    let most = counts.into_values().max()?;
    // Items that agree in every column are repetitions, which no placeholder can tell apart.
    let differ = |at: &usize| items.rows.iter().any(|row| row[*at] != items.rows[0][*at]);
    (most > 1 && unnamed.iter().any(differ)).then_some(most)
}
