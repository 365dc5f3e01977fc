//! `resources`: quantities with units.

use std::collections::BTreeMap;

use rhai::Dynamic;

use crate::model::resources::{QuantityError, Resources, parse_size, parse_time};
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;
use crate::recipe::rule::Draft;

const KEYS: [&str; 5] = ["cores", "memory", "time", "gpus", "pools"];

/// Reads the map of resources.
pub fn read(
    draft: &mut Draft,
    key: &'static str,
    value: &Dynamic,
    place: &Place,
) -> Option<Resources> {
    let Ok(map) = value.as_map_ref() else {
        return draft.wrong_type(key, "a map", value, place);
    };
    let mut resources = Resources::default();
    let before = draft.problems.len();
    for (name, value) in map.iter().filter(|(_, value)| !value.is_unit()) {
        let at = place.entry(name);
        let full = format!("resources.{name}");
        match name.as_str() {
            "cores" => resources.cores = count(draft, &full, 1, (value, at)).unwrap_or(1),
            "gpus" => resources.gpus = count(draft, &full, 0, (value, at)).unwrap_or(0),
            "memory" => {
                resources.memory = quantity(draft, &full, (value, at), ("GB", parse_size));
            }
            "time" => resources.time = quantity(draft, &full, (value, at), ("min", parse_time)),
            "pools" => resources.pools = pools(draft, value, at),
            _ => {
                let known = KEYS.iter().map(|key| (*key).to_owned()).collect();
                let problem = Problem::UnknownResource { name: name.to_string(), known };
                draft.report(problem.at(place.key(name)));
            }
        }
    }
    (draft.problems.len() == before).then_some(resources)
}

fn pools(draft: &mut Draft, value: &Dynamic, place: &Place) -> BTreeMap<String, u32> {
    let Ok(map) = value.as_map_ref() else {
        draft.wrong_type::<()>("resources.pools", "a map of whole numbers", value, place);
        return BTreeMap::new();
    };
    let mut pools = BTreeMap::new();
    for (name, value) in map.iter() {
        let full = format!("resources.pools.{name}");
        if let Some(amount) = count(draft, &full, 0, (value, place.entry(name))) {
            pools.insert(name.to_string(), amount);
        }
    }
    pools
}

/// A whole number of at least `min`.
fn count(
    draft: &mut Draft,
    key: &str,
    min: i64,
    (value, place): (&Dynamic, &Place),
) -> Option<u32> {
    let Ok(number) = value.as_int() else {
        return draft.wrong_type(key, "a whole number", value, place);
    };
    let max = i64::from(i32::MAX);
    if !(min..=max).contains(&number) {
        let problem = Problem::Range { key: key.to_owned(), number, min, max };
        draft.report(problem.at(&place.span));
        return None;
    }
    u32::try_from(number).ok()
}

/// A text with a number and a unit; a bare number is told which unit it may have meant.
pub fn quantity<T>(
    draft: &mut Draft,
    key: &str,
    (value, place): (&Dynamic, &Place),
    (unit, parse): (&str, fn(&str) -> Result<T, QuantityError>),
) -> Option<T> {
    if value.is_int() || value.is_float() {
        let example = format!("\"{value} {unit}\"");
        draft.report(Problem::NoUnit { key: key.to_owned(), example }.at(&place.span));
        return None;
    }
    let text = draft.text(key, value, place)?;
    parse(&text).map_err(|error| draft.report(Problem::Quantity(error).at(&place.span))).ok()
}
