//! Reads files of parameters, TOML or JSON, as lists of names and values in the order of the file.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::data::error::DataError;

/// Deepest nesting that is followed; a deeper value is kept as its text.
const MOST_DEPTH: usize = 32;

/// A parameter as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileParam {
    /// Names from the outermost table inwards.
    pub names: Vec<String>,
    /// The value as it is written, texts without quotes.
    pub text: String,
    /// The value where it is one number.
    pub number: Option<f64>,
}

/// Reads a file; its name's ending says which format it has.
///
/// # Errors
/// A file that cannot be read, has another ending, or is not what its ending says.
pub fn read_params(path: &Path) -> Result<Vec<FileParam>, DataError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let mut params = Vec::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => {
            let table = DeTable::parse(&text).map_err(|error| bad_toml(path, &text, &error))?;
            walk_toml(&text, (&mut Vec::new(), table.get_ref()), &mut params);
        }
        Some("json") => {
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|source| {
                DataError::Json { path: path.to_owned(), line: source.line(), source }
            })?;
            walk_json(&mut Vec::new(), &value, &mut params);
        }
        other => {
            return Err(DataError::WrongType {
                path: path.to_owned(),
                object: "file name".to_owned(),
                expected: "`.toml` or `.json` at its end",
                found: other.map_or("no ending".to_owned(), |ending| format!("`.{ending}`")),
            });
        }
    }
    Ok(params)
}

fn bad_toml(path: &Path, text: &str, error: &toml::de::Error) -> DataError {
    let before = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count() + 1;
    let found = text.lines().nth(line - 1).unwrap_or_default().chars().take(60).collect();
    let expected = format!("TOML: {}", error.message());
    DataError::TableLine { path: path.to_owned(), line, found, expected }
}

fn walk_toml(text: &str, place: (&mut Vec<String>, &DeTable<'_>), out: &mut Vec<FileParam>) {
    let (names, table) = place;
    // The library sorts by name; people read in the order they wrote.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, value)| (key.span().start, value.span().start));
    for (key, value) in entries {
        names.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() && names.len() < MOST_DEPTH => {
                walk_toml(text, (names, inner), out);
            }
            DeValue::String(words) => {
                let text = words.to_string();
                out.push(FileParam { names: names.clone(), text, number: None });
            }
            other => {
                let written = text.get(value.span()).unwrap_or_default();
                let number = match other {
                    DeValue::Integer(_) | DeValue::Float(_) => {
                        written.replace('_', "").parse().ok()
                    }
                    _ => None,
                };
                let text = one_line(written);
                out.push(FileParam { names: names.clone(), text, number });
            }
        }
        names.pop();
    }
}

/// A written value on one line: a list may stretch over several.
fn one_line(written: &str) -> String {
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn walk_json(names: &mut Vec<String>, value: &serde_json::Value, out: &mut Vec<FileParam>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() && names.len() < MOST_DEPTH => {
            for (name, value) in map {
                names.push(name.clone());
                walk_json(names, value, out);
                names.pop();
            }
        }
        _ => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out.push(FileParam { names: names.clone(), text, number: value.as_f64() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<(String, String, Option<f64>)>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let flat = |param: FileParam| (param.names.join("."), param.text, param.number);
        match read_params(&path) {
            Ok(params) => Ok(params.into_iter().map(flat).collect()),
            Err(error) => Err(error.to_string().replace(path.to_str().unwrap(), "FILE")),
        }
    }

    fn row(name: &str, text: &str, number: Option<f64>) -> (String, String, Option<f64>) {
        (name.to_owned(), text.to_owned(), number)
    }

    #[test]
    fn toml_comes_in_the_order_it_is_written() {
        let text =
            "z = 1_000 # why\n[b.c]\nname = \"x\"\nlist = [1,\n  2]\n[a]\nflag = true\nt = 1e3\n";
        let expected = [
            row("z", "1_000", Some(1000.0)),
            row("b.c.name", "x", None),
            row("b.c.list", "[1, 2]", None),
            row("a.flag", "true", None),
            row("a.t", "1e3", Some(1000.0)),
        ];
        assert_eq!(read("p.toml", text).unwrap(), expected);
    }

    #[test]
    fn json_comes_in_the_order_it_is_written() {
        let text = r#"{"z": 1.5, "a": {"n": null, "l": [1, 2]}, "e": {}}"#;
        let expected = [
            row("z", "1.5", Some(1.5)),
            row("a.n", "null", None),
            row("a.l", "[1,2]", None),
            row("e", "{}", None),
        ];
        assert_eq!(read("p.json", text).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_names_line_and_file() {
        let error = read("p.toml", "a = 1\nb = = 2\n").unwrap_err();
        assert!(error.starts_with("line 2 of a table is `b = = 2`, expected TOML: "), "{error}");
        assert!(read("p.json", "{\n\"a\": ]").unwrap_err().starts_with("line 2 is not JSON"));
        let error = read("p.yaml", "a: 1").unwrap_err();
        assert_eq!(
            error,
            "`file name` holds `.yaml`, expected `.toml` or `.json` at its end: `FILE`"
        );
    }
}
