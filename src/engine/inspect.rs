//! Looks at a project without the lock, for `plan`, `why`, `status`, `list`, `graph`, `check`:
//! nothing is run, nothing is recorded, a build may be under way.

use crate::engine::error::EngineError;
use crate::engine::facts::HashProgress;
use crate::engine::load::{self, Loaded, Question};
use crate::engine::project::{Project, Request};
use crate::engine::survey::{Records, Scope, Survey, survey};
use crate::fsio::tree::Tree;
use crate::graph::{self, ActionId};
use crate::store::history::History;

/// A project as it stands.
pub struct Inspection {
    pub tree: Tree,
    pub loaded: Loaded,
    /// What was asked for.
    pub wanted: Vec<ActionId>,
    pub survey: Survey,
    pub history: History,
}

/// Opens a project's directory.
pub(super) fn open_tree(project: &Project) -> Result<Tree, EngineError> {
    Tree::open(&project.root).map_err(|source| EngineError::Stat {
        path: project.root.to_string_lossy().into_owned(),
        source,
    })
}

/// Loads a project's graph without judging anything.
///
/// # Errors
/// Diagnostics of the recipe, or trouble with files.
pub fn graph(project: &Project, question: &Question) -> Result<Loaded, EngineError> {
    load::load(project, &open_tree(project)?, question)
}

/// The past of a project, as the journal tells it.
///
/// # Errors
/// A journal that cannot be read.
pub fn history(project: &Project) -> Result<History, EngineError> {
    Ok(History::read(&project.state)?)
}

/// Judges what the request asks for.
///
/// # Errors
/// Diagnostics of the recipe, unknown targets, missing sources, or trouble with files.
pub fn inspect(
    project: &Project,
    request: &Request,
    question: &Question,
    progress: HashProgress,
) -> Result<Inspection, EngineError> {
    let tree = open_tree(project)?;
    let loaded = load::load(project, &tree, question)?;
    let in_project = |typed: &str| project.in_project(&request.directory, typed);
    let wanted = graph::select(&loaded.graph, &request.targets, &in_project)?;
    let history = history(project)?;
    let scope = Scope {
        project,
        tree: &tree,
        loaded: &loaded,
        kernels: question.kernels,
        wanted: &wanted,
        forced: request.force,
        progress,
    };
    let survey = survey(&scope, || Ok(&history as &dyn Records))?;
    Ok(Inspection { tree, loaded, wanted, survey, history })
}
