//! From an order to start to a running process.

use std::collections::BTreeMap;

use crate::engine::build::{Observer, now_ms};
use crate::engine::commit::{Input, Settled};
use crate::engine::error::EngineError;
use crate::engine::outcome::with_causes;
use crate::engine::prepare::{Attempt, Prepared, Staging};
use crate::engine::running::{Live, Running, STORE_ALIVE};
use crate::engine::survey::{Records, kernel_of};
use crate::fingerprint::Subject;
use crate::graph::ActionId;
use crate::model::digest::Digest;
use crate::model::event::{BuildEvent, Failure, FailureKind};
use crate::model::step::{COSTS_ROLE, KernelInfo, RuleCost};
use crate::store::entry::{AttemptFailed, AttemptStarted, Entry};

impl Running<'_> {
    pub(super) fn start(
        &mut self,
        action: ActionId,
        gpus: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let number = self.next_attempt;
        self.next_attempt += 1;
        let prepared = {
            let work = self.spare.pop();
            let work = work.unwrap_or_else(|| format!("{}/{number}", self.hands.workshop.work));
            let resources = self.admitted[&action].resources();
            let kernel = kernel_of(self.scope.kernels, &self.scope.loaded.graph, action);
            let absent = self.survey.absent();
            let has_costs = |kernel: &KernelInfo| kernel.has_input(COSTS_ROLE);
            let costs =
                if kernel.is_some_and(has_costs) { Some(self.costs(action)?) } else { None };
            let attempt = Attempt { action, work, resources, gpus, kernel, absent, costs };
            self.hands.workshop.prepare(&attempt)
        };
        let Prepared { job, staging } = prepared?;
        let mut staging = staging;
        self.know_outputs(action, &mut staging)?;
        let live = self.live(action, number, staging);
        let begun = self.hands.local.start(&job);
        observer.event(&BuildEvent::ActionStarted {
            action: self.action_ref(action),
            attempt: number,
            executor: live.staging.executor.to_owned(),
            reasons: self.verdict(action).reasons.clone(),
            expected_s: Some(f64::from(self.expected[action.index()])).filter(|&s| s > 0.0),
            time_ms: live.started_ms,
        });
        match begun {
            Ok(process) => {
                self.note_start(action, &live, (process.pid, process.process_start))?;
                self.live.insert(action, live);
                Ok(())
            }
            Err(error) => {
                let failure = Failure {
                    kind: FailureKind::Start,
                    status: with_causes(&error),
                    command: live.staging.shown.clone(),
                    directory: self.scope.tree.root().to_string_lossy().into_owned(),
                    log_tail: Vec::new(),
                    log: None,
                };
                self.note_failure(action, number, &failure)?;
                let settled =
                    Settled { action, attempt: number, spare: None, result: Err(failure) };
                self.settled(settled, observer)
            }
        }
    }

    /// What everything that the action depends on cost when it ran last, by rule in the recipe's
    /// order.
    fn costs(&self, action: ActionId) -> Result<Vec<RuleCost>, EngineError> {
        let graph = &self.scope.loaded.graph;
        let mut by_rule: BTreeMap<usize, RuleCost> = BTreeMap::new();
        for upstream in graph.closure(&[action]).into_iter().filter(|&other| other != action) {
            let Some(record) = self.records.latest(graph.target(upstream))? else { continue };
            let cost = by_rule.entry(graph.rule_index(upstream)).or_default();
            cost.rule.clone_from(&graph.rule(upstream).name);
            cost.actions += 1;
            cost.wall_ms += record.cost.wall_ms;
            cost.cpu_ms += record.cost.cpu_ms;
            cost.peak_memory = cost.peak_memory.max(record.cost.peak_memory);
        }
        Ok(by_rule.into_values().collect())
    }

    /// Notes which outputs stand there as an earlier attempt made them: these may be replaced.
    fn know_outputs(&self, action: ActionId, staging: &mut Staging) -> Result<(), EngineError> {
        let facts = &self.survey.facts;
        if staging.outputs.iter().all(|staged| facts.stamp(staged.artifact).is_missing()) {
            return Ok(());
        }
        // A target is named by its first output: where that one has moved, the key still finds it.
        let latest = self.records.latest(self.scope.loaded.graph.target(action))?;
        let same_key = self.records.by_key(&self.key(action))?;
        for staged in &mut staging.outputs {
            let mut made = latest.iter().chain(&same_key).flat_map(|record| &record.outputs);
            let digest = facts.digest(staged.artifact);
            if made.any(|made| made.path == staged.to && digest == Some(made.digest)) {
                staged.known = Some(*facts.stamp(staged.artifact));
            }
        }
        Ok(())
    }

    pub(super) fn live(&self, action: ActionId, attempt: u64, staging: Staging) -> Live {
        let graph = &self.scope.loaded.graph;
        let kernel = kernel_of(self.scope.kernels, graph, action);
        let digest_of = |artifact| self.survey.input(artifact);
        let components = Subject { graph, action, kernel, digest_of: &digest_of }.components();
        let inputs = graph.inputs(action).filter_map(|(_, artifact)| {
            Some(Input {
                path: graph.path(artifact).to_owned(),
                digest: digest_of(artifact)?,
                stamp: *self.survey.facts.stamp(artifact),
                racy: self.survey.facts.is_racy(artifact),
            })
        });
        Live {
            attempt,
            staging,
            inputs: inputs.collect(),
            components,
            started_ms: now_ms(),
            progress: None,
            has_progress: kernel.is_some(),
        }
    }

    pub(super) fn key(&self, action: ActionId) -> Digest {
        let judged = self.survey.judged[action.index()].as_ref();
        judged.and_then(|judged| judged.key).expect("an action that runs has been judged")
    }

    pub(super) fn note_start(
        &self,
        action: ActionId,
        live: &Live,
        (pid, process_start): (u32, u64),
    ) -> Result<(), EngineError> {
        let entry = Entry::AttemptStarted(AttemptStarted {
            build: self.hands.build,
            attempt: live.attempt,
            target: self.scope.loaded.graph.target(action).to_owned(),
            label: self.scope.loaded.graph.label(action),
            key: self.key(action),
            pid,
            process_start,
            boot_id: self.boot_id.clone(),
            work: live.staging.work.clone(),
            log: live.staging.log(),
            time_ms: live.started_ms,
        });
        Ok(self.store.lock().expect(STORE_ALIVE).append(&[entry])?)
    }

    pub(super) fn note_failure(
        &self,
        action: ActionId,
        attempt: u64,
        failure: &Failure,
    ) -> Result<(), EngineError> {
        let entry = Entry::AttemptFailed(AttemptFailed {
            attempt,
            target: self.scope.loaded.graph.target(action).to_owned(),
            label: self.scope.loaded.graph.label(action),
            key: self.key(action),
            failure: serde_json::to_string(failure).expect("a failure has text keys only"),
            time_ms: now_ms(),
        });
        Ok(self.store.lock().expect(STORE_ALIVE).append(&[entry])?)
    }
}
