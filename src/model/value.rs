//! Typed parameter values: what TOML, JSON, YAML and recipes can say.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::digest::{Encoder, Tag};

/// A parameter value. `1`, `1.0` and `"1"` are different values.
///
/// Human-readable formats hold it as plain JSON, binary ones with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Finite: infinities and NaN are refused where values enter.
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The word for this value's type in messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Writes the canonical encoding.
    pub fn encode(&self, encoder: &mut Encoder) {
        match self {
            Value::Null => encoder.tag(Tag::Null),
            Value::Bool(false) => encoder.tag(Tag::False),
            Value::Bool(true) => encoder.tag(Tag::True),
            Value::Int(number) => encoder.int(*number),
            Value::Float(number) => encoder.float(*number),
            Value::Text(text) => encoder.text(text),
            Value::List(items) => {
                encoder.open(Tag::List, items.len());
                items.iter().for_each(|item| item.encode(encoder));
            }
            Value::Map(map) => {
                encoder.open(Tag::Map, map.len());
                for (name, value) in map {
                    encoder.text(name);
                    value.encode(encoder);
                }
            }
        }
    }

    /// The value at a dotted path such as `clean.threshold`; the empty path is the value itself.
    pub fn at(&self, dotted: &str) -> Option<&Value> {
        if dotted.is_empty() {
            return Some(self);
        }
        dotted.split('.').try_fold(self, |value, name| match value {
            Value::Map(map) => map.get(name),
            Value::List(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        })
    }

    /// Every leaf with its dotted path, in key order. An empty map or list is a leaf.
    pub fn leaves(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        self.collect_leaves(String::new(), &mut found);
        found
    }

    fn collect_leaves<'v>(&'v self, path: String, found: &mut Vec<(String, &'v Value)>) {
        match self {
            Value::Map(map) if !map.is_empty() => {
                for (name, value) in map {
                    let dot = if path.is_empty() { "" } else { "." };
                    value.collect_leaves(format!("{path}{dot}{name}"), found);
                }
            }
            _ => found.push((path, self)),
        }
    }

    /// The text as it appears in paths and command lines: texts bare, everything else as JSON.
    pub fn bare(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// This value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Int(n) => (*n).into(),
            Value::Float(x) => serde_json::Number::from_f64(*x)
                .map_or(serde_json::Value::Null, serde_json::Value::Number),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(map) => serde_json::Value::Object(
                map.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            ),
        }
    }

    /// A value from JSON; `None` for a number that is neither an `i64` nor a finite float.
    pub fn from_json(json: &serde_json::Value) -> Option<Value> {
        Some(match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(n.as_f64().filter(|x| x.is_finite() && !n.is_u64())?),
            },
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Value::from_json).collect::<Option<_>>()?)
            }
            serde_json::Value::Object(map) => Value::Map(
                map.iter()
                    .map(|(name, value)| Some((name.clone(), Value::from_json(value)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }
}

impl fmt::Display for Value {
    /// JSON, with floats in Rust's shortest round-trip form (`3.0`, `1e-9`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Text(text) => f.write_str(&serde_json::Value::from(text.as_str()).to_string()),
            Value::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (at, (name, value)) in map.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The form in binary formats, which cannot tell types apart by themselves.
#[derive(Serialize, Deserialize)]
enum Typed {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.to_json().serialize(serializer);
        }
        match self.clone() {
            Value::Null => Typed::Null,
            Value::Bool(b) => Typed::Bool(b),
            Value::Int(n) => Typed::Int(n),
            Value::Float(x) => Typed::Float(x),
            Value::Text(text) => Typed::Text(text),
            Value::List(items) => Typed::List(items),
            Value::Map(map) => Typed::Map(map),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let json = serde_json::Value::deserialize(deserializer)?;
            let number = || serde::de::Error::custom("a number is out of range");
            return Value::from_json(&json).ok_or_else(number);
        }
        Ok(match Typed::deserialize(deserializer)? {
            Typed::Null => Value::Null,
            Typed::Bool(b) => Value::Bool(b),
            Typed::Int(n) => Value::Int(n),
            Typed::Float(x) => Value::Float(x),
            Typed::Text(text) => Value::Text(text),
            Typed::List(items) => Value::List(items),
            Typed::Map(map) => Value::Map(map),
        })
    }
}
