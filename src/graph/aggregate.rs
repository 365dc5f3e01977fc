//! Inputs that collect: patterns with names that the rule's items do not bind.

use std::collections::HashMap;

use crate::graph::Texts;
use crate::model::declare::{Items, Port};
use crate::model::pattern::Pattern;
use crate::model::template::Piece;
use crate::model::text::natural_cmp;
use crate::model::value::Value;

/// Everything a collecting input matches, grouped by the names that the rule does bind.
pub(super) struct Aggregate {
    pattern: Pattern,
    bound: Vec<Bound>,
    groups: HashMap<Vec<String>, Vec<u32>>,
}

/// A capture whose value the rule's item gives.
struct Bound {
    /// Place in the pattern's captures.
    capture: usize,
    /// Place in the rule's columns.
    column: usize,
    /// True for `{run:04}`, which captures a number: `0101` as a text means 101 there.
    padded: bool,
}

impl Aggregate {
    pub(super) fn new(port: &Port, over: Option<&Items>) -> Self {
        let pattern = Pattern::of(&port.path);
        let columns = over.map_or(&[][..], |items| &items.columns);
        let bound = pattern
            .names()
            .iter()
            .enumerate()
            .filter_map(|(capture, name)| {
                let column = columns.iter().position(|c| c == name)?;
                let padded = port.path.pieces.iter().any(
                    |piece| matches!(piece, Piece::Placeholder { name: n, width: Some(_) } if n == name),
                );
                Some(Bound { capture, column, padded })
            })
            .collect();
        Aggregate { pattern, bound, groups: HashMap::new() }
    }

    pub(super) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes an artifact in when its path matches.
    pub(super) fn offer(&mut self, artifact: u32, path: &str) {
        if let Some(captures) = self.pattern.captures(path) {
            let key = self.bound.iter().map(|b| captures[b.capture].bare()).collect();
            self.groups.entry(key).or_default().push(artifact);
        }
    }

    /// Brings each group into natural order of paths, whatever order rules were declared in.
    pub(super) fn sort(&mut self, paths: &Texts) {
        for group in self.groups.values_mut() {
            group.sort_by(|&a, &b| natural_cmp(paths.get(a as usize), paths.get(b as usize)));
        }
    }

    /// The artifacts that match for one item, in natural order.
    pub(super) fn matches(&self, row: &[Value]) -> Vec<u32> {
        let key: Vec<String> =
            self.bound.iter().map(|b| bound_text(&row[b.column], b.padded)).collect();
        self.groups.get(&key).cloned().unwrap_or_default()
    }
}

/// The text a capture has when it took this value.
fn bound_text(value: &Value, padded: bool) -> String {
    let text = value.bare();
    match text.parse::<u64>() {
        Ok(number) if padded => number.to_string(),
        _ => text,
    }
}
