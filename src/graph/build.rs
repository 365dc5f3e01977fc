//! Expands rules into actions and artifacts and ties them together.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::graph::aggregate::Aggregate;
use crate::graph::compiled::Compiled;
use crate::graph::paths::{BadPath, is_normal, normalise};
use crate::graph::{Graph, Lists, NO_ACTION, Texts, command_words, order};
use crate::model::declare::{Command, Declarations, Port, RuleDecl};
use crate::model::diagnostic::{Diagnostic, Diagnostics};
use crate::model::sources::Sources;
use crate::model::span::Span;
use crate::model::template::Piece;

/// Most diagnostics of one kind that are worth reading.
const DIAGNOSTICS_LIMIT: usize = 20;

/// Expands declarations into a checked graph.
///
/// # Errors
/// Every duplicate output, missing match, bad path and cycle found, each at its rule.
pub fn build(declarations: Declarations, sources: &dyn Sources) -> Result<Graph, Diagnostics> {
    let mut builder = Builder::new(declarations);
    builder.outputs();
    builder.stop_on_errors()?;
    builder.nested_outputs();
    builder.stop_on_errors()?;
    builder.inputs(sources);
    builder.stop_on_errors()?;
    let edges = order::edges(&builder.graph);
    builder.graph.upstream = edges.upstream;
    builder.graph.downstream = edges.downstream;
    builder.graph.order = order::topological(&builder.graph).map_err(Diagnostics::from)?;
    builder.inputs_inside_outputs();
    builder.stop_on_errors()?;
    Ok(builder.graph)
}

type Index = HashMap<u128, u32, BuildHasherDefault<DefaultHasher>>;

struct Builder {
    graph: Graph,
    /// Artifact by a 128-bit digest of its path: paths are kept once, in the graph.
    by_path: Index,
    roles: HashMap<String, u32>,
    errors: Vec<Diagnostic>,
}

/// Where a path came from, for messages.
struct Origin<'r> {
    rule: &'r RuleDecl,
    key: &'static str,
}

impl Origin<'_> {
    fn span(&self) -> &Span {
        self.rule.span_of(self.key)
    }
}

impl Builder {
    fn new(declarations: Declarations) -> Self {
        let graph = Graph {
            rules: declarations.rules,
            default_targets: declarations.default_targets,
            paths: Texts::default(),
            producers: Vec::new(),
            directories: Vec::new(),
            rule_of: Vec::new(),
            item_of: Vec::new(),
            inputs: Lists::default(),
            input_roles: Vec::new(),
            outputs: Lists::default(),
            roles: Vec::new(),
            upstream: Lists::default(),
            downstream: Lists::default(),
            order: Vec::new(),
        };
        Builder { graph, by_path: Index::default(), roles: HashMap::new(), errors: Vec::new() }
    }

    fn stop_on_errors(&mut self) -> Result<(), Diagnostics> {
        let errors = std::mem::take(&mut self.errors);
        if errors.is_empty() { Ok(()) } else { Err(Diagnostics(errors)) }
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        if self.errors.len() < DIAGNOSTICS_LIMIT {
            self.errors.push(diagnostic);
        }
    }

    /// The artifact at a path, made when it is new. A path that ends in `/` was declared as a
    /// directory by whoever filled it; `directory` says so here.
    fn artifact(&mut self, path: &str, directory: bool) -> Result<u32, BadPath> {
        let clean;
        let path = if is_normal(path) {
            path
        } else {
            clean = normalise(path)?;
            &clean
        };
        let graph = &mut self.graph;
        Ok(*self.by_path.entry(path_key(path)).or_insert_with(|| {
            graph.producers.push(NO_ACTION);
            graph.directories.push(directory);
            graph.paths.push(path)
        }))
    }

    fn find(&self, path: &str) -> Option<u32> {
        self.by_path.get(&path_key(path)).copied()
    }

