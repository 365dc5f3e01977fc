//! Checks a tree of parameters against what a kernel says of itself, and fills in its defaults.
//!
//! The recipe room calls this before anything runs, the steps room again before a kernel starts,
//! because a step document may come from anywhere.

use std::collections::BTreeMap;

use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::text::{near_misses, one_of};
use crate::model::value::Value;

/// A parameter that a kernel cannot take. [`ParamError::name`] is its dotted name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamError {
    #[error("parameters must be a map, found {found}")]
    NotAMap { found: &'static str },
    #[error("`{kernel}` has no parameter `{name}`")]
    Unknown { kernel: &'static str, name: String, near: Vec<&'static str> },
    #[error("`{kernel}` needs parameter `{name}`")]
    Missing { kernel: &'static str, name: &'static str },
    #[error("`{name}` must be {expected}, found {found} `{value}`")]
    WrongType { name: &'static str, expected: String, found: &'static str, value: String },
    #[error("`{name}` is `{value}`, must be {range}")]
    OutOfRange { name: &'static str, value: String, range: String },
    #[error("`{name}` is `{value}`, must be {choices}")]
    NotAChoice { name: &'static str, value: String, choices: String },
}

impl ParamError {
    /// Dotted name of the parameter, empty when the whole tree is meant.
    pub fn name(&self) -> &str {
        match self {
            ParamError::NotAMap { .. } => "",
            ParamError::Unknown { name, .. } => name,
            ParamError::Missing { name, .. }
            | ParamError::WrongType { name, .. }
            | ParamError::OutOfRange { name, .. }
            | ParamError::NotAChoice { name, .. } => name,
        }
    }

    /// What to write instead, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            ParamError::Unknown { near, .. } if !near.is_empty() => {
                Some(format!("did you mean {}?", one_of(near)))
            }
            ParamError::Unknown { kernel, .. } | ParamError::Missing { kernel, .. } => {
                Some(format!("`attpc kernel describe {kernel}` lists its parameters"))
            }
            _ => None,
        }
    }
}

impl KernelInfo {
    /// True when the kernel has an input of this role.
    pub fn has_input(&self, role: &str) -> bool {
        self.inputs.iter().any(|port| port.role == role)
    }

    /// The given parameters with all defaults filled in and whole numbers made floats where floats
    /// are meant, so that two ways of writing the same thing are equal. A group that is null is
    /// absent, as in configurations that name every group.
    pub fn complete(&self, given: &Value) -> Result<Value, ParamError> {
        if !matches!(given, Value::Map(_)) {
            return Err(ParamError::NotAMap { found: given.type_name() });
        }
        self.refuse_unknown("", given)?;
        let mut complete = Value::Map(BTreeMap::new());
        for param in &self.params {
            let value = match (given.at(param.name), &param.default) {
                (Some(value), _) => param.accept(value)?,
                (None, Some(default)) => default.clone(),
                (None, None) => {
                    return Err(ParamError::Missing { kernel: self.name, name: param.name });
                }
            };
            insert(&mut complete, param.name, value);
        }
        Ok(complete)
    }

    /// Refuses every name below `prefix` that is neither a parameter nor a group of parameters.
    fn refuse_unknown(&self, prefix: &str, given: &Value) -> Result<(), ParamError> {
        let Value::Map(map) = given else {
            return Err(self.unknown(prefix));
        };
        for (key, value) in map {
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if self.param(&name).is_some() {
                continue;
            }
            let group = format!("{name}.");
            if !self.params.iter().any(|param| param.name.starts_with(&group)) {
                return Err(self.unknown(&name));
            }
            if *value != Value::Null {
                self.refuse_unknown(&name, value)?;
            }
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> ParamError {
        let near = near_misses(name, self.params.iter().map(|param| param.name));
        ParamError::Unknown { kernel: self.name, name: name.to_owned(), near }
    }

    /// The parameter of a dotted name.
    pub fn param(&self, name: &str) -> Option<&ParamInfo> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The input port that a role of a rule means; an unnamed role is the first port.
    pub fn input(&self, role: &str) -> Option<&PortInfo> {
        port(&self.inputs, role)
    }

    /// The output port that a role of a rule means; an unnamed role is the first port.
    pub fn output(&self, role: &str) -> Option<&PortInfo> {
        port(&self.outputs, role)
    }
}

fn port<'p>(ports: &'p [PortInfo], role: &str) -> Option<&'p PortInfo> {
    if role.is_empty() { ports.first() } else { ports.iter().find(|port| port.role == role) }
}

