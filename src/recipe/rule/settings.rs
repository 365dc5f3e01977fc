//! The keys that say how an action runs: `env`, `on`, `tags`, `retries`, `timeout`, `depfile`,
//! `cache`, `container`.

use std::time::Duration;

use crate::model::declare::EnvVar;
use crate::model::span::Span;
use crate::model::template::Template;
use crate::recipe::limits;
use crate::recipe::problem::Problem;
use crate::recipe::rule::{Draft, Given, command, resources};
use crate::recipe::scan;

/// What the keys say; a wrong one is reported and left at its default.
pub struct Settings {
    pub env: Vec<EnvVar>,
    pub on: Option<String>,
    pub tags: Vec<String>,
    pub retries: u32,
    pub timeout: Option<Duration>,
    pub depfile: Option<Template>,
    pub partial: bool,
    pub cache: bool,
    pub container: Option<String>,
}

/// Reads all of them.
pub fn read(draft: &mut Draft) -> Settings {
    Settings {
        env: key(draft, "env", env).unwrap_or_default(),
        on: key(draft, "on", |draft, given| draft.text("on", given)),
        tags: key(draft, "tags", tags).unwrap_or_default(),
        retries: key(draft, "retries", retries).unwrap_or(0),
        timeout: key(draft, "timeout", |draft, given| resources::time(draft, "timeout", given)),
        depfile: key(draft, "depfile", |draft, given| {
            let text = draft.text("depfile", given)?;
            scan::template(&text, given.place).map_err(|found| draft.report(found)).ok()
        }),
        partial: flag(draft, "partial").unwrap_or(false),
        cache: flag(draft, "cache").unwrap_or(true),
        container: key(draft, "container", |draft, given| draft.text("container", given)),
    }
}

fn key<T>(
    draft: &mut Draft,
    name: &'static str,
    read: fn(&mut Draft, Given) -> Option<T>,
) -> Option<T> {
    let value = draft.get(name)?.clone();
    let place = draft.place.entry(name).clone();
    read(draft, Given { value: &value, place: &place })
}

fn flag(draft: &mut Draft, name: &'static str) -> Option<bool> {
    let value = draft.get(name)?.clone();
    let place = draft.place.entry(name).clone();
    let wrong =
        |_| draft.wrong_type(name, "`true` or `false`", Given { value: &value, place: &place });
    value.as_bool().map_or_else(wrong, Some)
}

fn tags(draft: &mut Draft, given: Given) -> Option<Vec<String>> {
    if given.value.is_array() {
        return given.elements(|element| draft.text("tags", element));
    }
    if !given.value.is_string() {
        return draft.wrong_type("tags", "a text or a list of texts", given);
    }
    draft.text("tags", given).map(|tag| vec![tag])
}

fn retries(draft: &mut Draft, given: Given) -> Option<u32> {
    let Ok(number) = given.value.as_int() else {
        return draft.wrong_type("retries", "a whole number", given);
    };
    if !(0..=limits::RETRIES).contains(&number) {
        let key = "retries".to_owned();
        let problem = Problem::Range { key, number, min: 0, max: limits::RETRIES };
        draft.report(problem.at(&given.place.span));
        return None;
    }
    u32::try_from(number).ok()
}

/// Names to pass through, or a map of names and texts to set.
fn env(draft: &mut Draft, given: Given) -> Option<Vec<EnvVar>> {
    if let Ok(map) = given.value.as_map_ref() {
        let read: Vec<Option<EnvVar>> = map
            .iter()
            .map(|(name, value)| {
                let name = variable(draft, name, given.place.key(name))?;
                let place = given.place.entry(&name);
                set_variable(draft, name, Given { value, place })
            })
            .collect();
        return read.into_iter().collect();
    }
    if !given.value.is_array() {
        return draft.wrong_type("env", "a list of names or a map", given);
    }
    given.elements(|element| {
        let name = draft.text("env", element)?;
        let name = variable(draft, &name, &element.place.span)?;
        let value = draft.host.asker.env(&name);
        Some(EnvVar::Passed { name, value })
    })
}

fn set_variable(draft: &mut Draft, name: String, given: Given) -> Option<EnvVar> {
    let text = match given.value.as_immutable_string_ref() {
        Ok(text) => {
            draft.without_nul(&format!("env.{name}"), &text, given)?;
            text.to_string()
        }
        Err(_) if given.value.is_int() || given.value.is_float() => given.value.to_string(),
        Err(_) => return draft.wrong_type(&format!("env.{name}"), "a text", given),
    };
    let value = command::template(draft, &text, given.place)?;
    Some(EnvVar::Set { name, value })
}

fn variable(draft: &mut Draft, name: &str, span: &Span) -> Option<String> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(name.to_owned());
    }
    draft.report(Problem::BadVariable { name: name.to_owned() }.at(span));
    None
}
