//! TOML with places.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::host::Origin;
use crate::recipe::params::{Data, Node, Text, deeper, leaf};
use crate::recipe::problem::Problem;

/// Parses a TOML text.
pub fn parse(text: &Text) -> Result<Node, Diagnostic> {
    let table = DeTable::parse(text.text).map_err(|error| {
        let problem = Problem::BadSyntax { format: "TOML", words: error.message().to_owned() };
        match error.span() {
            Some(range) => problem.at(&text.span(range)),
            None => problem.at(&Span::file(text.file.clone())),
        }
    })?;
    let origin = origin(text, 0..0, 0..0);
    Ok(Node { origin, data: map(text, table.get_ref(), 1)? })
}

/// The value of `--set`, where it reads as one; an error for a number that cannot be held, which
/// must not quietly become a text. The error's place is in a text that nobody wrote.
pub fn parse_value(raw: &str) -> Option<Result<Value, Diagnostic>> {
    let document = format!("value = {raw}");
    let table = DeTable::parse(&document).ok()?;
    if table.get_ref().len() != 1 {
        return None;
    }
    let text = Text::new("", &document);
    let node = map(&text, table.get_ref(), 1);
    let node = node.map(|data| Node { origin: origin(&text, 0..0, 0..0), data });
    match node.map(|node| crate::recipe::params::plain(&node)) {
        Ok(Value::Map(mut map)) => map.remove("value").map(Ok),
        Ok(_) => None,
        Err(found) => Some(Err(found)),
    }
}

fn origin(text: &Text, key: Range<usize>, value: Range<usize>) -> Origin {
    Origin { key: text.span(key), value: text.span(value) }
}

fn map(text: &Text, table: &DeTable, depth: usize) -> Result<Data, Diagnostic> {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue>)| {
        let name: &std::borrow::Cow<str> = key.get_ref();
        let origin = origin(text, key.span(), value.span());
        Ok((name.to_string(), node(text, value.get_ref(), origin, depth)?))
    };
    Ok(Data::Map(table.iter().map(entry).collect::<Result<_, Diagnostic>>()?))
}

/// The node of a value inside as many lists and maps as `depth` says.
fn node(text: &Text, value: &DeValue, origin: Origin, depth: usize) -> Result<Node, Diagnostic> {
    let out_of_range =
        |number: &str| Problem::NumberRange { number: number.to_owned() }.at(&origin.value);
    let value = match value {
        DeValue::String(words) => Value::Text(words.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        // A date has no type of its own in recipes; its text is what people mean by it.
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Value::Int(parsed.map_err(|_| out_of_range(number.as_str()))?)
        }
        DeValue::Float(number) => {
            let written = number.as_str();
            let parsed: f64 = written.parse().map_err(|_| out_of_range(written))?;
            if parsed.is_infinite() && !written.ends_with("inf") {
                return Err(out_of_range(written));
            }
            Value::Float(parsed)
        }
        DeValue::Array(list) => {
            let depth = deeper("TOML", depth, &origin.value)?;
            let element = |each: &toml::Spanned<DeValue>| {
                let origin = self::origin(text, each.span(), each.span());
                node(text, each.get_ref(), origin, depth)
            };
            let data = Data::List(list.iter().map(element).collect::<Result<_, _>>()?);
            return Ok(Node { origin, data });
        }
        DeValue::Table(table) => {
            let depth = deeper("TOML", depth, &origin.value)?;
            let data = map(text, table, depth)?;
            return Ok(Node { origin, data });
        }
    };
    leaf(value, origin)
}