    fn role(&mut self, role: &str) -> u32 {
        if let Some(&index) = self.roles.get(role) {
            return index;
        }
        let index = self.graph.roles.len() as u32;
        self.graph.roles.push(role.to_owned());
        self.roles.insert(role.to_owned(), index);
        index
    }

    /// First pass: one action for each item, with its outputs.
    fn outputs(&mut self) {
        let rules = std::mem::take(&mut self.graph.rules);
        for (index, rule) in rules.iter().enumerate() {
            self.rule_outputs(index as u32, rule, &rules);
        }
        self.graph.rules = rules;
    }

    fn rule_outputs(&mut self, index: u32, rule: &RuleDecl, rules: &[RuleDecl]) {
        let empty = Vec::new();
        let count = rule.over.as_ref().map_or(1, |items| items.rows.len());
        let origin = Origin { rule, key: "output" };
        let mut templates = PortTemplates::new(&rule.outputs, rule);
        let mut text = String::new();
        for item in 0..count {
            let row = rule.over.as_ref().map_or(&empty, |items| &items.rows[item]);
            let action = self.graph.rule_of.len() as u32;
            self.graph.rule_of.push(index);
            self.graph.item_of.push(item as u32);
            let mut made = Vec::new();
            for (port, template) in templates.at(item) {
                let template = match template {
                    Ok(template) => template,
                    Err(unbound) => {
                        self.unbound_output(unbound, &origin);
                        continue;
                    }
                };
                template.fill(row, &mut text);
                if has_star(port) {
                    self.star_in_output(&text, &origin);
                    continue;
                }
                match self.artifact(&text, port.directory) {
                    Ok(artifact) => {
                        self.claim(artifact, action, &origin, rules);
                        made.push(artifact);
                    }
                    Err(bad) => self.bad_path(&text, bad, &origin),
                }
            }
            self.graph.outputs.push(made);
        }
    }

    fn unbound_output(&mut self, unbound: &[String], origin: &Origin) {
        let columns = origin.rule.over.as_ref().map_or(&[][..], |items| &items.columns);
        let hint = match columns {
            [] => "the rule has no `over`, so its output cannot hold names in braces".to_owned(),
            columns => format!("`over` gives {}", placeholders(columns)),
        };
        let message =
            format!("output of rule `{}` uses unknown {}", origin.rule.name, placeholders(unbound));
        let diagnostic = Diagnostic::error(message).at(origin.span()).hint(hint);
        if !self.errors.contains(&diagnostic) {
            self.error(diagnostic);
        }
    }

    fn star_in_output(&mut self, path: &str, origin: &Origin) {
        let diagnostic = Diagnostic::error(format!("output `{path}` holds a `*`"))
            .at(origin.span())
            .hint("name each output, or declare a directory with a trailing `/`");
        if !self.errors.contains(&diagnostic) {
            self.error(diagnostic);
        }
    }

    fn bad_path(&mut self, path: &str, bad: BadPath, origin: &Origin) {
        let hint = match bad {
            BadPath::Parent => "write files outside the project directory as absolute paths",
            _ => "write a path relative to the project directory, such as `work/run_{run}.h5`",
        };
        self.error(
            Diagnostic::error(format!("{} `{path}` {}", origin.key, bad.words()))
                .at(origin.span())
                .hint(hint),
        );
    }

