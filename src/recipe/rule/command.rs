//! `kernel`, `argv`, `shell`, `script` with `args`: exactly one way to carry a rule out.

use crate::model::declare::Command;
use crate::model::template::{Piece, Template};
use crate::recipe::convert;
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;
use crate::recipe::rule::{Draft, Given};
use crate::recipe::scan::tidy_path;

const COMMANDS: [&str; 4] = ["kernel", "argv", "shell", "script"];

/// Reads the rule's command; `None` when there is none, more than one, or a bad one.
pub fn read(draft: &mut Draft) -> Option<Command> {
    let given: Vec<&'static str> =
        COMMANDS.into_iter().filter(|key| draft.get(key).is_some()).collect();
    let rule = draft.rule.to_owned();
    let key = match given[..] {
        [key] => key,
        [] if COMMANDS.iter().any(|key| draft.misspells(key)) => return None,
        [] => {
            let name = draft.call.arg(0).span;
            draft.report(Problem::NoCommand { rule }.at(&name));
            return None;
        }
        [first, second, ..] => {
            let found = Problem::ManyCommands { rule }.at(draft.place.key(second));
            let found = found.note(draft.place.key(first), "the other one is here");
            draft.report(found);
            return None;
        }
    };
    let value = draft.get(key)?.clone();
    let place = draft.place.entry(key).clone();
    let given = Given { value: &value, place: &place };
    match key {
        "argv" => {
            let words = words(draft, key, given)?;
            if words.is_empty() {
                draft.report(Problem::Empty { key: key.to_owned() }.at(&place.span));
                return None;
            }
            Some(Command::Argv(words))
        }
        "shell" => {
            let text = draft.text(key, given)?;
            template(draft, &text, &place).map(Command::Shell)
        }
        "kernel" => draft.text(key, given).map(Command::Kernel),
        _ => {
            let path = draft.text(key, given)?;
            let args = match draft.get("args").cloned() {
                Some(value) => {
                    let place = draft.place.entry("args").clone();
                    words(draft, "args", Given { value: &value, place: &place })?
                }
                None => Vec::new(),
            };
            Some(Command::Script { path: tidy_path(&path), args })
        }
    }
}

/// A list of words, each a text with placeholders, a number or a boolean.
fn words(draft: &mut Draft, key: &str, given: Given) -> Option<Vec<Template>> {
    if !given.value.is_array() {
        return draft.wrong_type(key, "a list of words", given);
    }
    given.elements(|element| word(draft, key, element))
}

fn word(draft: &mut Draft, key: &str, given: Given) -> Option<Template> {
    let Given { value, place } = given;
    if let Ok(text) = value.as_immutable_string_ref() {
        draft.without_nul(key, &text, given)?;
        return template(draft, &text, place);
    }
    if value.is_int() || value.is_float() || value.is_bool() {
        let value = convert::to_value(value, key);
        let value = value.map_err(|problem| draft.report(problem.at(&place.span))).ok()?;
        return Some(Template { pieces: vec![Piece::Literal(value.bare())] });
    }
    draft.wrong_type(key, "a list of texts and numbers", given)
}

/// A text with placeholders that is not a path.
pub fn template(draft: &mut Draft, text: &str, place: &Place) -> Option<Template> {
    Template::parse(text)
        .map_err(|error| {
            let at = error.at();
            let length = text[at..].find('}').map_or(1, |end| end + 1);
            let hint = error.hint();
            let found = Problem::BadTemplate(error).at(&place.part(text, at, length));
            draft.report(found.hint(hint));
        })
        .ok()
}
