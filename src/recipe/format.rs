//! `attpc fmt`: one shape for recipes.
//!
//! The formatter never adds, drops, joins or splits anything but spaces and blank lines: it
//! indents by open brackets, aligns the values of a map's entries, puts a space behind commas and
//! ends the file with one line break. Comments and texts stay exactly as they are.

use std::collections::BTreeMap;

use crate::model::diagnostic::Diagnostic;
use crate::recipe::explain;
use crate::recipe::places::Script;

/// Spaces for each level of open brackets.
const INDENT: usize = 4;

/// The text of a recipe in its usual shape, or why it cannot be parsed.
pub fn format(file: &str, text: &str) -> Result<String, Diagnostic> {
    let engine = rhai::Engine::new_raw();
    engine
        .compile(text)
        .map_err(|error| explain::parse_error(&error, &Script::new(file, text), &engine))?;
    Ok(shape(text))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// Letters, literals and operators, kept as they are; a literal may span lines.
    Word(String),
    Comment(String),
    Space(String),
    Comma,
    Colon,
    Open(&'static str),
    Close(char),
}

/// A line while it is being shaped.
struct Line {
    tokens: Vec<Token>,
    indent: usize,
    /// The entry of a map that begins here: which group of entries it is aligned with.
    group: Option<(usize, usize)>,
}

fn shape(text: &str) -> String {
    let mut lines = indented(split(text));
    align(&mut lines);
    let mut shaped = String::with_capacity(text.len() + text.len() / 8);
    let mut blank = true;
    for line in lines {
        if line.tokens.is_empty() {
            blank = blank || shaped.is_empty();
            if !blank {
                shaped.push('\n');
            }
            blank = true;
            continue;
        }
        blank = false;
        shaped.push_str(&" ".repeat(line.indent));
        shaped.push_str(&written(&line.tokens));
        shaped.push('\n');
    }
    while shaped.ends_with("\n\n") {
        shaped.pop();
    }
    shaped
}

/// Splits a text into lines of tokens; spaces at both ends of a line are gone.
fn split(text: &str) -> Vec<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    while at < chars.len() {
        let end = token_end(&chars, at);
        let word: String = chars[at..end].iter().collect();
        let line = lines.last_mut().expect("there is always a line");
        match chars[at] {
            '\n' => lines.push(Vec::new()),
            '/' if end > at + 1 => line.push(Token::Comment(word.trim_end().to_owned())),
            c if c.is_whitespace() => line.push(Token::Space(word)),
            ',' => line.push(Token::Comma),
            ':' if end == at + 1 => line.push(Token::Colon),
            '(' => line.push(Token::Open("(")),
            '[' => line.push(Token::Open("[")),
            '{' => line.push(Token::Open("{")),
            '#' if end == at + 2 => line.push(Token::Open("#{")),
            c @ (')' | ']' | '}') => line.push(Token::Close(c)),
            _ => line.push(Token::Word(word)),
        }
        at = end;
    }
    let is_space = |token: &Token| matches!(token, Token::Space(_));
    for line in &mut lines {
        while line.last().is_some_and(is_space) {
            line.pop();
        }
        while line.first().is_some_and(is_space) {
            line.remove(0);
        }
    }
    lines
}

/// Where the token that begins at `at` ends.
fn token_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let run = |inside: fn(char) -> bool| {
        chars[at..].iter().position(|&c| !inside(c)).map_or(chars.len(), |length| at + length)
    };
    match chars[at] {
        '\n' => at + 1,
        '/' if next == Some('/') => run(|c| c != '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' | '\'' | '`' => literal_end(chars, at),
        '#' if next == Some('{') => at + 2,
        ':' if next == Some(':') => at + 2,
        c if c.is_whitespace() => run(|c| c.is_whitespace() && c != '\n'),
        c if c.is_alphanumeric() || c == '_' => run(|c| c.is_alphanumeric() || c == '_'),
        _ => at + 1,
    }
}

/// Block comments nest.
fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

/// The end of a text or character; the code inside `${...}` may hold texts of its own.
fn literal_end(chars: &[char], start: usize) -> usize {
    let quote = chars[start];
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' if quote != '`' => at += 2,
            '`' if quote == '`' && chars.get(at + 1) == Some(&'`') => at += 2,
            '$' if quote == '`' && chars.get(at + 1) == Some(&'{') => {
                at = interpolation_end(chars, at + 2);
            }
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn interpolation_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 1);
    while at < chars.len() && depth > 0 {
        depth +=
            i32::from(chars[at] == '{' || (chars[at] == '#' && token_end(chars, at) == at + 2));
        depth -= i32::from(chars[at] == '}');
        at = token_end(chars, at);
    }
    at
}

/// A bracket that is still open.
struct Bracket {
    kind: &'static str,
    /// How far the line on which it stands is indented, in levels.
    level: usize,
    /// For maps: a number of its own, and how many blank lines its entries have seen.
    map: (usize, usize),
}