    /// Makes an action the producer of an artifact, or reports who already is.
    fn claim(&mut self, artifact: u32, action: u32, origin: &Origin, rules: &[RuleDecl]) {
        let before = self.graph.producers[artifact as usize];
        if before == NO_ACTION {
            self.graph.producers[artifact as usize] = action;
            return;
        }
        let path = self.graph.paths.get(artifact as usize).to_owned();
        let other = &rules[self.graph.rule_of[before as usize] as usize];
        let diagnostic = if before == action {
            Diagnostic::error(format!("rule `{}` lists output `{path}` twice", origin.rule.name))
                .at(origin.span())
        } else if other.name == origin.rule.name {
            let lacking = lacking_columns(origin.rule);
            let hint = match lacking.as_slice() {
                [] => "the items of `over` are not all different".to_owned(),
                names => format!("put {} into the output", placeholders(names)),
            };
            Diagnostic::error(format!(
                "two items of rule `{}` would both write `{path}`",
                origin.rule.name
            ))
            .at(origin.span())
            .hint(hint)
        } else {
            Diagnostic::error(format!(
                "rules `{}` and `{}` both write `{path}`",
                other.name, origin.rule.name
            ))
            .at(origin.span())
            .note(other.span_of("output"), format!("rule `{}` writes it here", other.name))
            .hint("give one of them another output")
        };
        // One message for each rule is enough: its other items fail alike.
        if !self.errors.iter().any(|e| e.span == diagnostic.span) {
            self.error(diagnostic);
        }
    }

    /// The output that a path lies below, if any.
    fn made_above(&self, path: &str) -> Option<u32> {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let made = |outer: &u32| self.graph.producers[*outer as usize] != NO_ACTION;
        parents.filter_map(|parent| self.find(parent)).find(made)
    }

    /// The rule that makes an artifact.
    fn maker(&self, artifact: u32) -> &RuleDecl {
        let action = self.graph.producers[artifact as usize];
        &self.graph.rules[self.graph.rule_of[action as usize] as usize]
    }

    /// Reports outputs that lie below another output: renaming a directory into place would remove
    /// them, and below a file there is no place.
    fn nested_outputs(&mut self) {
        let mut errors = Vec::new();
        for artifact in self.graph.artifacts() {
            let path = self.graph.path(artifact);
            let Some(outer) = self.made_above(path) else { continue };
            let (rule, outer_rule) = (self.maker(artifact.0), self.maker(outer));
            let outer_path = self.graph.paths.get(outer as usize);
            let how = match self.graph.directories[outer as usize] {
                true => format!(
                    "lies in `{outer_path}/`, which rule `{}` makes as a whole",
                    outer_rule.name
                ),
                false => format!(
                    "lies below `{outer_path}`, which rule `{}` makes as a file",
                    outer_rule.name
                ),
            };
            errors.push(
                Diagnostic::error(format!("output `{path}` {how}"))
                    .at(rule.span_of("output"))
                    .note(outer_rule.span_of("output"), "the outer one is declared here")
                    .hint("let one of them write elsewhere"),
            );
        }
        errors.into_iter().for_each(|error| self.error(error));
    }

    /// Reports inputs that lie in another action's output directory: only the directory as a whole
    /// is made, digested and put in place, so only it can be waited for.
    fn inputs_inside_outputs(&mut self) {
        let mut errors: Vec<Diagnostic> = Vec::new();
        for action in self.graph.order().collect::<Vec<_>>() {
            let rule = self.graph.rule(action);
            for (_, artifact) in self.graph.inputs(action) {
                let path = self.graph.path(artifact);
                let outer = match self.graph.producer(artifact) {
                    None => self.made_above(path),
                    Some(_) => None,
                };
                let Some(outer) = outer else { continue };
                let outer_rule = self.maker(outer);
                let outer_path = self.graph.paths.get(outer as usize);
                let error = Diagnostic::error(format!(
                    "input `{path}` lies in `{outer_path}/`, which rule `{}` makes as a whole",
                    outer_rule.name
                ))
                .at(rule.span_of("input"))
                .note(outer_rule.span_of("output"), "the directory is declared here")
                .hint(format!(
                    "take `{outer_path}/` as the input and find the file below it in the command"
                ));
                if !errors.iter().any(|known| known.span == error.span) {
                    errors.push(error);
                }
            }
        }
        errors.into_iter().for_each(|error| self.error(error));
    }

