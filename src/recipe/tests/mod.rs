//! Whole recipes: what they declare, and every message with its exact text.

mod declarations;
mod format;
mod items;
mod language;
mod parameters;
mod reference;
mod rules;
mod values;

use crate::model::declare::RuleDecl;
use crate::model::diagnostic::Diagnostics;
use crate::model::sources::{MemorySources, Sources};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::recipe::{Evaluation, Request, evaluate};

/// A project with a few runs and parameter files.
fn project() -> MemorySources {
    MemorySources::new()
        .with("raw/run_0001.h5", "")
        .with("raw/run_0002.h5", "")
        .with("raw/run_0010.h5", "")
        .with("params.toml", "[pointcloud]\nthreshold = 40.0\nwindow = 3\n\n[cluster]\nsize = 5\n")
        .with("points.csv", "gain,name\n1.5,a\n2.5,b\n")
        .with_env("BEAMTIME", "e20009")
}

fn port(role: &'static str, many: bool, required: bool) -> PortInfo {
    PortInfo { role, required, many, directory: false, named: false, doc: "HDF5 file" }
}

/// A kernel with a port and a parameter of each kind that recipes meet.
fn kernel() -> KernelInfo {
    let param = |name, kind, default, unit| ParamInfo { name, kind, default, unit, doc: "" };
    let number = ParamKind::Float { min: 0.0, max: 4095.0 };
    KernelInfo {
        name: "attpc.pointcloud",
        version: 1,
        summary: "Finds points.",
        inputs: vec![port("raw", false, true), port("gains", true, false)],
        outputs: vec![port("cloud", false, true), port("scaler", false, false)],
        params: vec![
            param("threshold", number, Some(Value::Float(30.0)), "ADC"),
            param("window", ParamKind::Int { min: 1, max: 99 }, Some(Value::Int(9)), ""),
            param("pad.geometry", ParamKind::File, Some(Value::Null), ""),
        ],
        item_names: &["run"],
    }
}

fn run(project: &MemorySources, sets: &[(String, String)]) -> Result<Evaluation, Diagnostics> {
    let kernels = [kernel()];
    evaluate(&Request { recipe: "recipe.rhai", sets, kernels: &kernels }, project)
}

/// What a recipe makes its author read: errors, else warnings.
fn message_of(project: MemorySources, sets: &[(String, String)], recipe: &str) -> String {
    let project = project.with("recipe.rhai", recipe);
    let text = |file: &str| {
        let bytes = project.read(file).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let found = match run(&project, sets) {
        Ok(evaluation) => Diagnostics(evaluation.warnings),
        Err(found) => found,
    };
    found.render(&text)
}

/// Compares what a recipe in the usual project makes its author read.
fn check(recipe: &str, expected: &str) {
    check_in(project(), &[], recipe, expected);
}

/// Compares messages in a project of its own, with settings from the command line.
fn check_in(project: MemorySources, sets: &[(&str, &str)], recipe: &str, expected: &str) {
    let sets: Vec<_> = sets.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let found = message_of(project, &sets, recipe);
    assert_eq!(found, expected.trim_start_matches('\n'), "\n{found}");
}

/// The rules of a recipe that must be right.
fn rules_of(project: MemorySources, sets: &[(&str, &str)], recipe: &str) -> Vec<RuleDecl> {
    let project = project.with("recipe.rhai", recipe);
    let sets: Vec<_> = sets.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let evaluation = run(&project, &sets).unwrap_or_else(|found| panic!("{found}"));
    evaluation.declarations.rules
}
