//! The one table of host functions, from which they are registered and documented.

use std::fmt::Write;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, FnPtr, ImmutableString, Map, NativeCallContext};

use crate::model::declare::Named;
use crate::model::diagnostic::Diagnostic;
use crate::model::span::Span;
use crate::recipe::convert;
use crate::recipe::host::{Answer, Host, fail};
use crate::recipe::items::{self, Table};
use crate::recipe::params;
use crate::recipe::places::Place;
use crate::recipe::problem::Problem;
use crate::recipe::rule;
use crate::recipe::scan;
use crate::recipe::sweep;

/// A function that the program gives to recipes.
pub struct HostFunction {
    pub name: &'static str,
    /// How it is called, as the reference shows it.
    pub signature: &'static str,
    /// Full sentences.
    pub doc: &'static str,
    /// A recipe that a test evaluates; it ends with something true.
    pub example: &'static str,
    register: fn(&mut Engine, &Arc<Host>),
}

/// Everything a recipe can call, in the order of the reference.
pub const HOST_FUNCTIONS: [HostFunction; 19] = [
    HostFunction {
        name: "scan",
        signature: "scan(pattern)",
        doc: "Lists the files that match a pattern and gives one item for each distinct capture, in \
              natural order. `{run}` captures characters other than `/`, `{run:04}` a number padded \
              to four digits, `*` matches without capturing, `**/` any directories. A trailing `/` \
              asks for directories. Captures are texts, padded numbers are integers.",
        example: "let runs = scan(\"raw/run_{run}.h5\");\nruns.len() == 3 && runs[0].run == \"0001\"",
        register: |engine, host| {
            register_text(engine, host, "scan", |host, text, place| {
                scan::scan(host, text, place).map(Dynamic::from)
            });
        },
    },
    HostFunction {
        name: "params",
        signature: "params(file)",
        doc: "Reads parameters from a TOML, JSON or YAML file as a map. Each value keeps the file and \
              line where it was written. `--set a.b=3` on the command line takes the place of what \
              the file says.",
        example: "let p = params(\"params.toml\");\np.pointcloud.threshold == 40.0",
        register: |engine, host| {
            register_text(engine, host, "params", |host, file, place| {
                params::load(host, file, &place.span)
            });
        },
    },
    HostFunction {
        name: "sweep",
        signature: "sweep(map | list | file)",
        doc: "Gives parameter points as items. A map of lists gives every combination, names in \
              alphabetical order, the last one varying fastest. A list of maps gives its maps. A file \
              name ending in `.csv` or `.json` reads the points from there.",
        example: "sweep(#{ threshold: [30, 40, 50], smooth: [1, 2] }).len() == 6\n\
                  && sweep([#{ a: 1 }, #{ a: 2 }])[1].a == 2\n\
                  && sweep(\"points.csv\").column(\"gain\") == [1.5, 2.5]",
        register: register_sweep,
    },
    HostFunction {
        name: "zip",
        signature: "zip(items, items)",
        doc: "Pairs the first item of one table with the first of another, and so on. Both must have \
              the same number of items and no name in common.",
        example: "zip(sweep(#{ a: [1, 2] }), sweep(#{ b: [3, 4] }))[1] == #{ a: 2, b: 4 }",
        register: |engine, host| {
            let host = host.clone();
            engine.register_fn("zip", move |context: NativeCallContext, a: Table, b: Table| {
                items::zip(&a, &b).map_err(|problem| here(&host, &context, problem))
            });
        },
    },
    HostFunction {
        name: "*",
        signature: "items * items",
        doc: "The product: every item of the left with every item of the right, which varies fastest.",
        example: "(sweep(#{ a: [1, 2] }) * sweep(#{ b: [3, 4] })).column(\"b\") == [3, 4, 3, 4]",
        register: |engine, host| {
            let host = host.clone();
            engine.register_fn("*", move |context: NativeCallContext, a: Table, b: Table| {
                items::product(&a, &b).map_err(|problem| here(&host, &context, problem))
            });
        },
    },
    HostFunction {
        name: "+",
        signature: "items + items",
        doc: "The items of the left, then those of the right. Both must have the same names.",
        example: "(sweep(#{ a: [1] }) + sweep(#{ a: [2] })).column(\"a\") == [1, 2]",
        register: |engine, host| {
            let host = host.clone();
            engine.register_fn("+", move |context: NativeCallContext, a: Table, b: Table| {
                items::concatenation(&a, &b).map_err(|problem| here(&host, &context, problem))
            });
        },
    },
    HostFunction {
        name: "filter",
        signature: "items.filter(|item| condition)",
        doc: "The items for which the closure says true.",
        example: "scan(\"raw/run_{run:04}.h5\").filter(|r| r.run >= 2).len() == 2",
        register: |engine, _| {
            engine.register_fn(
                "filter",
                |context: NativeCallContext, table: &mut Table, keep: FnPtr| {
                    items::filter(&context, table, &keep)
                },
            );
        },
    },
    HostFunction {
        name: "map",
        signature: "items.map(|item| value)",
        doc: "What the closure makes of each item: items again when it gives maps, else a list.",
        example: "sweep(#{ a: [1, 2] }).map(|it| #{ b: it.a * 10 }).column(\"b\") == [10, 20]\n\
                  && sweep(#{ a: [1, 2] }).map(|it| it.a + 1) == [2, 3]",
        register: |engine, _| {
            engine.register_fn(
                "map",
                |context: NativeCallContext, table: &mut Table, make: FnPtr| {
                    items::map(&context, table, &make)
                },
            );
        },
    },
    HostFunction {
        name: "unique",
        signature: "items.unique()",
        doc: "The items without repetitions, in the order of their first appearance.",
        example: "(sweep(#{ a: [1] }) + sweep(#{ a: [1] })).unique().len() == 1",
        register: |engine, _| {
            engine.register_fn("unique", |table: &mut Table| items::unique(table));
        },
    },
    HostFunction {
        name: "column",
        signature: "items.column(name)",
        doc: "The values that the items have for a name, as a list.",
        example: "scan(\"raw/run_{run:04}.h5\").column(\"run\") == [1, 2, 10]",
        register: |engine, host| {
            let host = host.clone();
            engine.register_fn(
                "column",
                move |context: NativeCallContext, table: &mut Table, name: ImmutableString| {
                    let column = items::column(table, &name);
                    column.map_err(|problem| here(&host, &context, problem))
                },
            );
        },
    },
    HostFunction {
        name: "columns",
        signature: "items.columns()",
        doc: "The names that each item has a value for, as a list.",
        example: "scan(\"raw/run_{run}.h5\").columns() == [\"run\"]",
        register: |engine, _| {
            engine.register_fn("columns", |table: &mut Table| -> Array {
                table.0.columns.iter().map(|name| name.as_str().into()).collect()
            });
        },
    },
    HostFunction {
        name: "len",
        signature: "items.len()",
        doc: "The number of items.",
        example: "scan(\"raw/run_{run}.h5\").len() == 3",
        register: |engine, _| {
            engine.register_fn("len", |table: &mut Table| table.0.rows.len() as i64);
            engine.register_get("len", |table: &mut Table| table.0.rows.len() as i64);
        },
    },
    HostFunction {
        name: "is_empty",
        signature: "items.is_empty()",
        doc: "True when there is no item.",
        example: "!scan(\"raw/run_{run}.h5\").is_empty()",
        register: |engine, _| {
            engine.register_fn("is_empty", |table: &mut Table| table.0.rows.is_empty());
        },
    },
    HostFunction {
        name: "items[index]",
        signature: "items[index]",
        doc: "One item as a map; a negative index counts from the end. Items are also what `for` \
              goes through.",
        example: "let runs = scan(\"raw/run_{run}.h5\");\n\
                  let names = [];\n\
                  for it in runs { names.push(it.run); }\n\
                  names == [\"0001\", \"0002\", \"0010\"] && runs[-1].run == \"0010\"",
        register: |engine, host| {
            let host = host.clone();
            engine.register_indexer_get(
                move |context: NativeCallContext, table: &mut Table, index: i64| {
                    items::at(table, index).map_err(|problem| here(&host, &context, problem))
                },
            );
            engine.register_iterator::<Table>();
        },
    },
    HostFunction {
        name: "rule",
        signature: "rule(name, map)",
        doc: "Declares a rule: one action for each item of `over`, or a single one. The keys are \
              `over`, `input`, `output`, one of `kernel`, `argv`, `shell` and `script` (with `args`), \
              `params`, `env`, `resources`, `on`, `tags`, `retries`, `timeout`, `depfile`, `partial`, `cache` and \
              `container`. `input`, `output`, `params` and `resources` may be closures of the item.",
        example: "rule(\"copy\", #{\n    over: scan(\"raw/run_{run}.h5\"),\n    \
                  input: \"raw/run_{run}.h5\",\n    output: \"copy/run_{run}.h5\",\n    \
                  argv: [\"cp\", \"{input}\", \"{output}\"],\n});\ntrue",
        register: |engine, host| {
            let host = host.clone();
            engine.register_fn(
                "rule",
                move |context: NativeCallContext, name: ImmutableString, map: Map| {
                    rule::declare(&host, &context, &name, &map)
                },
            );
        },
    },
    HostFunction {
        name: "default_targets",
        signature: "default_targets(name, ...)",
        doc: "Says what `attpc build` builds when nothing is named: rules, output paths or `tag:NAME`. \
              Takes up to four names, or a list of names. Without it, every rule is built.",
        example: "rule(\"a\", #{ output: \"a.txt\", argv: [\"touch\", \"{output}\"] });\n\
                  default_targets(\"a\");\ntrue",
        register: register_default_targets,
    },
    HostFunction {
        name: "env",
        signature: "env(name)",
        doc: "The caller's environment variable as a text, or `()` when it is unset. The graph is \
              evaluated again when the variable changes.",
        example: "env(\"BEAMTIME\") == \"e20009\" && env(\"UNSET\") == ()",
        register: |engine, host| {
            register_text(engine, host, "env", |host, name, _| {
                Ok(host.asker.env(name).map_or(Dynamic::UNIT, Dynamic::from))
            });
        },
    },
    HostFunction {
        name: "warn",
        signature: "warn(text)",
        doc: "Shows a warning that points at this line. To stop with an error, write `throw text`.",
        example: "warn(\"run 7 has no gas log\");\ntrue",
        register: |engine, host| {
            register_text(engine, host, "warn", |host, text, place| {
                host.report(Diagnostic::warning(text).at(&place.span));
                Ok(Dynamic::UNIT)
            });
        },
    },
    HostFunction {
        name: "list",
        signature: "items.list()",
        doc: "The items as a list of maps, for everything that lists can do.",
        example: "sweep(#{ a: [1, 2] }).list() == [#{ a: 1 }, #{ a: 2 }]",
        register: |engine, _| {
            engine.register_fn("list", |table: &mut Table| table.to_array());
        },
    },
];

