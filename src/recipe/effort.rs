//! What a script does with large values, counted.
//!
//! The interpreter's own bounds on sizes walk a whole value at each call that may change it, so a
//! list that grows by one element at a time would take minutes to meet them; its count of steps
//! knows nothing of sizes. Those bounds are therefore off, and each use of a variable is charged
//! by the size of its value instead, which is the same on every machine and in every run. Nothing
//! grows much without being read: what does, `pad`, is bounded here as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Position};

use crate::model::diagnostic::Diagnostic;
use crate::recipe::host::{Answer, fail};
use crate::recipe::limits;
use crate::recipe::problem::Problem;

/// Charged for a container within a list, and for each entry of a map, beside its own contents:
/// reaching it costs about this many steps over plain elements.
const CONTAINER: u64 = 4;

/// Bytes of a text that are copied in the time of one element.
const BYTES: u64 = 16;

/// Charged for each element of a list that is copied.
const COPIES: u64 = 12;

/// Elements of a list that are looked at for lists and maps within it, beside the last one.
const SAMPLE: usize = 8;

/// Makes the interpreter count what its values cost.
pub fn count(engine: &mut Engine) {
    let spent = Arc::new(AtomicU64::new(0));
    let joining = spent.clone();
    // The interpreter calls this interface volatile, not outdated.
    #[allow(deprecated)]
    engine.on_var(move |name, _, context| {
        let value = context.scope().get(name);
        value.map_or(Ok(()), |value| charge(&spent, value))?;
        Ok(None)
    });
    // Joining makes a new list each time, which costs far more than adding to one.
    engine.register_fn("+", move |mut left: Array, mut right: Array| -> Answer<Array> {
        spend(&joining, COPIES * (left.len() + right.len()) as u64)?;
        left.append(&mut right);
        Ok(left)
    });
    bound_padding(engine);
}

/// A single call of `pad` makes a value as long as it is told.
fn bound_padding(engine: &mut Engine) {
    let bounded = |length: i64, limit: usize, what: &'static str| -> Answer<usize> {
        let length = usize::try_from(length).unwrap_or(0);
        if length > limit { Err(fail(too_large(what))) } else { Ok(length) }
    };
    engine.register_fn("pad", move |list: &mut Array, length: i64, item: Dynamic| -> Answer<()> {
        let length = bounded(length, limits::LIST_ELEMENTS, "a list")?;
        if length > list.len() {
            list.resize(length, item);
        }
        Ok(())
    });
    let pad = move |text: &mut ImmutableString, length: i64, with: &str| -> Answer<()> {
        let length = bounded(length, limits::TEXT_BYTES, "a text")?;
        let there = text.chars().count();
        if length > there && !with.is_empty() {
            let missing = with.chars().cycle().take(length - there);
            *text = text.chars().chain(missing).collect::<String>().into();
        }
        Ok(())
    };
    engine.register_fn("pad", move |text: &mut ImmutableString, length: i64, with: char| {
        pad(text, length, with.encode_utf8(&mut [0; 4]))
    });
    engine.register_fn(
        "pad",
        move |text: &mut ImmutableString, length: i64, with: ImmutableString| {
            pad(text, length, &with)
        },
    );
}

fn too_large(what: &str) -> Diagnostic {
    Problem::DataTooLarge { what: what.to_owned() }.anywhere()
}

/// Adds what a value costs, `None` for one that is nested too deeply.
fn charge(spent: &AtomicU64, value: &Dynamic) -> Answer<()> {
    let weight = weight(value, 0).ok_or_else(|| fail(too_large("the nesting of a value")))?;
    if weight > limits::WEIGHT {
        let what = if value.is_string() { "a text" } else { "a list or a map" };
        return Err(fail(too_large(what)));
    }
    spend(spent, weight)
}

fn spend(spent: &AtomicU64, weight: u64) -> Answer<()> {
    // Scripts run on one thread, so no addition is lost.
    if spent.fetch_add(weight, Ordering::Relaxed).saturating_add(weight) > limits::EFFORT {
        return Err(EvalAltResult::ErrorTooManyOperations(Position::NONE).into());
    }
    Ok(())
}

/// What reading a value costs, in elements; `None` for one that is nested too deeply. It is judged
/// by one of the containers inside, because the elements of a list are mostly alike and a walk
/// over all of them would cost what it is to count.
fn weight(value: &Dynamic, depth: usize) -> Option<u64> {
    if depth > limits::VALUE_DEPTH {
        return None;
    }
    // What the statement at work holds cannot be looked at; its other uses are charged.
    if value.is_shared() && value.is_locked() {
        return Some(0);
    }
    let holds = |value: &&Dynamic| value.is_array() || value.is_map();
    if let Ok(list) = value.as_array_ref() {
        let mut some = list.iter().take(SAMPLE).chain(list.last());
        let inside = match some.find(holds) {
            Some(inside) => CONTAINER.saturating_add(weight(inside, depth + 1)?),
            None => 0,
        };
        return Some((list.len() as u64).saturating_mul(1 + inside));
    }
    if let Ok(map) = value.as_map_ref() {
        let inside = match map.values().find(holds) {
            Some(inside) => weight(inside, depth + 1)?,
            None => 0,
        };
        return Some((map.len() as u64).saturating_mul(CONTAINER).saturating_add(inside));
    }
    let text = value.as_immutable_string_ref();
    Some(text.map_or(0, |text| text.len() as u64 / BYTES))
}
