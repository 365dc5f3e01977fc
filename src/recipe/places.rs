//! Where the parts of a script stand: every call of a host function with the literals it was
//! given, found once by walking the parsed script.
//!
//! Values carry no position while a script runs. What a rule's map says is nearly always a literal
//! in the call itself, so the position of the call leads to the positions of its keys and texts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr, ImmutableString, Position, Stmt};

use crate::model::span::Span;

/// A piece of a script and what stands inside it.
#[derive(Clone, Debug)]
pub struct Place {
    pub span: Span,
    inside: Inside,
}

#[derive(Clone, Debug)]
enum Inside {
    /// A computed value, a number, a text with escapes: nothing inside has a known place.
    Opaque,
    /// A text written exactly as its value reads, so offsets into the value are columns.
    Text(ImmutableString),
    List(Vec<Place>),
    Map(BTreeMap<String, (Span, Place)>),
}

impl Place {
    /// A place of which only the span is known.
    pub fn of(span: Span) -> Place {
        Place { span, inside: Inside::Opaque }
    }

    /// The value of a map's key, or this place itself where that is not known.
    pub fn entry(&self, name: &str) -> &Place {
        match &self.inside {
            Inside::Map(map) => map.get(name).map_or(self, |(_, place)| place),
            _ => self,
        }
    }

    /// A map's key, or this place itself where that is not known.
    pub fn key(&self, name: &str) -> &Span {
        match &self.inside {
            Inside::Map(map) => map.get(name).map_or(&self.span, |(span, _)| span),
            _ => &self.span,
        }
    }

    /// The places of a map's keys.
    pub fn keys(&self) -> BTreeMap<String, Span> {
        match &self.inside {
            Inside::Map(map) => {
                map.iter().map(|(name, (span, _))| (name.clone(), span.clone())).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// An element of a list, or this place itself where that is not known.
    pub fn element(&self, index: usize) -> &Place {
        match &self.inside {
            Inside::List(list) => list.get(index).unwrap_or(self),
            _ => self,
        }
    }

    /// Where a placeholder is written inside, or this place itself where that is not known.
    pub fn placeholder(&self, name: &str) -> Span {
        self.find(name).unwrap_or_else(|| self.span.clone())
    }

    fn find(&self, name: &str) -> Option<Span> {
        match &self.inside {
            Inside::Opaque => None,
            Inside::List(list) => list.iter().find_map(|place| place.find(name)),
            Inside::Map(map) => map.values().find_map(|(_, place)| place.find(name)),
            Inside::Text(text) => {
                let open = format!("{{{name}");
                let spots = text.match_indices(&open).map(|(at, _)| at);
                let ends_well =
                    |at: &usize| matches!(text.as_bytes().get(at + open.len()), Some(b'}' | b':'));
                let at = spots.into_iter().find(ends_well)?;
                let length = text[at..].find('}').map_or(open.len(), |end| end + 1);
                Some(self.part(text, at, length))
            }
        }
    }

    /// The part of a text from byte `at` on, `length` characters long, or the whole place where
    /// the text is not written as it reads.
    pub fn part(&self, text: &str, at: usize, length: usize) -> Span {
        match &self.inside {
            Inside::Text(_) => {
                let before = text[..at].chars().count() as u32;
                let mut span = self.span.clone();
                span.column += 1 + before;
                span.length =
                    (length as u32).clamp(1, self.span.length.saturating_sub(before).max(1));
                span
            }
            _ => self.span.clone(),
        }
    }
}

/// A call with the places of its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    pub span: Span,
    pub args: Vec<Place>,
}

impl Call {
    /// The place of an argument, or of the call where that is not known.
    pub fn arg(&self, index: usize) -> Place {
        self.args.get(index).cloned().unwrap_or_else(|| Place::of(self.span.clone()))
    }
}

/// A script's text with the places of its calls and the names it gives to things.
pub struct Script {
    file: Arc<str>,
    text: Arc<str>,
    /// Byte offset of each line's first character.
    lines: Vec<usize>,
    calls: HashMap<(u32, u32), Arc<Call>>,
    /// Names that an assignment may add to a map.
    added: BTreeSet<String>,
}

impl Script {
    /// A script of which nothing but the text is known yet.
    pub fn new(file: &str, text: &str) -> Script {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Script {
            file: Arc::from(file),
            text: Arc::from(text),
            lines: std::iter::once(0).chain(starts).collect(),
            calls: HashMap::new(),
            added: BTreeSet::new(),
        }
    }

    /// Walks the parsed script and remembers its calls.
    pub fn index(&mut self, ast: &AST) {
        let mut calls = HashMap::new();
        let mut added = BTreeSet::new();
        ast.walk(&mut |path: &[ASTNode]| {
            if let Some(
                ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))
                | ASTNode::Stmt(Stmt::FnCall(call, at)),
            ) = path.last()
                && let Some(spot) = spot(*at)
                && !call.args.is_empty()
            {
                let args = call.args.iter().map(|arg| self.place(arg)).collect();
                calls.insert(spot, Arc::new(Call { span: self.span(*at), args }));
            }
            if let Some(ASTNode::Stmt(Stmt::Assignment(assignment))) = path.last() {
                added.extend(last_name(&assignment.1.lhs));
            }
            true
        });
        self.calls = calls;
        self.added = added;
    }