impl IntoIterator for Table {
    type Item = Dynamic;
    type IntoIter = std::vec::IntoIter<Dynamic>;

    fn into_iter(self) -> Self::IntoIter {
        self.to_array().into_iter()
    }
}

/// Registers the whole table.
pub fn register(engine: &mut Engine, host: &Arc<Host>) {
    engine.register_type_with_name::<Table>("items");
    for function in &HOST_FUNCTIONS {
        (function.register)(engine, host);
    }
}

/// A problem at the place of the running call.
fn here(host: &Host, context: &NativeCallContext, problem: Problem) -> Box<rhai::EvalAltResult> {
    fail(problem.at(&host.call(context).span))
}

/// Registers a function of one text; a value of another type is an error that names it.
fn register_text(
    engine: &mut Engine,
    host: &Arc<Host>,
    name: &'static str,
    body: fn(&Host, &str, &Place) -> Result<Dynamic, Diagnostic>,
) {
    let host = host.clone();
    engine.register_fn(
        name,
        move |context: NativeCallContext, value: Dynamic| -> Answer<Dynamic> {
            let place = host.call(&context).arg(0);
            let text = value.as_immutable_string_ref().map_err(|_| {
                let found = convert::type_name(&value);
                fail(Problem::NotAText { what: format!("`{name}`"), found }.at(&place.span))
            })?;
            body(&host, &text, &place).map_err(fail)
        },
    );
}

