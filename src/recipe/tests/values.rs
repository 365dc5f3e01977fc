//! Parameters and items: values, types, orders, places.

use crate::model::declare::Params;
use crate::model::sources::MemorySources;
use crate::model::span::Span;
use crate::model::value::Value;
use crate::recipe::tests::{project, rules_of};

/// The parameters of a rule that is given everything in a file.
fn params_of(file: &str, content: &str, sets: &[(&str, &str)]) -> Params {
    let recipe = format!(
        "let p = params(\"{file}\");\n\
         rule(\"a\", #{{ output: \"a.txt\", argv: [\"touch\", \"{{output}}\"], params: p }});"
    );
    let rules = rules_of(MemorySources::new().with(file, content), sets, &recipe);
    rules[0].params.at(0).clone()
}

fn text_of(params: &Params) -> String {
    params.values.to_string()
}

fn places_of(params: &Params) -> Vec<String> {
    let place = |(name, span): (&String, &Span)| format!("{name} {span}");
    params.origins.iter().map(place).collect()
}

const TOML: &str = "top = true\n[get]\nthreshold = 40.0 # ADC\nwindow = 3\nname = \"ä b\"\n\
                    list = [1, 2.5]\ndate = 2024-05-01\n";

#[test]
fn toml_keeps_types_and_places() {
    let params = params_of("p.toml", TOML, &[]);
    assert_eq!(
        text_of(&params),
        "{get: {date: \"2024-05-01\", list: [1, 2.5], name: \"ä b\", threshold: 40.0, window: 3}, \
         top: true}"
    );
    assert_eq!(
        places_of(&params),
        [
            "get.date p.toml:7:8",
            "get.list p.toml:6:8",
            "get.name p.toml:5:8",
            "get.threshold p.toml:3:13",
            "get.window p.toml:4:10",
            "top p.toml:1:7",
        ]
    );
}

#[test]
fn json_keeps_types_and_places() {
    let json = "{\n  \"get\": {\"ä\": \"x\\\"}\", \"threshold\": 40.0,\n    \"list\": [1, {\"b\": null}]},\n  \"n\": -1e3}";
    let params = params_of("p.json", json, &[]);
    assert_eq!(
        text_of(&params),
        "{get: {list: [1, {b: null}], threshold: 40.0, ä: \"x\\\"}\"}, n: -1000.0}"
    );
    assert_eq!(
        places_of(&params),
        ["get.list p.json:3:13", "get.threshold p.json:2:37", "get.ä p.json:2:16", "n p.json:4:8"]
    );
}

#[test]
fn yaml_keeps_types_and_places() {
    let yaml =
        "# cuts\nget:\n  threshold: 40.0\n  window: 3\n  name: \"7\"\n  list: [1, b]\nempty:\n";
    let params = params_of("p.yaml", yaml, &[]);
    assert_eq!(
        text_of(&params),
        "{empty: null, get: {list: [1, \"b\"], name: \"7\", threshold: 40.0, window: 3}}"
    );
    assert_eq!(
        places_of(&params),
        [
            "empty p.yaml:7:6",
            "get.list p.yaml:6:9",
            "get.name p.yaml:5:9",
            "get.threshold p.yaml:3:14",
            "get.window p.yaml:4:11",
        ]
    );
}

#[test]
fn settings_take_the_place_of_what_the_file_says() {
    let sets = [
        ("get.threshold", "50"),
        ("get.name", "plain words"),
        ("get.list", "[3]"),
        ("top", "false"),
        ("get.window", "4"),
        ("get.window", "5"),
    ];
    let params = params_of("p.toml", TOML, &sets);
    assert_eq!(params.values.at("get.threshold"), Some(&Value::Int(50)));
    assert_eq!(params.values.at("get.name"), Some(&Value::Text("plain words".to_owned())));
    assert_eq!(params.values.at("get.list"), Some(&Value::List(vec![Value::Int(3)])));
    assert_eq!(params.values.at("top"), Some(&Value::Bool(false)));
    assert_eq!(params.values.at("get.window"), Some(&Value::Int(5)));
    assert_eq!(params.origins["get.window"].to_string(), "--set get.window=5");
    assert_eq!(params.origins["get.date"].to_string(), "p.toml:7:8");
}