    /// True when the script assigns to a property of this name somewhere, which adds it to a map
    /// that lacks it.
    pub fn adds(&self, name: &str) -> bool {
        self.added.contains(name)
    }

    /// Names that the script gives to variables, functions and modules, whether or not it can be
    /// parsed.
    pub fn names(&self) -> Vec<&str> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words: Vec<&str> =
            self.text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
        let declares = |word: &str| matches!(word, "let" | "const" | "fn" | "as" | "for");
        words.windows(2).filter(|pair| declares(pair[0])).map(|pair| pair[1]).collect()
    }

    /// The call that stands at a position.
    pub fn call(&self, at: Position) -> Arc<Call> {
        let known = spot(at).and_then(|spot| self.calls.get(&spot)).cloned();
        known.unwrap_or_else(|| Arc::new(Call { span: self.span(at), args: Vec::new() }))
    }

    /// The token at a position.
    pub fn span(&self, at: Position) -> Span {
        let Some((line, column)) = spot(at) else {
            return Span::file(self.file.clone());
        };
        let length = token_length(self.rest(line, column));
        Span::new(self.file.clone(), line, column, length)
    }

    /// The spot behind the last thing that stands before a position, where something is missing.
    pub fn before(&self, at: Position) -> Span {
        let Some((line, column)) = spot(at) else { return self.span(at) };
        let start = self.lines.get(line as usize - 1).copied().unwrap_or(self.text.len());
        let inside = self.rest_from(start).char_indices().nth(column as usize - 1);
        let end = inside.map_or(self.text.len(), |(at, _)| start + at);
        let end = self.text[..end].trim_end().len();
        let line = self.lines.partition_point(|&start| start <= end);
        let column = self.text[self.lines[line - 1]..end].chars().count() as u32 + 1;
        Span::new(self.file.clone(), line as u32, column, 1)
    }

    /// The word at a position, for messages about it.
    pub fn word(&self, at: Position) -> String {
        let Some((line, column)) = spot(at) else { return String::new() };
        let rest = self.rest(line, column);
        rest.chars().take(token_length(rest) as usize).collect()
    }

    /// The text from a position to the end of its line.
    fn rest(&self, line: u32, column: u32) -> &str {
        let start = self.lines.get(line as usize - 1).copied().unwrap_or(self.text.len());
        let line = self.rest_from(start);
        line.char_indices().nth(column as usize - 1).map_or("", |(at, _)| &line[at..])
    }

    fn rest_from(&self, start: usize) -> &str {
        self.text[start..].lines().next().unwrap_or("")
    }

    fn place(&self, expression: &Expr) -> Place {
        let span = self.span(expression.start_position());
        let inside = match expression {
            Expr::StringConstant(text, at) => match spot(*at) {
                Some((line, column)) if self.reads_as(line, column, text) => {
                    Inside::Text(text.clone())
                }
                _ => Inside::Opaque,
            },
            Expr::Array(elements, _) => {
                Inside::List(elements.iter().map(|element| self.place(element)).collect())
            }
            Expr::Map(map, _) => {
                let entry = |(name, value): &(rhai::Ident, Expr)| {
                    (name.name.to_string(), (self.span(name.pos), self.place(value)))
                };
                Inside::Map(map.0.iter().map(entry).collect())
            }
            _ => Inside::Opaque,
        };
        Place { span, inside }
    }

    /// True when the literal at a position holds `text` letter by letter.
    fn reads_as(&self, line: u32, column: u32, text: &str) -> bool {
        let mut rest = self.rest(line, column).chars();
        rest.next().is_some_and(|quote| quote == '"' || quote == '`')
            && rest.as_str().starts_with(text)
    }
}

/// The property that an assignment writes: `c` of `a.b.c` and of `a.b["c"]`.
fn last_name(target: &Expr) -> Option<String> {
    match target {
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => last_name(&chain.rhs),
        Expr::Property(property, _) => Some(property.2.to_string()),
        Expr::StringConstant(name, _) => Some(name.to_string()),
        _ => None,
    }
}

fn spot(at: Position) -> Option<(u32, u32)> {
    Some((at.line()? as u32, at.position().unwrap_or(1) as u32))
}

/// Characters of the token with which `rest` begins, at least one.
fn token_length(rest: &str) -> u32 {
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or(' ');
    let length = match first {
        '"' | '`' | '\'' => {
            let mut escaped = false;
            let end = chars.position(|c| {
                let closes = c == first && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            end.map_or(rest.trim_end().chars().count(), |at| at + 2)
        }
        c if c.is_alphanumeric() || c == '_' => {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').count()
        }
        '-' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            1 + rest[1..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').count()
        }
        '#' if rest.starts_with("#{") => 2,
        _ => 1,
    };
    length.max(1) as u32
}
