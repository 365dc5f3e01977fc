//! `input` and `output`: one path, a list, or a map of named ones.

use rhai::Dynamic;

use crate::model::declare::Port;
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;
use crate::recipe::rule::Draft;
use crate::recipe::scan;

/// Reads paths in any of their three forms.
pub fn ports(
    draft: &mut Draft,
    key: &'static str,
    value: &Dynamic,
    place: &Place,
) -> Option<Vec<Port>> {
    let ports = match value.as_map_ref() {
        Err(_) => role_ports(draft, key, "", (value, place)),
        Ok(map) => {
            // Every entry is read before the first failure counts, so all of them are reported.
            let read: Vec<Option<Vec<Port>>> = map
                .iter()
                .map(|(role, value)| role_ports(draft, key, role, (value, place.entry(role))))
                .collect();
            read.into_iter().collect::<Option<Vec<_>>>().map(|ports| ports.concat())
        }
    }?;
    if ports.is_empty() && key == "output" {
        draft.report(Problem::Empty { key: key.to_owned() }.at(&place.span));
        return None;
    }
    Some(ports)
}

/// The paths of one role: a text or a list of texts.
fn role_ports(
    draft: &mut Draft,
    key: &'static str,
    role: &str,
    (value, place): (&Dynamic, &Place),
) -> Option<Vec<Port>> {
    let name = if role.is_empty() { key.to_owned() } else { format!("{key}.{role}") };
    if let Ok(list) = value.as_array_ref() {
        let read: Vec<Option<Port>> = list
            .iter()
            .enumerate()
            .map(|(index, value)| port(draft, &name, role, (value, place.element(index))))
            .collect();
        return read.into_iter().collect();
    }
    if !value.is_string() {
        let wanted = if role.is_empty() {
            "a path, a list or a map of paths"
        } else {
            "a path or a list of paths"
        };
        return draft.wrong_type(&name, wanted, value, place);
    }
    port(draft, &name, role, (value, place)).map(|port| vec![port])
}

fn port(
    draft: &mut Draft,
    name: &str,
    role: &str,
    (value, place): (&Dynamic, &Place),
) -> Option<Port> {
    let text = draft.text(name, value, place)?;
    let path = scan::template(&text, place);
    let path = path.map_err(|found| draft.report(found)).ok()?;
    Some(Port { role: role.to_owned(), path, directory: text.ends_with('/') })
}
