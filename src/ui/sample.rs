//! Events for the tests of this room.

use std::time::Duration;

use crate::model::digest::Digest;
use crate::model::event::{ActionRef, BuildEvent, BuildSummary, Failure, FailureKind};
use crate::model::reason::{Reason, VerdictKind};
use crate::model::record::Cost;
use crate::model::span::Span;
use crate::model::step::Progress;

pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Action `id` of a rule, labelled `rule@id`.
pub fn action(rule: &str, id: u32) -> ActionRef {
    ActionRef { id, rule: rule.to_owned(), label: format!("{rule}@{id}") }
}

pub fn parameter() -> Reason {
    Reason::ParameterChanged {
        name: "get.peak_threshold".to_owned(),
        old: Some("40.0".to_owned()),
        new: Some("45.0".to_owned()),
        at: Some(Span::new("params.toml", 12, 18, 4)),
    }
}

pub fn input(name: &str) -> Reason {
    let (old, new) = (Digest([0x9f; 32]), Digest([0x77; 32]));
    Reason::InputChanged { name: name.to_owned(), old, new, made_by: None }
}

pub fn started_build(dry_run: bool) -> BuildEvent {
    BuildEvent::BuildStarted {
        stream: 1,
        build: 7,
        attpc: "0.1.0".to_owned(),
        time_ms: 1_700_000_000_000,
        targets: vec!["summary".to_owned()],
        dry_run,
    }
}

pub fn planned(fresh: usize, stale: usize, seconds_left: Option<f64>) -> BuildEvent {
    BuildEvent::Planned { fresh, restorable: 0, stale, pending: 0, seconds_left }
}

pub fn started(action: ActionRef, reasons: Vec<Reason>) -> BuildEvent {
    BuildEvent::ActionStarted {
        action,
        attempt: 3,
        executor: "local".to_owned(),
        reasons,
        expected_s: Some(40.0),
        time_ms: 1_700_000_000_100,
    }
}

pub fn finished(action: ActionRef, wall_ms: u64) -> BuildEvent {
    let cost = Cost { wall_ms, executor: "local".to_owned(), ..Cost::default() };
    let outputs = vec!["work/run_0104.h5".to_owned()];
    BuildEvent::ActionFinished { action, attempt: 3, cost, outputs, time_ms: 1_700_000_000_200 }
}

pub fn failure() -> Failure {
    Failure {
        kind: FailureKind::Exit,
        status: "exit status 3".to_owned(),
        command: "python3 fit.py 'run 1.h5'".to_owned(),
        directory: "/data/e20009".to_owned(),
        log_tail: vec!["reading".to_owned(), "no\x1b[31m peaks".to_owned()],
        log: Some(".attpc/logs/000003.log".to_owned()),
    }
}

pub fn failed(action: ActionRef, will_retry: bool) -> BuildEvent {
    let time_ms = 1_700_000_000_300;
    BuildEvent::ActionFailed { action, attempt: 3, failure: failure(), will_retry, time_ms }
}

pub fn progress(action: ActionRef, done: u64) -> BuildEvent {
    let counts = [("points".to_owned(), (done * 8) as f64)].into();
    let progress = Progress { done, total: 920, unit: "events".to_owned(), counts };
    BuildEvent::ActionProgress { action, progress }
}

pub fn summary() -> BuildSummary {
    BuildSummary { build: 7, fresh: 207, executed: 5, wall_ms: 12_000, ..BuildSummary::default() }
}

/// One event of each kind.
pub fn one_of_each() -> Vec<BuildEvent> {
    let a = || action("pointcloud", 104);
    vec![
        started_build(false),
        BuildEvent::Waiting { holder: "pid 7 on daq1".to_owned(), seconds: 3 },
        BuildEvent::Evaluated { rules: 3, actions: 212, cached: true, wall_ms: 2 },
        BuildEvent::Hashing { files_done: 1, files: 2, bytes_done: 10, bytes: 20 },
        planned(207, 5, Some(60.0)),
        BuildEvent::ActionPlanned {
            action: a(),
            verdict: VerdictKind::Stale,
            reasons: vec![parameter()],
        },
        started(a(), vec![parameter()]),
        progress(a(), 312),
        BuildEvent::ActionEnded { action: a(), attempt: 1, time_ms: 1 },
        BuildEvent::ActionCutOff { action: a() },
        finished(a(), 3200),
        failed(a(), false),
        BuildEvent::ActionSkipped { action: a(), because: "pointcloud@104 failed".to_owned() },
        BuildEvent::Warning { message: "odd".to_owned(), span: None },
        BuildEvent::Stopping { signal: "SIGINT".to_owned(), running: 2 },
        BuildEvent::BuildFinished(summary()),
    ]
}
