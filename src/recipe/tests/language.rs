//! What authors read when they slip in the language itself.

use crate::recipe::tests::{check, check_in, message_of, project};

#[test]
fn a_loop_without_an_end_points_at_its_line() {
    check(
        r#"let n = 0;
loop {
    n += 1;
}"#,
        r#"
error: the recipe does not come to an end
 --> recipe.rhai:3:10
  |
3 |     n += 1;
  |          ^
hint: a loop has no end, or does far too much
"#,
    );
}

#[test]
fn a_recursion_without_an_end_points_at_its_call() {
    check(
        r#"fn deeper(n) {
    deeper(n + 1)
}
deeper(0);"#,
        r#"
error: calls or expressions are nested too deeply
 --> recipe.rhai:4:1
  |
4 | deeper(0);
  | ^^^^^^
hint: a function calls itself without an end
"#,
    );
}

#[test]
fn a_missing_module_is_told_with_the_nearest_files() {
    check_in(
        project().with("lib/plots.rhai", ""),
        &[],
        r#"import "lib/plot" as plots;"#,
        r#"
error: module `lib/plot` is not there
 --> recipe.rhai:1:8
  |
1 | import "lib/plot" as plots;
  |        ^^^^^^^^^^ neither `lib/plot.rhai` nor part of the standard library
hint: nearby there is `lib/plots.rhai`
"#,
    );
}

#[test]
fn a_misspelt_standard_module_is_told() {
    check(
        r#"import "atpc" as tpc;"#,
        r#"
error: module `atpc` is not there
 --> recipe.rhai:1:8
  |
1 | import "atpc" as tpc;
  |        ^^^^^^ neither `atpc.rhai` nor part of the standard library
hint: did you mean `attpc`?
"#,
    );
}

