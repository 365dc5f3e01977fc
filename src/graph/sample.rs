//! Small graphs for tests of this room and of those that judge actions.

use std::collections::BTreeMap;

use crate::graph::{Graph, build};
use crate::model::declare::{Command, Declarations, Items, Params, PerItem, Port, RuleDecl};
use crate::model::resources::Resources;
use crate::model::sources::MemorySources;
use crate::model::span::Span;
use crate::model::template::Template;
use crate::model::value::Value;

/// A rule as `name [over] : inputs -> outputs`, with `role=path` for named ports.
pub(crate) fn rule(name: &str, over: Option<Items>, inputs: &[&str], outputs: &[&str]) -> RuleDecl {
    let span = Span::new("recipe.rhai", 1, 1, 4);
    RuleDecl {
        name: name.to_owned(),
        key_spans: BTreeMap::new(),
        over,
        inputs: PerItem::Same(inputs.iter().map(|text| port(text)).collect()),
        outputs: PerItem::Same(outputs.iter().map(|text| port(text)).collect()),
        command: Command::Argv(vec![
            template("make-it"),
            template("{input}"),
            template("{output}"),
        ]),
        params: PerItem::Same(Params::default()),
        env: Vec::new(),
        resources: PerItem::Same(Resources::default()),
        on: None,
        tags: vec![format!("t-{name}")],
        retries: 0,
        timeout: None,
        depfile: None,
        partial: false,
        cache: true,
        container: None,
        span,
    }
}

pub(crate) fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

pub(crate) fn port(text: &str) -> Port {
    let (role, path) = text.split_once('=').unwrap_or(("", text));
    let directory = path.ends_with('/');
    Port { role: role.to_owned(), path: template(path.trim_end_matches('/')), directory }
}

pub(crate) fn items(columns: &[&str], rows: &[&[&str]]) -> Option<Items> {
    let row = |row: &&[&str]| row.iter().map(|text| Value::Text((*text).to_owned())).collect();
    Some(Items {
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        rows: rows.iter().map(row).collect(),
    })
}

pub(crate) fn graph_of(rules: Vec<RuleDecl>) -> Result<Graph, String> {
    let declarations = Declarations { rules, default_targets: Vec::new() };
    let sources =
        MemorySources::new().with("raw/x_1.h5", "").with("raw/x_2.h5", "").with("fit.py", "");
    build(declarations, &sources).map_err(|diagnostics| diagnostics.render(&|_| None))
}
