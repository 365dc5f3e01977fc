//! What differs between an action now and its last record, as reasons with old and new values.

use std::collections::BTreeMap;

use crate::fingerprint::Subject;
use crate::model::digest::Digest;
use crate::model::reason::Reason;
use crate::model::record::{Component, ComponentKind, Record};

/// All differences, in the order of the closed list of kinds.
pub(super) fn reasons(subject: &Subject, latest: &Record) -> Vec<Reason> {
    let components = subject.components();
    let now = Side::new(&components);
    let then = Side::new(&latest.components);
    let mut reasons = Vec::new();
    reasons.extend(inputs(subject, &then, &now));
    reasons.extend(params(subject, &then, &now));
    reasons.extend(command(&then, &now));
    reasons.extend(kernel(&then, &now));
    for kind in [ComponentKind::Env, ComponentKind::Container, ComponentKind::Item] {
        reasons.extend(environment(kind, &then, &now));
    }
    reasons.extend(outputs(&then, &now));
    reasons
}

/// Components of one key by kind and name; names may repeat, as words of a command do.
struct Side<'c>(BTreeMap<ComponentKind, BTreeMap<&'c str, Vec<&'c str>>>);

impl<'c> Side<'c> {
    fn new(components: &'c [Component]) -> Self {
        let mut kinds = BTreeMap::<ComponentKind, BTreeMap<&str, Vec<&str>>>::new();
        for component in components {
            let names = kinds.entry(component.kind).or_default();
            names.entry(&component.name).or_default().push(&component.value);
        }
        Side(kinds)
    }

    fn of(&self, kind: ComponentKind) -> impl Iterator<Item = (&'c str, &[&'c str])> {
        let names = self.0.get(&kind).into_iter().flatten();
        names.map(|(name, values)| (*name, values.as_slice()))
    }

    fn get(&self, kind: ComponentKind, name: &str) -> Option<&[&'c str]> {
        self.0.get(&kind)?.get(name).map(Vec::as_slice)
    }

    /// All values of a kind in one readable line.
    fn line(&self, kind: ComponentKind) -> String {
        let values: Vec<&str> = self.of(kind).flat_map(|(_, values)| values).copied().collect();
        values.join(" ").trim_end().to_owned()
    }
}

/// Names of a kind on either side, each with its values then and now.
fn pairs<'s>(
    kind: ComponentKind,
    then: &'s Side,
    now: &'s Side,
) -> impl Iterator<Item = (&'s str, Option<&'s [&'s str]>, Option<&'s [&'s str]>)> {
    let gone = then.of(kind).filter(move |(name, _)| now.get(kind, name).is_none());
    let gone = gone.map(|(name, old)| (name, Some(old), None));
    let here = now.of(kind).map(move |(name, new)| (name, then.get(kind, name), Some(new)));
    here.chain(gone).filter(|(_, old, new)| old != new)
}

fn inputs(subject: &Subject, then: &Side, now: &Side) -> Vec<Reason> {
    let made_by = |name: &str| {
        let graph = subject.graph;
        let mut inputs = graph.inputs(subject.action);
        let (_, artifact) = inputs.find(|(_, artifact)| graph.path(*artifact) == name)?;
        graph.producer(artifact).map(|action| graph.label(action))
    };
    let digest = |values: &[&str]| values.first().and_then(|text| text.parse::<Digest>().ok());
    pairs(ComponentKind::Input, then, now)
        .map(|(name, old, new)| match (old.and_then(digest), new.and_then(digest)) {
            (Some(old), Some(new)) => {
                Reason::InputChanged { name: name.to_owned(), old, new, made_by: made_by(name) }
            }
            (None, _) => Reason::InputAdded { name: name.to_owned() },
            (_, None) => Reason::InputRemoved { name: name.to_owned() },
        })
        .collect()
}

fn params(subject: &Subject, then: &Side, now: &Side) -> Vec<Reason> {
    let rule = subject.graph.rule(subject.action);
    let origins = &rule.params.at(subject.graph.item(subject.action)).origins;
    let first = |values: &[&str]| values.first().map(|&text| text.to_owned());
    pairs(ComponentKind::Param, then, now)
        .map(|(name, old, new)| Reason::ParameterChanged {
            name: name.to_owned(),
            old: old.and_then(first),
            new: new.and_then(first),
            at: origins.get(name).cloned(),
        })
        .collect()
}

fn command(then: &Side, now: &Side) -> Option<Reason> {
    let differs = pairs(ComponentKind::Command, then, now).next().is_some();
    differs.then(|| Reason::CommandChanged {
        old: then.line(ComponentKind::Command),
        new: now.line(ComponentKind::Command),
    })
}

fn kernel(then: &Side, now: &Side) -> Option<Reason> {
    let describe = |side: &Side| {
        side.of(ComponentKind::Kernel)
            .next()
            .map(|(name, values)| (name.to_owned(), values.join(" ")))
    };
    match (describe(then), describe(now)) {
        (old, new) if old == new => None,
        (Some((old_name, old)), Some((name, new))) if old_name == name => {
            Some(Reason::KernelVersionChanged { kernel: name, old, new })
        }
        (old, new) => {
            let words = |side: Option<(String, String)>| {
                side.map_or_else(|| "a command".to_owned(), |(name, _)| format!("kernel {name}"))
            };
            Some(Reason::CommandChanged { old: words(old), new: words(new) })
        }
    }
}

fn environment(kind: ComponentKind, then: &Side, now: &Side) -> Vec<Reason> {
    let shown = |values: &[&str]| match values.first() {
        Some(text) if !text.starts_with('\0') => Some((*text).to_owned()),
        _ => None,
    };
    pairs(kind, then, now)
        .map(|(name, old, new)| Reason::EnvironmentChanged {
            name: match kind {
                ComponentKind::Container => "container image".to_owned(),
                ComponentKind::Item => format!("item {name}"),
                _ => name.to_owned(),
            },
            old: old.and_then(shown),
            new: new.and_then(shown),
        })
        .collect()
}

fn outputs(then: &Side, now: &Side) -> Option<Reason> {
    let differs = pairs(ComponentKind::Output, then, now).next().is_some();
    differs.then(|| Reason::OutputsChanged {
        old: then.line(ComponentKind::Output),
        new: now.line(ComponentKind::Output),
    })
}