#[test]
fn modules_that_import_each_other_are_told() {
    check_in(
        project().with("a.rhai", r#"import "b" as b;"#).with("b.rhai", r#"import "a" as a;"#),
        &[],
        r#"import "a" as a;"#,
        r#"
error: module `a.rhai` imports itself
 --> b.rhai:1:8
  |
1 | import "a" as a;
  |        ^^^
note: imported here
 --> a.rhai:1:8
  |
1 | import "b" as b;
  |        ^^^
note: imported here
 --> recipe.rhai:1:8
  |
1 | import "a" as a;
  |        ^^^
"#,
    );
}

#[test]
fn an_error_in_a_module_shows_the_module_and_the_caller() {
    check_in(
        project().with("lib.rhai", "fn runs(pattern) {\n    scam(pattern)\n}"),
        &[],
        r#"import "lib" as lib;
let runs = lib::runs("raw/run_{run}.h5");"#,
        r#"
error: there is no function `scam`
 --> lib.rhai:2:5
  |
2 |     scam(pattern)
  |     ^^^^
note: called from here
 --> recipe.rhai:2:17
  |
2 | let runs = lib::runs("raw/run_{run}.h5");
  |                 ^^^^
hint: did you mean `scan`?
"#,
    );
}

#[test]
fn a_syntax_error_in_a_module_shows_the_module() {
    check_in(
        project().with("lib.rhai", "fn runs( {\n"),
        &[],
        r#"import "lib" as lib;"#,
        r#"
error: `)` is missing to close the parameters list of function `runs`
 --> lib.rhai:1:9
  |
1 | fn runs( {
  |         ^
note: imported here
 --> recipe.rhai:1:8
  |
1 | import "lib" as lib;
  |        ^^^^^
"#,
    );
}

#[test]
fn a_missing_property_is_an_error_with_the_nearest_name() {
    check(
        r#"let p = params("params.toml");
rule("a", #{
    output: "a.txt",
    argv: ["touch", "{output}"],
    params: p.pointclod,
});"#,
        r#"
error: there is no `pointclod` here
 --> recipe.rhai:5:15
  |
5 |     params: p.pointclod,
  |               ^^^^^^^^^
hint: did you mean `pointcloud`?
"#,
    );
}

#[test]
fn a_missing_property_of_an_item_names_the_columns() {
    check(
        r#"let runs = scan("raw/run_{run}.h5");
let good = runs.filter(|r| r.rnu != "0002");"#,
        r#"
error: there is no `rnu` here
 --> recipe.rhai:2:30
  |
2 | let good = runs.filter(|r| r.rnu != "0002");
  |                              ^^^
hint: did you mean `run`?
"#,
    );
}

#[test]
fn a_misspelt_variable_is_told() {
    check(
        r#"let runs = scan("raw/run_{run}.h5");
let n = rnus.len();"#,
        r#"
error: nothing is named `rnus`
 --> recipe.rhai:2:9
  |
2 | let n = rnus.len();
  |         ^^^^
hint: did you mean `runs`?
"#,
    );
}

#[test]
fn a_misspelt_function_is_told() {
    check(
        r#"let runs = scna("raw/run_{run}.h5");"#,
        r#"
error: there is no function `scna`
 --> recipe.rhai:1:12
  |
1 | let runs = scna("raw/run_{run}.h5");
  |            ^^^^
hint: did you mean `scan`?
"#,
    );
}

#[test]
fn a_function_with_wrong_arguments_shows_how_it_is_called() {
    check(
        "let runs = zip(1, 2);",
        r#"
error: `zip` does not take an integer and an integer
 --> recipe.rhai:1:12
  |
1 | let runs = zip(1, 2);
  |            ^^^
hint: it is called as `zip(items, items)`
"#,
    );
}

#[test]
fn an_operator_on_wrong_values_is_told() {
    check(
        r#"let runs = scan("raw/run_{run}.h5") * 3;"#,
        r#"
error: `*` does not work with items and an integer
 --> recipe.rhai:1:37
  |
1 | let runs = scan("raw/run_{run}.h5") * 3;
  |                                     ^
hint: it is called as `items * items`
"#,
    );
}

#[test]
fn a_variable_of_the_file_is_out_of_reach_of_a_function() {
    check(
        r#"let cut = 3;
fn above(n) { n > cut }"#,
        r#"
error: `cut` cannot be seen from here
 --> recipe.rhai:2:19
  |
2 | fn above(n) { n > cut }
  |                   ^^^
hint: a `fn` sees its parameters only; hand the value over, or use a closure `|x| ...`
"#,
    );
}

#[test]
fn a_missing_bracket_is_told_where_it_was_expected() {
    check(
        r#"rule("a", #{
    output: "a.txt"
    argv: ["touch"],
});"#,
        r#"
error: `,` is missing to separate the items of this map
 --> recipe.rhai:2:20
  |
2 |     output: "a.txt"
  |                    ^
"#,
    );
}

#[test]
fn an_open_text_is_told() {
    check(
        r#"let a = "raw/run;
let b = 1;"#,
        r#"
error: a text is not closed
 --> recipe.rhai:1:9
  |
1 | let a = "raw/run;
  |         ^^^^^^^^^
hint: close it with the quote that opened it
"#,
    );
}

#[test]
fn an_open_brace_is_told() {
    check(
        r#"rule("a", #{
    output: "a.txt",
"#,
        r#"
error: `}` is missing to end this map
 --> recipe.rhai:2:21
  |
2 |     output: "a.txt",
  |                     ^
"#,
    );
}

#[test]
fn a_key_written_twice_is_told() {
    check(
        r#"rule("a", #{
    output: "a.txt",
    output: "b.txt",
});"#,
        r#"
error: key `output` is written twice
 --> recipe.rhai:3:5
  |
3 |     output: "b.txt",
  |     ^^^^^^
"#,
    );
}

#[test]
fn printing_is_refused_with_the_way_out() {
    check(
        r#"print("hello");"#,
        r#"
error: `print` is not available in recipes
 --> recipe.rhai:1:1
  |
1 | print("hello");
  | ^^^^^
hint: `warn(text)` shows a warning
"#,
    );
}