fn register_sweep(engine: &mut Engine, host: &Arc<Host>) {
    let host = host.clone();
    engine.register_fn(
        "sweep",
        move |context: NativeCallContext, value: Dynamic| -> Answer<Table> {
            let place = host.call(&context).arg(0);
            if let Ok(map) = value.as_map_ref() {
                return sweep::grid(&map, &place).map_err(fail);
            }
            if let Ok(list) = value.as_array_ref() {
                return sweep::list(&list, &place).map_err(fail);
            }
            if let Ok(path) = value.as_immutable_string_ref() {
                return sweep::file(&host, &path, &place.span).map_err(fail);
            }
            let found = convert::type_name(&value);
            Err(fail(Problem::NotPoints { found }.at(&place.span)))
        },
    );
}

fn register_default_targets(engine: &mut Engine, host: &Arc<Host>) {
    let many = |host: &Arc<Host>| {
        let host = host.clone();
        move |context: &NativeCallContext, values: &[Dynamic]| -> Answer<()> {
            let call = host.call(context);
            for (index, value) in values.iter().enumerate() {
                add_default_targets(&host, value, &call.arg(index)).map_err(fail)?;
            }
            Ok(())
        }
    };
    type D = Dynamic;
    type C<'c> = NativeCallContext<'c>;
    let name = "default_targets";
    let add = many(host);
    engine.register_fn(name, move |c: C, a: D| add(&c, &[a]));
    let add = many(host);
    engine.register_fn(name, move |c: C, a: D, b: D| add(&c, &[a, b]));
    let add = many(host);
    engine.register_fn(name, move |c: C, a: D, b: D, d: D| add(&c, &[a, b, d]));
    let add = many(host);
    engine.register_fn(name, move |c: C, a: D, b: D, d: D, e: D| add(&c, &[a, b, d, e]));
}

