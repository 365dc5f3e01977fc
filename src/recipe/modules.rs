//! `import`: modules of the project by relative path, and the embedded standard library.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope};

use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::model::text::near_misses;
use crate::recipe::explain;
use crate::recipe::host::{Host, fail};
use crate::recipe::limits;
use crate::recipe::params;
use crate::recipe::places::Script;
use crate::recipe::problem::Problem;
use crate::recipe::scan::tidy_path;
use crate::recipe::stdlib;

/// Finds modules and keeps each loaded one.
pub struct Modules {
    host: Arc<Host>,
    loaded: Mutex<BTreeMap<String, Loading>>,
}

enum Loading {
    /// Its import has begun and not ended: importing it again is a loop.
    Begun,
    Done(Arc<Module>),
}

impl Modules {
    /// A resolver that has loaded nothing yet.
    pub fn new(host: Arc<Host>) -> Modules {
        Modules { host, loaded: Mutex::new(BTreeMap::new()) }
    }

    fn load(
        &self,
        engine: &Engine,
        name: &str,
        text: &str,
    ) -> Result<Arc<Module>, Box<EvalAltResult>> {
        let ast = compile(&self.host, engine, name, text).map_err(fail)?;
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine)?;
        Ok(Arc::new(module))
    }

    /// The text of a project's module that is imported at `span`.
    fn read(&self, name: &str, path: &str, span: &Span) -> Result<String, Diagnostic> {
        params::read_text(&self.host, path, span).map_err(|mut found| {
            let near = near_misses(name, stdlib::MODULES.iter().map(|module| module.name));
            if let Some(near) = near.first() {
                found = found.hint(format!("did you mean `{near}`?"));
            }
            found.message = format!("module `{name}` is not there");
            found.label(format!("neither `{path}` nor part of the standard library"))
        })
    }
}

/// Parses a script and remembers where its parts stand.
pub fn compile(host: &Host, engine: &Engine, file: &str, text: &str) -> Result<AST, Diagnostic> {
    let mut script = Script::new(file, text);
    if text.len() > limits::FILE_BYTES {
        let problem = Problem::TooLarge { path: file.to_owned(), bytes: text.len() };
        return Err(problem.anywhere());
    }
    let compiled = engine.compile(text);
    if let Ok(ast) = &compiled {
        script.index(ast);
    }
    let script = Arc::new(script);
    host.state().scripts.insert(file.to_owned(), script.clone());
    let mut ast = compiled.map_err(|error| explain::parse_error(&error, &script, engine))?;
    ast.set_source(file);
    Ok(ast)
}

impl ModuleResolver for Modules {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        at: Position,
    ) -> Result<Arc<Module>, Box<EvalAltResult>> {
        let source = source.unwrap_or_default();
        let script = self.host.script(source);
        let span = script.map_or_else(|| Span::file(source), |script| script.span(at));
        let embedded = stdlib::MODULES.iter().find(|module| module.name == path);
        let file = match embedded {
            Some(module) => module.file.to_owned(),
            None => project_path(source, path),
        };
        {
            let mut loaded = self.loaded.lock().expect("a script that panicked is not continued");
            match loaded.get(&file) {
                Some(Loading::Done(module)) => return Ok(module.clone()),
                Some(Loading::Begun) => {
                    return Err(fail(Problem::ImportLoop { path: file }.at(&span)));
                }
                None => drop(loaded.insert(file.clone(), Loading::Begun)),
            }
        }
        let text = match embedded {
            Some(module) => module.text.to_owned(),
            None => self.read(path, &file, &span).map_err(fail)?,
        };
        let module = self.load(engine, &file, &text).map_err(|error| {
            let found = explain::runtime_error(*error, &self.host, engine, &file);
            fail(found.note(&span, "imported here"))
        })?;
        let mut loaded = self.loaded.lock().expect("a script that panicked is not continued");
        loaded.insert(file, Loading::Done(module.clone()));
        Ok(module)
    }
}

/// The project path of a module: relative to the file that imports it, `.rhai` added where the
/// name has no ending.
fn project_path(importer: &str, name: &str) -> String {
    let directory = importer.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut parts: Vec<&str> = Vec::new();
    if !name.starts_with('/') {
        parts.extend(directory.split('/').filter(|part| !part.is_empty()));
    }
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let root = if name.starts_with('/') || (directory.starts_with('/')) { "/" } else { "" };
    let path = tidy_path(&format!("{root}{}", parts.join("/")));
    if path.ends_with(".rhai") { path } else { format!("{path}.rhai") }
}
