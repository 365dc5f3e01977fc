//! The one walk over an action that both sinks see.

use crate::fingerprint::{KeySink, Sink, TextSink};
use crate::graph::{ActionId, ArtifactId, Graph};
use crate::model::declare::{Command, EnvVar};
use crate::model::digest::Digest;
use crate::model::record::{Component, ComponentKind};
use crate::model::step::{ABSENT_ROLE, KernelInfo, ParamKind};
use crate::model::template::Template;

/// An action with all that its key needs.
pub struct Subject<'a> {
    pub graph: &'a Graph,
    pub action: ActionId,
    /// The kernel that the action runs, when it runs one.
    pub kernel: Option<&'a KernelInfo>,
    /// Content of an input; `None` for one that could not be made and that the action does without.
    pub digest_of: &'a dyn Fn(ArtifactId) -> Option<Digest>,
}

impl Subject<'_> {
    /// The key: the digest of everything the action's result depends on.
    pub fn key(&self) -> Digest {
        let mut sink = KeySink::default();
        self.walk(&mut sink);
        sink.finish()
    }

    /// What made up the key, as readable lines.
    pub fn components(&self) -> Vec<Component> {
        let mut sink = TextSink::default();
        self.walk(&mut sink);
        sink.0
    }

    fn walk(&self, sink: &mut dyn Sink) {
        self.command(sink);
        self.params(sink);
        self.env(sink);
        if let Some(image) = &self.graph.rule(self.action).container {
            sink.text(ComponentKind::Container, "", image);
        }
        self.inputs(sink);
        self.outputs(sink);
    }

    fn command(&self, sink: &mut dyn Sink) {
        let mut words = |name: &str, templates: &[Template]| {
            for template in templates {
                sink.text(ComponentKind::Command, name, &self.with_items(template));
            }
        };
        match &self.graph.rule(self.action).command {
            Command::Argv(argv) => words("argv", argv),
            Command::Shell(text) => words("shell", std::slice::from_ref(text)),
            Command::Script { args, .. } => {
                words("script", args);
                sink.text(ComponentKind::Command, "script", "");
            }
            Command::Kernel(name) => {
                let version = self.kernel.map_or(0, |kernel| kernel.version);
                sink.text(ComponentKind::Kernel, name, &version.to_string());
                for item in self.kernel.map_or(&[][..], |kernel| kernel.item_names) {
                    if let Some(value) = self.graph.item_value(self.action, item) {
                        sink.value(ComponentKind::Item, item, value);
                    }
                }
            }
        }
    }

    /// The text with item values filled in. Everything else is a component of its own, so it
    /// stays as written: a changed parameter is then one reason, not two.
    fn with_items(&self, template: &Template) -> String {
        let value = |name: &str| {
            let item = self.graph.item_value(self.action, name);
            Some(item.map_or_else(|| format!("{{{name}}}"), crate::model::value::Value::bare))
        };
        template.fill(value).expect("every placeholder has a text")
    }

    fn params(&self, sink: &mut dyn Sink) {
        let rule = self.graph.rule(self.action);
        let params = rule.params.at(self.graph.item(self.action));
        for (name, value) in params.values.leaves() {
            if !name.is_empty() && !self.is_file_param(&name) {
                sink.value(ComponentKind::Param, &name, value);
            }
        }
    }

    /// A file parameter counts by content, as an input; its path does not matter.
    fn is_file_param(&self, name: &str) -> bool {
        self.kernel.is_some_and(|kernel| {
            kernel.params.iter().any(|p| p.name == name && p.kind == ParamKind::File)
        })
    }

    fn env(&self, sink: &mut dyn Sink) {
        for variable in &self.graph.rule(self.action).env {
            match variable {
                EnvVar::Passed { name, value: Some(value) } => {
                    sink.text(ComponentKind::Env, name, &shown_value(name, value));
                }
                EnvVar::Passed { name, value: None } => {
                    sink.text(ComponentKind::Env, name, UNSET);
                }
                EnvVar::Set { name, value } => {
                    let value = self.with_items(value);
                    sink.text(ComponentKind::Env, name, &shown_value(name, &value));
                }
            }
        }
    }

    fn inputs(&self, sink: &mut dyn Sink) {
        let there = self.graph.inputs(self.action).filter_map(|(role, artifact)| {
            (self.digest_of)(artifact).map(|digest| (role, artifact, digest))
        });
        for (at, (role, artifact, digest)) in there.enumerate() {
            let path = self.graph.path(artifact);
            let name = match self.kernel {
                Some(kernel) if kernel.inputs.iter().any(|p| p.role == role && p.named) => {
                    format!("{role}:{at}:{}", path.rsplit('/').next().unwrap_or(path))
                }
                Some(_) => format!("{role}:{at}"),
                None => format!("{role}:{}", logical_name(path)),
            };
            sink.content(&name, path, &digest);
        }
        if self.kernel.is_some_and(|kernel| kernel.has_input(ABSENT_ROLE)) {
            let lacking = self.graph.inputs(self.action).map(|(_, artifact)| artifact);
            for artifact in lacking.filter(|artifact| (self.digest_of)(*artifact).is_none()) {
                let name = format!("lack of {}", logical_name(self.graph.path(artifact)));
                sink.text(ComponentKind::Input, &name, "");
            }
        }
    }

    fn outputs(&self, sink: &mut dyn Sink) {
        for (role, artifact) in self.graph.outputs(self.action) {
            let path = self.graph.path(artifact);
            let kind = if self.graph.is_directory(artifact) { "directory" } else { "file" };
            let name = match self.kernel {
                Some(_) => {
                    path.rsplit('/').next().and_then(|n| n.rsplit_once('.')).map_or("", |n| n.1)
                }
                None => logical_name(path),
            };
            sink.text(ComponentKind::Output, role, &format!("{kind} {name}"));
        }
    }
}

/// How an unset variable is written; no value can be mistaken for it, because values with a
/// leading null character do not exist.
const UNSET: &str = "\0unset";

/// The name a command sees, without what differs between machines: paths outside the project
/// count by their file name alone.
pub fn logical_name(path: &str) -> &str {
    if path.starts_with('/') { path.rsplit('/').next().unwrap_or(path) } else { path }
}

/// A variable's value as it may be kept: what looks like a secret only as a digest.
fn shown_value(name: &str, value: &str) -> String {
    const SECRET_WORDS: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "_KEY"];
    let name = name.to_uppercase();
    if SECRET_WORDS.iter().any(|word| name.contains(word)) {
        format!("digest {}", Digest::of(value.as_bytes()))
    } else {
        value.to_owned()
    }
}
