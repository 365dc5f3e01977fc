//! From an ended process to what its result means for those that waited.

use crate::engine::build::{Observer, now_ms};
use crate::engine::commit::{Finished, Made, MadeOutput, Settled};
use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::running::{Running, State};
use crate::engine::survey::Judged;
use crate::execute::local::{Ended, How};
use crate::graph::ActionId;
use crate::model::event::{BuildEvent, Failure, FailureKind};
use crate::model::reason::VerdictKind;
use crate::schedule::scheduler::{End, Event, Order};

impl Running<'_> {
    /// A process ended: its cores are free at once, its outputs go to the committer.
    pub(super) fn ended(
        &mut self,
        ended: Ended,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let action = ActionId(ended.id);
        let Some(live) = self.live.remove(&action) else { return Ok(()) };
        let graph = &self.scope.loaded.graph;
        let went_well = ended.how == How::Exited(0);
        let finished = Finished {
            action,
            attempt: live.attempt,
            label: graph.label(action),
            target: graph.target(action).to_owned(),
            key: self.key(action),
            components: live.components,
            inputs: live.inputs,
            staging: live.staging,
            ended,
            started_ms: live.started_ms,
            ended_ms: now_ms(),
            host: self.host.clone(),
            is_kernel: live.has_progress,
        };
        observer.event(&BuildEvent::ActionEnded {
            action: self.action_ref(action),
            attempt: finished.attempt,
            time_ms: finished.ended_ms,
        });
        self.committing += 1;
        self.hands.finished.send(finished).expect("the committer lives as long as the loop");
        if !went_well {
            return Ok(());
        }
        if self.committing < limits::COMMITTING_MOST {
            return self.step(Event::Ended { action: action.0, end: End::Done }, observer);
        }
        self.held.push(action);
        Ok(())
    }

    /// An attempt was settled: cores that were held back while too many waited are freed.
    pub(super) fn one_settled(&mut self, observer: &mut dyn Observer) -> Result<(), EngineError> {
        self.committing = self.committing.saturating_sub(1);
        if self.committing < limits::COMMITTING_MOST
            && let Some(action) = self.held.pop()
        {
            self.step(Event::Ended { action: action.0, end: End::Done }, observer)?;
        }
        Ok(())
    }

    pub(super) fn settled(
        &mut self,
        settled: Settled,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let Settled { action, attempt, spare, result } = settled;
        self.spare.extend(spare);
        match result {
            Ok(made) => self.succeeded(action, attempt, made, observer),
            Err(failure) => self.attempt_failed(action, attempt, failure, observer),
        }
    }

    pub(super) fn succeeded(
        &mut self,
        action: ActionId,
        attempt: u64,
        made: Made,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let facts = &mut self.survey.facts;
        let same = |output: &MadeOutput| facts.digest(output.artifact) == Some(output.digest);
        if made.outputs.iter().all(same) {
            self.summary.unchanged += 1;
        }
        for output in &made.outputs {
            facts.set(output.artifact, output.digest, output.stamp, output.racy);
        }
        if let Some(judged) = &mut self.survey.judged[action.index()] {
            judged.discovered = made.discovered;
        }
        self.warn(action, &made.warnings, observer);
        self.summary.executed += 1;
        self.summary.cpu_ms += made.cost.cpu_ms;
        self.durations.push((made.cost.wall_ms, action));
        let graph = &self.scope.loaded.graph;
        let paths = graph.outputs(action).map(|(_, artifact)| graph.path(artifact).to_owned());
        observer.event(&BuildEvent::ActionFinished {
            action: self.action_ref(action),
            attempt,
            cost: made.cost,
            outputs: paths.collect(),
            time_ms: now_ms(),
        });
        self.settle(action, State::Executed, observer)
    }

    /// Marks an action as done well and judges what waited for it.
    pub(super) fn settle(
        &mut self,
        action: ActionId,
        state: State,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let mut done = vec![(action, state)];
        while let Some((action, state)) = done.pop() {
            self.states[action.index()] = state;
            self.open -= 1;
            let downstream: Vec<ActionId> = self.scope.loaded.graph.downstream(action).collect();
            for down in downstream {
                if self.states[down.index()] == State::Waiting {
                    self.waiting[down.index()] -= 1;
                    if self.release(down, observer)? {
                        done.push((down, State::Fresh));
                    }
                }
            }
        }
        self.skip_if_stopped(observer);
        Ok(())
    }

    /// Judges an action when nothing upstream is open any more: stale ones become ready, and true
    /// says that the action turned out fresh and has to be settled.
    pub(super) fn release(
        &mut self,
        action: ActionId,
        observer: &mut dyn Observer,
    ) -> Result<bool, EngineError> {
        if self.waiting[action.index()] > 0 || self.interrupts > 0 {
            return Ok(false);
        }
        if let Some(role) = self.survey.lacking_role(self.scope, action) {
            let because = match role.as_str() {
                "" => "none of its inputs could be made".to_owned(),
                role => format!("none of its inputs `{role}` could be made"),
            };
            self.skip(action, &because, observer);
            self.go_on_without(action, &because, observer)?;
            return Ok(false);
        }
        let judged = self.judge(action)?;
        let fresh = judged.verdict.kind == VerdictKind::Fresh;
        self.survey.judged[action.index()] = Some(judged);
        if fresh {
            observer.event(&BuildEvent::ActionCutOff { action: self.action_ref(action) });
        } else {
            self.make_ready(action, observer)?;
        }
        Ok(fresh)
    }

    pub(super) fn judge(&self, action: ActionId) -> Result<Judged, EngineError> {
        self.survey.judge(self.scope, action, &self.records)
    }

    pub(super) fn attempt_failed(
        &mut self,
        action: ActionId,
        attempt: u64,
        failure: Failure,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        if failure.kind == FailureKind::Cancelled && self.interrupts > 0 {
            self.scheduler.step(Event::Ended { action: action.0, end: End::Done }, self.now());
            self.skip(action, "the build was stopped", observer);
            self.skip_if_stopped(observer);
            return Ok(());
        }
        let again = failure.kind == FailureKind::InputChanged && !self.made_input_moved(action);
        if again && self.interrupts == 0 {
            let tries = self.input_changes.entry(action).or_default();
            *tries += 1;
            if *tries <= limits::INPUT_CHANGED_RETRIES {
                observer.event(&self.failed_event((action, attempt), failure, true));
                self.survey.look_again(self.scope, action)?;
                let judged = self.judge(action)?;
                self.survey.judged[action.index()] = Some(judged);
                return self.make_ready(action, observer);
            }
        }
        let end = End::Failed { retry: self.may_retry(&failure) };
        let orders = self.scheduler.step(Event::Ended { action: action.0, end }, self.now());
        let again =
            |order: &Order| matches!(order, Order::RetryAt { action: a, .. } if *a == action.0);
        let will_retry = orders.iter().any(again);
        observer.event(&self.failed_event((action, attempt), failure, will_retry));
        self.carry_out(orders, observer)?;
        if will_retry {
            return Ok(());
        }
        // The scheduler gave it up too, unless its process had ended well already and only its
        // outputs could not be committed.
        self.give_up(action, observer)
    }

    /// True when an input that another action made is not as that action made it. Reading it again
    /// would take somebody's work for that action's result.
    fn made_input_moved(&self, action: ActionId) -> bool {
        let graph = &self.scope.loaded.graph;
        graph.inputs(action).any(|(_, artifact)| {
            let now = self.scope.tree.stamp(graph.path(artifact));
            graph.producer(artifact).is_some()
                && !now.is_ok_and(|now| now.vouches_for(self.survey.facts.stamp(artifact)))
        })
    }

    pub(super) fn may_retry(&self, failure: &Failure) -> bool {
        let sensible = matches!(
            failure.kind,
            FailureKind::Exit
                | FailureKind::TimedOut
                | FailureKind::OutOfMemory
                | FailureKind::LogLimit
        );
        sensible && self.interrupts == 0
    }

    pub(super) fn failed_event(
        &self,
        settled: (ActionId, u64),
        failure: Failure,
        will_retry: bool,
    ) -> BuildEvent {
        let (action, attempt) = settled;
        BuildEvent::ActionFailed {
            action: self.action_ref(action),
            attempt,
            failure,
            will_retry,
            time_ms: now_ms(),
        }
    }
}
