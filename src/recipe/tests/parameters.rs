//! What authors read about parameter files, `--set` and kernels.

use crate::recipe::tests::{check, check_in, message_of, project};

#[test]
fn an_unknown_kernel_is_told() {
    check(
        r#"rule("a", #{ output: "a.h5", kernel: "attpc.pointclud" });"#,
        r#"
error: there is no kernel `attpc.pointclud`
 --> recipe.rhai:1:38
  |
1 | rule("a", #{ output: "a.h5", kernel: "attpc.pointclud" });
  |                                      ^^^^^^^^^^^^^^^^^
hint: did you mean `attpc.pointcloud`?
"#,
    );
}

#[test]
fn an_unknown_parameter_points_at_the_parameter_file() {
    check_in(
        project().with("params.toml", "[pointcloud]\nthreshold = 40.0\nwindw = 3\n"),
        &[],
        r#"let p = params("params.toml");
rule("pointcloud", #{
    input: "raw/run_0001.h5",
    output: "a.h5",
    kernel: "attpc.pointcloud",
    params: p.pointcloud,
});"#,
        r#"
error: `attpc.pointcloud` has no parameter `windw`
 --> params.toml:3:1
  |
3 | windw = 3
  | ^^^^^
note: given to rule `pointcloud` here
 --> recipe.rhai:6:5
  |
6 |     params: p.pointcloud,
  |     ^^^^^^
hint: did you mean `window`?
"#,
    );
}

#[test]
fn a_parameter_out_of_range_points_at_its_value() {
    check_in(
        project().with("params.toml", "[pointcloud]\nthreshold = -40.0\n"),
        &[],
        r#"let p = params("params.toml");
rule("pointcloud", #{
    input: "raw/run_0001.h5",
    output: "a.h5",
    kernel: "attpc.pointcloud",
    params: p.pointcloud,
});"#,
        r#"
error: `threshold` is `-40.0`, must be between 0 and 4095 in ADC
 --> params.toml:2:13
  |
2 | threshold = -40.0
  |             ^^^^^
note: given to rule `pointcloud` here
 --> recipe.rhai:6:5
  |
6 |     params: p.pointcloud,
  |     ^^^^^^
"#,
    );
}

#[test]
fn a_parameter_in_the_recipe_is_underlined_there() {
    check(
        r#"rule("pointcloud", #{
    input: "raw/run_0001.h5",
    output: "a.h5",
    kernel: "attpc.pointcloud",
    params: #{ window: "wide" },
});"#,
        r#"
error: `window` must be an integer, found a text `wide`
 --> recipe.rhai:5:24
  |
5 |     params: #{ window: "wide" },
  |                        ^^^^^^
"#,
    );
}

#[test]
fn a_parameter_from_the_command_line_is_named_as_such() {
    check_in(
        project(),
        &[("pointcloud.window", "1000")],
        r#"let p = params("params.toml");
rule("pointcloud", #{
    input: "raw/run_0001.h5",
    output: "a.h5",
    kernel: "attpc.pointcloud",
    params: p.pointcloud,
});"#,
        r#"
error: `window` is `1000`, must be between 1 and 99
  --> --set pointcloud.window=1000
note: given to rule `pointcloud` here
 --> recipe.rhai:6:5
  |
6 |     params: p.pointcloud,
  |     ^^^^^^
"#,
    );
}

#[test]
fn roles_that_a_kernel_lacks_are_told() {
    check(
        r#"rule("pointcloud", #{
    input: #{ rwa: "raw/run_0001.h5" },
    output: ["a.h5", "b.h5"],
    kernel: "attpc.pointcloud",
});"#,
        r#"
error: kernel `attpc.pointcloud` has no input `rwa`
 --> recipe.rhai:2:15
  |
2 |     input: #{ rwa: "raw/run_0001.h5" },
  |               ^^^
hint: did you mean `raw`?

error: output `cloud` of kernel `attpc.pointcloud` takes a single path
 --> recipe.rhai:3:13
  |
3 |     output: ["a.h5", "b.h5"],
  |             ^
hint: name the paths: `#{ cloud: "...", scaler: "..." }`
"#,
    );
}

