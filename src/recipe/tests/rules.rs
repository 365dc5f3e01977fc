//! What authors read about rules.

use crate::recipe::tests::check;

#[test]
fn an_unknown_key_is_an_error_with_the_nearest_key() {
    check(
        r#"rule("a", #{
    ouput: "a.txt",
    argv: ["touch", "a.txt"],
});"#,
        r#"
error: rule `a` has an unknown key `ouput`
 --> recipe.rhai:2:5
  |
2 |     ouput: "a.txt",
  |     ^^^^^
hint: did you mean `output`?
"#,
    );
}

#[test]
fn all_wrong_keys_and_all_wrong_rules_are_told_at_once() {
    check(
        r#"rule("a", #{ output: "a", argv: ["x"], cache: "no", retries: -1, colour: 3 });
rule("b", #{ output: 3, argv: [] });"#,
        r#"
error: `cache` must be `true` or `false`, found a text
 --> recipe.rhai:1:47
  |
1 | rule("a", #{ output: "a", argv: ["x"], cache: "no", retries: -1, colour: 3 });
  |                                               ^^^^

error: `retries` is `-1`, must be between 0 and 100
 --> recipe.rhai:1:62
  |
1 | rule("a", #{ output: "a", argv: ["x"], cache: "no", retries: -1, colour: 3 });
  |                                                              ^^

error: rule `a` has an unknown key `colour`
 --> recipe.rhai:1:66
  |
1 | rule("a", #{ output: "a", argv: ["x"], cache: "no", retries: -1, colour: 3 });
  |                                                                  ^^^^^^
hint: known are `over`, `input`, `output`, `kernel`, `argv`, `shell`, `script`, `params`, `env`, `resources`, `on`, `tags`, `retries`, `timeout`, `depfile`, `partial`, `cache`, `container`, `args`

error: `output` must be a path, a list or a map of paths, found an integer
 --> recipe.rhai:2:22
  |
2 | rule("b", #{ output: 3, argv: [] });
  |                      ^

error: `argv` is empty
 --> recipe.rhai:2:31
  |
2 | rule("b", #{ output: 3, argv: [] });
  |                               ^
"#,
    );
}

#[test]
fn a_number_without_its_unit_is_refused() {
    check(
        r#"rule("a", #{
    output: "a.txt",
    argv: ["touch", "{output}"],
    resources: #{ memory: 4, time: 30 },
    timeout: 10,
});"#,
        r#"
error: `resources.memory` needs a unit
 --> recipe.rhai:4:27
  |
4 |     resources: #{ memory: 4, time: 30 },
  |                           ^
hint: write it with its unit, such as "4 GB"

error: `resources.time` needs a unit
 --> recipe.rhai:4:36
  |
4 |     resources: #{ memory: 4, time: 30 },
  |                                    ^^
hint: write it with its unit, such as "30 min"

error: `timeout` needs a unit
 --> recipe.rhai:5:14
  |
5 |     timeout: 10,
  |              ^^
hint: write it with its unit, such as "10 min"
"#,
    );
}

#[test]
fn a_bad_unit_names_the_good_ones() {
    check(
        r#"rule("a", #{
    output: "a.txt",
    argv: ["touch", "{output}"],
    resources: #{ memory: "4 gigs", time: "1 fortnight" },
});"#,
        r#"
error: `4 gigs` is not a size
 --> recipe.rhai:4:27
  |
4 |     resources: #{ memory: "4 gigs", time: "1 fortnight" },
  |                           ^^^^^^^^
hint: write a number and a unit: B, kB, MB, GB, TB (or KiB, MiB, GiB, TiB), such as "1.5 GB"

error: `1 fortnight` is not a time
 --> recipe.rhai:4:43
  |
4 |     resources: #{ memory: "4 gigs", time: "1 fortnight" },
  |                                           ^^^^^^^^^^^^^
hint: write a number and a unit: s, min, h, d, such as "30 min" or "1 h 30 min"
"#,
    );
}

#[test]
fn an_unknown_resource_is_an_error() {
    check(
        r#"rule("a", #{ output: "a.txt", argv: ["x"], resources: #{ core: 4 } });"#,
        r#"
error: `resources` has no `core`
 --> recipe.rhai:1:58
  |
1 | rule("a", #{ output: "a.txt", argv: ["x"], resources: #{ core: 4 } });
  |                                                          ^^^^
hint: did you mean `cores`?
"#,
    );
}

#[test]
fn a_rule_declared_twice_shows_both_places() {
    check(
        r#"rule("a", #{ output: "a.txt", argv: ["touch", "{output}"] });
rule("a", #{ output: "b.txt", argv: ["touch", "{output}"] });"#,
        r#"
error: rule `a` is declared twice
 --> recipe.rhai:2:6
  |
2 | rule("a", #{ output: "b.txt", argv: ["touch", "{output}"] });
  |      ^^^
note: first declared here
 --> recipe.rhai:1:6
  |
1 | rule("a", #{ output: "a.txt", argv: ["touch", "{output}"] });
  |      ^^^
hint: rules are one action for each item of `over`; one name is enough
"#,
    );
}

#[test]
fn a_bad_rule_name_is_told() {
    check(
        r#"rule("a b", #{ output: "a.txt", argv: ["touch", "{output}"] });"#,
        r#"
error: `a b` cannot name a rule
 --> recipe.rhai:1:6
  |
1 | rule("a b", #{ output: "a.txt", argv: ["touch", "{output}"] });
  |      ^^^^^
hint: a name is letters, digits, `_`, `-` and `.`
"#,
    );
}

#[test]
fn a_rule_without_a_command_is_told() {
    check(
        r#"rule("a", #{ output: "a.txt" });"#,
        r#"
error: rule `a` has no command
 --> recipe.rhai:1:6
  |
1 | rule("a", #{ output: "a.txt" });
  |      ^^^
hint: give one of `kernel`, `argv`, `shell` or `script`
"#,
    );
}

#[test]
fn a_rule_with_two_commands_shows_both() {
    check(
        r#"rule("a", #{
    output: "a.txt",
    shell: "touch {output}",
    argv: ["touch", "{output}"],
});"#,
        r#"
error: rule `a` has more than one command
 --> recipe.rhai:3:5
  |
3 |     shell: "touch {output}",
  |     ^^^^^
note: the other one is here
 --> recipe.rhai:4:5
  |
4 |     argv: ["touch", "{output}"],
  |     ^^^^
hint: keep one of `kernel`, `argv`, `shell` and `script`
"#,
    );
}

#[test]
fn args_without_a_script_are_told() {
    check(
        r#"rule("a", #{ output: "a.txt", argv: ["touch", "{output}"], args: ["x"] });"#,
        r#"
error: `args` goes with `script` only
 --> recipe.rhai:1:60
  |
1 | rule("a", #{ output: "a.txt", argv: ["touch", "{output}"], args: ["x"] });
  |                                                            ^^^^
hint: put the words into `argv`, or name a `script`
"#,
    );
}

#[test]
fn a_rule_without_an_output_is_told() {
    check(
        r#"rule("a", #{ argv: ["true"] });"#,
        r#"
error: rule `a` has no output
 --> recipe.rhai:1:6
  |
1 | rule("a", #{ argv: ["true"] });
  |      ^^^
hint: give `output: "path"`, a list or a map of paths
"#,
    );
}

#[test]
fn a_wrong_type_is_told_with_the_right_one() {
    check(
        r#"rule("a", #{
    input: 3,
    output: "a.txt",
    argv: ["touch", "{output}"],
    tags: 7,
    cache: "yes",
    retries: "two",
    params: [1],
    env: 5,
});"#,
        r#"
error: `input` must be a path, a list or a map of paths, found an integer
 --> recipe.rhai:2:12
  |
2 |     input: 3,
  |            ^

error: `tags` must be a text or a list of texts, found an integer
 --> recipe.rhai:5:11
  |
5 |     tags: 7,
  |           ^

error: `cache` must be `true` or `false`, found a text
 --> recipe.rhai:6:12
  |
6 |     cache: "yes",
  |            ^^^^^

error: `retries` must be a whole number, found a text
 --> recipe.rhai:7:14
  |
7 |     retries: "two",
  |              ^^^^^

error: `params` must be a map, found a list
 --> recipe.rhai:8:13
  |
8 |     params: [1],
  |             ^

error: `env` must be a list of names or a map, found an integer
 --> recipe.rhai:9:10
  |
9 |     env: 5,
  |          ^
"#,
    );
}

#[test]
fn a_closure_where_none_is_possible_is_told() {
    check(
        r#"rule("a", #{ output: "a.txt", shell: |it| "touch a.txt" });"#,
        r#"
error: `shell` cannot be computed for each item
 --> recipe.rhai:1:38
  |
1 | rule("a", #{ output: "a.txt", shell: |it| "touch a.txt" });
  |                                      ^
hint: compute `params` with a closure and write `{params.NAME}` here
"#,
    );
}

#[test]
fn an_unknown_placeholder_is_underlined_with_the_nearest() {
    check(
        r#"rule("summary", #{
    over: sweep(#{ threshold: [30, 40] }),
    output: "plots/{treshold}.csv",
    shell: "plot --cut {threshhold} -o {output}",
});"#,
        r#"
error: `{treshold}` has no value in `output` of rule `summary`
 --> recipe.rhai:3:20
  |
3 |     output: "plots/{treshold}.csv",
  |                    ^^^^^^^^^^
hint: did you mean `{threshold}`?

error: `{threshhold}` has no value in `shell` of rule `summary`
 --> recipe.rhai:4:24
  |
4 |     shell: "plot --cut {threshhold} -o {output}",
  |                        ^^^^^^^^^^^^
hint: did you mean `{threshold}`?
"#,
    );
}

#[test]
fn an_unknown_placeholder_with_nothing_near_lists_what_there_is() {
    check(
        r#"rule("a", #{
    input: #{ cloud: "c.h5" },
    output: "a.txt",
    params: #{ cut: 3 },
    argv: ["plot", "{zzz}"],
});"#,
        r#"
error: `{zzz}` has no value in `argv` of rule `a`
 --> recipe.rhai:5:21
  |
5 |     argv: ["plot", "{zzz}"],
  |                     ^^^^^
hint: without `over` there are no names of items; known here are `{input}`, `{input.cloud}`, `{output}`, `{params.cut}`, `{resources.cores}`, `{resources.gpus}`
"#,
    );
}

#[test]
fn an_unknown_role_is_told() {
    check(
        r#"rule("a", #{ input: #{ cloud: "c.h5" }, output: "a.txt", argv: ["cat", "{input.clod}"] });"#,
        r#"
error: `{input.clod}` has no value in `argv` of rule `a`
 --> recipe.rhai:1:73
  |
1 | rule("a", #{ input: #{ cloud: "c.h5" }, output: "a.txt", argv: ["cat", "{input.clod}"] });
  |                                                                         ^^^^^^^^^^^^
hint: did you mean `{input.cloud}`?
"#,
    );
}

#[test]
fn a_placeholder_for_a_group_names_its_values() {
    check(
        r#"let p = params("params.toml");
rule("a", #{ output: "a.txt", params: p, argv: ["x", "{params.pointcloud}"] });"#,
        r#"
error: `{params.pointcloud}` stands for a group of parameters
 --> recipe.rhai:2:55
  |
2 | rule("a", #{ output: "a.txt", params: p, argv: ["x", "{params.pointcloud}"] });
  |                                                       ^^^^^^^^^^^^^^^^^^^
hint: it holds `{params.pointcloud.threshold}`, `{params.pointcloud.window}`
"#,
    );
}

#[test]
fn a_broken_placeholder_is_underlined() {
    check(
        r#"rule("a", #{ output: "plots/{run.csv", argv: ["x", "a}b"] });"#,
        r#"
error: `{` without a closing `}`
 --> recipe.rhai:1:29
  |
1 | rule("a", #{ output: "plots/{run.csv", argv: ["x", "a}b"] });
  |                             ^
hint: write `{{` or `}}` for a brace that is meant as text

error: `}` without an opening `{`
 --> recipe.rhai:1:54
  |
1 | rule("a", #{ output: "plots/{run.csv", argv: ["x", "a}b"] });
  |                                                      ^
hint: write `{{` or `}}` for a brace that is meant as text
"#,
    );
}

#[test]
fn an_input_name_close_to_a_bound_one_is_a_warning() {
    check(
        r#"rule("a", #{
    over: scan("raw/run_{run}.h5"),
    input: "raw/run_{rum}.h5",
    output: "a/{run}.txt",
    argv: ["cp", "{input}", "{output}"],
});"#,
        r#"
warning: `{rum}` is not among the names of `over`, so this input collects all matches
 --> recipe.rhai:3:21
  |
3 |     input: "raw/run_{rum}.h5",
  |                     ^^^^^
hint: did you mean `{run}`?
"#,
    );
}

#[test]
fn an_output_that_lacks_a_name_is_told() {
    check(
        r#"let runs = scan("raw/run_{run}.h5");
rule("summary", #{
    over: runs * sweep(#{ threshold: [30, 40, 50] }),
    input: "raw/run_{run}.h5",
    output: "plots/run_{run}.csv",
    argv: ["x", "{input}", "{output}", "{threshold}"],
});"#,
        r#"
error: output of rule `summary` lacks `{threshold}`
 --> recipe.rhai:5:13
  |
5 |     output: "plots/run_{run}.csv",
  |             ^^^^^^^^^^^^^^^^^^^^^
hint: 3 items would write one file; put `{threshold}` into its path
"#,
    );
}

#[test]
fn a_closure_that_fails_names_the_item() {
    check(
        r#"rule("a", #{
    over: scan("raw/run_{run}.h5"),
    input: |it| `raw/run_${it.rum}.h5`,
    output: "a/{run}.txt",
    argv: ["cp", "{input}", "{output}"],
});"#,
        r#"
error: there is no `rum` here
 --> recipe.rhai:3:31
  |
3 |     input: |it| `raw/run_${it.rum}.h5`,
  |                               ^^^ for the item run=0001
hint: did you mean `run`?
"#,
    );
}

#[test]
fn a_closure_that_gives_a_wrong_type_names_the_item() {
    check(
        r#"rule("a", #{
    over: scan("raw/run_{run}.h5"),
    input: |it| 3,
    output: "a/{run}.txt",
    argv: ["cp", "{input}", "{output}"],
});"#,
        r#"
error: `input` must be a path, a list or a map of paths, found an integer
 --> recipe.rhai:3:12
  |
3 |     input: |it| 3,
  |            ^ for the item run=0001
"#,
    );
}

#[test]
fn an_unknown_default_target_is_told() {
    check(
        r#"rule("table", #{ output: "a.txt", argv: ["touch", "{output}"] });
default_targets("tabel");"#,
        r#"
error: there is no rule or output `tabel`
 --> recipe.rhai:2:17
  |
2 | default_targets("tabel");
  |                 ^^^^^^^
hint: did you mean `table`?
"#,
    );
}

#[test]
fn a_wrong_path_inside_a_map_is_underlined() {
    check(
        r#"rule("a", #{ input: #{ x: ["a", 3] }, output: "", argv: ["x"] });"#,
        r#"
error: `input.x` must be a text, found an integer
 --> recipe.rhai:1:33
  |
1 | rule("a", #{ input: #{ x: ["a", 3] }, output: "", argv: ["x"] });
  |                                 ^

error: `output` is empty
 --> recipe.rhai:1:47
  |
1 | rule("a", #{ input: #{ x: ["a", 3] }, output: "", argv: ["x"] });
  |                                               ^^
"#,
    );
}

#[test]
fn a_bad_environment_name_is_told() {
    check(
        r#"rule("a", #{ output: "a", argv: ["x"], env: ["A B"] });"#,
        r#"
error: `A B` cannot name an environment variable
 --> recipe.rhai:1:46
  |
1 | rule("a", #{ output: "a", argv: ["x"], env: ["A B"] });
  |                                              ^^^^^
hint: a name is letters, digits and `_`, and begins with no digit
"#,
    );
}

#[test]
fn a_named_input_of_a_rule_without_names_says_so() {
    check(
        r#"rule("a", #{ input: "c.h5", output: "a.txt", argv: ["cat", "{input.foo}"] });"#,
        r#"
error: `{input.foo}` has no value in `argv` of rule `a`
 --> recipe.rhai:1:61
  |
1 | rule("a", #{ input: "c.h5", output: "a.txt", argv: ["cat", "{input.foo}"] });
  |                                                             ^^^^^^^^^^^
hint: the input has no names; known here are `{input}`, `{output}`, `{resources.cores}`, `{resources.gpus}`
"#,
    );
}

#[test]
fn a_placeholder_in_an_output_without_over_says_so() {
    check(
        r#"rule("a", #{ output: "{run}.txt", argv: ["touch", "{output}"] });"#,
        r#"
error: `{run}` has no value in `output` of rule `a`
 --> recipe.rhai:1:23
  |
1 | rule("a", #{ output: "{run}.txt", argv: ["touch", "{output}"] });
  |                       ^^^^^
hint: without `over` there are no names of items; write `{{` and `}}` for braces that are meant as text
"#,
    );
}

#[test]
fn a_nul_character_that_would_reach_a_command_is_refused() {
    check(
        r#"rule("a", #{ output: "a\x00.txt", argv: ["touch", "b\x00"], env: #{ V: "c\x00" },
    params: #{ p: "d\x00" } });"#,
        r#"
error: `output`: a text has a NUL character
 --> recipe.rhai:1:22
  |
1 | rule("a", #{ output: "a\x00.txt", argv: ["touch", "b\x00"], env: #{ V: "c\x00" },
  |                      ^^^^^^^^^^^
hint: neither a command nor a path can have one

error: `argv`: a text has a NUL character
 --> recipe.rhai:1:51
  |
1 | rule("a", #{ output: "a\x00.txt", argv: ["touch", "b\x00"], env: #{ V: "c\x00" },
  |                                                   ^^^^^^^
hint: neither a command nor a path can have one

error: `env.V`: a text has a NUL character
 --> recipe.rhai:1:72
  |
1 | rule("a", #{ output: "a\x00.txt", argv: ["touch", "b\x00"], env: #{ V: "c\x00" },
  |                                                                        ^^^^^^^
hint: neither a command nor a path can have one

error: `p`: a text has a NUL character
 --> recipe.rhai:2:13
  |
2 |     params: #{ p: "d\x00" } });
  |             ^^
hint: neither a command nor a path can have one
"#,
    );
}
