use std::collections::BTreeMap;

use super::*;
use crate::graph::sample::{graph_of, items, rule, template};
use crate::graph::{ActionId, Graph};
use crate::model::declare::{Command, EnvVar, Params, PerItem, RuleDecl};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind};
use crate::model::template::Template;

/// A rule in which every part of a key occurs.
fn full() -> RuleDecl {
    let over = items(&["run"], &[&["0101"]]);
    let mut full = rule(
        "fit",
        over,
        &["cloud=cloud/{run}.h5", "/data/{run}.h5"],
        &["fit/{run}.csv", "tree/{run}/"],
    );
    full.command = Command::Shell(template(
        "fit --run {run} --cut {params.cut} {input} -j {resources.cores} > {output}",
    ));
    full.params =
        PerItem::Same(params(&[("cut", Value::Float(2.5)), ("name", Value::Text("x".into()))]));
    full.env = vec![
        EnvVar::Passed { name: "MODE".into(), value: Some("fast".into()) },
        EnvVar::Passed { name: "API_TOKEN".into(), value: Some("hunter2".into()) },
        EnvVar::Passed { name: "NONE".into(), value: None },
        EnvVar::Set { name: "RUN".into(), value: template("run {run}") },
    ];
    full.container = Some("fit:1.0".into());
    full
}

fn params(values: &[(&str, Value)]) -> Params {
    let map = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Params { values: Value::Map(map), origins: BTreeMap::new() }
}

fn kernel() -> KernelInfo {
    KernelInfo {
        name: "test.fit",
        version: 3,
        summary: "",
        inputs: Vec::new(),
        outputs: Vec::new(),
        params: vec![ParamInfo {
            name: "table",
            kind: ParamKind::File,
            default: None,
            unit: "",
            doc: "",
        }],
        item_names: &["run"],
    }
}

/// What is changed, and how.
type Change = (&'static str, fn(&mut RuleDecl));

/// The digest of an input is that of its path, unless the test says otherwise.
fn subject<'a>(
    graph: &'a Graph,
    kernel: Option<&'a KernelInfo>,
    digest_of: &'a dyn Fn(crate::graph::ArtifactId) -> Option<Digest>,
) -> Subject<'a> {
    Subject { graph, action: ActionId(0), kernel, digest_of }
}

fn key_of(rule: RuleDecl) -> Digest {
    let graph = graph_of(vec![rule]).unwrap();
    let digest_of = |artifact| Some(Digest::of(graph.path(artifact).as_bytes()));
    subject(&graph, None, &digest_of).key()
}

fn kernel_key(rule: RuleDecl, info: &KernelInfo) -> Digest {
    let graph = graph_of(vec![rule]).unwrap();
    let digest_of = |_| Some(Digest::of(b"content"));
    subject(&graph, Some(info), &digest_of).key()
}

fn check_golden(name: &str, key: Digest) {
    let golden = include_str!("../../tests/golden/keys.txt");
    let line = golden.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    assert_eq!(Some(key.to_string().as_str()), line, "the key of `{name}` is a promise");
}

#[test]
fn keys_are_the_same_on_every_machine_and_in_every_version() {
    check_golden("command", key_of(full()));
    check_golden("plain", key_of(rule("copy", None, &["a.txt"], &["b.txt"])));
    let mut native = full();
    native.command = Command::Kernel("test.fit".into());
    check_golden("kernel", kernel_key(native, &kernel()));
}

#[test]
fn every_part_of_a_key_matters() {
    let key = key_of(full());
    let changes: [Change; 12] = [
        ("command", |r| {
            r.command = Command::Shell(template(
                "fit  --run {run} --cut {params.cut} {input} -j {resources.cores} > {output}",
            ))
        }),
        ("kind of command", |r| r.command = Command::Argv(vec![template("fit")])),
        ("parameter's value", |r| {
            r.params = PerItem::Same(params(&[
                ("cut", Value::Float(2.6)),
                ("name", Value::Text("x".into())),
            ]))
        }),
        ("parameter's type", |r| {
            r.params = PerItem::Same(params(&[
                ("cut", Value::Text("2.5".into())),
                ("name", Value::Text("x".into())),
            ]))
        }),
        ("parameter's name", |r| {
            r.params = PerItem::Same(params(&[
                ("cat", Value::Float(2.5)),
                ("name", Value::Text("x".into())),
            ]))
        }),
        ("variable's value", |r| {
            r.env[0] = EnvVar::Passed { name: "MODE".into(), value: Some("slow".into()) }
        }),
        ("secret's value", |r| {
            r.env[1] = EnvVar::Passed { name: "API_TOKEN".into(), value: Some("hunter3".into()) }
        }),
        ("unset variable", |r| {
            r.env[2] = EnvVar::Passed { name: "NONE".into(), value: Some(String::new()) }
        }),
        ("container", |r| r.container = Some("fit:1.1".into())),
        ("input's role", |r| r.inputs = full_ports(&["clouds=cloud/{run}.h5", "/data/{run}.h5"])),
        ("inputs", |r| r.inputs = full_ports(&["cloud=cloud/{run}.h5"])),
        ("outputs", |r| r.outputs = full_ports(&["fit/{run}.csv"])),
    ];
    for (what, change) in changes {
        let mut changed = full();
        change(&mut changed);
        assert_ne!(key_of(changed), key, "{what} must change the key");
    }
}