    /// Second pass: inputs, now that all outputs are known.
    fn inputs(&mut self, sources: &dyn Sources) {
        let rules = std::mem::take(&mut self.graph.rules);
        let mut action = 0;
        for rule in &rules {
            let words = self.implicit_inputs(rule, sources);
            action = self.rule_inputs(rule, action, &words, sources);
        }
        self.graph.rules = rules;
    }

    /// Project files that a command names itself: its script, and files among its literal words.
    fn implicit_inputs(&mut self, rule: &RuleDecl, sources: &dyn Sources) -> Vec<u32> {
        let origin = Origin { rule, key: command_key(&rule.command) };
        let mut found = Vec::new();
        for word in command_words::files_named(&rule.command) {
            let path = normalise(&word).unwrap_or_default();
            if let Some(directory) = self.made_above(&path) {
                found.push(directory);
                continue;
            }
            let made = self.find(&path).filter(|&a| self.graph.producers[a as usize] != NO_ACTION);
            let is_script = matches!(&rule.command, Command::Script { path, .. } if *path == word);
            if made.is_none() && !is_script && !command_words::is_source(&word, sources) {
                continue;
            }
            match self.artifact(&word, false) {
                Ok(artifact) => found.push(artifact),
                Err(bad) => self.bad_path(&word, bad, &origin),
            }
        }
        found
    }

    fn rule_inputs(
        &mut self,
        rule: &RuleDecl,
        first: u32,
        words: &[u32],
        sources: &dyn Sources,
    ) -> u32 {
        let empty = Vec::new();
        let count = rule.over.as_ref().map_or(1, |items| items.rows.len());
        let origin = Origin { rule, key: "input" };
        let script_role = self.role("script");
        let mut templates = PortTemplates::new(&rule.inputs, rule);
        let mut aggregates: HashMap<usize, Aggregate> = HashMap::new();
        let mut text = String::new();
        for item in 0..count {
            let row = rule.over.as_ref().map_or(&empty, |items| &items.rows[item]);
            let action = first + item as u32;
            let mut used = Vec::new();
            for (at, (port, template)) in templates.at(item).iter().enumerate() {
                let role = self.role(&port.role);
                match template {
                    Ok(template) if !has_star(port) => {
                        template.fill(row, &mut text);
                        match self.artifact(&text, port.directory) {
                            Ok(artifact) => used.push((artifact, role)),
                            Err(bad) => self.bad_path(&text, bad, &origin),
                        }
                    }
                    _ => {
                        let shared = rule.inputs.values().len() == 1;
                        let found = match aggregates.get(&at).filter(|_| shared) {
                            Some(aggregate) => aggregate.matches(row),
                            None => {
                                let aggregate = self.aggregate(port, rule, sources);
                                let found = aggregate.matches(row);
                                aggregates.insert(at, aggregate);
                                found
                            }
                        };
                        if found.is_empty() {
                            self.nothing_matches(port, &origin);
                        }
                        used.extend(found.into_iter().map(|artifact| (artifact, role)));
                    }
                }
            }
            let own = self.graph.outputs.get(action as usize);
            let words = words.iter().filter(|word| !own.contains(word));
            used.extend(words.map(|&word| (word, script_role)));
            dedup_scripts(&mut used, script_role);
            self.graph.input_roles.extend(used.iter().map(|&(_, role)| role));
            self.graph.inputs.push(used.into_iter().map(|(artifact, _)| artifact));
        }
        first + count as u32
    }

    fn nothing_matches(&mut self, port: &Port, origin: &Origin) {
        let diagnostic =
            Diagnostic::error(format!("no output and no file matches `{}`", port.path))
                .at(origin.span())
                .hint("a name in braces that `over` does not bind collects all matches");
        if !self.errors.contains(&diagnostic) {
            self.error(diagnostic);
        }
    }

