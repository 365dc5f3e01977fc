//! `rule(name, #{ ... })`: from a script's map to a checked declaration.
//!
//! All keys are looked at before anything is said, so that one look at the messages repairs the
//! whole rule.

mod command;
mod kernel;
mod paths;
mod placeholders;
mod resources;
mod settings;

use std::sync::Arc;

use rhai::{Dynamic, FnPtr, Map, NativeCallContext};

use crate::model::declare::{Params, PerItem, RULE_KEYS, RuleDecl};
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::resources::Resources;
use crate::model::text::near_misses;
use crate::model::value::Value;
use crate::recipe::convert;
use crate::recipe::explain;
use crate::recipe::host::{Answer, Host, fail};
use crate::recipe::items::{self, Table};
use crate::recipe::places::{Call, Place};
use crate::recipe::problem::Problem;

/// A rule while it is being read.
struct Draft<'a> {
    host: &'a Host,
    context: &'a NativeCallContext<'a>,
    call: Arc<Call>,
    /// Where the rule's map stands.
    place: Place,
    rule: &'a str,
    map: &'a Map,
    over: Option<Table>,
    problems: Vec<Diagnostic>,
}

/// Reads a rule; what is wrong with it is reported, and the script goes on with the next one.
pub fn declare(host: &Host, context: &NativeCallContext, rule: &str, map: &Map) -> Answer<()> {
    let call = host.call(context);
    let place = call.arg(1);
    let mut draft =
        Draft { host, context, call, place, rule, map, over: None, problems: Vec::new() };
    draft.check_name();
    draft.check_keys();
    draft.over = draft.read_over();
    let declared = draft.read();
    let mut problems = draft.problems;
    problems.sort_by(|a, b| a.span.cmp(&b.span));
    let mut state = host.state();
    let failed = problems.iter().any(|found| found.severity == Severity::Error);
    state.diagnostics.extend(problems);
    if let Some(declared) = declared.filter(|_| !failed) {
        state.declarations.rules.push(declared);
    }
    if state.is_full() {
        return Err(fail(Diagnostic::error("there are too many errors to go on")));
    }
    Ok(())
}

/// A value of the rule's map, or a part of one, with its place.
#[derive(Clone, Copy)]
struct Given<'v> {
    value: &'v Dynamic,
    place: &'v Place,
}

impl Given<'_> {
    /// The elements of a list, each read by `read`; `None` when it is no list or one goes wrong.
    /// All of them are read before that is known, so all of their problems are reported.
    fn elements<T>(self, mut read: impl FnMut(Given) -> Option<T>) -> Option<Vec<T>> {
        let list = self.value.as_array_ref().ok()?;
        let read: Vec<Option<T>> = list
            .iter()
            .enumerate()
            .map(|(index, value)| read(Given { value, place: self.place.element(index) }))
            .collect();
        read.into_iter().collect()
    }
}

