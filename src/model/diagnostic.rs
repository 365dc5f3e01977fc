//! Messages that point at a spot in a user's file, and their text form.
//!
//! A diagnostic is a value: rooms make it, `cli` prints it. Rendering is pure; whoever renders
//! passes a function that gives the text of a file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing can be built.
    Error,
    /// The build goes on.
    Warning,
}

/// One message with its place, what belongs to it elsewhere, and what to do.
///
/// Small enough to be the error of a `Result` without a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Lower-case fragment with values in backticks and no full stop.
    pub message: String,
    /// The spot to underline.
    pub span: Option<Span>,
    /// Words beside the underline.
    pub label: Option<Box<str>>,
    /// Other places that matter, each with its words.
    pub notes: Vec<(Span, String)>,
    /// What to write instead.
    pub hint: Option<Box<str>>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            span: None,
            label: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message) }
    }

    /// The same message pointing at a spot.
    pub fn at(mut self, span: &Span) -> Self {
        self.span = Some(span.clone());
        self
    }

    /// The same message with words beside the underline.
    pub fn label(mut self, label: impl Into<Box<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same message with another place that matters.
    pub fn note(mut self, span: &Span, words: impl Into<String>) -> Self {
        self.notes.push((span.clone(), words.into()));
        self
    }

    /// The same message with what to write instead.
    pub fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message as people read it, with an excerpt of each file that `text_of` can give.
    /// Lines end with a newline.
    pub fn render(&self, text_of: &dyn Fn(&str) -> Option<String>) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut text = format!("{word}: {}\n", printable(&self.message));
        if let Some(span) = &self.span {
            text.push_str(&excerpt(span, self.label.as_deref(), text_of));
        }
        for (span, words) in &self.notes {
            text.push_str(&format!("note: {}\n", printable(words)));
            text.push_str(&excerpt(span, None, text_of));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {}\n", printable(hint)));
        }
        text
    }
}

/// Everything found wrong in one go; at least one of them is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// All messages as people read them, a blank line between two.
    pub fn render(&self, text_of: &dyn Fn(&str) -> Option<String>) -> String {
        let texts: Vec<String> = self.0.iter().map(|each| each.render(text_of)).collect();
        texts.join("\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    /// The messages alone, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            let separator = if at > 0 { "; " } else { "" };
            write!(f, "{separator}{}", diagnostic.message)?;
            if let Some(span) = &diagnostic.span {
                write!(f, " ({span})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Characters of a source line that are shown at most, so that a file without line breaks does
/// not flood the screen.
const LINE_LIMIT: usize = 140;

/// Characters kept before the underlined spot when a line must be cut.
const LEAD: usize = 60;

/// The place, and the line it stands on with the spot underlined.
fn excerpt(span: &Span, label: Option<&str>, text_of: &dyn Fn(&str) -> Option<String>) -> String {
    let line = (span.line > 0)
        .then(|| text_of(&span.file))
        .flatten()
        .and_then(|text| text.lines().nth(span.line as usize - 1).map(str::to_owned));
    let Some(line) = line else {
        let label = label.map_or(String::new(), |label| format!(" {}", printable(label)));
        return format!("  --> {}{label}\n", printable(&span.to_string()));
    };
    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, underline) = underlined(&line, span);
    let mut text = format!("{margin}--> {}\n", printable(&span.to_string()));
    text.push_str(&format!("{margin} |\n{}\n", format!("{number} | {shown}").trim_end()));
    let label = label.map_or(String::new(), |label| format!(" {}", printable(label)));
    if !underline.is_empty() || !label.is_empty() {
        let underline = if underline.is_empty() { underline } else { format!(" {underline}") };
        text.push_str(&format!("{margin} |{underline}{label}\n"));
    }
    text
}

/// The line as shown and the underline beneath it, cut around the spot when the line is long.
fn underlined(line: &str, span: &Span) -> (String, String) {
    let chars: Vec<char> = line.chars().collect();
    let at = (span.column as usize).saturating_sub(1).min(chars.len());
    let from = if chars.len() > LINE_LIMIT { at.saturating_sub(LEAD) } else { 0 };
    let to = chars.len().min(from + LINE_LIMIT);
    let show = |part: &[char]| printable(&part.iter().collect::<String>());
    let (lead, tail) =
        (if from > 0 { "... " } else { "" }, if to < chars.len() { " ..." } else { "" });
    let shown = format!("{lead}{}{tail}", show(&chars[from..to]));
    if span.column == 0 {
        return (shown, String::new());
    }
    let before = lead.len() + show(&chars[from..at]).chars().count();
    let end = (at + (span.length as usize).max(1)).min(to).max(at);
    let marks = show(&chars[at..end]).chars().count().max(1);
    (shown, format!("{}{}", " ".repeat(before), "^".repeat(marks)))
}

/// Text that cannot move the cursor or hide anything: tabs become spaces, other control
/// characters their escapes.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push_str("    "),
            '\n' => shown.push('\n'),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(diagnostic: &Diagnostic, text: &str, expected: &str) {
        let shown = diagnostic.render(&|file| (file == "recipe.rhai").then(|| text.to_owned()));
        assert_eq!(shown, expected, "\n{shown}");
    }

    #[test]
    fn a_spot_is_underlined_with_its_label_notes_and_hint() {
        let lines = "rule(\"a\", #{\n\touput: \"x\",\n});";
        check(
            &Diagnostic::error("rule `a` has no key `ouput`")
                .at(&Span::new("recipe.rhai", 2, 2, 5))
                .label("not a key of a rule")
                .note(&Span::new("recipe.rhai", 1, 1, 4), "the rule begins here")
                .note(&Span::new("params.toml", 3, 1, 1), "the value is written here")
                .hint("did you mean `output`?"),
            lines,
            concat!(
                "error: rule `a` has no key `ouput`\n",
                " --> recipe.rhai:2:2\n",
                "  |\n",
                "2 |     ouput: \"x\",\n",
                "  |     ^^^^^ not a key of a rule\n",
                "note: the rule begins here\n",
                " --> recipe.rhai:1:1\n",
                "  |\n",
                "1 | rule(\"a\", #{\n",
                "  | ^^^^\n",
                "note: the value is written here\n",
                "  --> params.toml:3:1\n",
                "hint: did you mean `output`?\n",
            ),
        );
    }

    #[test]
    fn a_place_may_be_a_line_a_file_or_nothing() {
        check(&Diagnostic::warning("odd"), "", "warning: odd\n");
        check(
            &Diagnostic::error("bad").at(&Span::file("recipe.rhai")),
            "x",
            "error: bad\n  --> recipe.rhai\n",
        );
        check(
            &Diagnostic::error("bad").at(&Span::new("recipe.rhai", 1, 0, 0)),
            "x y",
            "error: bad\n --> recipe.rhai:1\n  |\n1 | x y\n",
        );
    }

    #[test]
    fn the_end_of_a_line_can_be_underlined_and_control_characters_cannot_escape() {
        check(
            &Diagnostic::error("unexpected end").at(&Span::new("recipe.rhai", 1, 3, 1)),
            "\u{1b}[",
            concat!(
                "error: unexpected end\n",
                " --> recipe.rhai:1:3\n",
                "  |\n",
                "1 | \\u{1b}[\n",
                "  |        ^\n",
            ),
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_spot() {
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = Diagnostic::error("here")
            .at(&Span::new("recipe.rhai", 1, 501, 1))
            .render(&|_| Some(line.clone()));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[3].chars().count(), 4 + 4 + LINE_LIMIT + 4);
        assert_eq!(lines[3].find('X'), lines[4].find('^'));
    }
}
