//! From a recipe to a graph, or straight to the graph of the last evaluation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::error::EngineError;
use crate::engine::project::Project;
use crate::engine::sources::{Answer, Asked, Recorder};
use crate::fsio::clock::FsClock;
use crate::fsio::tree::Tree;
use crate::graph::{self, Graph};
use crate::model::declare::Declarations;
use crate::model::diagnostic::{Diagnostic, Diagnostics};
use crate::model::digest::{Digest, Encoder};
use crate::model::sources::Sources;
use crate::model::step::KernelInfo;
use crate::store::blob::{self, BlobKind, Durability};

/// What evaluating a recipe gives: declarations and warnings.
pub type Evaluated = Result<(Declarations, Vec<Diagnostic>), Diagnostics>;

/// Everything a graph is made from, besides the files it names.
pub struct Question<'q> {
    /// The recipe's path as the user names it.
    pub recipe: &'q str,
    /// `--set` values in the order given.
    pub sets: &'q [(String, String)],
    pub kernels: &'q [KernelInfo],
    /// The caller's environment.
    pub env: &'q BTreeMap<String, String>,
    /// Evaluates the recipe; the engine itself knows no script language.
    pub evaluate: &'q dyn Fn(&dyn Sources) -> Evaluated,
}

/// A graph ready to be judged.
pub struct Loaded {
    pub graph: Graph,
    /// Digest of the graph and of what its actions mean to this program, kernel versions included:
    /// what was fresh under one identity is fresh under an equal one.
    pub identity: Digest,
    pub warnings: Vec<Diagnostic>,
    /// True when no script was evaluated.
    pub cached: bool,
    pub took: Duration,
}

/// The compiled graph of the last evaluation.
const KIND: BlobKind = BlobKind { name: "attpc graph", version: 3 };

#[derive(Serialize, Deserialize)]
struct Cached {
    /// See [`identity_of`].
    asked: Digest,
    answers: Vec<Answer>,
    warnings: Vec<Diagnostic>,
}

/// Loads the graph: from the cache when everything that evaluation asked still has the same
/// answer, else by evaluating the recipe.
///
/// # Errors
/// Diagnostics of the recipe, or trouble with files.
pub fn load(project: &Project, tree: &Tree, question: &Question) -> Result<Loaded, EngineError> {
    let started = Instant::now();
    let asked = identity_of(question);
    if let Some(loaded) = from_cache(project, tree, question, &asked) {
        return Ok(Loaded { took: started.elapsed(), ..loaded });
    }
    let clock = FsClock::probe(&project.state).ok();
    let recorder = Recorder::new(tree, clock.as_ref(), question.env);
    let (declarations, warnings) = (question.evaluate)(&recorder)?;
    let graph = graph::build(declarations, &recorder)?;
    let answers = recorder.into_answers();
    outputs_are_not_sources(&graph, question, &answers)?;
    let encoded = postcard::to_stdvec(&graph).expect("a graph can always be encoded");
    let cached = Cached { asked, answers, warnings };
    cached.write(project, tree, &encoded);
    Ok(Loaded {
        graph,
        identity: identity(&cached.asked, &encoded),
        warnings: cached.warnings,
        cached: false,
        took: started.elapsed(),
    })
}

/// Refuses rules that would write a file from which the recipe itself is read.
fn outputs_are_not_sources(
    graph: &Graph,
    question: &Question,
    answers: &[Answer],
) -> Result<(), Diagnostics> {
    let mut read: Vec<&str> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::File { path, .. } => Some(path.as_str()),
            _ => None,
        })
        .collect();
    read.extend([question.recipe, "attpc.toml"]);
    let written = graph.artifacts().find_map(|artifact| {
        let action = graph.producer(artifact)?;
        read.contains(&graph.path(artifact)).then_some((artifact, action))
    });
    let Some((artifact, action)) = written else { return Ok(()) };
    let rule = graph.rule(action);
    let path = graph.path(artifact);
    let message =
        format!("rule `{}` would write `{path}`, from which this recipe is read", rule.name);
    Err(Diagnostic::error(message).at(rule.span_of("output")).hint("give it another output").into())
}

impl Cached {
    /// Writes the cache: this, then the graph. Readers of a project whose state they may not
    /// write go without it.
    fn write(&self, project: &Project, tree: &Tree, graph: &[u8]) {
        let mut bytes = postcard::to_stdvec(self).expect("answers can always be encoded");
        bytes.extend_from_slice(graph);
        let path = project.shown(&project.graph_cache());
        let _ = blob::write(tree, &path, (KIND, &bytes), Durability::Lazy);
    }
}

/// See [`Loaded::identity`].
fn identity(asked: &Digest, encoded: &[u8]) -> Digest {
    let mut encoder = Encoder::new("attpc graph identity v1");
    encoder.digest(asked);
    encoder.digest(&Digest::of(encoded));
    encoder.finish()
}

fn from_cache(
    project: &Project,
    tree: &Tree,
    question: &Question,
    asked: &Digest,
) -> Option<Loaded> {
    let bytes = blob::read(tree, &project.shown(&project.graph_cache()), KIND)?;
    // The digest of the question comes first, so that another question reads no further.
    let (found, _) = postcard::take_from_bytes::<Digest>(&bytes).ok()?;
    if found != *asked {
        return None;
    }
    let (mut cached, encoded) = postcard::take_from_bytes::<Cached>(&bytes).ok()?;
    let graph: Graph = postcard::from_bytes(encoded).ok()?;
    let clock = FsClock::probe(&project.state).ok();
    let recorder = Recorder::new(tree, clock.as_ref(), question.env);
    match recorder.ask_again(&cached.answers) {
        Asked::Changed => return None,
        Asked::Same => {}
        Asked::SameButTouched(answers) => {
            cached.answers = answers;
            cached.write(project, tree, encoded);
        }
    }
    Some(Loaded {
        graph,
        identity: identity(asked, encoded),
        warnings: cached.warnings,
        cached: true,
        took: Duration::ZERO,
    })
}

/// What the cache is keyed by besides its answers: the program, the recipe's name, the `--set`s
/// and the kernels with their versions and parameters.
fn identity_of(question: &Question) -> Digest {
    let mut encoder = Encoder::new("attpc graph cache v1");
    encoder.text(env!("CARGO_PKG_VERSION"));
    encoder.text(question.recipe);
    for (name, value) in question.sets {
        encoder.text(name);
        encoder.text(value);
    }
    let kernels = serde_json::to_vec(question.kernels).expect("kernel tables are plain data");
    encoder.raw(&kernels);
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_kernel_version_is_another_identity_of_the_same_graph() {
        let space = tempfile::tempdir().unwrap();
        std::fs::create_dir(space.path().join(".attpc")).unwrap();
        let project = Project::at(space.path().to_owned());
        let tree = Tree::open(space.path()).unwrap();
        let env = BTreeMap::new();
        let identity_with = |version: u32| {
            let kernel = KernelInfo {
                name: "test.kernel",
                version,
                summary: "",
                inputs: Vec::new(),
                outputs: Vec::new(),
                params: Vec::new(),
                item_names: &[],
            };
            let question = Question {
                recipe: "recipe.rhai",
                sets: &[],
                kernels: &[kernel],
                env: &env,
                evaluate: &|_| Ok((Declarations::default(), Vec::new())),
            };
            let loaded = load(&project, &tree, &question).unwrap();
            (loaded.identity, loaded.cached)
        };
        let (first, cached) = identity_with(1);
        assert!(!cached);
        assert_eq!(identity_with(1), (first, true));
        let (second, cached) = identity_with(2);
        assert!(!cached && second != first);
    }
}