fn full_ports(texts: &[&str]) -> PerItem<Vec<crate::model::declare::Port>> {
    rule("x", None, texts, texts).inputs
}

#[test]
fn what_cannot_change_a_result_is_not_in_the_key() {
    let key = key_of(full());
    let changes: [Change; 8] = [
        ("rule's name", |r| r.name = "other".into()),
        ("place", |r| r.span.line = 99),
        ("resources", |r| {
            r.resources =
                PerItem::Same(crate::model::resources::Resources { cores: 7, ..Default::default() })
        }),
        ("executor", |r| r.on = Some("slurm".into())),
        ("tags", |r| r.tags.push("new".into())),
        ("retries", |r| r.retries = 5),
        ("time limit", |r| r.timeout = Some(std::time::Duration::from_secs(1))),
        ("directory outside the project", |r| {
            r.inputs = full_ports(&["cloud=cloud/{run}.h5", "/elsewhere/{run}.h5"])
        }),
    ];
    let contents = |rule: RuleDecl| {
        let graph = graph_of(vec![rule]).unwrap();
        let digest_of = |_| Some(Digest::of(b"content"));
        subject(&graph, None, &digest_of).key()
    };
    let same = contents(full());
    for (what, change) in changes {
        let mut changed = full();
        change(&mut changed);
        assert_eq!(contents(changed), same, "{what} must not change the key");
    }
    assert_eq!(key_of(full()), key);
}

#[test]
fn a_changed_content_changes_the_key() {
    let graph = graph_of(vec![full()]).unwrap();
    let old = |_| Some(Digest::of(b"old"));
    let new = |artifact: crate::graph::ArtifactId| {
        Some(Digest::of(if graph.path(artifact).starts_with('/') { b"new" } else { b"old" }))
    };
    assert_ne!(subject(&graph, None, &old).key(), subject(&graph, None, &new).key());
}

#[test]
fn kernels_do_not_see_paths() {
    let native = |cloud: &str, output: &str| {
        let mut native = full();
        native.command = Command::Kernel("test.fit".into());
        native.inputs = full_ports(&[&format!("cloud={cloud}"), "params.table=a/table.csv"]);
        native.outputs = full_ports(&[output]);
        native.params = PerItem::Same(params(&[("table", Value::Text("a/table.csv".into()))]));
        native
    };
    let key = kernel_key(native("cloud/{run}.h5", "fit/{run}.csv"), &kernel());
    assert_eq!(kernel_key(native("other/{run}_x.h5", "trial/{run}.csv"), &kernel()), key);
    assert_ne!(kernel_key(native("cloud/{run}.h5", "fit/{run}.parquet"), &kernel()), key);
    assert_ne!(
        kernel_key(
            native("cloud/{run}.h5", "fit/{run}.csv"),
            &KernelInfo { version: 4, ..kernel() }
        ),
        key
    );
    let mut another_run = native("cloud/{run}.h5", "fit/{run}.csv");
    another_run.over = items(&["run"], &[&["0102"]]);
    assert_ne!(kernel_key(another_run, &kernel()), key);
}

#[test]
fn secrets_are_kept_as_digests() {
    let graph = graph_of(vec![full()]).unwrap();
    let digest_of = |_| Some(Digest::of(b"content"));
    let lines = subject(&graph, None, &digest_of).components();
    assert!(lines.iter().all(|line| !line.value.contains("hunter2")));
    assert!(lines.iter().any(|line| line.name == "MODE" && line.value == "fast"));
}

#[test]
fn a_template_is_written_as_the_user_wrote_it() {
    let graph = graph_of(vec![full()]).unwrap();
    let digest_of = |_| Some(Digest::of(b"content"));
    let lines = subject(&graph, None, &digest_of).components();
    let command = lines.iter().find(|line| line.kind == ComponentKind::Command).unwrap();
    assert_eq!(
        command.value,
        "fit --run 0101 --cut {params.cut} {input} -j {resources.cores} > {output}"
    );
    assert_eq!(Template::parse(&command.value).unwrap().to_string(), command.value);
}

#[test]
fn an_input_that_could_not_be_made_is_as_if_it_were_not_asked_for() {
    let reading = |inputs: &[&str]| {
        let rule = rule("list", items(&["run"], &[&["0101"]]), inputs, &["list.txt"]);
        graph_of(vec![rule]).unwrap()
    };
    let (two, one) = (reading(&["a.txt", "b.txt"]), reading(&["a.txt"]));
    let all = |_| Some(Digest::of(b"content"));
    let some = |artifact: crate::graph::ArtifactId| {
        (two.path(artifact) == "a.txt").then(|| Digest::of(b"content"))
    };
    assert_eq!(subject(&two, None, &some).key(), subject(&one, None, &all).key());
    assert_ne!(subject(&two, None, &all).key(), subject(&one, None, &all).key());
}