fn add_default_targets(host: &Host, value: &Dynamic, place: &Place) -> Result<(), Diagnostic> {
    let add = |name: &str, span: &Span| {
        let named = Named { name: scan::tidy_path(name), span: span.clone() };
        host.state().declarations.default_targets.push(named);
    };
    if let Ok(name) = value.as_immutable_string_ref() {
        add(&name, &place.span);
        return Ok(());
    }
    let list = value.as_array_ref().map_err(|_| {
        let found = convert::type_name(value);
        Problem::NotAText { what: "`default_targets`".to_owned(), found }.at(&place.span)
    })?;
    for (index, element) in list.iter().enumerate() {
        let span = &place.element(index).span;
        let name = element.as_immutable_string_ref().map_err(|_| {
            let found = convert::type_name(element);
            Problem::NotAText { what: "`default_targets`".to_owned(), found }.at(span)
        })?;
        add(&name, span);
    }
    Ok(())
}

/// The reference page of all host functions, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Functions of recipes\n\n\
         What a recipe can call, besides the [Rhai language](https://rhai.rs/book) itself. This page \
         is made from the program's own table, and every example on it is run by a test.\n",
    );
    for function in &HOST_FUNCTIONS {
        let HostFunction { signature, doc, example, .. } = function;
        write!(page, "\n## `{signature}`\n\n{doc}\n\n```rhai\n{example}\n```\n")
            .expect("writing to a text does not fail");
    }
    page
}
