//! What recipes declare.

use std::time::Duration;

use crate::model::declare::{Command, EnvVar, PerItem, Port};
use crate::model::sources::MemorySources;
use crate::model::value::Value;
use crate::recipe::tests::{message_of, project, rules_of, run};

const TWO_RULES: &str = r#"
import "attpc" as tpc;

let runs = scan("raw/run_{run}.h5");
let p    = params("params.toml");

rule("pointcloud", #{
    over:      runs,
    input:     "raw/run_{run}.h5",
    output:    "work/pointcloud/run_{run}.h5",
    kernel:    "attpc.pointcloud",
    params:    p.pointcloud,
    resources: #{ cores: 2, memory: "1 GB", pools: #{ licence: 1 } },
});

rule("summary", #{
    over:   runs * sweep(#{ threshold: [30, 40, 50] }),
    input:  #{ cloud: "work/pointcloud/run_{run}.h5", style: "style.json" },
    output: "plots/{threshold}/run_{run}.csv",
    shell:  "python3 summarise.py --cut {threshold} --style {input.style} {input.cloud} -o {output}",
});

default_targets("summary");
"#;

fn paths(ports: &[Port]) -> Vec<String> {
    let slash = |port: &Port| if port.directory { "/" } else { "" };
    ports.iter().map(|port| format!("{}={}{}", port.role, port.path, slash(port))).collect()
}

#[test]
fn a_recipe_becomes_rules_with_their_places() {
    let evaluation = run(&project().with("recipe.rhai", TWO_RULES), &[]).unwrap();
    assert_eq!(evaluation.warnings, []);
    let [cloud, summary] = &evaluation.declarations.rules[..] else { panic!("two rules") };
    assert_eq!((cloud.name.as_str(), cloud.span.line, cloud.span.column), ("pointcloud", 7, 1));
    assert_eq!(cloud.span_of("params").to_string(), "recipe.rhai:12:5");
    assert_eq!(cloud.over.as_ref().unwrap().rows.len(), 3);
    assert_eq!(paths(cloud.inputs.at(0)), ["raw=raw/run_{run}.h5"]);
    assert_eq!(paths(cloud.outputs.at(0)), ["cloud=work/pointcloud/run_{run}.h5"]);
    assert_eq!(cloud.command, Command::Kernel("attpc.pointcloud".to_owned()));
    assert_eq!(cloud.resources.at(0).memory, Some(1_000_000_000));
    assert_eq!(cloud.resources.at(0).pools["licence"], 1);
    assert_eq!(summary.over.as_ref().unwrap().rows.len(), 9);
    assert_eq!(
        paths(summary.inputs.at(0)),
        ["cloud=work/pointcloud/run_{run}.h5", "style=style.json"]
    );
    let targets = &evaluation.declarations.default_targets;
    assert_eq!(targets[0].name, "summary");
    assert_eq!(targets[0].span.to_string(), "recipe.rhai:23:17");
}

#[test]
fn a_kernel_rule_gets_defaults_and_its_files_as_inputs() {
    let recipe = r#"rule("pointcloud", #{
        input: ["a.h5"],
        output: #{ cloud: "c.h5", scaler: "s.parquet" },
        kernel: "attpc.pointcloud",
        params: #{ threshold: 40, pad: #{ geometry: "detector/pads.csv" } },
    });"#;
    let rules = rules_of(project(), &[], recipe);
    let params = &rules[0].params.at(0).values;
    assert_eq!(params.at("threshold"), Some(&Value::Float(40.0)));
    assert_eq!(params.at("window"), Some(&Value::Int(9)));
    assert_eq!(paths(rules[0].inputs.at(0)), ["raw=a.h5", "params.pad.geometry=detector/pads.csv"]);
}

#[test]
fn files_among_computed_parameters_become_inputs_of_each_item() {
    let recipe = r#"rule("pointcloud", #{
        over: scan("raw/run_{run}.h5"),
        input: "raw/run_{run}.h5",
        output: "{run}.h5",
        kernel: "attpc.pointcloud",
        params: |it| #{ pad: #{ geometry: `detector/${it.run}.csv` } },
    });"#;
    let rules = rules_of(project(), &[], recipe);
    assert_eq!(
        paths(rules[0].inputs.at(2)),
        ["raw=raw/run_{run}.h5", "params.pad.geometry=detector/0010.csv"]
    );
}

#[test]
fn closures_are_computed_for_each_item() {
    let recipe = r#"
        let offset = 5;
        rule("a", #{
            over: sweep(#{ n: [1, 2] }),
            input: |it| if it.n == 1 { ["a", "b"] } else { "c" },
            output: |it| #{ main: `out/${it.n}.txt`, log: "{n}.log" },
            params: |it| #{ cut: it.n * 10 + offset },
            resources: |it| #{ cores: it.n },
            argv: ["x", "{params.cut}", "{output.main}", "{n}", 3],
        });"#;
    let rules = rules_of(project(), &[], recipe);
    let PerItem::Each(inputs) = &rules[0].inputs else { panic!("one for each") };
    assert_eq!(
        inputs.iter().map(|ports| paths(ports)).collect::<Vec<_>>().concat(),
        ["=a", "=b", "=c"]
    );
    assert_eq!(paths(rules[0].outputs.at(1)), ["log={n}.log", "main=out/2.txt"]);
    assert_eq!(rules[0].params.at(1).values.at("cut"), Some(&Value::Int(25)));
    assert_eq!(rules[0].resources.at(1).cores, 2);
}

