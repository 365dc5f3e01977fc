//! The questions that pure rooms may ask about the outside, and nothing else.

use std::io;
use std::sync::Arc;

use crate::model::pattern::Pattern;
use crate::model::stamp::Kind;

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
