//! YAML with places.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::host::Origin;
use crate::recipe::limits;
use crate::recipe::params::{Data, Node, Text, deeper, leaf, whole_digits};
use crate::recipe::problem::Problem;

/// Parses a YAML text of one document.
pub fn parse(text: &Text) -> Result<Node, Diagnostic> {
    check_indents(text)?;
    let documents = MarkedYaml::load_from_str(text.text).map_err(|error| {
        let at = error.marker();
        let words = match error.info() {
            "duplicated key in mapping" => "the name is written twice".to_owned(),
            words => words.to_owned(),
        };
        let span = text.spot(at.line(), at.col() + 1, 1);
        Problem::BadSyntax { format: "YAML", words }.at(&span)
    })?;
    match &documents[..] {
        [] => {
            let start = text.spot(1, 1, 1);
            let origin = Origin { key: start.clone(), value: start };
            Ok(Node { origin, data: Data::Map(BTreeMap::new()) })
        }
        [only] => node(text, only, None, 0),
        [_, second, ..] => Err(Problem::BadSyntax {
            format: "YAML",
            words: "a second document begins, a parameter file is a single one".to_owned(),
        }
        .at(&place(text, second))),
    }
}

fn place(text: &Text, yaml: &MarkedYaml) -> Span {
    let (start, end) = (yaml.span.start, yaml.span.end);
    let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    text.spot(start.line(), start.col() + 1, length)
}

/// The parser recurses without a bound where blocks nest by their columns, as in `- - - a`, so
/// their columns are counted before it reads anything. Lines of a long text count as well, which
/// is why this bound is a generous one; the exact one follows when the parser is done.
fn check_indents(text: &Text) -> Result<(), Diagnostic> {
    let mut open: Vec<usize> = Vec::new();
    for (number, line) in text.text.lines().enumerate() {
        let mut rest = line.char_indices().filter(|(_, c)| *c != ' ').peekable();
        while let Some((column, c)) = rest.next() {
            while open.last().is_some_and(|last| *last >= column) {
                open.pop();
            }
            open.push(column);
            if open.len() > 4 * limits::VALUE_DEPTH {
                deeper("YAML", limits::VALUE_DEPTH, &text.spot(number + 1, column + 1, 1))?;
            }
            // Only a lone indicator lets another block begin on its line.
            let alone = rest.peek().is_some_and(|(next, _)| *next > column + 1);
            if !(matches!(c, '-' | '?' | ':') && alone) {
                break;
            }
        }
    }
    Ok(())
}

/// The node of a value inside as many lists and maps as `depth` says.
fn node(
    text: &Text,
    yaml: &MarkedYaml,
    key: Option<Span>,
    depth: usize,
) -> Result<Node, Diagnostic> {
    let value = place(text, yaml);
    let origin = Origin { key: key.unwrap_or_else(|| value.clone()), value };
    let data = match &yaml.data {
        YamlData::Value(scalar) => {
            return leaf(scalar_value(text, scalar, &origin.value)?, origin);
        }
        YamlData::Sequence(list) => {
            let depth = deeper("YAML", depth, &origin.value)?;
            let element = |each: &MarkedYaml| node(text, each, None, depth);
            Data::List(list.iter().map(element).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(map) => {
            let depth = deeper("YAML", depth, &origin.value)?;
            let mut entries = BTreeMap::new();
            for (name, value) in map {
                let at = place(text, name);
                let name = entry_name(text, name, &at)?.ok_or_else(|| {
                    let words = "a name must be a plain text or number".to_owned();
                    Problem::BadSyntax { format: "YAML", words }.at(&at)
                })?;
                entries.insert(name, node(text, value, Some(at), depth)?);
            }
            Data::Map(entries)
        }
        _ => {
            let words = "tags and unknown aliases are not parameters".to_owned();
            return Err(Problem::BadSyntax { format: "YAML", words }.at(&origin.value));
        }
    };
    Ok(Node { origin, data })
}

fn scalar_value(text: &Text, scalar: &Scalar, at: &Span) -> Result<Value, Diagnostic> {
    // The parser turns whole numbers that are too large into floats and texts.
    let fits = |fits: fn(&str) -> bool| {
        let number = text.written(at);
        if fits(&number) { Ok(()) } else { Err(Problem::NumberRange { number }.at(at)) }
    };
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => Value::Int(*number),
        Scalar::FloatingPoint(number) => {
            let number = number.into_inner();
            match number.is_infinite() {
                true => fits(|written| !written.contains(|c: char| c.is_ascii_digit()))?,
                false => fits(|written| !whole_digits(written))?,
            }
            Value::Float(number)
        }
        Scalar::String(words) => {
            if let Some(digits) = words.strip_prefix("0x").or(words.strip_prefix("0o"))
                && !digits.is_empty()
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            {
                // A quote before the digits says that the author means a text.
                fits(|written| !written.starts_with('0'))?;
            }
            Value::Text(words.to_string())
        }
    })
}

fn entry_name(text: &Text, yaml: &MarkedYaml, at: &Span) -> Result<Option<String>, Diagnostic> {
    let YamlData::Value(scalar) = &yaml.data else { return Ok(None) };
    Ok(match scalar_value(text, scalar, at)? {
        Value::Null => None,
        value => Some(value.bare()),
    })
}
