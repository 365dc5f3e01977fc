//! `resources`: quantities with units.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::resources::{QuantityError, Resources, parse_size, parse_time};
use crate::recipe::problem::Problem;
use crate::recipe::rule::{Draft, Given};

const KEYS: [&str; 5] = ["cores", "memory", "time", "gpus", "pools"];

/// Reads the map of resources.
pub fn read(draft: &mut Draft, key: &'static str, given: Given) -> Option<Resources> {
    let Ok(map) = given.value.as_map_ref() else {
        return draft.wrong_type(key, "a map", given);
    };
    let mut resources = Resources::default();
    let before = draft.problems.len();
    for (name, value) in map.iter().filter(|(_, value)| !value.is_unit()) {
        let part = Given { value, place: given.place.entry(name) };
        let full = format!("resources.{name}");
        match name.as_str() {
            "cores" => resources.cores = count(draft, &full, 1, part).unwrap_or(1),
            "gpus" => resources.gpus = count(draft, &full, 0, part).unwrap_or(0),
            "memory" => resources.memory = quantity(draft, &full, part, &SIZE),
            "time" => resources.time = time(draft, &full, part),
            "pools" => resources.pools = pools(draft, part),
            _ => {
                let known = KEYS.iter().map(|key| (*key).to_owned()).collect();
                let problem = Problem::UnknownResource { name: name.to_string(), known };
                draft.report(problem.at(given.place.key(name)));
            }
        }
    }
    (draft.problems.len() == before).then_some(resources)
}

fn pools(draft: &mut Draft, given: Given) -> BTreeMap<String, u32> {
    let Ok(map) = given.value.as_map_ref() else {
        draft.wrong_type::<()>("resources.pools", "a map of whole numbers", given);
        return BTreeMap::new();
    };
    let mut pools = BTreeMap::new();
    for (name, value) in map.iter() {
        let full = format!("resources.pools.{name}");
        let part = Given { value, place: given.place.entry(name) };
        if let Some(amount) = count(draft, &full, 0, part) {
            pools.insert(name.to_string(), amount);
        }
    }
    pools
}

/// A whole number of at least `min`.
fn count(draft: &mut Draft, key: &str, min: i64, given: Given) -> Option<u32> {
    let Ok(number) = given.value.as_int() else {
        return draft.wrong_type(key, "a whole number", given);
    };
    let max = i64::from(i32::MAX);
    if !(min..=max).contains(&number) {
        let problem = Problem::Range { key: key.to_owned(), number, min, max };
        draft.report(problem.at(&given.place.span));
        return None;
    }
    u32::try_from(number).ok()
}

/// A kind of quantity: the unit that a bare number may have meant, and how a text is read.
struct Quantity<T> {
    unit: &'static str,
    parse: fn(&str) -> Result<T, QuantityError>,
}

const SIZE: Quantity<u64> = Quantity { unit: "GB", parse: parse_size };
const TIME: Quantity<Duration> = Quantity { unit: "min", parse: parse_time };

/// A time with its unit.
pub fn time(draft: &mut Draft, key: &str, given: Given) -> Option<Duration> {
    quantity(draft, key, given, &TIME)
}

/// A text with a number and a unit; a bare number is told which unit it may have meant.
fn quantity<T>(draft: &mut Draft, key: &str, given: Given, kind: &Quantity<T>) -> Option<T> {
    let Given { value, place } = given;
    if value.is_int() || value.is_float() {
        let example = format!("\"{value} {}\"", kind.unit);
        draft.report(Problem::NoUnit { key: key.to_owned(), example }.at(&place.span));
        return None;
    }
    let text = draft.text(key, given)?;
    (kind.parse)(&text).map_err(|error| draft.report(Problem::Quantity(error).at(&place.span))).ok()
}
