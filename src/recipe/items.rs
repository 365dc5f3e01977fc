//! The algebra of items: products, concatenation, pairing, filters.

use std::collections::HashSet;
use std::sync::Arc;

use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map, NativeCallContext};

use crate::model::declare::Items;
use crate::model::value::Value;
use crate::recipe::convert;
use crate::recipe::host::{Answer, fail};
use crate::recipe::limits;
use crate::recipe::problem::Problem;

/// Items as scripts hold them; cheap to copy.
#[derive(Clone, Debug)]
pub struct Table(pub Arc<Items>);

/// Names that placeholders give a meaning of their own.
pub const RESERVED: [&str; 4] = ["input", "output", "params", "resources"];

impl Table {
    /// A table after a check of its names and size.
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Result<Table, Problem> {
        if let Some(name) = columns.iter().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(Problem::ReservedColumn { name: name.clone() });
        }
        if let Some(name) = columns.iter().find(|name| !is_name(name)) {
            return Err(Problem::BadColumn { name: name.clone() });
        }
        if rows.len() > limits::ITEMS {
            return Err(Problem::TooManyItems { count: rows.len() });
        }
        Ok(Table(Arc::new(Items { columns, rows })))
    }

    /// The item at an index as a map.
    pub fn item(&self, index: usize) -> Map {
        let names = self.0.columns.iter();
        let values = self.0.rows[index].iter().map(convert::to_dynamic);
        names.map(|name| name.as_str().into()).zip(values).collect()
    }

    /// Every item as a map.
    pub fn to_array(&self) -> Array {
        (0..self.0.rows.len()).map(|index| self.item(index).into()).collect()
    }
}

/// True for names that a placeholder can hold.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// An item in words: `run=0001, threshold=30`.
pub fn describe(items: &Items, index: usize) -> String {
    let pairs = items.columns.iter().zip(&items.rows[index]);
    let words: Vec<String> =
        pairs.map(|(name, value)| format!("{name}={}", value.bare())).collect();
    words.join(", ")
}

/// Every item of `a` with every item of `b`; those of `b` vary fastest.
pub fn product(a: &Table, b: &Table) -> Result<Table, Problem> {
    let columns = joined_columns(a, b, "*")?;
    let count = a.0.rows.len().saturating_mul(b.0.rows.len());
    if count > limits::ITEMS {
        return Err(Problem::TooManyItems { count });
    }
    let mut rows = Vec::with_capacity(count);
    for left in &a.0.rows {
        rows.extend(b.0.rows.iter().map(|right| [left.as_slice(), right].concat()));
    }
    Table::new(columns, rows)
}

/// The items of `a`, then those of `b`.
pub fn concatenation(a: &Table, b: &Table) -> Result<Table, Problem> {
    // A table without items says nothing about columns; a scan that found no file still does.
    let find = |name: &String| b.0.columns.iter().position(|other| other == name);
    let order: Option<Vec<usize>> = a.0.columns.iter().map(find).collect();
    let order = order.filter(|order| order.len() == b.0.columns.len()).ok_or_else(|| {
        Problem::DifferentColumns { left: a.0.columns.clone(), right: b.0.columns.clone() }
    })?;
    let mut rows = a.0.rows.clone();
    rows.extend(b.0.rows.iter().map(|row| order.iter().map(|&at| row[at].clone()).collect()));
    Table::new(a.0.columns.clone(), rows)
}

/// The first item of `a` with the first of `b`, and so on.
pub fn zip(a: &Table, b: &Table) -> Result<Table, Problem> {
    let columns = joined_columns(a, b, "zip")?;
    let (left, right) = (a.0.rows.len(), b.0.rows.len());
    if left != right {
        return Err(Problem::DifferentLengths { left, right });
    }
    let pairs = a.0.rows.iter().zip(&b.0.rows);
    Table::new(columns, pairs.map(|(left, right)| [left.as_slice(), right].concat()).collect())
}