    /// Collects everything an aggregating input can match: outputs first; files on disk only when
    /// no rule makes such files, because leftovers of earlier recipes are not part of this one.
    fn aggregate(&mut self, port: &Port, rule: &RuleDecl, sources: &dyn Sources) -> Aggregate {
        let mut aggregate = Aggregate::new(port, rule.over.as_ref());
        for artifact in self.graph.artifacts() {
            if self.graph.producer(artifact).is_some() {
                aggregate.offer(artifact.0, self.graph.path(artifact));
            }
        }
        if aggregate.is_empty() {
            match sources.list(aggregate.pattern()) {
                Ok(paths) => {
                    for path in paths {
                        if let Ok(artifact) = self.artifact(&path, port.directory) {
                            aggregate.offer(artifact, &path);
                        }
                    }
                }
                Err(error) => {
                    let message = format!("cannot list files for `{}`: {error}", port.path);
                    self.error(Diagnostic::error(message).at(rule.span_of("input")));
                }
            }
        }
        aggregate.sort(&self.graph.paths);
        aggregate
    }
}

/// A rule's port templates, compiled once where they are the same for all items.
struct PortTemplates<'r> {
    ports: &'r crate::model::declare::PerItem<Vec<Port>>,
    rule: &'r RuleDecl,
    compiled: Vec<(&'r Port, Result<Compiled, Vec<String>>)>,
    of_item: Option<usize>,
}

impl<'r> PortTemplates<'r> {
    fn new(ports: &'r crate::model::declare::PerItem<Vec<Port>>, rule: &'r RuleDecl) -> Self {
        PortTemplates { ports, rule, compiled: Vec::new(), of_item: None }
    }

    fn at(&mut self, item: usize) -> &[(&'r Port, Result<Compiled, Vec<String>>)] {
        let varies = self.ports.values().len() > 1;
        if self.of_item.is_none() || (varies && self.of_item != Some(item)) {
            let over = self.rule.over.as_ref();
            let compile = |port: &'r Port| (port, Compiled::new(&port.path, over));
            self.compiled = self.ports.at(item).iter().map(compile).collect();
            self.of_item = Some(item);
        }
        &self.compiled
    }
}

/// True for a pattern such as `raw/*.h5`, which collects like a name that is not bound.
fn has_star(port: &Port) -> bool {
    let literal = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains('*'));
    port.path.pieces.iter().any(literal)
}

/// A file that is declared as an input needs no second entry as a script.
fn dedup_scripts(used: &mut Vec<(u32, u32)>, script_role: u32) {
    let declared: Vec<u32> = used
        .iter()
        .filter(|(_, role)| *role != script_role)
        .map(|(artifact, _)| *artifact)
        .collect();
    if declared.len() < used.len() {
        used.retain(|(artifact, role)| *role != script_role || !declared.contains(artifact));
    }
}

fn path_key(path: &str) -> u128 {
    // BLAKE3 truncated to 128 bits: two paths of one project never collide in practice, and the
    // index needs no copy of the paths.
    let bytes = crate::model::digest::Digest::of(path.as_bytes()).0;
    u128::from_le_bytes(bytes[..16].try_into().expect("sixteen bytes"))
}

fn command_key(command: &Command) -> &'static str {
    match command {
        Command::Kernel(_) => "kernel",
        Command::Argv(_) => "argv",
        Command::Shell(_) => "shell",
        Command::Script { .. } => "script",
    }
}

/// Columns whose values vary but which the outputs do not mention.
fn lacking_columns(rule: &RuleDecl) -> Vec<String> {
    let Some(items) = &rule.over else { return Vec::new() };
    let used: Vec<&str> =
        rule.outputs.values().iter().flatten().flat_map(|port| port.path.names()).collect();
    let varies = |at: usize| items.rows.iter().any(|row| row[at] != items.rows[0][at]);
    let names = items.columns.iter().enumerate();
    names
        .filter(|(at, name)| !used.contains(&name.as_str()) && varies(*at))
        .map(|(_, name)| name.clone())
        .collect()
}

fn placeholders(names: &[String]) -> String {
    let braced: Vec<String> = names.iter().map(|name| format!("{{{name}}}")).collect();
    braced.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
}
