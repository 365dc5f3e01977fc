//! Fills command templates with the paths of one attempt.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::graph::{ActionId, ArtifactId, Graph};
use crate::model::declare::{Command, EnvVar, RuleDecl};
use crate::model::resources::Resources;
use crate::model::template::{Piece, Template, pad};
use crate::model::text::shell_quote;
use crate::model::value::Value;

/// Everything a placeholder of one attempt can mean.
pub(super) struct Meaning<'m> {
    pub(super) graph: &'m Graph,
    pub(super) action: ActionId,
    /// Private path of each output, in the order of the graph's outputs.
    pub(super) outputs: &'m [String],
    /// What the action was admitted with, which may be less than it asked for.
    pub(super) resources: &'m Resources,
    /// Inputs that could not be made and that the action does without.
    pub(super) absent: &'m BTreeSet<ArtifactId>,
}

/// Roles of inputs that a command names otherwise than by `{input}`.
fn is_implicit(role: &str) -> bool {
    role == "script" || role.starts_with("params.")
}

impl Meaning<'_> {
    fn rule(&self) -> &RuleDecl {
        self.graph.rule(self.action)
    }

    /// The words that a placeholder stands for; `None` for a name that means nothing here.
    pub(super) fn words(&self, name: &str) -> Option<Vec<String>> {
        let one = |text: String| Some(vec![text]);
        if let Some(value) = self.graph.item_value(self.action, name) {
            return one(value.bare());
        }
        match name.split_once('.') {
            None if name == "input" => Some(self.inputs(None)),
            None if name == "output" => Some(self.outputs.to_vec()),
            Some(("input", role)) => Some(self.inputs(Some(role))).filter(|w| !w.is_empty()),
            Some(("output", role)) => Some(self.outputs_of(role)).filter(|w| !w.is_empty()),
            Some(("params", path)) => self.param(path),
            Some(("resources", what)) => self.resource(what).map(|text| vec![text]),
            _ => None,
        }
    }

    fn inputs(&self, role: Option<&str>) -> Vec<String> {
        let inputs = self.graph.inputs(self.action).filter(|(r, _)| match role {
            Some(role) => *r == role,
            None => !is_implicit(r),
        });
        inputs
            .filter(|(_, artifact)| !self.absent.contains(artifact))
            .map(|(_, artifact)| self.graph.path(artifact).to_owned())
            .collect()
    }

    fn outputs_of(&self, role: &str) -> Vec<String> {
        let outputs = self.graph.outputs(self.action).zip(self.outputs);
        outputs.filter(|((r, _), _)| *r == role).map(|(_, path)| path.clone()).collect()
    }

    fn param(&self, path: &str) -> Option<Vec<String>> {
        let params = self.rule().params.at(self.graph.item(self.action));
        Some(match params.values.at(path)? {
            Value::List(items) => items.iter().map(Value::bare).collect(),
            value => vec![value.bare()],
        })
    }

    fn resource(&self, what: &str) -> Option<String> {
        match what {
            "cores" => Some(self.resources.cores.to_string()),
            "gpus" => Some(self.resources.gpus.to_string()),
            "memory" => self.resources.memory.map(|bytes| bytes.to_string()),
            "time" => self.resources.time.map(|time| time.as_secs().to_string()),
            _ => {
                let pool = what.strip_prefix("pools.")?;
                self.resources.pools.get(pool).map(u32::to_string)
            }
        }
    }

    /// The words of one `argv` entry: a list placeholder standing alone becomes several words.
    fn argv_words(&self, template: &Template) -> Result<Vec<String>, String> {
        if let [Piece::Placeholder { name, width }] = template.pieces.as_slice() {
            let words = self.words(name).ok_or_else(|| name.clone())?;
            return Ok(words.into_iter().map(|word| pad(word, *width)).collect());
        }
        self.text(template).map(|word| vec![word])
    }

    /// A text with lists joined by blanks.
    pub(super) fn text(&self, template: &Template) -> Result<String, String> {
        template.fill(|name| self.words(name).map(|words| words.join(" ")))
    }

    /// A text for a shell: every filled value is quoted.
    pub(super) fn shell(&self, template: &Template) -> Result<String, String> {
        template.fill(|name| {
            let words = self.words(name)?;
            let quoted: Vec<String> = words.iter().map(|word| shell_quote(word)).collect();
            Some(quoted.join(" "))
        })
    }

    /// The words of the action's command; for kernels there are none.
    ///
    /// # Errors
    /// The name of a placeholder that means nothing.
    pub(super) fn command(&self) -> Result<Vec<String>, String> {
        let all = |words: &[Template]| -> Result<Vec<String>, String> {
            let words: Vec<Vec<String>> =
                words.iter().map(|word| self.argv_words(word)).collect::<Result<_, _>>()?;
            Ok(words.concat())
        };
        match &self.rule().command {
            Command::Kernel(_) => Ok(Vec::new()),
            Command::Argv(argv) => all(argv),
            // With -e a failing line fails the action instead of being passed over.
            Command::Shell(text) => {
                Ok(vec!["/bin/sh".to_owned(), "-e".to_owned(), "-c".to_owned(), self.shell(text)?])
            }
            Command::Script { path, args } => {
                let mut words = interpreter(path);
                words.push(if path.contains('/') { path.clone() } else { format!("./{path}") });
                words.extend(all(args)?);
                Ok(words)
            }
        }
    }

    /// The environment variables that the rule declares, with their values.
    pub(super) fn declared_env(&self) -> Result<Vec<(OsString, OsString)>, String> {
        let mut env = Vec::new();
        for variable in &self.rule().env {
            match variable {
                EnvVar::Passed { name, value: Some(value) } => {
                    env.push((name.into(), value.into()));
                }
                EnvVar::Passed { value: None, .. } => {}
                EnvVar::Set { name, value } => env.push((name.into(), self.text(value)?.into())),
            }
        }
        Ok(env)
    }
}

/// The program for a script by its ending; a script with another ending must be executable.
fn interpreter(path: &str) -> Vec<String> {
    let words: &[&str] = match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "py" => &["python3"],
        "sh" => &["/bin/sh", "-e"],
        "R" | "r" => &["Rscript"],
        "jl" => &["julia"],
        "pl" => &["perl"],
        _ => &[],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}