impl ParamInfo {
    /// The value as the kernel will see it.
    fn accept(&self, value: &Value) -> Result<Value, ParamError> {
        if *value == Value::Null && self.default == Some(Value::Null) {
            return Ok(Value::Null);
        }
        let out_of_range = |range: String| ParamError::OutOfRange {
            name: self.name,
            value: value.to_string(),
            range: self.with_unit(range),
        };
        match (&self.kind, value) {
            (ParamKind::Any, _)
            | (ParamKind::Bool, Value::Bool(_))
            | (ParamKind::Text | ParamKind::File, Value::Text(_)) => Ok(value.clone()),
            (ParamKind::Int { min, max }, Value::Int(number)) => {
                if (min..=max).contains(&number) {
                    return Ok(value.clone());
                }
                Err(out_of_range(int_range(*min, *max)))
            }
            (ParamKind::Float { min, max }, Value::Int(_) | Value::Float(_)) => {
                let number = as_float(value);
                if (*min..=*max).contains(&number) {
                    return Ok(Value::Float(number));
                }
                Err(out_of_range(float_range(*min, *max)))
            }
            (ParamKind::Choice { of }, Value::Text(text)) => {
                if of.contains(&text.as_str()) {
                    return Ok(value.clone());
                }
                let value = text.clone();
                Err(ParamError::NotAChoice { name: self.name, value, choices: one_of(of) })
            }
            _ => Err(ParamError::WrongType {
                name: self.name,
                expected: self.expected(),
                found: value.type_name(),
                value: value.bare(),
            }),
        }
    }

    /// What the parameter takes, in words with an article.
    pub fn expected(&self) -> String {
        let words = match &self.kind {
            ParamKind::Bool => "`true` or `false`".to_owned(),
            ParamKind::Int { .. } => "an integer".to_owned(),
            ParamKind::Float { .. } => "a number".to_owned(),
            ParamKind::Text => "a text".to_owned(),
            ParamKind::Choice { of } => one_of(of),
            ParamKind::File => "the path of a file".to_owned(),
            ParamKind::Any => "any value".to_owned(),
        };
        self.with_unit(words)
    }

    fn with_unit(&self, words: String) -> String {
        if self.unit.is_empty() { words } else { format!("{words} in {}", self.unit) }
    }
}

fn as_float(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        other => unreachable!("{} was matched as a number", other.type_name()),
    }
}

fn int_range(min: i64, max: i64) -> String {
    match (min, max) {
        (min, i64::MAX) => format!("at least {min}"),
        (i64::MIN, max) => format!("at most {max}"),
        _ => format!("between {min} and {max}"),
    }
}

fn float_range(min: f64, max: f64) -> String {
    // The smallest positive number stands for an open end at zero.
    let above_zero = min == f64::MIN_POSITIVE;
    match (min.is_finite(), max.is_finite()) {
        (true, false) if above_zero => "above 0".to_owned(),
        (true, true) if above_zero => format!("above 0 and at most {max}"),
        (true, false) => format!("at least {min}"),
        (false, true) => format!("at most {max}"),
        _ => format!("between {min} and {max}"),
    }
}

