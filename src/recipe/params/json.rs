//! JSON with places.
//!
//! `serde_json` checks the text first and says what is wrong; a small walk over the checked text
//! then finds the places, names that are written twice, and what that check lets pass: numbers
//! and characters that do not exist, and nesting without an end.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::host::Origin;
use crate::recipe::params::{Data, Node, Text, deeper, leaf, whole_digits};
use crate::recipe::problem::Problem;

/// Parses a JSON text.
pub fn parse(text: &Text) -> Result<Node, Diagnostic> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text.text) {
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default().to_owned();
        // The column counts bytes of the line up to the spot, which may be the line's end.
        let begin = text.starts[error.line().clamp(1, text.starts.len()) - 1];
        let spot = begin + error.column().saturating_sub(1);
        let spot = (0..=spot.min(text.text.len())).rev().find(|&at| text.text.is_char_boundary(at));
        let spot = spot.unwrap_or(0);
        return Err(Problem::BadSyntax { format: "JSON", words }.at(&text.span(spot..spot + 1)));
    }
    Walk { text, at: 0, depth: 0 }.value(None)
}

/// A position in a text that is known to be JSON.
struct Walk<'t> {
    text: &'t Text<'t>,
    at: usize,
    /// Lists and maps around the position.
    depth: usize,
}

impl Walk<'_> {
    fn value(&mut self, key: Option<Range<usize>>) -> Result<Node, Diagnostic> {
        self.skip_space();
        let start = self.at;
        let data = match self.peek() {
            bracket @ (b'{' | b'[') => {
                let outside = self.depth;
                self.depth = deeper("JSON", outside, &self.text.span(start..start + 1))?;
                let data = if bracket == b'{' { self.map()? } else { self.list()? };
                self.depth = outside;
                Some(data)
            }
            _ => None,
        };
        if data.is_none() {
            self.token();
        }
        let place = self.text.span(start..self.at);
        let key = key.map_or_else(|| place.clone(), |range| self.text.span(range));
        let origin = Origin { key, value: place };
        match data {
            Some(data) => Ok(Node { origin, data }),
            None => leaf(self.scalar(start..self.at, &origin)?, origin),
        }
    }

    fn map(&mut self) -> Result<Data, Diagnostic> {
        let mut entries: BTreeMap<String, Node> = BTreeMap::new();
        self.at += 1;
        while !self.closes(b'}') {
            let start = self.at;
            self.token();
            let key = start..self.at;
            let place = self.text.span(key.clone());
            let name: String = self.read(key.clone(), &place)?;
            self.skip_space();
            self.at += 1;
            if let Some(first) = entries.get(&name) {
                let words = format!("the name `{name}` is written twice");
                return Err(Problem::BadSyntax { format: "JSON", words }
                    .at(&place)
                    .note(&first.origin.key, "first written here"));
            }
            entries.insert(name, self.value(Some(key))?);
        }
        Ok(Data::Map(entries))
    }

    fn list(&mut self) -> Result<Data, Diagnostic> {
        let mut elements = Vec::new();
        self.at += 1;
        while !self.closes(b']') {
            elements.push(self.value(None)?);
        }
        Ok(Data::List(elements))
    }

    /// Steps over spaces and a comma, and over the closing bracket where it follows.
    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_space();
        if self.peek() == b',' {
            self.at += 1;
            self.skip_space();
        }
        let closes = self.peek() == bracket;
        self.at += usize::from(closes);
        closes
    }

    fn peek(&self) -> u8 {
        self.text.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Steps over a text, number or word.
    fn token(&mut self) {
        if self.peek() != b'"' {
            while !matches!(self.peek(), 0 | b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') {
                self.at += 1;
            }
            return;
        }
        self.at += 1;
        while self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    fn scalar(&self, range: Range<usize>, origin: &Origin) -> Result<Value, Diagnostic> {
        let token = &self.text.text[range.clone()];
        let out_of_range = || Problem::NumberRange { number: token.to_owned() }.at(&origin.value);
        if whole_digits(token) {
            return token.parse().map(Value::Int).map_err(|_| out_of_range());
        }
        if token.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            let number: Option<f64> = token.parse().ok().filter(|number: &f64| number.is_finite());
            return number.map(Value::Float).ok_or_else(out_of_range);
        }
        let json = self.read(range, &origin.value)?;
        Value::from_json(&json).ok_or_else(out_of_range)
    }

    /// Reads one token; the check of the whole text does not decode what texts escape.
    fn read<T: serde::de::DeserializeOwned>(
        &self,
        range: Range<usize>,
        place: &Span,
    ) -> Result<T, Diagnostic> {
        serde_json::from_str(&self.text.text[range]).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default().to_owned();
            Problem::BadSyntax { format: "JSON", words }.at(place)
        })
    }
}
