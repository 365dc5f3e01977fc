//! Parameter files: trees of values that know where each value was written.

mod json;
mod settings;
mod toml;
mod yaml;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rhai::{Array, Dynamic, Map};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::convert;
use crate::recipe::host::{Host, Origin, State};
use crate::recipe::limits;
use crate::recipe::problem::Problem;

pub use settings::unused_settings;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub origin: Origin,
    pub data: Data,
}

/// What a place holds.
#[derive(Clone, Debug)]
pub enum Data {
    Leaf(Value),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// A file's text, which turns byte offsets into lines and columns.
pub struct Text<'t> {
    file: Arc<str>,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Text<'t> {
    /// A text under the name its user knows.
    pub fn new(file: &str, text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Text { file: Arc::from(file), text, starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The place of a byte range; a range over several lines ends with its first.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = range.start.min(self.text.len());
        let line = self.starts.partition_point(|&begin| begin <= start);
        let begin = self.starts[line - 1];
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let end = range.end.clamp(start, end);
        let count = |part: &str| part.chars().count() as u32;
        let column = count(&self.text[begin..start]) + 1;
        Span::new(self.file.clone(), line as u32, column, count(&self.text[start..end]).max(1))
    }

    /// What stands at a place.
    fn written(&self, at: &Span) -> String {
        let begin = self.starts.get((at.line as usize).saturating_sub(1));
        let line = begin.map_or("", |begin| &self.text[*begin..]);
        line.chars().skip(at.column.saturating_sub(1) as usize).take(at.length as usize).collect()
    }

    /// A place by line and column, both from one.
    pub fn spot(&self, line: usize, column: usize, length: usize) -> Span {
        Span::new(self.file.clone(), line as u32, column as u32, length.max(1) as u32)
    }
}

/// Reads a parameter file, applies `--set`, and gives the script its value. `call` is the place of
/// the file's name in the recipe.
pub fn load(host: &Host, file: &str, call: &Span) -> Result<Dynamic, Diagnostic> {
    let text = read_text(host, file, call)?;
    let mut node = parse(file, &text).map_err(|found| match found.span {
        Some(_) => found.note(call, "read from here"),
        None => found.at(call),
    })?;
    let mut state = host.state();
    settings::apply(&mut node, &mut state)?;
    collect_names(&node, String::new(), &mut state.parameters);
    Ok(to_dynamic(&node, &mut state))
}

/// Reads a file that a recipe names, as text.
pub fn read_text(host: &Host, file: &str, call: &Span) -> Result<String, Diagnostic> {
    let bytes = host.asker.read(file).map_err(|error| unreadable(host, file, call, &error))?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| Problem::NotText { path: file.to_owned() }.at(call))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// A file that cannot be read, with the names that exist nearby.
pub fn unreadable(host: &Host, file: &str, call: &Span, error: &std::io::Error) -> Diagnostic {
    if error.kind() != std::io::ErrorKind::NotFound {
        let problem = Problem::Unreadable { path: file.to_owned(), cause: error.to_string() };
        return problem.at(call);
    }
    let near = crate::recipe::scan::nearest(host, file);
    Problem::NoFile { path: file.to_owned(), near }.at(call)
}

/// Parses a file by what its name ends with.
fn parse(file: &str, content: &str) -> Result<Node, Diagnostic> {
    let text = Text::new(file, content);
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let node = match ending {
        "toml" => toml::parse(&text)?,
        "json" => json::parse(&text)?,
        "yaml" | "yml" => yaml::parse(&text)?,
        _ => return Err(Problem::UnknownFormat { path: file.to_owned() }.anywhere()),
    };
    match node.data {
        Data::Map(_) => Ok(node),
        Data::List(_) => Err(Problem::NotATable { found: "a list" }.at(&node.origin.value)),
        Data::Leaf(Value::Null) => Ok(Node { data: Data::Map(BTreeMap::new()), ..node }),
        Data::Leaf(value) => {
            Err(Problem::NotATable { found: value.type_name() }.at(&node.origin.value))
        }
    }
}

/// The plain value of a JSON text, without its places.
pub fn json_value(file: &str, content: &str) -> Result<Value, Diagnostic> {
    Ok(plain(&json::parse(&Text::new(file, content))?))
}

fn plain(node: &Node) -> Value {
    match &node.data {
        Data::Leaf(value) => value.clone(),
        Data::List(list) => Value::List(list.iter().map(plain).collect()),
        Data::Map(map) => {
            Value::Map(map.iter().map(|(name, node)| (name.clone(), plain(node))).collect())
        }
    }
}

/// The script's value of a node; its tag leads back to the node's place.
fn to_dynamic(node: &Node, state: &mut State) -> Dynamic {
    let mut value = match &node.data {
        Data::Leaf(value) => convert::to_dynamic(value),
        Data::List(list) => {
            list.iter().map(|node| to_dynamic(node, state)).collect::<Array>().into()
        }
        Data::Map(map) => {
            let entry =
                |(name, node): (&String, &Node)| (name.as_str().into(), to_dynamic(node, state));
            map.iter().map(entry).collect::<Map>().into()
        }
    };
    state.origins.push(node.origin.clone());
    // A file is bounded in bytes, so its values never come near the tag's range.
    if let Ok(tag) = i32::try_from(state.origins.len()) {
        value.set_tag(tag);
    }
    value
}

fn collect_names(node: &Node, path: String, names: &mut Vec<String>) {
    if let Data::Map(map) = &node.data {
        for (name, node) in map {
            let dot = if path.is_empty() { "" } else { "." };
            collect_names(node, format!("{path}{dot}{name}"), names);
        }
    }
    if !path.is_empty() {
        names.push(path);
    }
}

/// The node of a value whose name and place are given; infinities, NaN and texts that no command
/// could be given are refused.
fn leaf(value: Value, origin: Origin) -> Result<Node, Diagnostic> {
    if let Value::Float(number) = value
        && !number.is_finite()
    {
        return Err(Problem::NotFinite { name: String::new(), number }.at(&origin.value));
    }
    if matches!(&value, Value::Text(text) if text.contains('\0')) {
        return Err(Problem::NulInText { name: String::new() }.at(&origin.value));
    }
    Ok(Node { origin, data: Data::Leaf(value) })
}

/// The depth inside a list or map that begins at a place; an error beyond the limit.
fn deeper(format: &'static str, depth: usize, place: &Span) -> Result<usize, Diagnostic> {
    if depth == limits::VALUE_DEPTH {
        let words = format!("more than {} lists and maps within each other", limits::VALUE_DEPTH);
        return Err(Problem::BadSyntax { format, words }.at(place));
    }
    Ok(depth + 1)
}

/// True for a number without a fraction or an exponent, as files write it.
pub fn whole_digits(token: &str) -> bool {
    let digits = token.strip_prefix(['-', '+']).unwrap_or(token);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