/// Puts a value at a dotted path, making maps on the way.
fn insert(tree: &mut Value, dotted: &str, value: Value) {
    let Value::Map(map) = tree else {
        unreachable!("a parameter's name is never below another parameter");
    };
    match dotted.split_once('.') {
        None => {
            map.insert(dotted.to_owned(), value);
        }
        Some((group, rest)) => {
            let group = map.entry(group.to_owned()).or_insert_with(|| Value::Map(BTreeMap::new()));
            insert(group, rest, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &'static str, kind: ParamKind, default: Option<Value>) -> ParamInfo {
        let unit = if name == "get.threshold" { "ADC" } else { "" };
        ParamInfo { name, kind, default, unit, doc: "" }
    }

    fn kernel() -> KernelInfo {
        let params = vec![
            param("get.threshold", ParamKind::Float { min: 0.0, max: f64::INFINITY }, None),
            param("get.count", ParamKind::Int { min: 1, max: 5 }, Some(Value::Int(2))),
            param("pad.file", ParamKind::File, Some(Value::Null)),
            param("mode", ParamKind::Choice { of: &["a", "b"] }, Some(Value::Text("a".into()))),
        ];
        KernelInfo {
            name: "test.kernel",
            version: 1,
            summary: "",
            inputs: Vec::new(),
            outputs: Vec::new(),
            params,
            item_names: &[],
        }
    }

    fn check(given: &str, expected: &str) {
        let given = Value::from_json(&serde_json::from_str(given).unwrap()).unwrap();
        let found = match kernel().complete(&given) {
            Ok(complete) => complete.to_string(),
            Err(error) => match error.hint() {
                Some(hint) => format!("{error}; {hint}"),
                None => error.to_string(),
            },
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn defaults_fill_in_and_whole_numbers_become_floats() {
        let complete =
            "{get: {count: 2, threshold: 40.0}, mode: \"a\", pad: {file: null}}".to_owned();
        check(r#"{"get": {"threshold": 40}}"#, &complete);
        check(r#"{"get": {"threshold": 40.0}, "pad": {"file": null}}"#, &complete);
        check(r#"{"get": {"threshold": 40}, "pad": null}"#, &complete);
    }

    #[test]
    fn unknown_names_suggest_near_ones() {
        check(
            r#"{"get": {"treshold": 40}}"#,
            "`test.kernel` has no parameter `get.treshold`; did you mean `get.threshold`?",
        );
        check(
            r#"{"solver": {"x": 1}}"#,
            "`test.kernel` has no parameter `solver`; \
             `attpc kernel describe test.kernel` lists its parameters",
        );
        check(
            r#"{"get": 3}"#,
            "`test.kernel` has no parameter `get`; \
             `attpc kernel describe test.kernel` lists its parameters",
        );
    }

    #[test]
    fn missing_and_wrong_values_name_what_is_expected() {
        check(
            "{}",
            "`test.kernel` needs parameter `get.threshold`; \
             `attpc kernel describe test.kernel` lists its parameters",
        );
        check(
            r#"{"get": {"threshold": "40 ADC"}}"#,
            "`get.threshold` must be a number in ADC, found a text `40 ADC`",
        );
        check(
            r#"{"get": {"threshold": -1}}"#,
            "`get.threshold` is `-1`, must be at least 0 in ADC",
        );
        check(
            r#"{"get": {"threshold": 1, "count": 9}}"#,
            "`get.count` is `9`, must be between 1 and 5",
        );
        check(r#"{"get": {"threshold": 1}, "mode": "c"}"#, "`mode` is `c`, must be `a` or `b`");
        check("[1]", "parameters must be a map, found a list");
    }

    #[test]
    fn an_unnamed_role_is_the_first_port() {
        let port = |role| PortInfo {
            role,
            required: true,
            many: false,
            directory: false,
            named: false,
            doc: "",
        };
        let kernel = KernelInfo { inputs: vec![port("raw"), port("map")], ..kernel() };
        assert_eq!(kernel.input("").unwrap().role, "raw");
        assert_eq!(kernel.input("map").unwrap().role, "map");
        assert!(kernel.input("mpa").is_none());
    }
}
