//! Room card
//! - job: Turns the text of a recipe into declarations with spans; owns host functions and limits.
//! - takes: a [`Request`] and [`Sources`] that answer its questions
//! - gives: [`Evaluation`] or [`Diagnostics`]
//! - imports: model
//! - touches: rhai, toml, saphyr, threads (one, for a stack of known size)
//! - never: reads a file, clock or variable but through `Sources`; prints; knows which actions exist

mod ask;
mod convert;
mod effort;
mod engine;
mod explain;
mod format;
mod functions;
mod host;
mod items;
mod limits;
mod modules;
mod params;
mod places;
mod problem;
mod rule;
mod scan;
mod stdlib;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rhai::Scope;

use crate::model::declare::{Declarations, PerItem};
use crate::model::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::model::sources::Sources;
use crate::model::span::Span;
use crate::model::step::KernelInfo;
use crate::recipe::ask::Asker;
use crate::recipe::host::{Host, State};
use crate::recipe::problem::Problem;

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// Path of the recipe, as the user names it.
    pub recipe: &'r str,
    /// `--set`: dotted names and raw values, in the order given; a later one wins.
    pub sets: &'r [(String, String)],
    /// What kernels say of themselves.
    pub kernels: &'r [KernelInfo],
}

/// A recipe that has been read to its end without an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub declarations: Declarations,
    pub warnings: Vec<Diagnostic>,
}

/// Evaluates a recipe: what it declares, or everything that is wrong with it.
///
/// The same answers of `sources` give the same result, on any machine.
pub fn evaluate(request: &Request, sources: &dyn Sources) -> Result<Evaluation, Diagnostics> {
    let (asker, answerer) = ask::bridge();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(limits::STACK_BYTES);
        let script = thread.name("recipe".to_owned()).spawn_scoped(scope, || run(request, asker));
        let script = script.map_err(|error| {
            Diagnostics::from(Diagnostic::error(format!("no thread for the recipe: {error}")))
        })?;
        answerer.serve(sources);
        match script.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The text of a recipe in its usual shape, for `attpc fmt`, or why it cannot be parsed. `file` is
/// its name in messages.
pub fn format(file: &str, text: &str) -> Result<String, Diagnostic> {
    format::format(file, text)
}

/// The text of a file that is part of the program, for excerpts in messages.
pub fn embedded_text(file: &str) -> Option<&'static str> {
    stdlib::MODULES.iter().find(|module| module.file == file).map(|module| module.text)
}

/// The reference page of host functions, in Markdown.
pub fn function_reference() -> String {
    functions::reference()
}

/// The reference page of the standard library, in Markdown.
pub fn standard_library_reference() -> String {
    stdlib::reference(&rhai::Engine::new_raw())
}

fn run(request: &Request, asker: Asker) -> Result<Evaluation, Diagnostics> {
    let host = Arc::new(Host::new(asker, request.kernels, request.sets));
    if let Err(found) = run_script(&host, request.recipe) {
        host.report(found);
    }
    let mut state = host.state();
    finish(&mut state);
    let State { declarations, diagnostics, .. } = std::mem::take(&mut *state);
    if diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return Err(Diagnostics(diagnostics));
    }
    Ok(Evaluation { declarations, warnings: diagnostics })
}

fn run_script(host: &Arc<Host>, recipe: &str) -> Result<(), Diagnostic> {
    let text = params::read_text(host, recipe, &Span::file(recipe))?;
    let engine = engine::build(host);
    let ast = modules::compile(host, &engine, recipe, &text)?;
    engine
        .run_ast_with_scope(&mut Scope::new(), &ast)
        .map_err(|error| explain::runtime_error(*error, host, &engine, recipe))
}

/// Checks what can be judged only when the whole recipe has been read.
fn finish(state: &mut State) {
    let failed = state.diagnostics.iter().any(|found| found.severity == Severity::Error);
    if failed {
        // A rule or parameter that is missing now may only be missing because of the errors.
        return;
    }
    let mut found = params::unused_settings(state);
    found.extend(unknown_targets(&state.declarations));
    state.diagnostics.extend(found);
}

/// Default targets that can be neither a rule nor a path nor a tag.
fn unknown_targets(declarations: &Declarations) -> Vec<Diagnostic> {
    let rules: Vec<String> = declarations.rules.iter().map(|rule| rule.name.clone()).collect();
    let is_output = |name: &str| {
        let outputs = declarations.rules.iter().flat_map(|rule| match &rule.outputs {
            PerItem::Same(ports) => ports.as_slice(),
            PerItem::Each(_) => &[],
        });
        outputs.into_iter().any(|port| port.path.to_string() == name)
    };
    declarations
        .default_targets
        .iter()
        .filter(|target| !target.name.contains(['/', ':', '{', '*']))
        .filter(|target| !rules.contains(&target.name) && !is_output(&target.name))
        .map(|target| {
            let name = target.name.clone();
            Problem::UnknownTarget { name, known: rules.clone() }.at(&target.span)
        })
        .collect()
}
