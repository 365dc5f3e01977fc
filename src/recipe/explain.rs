//! What the interpreter says, in the words of someone who writes recipes.

use rhai::{Dynamic, Engine, EvalAltResult, LexError, ParseError, ParseErrorType, Position};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::text::near_misses;
use crate::recipe::engine::FORBIDDEN;
use crate::recipe::functions::HOST_FUNCTIONS;
use crate::recipe::host::Host;
use crate::recipe::places::Script;
use crate::recipe::problem::Problem;

/// A script that cannot be parsed.
pub fn parse_error(error: &ParseError, script: &Script, engine: &Engine) -> Diagnostic {
    let at = error.position();
    match error.err_type() {
        ParseErrorType::MissingToken(token, purpose) => {
            let purpose = plain_words(purpose).replace("object map literal", "map");
            Problem::MissingToken { token: token.clone(), purpose }.at(&script.before(at))
        }
        _ if FORBIDDEN.contains(&script.word(at).as_str()) => {
            Problem::Forbidden { word: script.word(at) }.at(&script.span(at))
        }
        other => parse_problem(other, script, engine).at(&script.span(at)),
    }
}

fn parse_problem(error: &ParseErrorType, script: &Script, engine: &Engine) -> Problem {
    match error {
        ParseErrorType::UnexpectedEOF => Problem::EndsEarly,
        ParseErrorType::BadInput(LexError::UnterminatedString) => Problem::OpenText,
        ParseErrorType::DuplicatedProperty(name) => Problem::KeyTwice { name: name.clone() },
        ParseErrorType::VariableUndefined(name) => variable(name, script, engine),
        ParseErrorType::ModuleUndefined(name) => {
            let name = name.trim_end_matches("::").to_owned();
            let near = owned(near_misses(&name, script.names()));
            Problem::UnknownAlias { name, near }
        }
        ParseErrorType::ExprTooDeep => Problem::TooDeep,
        other => Problem::Syntax { words: plain_words(&other.to_string()) },
    }
}

/// A name that stands for nothing where it is used.
fn variable(name: &str, script: &Script, engine: &Engine) -> Problem {
    let names = script.names();
    if names.contains(&name) {
        return Problem::OutOfReach { name: name.to_owned() };
    }
    let functions = function_names(engine);
    let candidates = names.iter().copied().chain(functions.iter().map(String::as_str));
    Problem::UnknownName { name: name.to_owned(), near: owned(near_misses(name, candidates)) }
}

/// A script that stopped while it ran. `file` is the script that was started.
pub fn runtime_error(error: EvalAltResult, host: &Host, engine: &Engine, file: &str) -> Diagnostic {
    let mut source = file.to_owned();
    let mut callers: Vec<Span> = Vec::new();
    let mut error = error;
    loop {
        error = match error {
            EvalAltResult::ErrorInFunctionCall(_, inside, inner, at) => {
                callers.extend(span(host, &source, at));
                if !inside.is_empty() {
                    source = inside;
                }
                *inner
            }
            EvalAltResult::ErrorInModule(_, inner, at) => {
                callers.extend(span(host, &source, at));
                *inner
            }
            _ => break,
        };
    }
    let at = error.take_position();
    let place = span(host, &source, at);
    let script = host.script(&source);
    let mut found = match error {
        EvalAltResult::ErrorRuntime(value, _) => thrown(value),
        EvalAltResult::ErrorParsing(kind, _) => match &script {
            Some(script) => parse_problem(&kind, script, engine).anywhere(),
            None => Problem::Syntax { words: plain_words(&kind.to_string()) }.anywhere(),
        },
        EvalAltResult::ErrorFunctionNotFound(call, _) => function(&call, host, engine).anywhere(),
        other => problem(other, script.as_deref(), engine).anywhere(),
    };
    if found.span.is_none() {
        found.span = place;
    }
    for caller in callers.iter().rev().filter(|caller| caller.line > 0) {
        // A closure within its call would be shown twice.
        let same_line = |span: &Span| (&span.file, span.line) == (&caller.file, caller.line);
        if !found.span.as_ref().is_some_and(same_line) {
            found = found.note(caller, "called from here");
        }
    }
    found
}

fn span(host: &Host, file: &str, at: Position) -> Option<Span> {
    Some(host.script(file)?.span(at))
}

/// What a script threw: one of our messages, or the author's own words.
fn thrown(value: Dynamic) -> Diagnostic {
    match value.try_cast_result::<Diagnostic>() {
        Ok(diagnostic) => diagnostic,
        Err(words) if words.is_unit() => Diagnostic::error("the recipe stopped itself"),
        Err(words) => Diagnostic::error(words.to_string()),
    }
}

