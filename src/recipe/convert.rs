//! From script values to model values and back.

use std::collections::BTreeMap;

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::host::Host;
use crate::recipe::limits;
use crate::recipe::problem::Problem;

/// The word for a script value's type in messages.
pub fn type_name(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "()" => "nothing",
        "bool" => "a boolean",
        "i64" => "an integer",
        "f64" => "a float",
        "string" | "&str" => "a text",
        "char" => "a character",
        "array" => "a list",
        "map" => "a map",
        "Fn" => "a closure",
        name if name.contains("ange") => "a range",
        name if name.ends_with("::Table") => "a table of items",
        _ => "a value of another kind",
    }
}

/// A script value as a model value. `path` is the value's dotted name for messages.
pub fn to_value(value: &Dynamic, path: &str) -> Result<Value, Problem> {
    nested_value(value, path, 0)
}

/// The model value of what stands inside as many lists and maps as `depth` says.
fn nested_value(value: &Dynamic, path: &str, depth: usize) -> Result<Value, Problem> {
    if depth > limits::VALUE_DEPTH {
        return Err(Problem::DataTooLarge { what: "the nesting of a value".to_owned() });
    }
    let child =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::Int(number));
    }
    if let Ok(number) = value.as_float() {
        let finite = number.is_finite().then_some(Value::Float(number));
        return finite.ok_or_else(|| Problem::NotFinite { name: path.to_owned(), number });
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        if text.contains('\0') {
            return Err(Problem::NulInText { name: path.to_owned() });
        }
        return Ok(Value::Text(text.to_string()));
    }
    if let Ok(letter) = value.as_char() {
        return Ok(Value::Text(letter.to_string()));
    }
    if let Ok(list) = value.as_array_ref() {
        let element = |(at, value): (usize, &Dynamic)| {
            nested_value(value, &child(&at.to_string()), depth + 1)
        };
        return Ok(Value::List(list.iter().enumerate().map(element).collect::<Result<_, _>>()?));
    }
    if let Ok(map) = value.as_map_ref() {
        let entry = |(name, value): (&rhai::Identifier, &Dynamic)| {
            Ok((name.to_string(), nested_value(value, &child(name), depth + 1)?))
        };
        return Ok(Value::Map(map.iter().map(entry).collect::<Result<_, Problem>>()?));
    }
    if let Some(range) = whole_numbers(value) {
        return Ok(Value::List(range.map(Value::Int).collect()));
    }
    Err(Problem::NotAValue { name: path.to_owned(), found: type_name(value) })
}

/// The numbers of a range such as `1..5` or `1..=5`.
pub fn whole_numbers(value: &Dynamic) -> Option<std::ops::Range<i64>> {
    if let Some(range) = value.clone().try_cast::<std::ops::Range<i64>>() {
        return Some(range);
    }
    let range = value.clone().try_cast::<std::ops::RangeInclusive<i64>>()?;
    Some(*range.start()..range.end().saturating_add(1))
}

/// A model value as a script value.
pub fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => ImmutableString::from(text.as_str()).into(),
        Value::List(list) => list.iter().map(to_dynamic).collect::<Array>().into(),
        Value::Map(map) => {
            let entry =
                |(name, value): (&String, &Value)| (name.as_str().into(), to_dynamic(value));
            map.iter().map(entry).collect::<Map>().into()
        }
    }
}

/// Places of all leaves and groups below a script value that come from a parameter file, by dotted
/// name.
pub fn origins(value: &Dynamic, host: &Host) -> BTreeMap<String, OriginAt> {
    let mut found = BTreeMap::new();
    collect_origins(value, String::new(), host, &mut found);
    found
}

/// Where a parameter's name and value stand, and whether it is a leaf.
#[derive(Clone, Debug)]
pub struct OriginAt {
    pub key: Span,
    pub value: Span,
    pub leaf: bool,
}

fn collect_origins(
    value: &Dynamic,
    path: String,
    host: &Host,
    found: &mut BTreeMap<String, OriginAt>,
) {
    let group = value.as_map_ref().ok().filter(|map| !map.is_empty());
    if let Some(origin) = host.origin(value) {
        let at = OriginAt { key: origin.key, value: origin.value, leaf: group.is_none() };
        found.insert(path.clone(), at);
    }
    for (name, value) in group.iter().flat_map(|map| map.iter()) {
        let dot = if path.is_empty() { "" } else { "." };
        collect_origins(value, format!("{path}{dot}{name}"), host, found);
    }
}
