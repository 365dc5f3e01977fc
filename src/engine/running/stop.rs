//! Failures, skips and interrupts: what does not go on.

use crate::engine::build::{Interrupt, Observer};
use crate::engine::error::EngineError;
use crate::engine::running::{Running, State};
use crate::execute::local::Stop;
use crate::graph::ActionId;
use crate::model::event::BuildEvent;
use crate::schedule::scheduler::Event;

impl Running<'_> {
    pub(super) fn give_up(
        &mut self,
        action: ActionId,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        if self.states[action.index()] != State::Active {
            return Ok(());
        }
        self.states[action.index()] = State::Failed;
        self.open -= 1;
        self.summary.failed += 1;
        let label = self.scope.loaded.graph.label(action);
        self.summary.failures.push(label.clone());
        self.go_on_without(action, &format!("`{label}` failed"), observer)?;
        if !self.hands.keep_going && self.interrupts == 0 {
            self.step(Event::StopStarting, observer)?;
            self.skip_waiting(&format!("`{label}` failed"), observer);
        }
        self.skip_if_stopped(observer);
        Ok(())
    }

    /// Skips what cannot be made without an action's outputs. An action that takes what there is
    /// goes on without them, unless the whole build is about to stop.
    pub(super) fn go_on_without(
        &mut self,
        action: ActionId,
        because: &str,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let graph = &self.scope.loaded.graph;
        let goes_on = self.hands.keep_going && self.interrupts == 0;
        let mut partial = Vec::new();
        let mut lost = vec![action];
        while let Some(lost_action) = lost.pop() {
            let waiting: Vec<ActionId> = graph
                .downstream(lost_action)
                .filter(|down| self.states[down.index()] == State::Waiting)
                .collect();
            for down in waiting {
                if goes_on && graph.rule(down).partial {
                    graph.outputs(lost_action).for_each(|(_, made)| self.survey.do_without(made));
                    self.waiting[down.index()] -= 1;
                    partial.push(down);
                } else {
                    self.skip(down, because, observer);
                    lost.push(down);
                }
            }
        }
        for down in partial {
            if self.states[down.index()] == State::Waiting && self.release(down, observer)? {
                self.settle(down, State::Fresh, observer)?;
            }
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, action: ActionId, because: &str, observer: &mut dyn Observer) {
        if !matches!(self.states[action.index()], State::Waiting | State::Active) {
            return;
        }
        self.states[action.index()] = State::Skipped;
        self.open -= 1;
        self.summary.skipped += 1;
        let action = self.action_ref(action);
        observer.event(&BuildEvent::ActionSkipped { action, because: because.to_owned() });
    }

    pub(super) fn skip_waiting(&mut self, because: &str, observer: &mut dyn Observer) {
        for action in self.survey.needed.clone() {
            if self.states[action.index()] == State::Waiting {
                self.skip(action, because, observer);
            }
        }
    }

    pub(super) fn skip_if_stopped(&mut self, observer: &mut dyn Observer) {
        if self.interrupts > 0 {
            self.skip_waiting("the build was stopped", observer);
        }
    }

    pub(super) fn interrupt(
        &mut self,
        interrupt: Interrupt,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        self.interrupts += 1;
        self.summary.interrupted = true;
        let signal = interrupt.name().to_owned();
        observer.event(&BuildEvent::Stopping { signal, running: self.live.len() });
        if self.interrupts == 1 {
            self.hands.local.stop_all(Stop::Gently);
            self.step(Event::StopStarting, observer)?;
            self.skip_if_stopped(observer);
        } else if interrupt == Interrupt::Keyboard {
            self.hands.local.stop_all(Stop::AtOnce);
        }
        Ok(())
    }
}
