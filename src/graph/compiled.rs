//! Templates compiled against a rule's columns, so that filling one is a walk over pieces.

use crate::model::declare::Items;
use crate::model::template::{Piece, Template, pad};
use crate::model::value::Value;

enum Part {
    Literal(String),
    Column { index: usize, width: Option<u8> },
}

/// A path template whose placeholders are all columns of the rule.
pub(super) struct Compiled {
    parts: Vec<Part>,
}

impl Compiled {
    /// Compiles a template; gives back the unbound placeholder names when there are any.
    pub(super) fn new(template: &Template, over: Option<&Items>) -> Result<Compiled, Vec<String>> {
        let columns = over.map_or(&[][..], |items| &items.columns);
        let mut parts = Vec::with_capacity(template.pieces.len());
        let mut unbound = Vec::new();
        for piece in &template.pieces {
            match piece {
                Piece::Literal(text) => parts.push(Part::Literal(text.clone())),
                Piece::Placeholder { name, width } => {
                    match columns.iter().position(|column| column == name) {
                        Some(index) => parts.push(Part::Column { index, width: *width }),
                        None => unbound.push(name.clone()),
                    }
                }
            }
        }
        if unbound.is_empty() { Ok(Compiled { parts }) } else { Err(unbound) }
    }

    /// Fills the template for one item into `text`, which is cleared first.
    pub(super) fn fill(&self, row: &[Value], text: &mut String) {
        text.clear();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Column { index, width: None } => match &row[*index] {
                    Value::Text(value) => text.push_str(value),
                    other => text.push_str(&other.bare()),
                },
                Part::Column { index, width } => text.push_str(&pad(row[*index].bare(), *width)),
            }
        }
    }
}
