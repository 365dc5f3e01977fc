//! Particle-ID files: a polygon that a user drew around the particles of one kind, and the nucleus
//! that they are. JSON, as Spyral's notebooks write it.

use std::path::Path;

use serde_json::{Map, Value};

use crate::data::error::DataError;

/// Columns of the estimation table that a polygon without axes is drawn over.
const DEFAULT_AXES: [&str; 2] = ["dEdx", "brho"];
/// What Spyral's notebooks write where a user named no axis.
const NO_AXIS: &str = "DefaultAxis";
/// Longest part of a bad value that a message shows.
const SHOWN: usize = 40;

/// A particle-ID file as it is written; whether the polygon makes sense is not checked here.
#[derive(Clone, Debug, PartialEq)]
pub struct ParticleId {
    pub name: String,
    /// Protons of the nucleus.
    pub z: u32,
    /// Protons and neutrons of the nucleus.
    pub a: u32,
    /// Columns of the estimation table: horizontal, vertical.
    pub axes: [String; 2],
    /// The polygon's vertices in their order.
    pub vertices: Vec<[f64; 2]>,
}

/// Reads a particle-ID file.
///
/// # Errors
/// Names the file and the line where it is not JSON, or the field that is missing or wrong.
pub fn read_particle_id(path: &Path) -> Result<ParticleId, DataError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let value: Value = serde_json::from_str(&text).map_err(|source| syntax(path, &text, source))?;
    let file = File { path, fields: value.as_object() };
    let (z, a) = (file.count("Z", "the number of protons")?, file.count("A", MASS_NUMBER)?);
    if a == 0 || z > a {
        return Err(file.wrong("A", &a.to_string(), "at least 1 and at least `Z`"));
    }
    Ok(ParticleId { name: file.name()?, z, a, axes: file.axes()?, vertices: file.vertices()? })
}

const MASS_NUMBER: &str = "the number of protons and neutrons";

/// Python writes `NaN` and `Infinity` into files that it calls JSON. The message says so, because
/// the library's own words do not help the one who drew the polygon.
fn syntax(path: &Path, text: &str, source: serde_json::Error) -> DataError {
    let line = source.line();
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
    let from = source.column().saturating_sub(1);
    let at = rest.get(from..).unwrap_or("").trim_start_matches('-');
    let words = ["NaN", "Infinity"];
    match words.into_iter().find(|word| at.starts_with(word) || at.starts_with(&word[1..])) {
        Some(word) => DataError::Field {
            path: path.to_owned(),
            field: format!("line {line}"),
            found: format!("`{word}`"),
            expected: "finite numbers",
        },
        None => DataError::Json { path: path.to_owned(), line, source },
    }
}

struct File<'f> {
    path: &'f Path,
    fields: Option<&'f Map<String, Value>>,
}

