//! Where in a user's file something was written.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a text file a user wrote. Lines and columns count from one; column counts characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The file as the user names it: relative to the project directory where possible.
    pub file: Arc<str>,
    /// Line, from one; zero when only the file is known.
    pub line: u32,
    /// Column in characters, from one; zero when only the line is known.
    pub column: u32,
    /// Characters to underline, at least one where a column is known.
    pub length: u32,
}

impl Span {
    /// A place known to the character.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32, length: u32) -> Self {
        Span { file: file.into(), line, column, length }
    }

    /// A place of which only the file is known.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Span::new(file, 0, 0, 0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}
