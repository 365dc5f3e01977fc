//! The keys that say how an action runs: `env`, `on`, `tags`, `retries`, `timeout`, `depfile`,
//! `cache`, `container`.

use std::time::Duration;

use rhai::Dynamic;

use crate::model::declare::EnvVar;
use crate::model::resources::parse_time;
use crate::model::template::Template;
use crate::recipe::limits;
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;
use crate::recipe::rule::{Draft, command, resources};
use crate::recipe::scan;

/// What the keys say; a wrong one is reported and left at its default.
pub struct Settings {
    pub env: Vec<EnvVar>,
    pub on: Option<String>,
    pub tags: Vec<String>,
    pub retries: u32,
    pub timeout: Option<Duration>,
    pub depfile: Option<Template>,
    pub cache: bool,
    pub container: Option<String>,
}

/// Reads all of them.
pub fn read(draft: &mut Draft) -> Settings {
    Settings {
        env: key(draft, "env", env).unwrap_or_default(),
        on: key(draft, "on", plain_text),
        tags: key(draft, "tags", tags).unwrap_or_default(),
        retries: key(draft, "retries", retries).unwrap_or(0),
        timeout: key(draft, "timeout", |draft, value, place| {
            resources::quantity(draft, "timeout", (value, place), ("min", parse_time))
        }),
        depfile: key(draft, "depfile", |draft, value, place| {
            let text = draft.text("depfile", value, place)?;
            scan::template(&text, place).map_err(|found| draft.report(found)).ok()
        }),
        cache: key(draft, "cache", |draft, value, place| match value.as_bool() {
            Ok(flag) => Some(flag),
            Err(_) => draft.wrong_type("cache", "`true` or `false`", value, place),
        })
        .unwrap_or(true),
        container: key(draft, "container", plain_text),
    }
}

fn key<T>(
    draft: &mut Draft,
    name: &'static str,
    read: impl Fn(&mut Draft, &Dynamic, &Place) -> Option<T>,
) -> Option<T> {
    let value = draft.get(name)?.clone();
    let place = draft.place.entry(name).clone();
    let before = draft.problems.len();
    let found = read(draft, &value, &place);
    // Readers of parts name the part; a closure anywhere is named by its key.
    debug_assert!(found.is_some() || draft.problems.len() > before);
    found
}

fn plain_text(draft: &mut Draft, value: &Dynamic, place: &Place) -> Option<String> {
    let Ok(text) = value.as_immutable_string_ref() else {
        return draft.wrong_type("the value", "a text", value, place);
    };
    Some(text.to_string())
}

fn tags(draft: &mut Draft, value: &Dynamic, place: &Place) -> Option<Vec<String>> {
    let Ok(list) = value.as_array_ref() else {
        if !value.is_string() {
            return draft.wrong_type("tags", "a text or a list of texts", value, place);
        }
        return draft.text("tags", value, place).map(|tag| vec![tag]);
    };
    let read: Vec<Option<String>> = list
        .iter()
        .enumerate()
        .map(|(index, value)| draft.text("tags", value, place.element(index)))
        .collect();
    read.into_iter().collect()
}

fn retries(draft: &mut Draft, value: &Dynamic, place: &Place) -> Option<u32> {
    let Ok(number) = value.as_int() else {
        return draft.wrong_type("retries", "a whole number", value, place);
    };
    if !(0..=limits::RETRIES).contains(&number) {
        let key = "retries".to_owned();
        let problem = Problem::Range { key, number, min: 0, max: limits::RETRIES };
        draft.report(problem.at(&place.span));
        return None;
    }
    u32::try_from(number).ok()
}

/// Names to pass through, or a map of names and texts to set.
fn env(draft: &mut Draft, value: &Dynamic, place: &Place) -> Option<Vec<EnvVar>> {
    if let Ok(map) = value.as_map_ref() {
        let read: Vec<Option<EnvVar>> = map
            .iter()
            .map(|(name, value)| {
                let name = variable(draft, name, place.key(name))?;
                let place = place.entry(&name);
                let text = match value.as_immutable_string_ref() {
                    Ok(text) => text.to_string(),
                    Err(_) if value.is_int() || value.is_float() => value.to_string(),
                    Err(_) => {
                        return draft.wrong_type(&format!("env.{name}"), "a text", value, place);
                    }
                };
                let value = command::template(draft, &text, place)?;
                Some(EnvVar::Set { name, value })
            })
            .collect();
        return read.into_iter().collect();
    }
    let Ok(list) = value.as_array_ref() else {
        return draft.wrong_type("env", "a list of names or a map", value, place);
    };
    let read: Vec<Option<EnvVar>> = list
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let place = place.element(index);
            let name = draft.text("env", value, place)?;
            let name = variable(draft, &name, &place.span)?;
            let value = draft.host.asker.env(&name);
            Some(EnvVar::Passed { name, value })
        })
        .collect();
    read.into_iter().collect()
}

fn variable(draft: &mut Draft, name: &str, span: &crate::model::span::Span) -> Option<String> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(name.to_owned());
    }
    draft.report(Problem::BadVariable { name: name.to_owned() }.at(span));
    None
}