impl Draft<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    /// The value of a key; `()` counts as absent, so that a recipe can leave a key out by a value.
    fn get(&self, key: &str) -> Option<&Dynamic> {
        self.map.get(key).filter(|value| !value.is_unit())
    }

    fn check_name(&mut self) {
        let place = self.call.arg(0).span;
        let allowed = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        if self.rule.is_empty() || !self.rule.chars().all(allowed) {
            self.report(Problem::BadRuleName { rule: self.rule.to_owned() }.at(&place));
        }
        let first = self.host.state().rules.insert(self.rule.to_owned(), place.clone());
        if let Some(first) = first {
            let found = Problem::RuleTwice { rule: self.rule.to_owned() }.at(&place);
            self.report(found.note(&first, "first declared here"));
        }
    }

    fn check_keys(&mut self) {
        for key in self.map.keys().filter(|key| !RULE_KEYS.contains(&key.as_str())) {
            let known = RULE_KEYS.iter().map(|key| (*key).to_owned()).collect();
            let problem =
                Problem::UnknownKey { rule: self.rule.to_owned(), key: key.to_string(), known };
            self.problems.push(problem.at(self.place.key(key)));
        }
        if self.get("args").is_some() && self.get("script").is_none() {
            self.report(Problem::LonelyArgs.at(self.place.key("args")));
        }
    }

    /// True when an unknown key is close to this one, so that its absence is explained already.
    fn misspells(&self, key: &'static str) -> bool {
        let unknown = self.map.keys().filter(|name| !RULE_KEYS.contains(&name.as_str()));
        let mut unknown = unknown.map(|name| near_misses(name, RULE_KEYS));
        unknown.any(|near| near.first() == Some(&key))
    }

    fn read_over(&mut self) -> Option<Table> {
        let value = self.get("over")?.clone();
        if let Some(table) = value.clone().try_cast::<Table>() {
            return Some(table);
        }
        let place = self.place.entry("over").span.clone();
        let table = match value.as_array_ref() {
            Ok(list) => items::from_maps(&list),
            Err(_) => Err(Problem::WrongType {
                key: "over".to_owned(),
                wanted: "items from `scan`, `sweep` or a list of maps",
                found: convert::type_name(&value),
            }),
        };
        // The items of a bad `over` are unknown, so nothing that depends on them can be checked.
        table.map_err(|problem| self.report(problem.at(&place))).ok()
    }

    fn read(&mut self) -> Option<RuleDecl> {
        let command = command::read(self);
        let inputs = self.per_item("input", paths::ports);
        let outputs = self.per_item("output", paths::ports);
        let params = self.per_item("params", read_params);
        let resources = self.per_item("resources", resources::read);
        let settings = settings::read(self);
        if self.get("output").is_none() && !self.misspells("output") {
            let name = self.call.arg(0).span;
            self.report(Problem::NoOutput { rule: self.rule.to_owned() }.at(&name));
        }
        let over_failed = self.get("over").is_some() && self.over.is_none();
        let mut declared = RuleDecl {
            name: self.rule.to_owned(),
            span: self.call.span.clone(),
            key_spans: self.place.keys(),
            over: self.over.as_ref().map(|table| (*table.0).clone()),
            inputs: inputs.unwrap_or_else(none)?,
            outputs: outputs.unwrap_or_else(none)?,
            command: command?,
            params: params.unwrap_or_else(|| Some(PerItem::Same(Params::default())))?,
            env: settings.env,
            resources: resources.unwrap_or_else(|| Some(PerItem::Same(Resources::default())))?,
            on: settings.on,
            tags: settings.tags,
            retries: settings.retries,
            timeout: settings.timeout,
            depfile: settings.depfile,
            partial: settings.partial,
            cache: settings.cache,
            container: settings.container,
        };
        kernel::check(self, &mut declared);
        if !over_failed {
            placeholders::check(self, &declared);
        }
        Some(declared)
    }

    /// Reads a key that may be a closure of the item. The outer `None` says that the key is
    /// absent, the inner one that its value is wrong.
    fn per_item<T>(
        &mut self,
        key: &'static str,
        read: fn(&mut Self, &'static str, Given) -> Option<T>,
    ) -> Option<Option<PerItem<T>>> {
        let value = self.get(key)?.clone();
        let place = self.place.entry(key).clone();
        let given = Given { value: &value, place: &place };
        let Some(closure) = value.clone().try_cast::<FnPtr>() else {
            return Some(read(self, key, given).map(PerItem::Same));
        };
        let Some(table) = self.over.clone() else {
            if self.get("over").is_some() {
                return Some(None);
            }
            let made = self.compute(&closure, Map::new(), &place)?;
            let given = Given { value: &made, place: &place };
            return Some(read(self, key, given).map(PerItem::Same));
        };
        // What goes wrong for one item goes wrong for many; the first one is enough.
        let mut values = Vec::with_capacity(table.0.rows.len());
        for index in 0..table.0.rows.len() {
            let before = self.problems.len();
            let made = self.compute(&closure, table.item(index), &place);
            let value =
                made.and_then(|made| read(self, key, Given { value: &made, place: &place }));
            for found in &mut self.problems[before..] {
                let item = format!("for the item {}", items::describe(&table.0, index));
                found.label.get_or_insert(item.into());
            }
            let Some(value) = value else { return Some(None) };
            values.push(value);
        }
        Some(Some(PerItem::Each(values)))
    }

    fn compute(&mut self, closure: &FnPtr, item: Map, place: &Place) -> Option<Dynamic> {
        let made: Answer<Dynamic> = closure.call_within_context(self.context, (item,));
        made.map_err(|error| {
            let file = self.context.call_source().unwrap_or_default();
            let engine = self.context.engine();
            let mut found = explain::runtime_error(*error, self.host, engine, file);
            found.notes.clear();
            if found.span.is_none() {
                found.span = Some(place.span.clone());
            }
            self.report(found);
        })
        .ok()
    }

    /// The text of a key or of a part of it.
    fn text(&mut self, key: &str, given: Given) -> Option<String> {
        let Ok(text) = given.value.as_immutable_string_ref() else {
            return self.wrong_type(key, "a text", given);
        };
        if text.is_empty() {
            self.report(Problem::Empty { key: key.to_owned() }.at(&given.place.span));
            return None;
        }
        self.without_nul(key, &text, given)?;
        Some(text.to_string())
    }

    /// Refuses a text that the system could hand to no command; `None` when it was.
    fn without_nul(&mut self, key: &str, text: &str, given: Given) -> Option<()> {
        if text.contains('\0') {
            self.report(Problem::NulInText { name: key.to_owned() }.at(&given.place.span));
            return None;
        }
        Some(())
    }

    fn wrong_type<T>(&mut self, key: &str, wanted: &'static str, given: Given) -> Option<T> {
        let key = key.to_owned();
        let problem = match convert::type_name(given.value) {
            "a closure" => Problem::NotPerItem { key },
            found => Problem::WrongType { key, wanted, found },
        };
        self.report(problem.at(&given.place.span));
        None
    }
}

fn none<T>() -> Option<PerItem<Vec<T>>> {
    Some(PerItem::Same(Vec::new()))
}

fn read_params(draft: &mut Draft, key: &'static str, given: Given) -> Option<Params> {
    if !given.value.is_map() {
        return draft.wrong_type(key, "a map", given);
    }
    let values = convert::to_value(given.value, "");
    let values: Option<Value> =
        values.map_err(|problem| draft.report(problem.at(&given.place.span))).ok();
    let origins = convert::origins(given.value, draft.host);
    let origins = origins.into_iter().filter(|(_, at)| at.leaf);
    let origins = origins.map(|(name, at)| (name, at.value)).collect();
    Some(Params { values: values?, origins })
}