fn problem(error: EvalAltResult, script: Option<&Script>, engine: &Engine) -> Problem {
    use EvalAltResult as E;
    match error {
        E::ErrorTooManyOperations(_) => Problem::NoEnd,
        E::ErrorStackOverflow(_) => Problem::TooDeep,
        E::ErrorDataTooLarge(what, _) => {
            let what = match what.as_str() {
                words if words.contains("string") => "a text",
                words if words.contains("map") => "a map",
                _ => "a list",
            };
            Problem::DataTooLarge { what: what.to_owned() }
        }
        E::ErrorTooManyModules(_) => Problem::TooManyModules,
        E::ErrorVariableNotFound(name, _) => match script {
            Some(script) => variable(&name, script, engine),
            None => Problem::UnknownName { name, near: Vec::new() },
        },
        E::ErrorDotExpr(words, _) => match unknown_property(&words) {
            Some((name, owner)) => Problem::NoSuchProperty { name, owner },
            None => Problem::Syntax { words: plain_words(&words) },
        },
        E::ErrorMismatchDataType(wanted, found, _)
        | E::ErrorMismatchOutputType(wanted, found, _) => {
            Problem::WrongValue { wanted: type_words(&wanted), found: type_words(&found) }
        }
        E::ErrorArrayBounds(length, index, _) => Problem::NoElement { index, length },
        E::ErrorFor(_) => Problem::NotIterable,
        E::ErrorArithmetic(words, _) => Problem::Syntax { words: plain_words(&words) },
        other => Problem::Syntax { words: plain_words(&other.to_string()) },
    }
}

/// The property and its owner in the interpreter's sentence about a missing getter.
fn unknown_property(words: &str) -> Option<(String, String)> {
    let mut quoted = words.strip_prefix("Unknown property ")?.split(['\'', '`']);
    let name = quoted.nth(1)?;
    Some((name.to_owned(), type_words(quoted.nth(1)?)))
}

/// A call of a function that does not exist, or not for such arguments.
fn function(call: &str, host: &Host, engine: &Engine) -> Problem {
    let (name, rest) = call.split_once(" (").unwrap_or((call, ""));
    let name = name.rsplit("::").next().unwrap_or(name).trim();
    if FORBIDDEN.contains(&name) {
        return Problem::Forbidden { word: name.to_owned() };
    }
    let arguments: Vec<String> = rest
        .trim_end_matches(')')
        .split(", ")
        .filter(|argument| !argument.is_empty())
        .map(type_words)
        .collect();
    let known = HOST_FUNCTIONS.iter().find(|function| function.name == name);
    let is_operator = !name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut names = function_names(engine);
    if is_operator || names.iter().any(|known| known == name) {
        let signature = known.map(|function| function.signature);
        return Problem::WrongArguments { name: name.to_owned(), arguments, signature };
    }
    for script in host.state().scripts.values() {
        names.extend(script.names().into_iter().map(str::to_owned));
    }
    let near = owned(near_misses(name, names.iter().map(String::as_str)));
    Problem::UnknownFunction { name: name.to_owned(), near }
}

/// Names of everything that can be called.
fn function_names(engine: &Engine) -> Vec<String> {
    let signatures = engine.gen_fn_signatures(true);
    let name = |signature: &String| {
        let name = signature.split('(').next().unwrap_or("").trim();
        let named = name.starts_with(|c: char| c.is_alphabetic()) && !name.contains('$');
        named.then(|| name.to_owned())
    };
    let mut names: Vec<String> = signatures.iter().filter_map(name).collect();
    names.retain(|name| !FORBIDDEN.contains(&name.as_str()));
    names.sort();
    names.dedup();
    names
}

/// The interpreter's name of a type in words.
fn type_words(name: &str) -> String {
    let words = match name {
        "()" => "nothing",
        "bool" => "a boolean",
        "i64" => "an integer",
        "f64" => "a float",
        "char" => "a character",
        "array" => "a list",
        "map" => "a map",
        "Fn" | "FnPtr" => "a closure",
        "items" => "items",
        name if name.contains("tring") || name.contains("&str") => "a text",
        name if name.contains("ange") => "a range",
        other => other,
    };
    words.to_owned()
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The interpreter's sentence as a lower-case fragment with backticks.
fn plain_words(sentence: &str) -> String {
    let sentence = sentence.replace('\'', "`");
    let mut letters = sentence.trim_end_matches('.').chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
