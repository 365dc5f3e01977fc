//! TOML with places.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::diagnostic::Diagnostic;
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
            None => problem.anywhere(),
        }
    })?;
    let origin = origin(text, 0..0, 0..0);
    Ok(Node { origin, data: map(text, table.get_ref(), 1)? })
}

/// The value of `--set`, where it reads as one.
pub fn parse_value(raw: &str) -> Option<Value> {
    let document = format!("value = {raw}");
    let text = Text::new("", &document);
    let node = parse(&text).ok()?;
    match crate::recipe::params::plain(&node) {
        Value::Map(mut map) if map.len() == 1 => map.remove("value"),
        _ => None,
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
            let parsed = number.as_str().parse();
            Value::Float(parsed.map_err(|_| out_of_range(number.as_str()))?)
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
