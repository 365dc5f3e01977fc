//! Texts with placeholders: command lines and paths before their values are known.
//!
//! `{name}` and `{input.cloud}` are placeholders, `{name:04}` pads a whole number with zeros, and
//! `{{` and `}}` are braces.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Piece {
    Literal(String),
    Placeholder {
        /// Dotted name without braces: `run`, `input.cloud`, `params.a.b`.
        name: String,
        /// Zero-padded width of `{run:04}`.
        width: Option<u8>,
    },
}

/// A parsed text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template {
    pub pieces: Vec<Piece>,
}

/// A template that cannot be read. `at` is the byte offset of the spot in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{` without a closing `}}`")]
    Unclosed { at: usize },
    #[error("`}}` without an opening `{{`")]
    Unopened { at: usize },
    #[error("`{{{text}}}` is not a placeholder")]
    BadName { at: usize, text: String },
    #[error("`{{{text}}}` has a width that is not of the form 04")]
    BadWidth { at: usize, text: String },
}

impl TemplateError {
    /// Byte offset of the spot in the template's text.
    pub fn at(&self) -> usize {
        match self {
            TemplateError::Unclosed { at }
            | TemplateError::Unopened { at }
            | TemplateError::BadName { at, .. }
            | TemplateError::BadWidth { at, .. } => *at,
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            TemplateError::Unclosed { .. } | TemplateError::Unopened { .. } => {
                "write `{{` or `}}` for a brace that is meant as text"
            }
            TemplateError::BadName { .. } => {
                "a placeholder is a name such as `{run}`, `{input.cloud}` or `{params.a.b}`"
            }
            TemplateError::BadWidth { .. } => "write `{run:04}` for a number padded to four digits",
        }
    }
}

impl Template {
    /// Parses a text with placeholders.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let at = text.len() - rest.len();
            match c {
                '{' if rest.starts_with("{{") => {
                    literal.push('{');
                    rest = &rest[2..];
                }
                '}' if rest.starts_with("}}") => {
                    literal.push('}');
                    rest = &rest[2..];
                }
                '}' => return Err(TemplateError::Unopened { at }),
                '{' => {
                    let end = rest.find('}').ok_or(TemplateError::Unclosed { at })?;
                    let placeholder = parse_placeholder(&rest[1..end], at)?;
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(placeholder);
                    rest = &rest[end + 1..];
                }
                _ => {
                    literal.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Template { pieces })
    }

    /// The dotted names of all placeholders, in order, with repetitions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder { name, .. } => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// Fills every placeholder by asking `value`; the first `None` is returned as an error with the
    /// placeholder's name.
    pub fn fill(&self, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Placeholder { name, width } => {
                    let filled = value(name).ok_or_else(|| name.clone())?;
                    text.push_str(&pad(filled, *width));
                }
            }
        }
        Ok(text)
    }
}

/// Pads a whole number with zeros; other texts stay as they are.
pub fn pad(text: String, width: Option<u8>) -> String {
    match width {
        Some(width) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{text:0>width$}", width = usize::from(width))
        }
        _ => text,
    }
}

fn parse_placeholder(inside: &str, at: usize) -> Result<Piece, TemplateError> {
    let (name, width) = match inside.split_once(':') {
        None => (inside, None),
        Some((name, width)) => {
            let digits = width.strip_prefix('0').and_then(|w| w.parse::<u8>().ok());
            let ok = digits.filter(|w| (1..=20).contains(w));
            let bad = || TemplateError::BadWidth { at, text: inside.to_owned() };
            (name, Some(ok.ok_or_else(bad)?))
        }
    };
    if is_dotted_name(name) {
        Ok(Piece::Placeholder { name: name.to_owned(), width })
    } else {
        Err(TemplateError::BadName { at, text: inside.to_owned() })
    }
}

/// True for names such as `run`, `input.cloud`, `params.a.0`.
fn is_dotted_name(name: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    let starts_well = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    starts_well && name.split('.').all(word)
}

impl fmt::Display for Template {
    /// The text as a user would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => {
                    f.write_str(&text.replace('{', "{{").replace('}', "}}"))?;
                }
                Piece::Placeholder { name, width: None } => write!(f, "{{{name}}}")?,
                Piece::Placeholder { name, width: Some(width) } => {
                    write!(f, "{{{name}:0{width}}}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_was_written() {
        for text in ["raw/run_{run:04}.h5", "a {{literal}} {input.cloud}", "plain", ""] {
            assert_eq!(Template::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_templates_name_the_spot() {
        let at = |text: &str| Template::parse(text).unwrap_err().at();
        assert_eq!(at("raw/{run"), 4);
        assert_eq!(at("raw/run}"), 7);
        assert_eq!(at("raw/{ru n}"), 4);
        assert_eq!(at("raw/{run:4}"), 4);
    }

    #[test]
    fn widths_pad_numbers_only() {
        let fill = |text: &str, value: &str| {
            Template::parse(text).unwrap().fill(|_| Some(value.to_owned())).unwrap()
        };
        assert_eq!(fill("{run:04}", "17"), "0017");
        assert_eq!(fill("{run:04}", "calib"), "calib");
        assert_eq!(fill("{run}", "17"), "17");
    }
}
