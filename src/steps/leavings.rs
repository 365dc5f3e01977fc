//! What a step that fails leaves behind: files that it began are removed, because a part of an
//! output looks like the whole.

use std::fs::{Metadata, symlink_metadata};
use std::path::PathBuf;

use crate::model::step::StepSpec;

/// The output paths of a step as they were before it ran.
pub struct Leavings {
    before: Vec<(PathBuf, Option<Metadata>)>,
}

impl Leavings {
    /// Looks at the outputs of a step that is about to run.
    pub fn before(spec: &StepSpec) -> Leavings {
        let look = |(_, path): &(String, String)| (path.into(), symlink_metadata(path).ok());
        Leavings { before: spec.outputs.iter().map(look).collect() }
    }

    /// Removes the output files that have changed since. Directories stay, as they may hold what
    /// others put there; so do devices, links, and files of an earlier step that were not reached.
    pub fn remove(&self) {
        for (path, before) in &self.before {
            let Ok(now) = symlink_metadata(path) else { continue };
            let same = |before: &Metadata| {
                before.len() == now.len() && before.modified().ok() == now.modified().ok()
            };
            if now.is_file() && !before.as_ref().is_some_and(same) {
                // The error of the step matters more than one of tidying up behind it.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::value::Value;

    #[test]
    fn only_files_that_were_begun_are_removed() {
        let space = tempfile::tempdir().unwrap();
        let path = |name: &str| space.path().join(name);
        std::fs::write(path("old"), "an earlier step's").unwrap();
        std::fs::write(path("overwritten"), "an earlier step's as well").unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        std::fs::write(path("directory/other"), "somebody's").unwrap();
        let names = ["old", "overwritten", "new", "absent", "directory"];
        let output = |name: &str| (String::new(), path(name).display().to_string());
        let spec = StepSpec {
            kernel: "test.kernel".to_owned(),
            params: Value::Map(BTreeMap::new()),
            item: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: names.map(output).to_vec(),
            cores: 1,
            progress: None,
        };
        let leavings = Leavings::before(&spec);
        std::fs::write(path("overwritten"), "half").unwrap();
        std::fs::write(path("new"), "half").unwrap();
        leavings.remove();
        let exists = names.map(|name| path(name).exists());
        assert_eq!(exists, [true, false, false, false, true]);
        assert!(path("directory/other").exists());
    }
}