#[test]
fn an_unknown_setting_is_told_with_the_nearest_name() {
    check_in(
        project(),
        &[("pointcloud.treshold", "3")],
        r#"let p = params("params.toml");"#,
        r#"
error: no parameter file has `pointcloud.treshold`
  --> --set pointcloud.treshold=3
hint: did you mean `pointcloud.threshold`?
"#,
    );
}

#[test]
fn a_setting_for_a_group_is_told() {
    check_in(
        project(),
        &[("pointcloud", "3")],
        r#"let p = params("params.toml");"#,
        r#"
error: `pointcloud` is a group of parameters, not a value
  --> --set pointcloud=3
hint: it holds `threshold`, `window`
"#,
    );
}

#[test]
fn a_setting_that_is_not_finite_is_refused() {
    check_in(
        project(),
        &[("pointcloud.threshold", "nan")],
        r#"let p = params("params.toml");"#,
        r#"
error: `NaN` is not a finite number
  --> --set pointcloud.threshold=nan
hint: leave the value out, or write a number
"#,
    );
}

#[test]
fn a_setting_without_any_parameter_file_is_told() {
    check_in(
        project(),
        &[("a", "3")],
        "let a = 1;",
        r#"
error: no parameter file has `a`
  --> --set a=3
hint: the recipe reads no parameter file
"#,
    );
}

#[test]
fn a_missing_parameter_file_shows_the_nearest() {
    check(
        r#"let p = params("parms.toml");"#,
        r#"
error: `parms.toml` is not there
 --> recipe.rhai:1:16
  |
1 | let p = params("parms.toml");
  |                ^^^^^^^^^^^^
hint: nearby there is `params.toml`
"#,
    );
}

#[test]
fn a_parameter_file_of_unknown_form_is_told() {
    check_in(
        project().with("params.ini", ""),
        &[],
        r#"let p = params("params.ini");"#,
        r#"
error: `params.ini` is no parameter file by its name
 --> recipe.rhai:1:16
  |
1 | let p = params("params.ini");
  |                ^^^^^^^^^^^^
hint: parameter files end in `.toml`, `.json`, `.yaml` or `.yml`
"#,
    );
}

