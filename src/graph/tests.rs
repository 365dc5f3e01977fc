use super::*;
use crate::graph::sample::{graph_of, items, rule, template};
use crate::model::declare::{Command, Items};

fn runs() -> Option<Items> {
    items(&["run"], &[&["1"], &["2"], &["10"]])
}

/// Each action as `label: inputs -> outputs`, in build order.
fn check(rules: Vec<RuleDecl>, expected: &[&str]) {
    let graph = graph_of(rules).unwrap();
    let paths = |list: &mut dyn Iterator<Item = (&str, ArtifactId)>| {
        list.map(|(_, a)| graph.path(a).to_owned()).collect::<Vec<_>>().join(" ")
    };
    let found: Vec<String> = graph
        .order()
        .map(|action| {
            let inputs = paths(&mut graph.inputs(action));
            let outputs = paths(&mut graph.outputs(action));
            format!("{}: {inputs} -> {outputs}", graph.label(action))
        })
        .collect();
    assert_eq!(found, expected);
}

fn fails(rules: Vec<RuleDecl>, expected: &str) {
    assert_eq!(graph_of(rules).unwrap_err(), expected);
}

#[test]
fn a_rule_is_expanded_over_its_items() {
    check(
        vec![
            rule("cloud", runs(), &["raw/run_{run}.h5"], &["cloud/run_{run:04}.h5"]),
            rule("plot", runs(), &["cloud/run_{run:04}.h5"], &["./plot//{run}.svg"]),
        ],
        &[
            "cloud@1: raw/run_1.h5 -> cloud/run_0001.h5",
            "cloud@2: raw/run_2.h5 -> cloud/run_0002.h5",
            "cloud@10: raw/run_10.h5 -> cloud/run_0010.h5",
            "plot@1: cloud/run_0001.h5 -> plot/1.svg",
            "plot@2: cloud/run_0002.h5 -> plot/2.svg",
            "plot@10: cloud/run_0010.h5 -> plot/10.svg",
        ],
    );
}

#[test]
fn names_that_are_not_bound_collect_all_matches_in_natural_order() {
    let over = items(&["run", "cut"], &[&["1", "30"], &["10", "30"], &["2", "30"], &["1", "40"]]);
    check(
        vec![
            rule("table", None, &["p/{cut}/run_{run}.csv"], &["table.csv"]),
            rule(
                "cut",
                items(&["cut"], &[&["30"], &["40"]]),
                &["p/{cut}/run_{run}.csv"],
                &["{cut}.csv"],
            ),
            rule("plot", over, &["raw/{run}"], &["p/{cut}/run_{run}.csv"]),
        ],
        &[
            "plot@1,30: raw/1 -> p/30/run_1.csv",
            "plot@10,30: raw/10 -> p/30/run_10.csv",
            "plot@2,30: raw/2 -> p/30/run_2.csv",
            "plot@1,40: raw/1 -> p/40/run_1.csv",
            "cut@30: p/30/run_1.csv p/30/run_2.csv p/30/run_10.csv -> 30.csv",
            "table: p/30/run_1.csv p/30/run_2.csv p/30/run_10.csv p/40/run_1.csv -> table.csv",
            "cut@40: p/40/run_1.csv -> 40.csv",
        ],
    );
}

#[test]
fn padded_names_bind_numbers_and_padded_texts_alike() {
    let padded = items(&["run"], &[&["0001"], &["0002"]]);
    check(
        vec![
            rule("a", runs(), &["raw"], &["a/run_{run:04}_x.h5"]),
            rule("b", padded, &["a/run_{run:04}_{what}.h5"], &["b/{run}"]),
        ],
        &[
            "a@1: raw -> a/run_0001_x.h5",
            "a@2: raw -> a/run_0002_x.h5",
            "a@10: raw -> a/run_0010_x.h5",
            "b@0001: a/run_0001_x.h5 -> b/0001",
            "b@0002: a/run_0002_x.h5 -> b/0002",
        ],
    );
}

#[test]
fn files_on_disk_are_collected_when_no_rule_makes_them() {
    check(
        vec![rule("all", None, &["raw/x_{run}.h5"], &["all.h5"])],
        &["all: raw/x_1.h5 raw/x_2.h5 -> all.h5"],
    );
}

#[test]
fn a_script_in_a_command_is_an_input() {
    let mut with_script = rule("fit", None, &["raw"], &["fit.csv"]);
    with_script.command = Command::Shell(template("python3 fit.py nothing.py {input} > {output}"));
    check(vec![with_script], &["fit: raw fit.py -> fit.csv"]);
}

#[test]
fn two_items_that_write_one_file_are_refused() {
    fails(
        vec![rule(
            "plot",
            items(&["run", "cut"], &[&["1", "3"], &["1", "4"]]),
            &["raw"],
            &["{run}.svg"],
        )],
        "error: two items of rule `plot` would both write `1.svg`\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: put `{cut}` into the output\n",
    );
}

#[test]
fn two_rules_for_one_file_are_refused() {
    fails(
        vec![rule("a", None, &["x"], &["out/y"]), rule("b", None, &["x"], &["./out//y"])],
        "error: rules `a` and `b` both write `out/y`\n\
         \x20 --> recipe.rhai:1:1\n\
         note: rule `a` writes it here\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: give one of them another output\n",
    );
}

#[test]
fn an_output_inside_anothers_output_directory_is_refused() {
    fails(
        vec![rule("a", None, &["x"], &["out/"]), rule("b", None, &["x"], &["out/sub/y"])],
        "error: output `out/sub/y` lies in `out/`, which rule `a` makes as a whole\n\
         \x20 --> recipe.rhai:1:1\n\
         note: the outer one is declared here\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: let one of them write elsewhere\n",
    );
}

