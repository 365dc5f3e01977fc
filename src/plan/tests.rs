use super::*;
use crate::graph::sample::{graph_of, items, rule, template};
use crate::graph::{ActionId, Graph};
use crate::model::declare::{Command, EnvVar, Params, PerItem, RuleDecl};
use crate::model::record::Cost;
use crate::model::span::Span;
use crate::model::stamp::Stamp;
use crate::model::value::Value;

fn base() -> RuleDecl {
    let mut base = rule("fit", items(&["run"], &[&["1"]]), &["raw/{run}.h5"], &["fit/{run}.csv"]);
    base.params = PerItem::Same(cut(2));
    base
}

fn cut(value: i64) -> Params {
    let values = Value::Map([("cut".to_owned(), Value::Int(value))].into());
    let origins = [("cut".to_owned(), Span::new("params.toml", 4, 7, 1))].into();
    Params { values, origins }
}

fn digest_of(graph: &Graph, artifact: ArtifactId) -> Digest {
    Digest::of(graph.path(artifact).as_bytes())
}

/// The record that a build of this rule would have left.
fn record_of(rule: RuleDecl) -> Record {
    let graph = graph_of(vec![rule]).unwrap();
    let digest_of = |artifact| Some(digest_of(&graph, artifact));
    let subject =
        Subject { graph: &graph, action: ActionId(0), kernel: None, digest_of: &digest_of };
    let outputs = graph.outputs(ActionId(0)).map(|(_, artifact)| Seen {
        path: graph.path(artifact).to_owned(),
        digest: Digest::of(b"output"),
        stamp: Stamp::MISSING,
    });
    Record {
        key: subject.key(),
        label: "fit@1".to_owned(),
        components: subject.components(),
        discovered: vec![Seen {
            path: "found.h".to_owned(),
            digest: Digest::of(b"found"),
            stamp: Stamp::MISSING,
        }],
        outputs: outputs.collect(),
        cost: Cost::default(),
    }
}

struct World {
    rule: RuleDecl,
    latest: Option<Record>,
    same_key: Option<Record>,
    failed: Option<&'static str>,
    output: Option<Digest>,
    found: Option<Digest>,
    forced: bool,
}

impl World {
    fn built() -> World {
        World {
            rule: base(),
            latest: Some(record_of(base())),
            same_key: None,
            failed: None,
            output: Some(Digest::of(b"output")),
            found: Some(Digest::of(b"found")),
            forced: false,
        }
    }

    fn reasons(&self) -> Vec<Reason> {
        let graph = graph_of(vec![self.rule.clone()]).unwrap();
        let digest_of = |artifact| Some(digest_of(&graph, artifact));
        let subject =
            Subject { graph: &graph, action: ActionId(0), kernel: None, digest_of: &digest_of };
        let key = subject.key();
        let known = self.latest.as_ref().filter(|latest| latest.key == key);
        let facts = Facts {
            key,
            latest: self.latest.as_ref(),
            same_key: self.same_key.as_ref().or(known),
            failed: self.failed,
            output: &|_| self.output,
            discovered: &|_| self.found,
            forced: self.forced,
        };
        let verdict = judge(&subject, &facts);
        assert_eq!(verdict.kind == VerdictKind::Fresh, verdict.reasons.is_empty());
        verdict.reasons
    }
}

#[test]
fn a_recorded_action_with_its_outputs_is_fresh() {
    assert_eq!(World::built().reasons(), []);
}

#[test]
fn an_action_without_a_record_was_never_built() {
    let world = World { latest: None, ..World::built() };
    assert_eq!(world.reasons(), [Reason::NeverBuilt]);
    let world = World { latest: None, failed: Some("exit status 1"), ..World::built() };
    let status = "exit status 1".to_owned();
    assert_eq!(world.reasons(), [Reason::PreviousAttemptFailed { status }]);
}

#[test]
fn a_changed_parameter_is_named_with_its_place() {
    let mut world = World::built();
    world.rule.params = PerItem::Same(cut(3));
    assert_eq!(
        world.reasons(),
        [Reason::ParameterChanged {
            name: "cut".to_owned(),
            old: Some("2".to_owned()),
            new: Some("3".to_owned()),
            at: Some(Span::new("params.toml", 4, 7, 1)),
        }]
    );
}

#[test]
fn going_back_to_an_earlier_key_is_fresh_only_with_its_outputs() {
    let mut world = World::built();
    world.latest = Some(Record {
        key: Digest::of(b"another"),
        components: {
            let mut rule = base();
            rule.params = PerItem::Same(cut(9));
            record_of(rule).components
        },
        ..record_of(base())
    });
    world.same_key = Some(record_of(base()));
    assert_eq!(world.reasons(), []);
    // On disk lies what the newer record made: the reason is what differs from that.
    world.output = Some(Digest::of(b"of nine"));
    assert!(
        matches!(&world.reasons()[..], [Reason::ParameterChanged { old: Some(old), .. }] if old == "9")
    );
}

#[test]
fn each_difference_has_its_reason() {
    let check = |change: fn(&mut RuleDecl), expected: &dyn Fn(&Reason) -> bool| {
        let mut world = World::built();
        change(&mut world.rule);
        let reasons = world.reasons();
        assert!(reasons.iter().any(expected), "{reasons:?}");
    };
    check(
        |r| r.inputs = rule("x", None, &["raw/{run}.h5", "new.txt"], &["x"]).inputs,
        &|r| matches!(r, Reason::InputAdded { name } if name == "new.txt"),
    );
    check(
        |r| r.inputs = rule("x", None, &["other/{run}.h5"], &["x"]).inputs,
        &|r| matches!(r, Reason::InputRemoved { name } if name == "raw/1.h5"),
    );
    check(
        |r| r.command = Command::Argv(vec![template("other"), template("{output}")]),
        &|r| matches!(r, Reason::CommandChanged { old, new } if old.starts_with("make-it") && new.starts_with("other")),
    );
    check(
        |r| r.env = vec![EnvVar::Passed { name: "MODE".into(), value: Some("x".into()) }],
        &|r| matches!(r, Reason::EnvironmentChanged { name, old: None, new: Some(new) } if name == "MODE" && new == "x"),
    );
    check(
        |r| r.container = Some("fit:2".into()),
        &|r| matches!(r, Reason::EnvironmentChanged { name, .. } if name == "container image"),
    );
    check(|r| r.outputs = rule("x", None, &[], &["fit/{run}.csv", "more"]).outputs, &|r| {
        matches!(r, Reason::OutputsChanged { .. })
    });
}

#[test]
fn outputs_and_discovered_inputs_are_looked_at() {
    let name = || "fit/1.csv".to_owned();
    let world = World { output: None, ..World::built() };
    assert_eq!(world.reasons(), [Reason::OutputMissing { name: name() }]);
    let world = World { output: Some(Digest::of(b"by hand")), ..World::built() };
    assert_eq!(world.reasons(), [Reason::OutputModified { name: name() }]);
    let world = World { found: None, ..World::built() };
    assert!(matches!(&world.reasons()[..], [Reason::DiscoveredInputChanged { new: None, .. }]));
}

#[test]
fn forcing_is_a_reason_of_its_own() {
    let world = World { forced: true, ..World::built() };
    assert_eq!(world.reasons(), [Reason::Forced]);
}