/// Gives every line its indent: one level more than the line that opened the innermost bracket,
/// another one for a statement that goes on; a closing bracket stands under its opening line.
fn indented(lines: Vec<Vec<Token>>) -> Vec<Line> {
    let mut open: Vec<Bracket> = Vec::new();
    let mut maps = 0;
    let mut goes_on = false;
    let mut shaped = Vec::with_capacity(lines.len());
    for tokens in lines {
        if let (true, Some(bracket)) = (tokens.is_empty(), open.last_mut()) {
            bracket.map.1 += 1;
        }
        let closes = tokens.iter().take_while(|token| matches!(token, Token::Close(_))).count();
        let outermost = open.get(open.len().saturating_sub(closes.max(1)));
        let level = match (outermost, closes) {
            (None, _) => usize::from(goes_on),
            (Some(bracket), 0) => bracket.level + 1 + usize::from(goes_on),
            (Some(bracket), _) => bracket.level,
        };
        let inside_map = closes == 0 && open.last().is_some_and(|bracket| bracket.kind == "#{");
        let group = (inside_map && is_entry(&tokens)).then(|| open[open.len() - 1].map);
        for token in &tokens {
            match token {
                Token::Open(kind) => {
                    maps += 1;
                    open.push(Bracket { kind, level, map: (maps, 0) });
                }
                Token::Close(_) => drop(open.pop()),
                _ => {}
            }
        }
        let is_code = |token: &&Token| !matches!(token, Token::Comment(_) | Token::Space(_));
        if let Some(last) = tokens.iter().rev().find(is_code) {
            goes_on = !ends_statement(last);
        }
        shaped.push(Line { tokens, indent: level * INDENT, group });
    }
    shaped
}

fn ends_statement(token: &Token) -> bool {
    match token {
        Token::Comma | Token::Open(_) | Token::Close('}') => true,
        Token::Word(word) => word == ";",
        _ => false,
    }
}

/// True for `key: value` on a line of its own.
fn is_entry(tokens: &[Token]) -> bool {
    let key = matches!(tokens.first(), Some(Token::Word(_)));
    let has_value = tokens.iter().skip_while(|token| **token != Token::Colon).skip(1);
    let has_value = has_value.filter(|token| !matches!(token, Token::Space(_))).count() > 0;
    let mut depth = 0;
    let mut commas = tokens.iter().enumerate().filter(|(_, token)| {
        depth += i32::from(matches!(token, Token::Open(_)));
        depth -= i32::from(matches!(token, Token::Close(_)));
        depth == 0 && **token == Token::Comma
    });
    let is_quiet = |token: &Token| matches!(token, Token::Space(_) | Token::Comment(_));
    let alone = commas.all(|(at, _)| tokens[at + 1..].iter().all(is_quiet));
    key && colon_of(tokens).is_some() && has_value && alone
}

/// Where the colon behind a key stands.
fn colon_of(tokens: &[Token]) -> Option<usize> {
    let at = tokens.iter().skip(1).position(|token| !matches!(token, Token::Space(_)))? + 1;
    (tokens[at] == Token::Colon).then_some(at)
}

/// Puts the values of a group of entries into one column.
fn align(lines: &mut [Line]) {
    let key_length = |line: &Line| match &line.tokens[0] {
        Token::Word(key) => key.chars().count(),
        _ => 0,
    };
    let mut widest: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for line in lines.iter() {
        if let Some(group) = line.group {
            let width = widest.entry(group).or_default();
            *width = key_length(line).max(*width);
        }
    }
    for line in lines {
        let Some(colon) = line.group.and(colon_of(&line.tokens)) else { continue };
        let Some(width) = line.group.and_then(|group| widest.get(&group)) else { continue };
        let space = Token::Space(" ".repeat(width - key_length(line) + 1));
        let value = line.tokens[colon + 1..].iter();
        let value = value.skip_while(|token| matches!(token, Token::Space(_))).cloned();
        let value: Vec<Token> = value.collect();
        let key = line.tokens[0].clone();
        line.tokens = [vec![key, Token::Colon, space], value].concat();
    }
}

fn written(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(word) | Token::Comment(word) => text.push_str(word),
            Token::Space(space) => {
                let before_comma = tokens.get(at + 1) == Some(&Token::Comma);
                text.push_str(if before_comma { "" } else { space });
            }
            Token::Comma => {
                let touches =
                    tokens.get(at + 1).is_some_and(|next| !matches!(next, Token::Space(_)));
                text.push_str(if touches { ", " } else { "," });
            }
            Token::Colon => text.push(':'),
            Token::Open(bracket) => text.push_str(bracket),
            Token::Close(bracket) => text.push(*bracket),
        }
    }
    text
}