#[test]
fn clocks_are_refused() {
    check(
        "let now = timestamp();",
        r#"
error: `timestamp` is not available in recipes
 --> recipe.rhai:1:11
  |
1 | let now = timestamp();
  |           ^^^^^^^^^
hint: a recipe gives the same graph every time it is read
"#,
    );
}

#[test]
fn eval_is_refused() {
    check(
        r#"eval("1 + 1");"#,
        r#"
error: `eval` is not available in recipes
 --> recipe.rhai:1:1
  |
1 | eval("1 + 1");
  | ^^^^
hint: a recipe gives the same graph every time it is read
"#,
    );
}

#[test]
fn a_text_that_is_thrown_is_the_message() {
    check(
        r#"let runs = scan("raw/run_{run}.h5");
if runs.len() < 5 {
    throw "five runs at least";
}"#,
        r#"
error: five runs at least
 --> recipe.rhai:3:5
  |
3 |     throw "five runs at least";
  |     ^^^^^
"#,
    );
}

#[test]
fn a_warning_points_at_its_line() {
    check(
        r#"warn("run 7 has no gas log");"#,
        r#"
warning: run 7 has no gas log
 --> recipe.rhai:1:6
  |
1 | warn("run 7 has no gas log");
  |      ^^^^^^^^^^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_division_by_zero_points_at_itself() {
    check(
        "let a = 1 / 0;",
        r#"
error: division by zero: 1 / 0
 --> recipe.rhai:1:11
  |
1 | let a = 1 / 0;
  |           ^
"#,
    );
}

#[test]
fn an_index_out_of_a_list_is_told() {
    check(
        r#"let a = [1, 2];
let b = a[5];"#,
        r#"
error: there is no element 5 in a list of 2
 --> recipe.rhai:2:11
  |
2 | let b = a[5];
  |           ^
"#,
    );
}

#[test]
fn comparing_a_captured_text_with_a_number_is_told() {
    check(
        r#"let r = scan("raw/run_{run}.h5").filter(|r| r.run > 2);"#,
        r#"
error: `>` compares a text with an integer
 --> recipe.rhai:1:51
  |
1 | let r = scan("raw/run_{run}.h5").filter(|r| r.run > 2);
  |                                                   ^
hint: `{run:04}` in a pattern captures numbers, `parse_int(text)` reads one
"#,
    );
}

#[test]
fn assigning_to_a_constant_is_told() {
    check(
        r#"const A = 1;
A = 2;"#,
        r#"
error: cannot assign to constant A
 --> recipe.rhai:2:1
  |
2 | A = 2;
  | ^
"#,
    );
}

#[test]
fn an_unknown_module_alias_is_told() {
    check(
        r#"import "attpc" as tpc;
let a = tcp::linspace(0, 1, 2);"#,
        r#"
error: no module is imported as `tcp`
 --> recipe.rhai:2:9
  |
2 | let a = tcp::linspace(0, 1, 2);
  |         ^^^
hint: did you mean `tpc`?
"#,
    );
}

#[test]
fn an_unknown_library_function_is_told() {
    check(
        r#"import "attpc" as tpc;
let a = tpc::linspce(0, 1, 2);"#,
        r#"
error: there is no function `linspce`
 --> recipe.rhai:2:14
  |
2 | let a = tpc::linspce(0, 1, 2);
  |              ^^^^^^^
hint: did you mean `linspace`?
"#,
    );
}

#[test]
fn sleeping_is_refused() {
    check(
        "sleep(1);",
        r#"
error: `sleep` is not available in recipes
 --> recipe.rhai:1:1
  |
1 | sleep(1);
  | ^^^^^
hint: a recipe gives the same graph every time it is read
"#,
    );
}

#[test]
fn leaving_is_refused() {
    check(
        "exit();",
        r#"
error: `exit` is not available in recipes
 --> recipe.rhai:1:1
  |
1 | exit();
  | ^^^^
hint: a recipe gives the same graph every time it is read
"#,
    );
}

#[test]
fn sleeping_through_a_name_is_refused() {
    check(
        r#"Fn("sleep").call(1);"#,
        r#"
error: `sleep` is not available in recipes
 --> recipe.rhai:1:13
  |
1 | Fn("sleep").call(1);
  |             ^^^^
hint: a recipe gives the same graph every time it is read
"#,
    );
}

#[test]
fn comparing_for_equality_of_text_and_number_is_told() {
    check(
        r#"let r = scan("raw/run_{run}.h5").filter(|r| r.run == 2);"#,
        r#"
error: `==` compares a text with an integer
 --> recipe.rhai:1:51
  |
1 | let r = scan("raw/run_{run}.h5").filter(|r| r.run == 2);
  |                                                   ^
hint: `{run:04}` in a pattern captures numbers, `parse_int(text)` reads one
"#,
    );
}

/// The first two lines of what a recipe that grows something without an end makes its author read.
fn growth(recipe: &str) -> String {
    let found = message_of(project(), &[], recipe);
    let lines: Vec<&str> = found.lines().take(2).collect();
    lines.join("\n")
}

#[test]
fn a_list_that_grows_without_an_end_is_stopped_by_what_it_costs() {
    check(
        r#"let a = [];
loop { a.push("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); }"#,
        r#"
error: the recipe does not come to an end
 --> recipe.rhai:2:8
  |
2 | loop { a.push("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); }
  |        ^
hint: a loop has no end, or does far too much
"#,
    );
}

#[test]
fn lists_of_maps_texts_and_maps_that_grow_without_an_end_are_stopped() {
    for recipe in [
        "let a = [];\nloop { a.push(#{ x: 1, y: 2 }); }",
        "let a = [];\nloop { a.push([1, 2]); }",
        "let a = [];\nloop { a = a + [1]; }",
        "let a = \"\";\nloop { a = a + \"x\"; }",
        "let a = \"\";\nloop { a += \"x\"; }",
        "let m = #{}; let n = 0;\nloop { m.set(`k${n}`, n); n += 1; }",
        "let m = #{ list: [] };\nloop { m.list.push(1); }",
        "let a = []; let f = || a.len();\nloop { a.push(1); }",
    ] {
        let found = growth(recipe);
        let place = found.split_once("\n --> recipe.rhai:2:").map(|(words, _)| words);
        assert_eq!(place, Some("error: the recipe does not come to an end"), "{recipe}\n{found}");
    }
}

#[test]
fn values_that_double_or_nest_without_an_end_are_stopped() {
    for (recipe, what) in [
        ("let a = [1];\nloop { a += a; }", "a list or a map"),
        ("let a = [1];\nloop { a = [a, a]; }", "a list or a map"),
        ("let a = [1];\nloop { a = [0, a]; }", "a list or a map"),
        ("let a = [1];\nloop { a = #{ a: a }; }", "the nesting of a value"),
        ("let a = \"x\";\nloop { a += a; }", "a text"),
        ("let a = [1];\na.pad(1000000000000, 0);", "a list"),
    ] {
        let found = growth(recipe);
        let place = found.split_once("\n --> recipe.rhai:2:").map(|(words, _)| words);
        assert_eq!(place, Some(&*format!("error: {what} grew too large")), "{recipe}\n{found}");
    }
}

#[test]
fn a_list_of_fifty_thousand_elements_can_be_made_one_by_one() {
    let recipe = "let a = [];\nfor n in 0..50000 { a.push(`run_${n}`); }\nif a.len() != 50000 { throw \"short\" }";
    check(recipe, "");
    let recipe = "let s = sweep(#{ n: 0..50000 });\nlet a = s.map(|it| #{ n: it.n, m: it.n + 1 });
let b = a.column(\"m\");\nif b.len() != 50000 { throw \"short\" }";
    check(recipe, "");
}
