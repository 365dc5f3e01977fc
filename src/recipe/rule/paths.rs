//! `input` and `output`: one path, a list, or a map of named ones.

use crate::model::declare::Port;
use crate::recipe::problem::Problem;
use crate::recipe::rule::{Draft, Given};
use crate::recipe::scan;

/// Reads paths in any of their three forms.
pub fn ports(draft: &mut Draft, key: &'static str, given: Given) -> Option<Vec<Port>> {
    let ports = match given.value.as_map_ref() {
        Err(_) => role_ports(draft, key, "", given),
        Ok(map) => {
            // Every entry is read before the first failure counts, so all of them are reported.
            let read: Vec<Option<Vec<Port>>> = map
                .iter()
                .map(|(role, value)| {
                    let place = given.place.entry(role);
                    role_ports(draft, key, role, Given { value, place })
                })
                .collect();
            read.into_iter().collect::<Option<Vec<_>>>().map(|ports| ports.concat())
        }
    }?;
    if ports.is_empty() && key == "output" {
        draft.report(Problem::Empty { key: key.to_owned() }.at(&given.place.span));
        return None;
    }
    Some(ports)
}

/// The paths of one role: a text or a list of texts.
fn role_ports(draft: &mut Draft, key: &'static str, role: &str, given: Given) -> Option<Vec<Port>> {
    let name = if role.is_empty() { key.to_owned() } else { format!("{key}.{role}") };
    if given.value.is_array() {
        return given.elements(|element| port(draft, &name, role, element));
    }
    if !given.value.is_string() {
        let wanted = match role {
            "" => "a path, a list or a map of paths",
            _ => "a path or a list of paths",
        };
        return draft.wrong_type(&name, wanted, given);
    }
    port(draft, &name, role, given).map(|port| vec![port])
}

fn port(draft: &mut Draft, name: &str, role: &str, given: Given) -> Option<Port> {
    let text = draft.text(name, given)?;
    let path = scan::template(&text, given.place);
    let path = path.map_err(|found| draft.report(found)).ok()?;
    Some(Port { role: role.to_owned(), path, directory: text.ends_with('/') })
}
