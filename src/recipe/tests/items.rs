//! What authors read about scans, sweeps and their algebra.

use crate::recipe::tests::{check, check_in, project};

#[test]
fn a_scan_without_files_is_a_warning_with_what_is_there() {
    check(
        r#"let runs = scan("raw/rum_{run}.h5");"#,
        r#"
warning: no file matches `raw/rum_{run}.h5`
 --> recipe.rhai:1:17
  |
1 | let runs = scan("raw/rum_{run}.h5");
  |                 ^^^^^^^^^^^^^^^^^^
hint: nearby there is `raw/run_0001.h5`, `raw/run_0002.h5`, `raw/run_0010.h5`
"#,
    );
}

#[test]
fn a_scan_of_a_missing_directory_shows_what_is_there_instead() {
    check(
        r#"let runs = scan("rav/run_{run}.h5");"#,
        r#"
warning: no file matches `rav/run_{run}.h5`
 --> recipe.rhai:1:17
  |
1 | let runs = scan("rav/run_{run}.h5");
  |                 ^^^^^^^^^^^^^^^^^^
hint: nearby there is `raw`
"#,
    );
}

#[test]
fn a_broken_pattern_is_underlined() {
    check(
        r#"let runs = scan("raw/run_{run:4}.h5");"#,
        r#"
error: `{run:4}` has a width that is not of the form 04
 --> recipe.rhai:1:26
  |
1 | let runs = scan("raw/run_{run:4}.h5");
  |                          ^^^^^^^
hint: write `{run:04}` for a number padded to four digits
"#,
    );
}

#[test]
fn an_item_out_of_a_table_is_told() {
    check(
        r#"let r = scan("raw/run_{run}.h5");
let b = r[7];"#,
        r#"
error: there is no item 7 among 3
 --> recipe.rhai:2:10
  |
2 | let b = r[7];
  |          ^
"#,
    );
}

#[test]
fn a_shared_column_in_a_product_is_told() {
    check(
        "let a = sweep(#{ t: [1] }) * sweep(#{ t: [2] });",
        r#"
error: both sides of `*` have `t`
 --> recipe.rhai:1:28
  |
1 | let a = sweep(#{ t: [1] }) * sweep(#{ t: [2] });
  |                            ^
hint: give the columns different names
"#,
    );
}

#[test]
fn a_concatenation_of_different_items_is_told() {
    check(
        "let a = sweep(#{ t: [1] }) + sweep(#{ u: [2] });",
        r#"
error: items have different names: `t` and `u`
 --> recipe.rhai:1:28
  |
1 | let a = sweep(#{ t: [1] }) + sweep(#{ u: [2] });
  |                            ^
"#,
    );
}

#[test]
fn pairing_different_lengths_is_told() {
    check(
        "let a = zip(sweep(#{ t: [1] }), sweep(#{ u: [2, 3] }));",
        r#"
error: `zip` pairs 1 item with 2
 --> recipe.rhai:1:9
  |
1 | let a = zip(sweep(#{ t: [1] }), sweep(#{ u: [2, 3] }));
  |         ^^^
"#,
    );
}

#[test]
fn a_reserved_column_is_told() {
    check(
        "let a = sweep(#{ input: [1] });",
        r#"
error: `input` cannot name a column, `{input}` has a meaning of its own
 --> recipe.rhai:1:15
  |
1 | let a = sweep(#{ input: [1] });
  |               ^^
hint: give the column another name
"#,
    );
}

#[test]
fn a_sweep_of_lists_in_lists_is_told() {
    check(
        r#"let a = sweep(#{
    t: [[1, 2]],
});"#,
        r#"
error: `t` of an item is a text, number or boolean, found a list
 --> recipe.rhai:2:8
  |
2 |     t: [[1, 2]],
  |        ^
"#,
    );
}

#[test]
fn a_bad_line_of_points_is_shown() {
    check_in(
        project().with("points.csv", "a,b\n1,2\n3\n"),
        &[],
        r#"let a = sweep("points.csv");"#,
        r#"
error: this line has 1 field, the first line has 2
 --> points.csv:3:1
  |
3 | 3
  | ^
"#,
    );
}

#[test]
fn a_filter_that_does_not_decide_is_told() {
    check(
        "let a = sweep(#{ t: [1] }).filter(|it| it.t);",
        r#"
error: the closure of `filter` must say `true` or `false`, found an integer
 --> recipe.rhai:1:28
  |
1 | let a = sweep(#{ t: [1] }).filter(|it| it.t);
  |                            ^^^^^^
"#,
    );
}

#[test]
fn a_property_of_items_is_told() {
    check(
        r#"let a = sweep(#{ t: [1] });
let b = a.t;"#,
        r#"
error: there is no `t` in items
 --> recipe.rhai:2:11
  |
2 | let b = a.t;
  |           ^
hint: `.column("t")` gives the values of all items, `[0].t` that of the first
"#,
    );
}
