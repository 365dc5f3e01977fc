//! Path patterns: templates read backwards, from a path to what its braces captured.
//!
//! A capture `{run}` takes one or more characters other than `/`; `{run:04}` takes a whole number
//! padded to at least four digits and gives an integer; the same name twice must capture the same
//! text. `*` takes any characters but `/`, `**` any directories.

use serde::{Deserialize, Serialize};

use crate::model::template::{Piece, Template, TemplateError};
use crate::model::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    Literal(String),
    Capture { index: usize, width: Option<u8> },
    Star,
    DoubleStar,
}

/// A path pattern ready for matching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    parts: Vec<Part>,
    names: Vec<String>,
}

impl Pattern {
    /// Parses a pattern; its placeholders become captures.
    pub fn parse(text: &str) -> Result<Pattern, TemplateError> {
        Template::parse(text).map(|template| Pattern::of(&template))
    }

    /// The pattern whose captures are the template's placeholders.
    pub fn of(template: &Template) -> Pattern {
        let mut pattern = Pattern { parts: Vec::new(), names: Vec::new() };
        for piece in &template.pieces {
            match piece {
                Piece::Literal(text) => pattern.push_literal(text),
                Piece::Placeholder { name, width } => {
                    let known = pattern.names.iter().position(|n| n == name);
                    let index = known.unwrap_or_else(|| {
                        pattern.names.push(name.clone());
                        pattern.names.len() - 1
                    });
                    pattern.parts.push(Part::Capture { index, width: *width });
                }
            }
        }
        pattern
    }

    fn push_literal(&mut self, mut text: &str) {
        while !text.is_empty() {
            if let Some(rest) = text.strip_prefix("**/") {
                self.parts.push(Part::DoubleStar);
                text = rest;
            } else if let Some(rest) = text.strip_prefix('*') {
                self.parts.push(Part::Star);
                text = rest;
            } else {
                let end = text.find('*').unwrap_or(text.len());
                self.parts.push(Part::Literal(text[..end].to_owned()));
                text = &text[end..];
            }
        }
    }

    /// Names of the captures, in order of first appearance.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// True when the pattern holds neither captures nor stars: it is one path.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// The path itself, for a pattern that [`Pattern::is_literal`]; captures and stars vanish.
    pub fn literal(&self) -> String {
        let text = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            _ => String::new(),
        };
        self.parts.iter().map(text).collect()
    }

    /// True when the pattern ends with a slash: only directories can match.
    pub fn is_directory(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Literal(text)) if text.ends_with('/'))
    }

    /// True when a name below [`Pattern::root`] is spelt with a leading dot, so that hidden files
    /// are meant.
    pub fn says_hidden(&self) -> bool {
        let root = self.root().len();
        self.parts.iter().enumerate().any(|(index, part)| match part {
            Part::Literal(text) if index == 0 => {
                let below = &text[root..];
                below.contains("/.") || (root == 0 && below.starts_with('.'))
            }
            Part::Literal(text) => text.contains("/."),
            _ => false,
        })
    }

    /// The directory from which a listing must start: everything before the first part that can
    /// vary, up to its last slash. Empty for the project directory itself.
    pub fn root(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text.rfind('/').map_or("", |at| &text[..at.max(1)]),
            _ => "",
        }
    }

    /// How many directory levels below [`Pattern::root`] a match may lie; `None` when any number.
    pub fn depth(&self) -> Option<usize> {
        if self.parts.contains(&Part::DoubleStar) {
            return None;
        }
        let slashes = |part: &Part| match part {
            Part::Literal(text) => text.matches('/').count(),
            _ => 0,
        };
        let below: usize = self.parts.iter().map(slashes).sum();
        let root = match self.root() {
            "" => 0,
            "/" => 1,
            root => root.matches('/').count() + 1,
        };
        Some(below - root + 1)
    }

    /// What the captures took from `path`, in the order of [`Pattern::names`]; `None` when the
    /// path does not match.
    pub fn captures(&self, path: &str) -> Option<Vec<Value>> {
        let mut taken = vec![None; self.names.len()];
        match_parts(&self.parts, path, &mut taken).then(|| {
            let value = |capture: Option<(&str, bool)>| match capture {
                Some((text, true)) => Value::Int(text.parse().expect("checked to be digits")),
                Some((text, false)) => Value::Text(text.to_owned()),
                None => unreachable!("a match fills every capture"),
            };
            taken.into_iter().map(value).collect()
        })
    }
}

