//! The standard library: modules in the recipe language itself, embedded in the program.

use std::fmt::Write;

use rhai::{Engine, FnAccess};

/// A module of the standard library.
pub struct StandardModule {
    /// What `import` calls it.
    pub name: &'static str,
    /// What messages call its text.
    pub file: &'static str,
    pub text: &'static str,
}

/// All of them.
pub const MODULES: [StandardModule; 1] = [StandardModule {
    name: "attpc",
    file: "stdlib/attpc.rhai",
    text: include_str!("../../stdlib/attpc.rhai"),
}];

/// A documented function of the standard library.
pub struct Documented {
    /// `name(parameters)`.
    pub signature: String,
    /// Its comment without markers: sentences, then a fenced example.
    pub doc: String,
}

/// Every public function of a module with its comment, by name.
pub fn functions(engine: &Engine, module: &StandardModule) -> Vec<Documented> {
    let ast = engine.compile(module.text).expect("the standard library is tested");
    let mut found: Vec<Documented> = ast
        .iter_functions()
        .filter(|function| {
            matches!(function.access, FnAccess::Public) && !function.name.starts_with("anon$")
        })
        .map(|function| {
            let lines = function.comments.iter().flat_map(|comment| comment.lines());
            let lines = lines.map(|line| line.trim_start().trim_start_matches("///"));
            let lines: Vec<&str> =
                lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            let signature = format!("{}({})", function.name, function.params.join(", "));
            Documented { signature, doc: lines.join("\n") }
        })
        .collect();
    found.sort_by(|a, b| a.signature.cmp(&b.signature));
    found
}

/// The reference page of the standard library, in Markdown.
pub fn reference(engine: &Engine) -> String {
    let mut page = String::from(
        "# Standard library of recipes\n\n\
         Functions written in the recipe language itself. `import \"attpc\" as tpc;` brings them in, \
         then `tpc::linspace(0.0, 1.0, 3)` calls one. This page is made from the library's comments, \
         and every example on it is run by a test.\n",
    );
    for module in &MODULES {
        write!(page, "\n# `import \"{}\"`\n", module.name)
            .expect("writing to a text does not fail");
        for Documented { signature, doc } in functions(engine, module) {
            write!(page, "\n## `{signature}`\n\n{doc}\n").expect("writing to a text does not fail");
        }
    }
    page
}
