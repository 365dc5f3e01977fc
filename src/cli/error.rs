//! How errors reach a person: kind, words, causes, excerpt, hint; and the exit code.
//!
//! Rooms raise typed errors that know nothing of exit codes. The command that meets one says which
//! [`Kind`] it is and what the user can do.

use std::error::Error;

use crate::model::diagnostic::Diagnostics;
use crate::ui::line::{Label, Line};

/// The classes of trouble a caller can tell apart. The exit codes are public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An action failed.
    Failed,
    /// The command line asks for something that does not exist.
    Usage,
    /// The recipe or the configuration is wrong.
    Recipe,
    /// The site or the machine: files, permissions, disk space.
    Environment,
    /// Another build holds the lock.
    Locked,
    /// Stopped by a signal.
    Interrupted,
    /// Whoever read our output has left; there is nobody to tell.
    ReaderGone,
}

impl Kind {
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::ReaderGone => 0,
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Recipe => 3,
            Kind::Environment => 4,
            Kind::Locked => 5,
            Kind::Interrupted => 130,
        }
    }
}

/// An error on its way to the user.
#[derive(Debug)]
pub struct CliError {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    /// Diagnostics with their excerpts, in place of the message.
    excerpts: Option<String>,
    hints: Vec<String>,
}

impl CliError {
    /// Trouble in our own words.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        CliError { kind, message, causes: Vec::new(), excerpts: None, hints: Vec::new() }
    }

    /// A room's error with the chain of its sources.
    pub fn of(kind: Kind, error: &dyn Error) -> Self {
        let wrapped = CliError::new(kind, error.to_string());
        match error.source() {
            Some(source) => wrapped.caused_by(source),
            None => wrapped,
        }
    }

    /// What is wrong in the recipe or in a file it reads; `text_of` gives the text of such a file.
    pub fn recipe(diagnostics: &Diagnostics, text_of: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut error = CliError::new(Kind::Recipe, String::new());
        error.excerpts = Some(diagnostics.render(text_of));
        error
    }

    /// Output whose reader has left: nothing to say, nothing failed.
    pub fn reader_gone() -> Self {
        CliError::new(Kind::ReaderGone, String::new())
    }

    /// This error with another one and its sources as causes.
    pub fn caused_by(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// This error with one more cause in words.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// This error with a hint that names what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The lines for standard error.
    pub fn present(&self, colour: bool) -> String {
        let mut lines = Vec::new();
        match &self.excerpts {
            Some(text) => lines.extend(text.lines().map(labelled)),
            None if self.kind == Kind::ReaderGone => return String::new(),
            None => lines.push(lead(Label::Error, "error", &self.message)),
        }
        lines.extend(self.causes.iter().map(|cause| lead(Label::Quiet, "caused by", cause)));
        lines.extend(self.hints.iter().map(|hint| lead(Label::Hint, "hint", hint)));
        lines.iter().map(|line| line.render(colour) + "\n").collect()
    }
}

fn lead(label: Label, word: &str, text: &str) -> Line {
    Line::new().with(label, word).with(Label::Plain, format!(": {text}"))
}

/// A line of rendered diagnostics, with the word it starts with labelled.
fn labelled(text: &str) -> Line {
    let words = [
        (Label::Error, "error"),
        (Label::Warning, "warning"),
        (Label::Hint, "hint"),
        (Label::Quiet, "note"),
    ];
    for (label, word) in words {
        if let Some(rest) = text.strip_prefix(word).and_then(|rest| rest.strip_prefix(": ")) {
            return lead(label, word, rest);
        }
    }
    Line::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::Diagnostic;
    use crate::model::span::Span;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read `params.toml`")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_and_hints_follow_the_error() {
        let inner = std::io::Error::other("disk on fire");
        let error = CliError::of(Kind::Environment, &Outer(inner)).hint("call for help");
        assert_eq!(
            error.present(false),
            "error: cannot read `params.toml`\ncaused by: disk on fire\nhint: call for help\n"
        );
        assert_eq!(error.exit_code(), 4);
    }

    #[test]
    fn diagnostics_are_shown_with_their_excerpt() {
        let span = Span::new("recipe.rhai", 1, 5, 3);
        let found = Diagnostics::from(Diagnostic::error("no rule named `abc`").at(&span));
        let error = CliError::recipe(&found, &|_| Some("let abc = 1;".to_owned()));
        let text = error.present(false);
        assert!(text.starts_with("error: no rule named `abc`\n"), "{text}");
        assert!(text.contains("recipe.rhai:1:5") && text.contains("^^^"), "{text}");
        assert!(error.present(true).starts_with("\x1b[1;31merror\x1b[0m: no rule"));
        assert_eq!(error.exit_code(), 3);
    }
}
