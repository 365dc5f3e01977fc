//! `scan`: files as items.

use crate::model::diagnostic::Diagnostic;
use crate::model::pattern::Pattern;
use crate::model::stamp::Kind;
use crate::model::template::Template;
use crate::model::text::near_misses;
use crate::model::value::Value;
use crate::recipe::host::Host;
use crate::recipe::items::{Table, unique};
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;

/// Lists the files that match a pattern: one item for each distinct capture, in natural order.
/// A trailing slash asks for directories.
pub fn scan(host: &Host, text: &str, place: &Place) -> Result<Table, Diagnostic> {
    let template = template(text, place)?;
    let pattern = Pattern::of(&template);
    let mut paths = host.asker.list(&pattern).map_err(|error| {
        Problem::Unreadable { path: text.to_owned(), cause: error.to_string() }.at(&place.span)
    })?;
    if text.ends_with('/') {
        let kinds = host.asker.kinds(paths.clone());
        let mut kinds = kinds.into_iter();
        paths.retain(|_| kinds.next() == Some(Kind::Directory));
    }
    if paths.is_empty() {
        let near = nearest(host, text.trim_end_matches('/'));
        host.report(Problem::EmptyScan { pattern: text.to_owned(), near }.warn(&place.span));
    }
    let captures = |path: &String| pattern.captures(path);
    let rows: Vec<Vec<Value>> = paths.iter().filter_map(captures).collect();
    let table =
        Table::new(pattern.names().to_vec(), rows).map_err(|problem| problem.at(&place.span))?;
    // Without stars the captures make up the whole path, so no two files give the same ones.
    Ok(if text.contains('*') { unique(&table) } else { table })
}

/// A text with placeholders as written at a place, without its trailing slash.
pub fn template(text: &str, place: &Place) -> Result<Template, Diagnostic> {
    Template::parse(&tidy_path(text)).map_err(|error| {
        // Tidying moves offsets, so the spot is looked for in the text as written.
        let at = Template::parse(text).err().map_or(0, |error| error.at());
        let length = text[at..].find('}').map_or(1, |end| end + 1);
        let hint = error.hint();
        Problem::BadTemplate(error).at(&place.part(text, at, length)).hint(hint)
    })
}

/// A path without `./`, doubled and trailing slashes.
pub fn tidy_path(text: &str) -> String {
    let mut path = text;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    let mut tidy = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !tidy.ends_with('/') {
            tidy.push(c);
        }
    }
    while tidy.len() > 1 && tidy.ends_with('/') {
        tidy.pop();
    }
    tidy
}

/// Names that stand where a missing path should, closest first, or the nearest directory above it
/// that is not there either.
pub fn nearest(host: &Host, path: &str) -> Vec<String> {
    let literal = path.split(['{', '*']).next().unwrap_or("");
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    // Beyond the first placeholder of the directory part there is nothing certain to list.
    let known = literal.rsplit_once('/').map_or("", |(directory, _)| directory);
    let (directory, name) = if directory.len() > known.len() {
        let rest = path[known.len()..].trim_start_matches('/');
        (known, rest.split('/').next().unwrap_or(name))
    } else {
        (directory, name)
    };
    let slash = if directory.is_empty() || directory.ends_with('/') { "" } else { "/" };
    let listed = Pattern::parse(&format!("{}{slash}*", escape(directory)))
        .ok()
        .and_then(|pattern| host.asker.list(&pattern).ok())
        .unwrap_or_default();
    let names: Vec<&str> =
        listed.iter().map(|path| path.rsplit_once('/').map_or(path.as_str(), |(_, n)| n)).collect();
    if names.is_empty() && !directory.is_empty() && directory != "/" {
        return nearest(host, directory);
    }
    let full = |name: &&str| format!("{directory}{slash}{name}");
    let close = near_misses(name, names.iter().copied());
    if close.is_empty() {
        names.iter().take(3).map(full).collect()
    } else {
        close.iter().map(full).collect()
    }
}

fn escape(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
