//! Parameters on the page: each with the unit, default and meaning that its kernel states.

use std::path::Path;

use crate::data::param_file::{FileParam, read_params};
use crate::kernels::report::page::{Block, Section};
use crate::kernels::report::table::{Cell, Table};
use crate::model::step::{KernelInfo, ParamInfo};
use crate::model::value::Value;
use crate::steps::attpc::report::file_name;
use crate::steps::{Job, StepError, catalog};

/// All parameters of a trial.
pub(super) struct Settings {
    pub section: Section,
    /// How many differ from their kernel's default.
    pub changed: usize,
}

/// Reads the files of parameters.
pub(super) fn read(job: &Job<'_>) -> Result<Settings, StepError> {
    let kernels = catalog();
    let files = job.inputs("params");
    let (mut blocks, mut changed) = (Vec::new(), 0);
    for path in &files {
        let params = read_params(Path::new(path))?;
        for (group, together) in grouped(&params) {
            let rows: Vec<Vec<Cell>> = together
                .iter()
                .map(|param| {
                    let known = describe(&kernels, &param.names);
                    let differs = known.is_some_and(|known| differs(param, known));
                    changed += usize::from(differs);
                    row(param, known, differs)
                })
                .collect();
            let named = match (files.len(), group) {
                (1, name) if !name.is_empty() => name,
                (_, name) if name.is_empty() => file_name(path).to_owned(),
                (_, name) => format!("{} · {name}", file_name(path)),
            };
            let head = ["name", "value", "unit", "default", "meaning"].map(str::to_owned).to_vec();
            blocks.push(Block::Table(named, Table { head, rows, foot: Vec::new() }));
        }
    }
    if !blocks.is_empty() {
        let words = "Values that differ from a kernel's default stand out. Names without a meaning \
                     belong to the recipe.";
        blocks.insert(0, Block::Words(words.to_owned()));
    }
    let section = Section { name: "parameters", heading: "Parameters", blocks };
    Ok(Settings { section, changed })
}

/// Parameters by the table they are in, tables in the order in which they first appear: values of a
/// table may stand before and after those of a table inside it.
fn grouped(params: &[FileParam]) -> Vec<(String, Vec<&FileParam>)> {
    let mut groups: Vec<(String, Vec<&FileParam>)> = Vec::new();
    for param in params {
        let name = param.names[..param.names.len().saturating_sub(1)].join(".");
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(param),
            None => groups.push((name, vec![param])),
        }
    }
    groups
}

/// What a kernel says of the parameter that a file names. The file may put tables of its own around
/// a kernel's name, so the longest end of the name counts that any kernel has; among several
/// kernels, one that the outer tables name.
fn describe<'k>(kernels: &'k [KernelInfo], names: &[String]) -> Option<&'k ParamInfo> {
    (0..names.len()).find_map(|cut| {
        let wanted = names[cut..].join(".");
        let found: Vec<(&KernelInfo, &ParamInfo)> = kernels
            .iter()
            .filter_map(|kernel| {
                kernel.params.iter().find(|param| param.name == wanted).map(|param| (kernel, param))
            })
            .collect();
        let named = |kernel: &KernelInfo| {
            let verb = kernel.name.rsplit('.').next().unwrap_or_default();
            names[..cut].iter().any(|outer| outer.eq_ignore_ascii_case(verb))
        };
        // Pictures repeat parameters of phases, with other defaults.
        let phase = |kernel: &KernelInfo| !kernel.name.contains(".figure.");
        let best = found.iter().find(|(kernel, _)| named(kernel));
        let best = best.or(found.iter().find(|(kernel, _)| phase(kernel))).or(found.first());
        best.map(|(_, param)| *param)
    })
}

fn differs(param: &FileParam, known: &ParamInfo) -> bool {
    match (&known.default, param.number) {
        (Some(Value::Int(default)), Some(number)) => *default as f64 != number,
        (Some(Value::Float(default)), Some(number)) => *default != number,
        (Some(Value::Text(default)), None) => *default != param.text,
        (Some(Value::Bool(default)), None) => default.to_string() != param.text,
        // What has no default cannot differ from it.
        (None | Some(Value::Null), _) => false,
        (Some(default), _) => default.to_string() != param.text,
    }
}

fn row(param: &FileParam, known: Option<&ParamInfo>, differs: bool) -> Vec<Cell> {
    let name = param.names.last().map_or("", String::as_str);
    let value = match (differs, param.number) {
        (true, _) => Cell::Marked(param.text.clone()),
        (false, _) => Cell::words(&param.text),
    };
    let words = |text: fn(&ParamInfo) -> String| Cell::words(known.map(text).unwrap_or_default());
    vec![
        Cell::words(name),
        value,
        words(|known| known.unit.to_owned()),
        words(|known| match &known.default {
            None => "must be given".to_owned(),
            Some(Value::Null) => "none".to_owned(),
            Some(Value::Text(text)) => text.clone(),
            Some(default) => default.to_string(),
        }),
        words(|known| known.doc.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &str, text: &str) -> FileParam {
        let names = name.split('.').map(str::to_owned).collect();
        FileParam { names, text: text.to_owned(), number: text.parse().ok() }
    }

    #[test]
    fn parameters_are_found_below_tables_of_the_recipe() {
        let kernels = catalog();
        let unit = |name: &str| {
            describe(&kernels, &param(name, "1").names).map(|known| (known.name, known.unit))
        };
        let expected = Some(("detector.window_time_bucket", "TB"));
        assert_eq!(unit("detector.window_time_bucket"), expected);
        assert_eq!(unit("pointcloud.detector.window_time_bucket"), expected);
        assert_eq!(unit("trial.nothing"), None);
    }

    #[test]
    fn a_table_that_is_interrupted_stays_one_group() {
        let params = ["a.x", "a.b.y", "a.z"].map(|name| param(name, "1"));
        let names: Vec<(String, usize)> =
            grouped(&params).into_iter().map(|(name, group)| (name, group.len())).collect();
        assert_eq!(names, [("a".to_owned(), 2), ("a.b".to_owned(), 1)]);
    }

    #[test]
    fn equal_numbers_do_not_differ_however_they_are_written() {
        let kernels = catalog();
        let differs = |name: &str, text: &str| {
            let param = param(name, text);
            differs(&param, describe(&kernels, &param.names).unwrap())
        };
        assert!(!differs("pointcloud.get.peak_threshold", "40"));
        assert!(!differs("pointcloud.get.peak_threshold", "4e1"));
        assert!(differs("pointcloud.get.peak_threshold", "41"));
        assert!(differs("pointcloud.compat", "spyral-1.1"));
        assert!(!differs("pointcloud.compat", "exact"));
    }
}