#[test]
fn a_setting_reaches_every_file_that_has_its_name() {
    let project = MemorySources::new().with("a.toml", "x = 1\n").with("b.yaml", "x: 2\ny: 3\n");
    let recipe = "let a = params(\"a.toml\");\nlet b = params(\"b.yaml\");\n\
                  rule(\"r\", #{ output: \"o\", argv: [\"x\"], params: #{ a: a.x, b: b.x, c: b.y } });";
    let rules = rules_of(project, &[("x", "9"), ("y", "8")], recipe);
    assert_eq!(text_of(rules[0].params.at(0)), "{a: 9, b: 9, c: 8}");
}

#[test]
fn values_keep_their_place_through_variables_but_not_through_arithmetic() {
    let recipe = "let p = params(\"params.toml\").pointcloud;\nlet cut = p.threshold;\n\
                  rule(\"r\", #{ output: \"o\", argv: [\"x\"], params: #{ cut: cut, twice: cut * 2.0 } });";
    let rules = rules_of(project(), &[], recipe);
    let params = rules[0].params.at(0);
    assert_eq!(text_of(params), "{cut: 40.0, twice: 80.0}");
    assert_eq!(places_of(params), ["cut params.toml:2:13"]);
}

/// The items of a rule over an expression, one text for each.
fn items_of(over: &str) -> Vec<String> {
    let recipe = format!(
        "let runs = scan(\"raw/run_{{run}}.h5\");\nlet over = {over};\n\
         rule(\"a\", #{{ over: over, output: |it| \"out\", argv: [\"x\"] }});"
    );
    let project = project()
        .with("points.json", "[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2, \"b\": \"y\"}]")
        .with("grid.json", "{\"a\": [1, 2], \"b\": 0.5}")
        .with("runs.csv", "run, gas\n0007, \"D2, pure\"\n0008,\"say \"\"hi\"\"\"\n\n")
        .with("stack/b/1.tif", "")
        .with("stack/b/2.tif", "")
        .with("stack/a/1.tif", "")
        .with("stack/readme", "");
    let rules = rules_of(project, &[], &recipe);
    let items = rules[0].over.as_ref().unwrap();
    (0..items.rows.len()).map(|index| crate::recipe::items::describe(items, index)).collect()
}

#[test]
fn scans_give_items_in_natural_order() {
    assert_eq!(items_of("runs"), ["run=0001", "run=0002", "run=0010"]);
    assert_eq!(items_of("scan(\"raw/run_{n:04}.h5\")"), ["n=1", "n=2", "n=10"]);
    assert_eq!(items_of("scan(\"./raw//run_{run}.h5\")").len(), 3);
    assert_eq!(items_of("scan(\"stack/{sample}/*.tif\")"), ["sample=a", "sample=b"]);
    assert_eq!(items_of("scan(\"stack/{sample}/\")"), ["sample=a", "sample=b"]);
}

#[test]
fn sweeps_read_maps_lists_ranges_and_files() {
    assert_eq!(items_of("sweep(#{ b: 1..3, a: [\"x\", true] })").len(), 4);
    assert_eq!(items_of("sweep(#{ b: 1..=2, a: 0.5 })"), ["a=0.5, b=1", "a=0.5, b=2"]);
    assert_eq!(items_of("sweep([#{ a: 1 }, #{ a: 2 }])"), ["a=1", "a=2"]);
    assert_eq!(items_of("[#{ a: 1 }]"), ["a=1"]);
    assert_eq!(items_of("sweep(\"points.json\")"), ["a=1, b=x", "a=2, b=y"]);
    assert_eq!(items_of("sweep(\"grid.json\")"), ["a=1, b=0.5", "a=2, b=0.5"]);
    assert_eq!(items_of("sweep(\"points.csv\")"), ["gain=1.5, name=a", "gain=2.5, name=b"]);
    assert_eq!(
        items_of("sweep(\"runs.csv\")"),
        ["run=0007, gas=D2, pure", "run=0008, gas=say \"hi\""]
    );
}

#[test]
fn the_algebra_of_items_keeps_orders() {
    let product = items_of("runs * sweep(#{ t: [30, 40] })");
    assert_eq!(product[..3], ["run=0001, t=30", "run=0001, t=40", "run=0002, t=30"]);
    assert_eq!(
        items_of("sweep([#{ a: 1, b: 2 }]) + sweep([#{ b: 4, a: 3 }])"),
        ["a=1, b=2", "a=3, b=4"]
    );
    assert_eq!(
        items_of("zip(runs, sweep(#{ t: [1, 2, 3] }))"),
        ["run=0001, t=1", "run=0002, t=2", "run=0010, t=3"]
    );
    assert_eq!(items_of("runs.filter(|r| r.run > \"0001\")"), ["run=0002", "run=0010"]);
}