fn joined_columns(a: &Table, b: &Table, operation: &'static str) -> Result<Vec<String>, Problem> {
    if let Some(name) = a.0.columns.iter().find(|name| b.0.columns.contains(name)) {
        return Err(Problem::SharedColumn { name: name.clone(), operation });
    }
    Ok([a.0.columns.as_slice(), &b.0.columns].concat())
}

/// The items for which a closure says true.
pub fn filter(context: &NativeCallContext, table: &Table, keep: &FnPtr) -> Answer<Table> {
    let mut rows = Vec::new();
    for index in 0..table.0.rows.len() {
        let answer: Dynamic = keep.call_within_context(context, (table.item(index),))?;
        match answer.as_bool() {
            Ok(true) => rows.push(table.0.rows[index].clone()),
            Ok(false) => {}
            Err(_) => {
                let found = convert::type_name(&answer);
                return Err(fail(Problem::FilterAnswer { found }.anywhere()));
            }
        }
    }
    Ok(Table(Arc::new(Items { columns: table.0.columns.clone(), rows })))
}

/// What a closure makes of each item: new items when it gives maps.
pub fn map(context: &NativeCallContext, table: &Table, make: &FnPtr) -> Answer<Dynamic> {
    let mut made = Array::with_capacity(table.0.rows.len());
    for index in 0..table.0.rows.len() {
        made.push(make.call_within_context(context, (table.item(index),))?);
    }
    if made.is_empty() || !made.iter().all(Dynamic::is_map) {
        return Ok(made.into());
    }
    let table = from_maps(&made).map_err(|problem| fail(problem.anywhere()))?;
    Ok(Dynamic::from(table))
}

/// The items without those that came before; the order stays.
pub fn unique(table: &Table) -> Table {
    let mut seen = HashSet::new();
    let fresh = |row: &&Vec<Value>| seen.insert(format!("{row:?}"));
    let rows = table.0.rows.iter().filter(fresh).cloned().collect();
    Table(Arc::new(Items { columns: table.0.columns.clone(), rows }))
}

/// Items from a list of maps, each with the same names.
pub fn from_maps(list: &[Dynamic]) -> Result<Table, Problem> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let map = entry
            .as_map_ref()
            .map_err(|_| Problem::NotAPoint { index, found: convert::type_name(entry) })?;
        let names: Vec<String> = map.keys().map(ToString::to_string).collect();
        if index == 0 {
            columns = names;
        } else if columns != names {
            return Err(Problem::DifferentColumns { left: columns, right: names });
        }
        let row = map.iter().map(|(name, value)| scalar(value, name));
        rows.push(row.collect::<Result<_, _>>()?);
    }
    Table::new(columns, rows)
}

/// A text, number or boolean of an item.
pub fn scalar(value: &Dynamic, name: &str) -> Result<Value, Problem> {
    match convert::to_value(value, name)? {
        value @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)) => Ok(value),
        other => Err(Problem::NotAScalar { name: name.to_owned(), found: other.type_name() }),
    }
}

/// The item at an index; a negative one counts from the end.
pub fn at(table: &Table, index: i64) -> Result<Map, Problem> {
    let length = table.0.rows.len();
    let wanted = if index < 0 { index + length as i64 } else { index };
    match usize::try_from(wanted).ok().filter(|at| *at < length) {
        Some(at) => Ok(table.item(at)),
        None => Err(Problem::NoItem { index, length }),
    }
}

/// The values of one column, in order.
pub fn column(table: &Table, name: &ImmutableString) -> Result<Array, Problem> {
    let at = table.0.columns.iter().position(|column| column == name.as_str());
    let at = at.ok_or_else(|| Problem::NoColumn {
        name: name.to_string(),
        known: table.0.columns.clone(),
    })?;
    Ok(table.0.rows.iter().map(|row| convert::to_dynamic(&row[at])).collect())
}
