//! The reference pages agree with the program, and their examples hold.

use std::sync::Arc;

use rhai::Scope;

use crate::model::sources::MemorySources;
use crate::recipe::functions::HOST_FUNCTIONS;
use crate::recipe::host::Host;
use crate::recipe::tests::project;
use crate::recipe::{ask, engine, explain, modules, stdlib};
use crate::recipe::{function_reference, standard_library_reference};

/// The value of a script's last line, which must be true or false.
fn says_true(project: MemorySources, script: &str) -> Result<bool, String> {
    let (asker, answerer) = ask::bridge();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let host = Arc::new(Host::new(asker, &[], &[]));
            let engine = engine::build(&host);
            let ast = modules::compile(&host, &engine, "example", script);
            let ast = ast.map_err(|found| found.message)?;
            let result = engine.eval_ast_with_scope::<bool>(&mut Scope::new(), &ast);
            let found: Vec<String> =
                host.state().diagnostics.iter().map(|found| found.message.clone()).collect();
            result.map_err(|error| {
                let last = explain::runtime_error(*error, &host, &engine, "example").message;
                format!("{found:?} {last}")
            })
        });
        answerer.serve(&project);
        thread.join().unwrap()
    })
}

#[test]
fn every_example_of_a_host_function_holds() {
    for function in &HOST_FUNCTIONS {
        assert_eq!(says_true(project(), function.example), Ok(true), "{}", function.signature);
    }
}

#[test]
fn every_function_of_the_standard_library_has_an_example_that_holds() {
    for module in &stdlib::MODULES {
        let functions = stdlib::functions(&rhai::Engine::new_raw(), module);
        assert!(!functions.is_empty());
        for function in functions {
            let (_, example) = function.doc.split_once("```rhai\n").unwrap_or_default();
            let (example, _) = example.split_once("```").unwrap_or_default();
            let script = format!("import \"{}\" as tpc;\n{example}", module.name);
            assert_eq!(says_true(project(), &script), Ok(true), "{}", function.signature);
        }
    }
}

/// Compares a page with what the program would write; `ATTPC_BLESS=1` writes it.
fn check_page(path: &str, expected: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("ATTPC_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is out of date: run with ATTPC_BLESS=1", path.display());
}

#[test]
fn the_page_of_host_functions_is_up_to_date() {
    check_page("docs/reference/recipe.md", &function_reference());
}

#[test]
fn the_page_of_the_standard_library_is_up_to_date() {
    check_page("docs/reference/stdlib.md", &standard_library_reference());
}