impl File<'_> {
    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.and_then(|fields| fields.get(name))
    }

    fn wrong(&self, field: &str, found: &str, expected: &'static str) -> DataError {
        let (path, field) = (self.path.to_owned(), field.to_owned());
        let shown: String = found.chars().take(SHOWN).collect();
        DataError::Field { path, field, found: format!("`{shown}`"), expected }
    }

    fn missing(&self, field: &str, expected: &'static str) -> DataError {
        let (path, field) = (self.path.to_owned(), field.to_owned());
        DataError::Field { path, field, found: "missing".to_owned(), expected }
    }

    fn count(&self, field: &str, expected: &'static str) -> Result<u32, DataError> {
        let value = self.field(field).ok_or_else(|| self.missing(field, expected))?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.wrong(field, &value.to_string(), expected))
    }

    fn text(&self, field: &str, expected: &'static str) -> Result<Option<String>, DataError> {
        match self.field(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(field, &other.to_string(), expected)),
        }
    }

    fn name(&self) -> Result<String, DataError> {
        let expected = "a text";
        self.text("name", expected)?.ok_or_else(|| self.missing("name", expected))
    }

    fn axes(&self) -> Result<[String; 2], DataError> {
        let axis = |field| -> Result<Option<String>, DataError> {
            let text = self.text(field, "the name of a column")?;
            Ok(text.filter(|name| name != NO_AXIS))
        };
        match (axis("xaxis")?, axis("yaxis")?) {
            (Some(x), Some(y)) => Ok([x, y]),
            (None, None) => Ok(DEFAULT_AXES.map(str::to_owned)),
            (Some(_), None) => Err(self.missing("yaxis", "both `xaxis` and `yaxis`, or neither")),
            (None, Some(_)) => Err(self.missing("xaxis", "both `xaxis` and `yaxis`, or neither")),
        }
    }

    fn vertices(&self) -> Result<Vec<[f64; 2]>, DataError> {
        const EXPECTED: &str = "a list of points `[x, y]`";
        let value = self.field("vertices").ok_or_else(|| self.missing("vertices", EXPECTED))?;
        let list =
            value.as_array().ok_or_else(|| self.wrong("vertices", &value.to_string(), EXPECTED))?;
        let vertices = list.iter().enumerate().map(|(index, vertex)| {
            let pair = vertex.as_array().filter(|pair| pair.len() == 2);
            let number = |at: usize| pair.and_then(|pair| pair[at].as_f64());
            match (number(0), number(1)) {
                (Some(x), Some(y)) => Ok([x, y]),
                _ => {
                    let field = format!("vertices[{index}]");
                    Err(self.wrong(&field, &vertex.to_string(), "two numbers"))
                }
            }
        });
        vertices.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ParticleId, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid.json");
        std::fs::write(&path, text).unwrap();
        let place = path.display().to_string();
        read_particle_id(&path).map_err(|error| error.to_string().replace(&place, "PATH"))
    }

    #[test]
    fn a_file_of_a_notebook_is_read() {
        let text = r#"{"name": "d", "xaxis": "DefaultAxis", "yaxis": "DefaultAxis",
                       "vertices": [[0, 1.5], [2.0, 1], [3e1, 0]], "Z": 1, "A": 2}"#;
        let expected = ParticleId {
            name: "d".to_owned(),
            z: 1,
            a: 2,
            axes: ["dEdx".to_owned(), "brho".to_owned()],
            vertices: vec![[0.0, 1.5], [2.0, 1.0], [30.0, 0.0]],
        };
        assert_eq!(read(text).unwrap(), expected);
        let named = text.replacen("DefaultAxis", "sqrt_dEdx", 1).replacen("DefaultAxis", "ke", 1);
        assert_eq!(read(&named).unwrap().axes, ["sqrt_dEdx", "ke"]);
        let without = r#"{"name": "d", "vertices": [], "Z": 0, "A": 1}"#;
        assert_eq!(read(without).unwrap().axes, ["dEdx", "brho"]);
    }

    #[test]
    fn missing_and_wrong_fields_are_named() {
        let check = |text: &str, expected: &str| assert_eq!(read(text).unwrap_err(), expected);
        check("[]", "`Z` is missing, expected the number of protons: `PATH`");
        check(r#"{"Z": 1}"#, "`A` is missing, expected the number of protons and neutrons: `PATH`");
        check(r#"{"Z": -1, "A": 2}"#, "`Z` is `-1`, expected the number of protons: `PATH`");
        check(r#"{"Z": 2, "A": 1}"#, "`A` is `1`, expected at least 1 and at least `Z`: `PATH`");
        check(r#"{"Z": 1, "A": 2}"#, "`name` is missing, expected a text: `PATH`");
        check(
            r#"{"Z": 1, "A": 2, "name": "d", "xaxis": "dEdx"}"#,
            "`yaxis` is missing, expected both `xaxis` and `yaxis`, or neither: `PATH`",
        );
        check(
            r#"{"Z": 1, "A": 2, "name": "d", "yaxis": 3}"#,
            "`yaxis` is `3`, expected the name of a column: `PATH`",
        );
        check(
            r#"{"Z": 1, "A": 2, "name": "d", "vertices": [[0, 1], [1, null]]}"#,
            "`vertices[1]` is `[1,null]`, expected two numbers: `PATH`",
        );
        check(
            r#"{"Z": 1, "A": 2, "name": "d", "vertices": [[0, 1, 2]]}"#,
            "`vertices[0]` is `[0,1,2]`, expected two numbers: `PATH`",
        );
    }

    #[test]
    fn text_that_is_not_json_is_named_by_its_line() {
        let check = |text: &str, expected: &str| assert_eq!(read(text).unwrap_err(), expected);
        check("{\n\"Z\": 1,\n}", "line 3 is not JSON: `PATH`");
        let nan = "`line 2` is `NaN`, expected finite numbers: `PATH`";
        check("{\"vertices\": [[1, 2],\n [3, NaN]]}", nan);
        check("{\"vertices\": [[1, 2],\n [NaN, 3]]}", nan);
        check(
            "{\"vertices\":\n [[1, -Infinity]]}",
            "`line 2` is `Infinity`, expected finite numbers: `PATH`",
        );
    }
}