#[test]
fn a_cycle_is_printed_along_its_files() {
    fails(
        vec![
            rule("a", None, &["c.h5"], &["a.h5"]),
            rule("b", None, &["a.h5"], &["b.h5"]),
            rule("c", None, &["b.h5"], &["c.h5"]),
        ],
        "error: a cycle: b -> b.h5 -> c -> c.h5 -> a -> a.h5 -> b\n\
         \x20 --> recipe.rhai:1:1\n\
         note: rule `c` reads it\n\
         \x20 --> recipe.rhai:1:1\n\
         note: rule `a` reads it\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: let one of these rules read something that is not made from its own output\n",
    );
}

#[test]
fn outputs_outside_of_what_is_allowed_are_refused() {
    fails(
        vec![rule("a", None, &["x"], &["../y"])],
        "error: output `../y` leaves the project directory with `..`\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: write files outside the project directory as absolute paths\n",
    );
    fails(
        vec![rule("a", runs(), &["x"], &["y_{rnu}"])],
        "error: output of rule `a` uses unknown `{rnu}`\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: `over` gives `{run}`\n",
    );
    fails(
        vec![rule("a", None, &["nothing/{run}.h5"], &["y"])],
        "error: no output and no file matches `nothing/{run}.h5`\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: a name in braces that `over` does not bind collects all matches\n",
    );
}

#[test]
fn targets_are_rules_outputs_labels_tags_and_runs() {
    let graph = graph_of(vec![
        rule("cloud", runs(), &["raw/run_{run}.h5"], &["cloud/run_{run:04}.h5"]),
        rule("plot", runs(), &["cloud/run_{run:04}.h5"], &["plot/{run}.svg"]),
    ])
    .unwrap();
    let selected = |target: &str| -> Result<String, String> {
        let found = select(&graph, &[target.to_owned()], &|typed| typed.to_owned());
        let names = |actions: Vec<ActionId>| {
            actions.iter().map(|&a| graph.label(a)).collect::<Vec<_>>().join(" ")
        };
        found.map(names).map_err(|error| format!("{error}; {}", error.hint()))
    };
    assert_eq!(selected("plot").unwrap(), "plot@1 plot@2 plot@10");
    assert_eq!(selected("./cloud/run_0010.h5").unwrap(), "cloud@10");
    assert_eq!(selected("plot@2").unwrap(), "plot@2");
    assert_eq!(selected("tag:t-cloud").unwrap(), "cloud@1 cloud@2 cloud@10");
    assert_eq!(selected("run:0010").unwrap(), "cloud@10 plot@10");
    assert_eq!(selected("run:1*").unwrap(), "cloud@1 cloud@10 plot@1 plot@10");
    assert_eq!(
        selected("polt").unwrap_err(),
        "no rule, output or action is called `polt`; did you mean `plot`?"
    );
    assert_eq!(
        selected("raw/run_1.h5").unwrap_err(),
        "`raw/run_1.h5` is a source: no rule makes it; name an output; `attpc list --outputs` \
         shows them all"
    );
    assert_eq!(selected("run:7").unwrap_err(), "no run matches `7`; did you mean `1` or `2`?");
    let all = select(&graph, &[], &|typed| typed.to_owned()).unwrap();
    assert_eq!(graph.closure(&all).len(), 6);
    let plot = select(&graph, &["plot@2".to_owned()], &|typed| typed.to_owned()).unwrap();
    let needed: Vec<String> = graph.closure(&plot).iter().map(|&a| graph.label(a)).collect();
    assert_eq!(needed, ["cloud@2", "plot@2"]);
}

#[test]
fn a_graph_survives_its_binary_form() {
    let graph = graph_of(vec![
        rule("cloud", runs(), &["raw/run_{run}.h5"], &["cloud/run_{run}.h5", "log=log/{run}/"]),
        rule("all", None, &["cloud/run_{run}.h5"], &["all.h5"]),
    ])
    .unwrap();
    let bytes = postcard::to_stdvec(&graph).unwrap();
    assert_eq!(postcard::from_bytes::<Graph>(&bytes).unwrap(), graph);
}

#[test]
fn an_input_inside_a_made_directory_must_be_the_directory() {
    fails(
        vec![rule("tree", None, &["x"], &["out/"]), rule("use", None, &["out/sub/y.txt"], &["z"])],
        "error: input `out/sub/y.txt` lies in `out/`, which rule `tree` makes as a whole\n\
         \x20 --> recipe.rhai:1:1\n\
         note: the directory is declared here\n\
         \x20 --> recipe.rhai:1:1\n\
         hint: take `out/` as the input and find the file below it in the command\n",
    );
    let mut named = rule("use", None, &["x"], &["z"]);
    named.command = Command::Shell(template("cat out/sub/y.txt > {output}"));
    check(
        vec![rule("tree", None, &["x"], &["out/"]), named],
        &["tree: x -> out", "use: x out -> z"],
    );
}

#[test]
fn an_output_below_a_file_is_refused() {
    let error = graph_of(vec![rule("a", None, &["x"], &["d"]), rule("b", None, &["x"], &["d/x"])]);
    assert!(
        error.unwrap_err().contains("output `d/x` lies below `d`, which rule `a` makes as a file")
    );
}

#[test]
fn stars_collect_in_inputs_and_are_refused_in_outputs() {
    check(
        vec![rule("all", None, &["raw/*.h5"], &["all.h5"])],
        &["all: raw/x_1.h5 raw/x_2.h5 -> all.h5"],
    );
    let error = graph_of(vec![rule("a", None, &["x"], &["out/*.h5"])]).unwrap_err();
    assert!(error.contains("output `out/*.h5` holds a `*`"), "{error}");
}
