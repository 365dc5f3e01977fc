//! The questions that pure rooms may ask about the outside, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use crate::model::pattern::Pattern;
use crate::model::stamp::Kind;
use crate::model::text::natural_cmp;

/// What evaluation and graph building may ask of the project. Whoever implements it records each
/// question and answer, because the graph stays valid exactly as long as the answers do.
pub trait Sources {
    /// The bytes of a file, by project-relative or absolute path.
    fn read(&self, path: &str) -> io::Result<Arc<[u8]>>;

    /// Paths of files and directories that match a pattern, in natural order. Directories that
    /// do not exist give nothing.
    fn list(&self, pattern: &Pattern) -> io::Result<Vec<String>>;

    /// What stands at a path.
    fn kind(&self, path: &str) -> Kind;

    /// The caller's environment variable.
    fn env(&self, name: &str) -> Option<String>;
}

/// A project held in memory, for tests: files by path, directories implied by them.
#[derive(Clone, Debug, Default)]
pub struct MemorySources {
    files: BTreeMap<String, Arc<[u8]>>,
    env: BTreeMap<String, String>,
}

impl MemorySources {
    /// An empty project and an empty environment.
    pub fn new() -> Self {
        MemorySources::default()
    }

    /// The same project with one more file.
    pub fn with(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), Arc::from(content.as_ref()));
        self
    }

    /// The same project with one more environment variable.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same project without a file.
    pub fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    fn directories(&self) -> BTreeSet<&str> {
        let parents = |path: &'_ str| -> Vec<usize> {
            path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).collect()
        };
        self.files
            .keys()
            .flat_map(|path| parents(path).into_iter().map(move |at| &path[..at]))
            .collect()
    }
}

impl Sources for MemorySources {
    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        self.files.get(path).cloned().ok_or_else(missing)
    }

    fn list(&self, pattern: &Pattern) -> io::Result<Vec<String>> {
        let paths = self.files.keys().map(String::as_str).chain(self.directories());
        let mut found: Vec<String> =
            paths.filter(|path| pattern.captures(path).is_some()).map(str::to_owned).collect();
        found.sort_by(|a, b| natural_cmp(a, b));
        Ok(found)
    }

    fn kind(&self, path: &str) -> Kind {
        if self.files.contains_key(path) {
            Kind::File
        } else if self.directories().contains(path) {
            Kind::Directory
        } else {
            Kind::Missing
        }
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_in_memory_lists_files_and_directories_in_natural_order() {
        let sources = MemorySources::new()
            .with("raw/run_10/a.h5", "")
            .with("raw/run_9/a.h5", "")
            .with("raw/run_8.h5", "");
        let list = |text| sources.list(&Pattern::parse(text).unwrap()).unwrap();
        assert_eq!(list("raw/run_{run}"), ["raw/run_8.h5", "raw/run_9", "raw/run_10"]);
        assert_eq!(list("raw/{run}/a.h5"), ["raw/run_9/a.h5", "raw/run_10/a.h5"]);
        assert_eq!(sources.kind("raw"), Kind::Directory);
        assert_eq!(sources.kind("raw/run_8.h5"), Kind::File);
        assert_eq!(sources.kind("raw/run"), Kind::Missing);
    }
}
