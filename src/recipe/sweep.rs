//! `sweep`: parameter points as items, from a map, a list or a file.

use rhai::{Array, Dynamic, Map};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::convert;
use crate::recipe::host::Host;
use crate::recipe::items::{Table, from_maps, scalar};
use crate::recipe::limits;
use crate::recipe::params;
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;

/// Every combination of the values that a map lists for each name; the last name varies fastest.
pub fn grid(map: &Map, place: &Place) -> Result<Table, Diagnostic> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for (name, choices) in map {
        let values = choices_of(choices, name);
        let values = values.map_err(|problem| problem.at(&place.entry(name).span))?;
        let count = rows.len().saturating_mul(values.len());
        if count > limits::ITEMS {
            return Err(Problem::TooManyItems { count }.at(&place.span));
        }
        let mut longer = Vec::with_capacity(count);
        for row in &rows {
            longer.extend(
                values.iter().map(|value| [row.as_slice(), std::slice::from_ref(value)].concat()),
            );
        }
        rows = longer;
    }
    let columns = map.keys().map(ToString::to_string).collect();
    Table::new(columns, rows).map_err(|problem| problem.at(&place.span))
}

fn choices_of(choices: &Dynamic, name: &str) -> Result<Vec<Value>, Problem> {
    if let Some(range) = convert::whole_numbers(choices) {
        let count = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        if count > limits::ITEMS {
            return Err(Problem::TooManyItems { count });
        }
        return Ok(range.map(Value::Int).collect());
    }
    match choices.as_array_ref() {
        Ok(list) => list.iter().map(|value| scalar(value, name)).collect(),
        Err(_) => scalar(choices, name).map(|value| vec![value]),
    }
}

/// The points of a list of maps.
pub fn list(points: &Array, place: &Place) -> Result<Table, Diagnostic> {
    from_maps(points).map_err(|problem| problem.at(&place.span))
}

/// The points of a CSV or JSON file.
pub fn file(host: &Host, path: &str, call: &Span) -> Result<Table, Diagnostic> {
    let text = params::read_text(host, path, call)?;
    if text.len() > limits::TABLE_BYTES {
        return Err(Problem::TooLarge { path: path.to_owned(), bytes: text.len() }.at(call));
    }
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "csv" => csv(path, &text),
        "json" => {
            let value = params::json_value(path, &text)?;
            let value = convert::to_dynamic(&value);
            let place = Place::of(Span::file(path));
            if let Ok(points) = value.as_array_ref() {
                return list(&points, &place);
            }
            match value.as_map_ref() {
                Ok(map) => grid(&map, &place),
                Err(_) => {
                    Err(Problem::NotPoints { found: convert::type_name(&value) }.at(&place.span))
                }
            }
        }
        _ => Err(Problem::UnknownTable { path: path.to_owned() }.at(call)),
    }
}

/// Reads a comma-separated table whose first line names the columns.
fn csv(path: &str, content: &str) -> Result<Table, Diagnostic> {
    let text = params::Text::new(path, content);
    let mut lines = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let start = at;
        let (fields, next) = record(content, start);
        at = next;
        let fields = fields.ok_or_else(|| {
            Problem::BadCsv { words: "a quote is not closed" }.at(&text.span(start..start + 1))
        })?;
        if fields != [(String::new(), false)] {
            lines.push((fields, text.span(start..next)));
        }
    }
    let mut lines = lines.into_iter();
    let Some((header, _)) = lines.next() else {
        return Err(
            Problem::BadCsv { words: "there is no line of column names" }.at(&Span::file(path))
        );
    };
    let columns: Vec<String> = header.into_iter().map(|(name, _)| name).collect();
    let mut rows = Vec::new();
    for (fields, span) in lines {
        if fields.len() != columns.len() {
            let problem = Problem::CsvWidth { expected: columns.len(), found: fields.len() };
            return Err(problem.at(&span));
        }
        let values = fields.into_iter().map(|(field, quoted)| field_value(field, quoted));
        let values: Result<Vec<Value>, &'static str> = values.collect();
        rows.push(values.map_err(|words| Problem::BadCsv { words }.at(&span))?);
    }
    Table::new(columns, rows).map_err(|problem| problem.at(&text.spot(1, 1, 1)))
}

/// The fields of the record at `start`, each with whether it was quoted, and where the next one
/// begins; no fields when a quote is not closed.
fn record(content: &str, start: usize) -> (Option<Vec<(String, bool)>>, usize) {
    let mut fields = vec![(String::new(), false)];
    let mut inside = false;
    let mut chars = content[start..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let (field, quoted) = fields.last_mut().expect("there is always a field");
        match c {
            '"' if inside && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                field.push('"');
            }
            '"' if inside || field.trim().is_empty() => {
                inside = !inside;
                *quoted = true;
                if inside {
                    field.clear();
                }
            }
            _ if inside => field.push(c),
            ',' => fields.push((String::new(), false)),
            '\n' => return (Some(trimmed(fields)), start + at + 1),
            _ => field.push(c),
        }
    }
    ((!inside).then(|| trimmed(fields)), content.len())
}

fn trimmed(fields: Vec<(String, bool)>) -> Vec<(String, bool)> {
    let trim = |(text, quoted): (String, bool)| {
        (if quoted { text } else { text.trim().to_owned() }, quoted)
    };
    fields.into_iter().map(trim).collect()
}

/// The value a field reads as, or why it is none: quoted ones are texts.
fn field_value(field: String, quoted: bool) -> Result<Value, &'static str> {
    if field.contains('\0') {
        return Err("a text has a NUL character");
    }
    // Leading zeros mark names such as run numbers, which must keep them.
    let named =
        field.len() > 1 && field.starts_with('0') && field.bytes().all(|b| b.is_ascii_digit());
    if quoted || named {
        return Ok(Value::Text(field));
    }
    if let Ok(number) = field.parse::<i64>() {
        return Ok(Value::Int(number));
    }
    if params::whole_digits(&field) {
        return Err("a whole number does not fit into 64 bits");
    }
    if let Ok(number) = field.parse::<f64>() {
        let finite = number.is_finite().then_some(Value::Float(number));
        return finite.ok_or("infinities and NaN are not parameters");
    }
    Ok(match field.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::Text(field),
    })
}
