//! `--set NAME=VALUE`: parameters given on the command line.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::host::{Origin, State};
use crate::recipe::params::{Data, Node, leaf, toml};
use crate::recipe::problem::Problem;

/// Puts every setting whose name the file has in place of what the file says.
pub fn apply(node: &mut Node, state: &mut State) -> Result<(), Diagnostic> {
    for setting in &mut state.settings {
        let Some(found) = find(node, &setting.name) else { continue };
        setting.used = true;
        let place = place(&setting.name, &setting.raw);
        // A word that is no TOML value is a text, so that nobody has to quote twice for the shell.
        let value = toml::parse_value(setting.raw.trim())
            .unwrap_or_else(|| Ok(Value::Text(setting.raw.clone())))
            .map_err(|found| Diagnostic { span: Some(place.clone()), ..found })?;
        if matches!(found.data, Data::Map(_)) && !matches!(value, Value::Map(_)) {
            let names = match &found.data {
                Data::Map(map) => map.keys().cloned().collect(),
                _ => Vec::new(),
            };
            return Err(Problem::SettingIsGroup { name: setting.name.clone(), names }.at(&place));
        }
        *found = from_value(value, &Origin { key: place.clone(), value: place })?;
    }
    Ok(())
}

/// Messages about settings that no parameter file of the recipe has a name for.
pub fn unused_settings(state: &State) -> Vec<Diagnostic> {
    let unused = state.settings.iter().filter(|setting| !setting.used);
    unused
        .map(|setting| {
            let known = state.parameters.clone();
            Problem::UnknownSetting { name: setting.name.clone(), known }
                .at(&place(&setting.name, &setting.raw))
        })
        .collect()
}

fn place(name: &str, raw: &str) -> Span {
    Span::file(Arc::from(format!("--set {name}={raw}")))
}

fn find<'n>(node: &'n mut Node, dotted: &str) -> Option<&'n mut Node> {
    dotted.split('.').try_fold(node, |node, name| match &mut node.data {
        Data::Map(map) => map.get_mut(name),
        Data::List(list) => name.parse::<usize>().ok().and_then(|at| list.get_mut(at)),
        Data::Leaf(_) => None,
    })
}

fn from_value(value: Value, origin: &Origin) -> Result<Node, Diagnostic> {
    let data = match value {
        Value::List(list) => Data::List(
            list.into_iter().map(|value| from_value(value, origin)).collect::<Result<_, _>>()?,
        ),
        Value::Map(map) => {
            let mut entries = BTreeMap::new();
            for (name, value) in map {
                entries.insert(name, from_value(value, origin)?);
            }
            Data::Map(entries)
        }
        value => return leaf(value, origin.clone()),
    };
    Ok(Node { origin: origin.clone(), data })
}