#[test]
fn bad_toml_shows_its_line() {
    check_in(
        project().with("params.toml", "[pointcloud]\nthreshold = \n"),
        &[],
        r#"let p = params("params.toml");"#,
        r#"
error: bad TOML: string values must be quoted, expected literal string
 --> params.toml:2:13
  |
2 | threshold =
  |             ^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.toml");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_toml_name_written_twice_shows_its_line() {
    check_in(
        project().with("params.toml", "a = 1\nb = 2\na = 3\n"),
        &[],
        r#"let p = params("params.toml");"#,
        r#"
error: bad TOML: duplicate key
 --> params.toml:3:1
  |
3 | a = 3
  | ^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.toml");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn an_infinite_parameter_is_refused_at_its_line() {
    check_in(
        project().with("params.toml", "a = 1\nb = inf\n"),
        &[],
        r#"let p = params("params.toml");"#,
        r#"
error: `inf` is not a finite number
 --> params.toml:2:5
  |
2 | b = inf
  |     ^^^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.toml");
  |                ^^^^^^^^^^^^^
hint: leave the value out, or write a number
"#,
    );
}

#[test]
fn bad_json_shows_its_line() {
    check_in(
        project().with("params.json", "{\n  \"a\": 1,\n  \"b\": \n}\n"),
        &[],
        r#"let p = params("params.json");"#,
        r#"
error: bad JSON: expected value
 --> params.json:4:1
  |
4 | }
  | ^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.json");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_json_name_written_twice_shows_both_lines() {
    check_in(
        project().with("params.json", "{\n  \"a\": 1,\n  \"a\": 2\n}\n"),
        &[],
        r#"let p = params("params.json");"#,
        r#"
error: bad JSON: the name `a` is written twice
 --> params.json:3:3
  |
3 |   "a": 2
  |   ^^^
note: first written here
 --> params.json:2:3
  |
2 |   "a": 1,
  |   ^^^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.json");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn bad_yaml_shows_its_line() {
    check_in(
        project().with("params.yaml", "a: 1\nb: [1, 2\nc: 3\n"),
        &[],
        r#"let p = params("params.yaml");"#,
        r#"
error: bad YAML: illegal placement of ':' indicator
 --> params.yaml:3:2
  |
3 | c: 3
  |  ^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.yaml");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_yaml_name_written_twice_shows_its_line() {
    check_in(
        project().with("params.yaml", "a: 1\nb: 2\na: 3\n"),
        &[],
        r#"let p = params("params.yaml");"#,
        r#"
error: bad YAML: the name is written twice
 --> params.yaml:3:1
  |
3 | a: 3
  | ^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.yaml");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_parameter_file_that_is_a_list_is_refused() {
    check_in(
        project().with("params.json", "[1]"),
        &[],
        r#"let p = params("params.json");"#,
        r#"
error: a parameter file holds names with values, found a list
 --> params.json:1:1
  |
1 | [1]
  | ^^^
note: read from here
 --> recipe.rhai:1:16
  |
1 | let p = params("params.json");
  |                ^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_parameter_that_is_a_closure_is_told() {
    check(
        r#"rule("a", #{ output: "a.txt", argv: ["touch", "{output}"], params: #{ cut: |x| x } });"#,
        r#"
error: `cut`: a closure cannot be a parameter
 --> recipe.rhai:1:68
  |
1 | rule("a", #{ output: "a.txt", argv: ["touch", "{output}"], params: #{ cut: |x| x } });
  |                                                                    ^^
"#,
    );
}

/// What a parameter file of one name and text makes its author read, up to the note that the
/// recipe read it.
fn first_lines(file: &str, text: &str) -> String {
    let recipe = format!("let p = params(\"{file}\");");
    let found = message_of(project().with(file, text), &[], &recipe);
    found.split("note: read from here").next().unwrap_or_default().to_owned()
}

#[test]
fn a_json_number_beyond_all_floats_is_refused_at_its_spot() {
    for (number, marks) in [("1e400", "^^^^^"), ("-1e400", "^^^^^^")] {
        let expected = format!(
            "error: `{number}` does not fit into 64 bits
 --> params.json:2:7
  |
2 |  \"v\": {number}
  |       {marks}
"
        );
        assert_eq!(first_lines("params.json", &format!("{{\n \"v\": {number}\n}}")), expected);
    }
}

#[test]
fn half_a_character_in_json_is_refused_at_its_spot() {
    assert_eq!(
        first_lines("params.json", "{\n \"v\": \"\\ud800\"\n}"),
        r#"error: bad JSON: unexpected end of hex escape
 --> params.json:2:7
  |
2 |  "v": "\ud800"
  |       ^^^^^^^^
"#
    );
    assert_eq!(
        first_lines("params.json", "{\n \"\\ud800\": 1\n}"),
        r#"error: bad JSON: unexpected end of hex escape
 --> params.json:2:2
  |
2 |  "\ud800": 1
  |  ^^^^^^^^
"#
    );
}

#[test]
fn nesting_without_an_end_is_refused_in_every_format() {
    let lists = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let first = |file, text: String| {
        let found = first_lines(file, &text);
        let lines: Vec<String> = found.lines().take(2).map(str::to_owned).collect();
        lines.join("\n")
    };
    assert_eq!(
        first("params.json", format!("{{\"v\":{}}}", lists(100_000))),
        "error: bad JSON: more than 64 lists and maps within each other\n --> params.json:1:69"
    );
    assert_eq!(
        first("params.yaml", format!("v:\n{}1\n", "- ".repeat(100_000))),
        "error: bad YAML: more than 64 lists and maps within each other\n --> params.yaml:2:513"
    );
    assert_eq!(
        first("params.yaml", format!("v:\n{}1\n", "- ".repeat(100))),
        "error: bad YAML: more than 64 lists and maps within each other\n --> params.yaml:2:127"
    );
    assert_eq!(
        first("params.yaml", format!("v: {}\n", lists(100_000))),
        "error: bad YAML: recursion limit exceeded\n --> params.yaml:1:259"
    );
    assert_eq!(
        first("params.toml", format!("v = {}\n", lists(70))),
        "error: bad TOML: more than 64 lists and maps within each other\n --> params.toml:1:68"
    );
    assert_eq!(
        first("params.toml", format!("v = {}\n", lists(100_000))),
        "error: bad TOML: cannot recurse further; max recursion depth met\n --> params.toml:1:85"
    );
    assert_eq!(
        first("params.toml", format!("v{} = 1\n", ".a".repeat(100_000))),
        "error: bad TOML: recursion limit\n  --> params.toml"
    );
}

#[test]
fn sixty_four_lists_and_maps_within_each_other_are_read() {
    let lists = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    for (file, text) in [
        ("params.json", format!("{{\"v\": {lists}}}")),
        ("params.yaml", format!("v: {lists}\n")),
        ("params.toml", format!("v = {lists}\n")),
    ] {
        assert_eq!(first_lines(file, &text), "", "{file}");
    }
}

#[test]
fn a_whole_number_beyond_64_bits_keeps_its_type_in_no_format_and_is_refused() {
    for (file, text, number, place) in [
        ("params.yaml", "v: 9223372036854775808\n", "9223372036854775808", "1:4"),
        ("params.yaml", "v: -9223372036854775809\n", "-9223372036854775809", "1:4"),
        ("params.yaml", "v: 0x8000000000000000\n", "0x8000000000000000", "1:4"),
        ("params.yaml", "9223372036854775808: 1\n", "9223372036854775808", "1:1"),
        ("params.yaml", "v: 1e400\n", "1e400", "1:4"),
        ("params.json", "{\"v\": -9223372036854775809}", "-9223372036854775809", "1:7"),
        ("params.json", "{\"v\": 9223372036854775808}", "9223372036854775808", "1:7"),
        ("params.toml", "v = 9223372036854775808\n", "9223372036854775808", "1:5"),
        ("params.toml", "v = 1e400\n", "1e400", "1:5"),
    ] {
        let found = first_lines(file, text);
        let first: Vec<&str> = found.lines().take(2).collect();
        let expected = format!("error: `{number}` does not fit into 64 bits\n --> {file}:{place}");
        assert_eq!(first.join("\n"), expected);
    }
}

#[test]
fn whole_numbers_at_the_ends_of_64_bits_and_quoted_digits_are_read() {
    let text = "a: 9223372036854775807\nb: -9223372036854775808\nc: \"0x8000000000000000\"\n\
                d: \"9223372036854775808\"\ne: 1e300\n";
    assert_eq!(first_lines("params.yaml", text), "");
    let text = "{\"a\": 9223372036854775807, \"b\": -9223372036854775808, \"c\": -0, \"d\": 1E-3}";
    assert_eq!(first_lines("params.json", text), "");
}

#[test]
fn a_setting_that_no_number_can_hold_is_refused() {
    for raw in ["1e400", "9999999999999999999999"] {
        let expected = format!(
            "error: `{raw}` does not fit into 64 bits\n  --> --set pointcloud.threshold={raw}\n"
        );
        check_in(
            project(),
            &[("pointcloud.threshold", raw)],
            r#"let p = params("params.toml");"#,
            &expected,
        );
    }
}

#[test]
fn a_whole_number_beyond_64_bits_in_a_table_of_points_is_refused() {
    check_in(
        project().with("points.csv", "gain\n9223372036854775808\n"),
        &[],
        r#"let s = sweep("points.csv");"#,
        r#"
error: bad CSV: a whole number does not fit into 64 bits
 --> points.csv:2:1
  |
2 | 9223372036854775808
  | ^^^^^^^^^^^^^^^^^^^
"#,
    );
}

#[test]
fn a_nul_character_in_a_parameter_is_refused_in_every_format() {
    for (file, text, place) in [
        ("params.json", "{\"v\": \"a\\u0000b\"}", "1:7"),
        ("params.yaml", "v: \"a\\0b\"\n", "1:4"),
        ("params.toml", "v = \"a\\u0000b\"\n", "1:5"),
    ] {
        let found = first_lines(file, text);
        let first: Vec<&str> = found.lines().take(2).collect();
        let expected = format!("error: a text has a NUL character\n --> {file}:{place}");
        assert_eq!(first.join("\n"), expected);
    }
}