#[test]
fn a_rule_without_items_may_compute_its_values_too() {
    let recipe = "rule(\"a\", #{ output: |it| \"a.txt\", argv: [\"touch\", \"{output}\"] });";
    let rules = rules_of(project(), &[], recipe);
    assert_eq!(rules[0].over, None);
    assert_eq!(paths(rules[0].outputs.at(0)), ["=a.txt"]);
}

#[test]
fn every_key_reaches_the_declaration() {
    let recipe = r#"rule("fit", #{
        input: ["a.h5", "./b//c.h5", "stack/"],
        output: "out/",
        script: "./fit.py",
        args: ["--in", "{input}", 2.5, true],
        env: ["BEAMTIME", "UNSET"],
        on: "cluster",
        tags: ["slow", "fit"],
        retries: 2,
        timeout: "1 h 30 min",
        depfile: "out.d",
        cache: false,
        container: "docker://fit:1",
        params: (),
    });
    rule("set", #{ output: "x", argv: ["x"], env: #{ OMP_NUM_THREADS: 4, HERE: "{output}" }, tags: "t" });"#;
    let rules = rules_of(project(), &[], recipe);
    let fit = &rules[0];
    assert_eq!(paths(fit.inputs.at(0)), ["=a.h5", "=b/c.h5", "=stack/"]);
    assert_eq!(paths(fit.outputs.at(0)), ["=out/"]);
    let Command::Script { path, args } = &fit.command else { panic!("a script") };
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    assert_eq!(
        (path.as_str(), args),
        ("fit.py", ["--in", "{input}", "2.5", "true"].map(str::to_owned).to_vec())
    );
    let passed = |name: &str, value: Option<&str>| EnvVar::Passed {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    assert_eq!(fit.env, [passed("BEAMTIME", Some("e20009")), passed("UNSET", None)]);
    assert_eq!(fit.on.as_deref(), Some("cluster"));
    assert_eq!(fit.tags, ["slow", "fit"]);
    assert_eq!((fit.retries, fit.cache), (2, false));
    assert_eq!(fit.timeout, Some(Duration::from_secs(5400)));
    assert_eq!(fit.depfile.as_ref().unwrap().to_string(), "out.d");
    assert_eq!(fit.container.as_deref(), Some("docker://fit:1"));
    let EnvVar::Set { name, value } = &rules[1].env[0] else { panic!("set") };
    assert_eq!((name.as_str(), value.to_string()), ("HERE", "{output}".to_owned()));
    assert_eq!(rules[1].tags, ["t"]);
}

#[test]
fn assignments_may_add_properties_to_maps() {
    let recipe = r#"
        let m = #{ a: 1 };
        m.b = 2;
        m["c"] = 3;
        m.set("d", 4);
        m.e = #{};
        m.e.f = 5;
        rule("r", #{ output: "o", argv: ["x"], params: m });"#;
    let rules = rules_of(project(), &[], recipe);
    assert_eq!(rules[0].params.at(0).values.to_string(), "{a: 1, b: 2, c: 3, d: 4, e: {f: 5}}");
}

#[test]
fn modules_of_the_project_are_found_beside_their_importer() {
    let project = MemorySources::new()
        .with("lib/rules.rhai", "import \"cuts\" as cuts;\nfn copy(n) {\n    rule(n, #{ output: n, argv: [\"x\", cuts::LOW] });\n}\n")
        .with("lib/cuts.rhai", "export const LOW = 3;\nrule(\"early\", #{ output: \"e\", argv: [\"x\"] });\n");
    let rules = rules_of(
        project,
        &[],
        "import \"lib/rules\" as r;\nimport \"lib/cuts.rhai\" as c;\nr::copy(\"b\");",
    );
    let places: Vec<String> =
        rules.iter().map(|rule| format!("{} {}", rule.name, rule.span)).collect();
    assert_eq!(places, ["early lib/cuts.rhai:2:1", "b lib/rules.rhai:3:5"]);
}

#[test]
fn the_same_answers_give_the_same_declarations() {
    let project = project().with("recipe.rhai", TWO_RULES);
    assert_eq!(run(&project, &[]).unwrap(), run(&project, &[]).unwrap());
}

#[test]
fn a_missing_recipe_is_told() {
    let found = run(&MemorySources::new().with("recipe.rha", ""), &[]).unwrap_err();
    assert_eq!(
        found.render(&|_| None),
        "error: `recipe.rhai` is not there\n  --> recipe.rhai\nhint: nearby there is `recipe.rha`\n"
    );
}

#[test]
fn an_empty_recipe_declares_nothing() {
    assert!(rules_of(MemorySources::new(), &[], "").is_empty());
}

#[test]
fn an_input_may_name_what_no_item_binds() {
    let recipe = "rule(\"table\", #{ input: \"plots/{threshold}/run_{run}.csv\", output: \"table.csv\", \
                  argv: [\"cat\", \"{input}\"] });";
    assert_eq!(message_of(project(), &[], recipe), "");
}

#[test]
fn ten_thousand_rules_and_files_are_read() {
    let mut project = MemorySources::new();
    for run in 0..10_000 {
        project = project.with(&format!("raw/run_{run:05}.h5"), "");
    }
    let recipe = "rule(\"all\", #{ over: scan(\"raw/run_{run}.h5\"), output: \"{run}\", argv: [\"x\"] });\n\
                  for i in 0..10000 {\n    rule(`r${i}`, #{ output: `o/${i}`, argv: [\"x\", \"{output}\"] });\n}";
    assert_eq!(rules_of(project, &[], recipe).len(), 10_001);
}