/// Matches greedily from the left with backtracking. `taken` holds, per capture, its text and
/// whether it is a padded number.
fn match_parts<'p>(parts: &[Part], path: &'p str, taken: &mut [Option<(&'p str, bool)>]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return path.is_empty();
    };
    match part {
        Part::Literal(text) => {
            path.strip_prefix(text.as_str()).is_some_and(|path| match_parts(rest, path, taken))
        }
        Part::DoubleStar => {
            let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
            starts.into_iter().any(|at| match_parts(rest, &path[at..], taken))
        }
        Part::Star => {
            ends(path).chain(std::iter::once(0)).any(|end| match_parts(rest, &path[end..], taken))
        }
        Part::Capture { index, width } => {
            let before = taken[*index];
            if let Some((text, _)) = before {
                return path.strip_prefix(text).is_some_and(|path| match_parts(rest, path, taken));
            }
            for end in ends(path) {
                let text = &path[..end];
                if width.is_none_or(|width| is_padded(text, width)) {
                    taken[*index] = Some((text, width.is_some()));
                    if match_parts(rest, &path[end..], taken) {
                        return true;
                    }
                    taken[*index] = before;
                }
            }
            false
        }
    }
}

/// Where a run of characters other than `/` may end, longest first, at least one character.
fn ends(path: &str) -> impl Iterator<Item = usize> + '_ {
    let segment = &path[..path.find('/').unwrap_or(path.len())];
    segment.char_indices().rev().map(move |(at, c)| at + c.len_utf8())
}

/// True for a whole number as `{name:0width}` prints it.
fn is_padded(text: &str, width: u8) -> bool {
    let width = usize::from(width);
    text.bytes().all(|b| b.is_ascii_digit())
        && (text.len() == width || (text.len() > width && !text.starts_with('0')))
        && text.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: Option<&[&str]>) {
        let found = Pattern::parse(pattern).unwrap().captures(path);
        let found: Option<Vec<String>> =
            found.map(|values| values.iter().map(Value::bare).collect());
        assert_eq!(
            found.as_deref(),
            expected.map(|e| e.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn captures_take_names_numbers_and_repeats() {
        check("raw/run_{run}.h5", "raw/run_0101.h5", Some(&["0101"]));
        check("raw/run_{run:04}.h5", "raw/run_0101.h5", Some(&["101"]));
        check("raw/run_{run:04}.h5", "raw/run_12345.h5", Some(&["12345"]));
        check("raw/run_{run:04}.h5", "raw/run_101.h5", None);
        check("raw/run_{run}.h5", "raw/sub/run_1.h5", None);
        check("{sample}/{sample}_{n}.h5", "A1/A1_7.h5", Some(&["A1", "7"]));
        check("{sample}/{sample}_{n}.h5", "A1/B1_7.h5", None);
        check("{a}_{b}.h5", "x_y_z.h5", Some(&["x_y", "z"]));
    }

    #[test]
    fn stars_do_not_capture() {
        check("raw/**/run_{run}.h5", "raw/a/b/run_1.h5", Some(&["1"]));
        check("raw/**/run_{run}.h5", "raw/run_1.h5", Some(&["1"]));
        check("raw/*_{run}.h5", "raw/x_1.h5", Some(&["1"]));
        check("raw/*.h5", "raw/x.h5", Some(&[]));
        check("raw/*.h5", "raw/a/x.h5", None);
    }

    #[test]
    fn the_root_and_depth_bound_the_listing() {
        let pattern = |text| Pattern::parse(text).unwrap();
        assert_eq!(pattern("raw/run_{run}.h5").root(), "raw");
        assert_eq!(pattern("run_{run}.h5").root(), "");
        assert_eq!(pattern("/data/e1/run_{run}.h5").root(), "/data/e1");
        assert_eq!(pattern("/run_{run}.h5").root(), "/");
        assert_eq!(pattern("raw/run_{run}.h5").depth(), Some(1));
        assert_eq!(pattern("raw/{run}/x.h5").depth(), Some(2));
        assert_eq!(pattern("/data/e1/run_{run}.h5").depth(), Some(1));
        assert_eq!(pattern("run_{run}.h5").depth(), Some(1));
        assert_eq!(pattern("/run_{run}.h5").depth(), Some(1));
        assert_eq!(pattern("raw/**/x.h5").depth(), None);
    }
}
