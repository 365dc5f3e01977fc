//! Removes outputs, but only those that are as a build made them.

use crate::engine::build::Observer;
use crate::engine::error::EngineError;
use crate::engine::inspect::{history, open_tree};
use crate::engine::load::{self, Question};
use crate::engine::lock;
use crate::engine::project::{Project, Request};
use crate::graph;
use crate::model::stamp::Kind;

/// What `clean` did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Outputs removed, with their sizes in bytes.
    pub removed: Vec<(String, u64)>,
    /// Outputs that somebody changed, or that no build made: they stay.
    pub kept: Vec<String>,
}

/// Removes the outputs of the targets, not those of what they need. With `dry_run` it only says
/// so. Outputs without a record or with another content than recorded stay unless the request
/// forces it.
///
/// # Errors
/// Diagnostics of the recipe, unknown targets, a lock held by another build, or trouble with files.
pub fn clean(
    project: &Project,
    request: &Request,
    question: &Question,
    (dry_run, observer): (bool, &mut dyn Observer),
) -> Result<Cleaned, EngineError> {
    let tree = open_tree(project)?;
    lock::prepare_state(&tree, project)?;
    let _lock = lock::acquire(project, request, observer)?;
    let loaded = load::load(project, &tree, question)?;
    let in_project = |typed: &str| project.in_project(&request.directory, typed);
    let wanted = graph::select(&loaded.graph, &request.targets, &in_project)?;
    let history = history(project)?;
    let mut cleaned = Cleaned::default();
    for action in wanted {
        let record = history.latest(loaded.graph.target(action))?;
        for (_, artifact) in loaded.graph.outputs(action) {
            let path = loaded.graph.path(artifact);
            if tree.kind(path).unwrap_or(Kind::Missing) == Kind::Missing {
                continue;
            }
            let (digest, stamp) = tree.digest(path, &|_| ())?;
            let made = record.iter().flat_map(|r| &r.outputs).find(|made| made.path == path);
            if !request.force && made.is_none_or(|made| made.digest != digest) {
                cleaned.kept.push(path.to_owned());
                continue;
            }
            if !dry_run {
                tree.remove(path)?;
            }
            cleaned.removed.push((path.to_owned(), stamp.size));
        }
    }
    Ok(cleaned)
}
